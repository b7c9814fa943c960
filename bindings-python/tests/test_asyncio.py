"""The wait of an event loop: settled by the driver, cancelled without loss."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from typing import TYPE_CHECKING

import pytest
import tokenward
from conftest import saved

if TYPE_CHECKING:
    from pathlib import Path

    from tokenward import TokenSource
    from tokenward.testing import Provider


def test_many_callers_share_one_refresh_and_no_thread_of_python_waits(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    tokenward_provider.control(hold=True)

    async def ask() -> set[tokenward.AccessToken]:
        waiting = [asyncio.create_task(tokenward_source.get_token_async()) for _ in range(500)]
        await asyncio.sleep(0)
        tokenward_provider.wait_for("held")
        assert threading.active_count() == 1
        tokenward_provider.control(hold=False)
        return set(await asyncio.gather(*waiting))

    tokens = asyncio.run(ask())

    assert len(tokens) == 1
    assert tokenward_provider.stats()["requests"] == 1


def test_a_token_that_is_there_costs_no_turn_of_the_loop(tokenward_source: TokenSource) -> None:
    token = tokenward_source.get_token()

    coroutine = tokenward_source.get_token_async()
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)

    assert done.value.value is token


def test_nothing_is_asked_before_the_coroutine_runs(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    tokenward_source.get_token_async().close()
    tokenward_source.refresh_async().close()

    assert tokenward_provider.stats()["requests"] == 0


def test_an_error_is_raised_where_it_is_awaited(tokenward_source: TokenSource, tokenward_provider: Provider) -> None:
    tokenward_provider.control(revoke="family")

    with pytest.raises(tokenward.ReauthRequired):
        asyncio.run(tokenward_source.get_token_async())


def test_a_cancelled_task_stops_waiting_and_the_rotated_token_is_saved(
    tokenward_source: TokenSource, tokenward_provider: Provider, store: Path
) -> None:
    tokenward_provider.control(hold=True)
    events = tokenward_source.events()

    async def ask() -> None:
        task = asyncio.create_task(tokenward_source.get_token_async())
        await asyncio.sleep(0)
        tokenward_provider.wait_for("held")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    # The server answers only after it has seen the cancelled task end, and its loop.
    asyncio.run(ask())
    assert tokenward_provider.stats()["held"] == 1
    tokenward_provider.control(hold=False)

    assert "saved" in (event.kind for event in events)
    assert saved(store)["refresh_token"] != tokenward_provider.refresh_token
    assert tokenward_provider.accepts(tokenward_source.get_token().expose())
    assert tokenward_provider.stats()["requests"] == 1


def test_a_timeout_cancels_one_waiter_and_the_other_is_served(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    tokenward_provider.control(hold=True)

    async def ask() -> tokenward.AccessToken:
        patient = asyncio.create_task(tokenward_source.get_token_async())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(tokenward_source.get_token_async(), 0.05)
        tokenward_provider.wait_for("held")
        tokenward_provider.control(hold=False)
        return await patient

    assert asyncio.run(ask()) == tokenward_source.get_token()
    assert tokenward_provider.stats()["requests"] == 1


def test_a_loop_that_was_closed_in_the_middle_harms_nobody(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    tokenward_provider.control(hold=True)
    loop = asyncio.new_event_loop()
    abandoned = tokenward_source.get_token_async()
    task = loop.create_task(abandoned)
    loop.run_until_complete(asyncio.sleep(0))
    tokenward_provider.wait_for("held")
    loop.close()
    tokenward_provider.control(hold=False)

    assert tokenward_source.get_token()
    assert tokenward_provider.stats()["requests"] == 1
    # asyncio complains about tasks of a loop that is gone.
    with contextlib.suppress(RuntimeError):
        abandoned.close()
    del task


def test_a_refresh_is_awaited_like_a_token(tokenward_source: TokenSource) -> None:
    first = tokenward_source.get_token()

    assert asyncio.run(tokenward_source.refresh_async(deadline=10)) != first


def test_a_deadline_is_the_callers(tokenward_source: TokenSource, tokenward_provider: Provider) -> None:
    tokenward_provider.control(hold=True)

    with pytest.raises(tokenward.Unavailable, match="deadline"):
        asyncio.run(tokenward_source.get_token_async(deadline=0.05))
    tokenward_provider.control(hold=False)


def test_two_loops_in_two_threads_are_both_served(tokenward_source: TokenSource, tokenward_provider: Provider) -> None:
    tokenward_provider.control(hold=True)
    tokens: list[tokenward.AccessToken] = []
    loops = [
        threading.Thread(target=lambda: tokens.append(asyncio.run(tokenward_source.get_token_async())))
        for _ in range(2)
    ]

    for thread in loops:
        thread.start()
    tokenward_provider.wait_for("held")
    tokenward_provider.control(hold=False)
    for thread in loops:
        thread.join()

    assert len(tokens) == 2
    assert tokens[0] == tokens[1]


def test_what_waited_is_forgotten(tokenward_source: TokenSource, tokenward_provider: Provider) -> None:
    gone: list[weakref.ref[object]] = []

    async def ask() -> None:
        task = asyncio.current_task()
        assert task is not None
        gone.append(weakref.ref(task))
        await tokenward_source.get_token_async()

    asyncio.run(ask())
    gc.collect()
    # A thread of the driver's may have been the last to let go; the next call of ours takes what it left.
    tokenward_source.get_token()

    assert gone[0]() is None
    assert tokenward_provider.stats()["requests"] == 1
