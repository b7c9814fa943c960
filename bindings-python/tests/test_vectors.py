"""Every vector of `tests/vectors` through the public types. Its README describes the format."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from tokenward import (
    AccessToken,
    Adopt,
    Answer,
    Changed,
    Commit,
    Deliver,
    Effect,
    Emit,
    Event,
    Fetch,
    Forget,
    Grant,
    Holder,
    Input,
    JournalWrites,
    Load,
    Look,
    Machine,
    MaybeSent,
    Note,
    NotSent,
    Now,
    Park,
    Prepare,
    Refused,
    Response,
    SignOut,
    Stage,
    StoreFault,
    StoreOp,
    Tick,
    TokenError,
    TryLock,
    Unlock,
    Want,
)

FOLDER = Path(__file__).parents[2] / "tests" / "vectors"
INDEX: list[dict[str, str]] = json.loads((FOLDER / "index.json").read_text())["vectors"]

#: 2026-01-01T00:00:00Z: where every vector begins.
START = 1_767_225_600_000
TOKENS = [f"{kind}-{number}" for kind in ("access-token", "refresh-token") for number in range(10)]
NAMES = {AccessToken(token).fingerprint: token for token in TOKENS}

ran: Counter[str] = Counter()


@pytest.mark.parametrize("file", [listed["file"] for listed in INDEX])
def test_vector(file: str) -> None:
    vector = json.loads((FOLDER / file).read_text())
    for ticked in (False, True):
        Runner(vector, ticked).run()
    ran[file] += 1


def test_as_many_vectors_ran_as_the_index_lists(request: pytest.FixtureRequest) -> None:
    if len(request.session.items) < len(INDEX):
        pytest.skip("only some vectors were selected")
    found = {path.name for path in FOLDER.glob("*.json")} - {"index.json", "schema.json"}

    assert found == set(ran)
    assert sum(ran.values()) == len(INDEX)


def known(members: dict[str, Any], *names: str) -> dict[str, Any]:
    """Returns the members; an unknown one is an error."""
    assert set(members) <= set(names), f"unknown members: {set(members) - set(names)}"
    return members


def only(members: dict[str, Any]) -> tuple[str, Any]:
    """Returns the one member."""
    ((name, value),) = members.items()
    return name, value


def text(value: Any) -> str:
    """Returns a text as it stands, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)


def millis(seconds: float) -> int:
    """Returns a span in whole milliseconds, rounded up."""
    return math.ceil(round(seconds * 1e9) / 1_000_000)


def moment(seconds: float) -> int:
    """Returns a moment as milliseconds from the vector's start."""
    return round(seconds * 1000) - START


def at(milliseconds: int | None) -> float | None:
    """Returns a moment from milliseconds after the vector's start."""
    return None if milliseconds is None else (START + milliseconds) / 1000


