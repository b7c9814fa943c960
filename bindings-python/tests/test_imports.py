"""What an import brings along: a command that prints a token waits for every module."""

from __future__ import annotations

import subprocess
import sys

import pytest
import tokenward

#: Each of these costs more than tokenward itself.
DEAR = {
    "asyncio",
    "dataclasses",
    "enum",
    "inspect",
    "json",
    "logging",
    "pathlib",
    "re",
    "signal",
    "threading",
    "typing",
}


def loaded(code: str) -> set[str]:
    """Returns the modules of an interpreter that did this."""
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}; print(*sys.modules)"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_an_import_brings_no_module_that_costs_more_than_itself() -> None:
    assert {"logging", "threading"} <= loaded("import tokenward.log")

    assert loaded("import tokenward") & DEAR == loaded("pass") & DEAR


def test_every_name_is_there_when_it_is_asked_for() -> None:
    assert all(getattr(tokenward, name) is not None for name in tokenward.__all__)
    assert tokenward.Settings is tokenward.Settings
    with pytest.raises(AttributeError, match="module 'tokenward' has no attribute 'no_such'"):
        tokenward.no_such  # type: ignore[attr-defined]  # noqa: B018
