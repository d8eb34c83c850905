"""What the doctor sends with: TLS, bounds, and why no answer came."""

from __future__ import annotations

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
from corecors.cli.bounded_client import (
    MAX_REQUESTS,
    BoundedClient,
    OtherHostError,
    TooManyRequestsError,
    UnreachableError,
    _words,
)
from corecors.cli.doctor import doctor

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
        pytest.param([], 2, "TLS:", id="nobody vouches for it"),
        pytest.param(["--insecure"], 0, "Works in a browser", id="any certificate is taken"),
        pytest.param(["--ca-file", str(CERTIFICATE)], 0, "Works in a browser", id="it is trusted by name"),
    ],
)
def test_a_certificate_has_to_be_right(secure: str, options: list[str], code: int, said: str) -> None:
    result = CliRunner().invoke(doctor, [secure, "--origin", PAGE, *options])
    assert result.exit_code == code, result.output
    assert said in result.output


def test_plain_http_asked_over_tls_is_told() -> None:
    with serving(application(right)) as url:
        result = CliRunner().invoke(doctor, [url.replace("http:", "https:"), "--origin", PAGE])
    assert result.exit_code == 2
    assert "TLS:" in result.output


def get(url: str, **changes: Any) -> SentRequest:
    return SentRequest(**({"method": "GET", "url": url, "headers": (("Accept", "*/*"),)} | changes))


def asked_of(app: Any) -> Iterator[tuple[str, BoundedClient]]:
    with serving(app) as url:
        yield url, BoundedClient(url, timeout=30)


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
        result = CliRunner().invoke(doctor, [url, "--origin", PAGE])
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
        result = CliRunner().invoke(doctor, [f"http://{host}:{port}/", "--origin", PAGE, "--no-hazards"])
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
    ("error", "words"),
    [
        pytest.param(urllib3.exceptions.NameResolutionError("x", None, OSError()), "not resolve", id="DNS"),
        pytest.param(ssl.SSLError(), "TLS: SSLError", id="TLS without a reason"),
        pytest.param(http.client.RemoteDisconnected("x"), "closed the connection without an answer", id="closed"),
        pytest.param(http.client.BadStatusLine("SSH-2.0"), "not HTTP: SSH-2.0", id="another protocol"),
        pytest.param(ConnectionResetError(104, "Connection reset by peer"), "reset by peer", id="anything else"),
    ],
)
def test_why_no_answer_came_is_a_few_words(error: Exception, words: str) -> None:
    assert _words(error).endswith(words)


def test_a_name_that_does_not_resolve_is_no_answer() -> None:
    url = "http://corecors.invalid/"  # RFC 2606
    client = BoundedClient(url, timeout=30)
    with pytest.raises(UnreachableError):
        client(get(url))


def test_a_port_where_nobody_listens_refuses_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    client = BoundedClient(url, timeout=30)
    with pytest.raises(UnreachableError, match="Connection refused"):
        client(get(url))


def test_a_header_that_cannot_be_sent_is_no_answer(asking: tuple[str, BoundedClient]) -> None:
    url, client = asking
    with pytest.raises(UnreachableError):
        client(get(url, headers=(("X-A", "a\nb"),)))
