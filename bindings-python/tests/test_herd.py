"""Many processes and many callers: one request for each rotation."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tokenward.testing import Provider

PROCESSES = 4

#: Asks until it has seen so many tokens, always when the one it has is at its end.
WORKER = """
import asyncio, json, sys, time
from tokenward import TokenSource
settings, callers, rotations = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def ask(source):
    return [source.get_token()]

async def ask_many(source):
    return await asyncio.gather(*(source.get_token_async() for _ in range(callers)))

seen = set()
with TokenSource(settings) as source:
    print("ready", flush=True)
    sys.stdin.readline()
    while len(seen) < rotations:
        tokens = ask(source) if callers == 1 else asyncio.run(ask_many(source))
        seen |= {token.fingerprint for token in tokens}
        time.sleep(max(0, max(token.expires_at for token in tokens) - time.time()))
"""


@pytest.mark.parametrize(("callers", "rotations"), [(1, 10), (250, 4)])
def test_each_rotation_costs_one_request(
    callers: int, rotations: int, tokenward_provider: Provider, store: Path
) -> None:
    tokenward_provider.control(ttl=1)
    tokenward_provider.source(store).close()
    settings = json.dumps(tokenward_provider.settings(str(store)))
    command = [sys.executable, "-c", WORKER, settings, str(callers), str(rotations)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"

    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    errors = [worker.communicate(timeout=60)[1] for worker in workers]

    assert errors == [""] * PROCESSES
    stats = tokenward_provider.stats()
    assert stats["rotations"] >= rotations
    assert stats["requests"] == stats["rotations"]
    assert stats["max_concurrent_requests"] == 1
    assert (stats["replays"], stats["families_revoked"]) == (0, 0)
