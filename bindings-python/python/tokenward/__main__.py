"""The `tokenward` command."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig

from tokenward._tokenward import run


def main() -> int:
    """Runs the command and returns its exit code."""
    # Ctrl-C belongs to the command: Python's own handler would only note it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run(_argv0(), sys.argv[1:])


def _argv0() -> str:
    # `tokenward demo` starts itself again. Behind `python -m` that takes the script that came with the wheel.
    script = os.path.join(sysconfig.get_path("scripts"), "tokenward")
    return sys.argv[0] if os.access(sys.argv[0], os.X_OK) else script


if __name__ == "__main__":
    sys.exit(main())
