"""What the doctor sends with: TLS, bounds, and why no answer came."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from broken_servers import PAGE, SilentHandler, application, right, serving
from click.testing import CliRunner
from werkzeug.serving import make_server

from corecors.browser import SentRequest
from corecors.cli.bounded_client import BoundedClient, Deadline
from corecors.cli.doctor import doctor
from corecors.cli.network_failures import failure_of
from corecors.cli.unanswered import ADVICE, MAX_REQUESTS, OtherHostError, TooManyRequestsError, UnreachableError

CERTIFICATE = Path(__file__).with_name("loopback.pem")  # for 127.0.0.1; good for a hundred years


@pytest.fixture(scope="module")
def secure() -> Iterator[str]:
    """The right server over TLS, with a certificate that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    app = application(right)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=SilentHandler, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.port}/"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        pytest.param([], 2, "the certificate is not trusted", id="nobody vouches for it"),
        pytest.param(["--insecure"], 0, "Works in a browser", id="any certificate is taken"),
        pytest.param(["--ca-file", str(CERTIFICATE)], 0, "Works in a browser", id="it is trusted by name"),
    ],
)
def test_a_certificate_has_to_be_right(secure: str, options: list[str], code: int, said: str) -> None:
    result = CliRunner().invoke(doctor, [secure, "--timeout", "120", "--origin", PAGE, *options])
    assert result.exit_code == code, result.output
    assert said in result.output


def test_plain_http_asked_over_tls_is_told() -> None:
    with serving(application(right)) as url:
        result = CliRunner().invoke(doctor, [url.replace("http:", "https:"), "--timeout", "120", "--origin", PAGE])
    assert result.exit_code == 2
    assert "TLS: the server does not speak TLS at this port" in result.output
    assert f"Fix: Write {url}" in result.output


def test_plain_http_at_a_port_that_speaks_tls_is_told() -> None:
    """As nginx and Apache answer it: with 400, in plain text."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if connection.recv(1, socket.MSG_PEEK) != b"\x16":  # a TLS record of a handshake
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n")
                return
            context.wrap_socket(connection, server_side=True).close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                answer(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        result = CliRunner().invoke(doctor, [url, "--timeout", "120", "--origin", PAGE])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)
    assert result.exit_code == 1
    assert "The port speaks TLS and was asked in plain http, so the answer is 400." in result.output
    assert f"Fix: Ask https: {url.replace('http', 'https')}\n" in result.output


def get(url: str, **changes: Any) -> SentRequest:
    return SentRequest(**({"method": "GET", "url": url, "headers": (("Accept", "*/*"),)} | changes))


def asked_of(app: Any) -> Iterator[tuple[str, BoundedClient]]:
    with serving(app) as url:
        yield url, BoundedClient(url, deadline=Deadline(30))


@pytest.fixture
def lengths() -> list[str | None]:
    """The Content-Length of each request that came."""
    return []


@pytest.fixture
def asking(lengths: list[str | None]) -> Iterator[tuple[str, BoundedClient]]:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        lengths.append(environ.get("CONTENT_LENGTH") or None)
        start_response("200 OK", [("Content-Length", "0")])
        return []

    yield from asked_of(app)


def test_no_more_is_sent_than_the_bound(asking: tuple[str, BoundedClient], lengths: list[str | None]) -> None:
    url, client = asking
    for _ in range(MAX_REQUESTS):
        client(get(url))
    with pytest.raises(TooManyRequestsError):
        client(get(url))
    assert len(lengths) == MAX_REQUESTS


def test_the_doctor_says_that_the_bound_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corecors.cli.bounded_client.MAX_REQUESTS", 1)
    with serving(application(right)) as url:
        result = CliRunner().invoke(doctor, [url, "--timeout", "120", "--origin", PAGE])
    assert result.exit_code == 0
    assert "Not every danger was looked for: more than 1 requests would be needed." in result.output


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("[::1]", id="as browsers write it"),
        pytest.param("[0:0:0:0:0:0:0:1]", id="written in full"),
        pytest.param("[0000:0::0.0.0.1]", id="in the mixed notation"),
    ],
)
def test_a_host_is_the_same_however_it_is_written(host: str) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("NOT TESTED: this machine has no IPv6")
    with listener:
        answer = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n"

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(answer)

        asked: list[bytes] = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        result = CliRunner().invoke(
            doctor, [f"http://{host}:{port}/", "--timeout", "120", "--origin", PAGE, "--no-hazards"]
        )
        thread.join(timeout=10)
    assert result.exit_code == 0, result.output
    assert f"\r\nHost: [::1]:{port}\r\n".encode() in asked[0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "127.0.0.1.example"])
def test_another_host_is_not_asked(asking: tuple[str, BoundedClient], host: str) -> None:
    url, client = asking
    with pytest.raises(OtherHostError):
        client(get(url.replace("127.0.0.1", host)))
    assert client.sent == 0


def test_an_empty_body_has_a_length_and_no_body_has_none(
    asking: tuple[str, BoundedClient], lengths: list[str | None]
) -> None:
    url, client = asking
    client(get(url, method="PUT", body=b""))
    client(get(url))
    client(get(url, method="POST", body=b"abc"))
    assert lengths == ["0", None, "3"]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        pytest.param(urllib3.exceptions.NameResolutionError("x", None, OSError()), "dns", "not resolve", id="DNS"),
        pytest.param(ssl.SSLError(), "tls", "TLS: failed", id="TLS without a reason"),
        pytest.param(http.client.RemoteDisconnected("x"), "closed", "closed the connection", id="closed"),
        pytest.param(http.client.BadStatusLine("SSH-2.0"), "not-http", "not HTTP: SSH-2.0", id="another protocol"),
        pytest.param(http.client.LineTooLong("header line"), "not-http", "got more than", id="a line without end"),
        pytest.param(ConnectionResetError(104, "Connection reset by peer"), "network", "reset by peer", id="reset"),
        pytest.param(ValueError("Invalid header value"), "request", "Invalid header", id="what cannot be sent"),
    ],
)
def test_why_no_answer_came_is_a_code_and_a_few_words(error: Exception, code: str, words: str) -> None:
    found = failure_of(error)
    assert found.code == code
    assert words in found.words
    assert ADVICE[code]


def test_a_name_that_does_not_resolve_is_no_answer() -> None:
    url = "http://corecors.invalid/"  # RFC 2606
    client = BoundedClient(url, deadline=Deadline(30))
    with pytest.raises(UnreachableError):
        client(get(url))


def test_a_port_where_nobody_listens_refuses_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    client = BoundedClient(url, deadline=Deadline(30))
    with pytest.raises(UnreachableError, match="Connection refused"):
        client(get(url))


def test_a_header_that_cannot_be_sent_is_no_answer(asking: tuple[str, BoundedClient]) -> None:
    url, client = asking
    with pytest.raises(UnreachableError):
        client(get(url, headers=(("X-A", "a\nb"),)))
