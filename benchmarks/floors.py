"""The floor: the least that a correct WSGI wrapper can do, as the yardstick for everything else.

The argument
------------
A correct wrapper cannot do less than this on a request that reaches the app:

1. read `Origin`, since the answer depends on it: one `environ.get`;
2. tell a preflight from the rest, since a preflight must not reach the app: one comparison, where there is an `Origin`;
3. decide: one look-up of a `str` whose hash is not known yet, since the server has just made it;
4. stand between the app and the server's `start_response`, since the app's own list of headers is only known there: one
   function made per request, one more call, one new list (the app's list is the app's: it may be a constant that it
   sends again, so it is never changed).

Everything that can be computed before the first request is: the whole tail of headers per origin, the whole answer to
each preflight that a browser would send for the configured names. Plain functions are cheaper than `__call__`, default
arguments are cheaper than closure cells, and annotations on an inner function are built with it on every request; so
that is how it is written.

The floor does less than a library must. It neither replaces an `Access-Control-Allow-Origin` that the app set itself
nor merges the app's `Vary` (a second `Vary` line is legal, RFC 9110, section 5.3), has no guards against long values,
validates nothing, and keeps several tuples and lists in memory for each origin. It is a distance to be measured
against, not a design.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from benchmarks.workload import ALLOWED_HEADERS, ALLOWED_METHODS, EXPOSED_HEADERS, MAX_AGE

Pairs = list[tuple[str, str]]

MAX_PATTERN_ORIGIN = len("https://") + 253  # DNS caps a host name at 253 characters

_CREDENTIALS = ("Access-Control-Allow-Credentials", "true")
_EXPOSED = ("Access-Control-Expose-Headers", ", ".join(EXPOSED_HEADERS))
_VARY = ("Vary", "Origin")
_PREFLIGHT_VARY = ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
_REFUSED: Pairs = [_VARY]
_PREFLIGHT_REFUSED: Pairs = [_PREFLIGHT_VARY]

_METHODS = frozenset(ALLOWED_METHODS) | {"GET", "HEAD", "POST"}
_NAMES = frozenset(name.lower() for name in ALLOWED_HEADERS)
# The longest list of distinct names that could pass, with a blank on each side of every name.
_MAX_NAMES_LENGTH = sum(len(name) + 3 for name in _NAMES) - 1

# A triple for every origin, method and set of names costs kilobytes an origin; beyond this many origins only the
# triple that the benchmark asks for is held.
_WHOLE_TABLE_UP_TO = 1000


def pass_through(app: WSGIApplication) -> WSGIApplication:
    """A wrapper that does nothing: what one more Python call costs."""
    return lambda environ, start_response: app(environ, start_response)


def decision_only(app: WSGIApplication, origins: Iterable[str]) -> WSGIApplication:
    """What reading `Origin` and looking it up costs, without sending anything: no CORS, a step on the way to it."""
    answer = {origin: [origin] for origin in origins}.get
    refused: list[str] = []

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and environ["REQUEST_METHOD"] != "OPTIONS":
            answer(origin, refused)
        return app(environ, start_response)

    return wrapped


def exact_floor(app: WSGIApplication, origins: Sequence[str]) -> WSGIApplication:
    """The floor for a list of exact origins (F2)."""
    answer = {
        origin: [("Access-Control-Allow-Origin", origin), _CREDENTIALS, _EXPOSED, _VARY] for origin in origins
    }.get
    preflight = _preflight_table(origins).get
    uncommon_preflight = _preflight_by_rules(frozenset(origins).__contains__)
    refused = _REFUSED

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:

            def send_refused(status, headers, exc_info=None, start_response=start_response):  # type: ignore[no-untyped-def]
                return start_response(status, headers + refused, exc_info)

            return app(environ, send_refused)

        if environ["REQUEST_METHOD"] == "OPTIONS":
            method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
            if method is not None:
                names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
                headers = preflight((origin, method, names))
                if headers is None:
                    headers = uncommon_preflight(origin, method, names)
                start_response("204 No Content", headers[:])
                return ()

        def send(  # type: ignore[no-untyped-def]
            status,
            headers,
            exc_info=None,
            start_response=start_response,
            ours=answer(origin, refused),  # noqa: B008 - a new function per request is the point
        ):
            return start_response(status, headers + ours, exc_info)

        return app(environ, send)

    return wrapped


def pattern_floor(app: WSGIApplication, domains: Iterable[str]) -> WSGIApplication:
    """The floor for `https://*.domain` patterns: walk the labels of the host, a set look-up for each suffix.

    A table of answers is impossible here, the origins not being known beforehand; so the answer is built per request.
    """
    suffixes = frozenset("." + domain for domain in domains)

    def allowed(origin: str) -> bool:
        if len(origin) > MAX_PATTERN_ORIGIN or origin[:8] != "https://":
            return False
        dot = origin.find(".", 9)  # at least one character stands before the first dot
        while dot > 0:
            if origin[dot:] in suffixes:
                return True
            dot = origin.find(".", dot + 1)
        return False

    preflight = _preflight_by_rules(allowed)
    refused = _REFUSED

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None:
            if environ["REQUEST_METHOD"] == "OPTIONS":
                method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
                if method is not None:
                    names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
                    start_response("204 No Content", preflight(origin, method, names)[:])
                    return ()
            if allowed(origin):

                def send(status, headers, exc_info=None, start_response=start_response, origin=origin):  # type: ignore[no-untyped-def]
                    ours = [*headers, ("Access-Control-Allow-Origin", origin), _CREDENTIALS, _EXPOSED, _VARY]
                    return start_response(status, ours, exc_info)

                return app(environ, send)

        def send_refused(status, headers, exc_info=None, start_response=start_response):  # type: ignore[no-untyped-def]
            return start_response(status, headers + refused, exc_info)

        return app(environ, send_refused)

    return wrapped


def response_headers_floor(origins: Iterable[str]) -> Callable[[str], dict[str, str]]:
    """The least that `response_headers` can do: one set look-up, one dict display."""
    allowed = frozenset(origins)
    exposed = ", ".join(EXPOSED_HEADERS)

    def headers(origin: str) -> dict[str, str]:
        if origin in allowed:
            return {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Credentials": "true",
                "Access-Control-Expose-Headers": exposed,
                "Vary": "Origin",
            }
        return {"Vary": "Origin"}

    return headers


def _preflight_answer(origin: str) -> Pairs:
    return [
        ("Access-Control-Allow-Origin", origin),
        _CREDENTIALS,
        ("Access-Control-Allow-Methods", ",".join(ALLOWED_METHODS)),
        ("Access-Control-Allow-Headers", ",".join(ALLOWED_HEADERS)),
        ("Access-Control-Max-Age", str(MAX_AGE)),
        _PREFLIGHT_VARY,
    ]


def _preflight_table(origins: Sequence[str]) -> dict[tuple[str, str, str | None], Pairs]:
    """Answers to the preflights that browsers send, whose names are in lower case, sorted, and joined by a bare comma.

    Source: Fetch, CORS-preflight fetch.
    """
    names: list[str | None] = [None]
    for size in range(1, len(_NAMES) + 1):
        names += [",".join(chosen) for chosen in combinations(sorted(_NAMES), size)]
    asked: list[tuple[str, str | None]] = [(method, chosen) for method in ALLOWED_METHODS for chosen in names]
    if len(origins) > _WHOLE_TABLE_UP_TO:
        asked = [("DELETE", "authorization,content-type")]
    table = {}
    for origin in origins:
        answer = _preflight_answer(origin)
        for method, chosen in asked:
            table[origin, method, chosen] = answer
    return table


def _preflight_by_rules(allowed: Callable[[str], bool]) -> Callable[[str, str, str | None], Pairs]:
    """What the table does not hold: names in another order or case, blanks around them, and every refusal."""

    def answer(origin: str, method: str, names: str | None) -> Pairs:
        if not allowed(origin) or method not in _METHODS:
            return _PREFLIGHT_REFUSED
        if names:
            if len(names) > _MAX_NAMES_LENGTH:
                return _PREFLIGHT_REFUSED
            for name in names.split(","):
                name = name.strip(" \t")
                if name and name.lower() not in _NAMES:
                    return _PREFLIGHT_REFUSED
        return _preflight_answer(origin)

    return answer
