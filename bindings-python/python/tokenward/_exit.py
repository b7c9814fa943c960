"""The end of the interpreter: a refresh token that is on its way is waited for, as long as the request may take."""

from __future__ import annotations

import atexit
import os
import signal
import sys

from tokenward._tokenward import close_all


def _wait() -> None:
    try:
        close_all()
    except KeyboardInterrupt:
        # The second Ctrl-C ends at once. The recorded intent covers what was under way.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def watch() -> None:
    """Has the end of this process, and of those forked from it, wait."""
    atexit.register(_wait)
    _watch_worker()
    os.register_at_fork(after_in_child=_watch_worker)


def _watch_worker() -> None:
    # A worker of multiprocessing ends by os._exit: before Python 3.13 it runs these finalizers only, and it forgets
    # those that were there before it began.
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_wait, _finalize)
        _finalize(_wait)


def _finalize(_: object) -> None:
    util = sys.modules["multiprocessing.util"]
    util.Finalize(None, _wait, exitpriority=0)
