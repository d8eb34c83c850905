"""The application behind the proxies: it answers whatever the test has told it to, and has its own words on CORS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Response(NamedTuple):
    """Header lines are sent as they stand, doubled ones included.

    hints: the lines of a 103 that goes before, but not to HTTP/1.0: RFC 9110 15.2.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"0123456789"  # longer than any range that is asked for
    hints: tuple[tuple[str, str], ...] = ()


class Upstream:
    """An HTTP server in a thread of its own. `responses`: by path without query; others are 404."""

    def __init__(self, port: int, responses: dict[str, Response], seen: list[tuple[str, str]]) -> None:
        self.port = port
        self.responses = responses
        self.seen = seen  # method and path of every request that came through

    def add(self, response: Response) -> str:
        """A path that nothing else answers at."""
        path = f"/case/{len(self.responses)}"
        self.responses[path] = response
        return path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    responses: dict[str, Response]
    seen: list[tuple[str, str]]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method at all
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        response = self.responses.get(path, Response(404, (), b"no such path"))
        if self.headers.get("If-None-Match") in [value for name, value in response.headers if name == "ETag"]:
            self.seen.append((self.command, f"{path} not modified"))
            response = response._replace(status=304)
        self.seen.append((self.command, path))
        body = b"" if response.status in (204, 304) else response.body
        phrase = HTTPStatus(response.status).phrase
        if response.hints and self.request_version != "HTTP/1.0":
            lines = ["HTTP/1.1 103 Early Hints", *(f"{name}: {value}" for name, value in response.hints), "", ""]
            self.wfile.write("\r\n".join(lines).encode())
        head = [f"HTTP/1.1 {response.status} {phrase}", *(f"{name}: {value}" for name, value in response.headers)]
        if response.status not in (204, 304):
            head.append(f"Content-Length: {len(body)}")
        # In one piece: two would wait for each other's acknowledgement.
        text = "".join(f"{line}\r\n" for line in [*head, ""]).encode("latin-1")
        self.wfile.write(text + (b"" if self.command == "HEAD" else body))

    def handle(self) -> None:
        with suppress(ConnectionResetError):  # a proxy that ends
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


@contextmanager
def answering() -> Iterator[Upstream]:
    """Start it and end it afterwards."""
    responses: dict[str, Response] = {"/": Response()}
    seen: list[tuple[str, str]] = []
    handler = type("Handler", (_Handler,), {"responses": responses, "seen": seen})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Upstream(server.server_address[1], responses, seen)
        finally:
            server.shutdown()
            thread.join()
