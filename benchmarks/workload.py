"""The requests, policies and apps that everything in a run is measured with.

Every header value is a new `str` object each time, as a server would hand over: a `str` keeps its hash, so a value
that is used twice flatters every dictionary.
"""

import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ALLOWED_METHODS = ("GET", "PUT", "DELETE")
ALLOWED_HEADERS = ("Authorization", "Content-Type", "X-Request-ID")
EXPOSED_HEADERS = ("X-Total",)
MAX_AGE = 600  # seconds

PREFLIGHT_METHOD = "DELETE"
PREFLIGHT_NAMES = "authorization,content-type"

KIB = 1024

# How many of the allowed origins a batch cycles through: a site has a handful of frontends, not one.
DISTINCT_ORIGINS = 10


def fresh(text: str) -> str:
    """An equal `str` that is a new object: its hash not known, not interned."""
    return ("\x00" + text)[1:]


def exact_origins(number: int) -> list[str]:
    return [f"https://site{index:07d}.partner.example" for index in range(number)]


def domains(number: int) -> list[str]:
    """Registrable domains for `https://*.domain` patterns; the one that the requests come from stands in the middle."""
    return ["example.com" if index == number // 2 else f"tenant{index:05d}.org" for index in range(number)]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a policy allows, in a form from which ours, the floor and every peer can be configured."""

    origins: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()

    def spread_origins(self) -> list[str]:
        """Up to `DISTINCT_ORIGINS` of the origins, spread over the whole list."""
        step = max(1, len(self.origins) // DISTINCT_ORIGINS)
        return list(self.origins[::step])[:DISTINCT_ORIGINS]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as far as CORS can see it."""

    method: str
    origin: str | None = None
    request_method: str | None = None
    request_headers: str | None = None


_never_seen = count()


def allowed_requests(rules: Rules) -> Iterator[Request]:
    """Endless requests from the allowed origins, a handful in turn."""
    if rules.origins:
        origins = rules.spread_origins()
    elif rules.domains:
        origins = [f"https://app{index}.example.com" for index in range(DISTINCT_ORIGINS)]
    else:
        origins = [f"https://pr-{index}.preview.example.com" for index in range(DISTINCT_ORIGINS)]
    while True:
        for origin in origins:
            yield Request("GET", origin)


def all_allowed_requests(rules: Rules) -> Iterator[Request]:
    """Endless requests from all allowed origins in turn, far apart in the list: what was just used doesn't help."""
    step = max(1, len(rules.origins) // DISTINCT_ORIGINS) + 1
    index = 0
    while True:
        yield Request("GET", rules.origins[index % len(rules.origins)])
        index += step


def no_origin_requests(rules: Rules) -> Iterator[Request]:
    while True:
        yield Request("GET")


def refused_requests(rules: Rules) -> Iterator[Request]:
    """Endless requests from origins that are not allowed, a handful in turn."""
    while True:
        for index in range(DISTINCT_ORIGINS):
            yield Request("GET", f"https://x{index:07d}.attacker.example")


def never_seen_requests(rules: Rules) -> Iterator[Request]:
    """Endless requests from origins that are not allowed and were never seen before: no memo helps, and each look-up
    in a large table touches memory that is in no cache.
    """
    while True:
        yield Request("GET", f"https://x{next(_never_seen):07d}.attacker.example")


def new_subdomain_requests(rules: Rules) -> Iterator[Request]:
    """Endless requests from subdomains that match and were never seen before."""
    while True:
        yield Request("GET", f"https://x{next(_never_seen):07d}.example.com")


def long_origin_requests(size: int) -> Iterator[Request]:
    """Endless requests with an `Origin` of `size` characters, made of labels so that it could be taken for a host."""
    tail = ".example.net"
    while True:
        head = f"https://x{next(_never_seen):07d}"
        body = ".a" * ((size - len(head) - len(tail)) // 2 + 1)
        yield Request("GET", head + body[: size - len(head) - len(tail)] + tail)


def preflight_requests(actual: Iterable[Request], names: str = PREFLIGHT_NAMES) -> Iterator[Request]:
    for request in actual:
        yield Request("OPTIONS", request.origin, PREFLIGHT_METHOD, names)


def names_of_length(size: int) -> str:
    """A list of well-formed names, none of them allowed, `size` characters long."""
    return ",".join(f"x-{index:05d}" for index in range(size // 8 + 1))[:size]


# The variables that a server sets on every request, with values that are the same each time.
_SERVER_VARIABLES: dict[str, object] = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/",
    "QUERY_STRING": "",
    "RAW_URI": "/",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": "api.service.example",
    "SERVER_PORT": "80",
    "SERVER_SOFTWARE": "benchmark/1",
    "REMOTE_ADDR": "127.0.0.1",
    "REMOTE_PORT": "40000",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
BROWSER_HEADERS = (
    ("host", "api.service.example"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "application/json"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("referer", "https://site.partner.example/"),
    ("connection", "keep-alive"),
    ("cookie", "sid=0123456789abcdef0123456789abcdef"),
)


def cors_headers(request: Request) -> list[tuple[str, str]]:
    """The request's CORS headers, names in lower case, values new."""
    fields = (
        ("origin", request.origin),
        ("access-control-request-method", request.request_method),
        ("access-control-request-headers", request.request_headers),
    )
    return [(name, fresh(value)) for name, value in fields if value is not None]


def wsgi_environ(request: Request) -> WSGIEnvironment:
    """An environ as gunicorn would build it: the keys of headers are made at run time, so they are not interned."""
    environ: WSGIEnvironment = dict(_SERVER_VARIABLES)
    environ["wsgi.input"] = io.BytesIO()
    environ["wsgi.errors"] = sys.stderr
    environ["REQUEST_METHOD"] = fresh(request.method)
    for name, value in BROWSER_HEADERS:
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    for name, value in cors_headers(request):
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


_ASGI_HEADERS = [(name.encode(), value.encode()) for name, value in BROWSER_HEADERS]


def asgi_scope(request: Request) -> dict[str, object]:
    """A scope as uvicorn would build it, the CORS headers among the others."""
    cors = [(fresh(name).encode(), value.encode()) for name, value in cors_headers(request)]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": fresh(request.method),
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [*_ASGI_HEADERS[:6], *cors, *_ASGI_HEADERS[6:]],
        "client": ("127.0.0.1", 40000),
        "server": ("api.service.example", 80),
        "state": {},
        "extensions": {},
    }


async def asgi_app_with_2_headers(scope: Any, receive: Any, send: Any) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"2")],
        }
    )
    await send({"type": "http.response.body", "body": b"ok"})


def app_with_2_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


def app_with_10_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response(
        "200 OK",
        [
            ("Content-Type", "application/json"),
            ("Content-Length", "2"),
            ("Cache-Control", "no-store"),
            ("Server", "x"),
            ("X-Total", "3"),
            ("Strict-Transport-Security", "max-age=1"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "default-src 'none'"),
            ("X-Frame-Options", "DENY"),
        ],
    )
    return [b"ok"]


def app_with_unknown_header(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A header of the app's own invention, which no list of well-known names can have."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2"), ("X-Acme-Shard", "7")])
    return [b"ok"]


def app_with_vary(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Most apps that compress or keep a session send a `Vary` of their own."""
    start_response(
        "200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2"), ("Vary", "Accept-Encoding, Cookie")]
    )
    return [b"ok"]


def app_with_own_cors(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """An app that grants everyone by itself: what it says is replaced."""
    start_response(
        "200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2"), ("Access-Control-Allow-Origin", "*")]
    )
    return [b"ok"]


APPS: dict[str, WSGIApplication] = {
    "2 headers": app_with_2_headers,
    "10 headers": app_with_10_headers,
    "unknown header": app_with_unknown_header,
    "own Vary": app_with_vary,
    "own CORS": app_with_own_cors,
}
