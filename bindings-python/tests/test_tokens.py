"""A secret stays a secret in Python too."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
import tokenward
from tokenward import AccessToken, FileStore, Grant, Machine, Now, Response, TokenSource, Want


def secrets() -> list[Any]:
    token = AccessToken("access-token-1", 1_800_000_000)
    return [
        token,
        Grant(token, "refresh-token-1"),
        Response(200, [("set-cookie", "access-token-1")], b"access-token-1"),
        TokenSource.static(token),
    ]


@pytest.mark.parametrize("secret", secrets(), ids=lambda secret: type(secret).__name__)
def test_what_holds_a_secret_prints_redacted_and_is_not_copied(secret: Any) -> None:
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}"]

    assert not [text for text in shown if "token-1" in text]
    for refused in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars):
        with pytest.raises(TypeError):
            refused(secret)


def test_effects_print_redacted() -> None:
    machine = Machine(token_url="https://id.test/token", client_id="c")

    step = machine.step(Now(1_800_000_000, 0), Want(1))

    for effect in step.effects:
        assert "token-1" not in repr(effect)
        with pytest.raises(TypeError):
            pickle.dumps(effect)


def test_a_token_gives_its_text_by_that_name_only() -> None:
    token = AccessToken("access-token-1", 1_800_000_000.25)

    assert token.expose() == "access-token-1"
    assert token.authorization() == "Bearer access-token-1"
    assert token.expires_at == 1_800_000_000.25
    assert token.fingerprint in repr(token)
    assert AccessToken("access-token-1").expires_at is None


def test_tokens_are_compared_and_hashed_by_their_text() -> None:
    one, same, other = AccessToken("1"), AccessToken("1"), AccessToken("2")

    assert one == same
    assert one != other
    assert one != "1"
    assert len({one, same, other}) == 2


def test_a_static_source_serves_the_tests_of_others() -> None:
    source = TokenSource.static("access-token-1")

    assert source.get_token().expose() == "access-token-1"
    assert source.authorization() == "Bearer access-token-1"
    with pytest.raises(tokenward.StoreUnwritable):
        source.clear()


def test_a_file_store_names_its_file(tmp_path: Any) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert FileStore(tmp_path / "link").resolved() == tmp_path / "real"
