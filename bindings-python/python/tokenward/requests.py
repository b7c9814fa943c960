"""The token in the requests of requests: `session.auth = Auth(source)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests.auth
import requests.utils

if TYPE_CHECKING:
    from tokenward import AccessToken, TokenSource


class Auth(requests.auth.AuthBase):
    """Authorizes requests, and repeats one that is answered 401 once with a newer token.

    It is repeated only if there is a newer token, its body can be sent again, and it was the request's own origin that
    refused it: what another origin says after a redirect is none of the source's business.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """See requests.auth.AuthBase."""
        token = self._source.get_token()
        request.headers["Authorization"] = token.authorization()
        origin = _origin(request.url)

        def repeat(response: requests.Response, **options: Any) -> requests.Response:
            # The hook goes along with redirects; the header does not leave its host.
            sent = response.request.headers.get("Authorization")
            is_ours = sent == token.authorization() and _origin(response.request.url) == origin
            return self._repeat(response, token, options) if response.status_code == 401 and is_ours else response

        hooks: Any = request
        hooks.register_hook("response", repeat)
        return request

    def _repeat(self, response: requests.Response, token: AccessToken, options: dict[str, Any]) -> requests.Response:
        self._source.report_refused(token)
        newer = self._source.get_token()
        request = response.request.copy()
        if newer == token or not _can_be_repeated(request):
            return response
        # The connection is free for the repetition when the answer is read.
        _ = response.content
        response.close()
        request.headers["Authorization"] = newer.authorization()
        # The adapter that sent it: no hook runs again, so there is one repetition at most.
        adapter: Any = response.connection
        repeated: requests.Response = adapter.send(request, **options)
        repeated.history.append(response)
        repeated.request = request
        return repeated


def _origin(url: str | None) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url or "")
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _can_be_repeated(request: requests.PreparedRequest) -> bool:
    if request.body is None or isinstance(request.body, (bytes, str)):
        return True
    try:
        requests.utils.rewind_body(request)
    except requests.exceptions.UnrewindableBodyError:
        return False
    return True
