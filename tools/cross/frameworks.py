"""Writes stubs of Apple's frameworks for the linker, into the folder that is named.

A stub lists every name that a crate with declarations of a framework (core-foundation-sys, say) declares: more than is
used, so that a name that is missing is an error of the linker and not of somebody's Mac.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGET = "aarch64-apple-darwin"

#: Each framework, and the crate that declares its names.
CRATES = {"CoreFoundation": "core-foundation-sys", "Security": "security-framework-sys"}

STUB = """--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos, x86_64-macos ]
install-name: '/System/Library/Frameworks/{name}.framework/Versions/A/{name}'
current-version: 1
exports:
  - targets: [ arm64-macos, x86_64-macos ]
    symbols: [ {symbols} ]
...
"""


def main() -> None:
    """Writes one stub for each framework."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={TARGET}"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)["packages"]
    folders = {package["name"]: Path(package["manifest_path"]).parent for package in packages}
    for name, crate in CRATES.items():
        symbols = sorted({f"'_{symbol}'" for symbol in declared(folders[crate])})
        stub = Path(sys.argv[1]) / f"{name}.framework" / f"{name}.tbd"
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text(STUB.format(name=name, symbols=", ".join(symbols)))
        print(f"{stub}: {len(symbols)} names")


def declared(folder: Path) -> set[str]:
    """Returns the functions and the statics of a crate that has nothing but declarations."""
    texts = (file.read_text() for file in (folder / "src").rglob("*.rs"))
    return {name for text in texts for name in re.findall(r"^\s*pub (?:fn|static) (\w+)", text, re.MULTILINE)}


if __name__ == "__main__":
    main()
