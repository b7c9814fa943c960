"""A host of your own: the machine decides, asyncio keeps the time, httpx speaks HTTP, FileStore keeps the files."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tokenward import AccessToken, Deliver, Emit, Fetch, FileStore, Input, Machine, Now, Tick, Want
from tokenward.httpx import AsyncTransport


class Host:
    """`async with Host(settings) as host: token = await host.get_token()`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._machine, self._store, self._transport = Machine(settings), FileStore(settings["store"]), AsyncTransport()
        self._inputs: asyncio.Queue[Input] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[AccessToken]] = {}
        self._is_open = True

    async def get_token(self) -> AccessToken:
        future: asyncio.Future[AccessToken] = asyncio.get_running_loop().create_future()
        self._waiting[id(future)] = future
        self._inputs.put_nowait(Want(id(future)))
        return await future

    async def __aenter__(self) -> Host:
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_open = False
        self._inputs.put_nowait(Tick())
        await self._running

    async def _run(self) -> None:
        wake_in: float | None = None
        # A refresh token that is on its way is waited for: its answer may hold the only one that works.
        while self._is_open or self._machine.must_stay():
            try:
                fed = await asyncio.wait_for(self._inputs.get(), wake_in)
            except asyncio.TimeoutError:
                fed = Tick()
            step = self._machine.step(Now(time.time(), time.monotonic()), fed)
            wake_in = step.wake_in
            for effect in step.effects:
                match effect:
                    case Deliver():
                        effect.settle(self._waiting.pop(effect.waiter))
                    case Fetch():
                        self._fetching = asyncio.create_task(self._fetch(effect))
                    case Emit():
                        pass
                    case _:
                        self._inputs.put_nowait(await asyncio.to_thread(self._store.perform, effect))

    async def _fetch(self, effect: Fetch) -> None:
        self._inputs.put_nowait(effect.answer(await self._transport.send(effect.request)))
