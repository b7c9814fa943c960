"""What the README and the examples say is run."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tokenward
from conftest import saved

if TYPE_CHECKING:
    from tokenward.testing import Provider

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))

from asyncio_host import Host  # noqa: E402


def test_a_host_of_ones_own_shares_the_login_with_a_source(tokenward_provider: Provider, store: Path) -> None:
    with tokenward_provider.source(store) as source:

        async def ask() -> set[tokenward.AccessToken]:
            async with Host(tokenward_provider.settings(store)) as host:
                return set(await asyncio.gather(*(host.get_token() for _ in range(20))))

        tokens = asyncio.run(ask())

        assert tokens == {source.get_token()}
    assert tokenward_provider.stats()["requests"] == 1


def test_a_host_that_closes_waits_for_its_answer(tokenward_provider: Provider, store: Path) -> None:
    tokenward_provider.source(store).close()
    tokenward_provider.control(hold=True)

    async def ask() -> None:
        async with Host(tokenward_provider.settings(store)) as host:
            task = asyncio.create_task(host.get_token())
            await asyncio.to_thread(tokenward_provider.wait_for, "held")
            task.cancel()
            closing = asyncio.create_task(host.__aexit__())
            done, _ = await asyncio.wait([closing], timeout=0.2)
            assert not done
            tokenward_provider.control(hold=False)
            await closing

    asyncio.run(ask())

    assert saved(store)["refresh_token"] != tokenward_provider.refresh_token


def test_a_host_tells_errors(tokenward_provider: Provider, store: Path) -> None:
    async def ask() -> None:
        async with Host(tokenward_provider.settings(store)) as host:
            await host.get_token()

    with pytest.raises(tokenward.SignedOut):
        asyncio.run(ask())
