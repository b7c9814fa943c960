"""What the tests share."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


# A shell's background job is started with Ctrl-C ignored, and so would be what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The path of a store that is not there yet."""
    return tmp_path / "login.json"


def saved(store: Path) -> dict[str, str]:
    """Returns what is in a store."""
    content: dict[str, str] = json.loads(store.read_text())
    return content
