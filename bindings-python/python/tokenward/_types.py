"""What a machine takes and asks for, and what a source can be given, as types."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from tokenward import _tokenward as it

#: An operation on the store: `FileStore.perform` carries out any of them.
StoreOp: TypeAlias = it.Load | it.TryLock | it.Prepare | it.Stage | it.Commit | it.Note | it.Park | it.Unlock

#: One thing the host does for the machine. `match` on the classes; each has its `kind` too.
Effect: TypeAlias = StoreOp | it.Fetch | it.Deliver | it.Emit

#: One thing that happened outside.
Input: TypeAlias = it.Answer | it.Want | it.Tick | it.Changed | it.Refused | it.Forget | it.Look | it.Adopt | it.SignOut


class Transport(Protocol):
    """Sends requests to a token endpoint: `TokenSource(settings, transport=…)`."""

    def send(self, request: it.Request, /) -> it.Response | it.NotSent | it.MaybeSent:
        """Sends the request once, over a fresh connection, without redirects and without an automatic resend.

        Called on a thread of its own, and answered within `request.timeout`. What raises may have sent the request:
        return NotSent only where no byte of it can have left.
        """


class Store(Protocol):
    """Holds a credential, its journal and its lock: `TokenSource(settings, store=…)`. A FileStore is one.

    It may have `stamp() -> int | None`, a number that changes when somebody else wrote and that is asked for once a
    second, and `identity() -> str | None`, the name that two handles of the same store share.
    """

    def perform(self, op: StoreOp, /) -> it.Answer:
        """Carries out one operation and returns `op.answer(…)`. Called on any thread, by one at a time.

        What raises has failed: nothing is lost, and it is tried again later.
        """
