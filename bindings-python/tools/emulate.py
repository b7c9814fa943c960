"""Has an emulated Python use a login of the strict provider, which runs on the machine itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tokenward.testing import Provider

HERE = Path(sys.argv[1])
PYTHON = ["qemu-aarch64-static", "-L", str(HERE / "root"), str(HERE / "root" / "usr" / "bin" / "python3.11")]

SCRIPT = """
import asyncio, json, platform, sys
from tokenward import Grant, TokenSource
token_url, client_id, store, refresh_token = sys.argv[1:]
with TokenSource(token_url=token_url, client_id=client_id, store=store) as source:
    source.save(Grant(refresh_token=refresh_token))
    tokens = [source.get_token(), asyncio.run(source.get_token_async()), source.refresh()]
print(json.dumps([platform.machine(), *(token.expose() for token in tokens)]))
"""


def main() -> int:
    """Runs the command and a source."""
    print(emulated("-m", "tokenward", "--version").strip())
    with Provider() as provider, tempfile.TemporaryDirectory() as folder:
        settings = (provider.token_url, provider.client_id, f"{folder}/login.json", provider.refresh_token)
        machine, first, awaited, newer = json.loads(emulated("-c", SCRIPT, *settings))
        assert machine == "aarch64", machine
        assert first == awaited != newer
        assert provider.accepts(newer)
        stats = provider.stats()
    assert (stats["requests"], stats["rotations"], stats["replays"]) == (2, 2, 0), stats
    print("a login of two rotations in an emulated Python")
    return 0


def emulated(*arguments: str) -> str:
    """Returns what the emulated Python prints."""
    environment = {**os.environ, "PYTHONPATH": str(HERE / "wheel")}
    return subprocess.run([*PYTHON, *arguments], check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


if __name__ == "__main__":
    sys.exit(main())
