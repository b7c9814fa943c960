"""A worker of the herd, in Python: orders and answers are those of tests/src/real/script.rs. Its callers are tasks."""

import asyncio
import json
import sys
import time

from tokenward import AccessToken, TokenError, TokenSource


def now() -> int:
    return int(time.time() * 1000)


def reply(number: int, got: list[dict[str, object]]) -> None:
    print(json.dumps({"Reply": {"id": number, "got": got}}), flush=True)


def got(outcome: AccessToken | TokenError) -> dict[str, object]:
    if isinstance(outcome, TokenError):
        return {"outcome": {"Err": outcome.kind}, "ends_at": 0, "done_at": now()}
    return {"outcome": {"Ok": outcome.fingerprint}, "ends_at": int((outcome.expires_at or 0) * 1000), "done_at": now()}


async def ask(source: TokenSource) -> dict[str, object]:
    try:
        return got(await source.get_token_async())
    except TokenError as error:
        return got(error)


async def ask_at(source: TokenSource, at: int, callers: int) -> list[dict[str, object]]:
    while (left := at - now()) > 0:
        await asyncio.sleep(left / 1000)
    return await asyncio.gather(*(ask(source) for _ in range(callers)))


first = json.loads(sys.stdin.readline())
opened = first["command"]["Open"]
settings = {name: opened[name] for name in ("store", "token_url", "client_id")}
source = TokenSource(settings | {"user_agent": opened["name"]})
reply(first["id"], [])
for line in sys.stdin:
    order = json.loads(line)
    match order["command"]:
        case {"Get": {"at": at, "threads": callers}}:
            reply(order["id"], asyncio.run(ask_at(source, at, callers)))
        case "Close":
            source.close()
            reply(order["id"], [{"outcome": {"Ok": ""}, "ends_at": 0, "done_at": now()}])
        case other:
            sys.exit(f"this worker cannot do {other}")
