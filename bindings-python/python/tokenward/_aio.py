"""The wait of an event loop: the driver's own thread wakes it, and no thread waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenward._tokenward import AccessToken, Wait


async def settle(token: AccessToken | None, wait: Wait | None = None) -> AccessToken:
    """Returns the token that is there, or the one to come. Cancelled, it lets go of the result and nothing else."""
    if wait is None:
        assert token is not None
        return token
    loop = asyncio.get_running_loop()
    try:
        while True:
            turn = loop.create_future()
            token = wait.poll(loop.call_soon_threadsafe, _release, turn)
            if token is not None:
                return token
            await turn
    finally:
        wait.close()


def _release(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
