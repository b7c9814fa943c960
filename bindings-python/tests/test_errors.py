"""Errors and settings are those of the core's tables."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tokenward
from tokenward import Holder, TokenSource, errors
from tokenward._tokenward import error_kinds, settings_table

ROOT = Path(__file__).parents[1]


def test_each_kind_of_the_core_has_its_class_and_no_other_is_there() -> None:
    classes = [it for it in vars(errors).values() if isinstance(it, type) and issubclass(it, errors.TokenError)]
    classes.remove(errors.TokenError)

    assert [it.kind for it in classes] == error_kinds()
    assert list(errors.BY_KIND) == error_kinds()
    for kind, error in errors.BY_KIND.items():
        assert error.__name__ == "".join(word.capitalize() for word in kind.split("_"))
        assert getattr(tokenward, error.__name__) is error


def test_the_settings_are_those_of_the_table() -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "settings.py", "--check"], check=True)

    assert list(tokenward.Settings.__annotations__) == [row[0] for row in settings_table()]


def test_an_error_goes_from_process_to_process() -> None:
    error = errors.StoreBusy("another process holds the lock", "retry", 1.5, "code", Holder(7, "host"))

    copied = pickle.loads(pickle.dumps(error))

    assert type(copied) is errors.StoreBusy
    assert vars(copied) == vars(error)
    assert str(copied) == str(error)


def test_an_absent_store_is_signed_out(store: Path) -> None:
    with (
        TokenSource(token_url="http://127.0.0.1:1/token", client_id="c", store=store) as source,
        pytest.raises(tokenward.SignedOut, match="signed out") as caught,
    ):
        source.get_token()

    assert (caught.value.kind, caught.value.act, caught.value.retry_in) == ("signed_out", "sign_in", None)
    assert not store.exists()


def test_a_damaged_store_says_what_is_wrong_with_it(store: Path) -> None:
    store.write_text("{")

    with (
        TokenSource(token_url="http://127.0.0.1:1/token", client_id="c", store=store) as source,
        pytest.raises(tokenward.StoreUnreadable) as caught,
    ):
        source.get_token()

    assert caught.value.code == "corrupt"
    assert store.read_text() == "{"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"client_id": "c"}, "settings: token_url: missing"),
        ({"token_url": "https://id.test/token", "client_id": "c"}, "settings: store: missing"),
        (
            {"token_url": "http://id.test/token", "client_id": "c"},
            'settings: token_url = "http://id.test/token": not an https URL, or an http one on loopback',
        ),
        ({"client_secret": ""}, "settings: client_secret = .*hidden.*: empty"),
        ({"timeout": True}, 'settings: timeout = "true": not a time in seconds, 1 to 600'),
        ({"no_such": 1}, "settings: no_such: unknown setting"),
    ],
)
def test_a_setting_that_cannot_be_used_names_its_place(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(tokenward.ConfigError, match=message) as caught:
        TokenSource(settings)

    assert caught.value.name in message
    assert isinstance(caught.value, ValueError)


def test_a_value_of_a_wrong_type_is_not_shown() -> None:
    with pytest.raises(TypeError, match="settings: client_id: not a str") as caught:
        TokenSource({"client_id": ["refresh-token-1"]})

    assert "refresh-token-1" not in str(caught.value)


def test_keywords_win_over_the_mapping_and_none_is_not_given(store: Path) -> None:
    cfg = {"token_url": "https://id.test/token", "client_id": "c", "store": "elsewhere", "ca_file": None}

    source = TokenSource(cfg, store=store, timeout=2.5, resident=False)

    assert str(store) in repr(source)


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    source = TokenSource.static("access-token-1")

    with pytest.raises(ValueError, match="min_ttl is no time in seconds"):
        source.get_token(min_ttl=seconds)
