"""What is installed with a package, its dependencies included."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def main() -> None:
    """Prints the figures."""
    print("installed, dependencies included (without compiled Python files)")
    for name in ("tokenward", "google-auth", "msal", "authlib", "httpx"):
        packages = closure(name)
        if packages:
            size = sum(installed(package) for package in packages) / 1e6
            print(f"{size:7.2f} MB in {len(packages):2}  {name}")


def closure(name: str) -> set[str]:
    """Returns a package and what it needs, by name; nothing if it is not there."""
    found: set[str] = set()
    todo = [name]
    while todo:
        package = todo.pop().lower().replace("_", "-")
        try:
            needs = distribution(package).requires or []
        except PackageNotFoundError:
            continue
        if package not in found:
            found.add(package)
            todo += [match[0] for need in needs if ";" not in need and (match := re.match(r"[\w.-]+", need))]
    return found


def installed(package: str) -> int:
    """Returns the bytes of a package's own files."""
    files = [Path(str(file.locate())) for file in distribution(package).files or [] if file.suffix != ".pyc"]
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    main()
