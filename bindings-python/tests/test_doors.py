"""The two doors of a source, where they lead to Python: a transport and a store of one's own."""

from __future__ import annotations

import os
import signal
import ssl
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import tokenward
from conftest import saved
from tokenward import FileStore, Load, MaybeSent, NotSent, TokenSource
from tokenward.httpx import Auth, Transport

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tokenward import Answer, Request, Response, StoreOp
    from tokenward.testing import Provider


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What nobody could catch."""
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: told.append(raised.exc_type))
    return told


class Through:
    """A transport that does something else first, and counts."""

    def __init__(self, first: Callable[[], Any] = lambda: None) -> None:
        self.threads: list[int] = []
        self._first = first

    def send(self, request: Request) -> Response | NotSent | MaybeSent:
        self.threads.append(threading.get_ident())
        said = self._first()
        return Transport().send(request) if said is None else said


def failure(source: TokenSource) -> tokenward.TokenError:
    """Lets a refresh fail that nobody waits for long enough to have it repeated, and returns why it did."""
    events = source.events()
    with pytest.raises(tokenward.TokenError):
        source.get_token(deadline=0.2)
    failed = next(event for event in events if event.kind == "refresh_failed")
    assert failed.error is not None
    return failed.error


# -- a transport ------------------------------------------------------------------------------------------------------


def test_a_transport_sends_the_one_request_that_all_callers_wait_for(tokenward_provider: Provider, store: Path) -> None:
    transport, tokens = Through(), []
    with tokenward_provider.source(store, transport=transport) as source:
        callers = [threading.Thread(target=lambda: tokens.append(source.get_token())) for _ in range(16)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    assert len(set(tokens)) == 1
    assert tokenward_provider.accepts(tokens[0].expose())
    assert len(transport.threads) == tokenward_provider.stats()["requests"] == 1
    assert transport.threads[0] not in {caller.ident for caller in callers}
    assert saved(store)["refresh_token"] != tokenward_provider.refresh_token


def raising(error: Exception) -> Callable[[], Any]:
    """Returns what raises."""

    def first() -> None:
        raise error

    return first


def of_certificates() -> httpx.ConnectError:
    """Returns the error of a server that nobody vouches for, as httpx raises it."""
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.__cause__ = httpx.ConnectError("…")
    error.__cause__.__cause__ = ssl.SSLCertVerificationError()
    return error


#: What happens, the error that callers get, and whether the refresh token may be spent.
OF_HTTPX = {
    "refused": (httpx.ConnectError("[Errno 111] Connection refused"), tokenward.Unavailable, False),
    "certificate": (of_certificates(), tokenward.Blocked, False),
    "slow to connect": (httpx.ConnectTimeout(""), tokenward.Unavailable, False),
    "no connection free": (httpx.PoolTimeout(""), tokenward.Unavailable, False),
    "proxy wants a password": (httpx.ProxyError("407 Proxy Authentication Required"), tokenward.Blocked, False),
    "proxy cannot reach it": (httpx.ProxyError("502 Bad Gateway"), tokenward.Unavailable, False),
    "proxy is busy": (httpx.ProxyError("429 Too Many Requests"), tokenward.Unavailable, False),
    "no answer": (httpx.ReadTimeout("refresh_token=refresh-token-1"), tokenward.Unavailable, True),
    "cut off": (httpx.RemoteProtocolError("refresh-token-1"), tokenward.Unavailable, True),
    "cut off while sending": (httpx.WriteError("refresh-token-1"), tokenward.Unavailable, True),
    "a bug": (RuntimeError("refresh-token-1"), tokenward.Unavailable, True),
}


@pytest.mark.parametrize(("raised", "error", "may_be_spent"), OF_HTTPX.values(), ids=OF_HTTPX.keys())
def test_what_httpx_raises_tells_whether_the_token_may_be_spent(
    raised: Exception, error: type[tokenward.TokenError], may_be_spent: bool, tokenward_provider: Provider, store: Path
) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        raise raised

    client = httpx.Client(transport=httpx.MockTransport(handle))
    with tokenward_provider.source(store, transport=Transport(client)) as source:
        failed = failure(source)

        assert type(failed) is error
        assert source.status().unknown_outcome is may_be_spent
        assert "refresh-token-1" not in str(failed)
        assert type(raised).__name__ in str(failed)


def test_a_client_that_is_closed_has_sent_nothing(tokenward_provider: Provider, store: Path) -> None:
    client = httpx.Client()
    client.close()

    with tokenward_provider.source(store, transport=Transport(client)) as source:
        assert "the client is closed" in str(failure(source))
        assert not source.status().unknown_outcome


def test_a_client_gives_its_connections_and_nothing_else(tokenward_provider: Provider, store: Path) -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(307, headers={"location": "http://127.0.0.1:1/elsewhere"})

    client = httpx.Client(
        transport=httpx.MockTransport(handle), headers={"x-own": "1"}, cookies={"own": "1"}, follow_redirects=True
    )
    with tokenward_provider.source(store, transport=Transport(client)) as source:
        # Asked for a token by the very request for a token, the source would wait for itself.
        client.auth = Auth(source)
        assert type(failure(source)) is tokenward.Blocked

    assert [str(request.url) for request in asked] == [tokenward_provider.token_url]
    assert asked[0].method == "POST"
    assert not {"x-own", "cookie", "authorization", "accept-encoding"} & set(asked[0].headers)
    assert asked[0].headers["connection"] == "close"
    assert asked[0].extensions["timeout"] == {"connect": 10, "read": 30, "write": 30, "pool": 30}


@pytest.mark.parametrize(("length", "is_read"), [(200_000, True), (300_000, False)])
def test_an_answer_is_read_up_to_its_bound(
    length: int, is_read: bool, tokenward_provider: Provider, store: Path
) -> None:
    read: list[int] = []

    def stream() -> Iterator[bytes]:
        text = b'{"access_token":"access-token-1","token_type":"Bearer","expires_in":60}'
        yield text + b" " * (1000 - len(text))
        for sent in range(1000, length, 1000):
            read.append(sent)
            yield b" " * 1000

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "application/json"}, content=stream())

    client = httpx.Client(transport=httpx.MockTransport(handle))
    with tokenward_provider.source(store, transport=Transport(client)) as source:
        source.get_token(deadline=5)

    assert (max(read) + 1000 == length) is is_read


@pytest.mark.parametrize("first", [raising(ValueError("refresh-token-1")), lambda: "no outcome"])
def test_a_transport_that_raises_may_have_sent_the_request(
    first: Callable[[], Any], tokenward_provider: Provider, store: Path, unraisable: list[Any]
) -> None:
    with tokenward_provider.source(store, transport=Through(first)) as source:
        failed = failure(source)
        assert source.status().unknown_outcome

    assert f"the transport raised {unraisable[0].__name__}" in str(failed)
    assert "refresh-token-1" not in str(failed)
    assert unraisable in ([ValueError], [TypeError])


def test_a_transport_that_says_so_has_sent_nothing(tokenward_provider: Provider, store: Path) -> None:
    transport = Through(lambda: NotSent("unplugged"))

    with tokenward_provider.source(store, transport=transport) as source:
        assert "unplugged" in str(failure(source))
        assert not source.status().unknown_outcome


def test_a_transport_that_hangs_is_waited_for_as_long_as_its_request_may_take(
    tokenward_provider: Provider, store: Path
) -> None:
    hangs = threading.Event()

    def late() -> NotSent:
        hangs.wait()
        return NotSent("too late to be heard")

    with tokenward_provider.source(store, transport=Through(late), timeout=1) as source:
        assert "no answer in time" in str(failure(source))
        assert source.status().unknown_outcome
        hangs.set()


def test_a_forked_child_sends_by_the_same_transport(tokenward_provider: Provider, store: Path) -> None:
    with tokenward_provider.source(store, transport=Through()) as source:
        child = os.fork()
        if child == 0:
            os._exit(0 if tokenward_provider.accepts(source.get_token().expose()) else 1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert tokenward_provider.accepts(source.get_token().expose())
    assert tokenward_provider.stats()["requests"] == 1


def test_a_forked_child_does_not_wait_for_its_parents_transport(tokenward_provider: Provider, store: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def first() -> None:
        asked.set()
        go_on.wait()

    with tokenward_provider.source(store, transport=Through(first)) as source:
        waiting = threading.Thread(target=source.get_token)
        waiting.start()
        asked.wait()
        child = os.fork()
        if child == 0:
            tokenward._exit._wait()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        go_on.set()
        waiting.join()
        assert source.fresh() is not None
    assert tokenward_provider.stats()["requests"] == 1


# -- a store ----------------------------------------------------------------------------------------------------------


def test_sources_on_a_store_of_ones_own_send_one_request(tokenward_provider: Provider) -> None:
    shared = MemoryStore()
    with tokenward_provider.source(shared) as one, tokenward_provider.source(shared) as other:
        tokens: list[tokenward.AccessToken] = []
        callers = [threading.Thread(target=lambda it=it: tokens.append(it.get_token())) for it in (one, other) * 4]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    assert len(tokens) == 8
    assert len(set(tokens)) == 1
    assert tokenward_provider.stats()["requests"] == 1
    assert shared.content is not None
    assert tokenward_provider.refresh_token.encode() not in shared.content


def test_a_store_that_others_write_is_looked_at(tokenward_provider: Provider) -> None:
    shared = MemoryStore()
    with tokenward_provider.source(shared) as one, tokenward_provider.source(shared) as other:
        assert one.get_token() == other.get_token()
        events = other.events()

        newer = one.refresh()

        assert next(event for event in events if event.kind == "adopted").access_token == newer.fingerprint
        assert other.get_token() == newer


def test_sources_on_stores_of_one_name_share_a_driver(tokenward_provider: Provider) -> None:
    class Named(MemoryStore):
        def identity(self) -> str:
            return "memory:1"

    first = Named()
    # Nobody asks the second one: the first is the same by its name.
    with tokenward_provider.source(first) as one, tokenward_provider.source(Named()) as other:
        assert one.get_token() == other.get_token()
    assert tokenward_provider.stats()["requests"] == 1


def test_a_file_store_is_the_same_store_as_its_path(tokenward_provider: Provider, store: Path) -> None:
    file = FileStore(store)
    with tokenward_provider.source(store) as by_path, tokenward_provider.source(file) as by_object:
        assert by_path.get_token() == by_object.get_token()

    assert file.identity() == f"file:{store}"
    assert file.stamp() is not None
    assert tokenward_provider.stats()["requests"] == 1


class Failing(MemoryStore):
    """Fails at one kind of operation, as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_at = ""

    def perform(self, op: StoreOp) -> Answer:
        if op.kind == self.fails_at:
            raise OSError("refresh-token-1")
        return super().perform(op)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("load", tokenward.StoreUnreadable),
        ("try_lock", tokenward.StoreUnwritable),
        ("prepare", tokenward.StoreUnwritable),
    ],
)
def test_a_store_that_raises_before_anything_is_sent_is_told_and_works_again(
    kind: str, error: type[tokenward.TokenError], tokenward_provider: Provider, unraisable: list[Any]
) -> None:
    failing = Failing()
    with tokenward_provider.source(failing) as source:
        failing.fails_at = kind

        with pytest.raises(error) as caught:
            source.get_token()
        failing.fails_at = ""

        assert "refresh-token-1" not in str(caught.value)
        assert set(unraisable) == {OSError}
        assert tokenward_provider.accepts(source.refresh().expose())
    assert tokenward_provider.stats()["requests"] == 1


