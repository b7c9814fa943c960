"""Keeps one OAuth login usable while many processes share it.

    source = TokenSource(token_url="https://id.example/token", client_id="my-app", store="~/.config/my-app/login.json")
    token = source.get_token()

The same in asyncio: `await source.get_token_async()`. `tokenward.httpx.Auth` and `tokenward.requests.Auth` put the
token into requests; `Machine` and `FileStore` are for those who bring their own HTTP.
"""

from __future__ import annotations

from tokenward import _exit
from tokenward._tokenward import (
    MAX_BODY,
    AccessToken,
    Adopt,
    Answer,
    Answered,
    Changed,
    Commit,
    Current,
    Deliver,
    Emit,
    Event,
    Events,
    Fetch,
    FileStore,
    Forget,
    Grant,
    Holder,
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
    Request,
    Response,
    SignOut,
    Stage,
    Status,
    Step,
    StoreFault,
    Tick,
    TokenSource,
    TryLock,
    Unlock,
    Want,
    Write,
    __version__,
    read_answer,
)
from tokenward.errors import (
    AccountMismatch,
    Blocked,
    ConfigError,
    Downgrade,
    Misconfigured,
    ReauthRequired,
    SignedOut,
    StoreBusy,
    StoreUnreadable,
    StoreUnwritable,
    TokenError,
    Unavailable,
)

# What only type checkers need is loaded where it is asked for: it costs several times what everything else does.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenward._settings import Settings
    from tokenward._types import Effect, Input, Store, StoreOp, Transport

__all__ = [
    "MAX_BODY",
    "AccessToken",
    "AccountMismatch",
    "Adopt",
    "Answer",
    "Answered",
    "Blocked",
    "Changed",
    "Commit",
    "ConfigError",
    "Current",
    "Deliver",
    "Downgrade",
    "Effect",
    "Emit",
    "Event",
    "Events",
    "Fetch",
    "FileStore",
    "Forget",
    "Grant",
    "Holder",
    "Input",
    "JournalWrites",
    "Load",
    "Look",
    "Machine",
    "MaybeSent",
    "Misconfigured",
    "NotSent",
    "Note",
    "Now",
    "Park",
    "Prepare",
    "ReauthRequired",
    "Refused",
    "Request",
    "Response",
    "Settings",
    "SignOut",
    "SignedOut",
    "Stage",
    "Status",
    "Step",
    "Store",
    "StoreBusy",
    "StoreFault",
    "StoreOp",
    "StoreUnreadable",
    "StoreUnwritable",
    "Tick",
    "TokenError",
    "TokenSource",
    "Transport",
    "TryLock",
    "Unavailable",
    "Unlock",
    "Want",
    "Write",
    "__version__",
    "read_answer",
]

_LAZY = {"Settings": "_settings", **dict.fromkeys(("Effect", "Input", "Store", "StoreOp", "Transport"), "_types")}

if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in _LAZY:
            raise AttributeError(f"module 'tokenward' has no attribute {name!r}")
        # Not importlib: that costs more than the module.
        module = getattr(__import__(f"tokenward.{_LAZY[name]}"), _LAZY[name])
        globals()[name] = getattr(module, name)
        return globals()[name]


_exit.watch()
