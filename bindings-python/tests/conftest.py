"""What the tests share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The path of a store that is not there yet."""
    return tmp_path / "login.json"


def saved(store: Path) -> dict[str, str]:
    """Returns what is in a store."""
    content: dict[str, str] = json.loads(store.read_text())
    return content
