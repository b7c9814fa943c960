"""Writes `tokenward/_settings.py` from the core's table of settings; with --check only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from tokenward._tokenward import settings_table

FILE = Path(__file__).parents[1] / "python" / "tokenward" / "_settings.py"

HEAD = '''"""The settings of a source, by the names of the core's table. Written by `tools/settings.py`: do not edit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from tokenward._types import Store


class Settings(TypedDict, total=False):
    """What a source can be told. Each has the environment variable of the command, `TOKENWARD_` and its name."""

'''


def text() -> str:
    """Returns what the file should hold."""
    lines = [HEAD]
    for name, kind, words, default, required, doc in settings_table():
        hint = f"Literal[{', '.join(map(repr, words))}]".replace("'", '"') if words else kind
        if name in ("store", "ca_file"):
            hint += " | os.PathLike[str]"
        if name == "store":
            hint += " | Store"
        about = doc[0].upper() + doc[1:] + (". Required" if required else f". Default: {default}" if default else "")
        lines.append(f"    #: {about}.\n    {name}: {hint}\n")
    return "".join(lines)


def main() -> int:
    """Writes or compares."""
    if "--check" not in sys.argv:
        FILE.write_text(text())
    elif FILE.read_text() != text():
        print(f"{FILE.name} is not what the core's table says: run tools/settings.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
