"""One request to a WSGI application as a server makes it, PEP 3333 checked on the way, and its answer."""

from io import BytesIO
from typing import Any
from wsgiref.validate import validator

Headers = list[tuple[str, str]]


def asked(application: Any, environ: dict[str, Any]) -> tuple[int, Headers]:
    """Status and headers that a WSGI application answers with, PEP 3333 checked on the way."""
    got: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Any:
        got.append((status, headers))
        return lambda data: None

    body = validator(application)(environ, start_response)
    try:
        b"".join(body)
    finally:
        body.close()
    ((status, headers),) = got
    return int(status.split()[0]), headers


class Application:
    """Answers 200, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.calls += 1
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]


def environ_of(method: str, target: str, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """The environ that a server makes of a request: bytes decoded as latin-1, repeated lines joined with commas.

    A name with an underscore is left out, as servers do today: its CGI variable would be that of another header.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "" if target == "*" else target,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "api.example.net",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(b""),
        "wsgi.errors": _Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value.encode("latin-1").decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


class _Errors:
    """`wsgi.errors` of a server that has nobody to tell."""

    def write(self, text: str) -> None: ...
    def writelines(self, lines: list[str]) -> None: ...
    def flush(self) -> None: ...
