"""Puts an XCFramework of static libraries together, without Xcode, and looks into what came out.

xcframework.py OUT FFI SLICE…: FFI is the folder of the header; a slice is "PLATFORM MINIMUM ARCH=LIBRARY…", where the
platform is macos, ios or ios-simulator.
"""

from __future__ import annotations

import plistlib
import re
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE = "TokenwardFFI"
LIBRARY = f"lib{MODULE}.a"

#: cputype and cpusubtype (mach/machine.h).
CPUS = {"arm64": (0x0100000C, 0), "x86_64": (0x01000007, 3)}
#: The platform in LC_BUILD_VERSION (mach-o/loader.h).
PLATFORMS = {"macos": 1, "ios": 2, "ios-simulator": 7}
LC_BUILD_VERSION, LC_VERSION_MIN = 0x32, {0x24: "macos", 0x25: "ios"}
FAT_MAGIC, MACHO_64 = 0xCAFEBABE, b"\xcf\xfa\xed\xfe"
#: Both kinds of CPU have pages of at most 16 KiB.
ALIGN = 14


def main() -> int:
    """Builds and checks."""
    out, ffi = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(out, ignore_errors=True)
    declared = re.findall(r"\b(\w+)\(", (ffi / f"{MODULE}.h").read_text())
    functions = sorted({name for name in declared if name.startswith(("ffi_tokenward", "uniffi_tokenward"))})
    assert functions, "the header declares nothing"
    listed = []
    for text in sys.argv[3:]:
        platform, minimum, *libraries = text.split(" ")
        parts = {arch: Path(path).read_bytes() for arch, path in (library.split("=", 1) for library in libraries)}
        for arch, archive in parts.items():
            check(archive, platform, minimum, arch, functions)
        name = "_".join(parts)
        family, _, variant = platform.partition("-")
        identifier = "-".join(filter(None, (family, name, variant)))
        write(out / identifier, ffi, parts)
        entry = {
            "BinaryPath": LIBRARY,
            "HeadersPath": "Headers",
            "LibraryIdentifier": identifier,
            "LibraryPath": LIBRARY,
            "SupportedArchitectures": list(parts),
            "SupportedPlatform": family,
        }
        listed.append({**entry, "SupportedPlatformVariant": variant} if variant else entry)
        size = (out / identifier / LIBRARY).stat().st_size
        print(f"{identifier}: {', '.join(parts)} from {platform} {minimum}, {size / 1e6:.1f} MB")
    info = {"AvailableLibraries": listed, "CFBundlePackageType": "XFWK", "XCFrameworkFormatVersion": "1.0"}
    (out / "Info.plist").write_bytes(plistlib.dumps(info))
    return 0


def write(folder: Path, ffi: Path, parts: dict[str, bytes]) -> None:
    """Writes one slice."""
    # In a folder of its name, where clang looks too: two packages with a module map at the top would collide.
    headers = folder / "Headers" / MODULE
    headers.mkdir(parents=True)
    shutil.copy(ffi / f"{MODULE}.h", headers)
    # The library comes with the framework: nothing is to be linked by name.
    module = (ffi / "module.modulemap").read_text()
    (headers / "module.modulemap").write_text(re.sub(r' *link ".*"\n', "", module))
    (folder / LIBRARY).write_bytes(next(iter(parts.values())) if len(parts) == 1 else fat(parts))


def fat(parts: dict[str, bytes]) -> bytes:
    """Returns one file for several CPUs (mach-o/fat.h)."""
    head = struct.pack(">II", FAT_MAGIC, len(parts))
    body = b""
    start = 1 << ALIGN
    for arch, archive in parts.items():
        body += bytes(-len(body) % (1 << ALIGN))
        head += struct.pack(">IIIII", *CPUS[arch], start + len(body), len(archive), ALIGN)
        body += archive
    return head + bytes(start - len(head)) + body


def check(archive: bytes, platform: str, minimum: str, arch: str, functions: list[str]) -> None:
    """Fails unless every object is for this platform, no newer than declared, and all functions are there."""
    objects = 0
    for name, content in members(archive):
        if content[:4] != MACHO_64:
            continue
        objects += 1
        cpu, _, _, commands = struct.unpack_from("<IIII", content, 4)
        assert cpu == CPUS[arch][0], f"{name} is not for {arch}"
        offset = 32
        for _ in range(commands):
            command, size = struct.unpack_from("<II", content, offset)
            if command == LC_BUILD_VERSION:
                found, least = struct.unpack_from("<II", content, offset + 8)
                assert found == PLATFORMS[platform], f"{name} is for platform {found}, not {platform}"
            elif command in LC_VERSION_MIN:
                (least,) = struct.unpack_from("<I", content, offset + 8)
                assert LC_VERSION_MIN[command] == platform, f"{name} is not for {platform}"
            else:
                offset += size
                continue
            version = (least >> 16, least >> 8 & 255)
            assert version <= tuple(map(int, minimum.split("."))), f"{name} needs {platform} {version}"
            offset += size
    assert objects, "no object in the archive"
    missing = [name for name in functions if f"_{name}\0".encode() not in archive]
    assert not missing, f"not in the library: {missing}"


def members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Returns the members of a BSD archive by name."""
    assert archive[:8] == b"!<arch>\n", "no archive"
    offset = 8
    while offset + 60 <= len(archive):
        name, size = archive[offset : offset + 16].decode().rstrip(), int(archive[offset + 48 : offset + 58])
        content = archive[offset + 60 : offset + 60 + size]
        offset += 60 + size + size % 2
        if name.startswith("#1/"):
            length = int(name[3:])
            name, content = content[:length].rstrip(b"\0").decode(), content[length:]
        yield name, content


if __name__ == "__main__":
    sys.exit(main())
