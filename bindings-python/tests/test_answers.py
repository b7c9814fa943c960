"""Every vector of `tests/vectors/answers` through the public types. Its README describes the format."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import tokenward

FOLDER = Path(__file__).parents[2] / "tests" / "vectors" / "answers"
INDEX: dict[str, Any] = json.loads((FOLDER / "index.json").read_text())
VECTORS = {file: json.loads((FOLDER / file).read_text())["vectors"] for file in INDEX["files"]}

#: 2026-01-01T00:00:00Z: when every answer is received.
RECEIVED = 1_767_225_600


@pytest.mark.parametrize(
    "vector", [vector for vectors in VECTORS.values() for vector in vectors], ids=lambda vector: vector["name"]
)
def test_answer(vector: dict[str, Any]) -> None:
    assert set(vector) == {"name", "why", "catches", "input", "expected"}

    answered = tokenward.read_answer(response(**vector["input"]), RECEIVED)

    assert show(answered) == vector["expected"]
    assert "token-" not in repr(answered)


def test_as_many_answers_are_read_as_the_index_lists() -> None:
    found = {path.name for path in FOLDER.glob("*.json")} - {"index.json", "schema.json"}

    assert found == set(INDEX["files"])
    assert {file: len(vectors) for file, vectors in VECTORS.items()} == INDEX["files"]
    assert sum(INDEX["files"].values()) == INDEX["count"]


def response(
    status: int, headers: dict[str, str], body: str = "", body_b64: str = "", pad: int = 0
) -> tokenward.Response:
    """Reads what a server answered; an unknown member is an error."""
    content = body.encode() + base64.b64decode(body_b64) + b" " * pad
    return tokenward.Response(status, list(headers.items()), content)


def show(answered: tokenward.Answered) -> dict[str, Any]:
    """Returns what an answer means in the words of a vector."""
    error, grant = answered.error, answered.grant
    shown = {
        "class": answered.class_,
        "row": answered.row,
        "retry_after_ms": millis(answered.retry_after),
        "error": error and show_error(error),
        "grant": grant and show_grant(grant),
    }
    return given(shown)


def show_error(error: tokenward.TokenError) -> dict[str, Any]:
    """Returns an error in the words of a vector."""
    shown = {"kind": error.kind, "act": error.act, "code": error.code, "message": str(error)}
    return given({**shown, "retry_in_ms": millis(error.retry_in)})


def show_grant(grant: tokenward.Grant) -> dict[str, Any]:
    """Returns what an answer gives in the words of a vector."""
    token = grant.access_token
    ends = token and token.expires_at
    shown = {
        "access_token": token and token.expose(),
        "expires_in_ms": None if ends is None else millis(ends - RECEIVED),
        "refresh_token": grant.expose_refresh_token(),
        "scope": grant.scope,
        "account": grant.account,
    }
    return given(shown)


def given(members: dict[str, Any]) -> dict[str, Any]:
    """Returns the members that are there."""
    return {name: value for name, value in members.items() if value is not None}


def millis(seconds: float | None) -> int | None:
    """Returns a span in whole milliseconds."""
    return None if seconds is None else round(seconds * 1000)
