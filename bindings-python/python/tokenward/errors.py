"""Why a caller got no token, named by what can be done next. One class for each kind of the core's table."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from tokenward._tokenward import Holder


class TokenError(Exception):
    """Why a caller got no token. Its text holds no secret."""

    #: The name in every language.
    kind: ClassVar[str]

    def __init__(
        self,
        message: str,
        act: str = "",
        retry_in: float | None = None,
        code: str | None = None,
        holder: Holder | None = None,
    ) -> None:
        super().__init__(message)
        #: What the caller, or the person behind it, can do next.
        self.act = act
        #: The seconds after which another attempt makes sense, where that is known.
        self.retry_in = retry_in
        #: The word that tells errors of one kind apart: the reason, the server's code.
        self.code = code
        #: The process that stands in the way, where one is known.
        self.holder = holder

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.act, self.retry_in, self.code, self.holder)


class SignedOut(TokenError):
    """There is no credential: the store is absent, or its owner marked it as signed out."""

    kind = "signed_out"


class ReauthRequired(TokenError):
    """The login ended and a person must sign in. `code`: expired, revoked, reused, rotation_lost or the server's."""

    kind = "reauth_required"


class Misconfigured(TokenError):
    """A person must change a setting: the client, the endpoint or the scope is refused. `code`: the server's."""

    kind = "misconfigured"


class Unavailable(TokenError):
    """It will pass: the network, the server, or a limit. `retry_in`: when."""

    kind = "unavailable"


class Blocked(TokenError):
    """A firewall, a proxy or a captive portal answered in the server's place: tell a person."""

    kind = "blocked"


class StoreBusy(TokenError):
    """Another process holds the store's lock and makes no progress. `holder`: the last one seen, for display."""

    kind = "store_busy"


class StoreUnreadable(TokenError):
    """The store cannot be understood or opened; it is left as it is. `code`: corrupt, denied, locked, folder, newer."""

    kind = "store_unreadable"


class StoreUnwritable(TokenError):
    """The store cannot be replaced. Found before a refresh token is spent."""

    kind = "store_unwritable"


class Downgrade(TokenError):
    """The write would make the login worse: an older credential, or one that cannot be refreshed."""

    kind = "downgrade"


class AccountMismatch(TokenError):
    """The write would replace another account's login."""

    kind = "account_mismatch"


class ConfigError(ValueError):
    """A setting that cannot be used. Its text names place and value, and hides secrets."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        #: The setting.
        self.name = name

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.name)


#: The classes by their kind. A test compares the names with the core's table.
BY_KIND: dict[str, type[TokenError]] = {
    error.kind: error
    for error in (
        SignedOut,
        ReauthRequired,
        Misconfigured,
        Unavailable,
        Blocked,
        StoreBusy,
        StoreUnreadable,
        StoreUnwritable,
        Downgrade,
        AccountMismatch,
    )
}


def make(
    kind: str, message: str, act: str, retry_in: float | None, code: str | None, holder: Holder | None
) -> TokenError:
    """Returns the exception of a core's error."""
    return BY_KIND[kind](message, act, retry_in, code, holder)
