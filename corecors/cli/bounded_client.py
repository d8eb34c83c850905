"""What `corecors doctor` sends with: real HTTP to one host, bounded in number and by the clock, nothing followed."""

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from corecors.browser import Received, SentRequest
from corecors.browser.urls import Address, parse_url
from corecors.cli.network_failures import failure_of
from corecors.cli.unanswered import MAX_REQUESTS, Failure, OtherHostError, TooManyRequestsError, UnreachableError

USER_AGENT = f"corecors-doctor/{version('corecors')}"
MAX_INTERIM = 20  # responses 1xx before the real one; servers send one or two


Pairs = tuple[tuple[str, str], ...]


class Deadline:
    """Some seconds, which begin when they are asked for first. Several clients may have one together."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end: float | None = None

    def left(self) -> float:
        """The seconds that are left, 0 or less if none are."""
        now = time.monotonic()
        if self._end is None:
            self._end = now + self.seconds
        return self._end - now


class BoundedClient:
    """Sends at most `MAX_REQUESTS` requests to the host of `url`, all of them until `deadline`.

    The bound holds whatever the server does, and counts from the first request: a timeout of a socket would be a bound
    on each read, which a server that sends a byte now and then never exceeds. Bodies are not read: what decides about
    CORS is in the headers, and an event stream has no end.

    verify: whether the server's certificate has to be right. ca_file: certificates to trust instead of the usual ones.
    """

    def __init__(self, url: str, *, deadline: Deadline, verify: bool = True, ca_file: str | None = None) -> None:
        address = parse_url(url)
        self._host = None if address is None else address.host
        self._deadline = deadline
        self.sent: int = 0
        self._context = ssl.create_default_context(cafile=ca_file)
        if not verify:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE

    def __call__(self, request: SentRequest, own: Iterable[tuple[str, str]] = ()) -> Received:
        """Send one request and return every header line of the response as it came.

        `own`: headers that the browser adds by itself, a cookie say, and that decide nothing about CORS.
        """
        address = parse_url(request.url)
        if address is None or address.host != self._host:
            raise OtherHostError(request.url)
        if self.sent >= MAX_REQUESTS:
            raise TooManyRequestsError(MAX_REQUESTS)
        self.sent += 1
        return self._ask(request, tuple(own), address, self._deadline.left())

    def speaks_tls(self, url: str) -> bool:
        """Whether the port of `url`, an http address, answers a TLS handshake. Nothing else is sent."""
        address = parse_url(url)
        seconds = self._deadline.left()
        if address is None or address.host != self._host or seconds <= 0:
            return False
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        host = address.host.strip("[]")

        def shake_hands() -> bool:
            with socket.create_connection((host, address.port or 80), timeout=seconds) as plain:
                context.wrap_socket(plain, server_hostname=host).close()
            return True

        return self._within(seconds, shake_hands) is True

    def _ask(self, request: SentRequest, own: Pairs, address: Address, seconds: float) -> Received:
        if seconds <= 0:
            raise UnreachableError(Failure("timeout", self._too_late()))
        connection = self._connection(address, seconds)
        try:
            answer = self._within(seconds, lambda: _answer(connection, request, own, address))
        finally:
            _break_off(connection)
        if isinstance(answer, Received):
            return answer
        refused = isinstance(answer, urllib3.exceptions.NewConnectionError)  # counts as a timeout there
        if isinstance(answer, TimeoutError | urllib3.exceptions.ConnectTimeoutError) and not refused:
            raise UnreachableError(Failure("timeout", self._too_late()))
        if isinstance(answer, OSError | ValueError | http.client.HTTPException | urllib3.exceptions.HTTPError):
            raise UnreachableError(failure_of(answer))
        assert isinstance(answer, Exception)
        raise answer

    def _within(self, seconds: float, do: Callable[[], Any]) -> Any:
        """What `do` returns or raises, or a `TimeoutError`. It runs in a thread, which is left behind where it is not
        done in time: names are looked up without a bound, and a timeout of a socket is one for each read."""
        outcome: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def done() -> None:
            try:
                outcome.put(do())
            except Exception as error:
                outcome.put(error)

        threading.Thread(target=done, name=f"corecors doctor {self.sent}", daemon=True).start()
        try:
            return outcome.get(timeout=seconds)
        except queue.Empty:
            return TimeoutError()

    def _connection(self, address: Address, seconds: float) -> HTTPConnection:
        host = address.host.strip("[]")  # http.client writes the brackets itself
        if address.scheme == "https":
            return HTTPSConnection(host, address.port, timeout=seconds, ssl_context=self._context)
        return HTTPConnection(host, address.port, timeout=seconds)

    def _too_late(self) -> str:
        seconds = self._deadline.seconds
        return f"no answer within {seconds:g} second{'' if seconds == 1 else 's'}"


class _FinalResponse(http.client.HTTPResponse):
    """A response that is not 1xx: `http.client` by itself takes a 103 for the answer, and awaits the end of 100s."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM):
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 100 <= found[1] < 200 or found[1] == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return found
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException(f"more than {MAX_INTERIM} interim responses (100 Continue and the like)")


def _answer(connection: HTTPConnection, request: SentRequest, own: Pairs, address: Address) -> Received:
    headers = urllib3.HTTPHeaderDict({"User-Agent": USER_AGENT, "Connection": "close"})
    for name, value in own:
        headers[name] = value
    for name, value in request.headers:
        if name == "Connection":  # of a WebSocket handshake
            headers.discard(name)
        headers.add(name, value)
    if request.body == b"":
        headers["Content-Length"] = "0"
    connection.response_class = _FinalResponse
    connection.request(request.method, address.path, body=request.body, headers=headers, preload_content=False)
    response = connection.getresponse()
    return Received(response.status, tuple(response.headers.items()))


def _break_off(connection: HTTPConnection) -> None:
    """Close the connection under what reads from it."""
    connected: Any = connection.sock
    if connected is not None:
        with suppress(OSError):  # it has ended by itself
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
    connection.close()
