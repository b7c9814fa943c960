"""Runs the first Python example of a README against the strict provider."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from tokenward import AccessToken, TokenSource
from tokenward.testing import Provider


def main() -> int:
    """Runs the example of the README that is named; what it calls `token` must work."""
    found = re.search(r"```python\n(.*?)```", Path(sys.argv[1]).read_text(), re.DOTALL)
    assert found is not None, "no Python example"
    names: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, Provider() as provider:
        store = Path(folder) / "login.json"
        provider.source(store).close()
        example = found[1]
        for shown, real in (
            ("https://id.example/token", provider.token_url),
            ("my-app", provider.client_id),
            ("login.json", str(store)),
        ):
            assert example.count(f'"{shown}"') == 1, f"the example has no {shown}"
            example = example.replace(shown, real)
        exec(compile(example, sys.argv[1], "exec"), names)
        assert isinstance(names["source"], TokenSource)
        assert isinstance(names["token"], AccessToken)
        assert provider.accepts(names["token"].expose())
        names["source"].close()
    print(f"the example of {sys.argv[1]} works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
