"""A host of your own: the machine decides, httpx speaks HTTP, asyncio keeps the time, FileStore keeps the files."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import httpx
from tokenward import (
    AccessToken,
    Answer,
    Deliver,
    Emit,
    Fetch,
    FileStore,
    Input,
    Machine,
    MaybeSent,
    NotSent,
    Now,
    Response,
    Tick,
    Want,
)


class Host:
    """`async with Host(settings) as host: token = await host.get_token()`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._machine, self._store = Machine(settings), FileStore(settings["store"])
        self._inputs: asyncio.Queue[Input] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[AccessToken]] = {}
        self._numbers, self._closing = itertools.count(1), False

    async def get_token(self) -> AccessToken:
        future: asyncio.Future[AccessToken] = asyncio.get_running_loop().create_future()
        number = next(self._numbers)
        self._waiting[number] = future
        self._inputs.put_nowait(Want(number))
        return await future

    async def __aenter__(self) -> Host:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._inputs.put_nowait(Tick())
        await self._task

    async def _run(self) -> None:
        wake_in: float | None = None
        # A refresh token that is on its way is waited for: its answer may hold the only one that works.
        while not self._closing or self._machine.must_stay():
            try:
                fed = await asyncio.wait_for(self._inputs.get(), wake_in)
            except asyncio.TimeoutError:
                fed = Tick()
            step = self._machine.step(Now(time.time(), time.monotonic()), fed)
            wake_in = step.wake_in
            for effect in step.effects:
                match effect:
                    case Deliver(waiter=waiter, token=token, error=error):
                        future = self._waiting.pop(waiter)
                        if token is not None and not future.done():
                            future.set_result(token)
                        elif error is not None and not future.done():
                            future.set_exception(error)
                    case Fetch():
                        self._fetching = asyncio.create_task(fetch(effect))
                        self._fetching.add_done_callback(lambda done: self._inputs.put_nowait(done.result()))
                    case Emit():
                        pass
                    case _:
                        self._inputs.put_nowait(await asyncio.to_thread(self._store.perform, effect))


async def fetch(effect: Fetch) -> Answer:
    request = effect.request
    timeout = httpx.Timeout(request.timeout, connect=request.connect_timeout)
    try:
        # A client of its own: a fresh connection, no redirects, nothing sent twice.
        async with httpx.AsyncClient(timeout=timeout) as client:
            sent = client.post(request.url, headers=request.headers, content=request.body)
            answer = await asyncio.wait_for(sent, request.timeout)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return effect.answer(NotSent(str(error)))
    except (httpx.HTTPError, asyncio.TimeoutError) as error:
        # Anything else may have arrived: the refresh token may be spent.
        return effect.answer(MaybeSent(str(error)))
    return effect.answer(Response(answer.status_code, list(answer.headers.items()), answer.content))
