"""The source against the strict provider."""

from __future__ import annotations

import gc
import logging
import queue
import threading
import weakref
from typing import TYPE_CHECKING

import pytest
import tokenward
from conftest import saved
from tokenward import AccessToken, Grant, TokenSource, log

if TYPE_CHECKING:
    from pathlib import Path

    from tokenward.testing import Provider


def test_a_token_is_fetched_once_and_is_the_same_object_until_it_changes(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    first = tokenward_source.get_token()
    second = tokenward_source.get_token(min_ttl=10, deadline=5)
    third = tokenward_source.refresh()

    assert first is second
    assert tokenward_source.fresh() is third
    assert third != first
    assert tokenward_provider.accepts(third.expose())
    assert tokenward_provider.stats()["requests"] == 2


def test_a_refused_token_that_is_young_is_kept_and_an_old_one_was_replaced_by_others(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    old = tokenward_source.get_token()
    new = tokenward_source.refresh()

    tokenward_source.report_refused(old)
    tokenward_source.report_refused(new)

    assert tokenward_source.get_token() == new
    assert tokenward_provider.stats()["requests"] == 2


def test_a_login_is_saved_and_guarded_and_removed(store: Path, tokenward_provider: Provider) -> None:
    with tokenward_provider.source(store) as source:
        login = tokenward_provider.login()
        source.save(login)
        assert source.get_token().fingerprint == source.status().access_token

        with pytest.raises(tokenward.Downgrade) as caught:
            source.save(Grant(AccessToken("access-token-1")))
        assert caught.value.act == "confirm"
        source.save(Grant(AccessToken("access-token-1")), replace=True)
        assert source.get_token().expose() == "access-token-1"
        assert "refresh_token" not in saved(store)

        source.clear()
        with pytest.raises(tokenward.SignedOut):
            source.get_token()


def test_the_status_tells_names_and_no_secret(tokenward_source: TokenSource) -> None:
    events = tokenward_source.events()
    token = tokenward_source.get_token()
    # Callers are served before the store has it.
    assert "saved" in (event.kind for event in events)

    status = tokenward_source.status()

    assert status.access_token == token.fingerprint
    assert status.expires_at == token.expires_at
    assert status.refresh_token is not None
    assert status.last_rotation is not None
    assert (status.dead, status.fault, status.not_before) == (None, None, None)
    assert token.expose() not in repr(status)


def test_a_fault_of_the_status_is_an_exception(store: Path) -> None:
    source = TokenSource(token_url="http://127.0.0.1:1/token", client_id="c", store=store)

    assert isinstance(source.status().fault, tokenward.SignedOut)


def test_a_server_that_fails_makes_the_caller_wait_and_says_how_long(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    tokenward_provider.control(fault={"status": 503, "headers": {"Retry-After": "100"}})

    with pytest.raises(tokenward.Unavailable, match="503") as caught:
        tokenward_source.get_token()

    assert caught.value.retry_in is not None
    assert 90 < caught.value.retry_in <= 100
    assert caught.value.act == "wait"


def test_a_dead_login_is_named(tokenward_source: TokenSource, tokenward_provider: Provider) -> None:
    tokenward_provider.control(revoke="family")

    with pytest.raises(tokenward.ReauthRequired) as caught:
        tokenward_source.get_token()

    assert (caught.value.code, caught.value.act) == ("revoked", "sign_in")


def test_a_deadline_ends_the_wait_and_the_refresh_goes_on(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    tokenward_provider.control(hold=True)

    with pytest.raises(tokenward.Unavailable, match="deadline"):
        tokenward_source.get_token(deadline=0.1)
    tokenward_provider.wait_for("held")
    tokenward_provider.control(hold=False)

    assert tokenward_source.get_token()
    assert tokenward_provider.stats()["requests"] == 1


def test_threads_share_one_refresh(tokenward_source: TokenSource, tokenward_provider: Provider) -> None:
    tokens: list[AccessToken] = []
    threads = [threading.Thread(target=lambda: tokens.append(tokenward_source.get_token())) for _ in range(16)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tokens) == 16
    assert len(set(tokens)) == 1
    assert tokenward_provider.stats()["requests"] == 1


def test_threads_that_run_side_by_side_get_tokens_while_they_are_replaced(
    tokenward_source: TokenSource, tokenward_provider: Provider
) -> None:
    replaced = {tokenward_source.get_token().fingerprint}
    together, is_over = threading.Barrier(5), threading.Event()
    seen: list[set[str]] = []

    def ask() -> None:
        together.wait()
        mine: set[str] = set()
        while not is_over.is_set():
            mine |= {token.fingerprint for token in (tokenward_source.get_token() for _ in range(100))}
        seen.append(mine)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    together.wait()
    for _ in range(10):
        replaced.add(tokenward_source.refresh().fingerprint)
    is_over.set()
    for thread in threads:
        thread.join()

    assert len(seen) == 4
    assert set().union(*seen) <= replaced
    assert len(replaced) == tokenward_provider.stats()["requests"] == 11


def test_a_closed_source_says_so(tokenward_source: TokenSource) -> None:
    with tokenward_source:
        pass

    for call in (tokenward_source.get_token, tokenward_source.status, tokenward_source.clear):
        with pytest.raises(tokenward.Unavailable, match="closed"):
            call()


def test_the_news_are_told_until_the_source_is_closed(tokenward_source: TokenSource) -> None:
    events = tokenward_source.events()

    token = tokenward_source.get_token()
    tokenward_source.close()
    told = {event.kind: event for event in events}

    assert list(told)[:1] == ["refresh_started"]
    assert {"rotated", "saved"} <= set(told)
    assert told["refresh_started"].attempt == 1
    assert told["rotated"].refresh_token is not None
    assert told["rotated"].access_token == token.fingerprint
    assert told["rotated"].base == told["refresh_started"].refresh_token
    assert told["rotated"].error is None
    assert token.expose() not in repr(list(told.values()))


def test_one_iterator_is_read_by_one_thread(tokenward_source: TokenSource) -> None:
    events = tokenward_source.events()
    refused: queue.Queue[str] = queue.Queue()

    def read() -> None:
        try:
            for _ in events:
                pass
        except RuntimeError as error:
            refused.put(str(error))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    # Nothing is told, so both wait, and one of them meets the other.
    message = refused.get(timeout=30)
    tokenward_source.close()
    for reader in readers:
        reader.join()

    assert "another thread" in message
    assert refused.empty()


def test_the_news_become_records_of_the_log(
    tokenward_source: TokenSource, tokenward_provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tokenward")
    thread = log.attach(tokenward_source)

    token = tokenward_source.get_token()
    tokenward_provider.control(revoke="family")
    with pytest.raises(tokenward.ReauthRequired):
        tokenward_source.refresh()
    tokenward_source.close()
    thread.join()

    levels = {record.getMessage().split()[0]: record.levelname for record in caplog.records}
    assert levels["refresh_started"] == "DEBUG"
    assert levels["rotated"] == "INFO"
    assert levels["reauth_required"] == "ERROR"
    assert "error=sign in again: revoked" in caplog.text
    assert token.expose() not in caplog.text
    assert {record.name for record in caplog.records} == {"tokenward"}


def test_a_source_that_nobody_holds_is_closed(store: Path, tokenward_provider: Provider) -> None:
    source = tokenward_provider.source(store)
    events = source.events()
    gone = weakref.ref(source)

    del source
    gc.collect()

    assert gone() is None
    assert list(events) == []
