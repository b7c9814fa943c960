"""Looks into wheels: tags, size, and for which system the compiled part is. Fails where a wheel is not what it says."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

#: What a wheel's name says of the platform, what `file` says of such a library, and what it may need of the system.
PLATFORMS = {
    r"manylinux.*_x86_64": ("ELF 64-bit LSB shared object, x86-64", r"lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d|ld-linux.*"),
    r"manylinux.*_aarch64": (
        "ELF 64-bit LSB shared object, ARM aarch64",
        r"lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d|ld-linux.*",
    ),
    r"macosx_.*_arm64": ("Mach-O 64-bit arm64", r"/usr/lib/.*|/System/Library/Frameworks/.*"),
}


def main() -> int:
    """Looks into the wheels that are named."""
    wrong = [problem for wheel in map(Path, sys.argv[1:]) for problem in look_into(wheel)]
    print("\n".join(wrong))
    return 1 if wrong or not sys.argv[1:] else 0


def look_into(wheel: Path) -> list[str]:
    """Prints what there is to know, and returns what is wrong."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        files = archive.infolist()
        (compiled,) = (file.filename for file in files if file.filename.endswith(".so"))
        (about,) = (file.filename for file in files if file.filename.endswith("/WHEEL"))
        tags = re.findall(r"^Tag: (.*)$", archive.read(about).decode(), re.MULTILINE)
        library = Path(archive.extract(compiled, folder))
        kind = run("file", "--brief", str(library))
        needed = needs(library)
    installed = sum(file.file_size for file in files)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB, installed {installed / 1e6:.2f} MB")
    print(f"  tags {', '.join(tags)}\n  {compiled}: {kind}\n  needs {', '.join(needed)}")
    if "linux" in wheel.name:
        print("  " + "\n  ".join(line for line in run("auditwheel", "show", str(wheel)).splitlines() if line.strip()))
    wrong = [f"{wheel.name}: the tag {tag} is not in its name" for tag in tags if not is_in(tag, wheel.name)]
    (expected,) = (expected for platform, expected in PLATFORMS.items() if re.search(platform, wheel.name))
    if not kind.startswith(expected[0]):
        wrong.append(f"{wheel.name}: {kind}")
    return wrong + [f"{wheel.name}: needs {name}" for name in needed if not re.fullmatch(expected[1], name)]


def is_in(tag: str, name: str) -> bool:
    """Returns whether the name of a wheel, which may hold several tags in one, holds this one."""
    parts = Path(name).stem.split("-")[2:]
    return all(part in several.split(".") for part, several in zip(tag.split("-"), parts, strict=True))


def needs(library: Path) -> list[str]:
    """Returns the libraries that a compiled part is loaded with."""
    data = library.read_bytes()
    if data[:4] == b"\x7fELF":
        return re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "--dynamic", str(library)))
    (count,), at, found = struct.unpack_from("<I", data, 16), 32, []
    for _ in range(count):
        command, length = struct.unpack_from("<II", data, at)
        # LC_LOAD_DYLIB and LC_LOAD_WEAK_DYLIB (mach-o/loader.h).
        if command in (0xC, 0x80000018):
            (name,) = struct.unpack_from("<I", data, at + 8)
            found.append(data[at + name : at + length].split(b"\0")[0].decode())
        at += length
    return found


def run(*command: str) -> str:
    """Returns what a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