@pytest.mark.parametrize("kind", ["stage", "commit"])
def test_a_store_that_raises_when_it_saves_loses_no_answer(
    kind: str, tokenward_provider: Provider, unraisable: list[Any]
) -> None:
    failing = Failing()
    with tokenward_provider.source(failing) as source:
        events = source.events()
        failing.fails_at = kind

        token = source.get_token()
        if kind == "commit":
            assert next(event for event in events if event.kind == "save_failed").detail == "the store raised OSError"
        failing.fails_at = ""

        assert ("saved" if kind == "stage" else "rolled_forward") in (event.kind for event in events)
        assert tokenward_provider.accepts(token.expose())
    assert tokenward_provider.stats()["requests"] == 1
    assert failing.content is not None
    assert tokenward_provider.refresh_token.encode() not in failing.content
    assert set(unraisable) == {OSError}


def test_an_answer_that_a_store_does_not_return_leaves_nobody_waiting(
    tokenward_provider: Provider, unraisable: list[Any]
) -> None:
    class Forgetful(MemoryStore):
        def perform(self, op: StoreOp) -> Answer:
            answer = super().perform(op)
            return answer if isinstance(op, Load) else None  # type: ignore[return-value]

    source = TokenSource(tokenward_provider.settings(Forgetful()))

    with pytest.raises(tokenward.Unavailable):
        source.save(tokenward_provider.login())

    assert unraisable[0] is TypeError


def test_ctrl_c_in_a_store_is_the_callers(tokenward_provider: Provider, unraisable: list[Any]) -> None:
    class Interrupted(MemoryStore):
        is_armed = False

        def perform(self, op: StoreOp) -> Answer:
            if self.is_armed and threading.current_thread() is threading.main_thread():
                self.is_armed = False
                signal.raise_signal(signal.SIGINT)
            return super().perform(op)

    interrupted = Interrupted()
    tokenward_provider.source(interrupted).close()
    source = TokenSource(tokenward_provider.settings(interrupted), resident=False)
    interrupted.is_armed = True

    with pytest.raises(KeyboardInterrupt):
        source.get_token()

    assert unraisable == []
    assert source.get_token()
