"""The token in the requests of httpx, and the requests for tokens over httpx."""

from __future__ import annotations

import re
import ssl
import time
from contextlib import aclosing, closing
from typing import TYPE_CHECKING

import httpx

from tokenward._tokenward import MAX_BODY, MaybeSent, NotSent, Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from tokenward import AccessToken, Request, TokenSource


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


class Transport:
    """Sends token requests over httpx: `TokenSource(settings, transport=Transport(client))`.

    For what httpx can do and the built-in transport cannot: client certificates, SOCKS proxies, a test's own transport.
    The client's connections are used, and neither its auth, headers and cookies nor its redirects. Without a client
    each request has one of its own.
    """

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._client = client

    def send(self, request: Request) -> Response | NotSent | MaybeSent:
        """See tokenward.Transport."""
        if self._client is not None:
            return _send(self._client, request)
        try:
            client = httpx.Client()
        except Exception as error:
            return _unusable(error)
        with client:
            return _send(client, request)


class AsyncTransport:
    """The same over asyncio, for a host of your own: `effect.answer(await transport.send(effect.request))`."""

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._client = client

    async def send(self, request: Request) -> Response | NotSent | MaybeSent:
        """Sends the request once. Cancelled, it may have sent it."""
        if self._client is not None:
            return await _send_async(self._client, request)
        try:
            client = httpx.AsyncClient()
        except Exception as error:
            return _unusable(error)
        async with client:
            return await _send_async(client, request)


def _send(client: httpx.Client, request: Request) -> Response | NotSent | MaybeSent:
    if client.is_closed:
        return NotSent("the client is closed")
    post, body, ends = _post(request), bytearray(), time.monotonic() + request.timeout
    try:
        with closing(client.send(post, stream=True, auth=None, follow_redirects=False)) as answer:
            for part in answer.iter_bytes():
                body += part
                if time.monotonic() > ends:
                    return MaybeSent("timeout: answer")
                if len(body) > MAX_BODY:
                    break
    except Exception as error:
        return _fault(error)
    return _response(answer, body)


async def _send_async(client: httpx.AsyncClient, request: Request) -> Response | NotSent | MaybeSent:
    if client.is_closed:
        return NotSent("the client is closed")
    post, body, ends = _post(request), bytearray(), time.monotonic() + request.timeout
    try:
        async with aclosing(await client.send(post, stream=True, auth=None, follow_redirects=False)) as answer:
            async for part in answer.aiter_bytes():
                body += part
                if time.monotonic() > ends:
                    return MaybeSent("timeout: answer")
                if len(body) > MAX_BODY:
                    break
    except Exception as error:
        return _fault(error)
    return _response(answer, body)


def _post(request: Request) -> httpx.Request:
    # Not made by the client, which would add headers and cookies of its own.
    headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
    timeout = httpx.Timeout(request.timeout, connect=request.connect_timeout).as_dict()
    headers.append((b"connection", b"close"))
    return httpx.Request("POST", request.url, headers=headers, content=request.body, extensions={"timeout": timeout})


def _response(answer: httpx.Response, body: bytearray) -> Response:
    return Response(answer.status_code, list(answer.headers.items()), bytes(body[:MAX_BODY]))


def _unusable(error: Exception) -> NotSent:
    # A client without settings takes them from the environment: a proxy, a file of certificates.
    return NotSent(f"httpx cannot be used: {type(error).__name__}")


def _fault(error: Exception) -> NotSent | MaybeSent:
    name = type(error).__name__
    if isinstance(error, httpx.ConnectError):
        return NotSent(f"{name}: {error}", blocked=_is_about_certificates(error))
    if isinstance(error, httpx.ProxyError):
        # A proxy that is willing, and cannot reach the server or is busy, is like a network that is down.
        return NotSent(f"{name}: {error}", blocked=re.match(r"4(?!08|29)\d\d ", str(error)) is not None)
    if isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)):
        return NotSent(name)
    # The request may be with the server. The error's own words may quote it.
    return MaybeSent(name)


def _is_about_certificates(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


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
