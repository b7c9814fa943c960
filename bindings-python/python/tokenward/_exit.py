"""The end of the interpreter: a refresh token that is on its way is waited for, as long as the request may take.

The end of the process would wait too, but then nobody can be told of the outcome any more, neither a loop nor the log.
"""

from __future__ import annotations

import atexit
import os
import sys

from tokenward._tokenward import close_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading

#: Threads that read the news: they end with the sources, and tell what they have heard.
readers: set[threading.Thread] = set()


def _wait() -> None:
    try:
        close_all()
        for thread in list(readers):
            thread.join(1)
    except KeyboardInterrupt:
        import signal

        # The second Ctrl-C ends at once. The recorded intent covers what was under way.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def watch() -> None:
    """Has the end of this process, and of those forked from it, wait."""
    wait_first()
    _watch_worker()
    os.register_at_fork(after_in_child=_watch_worker)


def wait_first() -> None:
    """Has the wait come before what other modules do at the end, as far as they are there by now."""
    atexit.unregister(_wait)
    atexit.register(_wait)


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
