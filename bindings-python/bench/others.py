"""What a fresh token costs with the libraries people use today, in the same run. None of them sees other processes."""

# The gate has no such libraries: they are the environment's of `bench/run`.
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import sys
import time
import timeit
from datetime import datetime, timedelta, timezone
from typing import Any

import msal
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from google.oauth2.credentials import Credentials
from tokenward import AccessToken, TokenSource

HOUR, RUNS = 3600, 100


def best(name: str, statement: str, number: int = 1_000, **names: object) -> None:
    """Prints the best run."""
    runs = timeit.repeat(statement, globals=names, number=number, repeat=RUNS)
    print(f"{min(runs) / number * 1e9:7.0f} ns  {name}")


async def best_awaited(name: str, call: Any, number: int = 1_000) -> None:
    """Prints the best run for `await`."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        for _ in range(number):
            await call()
        times.append(time.perf_counter() - start)
    print(f"{min(times) / number * 1e9:7.0f} ns  {name}")


def google() -> Credentials:
    """Returns credentials that are fresh."""
    end = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(hours=1)
    return Credentials("access-token-1", refresh_token="refresh-token-1", token_uri="https://id.test", expiry=end)


class Tenant:
    """Answers what msal asks its server at the start: nothing leaves this process."""

    def get(self, *_: object, **__: object) -> Any:
        class Answer:
            status_code = 200
            headers: dict[str, str] = {}  # noqa: RUF012
            text = json.dumps(
                {
                    "authorization_endpoint": "https://id.test/tenant/authorize",
                    "token_endpoint": "https://id.test/tenant/token",
                    "issuer": "https://id.test/tenant",
                }
            )

            def raise_for_status(self) -> None:
                pass

        return Answer()

    post = get

    def close(self) -> None:
        pass


def microsoft() -> tuple[msal.PublicClientApplication, dict[str, str]]:
    """Returns an application with a fresh token, and its account."""
    app = msal.PublicClientApplication(
        "client-1",
        authority="https://login.microsoftonline.com/tenant",
        http_client=Tenant(),
        instance_discovery=False,
    )
    app.token_cache.add(
        {
            "client_id": "client-1",
            "scope": ["scope-1"],
            "token_endpoint": "https://login.microsoftonline.com/tenant/token",
            "response": {
                "access_token": "access-token-1",
                "expires_in": HOUR,
                "client_info": "eyJ1aWQiOiJ1IiwidXRpZCI6InQifQ",
                "id_token_claims": {"preferred_username": "me"},
            },
        }
    )
    account = app.get_accounts()[0]
    assert app.acquire_token_silent(["scope-1"], account)["access_token"] == "access-token-1"
    return app, account


def main() -> None:
    """Prints the figures."""
    token = {"access_token": "access-token-1", "token_type": "Bearer", "expires_at": int(time.time()) + HOUR}
    session = OAuth2Session("client-1", token=token, token_endpoint="https://id.test")
    app, account = microsoft()
    source = TokenSource.static(AccessToken("access-token-1"))

    print(f"a fresh token, Python {sys.version.split()[0]}; bench/fresh.py has a source on a file")
    best("tokenward: source.authorization()", "get()", get=source.authorization)
    best("google-auth: credentials.before_request(…)", "get(None, 'GET', '', {})", get=google().before_request)
    best(
        "authlib: session.ensure_active_token(token)",
        "get(token)",
        get=session.ensure_active_token,
        token=session.token,
    )
    best(
        "msal: app.acquire_token_silent(scopes, account)",
        "get(scopes, account)",
        number=20,
        get=app.acquire_token_silent,
        scopes=["scope-1"],
        account=account,
    )

    async def awaited() -> None:
        client = AsyncOAuth2Client("client-1", token=token, token_endpoint="https://id.test")
        await best_awaited("tokenward: await source.get_token_async()", source.get_token_async)
        await best_awaited(
            "authlib: await client.ensure_active_token(token)", lambda: client.ensure_active_token(client.token)
        )

    asyncio.run(awaited())


if __name__ == "__main__":
    main()