@dataclass
class Disk:
    """A store, a journal, parked grants and one lock."""

    store: bytes | None = None
    journal: bytearray | None = None
    parked: dict[str, bytes] = field(default_factory=dict)
    parked_ever: int = 0
    set_aside: int = 0
    lock: str | None = None

    def edit(self, edit: dict[str, Any]) -> None:
        known(edit, "store", "journal", "parked", "lock")
        if "store" in edit:
            self.store = None if edit["store"] is None else text(edit["store"]).encode()
        if "journal" in edit and edit["journal"] is None:
            self.journal = None
        for write in edit.get("journal") or []:
            known(write, "offset", "text", "hex")
            data = write["text"].encode() if "text" in write else bytes.fromhex(write["hex"])
            self.splice(write["offset"], data)
        if "parked" in edit:
            self.parked = {name: grant.encode() for name, grant in sorted(edit["parked"].items())}
        if "lock" in edit:
            self.lock = {"held": "a process outside the vector", "free": None}[edit["lock"]]

    def splice(self, offset: int, data: bytes) -> None:
        if self.journal is None:
            self.journal = bytearray()
        self.journal.extend(bytes(max(0, offset + len(data) - len(self.journal))))
        self.journal[offset : offset + len(data)] = data

    def write(self, journal: JournalWrites) -> None:
        if journal.set_aside:
            self.journal = None
            self.set_aside += 1
        if self.journal is None:
            self.journal = bytearray()
        self.journal.extend(bytes(max(0, journal.reserve - len(self.journal))))
        for write in journal.writes:
            self.splice(write.offset, write.data)

    def perform(self, op: StoreOp, machine: str) -> Answer:
        self.check_lock(op, machine)
        match op:
            case Load():
                return self.load(op)
            case TryLock():
                if self.lock is not None:
                    return op.answer("busy")
                self.lock = machine
            case Prepare():
                self.write(op.journal)
            case Stage():
                self.splice(op.frame.offset, op.frame.data)
                self.splice(op.mark.offset, op.mark.data)
            case Commit():
                if op.base != (None if self.store is None else hashlib.sha256(self.store).digest()[:16]):
                    return op.answer("moved")
                self.store = op.data
            case Note():
                self.write(op.journal)
                self.parked = {name: grant for name, grant in self.parked.items() if name not in op.unpark}
            case Park():
                self.parked_ever += 1
                name = f"parked-{self.parked_ever}"
                self.parked[name] = op.data
                return op.answer(name)
            case Unlock():
                self.lock = None
        return op.answer()

    def answer(self, op: StoreOp, kind: str, reply: dict[str, Any], machine: str) -> Answer:
        """Answers an effect as a vector says."""
        known(reply, "performed", "fault", "journal", "store", "busy", "moved")
        assert kind == op.kind, f"the open effect is a {op.kind}"
        if reply.get("performed") and "fault" not in reply:
            return self.perform(op, machine)
        if reply.get("performed"):
            assert isinstance(op, (Prepare, Note)), "only a prepare or a note can be half done"
            self.write(op.journal)
        kinds = {name: reply[name] for name in reply if name in ("fault", "journal", "store")}
        faults = {name: StoreFault(kind, kind) for name, kind in kinds.items()}
        match op:
            case Load():
                return self.load(op, faults)
            case TryLock():
                return op.answer("busy" if reply.get("busy") else faults["fault"])
            case Commit():
                return op.answer("moved" if reply.get("moved") else faults["fault"])
            case Unlock():
                raise AssertionError("an unlock cannot fail")
            case Prepare() | Stage() | Note() | Park():
                return op.answer(faults["fault"])

    def load(self, op: Load, faults: dict[str, StoreFault] | None = None) -> Answer:
        faults = faults or {}
        journal = bytes(self.journal or b"")
        ranges = [journal[start:end] for start, end in op.journal]
        store = self.store if op.store else None
        parked = list(self.parked.items()) if op.parked else []
        return op.answer(faults.get("journal", ranges), faults.get("store", store), parked)

    def check_lock(self, op: StoreOp, machine: str) -> None:
        is_ours = self.lock == machine
        if isinstance(op, (Prepare, Stage, Commit, Note, Unlock)):
            assert is_ours, f"{op.kind} without the lock"
        if isinstance(op, (TryLock, Park)):
            assert not is_ours, f"{op.kind} with the lock"

    def check(self, after: dict[str, Any]) -> None:
        known(after, "store", "parked", "lock", "set_aside", "tokens_in_journal")
        if "store" in after:
            found = None if self.store is None else self.store.decode()
            assert found == after["store"] or json.loads(found or "null") == after["store"]
        journal = bytes(self.journal or b"")
        found_now = {
            "parked": list(self.parked),
            "lock": "free" if self.lock is None else "held",
            "set_aside": self.set_aside,
            "tokens_in_journal": [token for token in TOKENS if token.encode() in journal],
        }
        for name in set(after) - {"store"}:
            assert found_now[name] == after[name], name


@dataclass
class Actor:
    """A machine, the effect that it waits for, and its callers."""

    machine: Machine
    open: StoreOp | Fetch | None = None
    callers: set[int] = field(default_factory=set)


