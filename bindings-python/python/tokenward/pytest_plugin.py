"""Fixtures for the tests of people who use tokenward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tokenward import TokenSource
    from tokenward.testing import Provider


@pytest.fixture
def tokenward_provider() -> Iterator[Provider]:
    """A strict OAuth server of this test's own."""
    from tokenward.testing import Provider

    with Provider() as provider:
        yield provider


@pytest.fixture
def tokenward_source(tokenward_provider: Provider, tmp_path: Path) -> Iterator[TokenSource]:
    """A source that is signed in to `tokenward_provider` and has no access token yet."""
    with tokenward_provider.source(tmp_path / "login.json") as source:
        yield source
