"""The news of a source as records of the logger `tokenward`."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from tokenward import _exit

if TYPE_CHECKING:
    from tokenward import Event, Events, TokenSource

#: By the core's names.
_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}
_FIELDS = (
    "refresh_token",
    "access_token",
    "base",
    "attempt",
    "status",
    "row",
    "what",
    "detail",
    "retry_in",
    "error",
    "believed",
    "holder",
)


def attach(source: TokenSource, logger: logging.Logger | None = None) -> threading.Thread:
    """Logs the news of a source from now on, until it is closed. Tokens appear as fingerprints.

    The record's `event` is the `Event` itself. A forked child attaches anew.
    """
    logger = logger or logging.getLogger("tokenward")
    thread = threading.Thread(target=_tell, args=(source.events(), logger), name="tokenward-log", daemon=True)
    _exit.readers.add(thread)
    thread.start()
    # The log is closed at the end too, by a hook of its own: ours comes first.
    _exit.wait_first()
    return thread


def _tell(events: Events, logger: logging.Logger) -> None:
    for event in events:
        logger.log(_LEVELS[event.level], "%s", _text(event), extra={"event": event})
    _exit.readers.discard(threading.current_thread())


def _text(event: Event) -> str:
    told = ((name, getattr(event, name)) for name in _FIELDS)
    return " ".join([event.kind, *(f"{name}={value}" for name, value in told if value is not None)])