class Runner:
    """Steps the machines of a vector and compares what they ask for."""

    def __init__(self, vector: dict[str, Any], ticked: bool) -> None:
        known(vector, "name", "promise", "why", "machines", "disk", "steps", "disk_after")
        self.vector, self.ticked = vector, ticked
        self.disk = Disk()
        self.actors: dict[str, Actor] = {}
        self.wall_offset = 0
        self.now = Now(0, 0)

    def run(self) -> None:
        self.disk.edit(self.vector.get("disk", {}))
        for number, step in enumerate(self.vector["steps"], 1):
            try:
                self.step(step)
            except AssertionError as error:
                error.add_note(f"in step {number}") if hasattr(error, "add_note") else None
                raise
        assert [actor.callers for actor in self.actors.values() if actor.callers] == [], "callers never answered"
        self.disk.check(self.vector.get("disk_after", {}))

    def step(self, step: dict[str, Any]) -> None:
        compared = ("effects", "wake_in_ms", "must_stay", "current")
        happens = ("input", "answer", "edit", "crash")
        known(step, "at_ms", "wall_jump_ms", "machine", "of", "stop_at", *happens, *compared)
        self.wall_offset += step.get("wall_jump_ms", 0)
        self.now = Now((START + step["at_ms"] + self.wall_offset) / 1000, step["at_ms"] / 1000)
        name = step.get("machine", "a")
        match only({what: step[what] for what in happens if what in step}):
            case "edit", edit:
                return self.disk.edit(edit)
            case "crash", crashed:
                del self.actors[crashed]
                self.disk.lock = None if self.disk.lock == crashed else self.disk.lock
                return None
            case "input", given:
                fed: Input = self.input(given, name)
            case "answer", given:
                fed = self.answer(given, name, step.get("of", name))
        shown: list[dict[str, Any]] = []
        wake_in = self.drive(name, fed, step.get("stop_at"), shown)
        machine = self.actor(name).machine
        assert shown == step["effects"]
        assert (None if wake_in is None else millis(wake_in)) == step["wake_in_ms"]
        assert machine.must_stay() == step.get("must_stay", machine.must_stay())
        if "current" in step:
            assert show_current(machine) == step["current"]
        return None

    def drive(self, name: str, fed: Input, stop_at: str | None, shown: list[dict[str, Any]]) -> float | None:
        actor = self.actor(name)
        # What an earlier step left open stays open until a step answers it.
        waits = not isinstance(fed, Answer) and actor.open is not None
        while True:
            if self.ticked and isinstance(fed, Answer):
                self.feed(name, Tick(), shown)
            wake_in = self.feed(name, fed, shown)
            op = actor.open
            if waits or op is None or isinstance(op, Fetch) or op.kind == stop_at:
                return wake_in
            actor.open = None
            fed = self.disk.perform(op, name)

    def feed(self, name: str, fed: Input, shown: list[dict[str, Any]]) -> float | None:
        actor = self.actor(name)
        step = actor.machine.step(self.now, fed)
        for effect in step.effects:
            if not (isinstance(effect, Emit) and effect.event.kind == "transition"):
                shown.append(show(effect))
            if isinstance(effect, Deliver):
                actor.callers.remove(effect.waiter)
            elif not isinstance(effect, Emit):
                assert actor.open is None, "a second effect is open"
                assert not isinstance(effect, Fetch) or self.disk.lock == name, "a fetch without the lock"
                actor.open = effect
        return step.wake_in

    def actor(self, name: str) -> Actor:
        if name not in self.actors:
            settings = dict(self.vector["machines"][name])
            seed, holder = settings.pop("seed", 1), settings.pop("holder", {"pid": 4711, "host": "laptop"})
            settings = {"token_url": "https://id.test/token", "client_id": "client-1", **settings}
            self.actors[name] = Actor(Machine(settings, seed=seed, holder=Holder(**holder)))
        return self.actors[name]

    def input(self, given: dict[str, Any], name: str) -> Input:
        kind, members = only(given)
        callers = self.actor(name).callers
        if kind in ("want", "adopt", "sign_out", "look"):
            callers.add(members["waiter"])
        match kind:
            case "want":
                known(members, "waiter", "min_ttl_ms", "deadline_ms", "explicit")
                return Want(
                    members["waiter"],
                    min_ttl=members.get("min_ttl_ms", 0) / 1000,
                    deadline=members.get("deadline_ms", 40_000) / 1000,
                    explicit=members.get("explicit", False),
                )
            case "adopt":
                known(members, "waiter", "grant", "guard")
                replace = {"replace": True, "same_account": False}[members.get("guard", "same_account")]
                return Adopt(members["waiter"], grant(members["grant"]), replace=replace)
            case "sign_out":
                return SignOut(**known(members, "waiter"))
            case "look":
                return Look(**known(members, "waiter"))
            case "forget":
                callers.discard(members["waiter"])
                return Forget(**known(members, "waiter"))
            case "refused":
                return Refused(AccessToken(known(members, "token")["token"]))
            case "changed":
                return Changed(**known(members))
            case "tick":
                return Tick(**known(members))
        raise AssertionError(f"unknown input {kind}")

    def answer(self, given: dict[str, Any], name: str, of: str) -> Answer:
        kind, reply = only(given)
        actor = self.actor(of)
        effect, actor.open = actor.open, None
        assert effect is not None, "no effect is open"
        if isinstance(effect, Fetch):
            assert kind == "fetch"
            return effect.answer(response(reply))
        return self.disk.answer(effect, kind, reply, name)


