"""Small servers, each wrong in one way, and some that are right: for what finds out why a browser says no."""

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
    """`headers` with these lines instead of those of the same names."""
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
    """The right server, but for what it writes instead of the page's origin."""
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
    """A server, how to ask it, and what is wrong with it: the code of the cause or the name of the danger, and a piece
    of its sentence."""

    serve: Callable[[Asked], Answer]
    options: tuple[str, ...]
    finding: str | None
    says: str = ""


PUT = ("-X", "PUT", "-H", "X-Token: 1")
COOKIES = ("--credentials",)

AIRPLAY = [("Server", "AirTunes/670.6.2"), ("Content-Length", "0")]
NGINX = ("Server", "nginx/1.26.3")


def bare(status: int, *headers: tuple[str, str]) -> Callable[[Asked], Answer]:
    """A server that knows nothing of CORS."""
    return lambda asked: (status, list(headers))


def bare_preflight(status: int, *headers: tuple[str, str]) -> Callable[[Asked], Answer]:
    """The right server, but something in front of it answers OPTIONS."""
    return on_preflight(lambda _: (status, list(headers)))


def bare_response(status: int, *headers: tuple[str, str]) -> Callable[[Asked], Answer]:
    """The right server, but for the answer to the request itself, which knows nothing of CORS."""
    return changing(lambda asked, was, lines: (was, lines) if asked.is_preflight else (status, list(headers)))


RIGHT = {
    "nothing is wrong": Broken(right, PUT, None),
    "credentials as well": Broken(right, (*PUT, *COOKIES), None),
    "a token": Broken(right, ("-H", "Authorization: Bearer x"), None),
    "a star for everybody": Broken(bare(200, (ORIGIN, "*")), (), None),
    "a simple POST": Broken(right, ("-X", "POST", "-d", "a=1", "-H", "Content-Type: text/plain"), None),
    "HEAD": Broken(right, ("-X", "HEAD"), None),
    "the preflight answers 200": Broken(on_preflight(lambda headers: (200, headers)), PUT, None),
    "an error that the page may see": Broken(
        changing(lambda asked, status, headers: (status if asked.is_preflight else 500, headers)), (), None
    ),
    "names in capitals": Broken(on_preflight(lambda headers: (204, having(headers, (NAMES, "X-TOKEN")))), PUT, None),
    "lists on several lines": Broken(
        on_preflight(lambda headers: (204, [*without(headers, NAMES), (NAMES, "x-a"), (NAMES, "x-token")])), PUT, None
    ),
}

