"""An application whose answers tell what the server made of the request: served by the tests in test_wire.py.

`/` answers with the request's body; `/stream` with parts of no declared length. Both set CORS headers of their own, as
applications do that are wrapped later, and those must never leave beside the policy's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from attack_corpora import ALLOW_LIST

from corecors import Policy
from corecors.adapters.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY = Policy(
    allow_origins=ALLOW_LIST,
    allow_methods=["GET", "PUT"],
    allow_headers=["X-One", "X-Two"],
    expose_headers=["X-Seen"],
    allow_credentials=True,
    max_age=600,
)
SEEN = "X-Seen"
VARIABLES = (
    "REQUEST_METHOD",
    "HTTP_ORIGIN",
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD",
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS",
)
LONGEST_SHOWN = 1000
PARTS = (b"first,", b"second,", b"x" * 70_000)


def shown(value: str | None) -> str | int | None:
    """A value as the answer tells it: a long one only by its length."""
    return len(value) if value is not None and len(value) > LONGEST_SHOWN else value


def application_inside(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    own = [
        ("Content-Type", "text/plain"),
        ("Vary", "Accept-Encoding"),
        ("Access-Control-Allow-Origin", "https://set-by-the-app.example"),
        ("access-control-allow-origin", "*"),
        ("Access-Control-Allow-Credentials", "false"),
    ]
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", own)
        return iter(PARTS)
    body = body_of(environ)
    start_response("200 OK", [*own, ("Content-Length", str(len(body)))])
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else []


def body_of(environ: WSGIEnvironment) -> bytes:
    """The request's body: up to its length, or to its end where the server says that it knows the end."""
    if environ.get("wsgi.input_terminated"):
        return bytes(environ["wsgi.input"].read())
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def witness(app: WSGIApplication) -> WSGIApplication:
    """Add to every answer, preflights included, a header with what the server handed over, as JSON."""

    def witnessed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen = json.dumps([shown(environ.get(name)) for name in VARIABLES])

        def start(status, headers, exc_info=None):  # type: ignore[no-untyped-def]
            return start_response(status, [*headers, (SEEN, seen)], exc_info)

        return app(environ, start)

    return witnessed


application = witness(CORSMiddleware(application_inside, POLICY))
