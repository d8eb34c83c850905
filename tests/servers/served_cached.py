"""A cacheable application under three policies: served by the tests in test_caches.py, with a cache in front.

`/list/...`, `/credentials/...` and `/any/...` each answer under the policy of that name. What follows is only there to
give each test a URL of its own. `/count/PATH`, asked directly, tells how often the application was called for `/PATH`.
`without_vary` is the same application with the mistake that the tests must be able to see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from corecors import Policy
from corecors.adapters.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FIRST = "https://first.example"
SECOND = "https://second.example"
POLICIES = {
    "list": Policy(allow_origins=[FIRST, SECOND], allow_methods=["GET", "PUT"], expose_headers=["ETag"]),
    "credentials": Policy(allow_origins=[FIRST, SECOND], allow_credentials=True, max_age=600),
    "any": Policy(allow_origins=["*"]),
}
FRESH_SECONDS = 3600
STALE_AFTER = 1  # second, the shortest that HTTP can say: for paths with `/short/`

calls: Counter[str] = Counter()


def page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
    seconds = STALE_AFTER if "/short/" in path else FRESH_SECONDS
    headers = [
        ("Cache-Control", f"public, max-age={seconds}"),
        ("ETag", '"unchanging"'),
        ("Vary", "Accept-Encoding"),
    ]
    if environ.get("HTTP_IF_NONE_MATCH"):
        calls[f"{path} not modified"] += 1
        start_response("304 Not Modified", headers)
        return []
    calls[path] += 1
    body = path.encode("latin-1")
    start_response("200 OK", [*headers, ("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


governed: dict[str, WSGIApplication] = {name: CORSMiddleware(page, policy) for name, policy in POLICIES.items()}


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    first, _, rest = environ["PATH_INFO"].lstrip("/").partition("/")
    if first in governed:
        return governed[first]({**environ, "SCRIPT_NAME": f"/{first}", "PATH_INFO": f"/{rest}"}, start_response)
    count = f"{calls[f'/{rest}']} {calls[f'/{rest} not modified']}".encode() if first == "count" else b""
    start_response("200 OK", [("Cache-Control", "no-store"), ("Content-Length", str(len(count)))])
    return [count]


def strip_vary(app: WSGIApplication) -> WSGIApplication:
    """What CORS code does that forgets `Vary`."""

    def stripped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status, headers, exc_info=None):  # type: ignore[no-untyped-def]
            return start_response(status, [header for header in headers if header[0].lower() != "vary"], exc_info)

        return app(environ, start)

    return stripped


without_vary = strip_vary(application)
