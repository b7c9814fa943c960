"""Ends of a process: Ctrl-C, the exit, a fork. The server holds its answer until the test has seen the end begin."""

from __future__ import annotations

import atexit
import multiprocessing.util
import os
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any

import pytest
import tokenward
from conftest import saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tokenward import TokenSource
    from tokenward.testing import Provider

PREAMBLE = """
import asyncio, atexit, os, signal, sys, threading
from tokenward import TokenSource
import tokenward.httpx
source = TokenSource(token_url=sys.argv[1], client_id=sys.argv[2], store=sys.argv[3])
OVER_HTTPX = (
    {"token_url": sys.argv[1], "client_id": sys.argv[2], "store": sys.argv[3]}, tokenward.httpx.Transport()
)
# The last one registered runs first: this is seen before the interpreter waits for anything.
atexit.register(lambda: print("exiting", flush=True))
"""


@pytest.fixture
def start(tokenward_provider: Provider, store: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a Python process with a source that is signed in; the server holds its answers."""
    tokenward_provider.source(store).close()
    tokenward_provider.control(hold=True)
    started: list[subprocess.Popen[str]] = []

    def start(script: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PREAMBLE + script, tokenward_provider.token_url]
        process = subprocess.Popen(
            [*command, tokenward_provider.client_id, str(store)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def stays(process: subprocess.Popen[str]) -> None:
    """Sees that a process does not end: one that waits for nothing is gone in a few milliseconds."""
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)


def line(stream: IO[str] | None) -> str:
    """Returns the next line of a process."""
    assert stream is not None
    return stream.readline().strip()


ENDS = {
    "the script ends while a thread waits": (
        """
threading.Thread(target=source.get_token, daemon=True).start()
sys.stdin.readline()
""",
        0,
    ),
    "a task is cancelled and the script ends": (
        """
async def ask():
    task = asyncio.create_task(source.get_token_async())
    await asyncio.to_thread(sys.stdin.readline)
    task.cancel()
asyncio.run(ask())
""",
        0,
    ),
    "sys.exit while a task waits": (
        """
async def ask():
    task = asyncio.create_task(source.get_token_async())
    await asyncio.to_thread(sys.stdin.readline)
    sys.exit(3)
asyncio.run(ask())
""",
        3,
    ),
    "an exception nobody catches": (
        """
threading.Thread(target=source.get_token, daemon=True).start()
sys.stdin.readline()
raise RuntimeError
""",
        1,
    ),
    "the source is dropped": (
        """
threading.Thread(target=source.get_token, daemon=True).start()
sys.stdin.readline()
del source
""",
        0,
    ),
    "the request goes over httpx": (
        """
source.close()
source = TokenSource(OVER_HTTPX[0], transport=OVER_HTTPX[1])
threading.Thread(target=source.get_token, daemon=True).start()
sys.stdin.readline()
""",
        0,
    ),
    "the log is attached": (
        """
from tokenward import log
log.attach(source)
atexit.register(lambda: print("exiting", flush=True))
threading.Thread(target=source.get_token, daemon=True).start()
sys.stdin.readline()
""",
        0,
    ),
}


@pytest.mark.parametrize(("script", "code"), ENDS.values(), ids=ENDS.keys())
def test_the_end_of_the_interpreter_waits_for_an_answer_under_way(
    script: str, code: int, start: Callable[[str], subprocess.Popen[str]], tokenward_provider: Provider, store: Path
) -> None:
    process = start(script)
    tokenward_provider.wait_for("held")
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert line(process.stdout) == "exiting"
    stays(process)

    tokenward_provider.control(hold=False)
    process.wait(20)

    assert saved(store)["refresh_token"] != tokenward_provider.refresh_token
    assert tokenward_provider.stats()["requests"] == 1
    assert process.stderr is not None
    errors = process.stderr.read()
    assert "Fatal" not in errors
    assert "panicked" not in errors
    assert process.returncode == code


def test_the_log_tells_of_the_answer_that_the_end_waited_for(
    start: Callable[[str], subprocess.Popen[str]], tokenward_provider: Provider, tmp_path: Path
) -> None:
    records = tmp_path / "log"
    process = start(f"""
import logging
from tokenward import log
logging.basicConfig(filename={str(records)!r}, level=logging.DEBUG)
log.attach(source)
atexit.register(lambda: print("exiting", flush=True))
threading.Thread(target=source.get_token, daemon=True).start()
sys.stdin.readline()
""")
    tokenward_provider.wait_for("held")
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert line(process.stdout) == "exiting"
    stays(process)

    tokenward_provider.control(hold=False)
    process.wait(20)

    assert [row.split(":")[2].split()[0] for row in records.read_text().splitlines()][-2:] == ["rotated", "saved"]


WAITS = {
    "get_token": "source.get_token()",
    "get_token_async": "asyncio.run(source.get_token_async())",
    "get_token over httpx": "source.close(); TokenSource(OVER_HTTPX[0], transport=OVER_HTTPX[1]).get_token()",
    "refresh": "source.refresh()",
    "close": "threading.Thread(target=source.get_token, daemon=True).start(); sys.stdin.readline(); source.close()",
    "events": "threading.Thread(target=source.get_token, daemon=True).start(); list(source.events())",
}


@pytest.mark.parametrize("call", WAITS.values(), ids=WAITS.keys())
def test_ctrl_c_ends_the_wait_and_not_the_refresh(
    call: str, start: Callable[[str], subprocess.Popen[str]], tokenward_provider: Provider, store: Path
) -> None:
    process = start(f"""
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
""")
    tokenward_provider.wait_for("held")
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()

    process.send_signal(signal.SIGINT)
    assert line(process.stdout) == "interrupted"
    assert line(process.stdout) == "exiting"
    stays(process)
    tokenward_provider.control(hold=False)

    assert process.wait(20) == 0
    assert saved(store)["refresh_token"] != tokenward_provider.refresh_token
    assert tokenward_provider.stats()["requests"] == 1


def test_a_second_ctrl_c_ends_at_once_and_the_next_process_gets_the_login_back(
    start: Callable[[str], subprocess.Popen[str]], tokenward_provider: Provider, store: Path
) -> None:
    tokenward_provider.control(grace=60)
    process = start("source.get_token()")
    tokenward_provider.wait_for("held")
    process.send_signal(signal.SIGINT)
    assert line(process.stdout) == "exiting"

    stays(process)
    process.send_signal(signal.SIGINT)

    assert process.wait(20) == -signal.SIGINT
    assert saved(store)["refresh_token"] == tokenward_provider.refresh_token
    tokenward_provider.control(hold=False)
    with tokenward_provider.source(store) as source:
        assert tokenward_provider.accepts(source.get_token().expose())
    assert tokenward_provider.stats()["replays_in_grace"] == 1


def test_a_forked_child_and_its_parent_share_one_refresh(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    tokenward_provider.control(hold=True)
    waiting = _in_thread(tokenward_source)
    tokenward_provider.wait_for("held")

    child = os.fork()
    if child == 0:
        os._exit(_code(lambda: tokenward_source.get_token().expose().startswith("at-")))
    tokenward_provider.control(hold=False)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert waiting() == tokenward_source.get_token()
    assert tokenward_provider.stats()["requests"] == 1


def test_a_forked_child_that_ends_does_not_wait_for_its_parents_refresh(
    tokenward_source: TokenSource, tokenward_provider: Provider, store: Path
) -> None:
    tokenward_provider.control(hold=True)
    waiting = _in_thread(tokenward_source)
    tokenward_provider.wait_for("held")

    child = os.fork()
    if child == 0:
        tokenward._exit._wait()
        os._exit(7)
    # The server has not answered yet.
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    tokenward_provider.control(hold=False)

    assert waiting()
    tokenward_source.close()
    assert saved(store)["refresh_token"] != tokenward_provider.refresh_token


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_share_one_refresh(method: str, tokenward_provider: Provider, store: Path) -> None:
    tokenward_provider.source(store).close()
    settings = tokenward_provider.settings(str(store))

    with multiprocessing.get_context(method).Pool(2) as pool:
        names = pool.map(worker_token, [settings] * 8)

    assert len(set(names)) == 1
    assert tokenward_provider.stats()["requests"] == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_that_ends_waits_for_its_answer_under_way(
    method: str, tokenward_provider: Provider, store: Path
) -> None:
    tokenward_provider.source(store).close()
    tokenward_provider.control(hold=True)
    context: Any = multiprocessing.get_context(method)
    ending = context.Event()
    worker = context.Process(target=worker_gives_up, args=(tokenward_provider.settings(str(store)), ending))
    worker.start()
    assert ending.wait(30)
    tokenward_provider.wait_for("held")
    worker.join(0.5)
    assert worker.is_alive()

    tokenward_provider.control(hold=False)
    worker.join(30)

    assert worker.exitcode == 0
    assert saved(store)["refresh_token"] != tokenward_provider.refresh_token
    assert tokenward_provider.stats()["requests"] == 1


def worker_token(settings: dict[str, str]) -> str:
    """Returns the name of a worker's token."""
    return tokenward.TokenSource(settings).get_token().fingerprint


def worker_gives_up(settings: dict[str, str], ending: Any) -> None:
    """Begins a refresh and ends."""
    source = tokenward.TokenSource(settings)
    events = source.events()
    with pytest.raises(tokenward.Unavailable, match="deadline"):
        source.get_token(deadline=0.2)
    assert next(events).kind == "refresh_started"
    # What is registered later, or has a higher priority, runs first: this is seen when the end begins. Python 3.13 runs
    # the hooks of atexit in a worker too, and before the finalizers.
    atexit.register(ending.set)
    multiprocessing.util.Finalize(None, ending.set, exitpriority=100)


def _in_thread(source: TokenSource) -> Callable[[], tokenward.AccessToken]:
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    return pool.submit(source.get_token).result


def _code(check: Callable[[], bool]) -> int:
    try:
        return 0 if check() else 1
    except BaseException:
        return 2
