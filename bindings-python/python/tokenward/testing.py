"""A strict OAuth server for your own tests: it revokes the login as soon as a refresh token is used twice.

It runs in a process of its own on 127.0.0.1. With pytest the fixtures `tokenward_provider` and `tokenward_source` are
there as soon as tokenward is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from tokenward import AccessToken, Grant, SignedOut, TokenSource

if TYPE_CHECKING:
    from types import TracebackType

    from tokenward import Store, Transport

    if sys.version_info >= (3, 11):
        from typing import Self
    else:
        from typing_extensions import Self


class Provider:
    """The strict server. `ttl` is the life of an access token in seconds, `latency` the milliseconds of a request."""

    def __init__(self, *, ttl: float = 3600, latency: int = 0, grace: float = 0) -> None:
        options = [f"--ttl={ttl}", f"--latency={latency}", f"--grace={grace}"]
        # The settings in the environment are those of the person who runs the tests.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TOKENWARD_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tokenward", "provider", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        ready: dict[str, str] = json.loads(self._process.stdout.readline())
        self.url = ready["url"]
        self.token_url = ready["token_url"]
        self.client_id = ready["client_id"]
        #: The refresh token of the first login.
        self.refresh_token = ready["refresh_token"]
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def settings(self, store: str | os.PathLike[str] | Store, **named: Any) -> dict[str, Any]:
        """Returns the settings of a source on this server."""
        return {"token_url": self.token_url, "client_id": self.client_id, "store": store, **named}

    def source(
        self, store: str | os.PathLike[str] | Store, *, transport: Transport | None = None, **named: Any
    ) -> TokenSource:
        """Returns a source on this server. A store that holds nothing gets the server's first login."""
        source = TokenSource(self.settings(store, **named), transport=transport)
        if isinstance(source.status().fault, SignedOut):
            source.save(Grant(refresh_token=self.refresh_token))
        return source

    def login(self) -> Grant:
        """Begins another login and returns it, with an access token."""
        granted = self.control(login="access")
        token = AccessToken(granted["access_token"], time.time() + granted["expires_in"])
        return Grant(access_token=token, refresh_token=granted["refresh_token"])

    def control(self, **command: Any) -> dict[str, Any]:
        """Tells the server something: `hold=True`, `fault={"status": 503}`, `revoke="family"`, `ttl=2.5`."""
        return self._ask("/control", command)

    def stats(self) -> dict[str, Any]:
        """Returns what the server has counted: `requests`, `rotations`, `replays`, `held`, …"""
        return self._ask("/stats")

    def wait_for(self, event: str, count: int = 1, timeout: float = 30) -> dict[str, Any]:
        """Waits until a counter of `stats` has come to `count`."""
        return self._ask(f"/control/wait?event={event}&count={count}&timeout_ms={int(timeout * 1000)}")

    def accepts(self, token: str) -> bool:
        """Returns whether the server's API takes this access token."""
        request = urllib.request.Request(f"{self.url}/api", headers={"Authorization": f"Bearer {token}"})
        try:
            self._open(request).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 401:
                raise
            return False
        return True

    def close(self) -> None:
        """Ends the server."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, path: str, command: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if command is None else json.dumps(command).encode()
        with self._open(urllib.request.Request(self.url + path, data=data)) as answer:
            told: dict[str, Any] = json.load(answer)
            return told
