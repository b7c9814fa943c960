"""`tokenward.httpx.Auth` and `tokenward.requests.Auth` with the real libraries, against a server that revokes early."""

from __future__ import annotations

import asyncio
import io
import json
import time
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import pytest
import requests
import tokenward.httpx
import tokenward.requests
from resources import Resource
from tokenward import AccessToken, Grant, TokenSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tokenward.testing import Provider


class Ask(Protocol):
    """Sends one request and returns its status and the number of answers before it."""

    def __call__(self, source: TokenSource, method: str, url: str, body: Any = None) -> int: ...


def by_httpx(source: TokenSource, method: str, url: str, body: Any = None) -> int:
    with httpx.Client(auth=tokenward.httpx.Auth(source), follow_redirects=True, trust_env=False) as client:
        return client.request(method, url, content=body).status_code


def by_async_httpx(source: TokenSource, method: str, url: str, body: Any = None) -> int:
    async def parts(body: Iterator[bytes]) -> AsyncIterator[bytes]:
        for part in body:
            yield part

    async def ask() -> int:
        content = body if body is None or isinstance(body, bytes) else parts(body)
        auth = tokenward.httpx.Auth(source)
        async with httpx.AsyncClient(auth=auth, follow_redirects=True, trust_env=False) as client:
            return (await client.request(method, url, content=content)).status_code

    return asyncio.run(ask())


def by_requests(source: TokenSource, method: str, url: str, body: Any = None) -> int:
    with requests.Session() as session:
        session.auth, session.trust_env = tokenward.requests.Auth(source), False
        return session.request(method, url, data=body).status_code


every_library = pytest.mark.parametrize("ask", [by_httpx, by_async_httpx, by_requests])


@pytest.fixture
def resource() -> Iterator[Resource]:
    """A server that takes no token yet."""
    with Resource() as resource:
        yield resource


@pytest.fixture
def old(tokenward_provider: Provider, store: Path) -> Iterator[tuple[TokenSource, AccessToken]]:
    """A source whose token is old enough that its refusal is believed, and that token."""
    token = AccessToken("access-token-1", time.time() + 1800)
    grant = Grant(token, tokenward_provider.refresh_token, issued_at=time.time() - 1800)
    with TokenSource(tokenward_provider.settings(store)) as source:
        source.save(grant)
    with TokenSource(tokenward_provider.settings(store)) as source:
        yield source, source.get_token()


def newer(store: Path) -> str:
    """Returns the token in a store."""
    token: str = json.loads(store.read_text())["access_token"]
    return token


@every_library
def test_a_request_is_authorized(ask: Ask, resource: Resource, old: tuple[TokenSource, AccessToken]) -> None:
    source, token = old
    resource.live.add("access-token-1")

    assert ask(source, "GET", resource.url) == 200
    assert [asked.authorization for asked in resource.asked] == [token.authorization()]


@every_library
@pytest.mark.parametrize("body", [None, b"a body"])
def test_a_refused_token_is_replaced_and_the_request_repeated_once(
    ask: Ask,
    body: bytes | None,
    resource: Resource,
    old: tuple[TokenSource, AccessToken],
    tokenward_provider: Provider,
) -> None:
    source, token = old

    assert ask(source, "POST", resource.url, body) == 401

    # The server takes no token at all: one repetition, and then it is the caller's.
    assert [asked.body for asked in resource.asked] == [body or b""] * 2
    assert resource.asked[0].authorization == token.authorization()
    assert resource.asked[1].authorization == source.authorization()
    assert source.get_token() != token
    assert tokenward_provider.stats()["requests"] == 1


@every_library
def test_a_token_that_others_replaced_meanwhile_costs_no_refresh(
    ask: Ask, resource: Resource, old: tuple[TokenSource, AccessToken], tokenward_provider: Provider, store: Path
) -> None:
    source, _ = old
    with TokenSource(tokenward_provider.settings(store), user_agent="other") as other:
        resource.live.add(other.refresh().expose())

    assert ask(source, "GET", resource.url) == 200
    assert tokenward_provider.stats()["requests"] == 1


@every_library
def test_a_token_that_is_young_is_not_replaced_and_nothing_repeated(
    ask: Ask, resource: Resource, tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    tokenward_source.get_token()

    assert ask(tokenward_source, "GET", resource.url) == 401
    assert len(resource.asked) == 1
    assert tokenward_provider.stats()["requests"] == 1


@every_library
def test_a_body_that_is_gone_is_not_sent_again(
    ask: Ask, resource: Resource, old: tuple[TokenSource, AccessToken]
) -> None:
    source, token = old

    assert ask(source, "POST", resource.url, iter([b"a ", b"stream"])) == 401

    assert [asked.body for asked in resource.asked] == [b"a stream"]
    # The next one goes out with the newer token.
    assert source.get_token() != token


def test_a_file_is_sent_again_from_where_it_began(resource: Resource, old: tuple[TokenSource, AccessToken]) -> None:
    source, _ = old
    body = io.BytesIO(b"not this: a body")
    body.seek(10)

    assert by_requests(source, "POST", resource.url, body) == 401

    assert [asked.body for asked in resource.asked] == [b"a body"] * 2


@every_library
@pytest.mark.parametrize("status", [302, 307])
def test_another_origin_gets_no_token_and_its_refusal_is_not_believed(
    ask: Ask, status: int, resource: Resource, old: tuple[TokenSource, AccessToken], tokenward_provider: Provider
) -> None:
    source, token = old
    with Resource() as other:
        other_url = other.url.replace("127.0.0.1", "localhost")
        resource.redirect = (status, other_url + "/there")

        assert ask(source, "GET", resource.url + "/away") == 401

        assert [asked.authorization for asked in other.asked] == [None]
    assert source.get_token() == token
    assert tokenward_provider.stats()["requests"] == 0


@every_library
def test_a_redirect_within_the_origin_repeats_its_last_request_only(
    ask: Ask, resource: Resource, old: tuple[TokenSource, AccessToken]
) -> None:
    source, _ = old
    resource.redirect = (303, "/there")

    assert ask(source, "POST", resource.url + "/away", b"a body") == 401

    assert [(asked.method, asked.path) for asked in resource.asked] == [
        ("POST", "/away"),
        ("GET", "/there"),
        ("GET", "/there"),
    ]


@every_library
def test_other_answers_are_the_callers(ask: Ask, resource: Resource, old: tuple[TokenSource, AccessToken]) -> None:
    source, token = old
    resource.redirect = (403, "/")

    assert ask(source, "GET", resource.url + "/away") == 403
    assert len(resource.asked) == 1
    assert source.get_token() == token


@every_library
def test_without_a_token_nothing_is_sent(ask: Ask, resource: Resource, store: Path) -> None:
    source = TokenSource(token_url="http://127.0.0.1:1/token", client_id="c", store=store)

    with pytest.raises(tokenward.SignedOut):
        ask(source, "GET", resource.url)

    assert resource.asked == []


@every_library
def test_a_login_that_ended_is_told_at_the_request(
    ask: Ask, resource: Resource, old: tuple[TokenSource, AccessToken], tokenward_provider: Provider
) -> None:
    source, _ = old
    tokenward_provider.control(revoke="family")

    with pytest.raises(tokenward.ReauthRequired):
        ask(source, "GET", resource.url)
