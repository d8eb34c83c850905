"""Twenty small servers, each wrong in one way, and one that is right: for what finds out why a browser says no."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server

PAGE = "https://app.example.com"

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers]


@dataclass(frozen=True)
class Asked:
    """What a server sees of a request."""

    method: str
    path: str
    origin: str | None
    is_preflight: bool
    page: str = PAGE
    """The origin that the server means to allow."""


def right(asked: Asked) -> Answer:
    """The server that does everything right: the others change one thing."""
    if asked.is_preflight:
        answer = [("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")]
        if asked.origin != asked.page:
            return 403, answer
        allowed = [("Access-Control-Allow-Methods", "PUT"), ("Access-Control-Allow-Headers", "x-token, authorization")]
        return 204, [*allowed, *_allowing(asked.page), *answer]
    status = 200 if asked.path == "/" else 302 if asked.path == "/moved" else 404
    location = [("Location", "/")] if status == 302 else []
    readable = _allowing(asked.page) if asked.origin == asked.page else []
    return status, [*location, *readable, ("Vary", "Origin"), ("X-Total", "3")]


def _allowing(origin: str) -> Headers:
    return [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true")]


def without(headers: Headers, *names: str) -> Headers:
    """`headers` less those of these names."""
    return [(name, value) for name, value in headers if name not in names]


def having(headers: Headers, *lines: tuple[str, str]) -> Headers:
    """`headers` with these lines in place of those of the same names."""
    return [*without(headers, *(name for name, _ in lines)), *lines]


def reading(allows: Callable[[str, str], bool], *, credentials: bool = True) -> Callable[[Asked], Answer]:
    """The right server, but for what it takes for an allowed origin: `allows(origin, page)`."""

    def serve(asked: Asked) -> Answer:
        status, headers = right(asked)
        if asked.origin is not None and allows(asked.origin, asked.page) and not asked.is_preflight:
            headers = [*_allowing(asked.origin), *without(headers, "Access-Control-Allow-Origin", CREDENTIALS)]
            headers = headers if credentials else without(headers, CREDENTIALS)
        return status, headers

    return serve


def changing(change: Callable[[Asked, int, Headers], Answer]) -> Callable[[Asked], Answer]:
    """The right server, with its answers changed."""
    return lambda asked: change(asked, *right(asked))


def on_preflight(change: Callable[[Headers], Answer]) -> Callable[[Asked], Answer]:
    """The right server, with its answers to preflights changed."""
    return changing(lambda asked, status, headers: change(headers) if asked.is_preflight else (status, headers))


def on_actual(change: Callable[[Headers], Headers]) -> Callable[[Asked], Answer]:
    """The right server, with its other answers changed."""
    return changing(lambda asked, status, headers: (status, headers if asked.is_preflight else change(headers)))


ORIGIN = "Access-Control-Allow-Origin"
CREDENTIALS = "Access-Control-Allow-Credentials"
METHODS = "Access-Control-Allow-Methods"
NAMES = "Access-Control-Allow-Headers"


def has_origin(headers: Headers) -> bool:
    return any(name == ORIGIN for name, _ in headers)


def writing(write: Callable[[str], str]) -> Callable[[Asked], Answer]:
    """The right server, but for what it writes in place of the page's origin."""
    return changing(
        lambda asked, status, headers: (
            status,
            headers if asked.is_preflight else _allowed_only(headers, (ORIGIN, write(asked.page))),
        )
    )


def _at_port(page: str, port: int) -> str:
    parts = urlsplit(page)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _dotless(origin: str, page: str) -> bool:
    """Whether the two are alike but for the last dot of `page`, as with a regex that does not escape it."""
    dot = page.rindex(".")
    return len(origin) == len(page) and origin[:dot] == page[:dot] and origin[dot + 1 :] == page[dot + 1 :]


def _allowed_only(headers: Headers, *lines: tuple[str, str]) -> Headers:
    return having(headers, *lines) if has_origin(headers) else headers


@dataclass(frozen=True)
class Broken:
    """A server, how to ask it, and what is wrong with it: the finding's name, and a piece of its sentence."""

    serve: Callable[[Asked], Answer]
    options: tuple[str, ...]
    finding: str | None
    says: str = ""


PUT = ("-X", "PUT", "-H", "X-Token: 1")
COOKIES = ("--credentials",)

