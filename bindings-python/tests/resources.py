"""A resource server on loopback that takes the tokens it is told to take, and notes what it was asked."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sys
    from types import TracebackType

    if sys.version_info >= (3, 11):
        from typing import Self
    else:
        from typing_extensions import Self


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    authorization: str | None
    body: bytes


class Resource:
    """`/…` answers 200 to a token in `live`, else 401; `/to/URL` redirects to what `redirect` says."""

    def __init__(self) -> None:
        self.live: set[str] = set()
        self.redirect: tuple[int, str] | None = None
        self.asked: list[Asked] = []
        resource = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = self.headers.get("Content-Length")
                body = self.rfile.read(int(length)) if length else self._chunks()
                sent = self.headers.get("Authorization")
                resource.asked.append(Asked(self.command, self.path, sent, body))
                if self.path == "/away" and resource.redirect is not None:
                    status, target = resource.redirect
                    self.send_response(status)
                    self.send_header("Location", target)
                else:
                    is_live = sent is not None and sent.removeprefix("Bearer ") in resource.live
                    self.send_response(200 if is_live else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815

            def _chunks(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return b""
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
