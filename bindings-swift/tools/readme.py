"""Runs the first Swift example of README.md against the strict provider, in a package of its own.

readme.py TOKENWARD FOLDER FLAG…: FOLDER is where the package is made; the flags are for `swift run`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
README = HERE.parent / "README.md"

PACKAGE = f"""// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "Readme",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "Tokenward", path: "{HERE}")],
    targets: [.executableTarget(name: "readme", dependencies: ["Tokenward"])]
)
"""


def main() -> int:
    """Runs the example; what it calls `token` must work."""
    tokenward, folder, flags = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    found = re.search(r"```swift\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None, "no Swift example"
    provider = subprocess.Popen([tokenward, "provider"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert provider.stdout is not None
    ready = json.loads(provider.stdout.readline())
    try:
        (folder / "Sources" / "readme").mkdir(parents=True, exist_ok=True)
        store = folder / "login.json"
        store.write_text(json.dumps({"version": 1, "refresh_token": ready["refresh_token"]}))
        example = found[1]
        for shown, real in (
            ("https://id.example/token", ready["token_url"]),
            ("my-app", ready["client_id"]),
            ("login.json", str(store)),
        ):
            assert example.count(f'"{shown}"') == 1, f"the example has no {shown}"
            example = example.replace(shown, real)
        (folder / "Package.swift").write_text(PACKAGE)
        (folder / "Sources" / "readme" / "main.swift").write_text(example + "print(header, token)\n")
        command = [HERE / "tools" / "swift", "swift", "run", "--package-path", folder, *flags, "readme"]
        header, shown_token = subprocess.check_output(command, text=True).splitlines()[-1].rsplit(" ", 1)
        assert header.removeprefix("Bearer ") == json.loads(store.read_text())["access_token"]
        assert re.fullmatch(r"AccessToken\([0-9a-f]{8}\)", shown_token), shown_token
        request = urllib.request.Request(ready["url"] + "/api", headers={"Authorization": header})
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
    finally:
        provider.communicate()
    print(f"the Swift example of {README.name} works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
