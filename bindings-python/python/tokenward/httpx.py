"""The token in the requests of httpx: `httpx.Client(auth=Auth(source))`, and the same for `AsyncClient`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from tokenward import AccessToken, TokenSource


class Auth(httpx.Auth):
    """Authorizes requests, and repeats one that is answered 401 once with a newer token.

    It is repeated only if there is a newer token, its body can be sent again, and it was the request's own origin that
    refused it: what another origin says after a redirect is none of the source's business.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See httpx.Auth."""
        token = self._source.get_token()
        response = yield _with(token, request)
        if _is_refused(response, token, request):
            self._source.report_refused(token)
            newer = self._source.get_token()
            if newer != token and _can_be_repeated(response.request):
                yield _with(newer, response.request)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See httpx.Auth."""
        token = await self._source.get_token_async()
        response = yield _with(token, request)
        if _is_refused(response, token, request):
            self._source.report_refused(token)
            newer = await self._source.get_token_async()
            if newer != token and _can_be_repeated(response.request):
                yield _with(newer, response.request)


def _with(token: AccessToken, request: httpx.Request) -> httpx.Request:
    request.headers["Authorization"] = token.authorization()
    return request


def _is_refused(response: httpx.Response, token: AccessToken, request: httpx.Request) -> bool:
    # After a redirect this is the last request of the chain, and httpx has dropped the header where the origin changed.
    sent = response.request.headers.get("Authorization")
    return (
        response.status_code == 401 and sent == token.authorization() and _origin(response.url) == _origin(request.url)
    )


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _can_be_repeated(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)
