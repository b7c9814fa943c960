"""What an import costs over the bare interpreter, side by side in one run. Prints the best and the middle of 40."""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys

RUNS = 40
IMPORTS = {
    "the interpreter alone": "pass",
    "tokenward": "import tokenward",
    "httpx": "import httpx",
    "google-auth": "import google.oauth2.credentials, google.auth.transport.requests",
    "msal": "import msal",
    "authlib": "import authlib.integrations.requests_client",
}
NEEDS = {"httpx": "httpx", "google-auth": "google", "msal": "msal", "authlib": "authlib"}


def main() -> None:
    """Prints the figures."""
    chosen = {name: code for name, code in IMPORTS.items() if importlib.util.find_spec(NEEDS.get(name, "sys"))}
    times: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(RUNS):
        for name, code in chosen.items():
            times[name].append(run(code))
    bare = times["the interpreter alone"]
    print(f"import, Python {sys.version.split()[0]}, in ms of one core over the interpreter alone: best, median")
    print(f"{min(bare):7.1f} {statistics.median(bare):7.1f}  the interpreter alone, in all")
    for name in list(chosen)[1:]:
        best = min(times[name]) - min(bare)
        middle = statistics.median(times[name]) - statistics.median(bare)
        print(f"{best:7.1f} {middle:7.1f}  {name}")


def run(code: str) -> float:
    """Returns the milliseconds that an interpreter which does this works for, whatever others do in between."""
    child = os.posix_spawn(sys.executable, [sys.executable, "-I", "-c", code], os.environ)
    _, status, used = os.wait4(child, 0)
    assert status == 0, code
    return (used.ru_utime + used.ru_stime) * 1000


if __name__ == "__main__":
    main()
