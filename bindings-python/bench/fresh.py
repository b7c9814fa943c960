"""What a fresh token costs, beside a call of a compiled function that does nothing, measured in the same run."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import timeit
from pathlib import Path

from tokenward import TokenSource
from tokenward._tokenward import nothing
from tokenward.testing import Provider

NUMBER = 200_000


def best(statement: str, **names: object) -> float:
    """Returns the best of seven, in nanoseconds for each call."""
    runs = timeit.repeat(statement, globals=names, number=NUMBER, repeat=7)
    return min(runs) / NUMBER * 1e9


async def awaited(source: TokenSource) -> float:
    """Returns the best of seven for `await`."""
    loop, times = asyncio.get_running_loop(), []
    for _ in range(7):
        start = loop.time()
        for _ in range(NUMBER // 10):
            await source.get_token_async()
        times.append(loop.time() - start)
    return min(times) / (NUMBER // 10) * 1e9


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
        print(f"{asyncio.run(awaited(source)):6.0f} ns  await source.get_token_async()")


if __name__ == "__main__":
    main()
