"""An HTTP/1.1 client that hides nothing: it sends the test's own bytes and keeps every header line of the answer.

An ordinary client joins doubled header lines, refuses to send a folded or a doubled one, and retries on its own.
This one does none of that, and refuses an answer that is not well-formed.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TIMEOUT = 30.0  # seconds without a byte until a test fails: far more than a loaded machine needs
LONGEST_LINE = 1 << 20


class MalformedAnswer(Exception):
    """The server's bytes are not an HTTP/1.x answer, or end within one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, as it came over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Name and value of each header line in order, decoded as latin-1; a doubled header has two."""
    body: bytes

    def lines(self, name: str) -> list[str]:
        """The value of each header line of this name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The value of the only line of this name; None without one. Two lines are an error of the test's subject."""
        values = self.lines(name)
        assert len(values) <= 1, f"{name} came on {len(values)} lines: {values}"
        return values[0] if values else None


def request(method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """The bytes of a request. Nothing is checked, so that headers may be doubled, folded or malformed.

    `Host` is added; `Content-Length` if there is a body and no header of the caller's that gives its length.
    """
    given = list(headers)
    names = {name.lower() for name, _ in given}
    if "host" not in names:
        given.insert(0, ("Host", "localhost"))
    if body and not names & {"content-length", "transfer-encoding"}:
        given.append(("Content-Length", str(len(body))))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in given) + "\r\n"
    return head.encode("latin-1") + body


def chunked(*parts: bytes) -> bytes:
    """A message body in the chunked transfer coding."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


class Connection:
    """One connection to a server: to a TCP port of the loopback interface, or to a socket in the file system."""

    def __init__(self, address: int | Path) -> None:
        if isinstance(address, Path):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(TIMEOUT)
            self._socket.connect(str(address))
        else:
            self._socket = socket.create_connection(("127.0.0.1", address), timeout=TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")
        self.will_close = False
        """Whether the last answer said that the connection ends with it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes. A server may answer and close before it has read them all: then the answer is what counts."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.will_close = True

    def exchange(self, data: bytes) -> Answer:
        """Send one request and read its answer."""
        self.send(data)
        return self.receive(method=data[: data.index(b" ")].decode("latin-1"))

    def finish(self) -> None:
        """Say that no more is to come; answers can still be read. A server that has closed already needn't be told."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def receive(self, method: str = "GET") -> Answer:
        """Read one answer; `method` is that of its request, since an answer to HEAD has no body.

        Raises `MalformedAnswer`. Source: RFC 9112, sections 4, 5 and 6.3.
        """
        status_line = self._line()
        version, _, rest = status_line.partition(" ")
        if version not in ("HTTP/1.0", "HTTP/1.1") or not rest[:3].isdigit():
            raise MalformedAnswer(f"not a status line: {status_line!r}")
        status = int(rest[:3])
        headers = tuple(self._headers())
        answer = Answer(status, headers, b"")
        connection = ",".join(answer.lines("Connection")).lower()
        self.will_close = "close" in connection or (version == "HTTP/1.0" and "keep-alive" not in connection)
        if status in (100, 103):  # another follows
            return answer
        return Answer(status, headers, self._body(answer, method))

    def at_end(self) -> bool:
        """Whether the server has closed, with no byte more than the answers that were read. Waits for either."""
        try:
            return not self._stream.peek(1)
        except ConnectionResetError:
            return True

    def _line(self) -> str:
        try:
            line = self._stream.readline(LONGEST_LINE)
        except ConnectionResetError as reset:
            raise MalformedAnswer("the connection was reset") from reset
        if not line.endswith(b"\r\n"):
            raise MalformedAnswer(f"not a line that CR LF ends: {line[:200]!r}")
        return line[:-2].decode("latin-1")

    def _headers(self) -> Iterable[tuple[str, str]]:
        while line := self._line():
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip() or set("\r\n\0") & set(value):
                raise MalformedAnswer(f"not a header line: {line!r}")
            yield name, value.strip(" \t")

    def _body(self, answer: Answer, method: str) -> bytes:
        if method == "HEAD" or answer.status in (204, 304):
            return b""
        lengths = answer.lines("Content-Length")
        if answer.lines("Transfer-Encoding"):
            if lengths or answer.lines("Transfer-Encoding") != ["chunked"]:
                raise MalformedAnswer(f"two framings: {answer.headers}")
            return b"".join(self._chunks())
        if lengths:
            if len(set(lengths)) != 1:
                raise MalformedAnswer(f"two lengths: {lengths}")
            return self._exactly(int(lengths[0]))
        self.will_close = True
        return self._stream.read()

    def _chunks(self) -> Iterable[bytes]:
        while size := int(self._line().partition(";")[0], 16):
            yield self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise MalformedAnswer("a chunk doesn't end where its size says")
        if self._line():
            raise MalformedAnswer("a trailer, which nobody asked for")

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) != size:
            raise MalformedAnswer(f"{len(data)} of {size} bytes came")
        return data


def ask(address: int | Path, data: bytes) -> Answer:
    """One request on a connection of its own."""
    with Connection(address) as connection:
        return connection.exchange(data)