CAUSES = {
    "the server failed": Broken(bare(500), (), "server-error", "failed while it answered the request (500)"),
    "the preflight fails in the server": Broken(
        on_preflight(lambda headers: (500, headers)),
        PUT,
        "server-error",
        "failed while it answered the preflight (500)",
    ),
    "the application is down": Broken(bare(502, NGINX), (), "gateway-error", "no answer from the application (502)"),
    "the application is too slow": Broken(bare(504, NGINX), (), "gateway-error", "(504)"),
    "the preflight meets no application": Broken(bare_preflight(503), PUT, "gateway-error", "(503)"),
    "the body is too large": Broken(bare_response(413, NGINX), (*PUT, "-d", "x"), "too-large", "too large"),
    "too many requests": Broken(bare(429), (), "rate-limited", "(429)"),
    "a login is wanted": Broken(bare(401), (), "unauthorized", "not authorised (401)"),
    "the preflight wants a login": Broken(bare_preflight(401), PUT, "preflight-needs-login", "(401)"),
    "a proxy wants a login for the preflight": Broken(bare_preflight(407), PUT, "preflight-needs-login", "(407)"),
    "nothing is there": Broken(bare(404), (), "not-found", "nothing at this address (404)"),
    "nothing is there any more": Broken(bare(410), (), "not-found", "(410)"),
    "forbidden": Broken(bare(403), (), "error-without-headers", "answers 403"),
    "a bad request": Broken(bare(400), (), "error-without-headers", "answers 400"),
    "the preflight is not found": Broken(bare_preflight(404), PUT, "options-not-answered", "(404)"),
    "OPTIONS is not allowed": Broken(bare_preflight(405), PUT, "options-not-answered", "(405)"),
    "OPTIONS is not implemented": Broken(bare(501), PUT, "options-not-answered", "(501)"),
    "another program on the port": Broken(bare(403, *AIRPLAY), (), "another-program", "AirPlay"),
    "another program answers the preflight": Broken(bare(403, *AIRPLAY), PUT, "another-program", "AirPlay"),
    "the preflight is redirected": Broken(
        bare_preflight(302, ("Location", "/moved/")), PUT, "redirect", "redirects the preflight (302)"
    ),
    "the preflight is sent to a login": Broken(
        bare_preflight(302, ("Location", "/accounts/login/?next=/")), PUT, "login", "sent to a login page"
    ),
    "the preflight is sent to https": Broken(
        changing(lambda asked, _, __: (301, [("Location", "https://127.0.0.1/")])),
        PUT,
        "redirect-to-https",
        "http to https",
    ),
    "the preflight is sent to another host": Broken(
        bare_preflight(308, ("Location", "https://www.example.org/x")), PUT, "redirect-to-host", "another host"
    ),
    "you are not logged in": Broken(bare(302, ("Location", "/login")), (), "login", "You are not logged in"),
    "you are not logged in there": Broken(
        bare(302, ("Location", "https://accounts.example.org/o/authorize?x=1")), (), "login", "You are not logged in"
    ),
    "the login is at another host": Broken(
        bare(302, (ORIGIN, "*"), ("Location", "https://sso.example.org/")), (), "login", "You are not logged in"
    ),
    "a redirect without headers": Broken(bare(302, ("Location", "/other")), (), "redirect", "redirects (302)"),
    "a redirect to https": Broken(
        bare(301, ("Location", "https://127.0.0.1/")), (), "redirect-to-https", "http to https"
    ),
    "a redirect in a circle": Broken(bare(302, (ORIGIN, "*"), ("Location", "/")), (), "redirect-loop", "in a circle"),
    "a redirect to nowhere": Broken(
        bare(302, (ORIGIN, "*"), ("Location", "x:y")), (), "redirect-refused", "not followed"
    ),
    "no header at all": Broken(bare(200), (), "missing-header", "CORS is not set up"),
    "no header on the response": Broken(
        on_actual(lambda headers: without(headers, ORIGIN)), (), "origin-not-allowed", "does not allow https://app."
    ),
    "only the preflight has it": Broken(
        bare_response(200, NGINX), PUT, "only-the-preflight", "The preflight has Access-Control-Allow-Origin"
    ),
    "the preflight has it not": Broken(
        bare_preflight(200), PUT, "not-the-preflight", "the response to the preflight (200)"
    ),
    "the preflight is refused": Broken(bare_preflight(403), PUT, "preflight-refused", "the origin is allowed"),
    "the preflight of a stranger is refused": Broken(bare(403), PUT, "preflight-refused", "the origin, the method PUT"),
    "the preflight gets an odd status": Broken(
        on_preflight(lambda headers: (304, headers)), PUT, "preflight-status", "304"
    ),
    "a slash at the end": Broken(writing(lambda page: page + "/"), (), "wrong-origin", "slash"),
    "another port": Broken(writing(lambda page: _at_port(page, 8443)), (), "wrong-origin", "ports differ"),
    "another scheme": Broken(writing(lambda page: page.replace("https", "http")), (), "wrong-origin", "schemes differ"),
    "another host": Broken(writing(lambda page: "https://b.example"), (), "wrong-origin", "hosts differ"),
    "capitals": Broken(writing(lambda page: page.upper()), (), "wrong-origin", "upper and lower case"),
    "a pattern": Broken(writing(lambda page: "https://*.example.com"), (), "wrong-origin", "do not read patterns"),
    "a regular expression": Broken(writing(lambda page: "/example/"), (), "wrong-origin", "comes from"),
    "nothing in it": Broken(writing(lambda page: ""), (), "wrong-origin", "empty"),
    "two headers": Broken(
        on_actual(lambda headers: [*headers, *(line for line in headers if line[0] == ORIGIN)]),
        (),
        "doubled",
        "has 2 Access-Control-Allow-Origin headers",
    ),
    "a list of origins": Broken(writing(lambda page: f"{page}, https://b.example"), (), "list-of-origins", "list"),
    "a star with credentials": Broken(
        on_actual(lambda headers: having(headers, (ORIGIN, "*"))),
        COOKIES,
        "wildcard-with-credentials",
        "counts for nothing",
    ),
    "a star with credentials on the preflight": Broken(
        on_preflight(lambda headers: (204, having(headers, (ORIGIN, "*")))),
        (*PUT, *COOKIES),
        "wildcard-with-credentials",
        "counts for nothing",
    ),
    "credentials missing": Broken(
        on_actual(lambda headers: without(headers, CREDENTIALS)), COOKIES, "credentials-not-allowed", "has no"
    ),
    "credentials in capitals": Broken(
        on_actual(lambda headers: _allowed_only(headers, (CREDENTIALS, "True"))),
        COOKIES,
        "credentials-not-allowed",
        "only the exact value true",
    ),
    "the preflight forgets credentials": Broken(
        on_preflight(lambda headers: (204, without(headers, CREDENTIALS))), (*PUT, *COOKIES), "credentials-not-allowed"
    ),
    "the preflight lacks the method": Broken(
        on_preflight(lambda headers: (204, having(headers, (METHODS, "PATCH")))),
        PUT,
        "method-not-allowed",
        "the method PUT",
    ),
    "the preflight lacks the header": Broken(
        on_preflight(lambda headers: (204, having(headers, (NAMES, "x-other")))), PUT, "header-not-allowed", "x-token"
    ),
    "the preflight lacks several": Broken(
        on_preflight(lambda headers: (204, having(headers, (METHODS, "PATCH"), (NAMES, "x-other")))),
        ("-X", "DELETE", "-H", "X-Token: 1", "-H", "Content-Type: application/json", "-H", "Authorization: Bearer x"),
        "not-listed",
        "the method DELETE and the headers authorization, content-type, x-token",
    ),
    "stars with credentials": Broken(
        on_preflight(lambda headers: (204, having(headers, (METHODS, "*"), (NAMES, "*")))),
        (*PUT, *COOKIES),
        "not-listed",
        "* counts for nothing with credentials",
    ),
    "the page writes patch": Broken(
        on_preflight(lambda headers: (204, having(headers, (METHODS, "PATCH")))),
        ("-X", "patch"),
        "method-case",
        "patch",
    ),
    "the preflight quotes its list": Broken(
        on_preflight(lambda headers: (204, having(headers, (NAMES, '"x-token"')))), PUT, "unreadable-list", "not a name"
    ),
    "a star does not cover Authorization": Broken(
        on_preflight(lambda headers: (204, having(headers, (NAMES, "*")))),
        ("-H", "Authorization: Bearer x"),
        "authorization-by-star",
        "today's browsers let it pass",
    ),
}

DANGERS = {
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
    "a header behind the policy": Broken(
        changing(
            lambda asked, status, headers: (status, headers if has_origin(headers) else [*headers, (ORIGIN, "*")])
        ),
        (),
        "header behind the policy",
        "everybody reads the response",
    ),
    "a cookie that stays at home": Broken(
        on_actual(lambda headers: [*headers, ("Set-Cookie", "sid=0123456789; HttpOnly")]),
        COOKIES,
        "cookie kept back",
        "SameSite=None",
    ),
}

SERVERS = RIGHT | CAUSES | DANGERS


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
    # Unbuffered writes and Nagle's algorithm together cost 40 ms for each response.
    wbufsize = 65536
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:  # the name is werkzeug's
        pass

    def send_response(self, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)  # without Server and Date, which are the application's to send here


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve `app` on a free port of the loopback address; yields its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=SilentHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))  # seconds until it notices that it is to end
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}/"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