SERVERS = {
    "nothing is wrong": Broken(right, PUT, None),
    "no header on the response": Broken(
        on_actual(lambda headers: without(headers, ORIGIN)),
        (),
        "response: origin",
        "has no Access-Control-Allow-Origin",
    ),
    "a slash at the end": Broken(writing(lambda page: page + "/"), (), "response: origin", "slash"),
    "two headers": Broken(
        on_actual(lambda headers: [*headers, *(line for line in headers if line[0] == ORIGIN)]),
        (),
        "response: origin",
        "has 2 Access-Control-Allow-Origin headers",
    ),
    "a list of origins": Broken(
        writing(lambda page: f"{page}, https://b.example"),
        (),
        "response: origin",
        "list",
    ),
    "another port": Broken(writing(lambda page: _at_port(page, 8443)), (), "response: origin", "ports"),
    "a star beside credentials": Broken(
        on_actual(lambda headers: having(headers, (ORIGIN, "*"))), COOKIES, "response: origin", "counts for nothing"
    ),
    "credentials missing": Broken(
        on_actual(lambda headers: without(headers, CREDENTIALS)), COOKIES, "response: credentials", "has no"
    ),
    "credentials in capitals": Broken(
        on_actual(lambda headers: _allowed_only(headers, (CREDENTIALS, "True"))),
        COOKIES,
        "response: credentials",
        "only the exact value true",
    ),
    "the preflight is redirected": Broken(
        on_preflight(lambda headers: (302, [("Location", "/moved/")])), PUT, "preflight: status", "302"
    ),
    "the preflight is not found": Broken(on_preflight(lambda headers: (404, [])), PUT, "preflight: status", "404"),
    "the preflight wants a login": Broken(on_preflight(lambda headers: (401, [])), PUT, "preflight: status", "401"),
    "the preflight fails in the server": Broken(
        on_preflight(lambda headers: (500, headers)), PUT, "preflight: status", "500"
    ),
    "the preflight lacks the method": Broken(
        on_preflight(lambda headers: (204, having(headers, (METHODS, "PATCH")))),
        PUT,
        "preflight: method",
        "PUT",
    ),
    "the preflight lacks the header": Broken(
        on_preflight(lambda headers: (204, having(headers, (NAMES, "x-other")))), PUT, "preflight: header", "x-token"
    ),
    "the preflight quotes its list": Broken(
        on_preflight(lambda headers: (204, having(headers, (NAMES, '"x-token"')))),
        PUT,
        "preflight: syntax",
        "not a name",
    ),
    "the preflight forgets credentials": Broken(
        on_preflight(lambda headers: (204, without(headers, CREDENTIALS))), (*PUT, *COOKIES), "preflight: credentials"
    ),
    "a star does not cover Authorization": Broken(
        on_preflight(lambda headers: (204, having(headers, (NAMES, "*")))),
        ("-H", "Authorization: Bearer x"),
        "preflight: authorization",
        "laxer in today's browsers",
    ),
    "no Vary": Broken(on_actual(lambda headers: without(headers, "Vary")), (), "Vary missing", "cache"),
    "Vary only where allowed": Broken(
        on_actual(lambda headers: headers if has_origin(headers) else without(headers, "Vary")), (), "Vary missing"
    ),
    "anybody with credentials": Broken(reading(lambda origin, page: True), (), "any origin with credentials"),
    "anybody reflected": Broken(reading(lambda origin, page: True, credentials=False), (), "any origin reflected"),
    "null": Broken(reading(lambda origin, page: origin == "null"), (), "null allowed"),
    "the end is not looked at": Broken(
        reading(lambda origin, page: origin.startswith(page)),
        (),
        "look-alike origin allowed",
        ".corecors-doctor.invalid",
    ),
    "the start is not looked at": Broken(
        reading(lambda origin, page: origin.endswith(page.partition("://")[2])), (), "look-alike origin allowed"
    ),
    "a dot for any character": Broken(
        reading(_dotless),
        (),
        "look-alike origin allowed",
        "any character",
    ),
    "errors have no headers": Broken(
        changing(lambda asked, status, headers: (status, headers if status == 200 else without(headers, ORIGIN))),
        (),
        "errors without headers",
        "404",
    ),
}


def application(serve: Callable[[Asked], Answer], page: str = PAGE) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """A server as a WSGI application; `page` is the origin that it means to allow."""

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        method = environ["REQUEST_METHOD"]
        is_preflight = method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        status, headers = serve(Asked(method, environ["PATH_INFO"], origin, is_preflight, page))
        start_response(f"{status} Status", [*headers, ("Content-Length", "0")])
        return [b""]

    return respond


class SilentHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # the name is werkzeug's
        pass


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve `app` on a free port of the loopback address; yields its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=SilentHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}/"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
