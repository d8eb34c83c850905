"""Servers that do not want an answer to end: each writes what it likes to a raw socket."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PAUSE = 0.2  # seconds between two pieces of what trickles; less than any timeout that a test has

OK = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n"

Pieces = Iterator[bytes]


def _each(piece: bytes) -> Pieces:
    return itertools.repeat(piece)


def _numbered(head: bytes) -> Pieces:
    yield head
    for number in itertools.count():
        yield b"X-%d: %s\r\n" % (number, b"x" * 1000)


def _after(head: bytes, pieces: Pieces) -> Pieces:
    return itertools.chain([head], pieces)


# What each writes, and whether it pauses between the pieces. Without an end of the headers there is no answer ...
WITHOUT_ANSWER: dict[str, tuple[Callable[[], Pieces], bool]] = {
    "says nothing": (lambda: iter(()), True),
    "a byte now and then": (lambda: _after(OK, (b"x" for _ in itertools.count())), True),
    "100 Continue now and then": (lambda: _each(b"HTTP/1.1 100 Continue\r\n\r\n"), True),
    "100 Continue without end": (lambda: _each(b"HTTP/1.1 100 Continue\r\n\r\n"), False),
    "103 Early Hints without end": (lambda: _each(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), False),
    "headers now and then": (lambda: _numbered(OK), True),
    "headers without end": (lambda: _numbered(OK), False),
    "one header without end": (lambda: _after(OK + b"X: ", _each(b"x" * 65536)), False),
    "a status line without end": (lambda: _after(b"HTTP/1.1 200 ", _each(b"x" * 65536)), False),
}
# ... and with it there is one, whatever comes after it.
WITH_ANSWER: dict[str, tuple[Callable[[], Pieces], bool]] = {
    "a body that trickles": (lambda: _after(OK + b"Content-Length: 1000\r\n\r\n", _each(b"x")), True),
    "a body that never comes": (lambda: iter([OK + b"Content-Length: 1000\r\n\r\n"]), True),
    "an event stream": (
        lambda: _after(OK + b"Content-Type: text/event-stream\r\n\r\n", _each(b"data: 1\n\n")),
        True,
    ),
    "a body without end": (lambda: _after(OK + b"\r\n", _each(b"x" * 65536)), False),
    "chunked trailers without end": (
        lambda: _after(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", _numbered(b"")),
        False,
    ),
    "hints before the answer": (
        lambda: iter([b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n"]),
        False,
    ),
}


@contextmanager
def writing(pieces: Callable[[], Pieces], pauses: bool) -> Iterator[str]:
    """A server that answers each connection with `pieces()`, and then keeps it open; yields its URL."""
    stopped = threading.Event()
    threads: list[threading.Thread] = []

    def write(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # the client went away, as it should
            connection.recv(65536)
            for piece in pieces():
                connection.sendall(piece)
                if stopped.wait(PAUSE if pauses else 0):
                    return
            connection.settimeout(0.05)
            while not stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    if not connection.recv(65536):
                        return

    def accept() -> None:
        with contextlib.suppress(OSError):  # closed below
            while True:
                connection, _ = listener.accept()
                connection.settimeout(30)
                thread = threading.Thread(target=write, args=(connection,))
                thread.start()
                threads.append(thread)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in [accepting, *threads]:
                thread.join(timeout=10)
