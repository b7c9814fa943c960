"""What a fresh token costs, beside a call of a compiled function that does nothing, measured in the same run."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import timeit
from pathlib import Path
from typing import TYPE_CHECKING

from tokenward._tokenward import nothing
from tokenward.testing import Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Short enough that some of the runs are interrupted by nobody, on a busy machine too.
NUMBER, RUNS = 5_000, 200


def best(statement: str, **names: object) -> float:
    """Returns the best run, in nanoseconds for each call."""
    runs = timeit.repeat(statement, globals=names, number=NUMBER, repeat=RUNS)
    return min(runs) / NUMBER * 1e9


async def awaited(call: Callable[[], Awaitable[object]]) -> float:
    """Returns the best run for `await`."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        for _ in range(NUMBER):
            await call()
        times.append(time.perf_counter() - start)
    return min(times) / NUMBER * 1e9


async def empty_coroutine() -> None:
    """Does nothing."""


def main() -> None:
    """Prints the figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Provider() as provider,
        provider.source(Path(folder) / "login.json") as source,
    ):
        source.get_token()
        empty = best("nothing()", nothing=nothing)
        print(f"Python {sys.version.split()[0]}")
        print(f"{empty:6.0f} ns  an empty call")
        print(f"{best('get_token()', get_token=source.get_token):6.0f} ns  get_token()")
        print(f"{best('source.get_token()', source=source):6.0f} ns  source.get_token()")
        print(f"{best('source.authorization()', source=source):6.0f} ns  source.authorization()")
        print(f"{asyncio.run(awaited(empty_coroutine)):6.0f} ns  await of a coroutine that does nothing")
        print(f"{asyncio.run(awaited(source.get_token_async)):6.0f} ns  await source.get_token_async()")


if __name__ == "__main__":
    main()