def grant(members: dict[str, Any]) -> Grant:
    """Reads a grant."""
    known(members, "access_token", "expires_at_ms", "refresh_token", "scope", "issued_at_ms", "account")
    access_token = members.get("access_token")
    return Grant(
        None if access_token is None else AccessToken(access_token, at(members.get("expires_at_ms"))),
        members.get("refresh_token"),
        members.get("scope"),
        at(members.get("issued_at_ms")),
        members.get("account"),
    )


def response(reply: dict[str, Any]) -> Response | NotSent | MaybeSent:
    """Reads what the server says."""
    known(reply, "status", "headers", "body", "pad", "not_sent", "blocked", "misconfigured", "maybe_sent")
    if "blocked" in reply:
        return NotSent(reply["blocked"], blocked=True)
    if "misconfigured" in reply:
        setting, detail = reply["misconfigured"].split(": ", 1)
        return NotSent(detail, setting=setting)
    if "not_sent" in reply:
        return NotSent(reply["not_sent"])
    if "maybe_sent" in reply:
        return MaybeSent(reply["maybe_sent"])
    body, headers = reply.get("body"), list(reply.get("headers", {}).items())
    if not isinstance(body, (str, type(None))) and "content-type" not in (name.lower() for name, _ in headers):
        headers.append(("content-type", "application/json"))
    content = "" if body is None else text(body)
    return Response(reply["status"], headers, (content + " " * reply.get("pad", 0)).encode())


def show(effect: Effect) -> dict[str, Any]:
    """Returns an effect in the words of a vector."""
    match effect:
        case Load():
            journal = sum(end - start for start, end in effect.journal)
            shown: dict[str, Any] = {"journal": journal, "store": effect.store, "parked": effect.parked}
        case Prepare():
            shown = {"set_aside": True} if effect.journal.set_aside else {}
        case Note():
            shown = {"set_aside": True} if effect.journal.set_aside else {}
            shown |= {"unpark": effect.unpark} if effect.unpark else {}
        case Commit():
            shown = {"store": None if effect.data is None else json.loads(effect.data)}
        case Fetch():
            body, is_json = effect.request.body, "json" in effect.request.headers["content-type"]
            shown = {"url": effect.request.url, "headers": sorted(effect.request.headers)}
            form = {"json": json.loads(body)} if is_json else {"form": dict(parse_qsl(body.decode(), True))}
            shown |= form
        case Deliver():
            shown = {"waiter": effect.waiter}
            if effect.token is not None:
                shown["token"] = effect.token.expose()
                if effect.token.expires_at is not None:
                    shown["expires_at_ms"] = moment(effect.token.expires_at)
            if effect.error is not None:
                shown["error"] = show_error(effect.error)
        case Emit():
            shown = show_event(effect.event)
        case TryLock() | Stage() | Park() | Unlock():
            shown = {}
    return {effect.kind: shown}


def show_event(event: Event) -> dict[str, Any]:
    """Returns an event in the words of a vector: a fingerprint stands as the token it names."""
    shown = {
        "event": event.kind,
        "refresh_token": event.refresh_token and NAMES[event.refresh_token],
        "access_token": event.access_token and NAMES[event.access_token],
        "base": event.base and NAMES[event.base],
        "attempt": event.attempt,
        "status": event.status,
        "row": event.row,
        "believed": event.believed,
        "what": event.what,
        "detail": event.detail,
        "holder": event.holder and str(event.holder),
        "retry_in_ms": None if event.retry_in is None else millis(event.retry_in),
        "error": event.error and show_error(event.error),
    }
    return {name: value for name, value in shown.items() if value is not None}


def show_error(error: TokenError) -> dict[str, Any]:
    """Returns an error in the words of a vector."""
    shown: dict[str, Any] = {"kind": error.kind, "message": str(error)}
    return shown if error.retry_in is None else {**shown, "retry_in_ms": millis(error.retry_in)}


def show_current(machine: Machine) -> dict[str, Any] | None:
    """Returns the token that may be handed out, in the words of a vector."""
    current = machine.current()
    if current is None:
        return None
    shown: dict[str, Any] = {"token": current.token.expose()}
    for name, now in (("early_at_ms", current.early_at), ("ends_at_ms", current.ends_at)):
        shown |= {} if now is None else {name: moment(now.wall)}
    return shown
