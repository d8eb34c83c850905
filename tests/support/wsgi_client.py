"""Requests to a WSGI application in this process, with one pair for each header line that comes back."""

import io
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

from scenarios import Answer, Headers

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def environ_of(method: str, target: str, headers: Headers = (), body: bytes = b"") -> dict[str, Any]:
    """The environ of a request. `target` is a path that is decoded already, and a query."""
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }
    setup_testing_defaults(environ)
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ


def call(app: Application, environ: dict[str, Any]) -> Answer:
    """What `app` answers, as a server would send it: the last response that was started, what was written, the body."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        assert not started or exc_info, "started twice without exc_info"
        started.append((status, headers))
        return written.append

    body = app(environ, start_response)
    try:
        chunks = list(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    status, headers = started[-1]
    return Answer(int(status.split()[0]), tuple(headers), b"".join([*written, *chunks]))


def send(app: Application, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Answer:
    return call(app, environ_of(method, target, headers, body))


def values(answer: Answer, name: str) -> list[str]:
    """The values of each header line of that name."""
    return [value for each, value in answer.headers if each.lower() == name.lower()]


def answering(status: str, *headers: tuple[str, str], body: bytes = b"") -> Application:
    """An application that always answers like this."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, list(headers))
        return [body]

    return app
