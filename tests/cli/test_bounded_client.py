"""What the doctor sends with: TLS, bounds, and why no answer came."""

from __future__ import annotations

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
    MAX_BODY,
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
        client = BoundedClient(url, timeout=30)
        try:
            yield url, client
        finally:
            client.close()


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
    assert result.exit_code == 2
    assert "requests would be needed" in result.output


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


def test_no_more_of_a_body_is_read_than_the_bound() -> None:
    given: list[int] = []

    def endless(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        for number in range(10_000):
            given.append(number)
            yield b"x" * MAX_BODY

    for url, client in asked_of(endless):
        assert client(get(url)).status == 200
    assert len(given) < 1_000  # what the sockets' buffers hold


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(urllib3.exceptions.NameResolutionError("x", None, OSError()), "not resolve", id="DNS"),
        pytest.param(urllib3.exceptions.SSLError(), "TLS: ", id="TLS without a reason"),
        pytest.param(urllib3.exceptions.ReadTimeoutError(None, "/", "x"), "no answer in time", id="too late"),
        pytest.param(urllib3.exceptions.ProtocolError("closed"), "closed", id="anything else"),
    ],
)
def test_why_no_answer_came_is_a_few_words(error: urllib3.exceptions.HTTPError, words: str) -> None:
    assert _words(error).endswith(words)


def test_a_name_that_does_not_resolve_is_no_answer() -> None:
    url = "http://corecors.invalid/"  # RFC 2606
    client = BoundedClient(url, timeout=30)
    with pytest.raises(UnreachableError):
        client(get(url))
    client.close()


def test_a_port_where_nobody_listens_refuses_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    client = BoundedClient(url, timeout=30)
    with pytest.raises(UnreachableError, match="Connection refused"):
        client(get(url))
    client.close()


def test_a_header_that_cannot_be_sent_is_no_answer(asking: tuple[str, BoundedClient]) -> None:
    url, client = asking
    with pytest.raises(UnreachableError):
        client(get(url, headers=(("X-A", "a\nb"),)))
