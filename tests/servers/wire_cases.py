"""Requests that no ordinary client sends, and what each server makes of them before the application sees anything.

Facts
-----
Every value was seen on the servers' versions of 2026 (gunicorn 27.0, waitress 3.0, uWSGI 2.0.31, granian 2.8, Werkzeug
3.1, wsgiref of Python 3.11 to 3.13). A server that changes its mind fails the test, and that is wanted: what reaches
the core is what decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from servers.http_connection import request

ALLOWED = "https://app.example.com"
OTHER = "https://deep.er.example.org"
EVIL = "https://evil.example"


class Seen(NamedTuple):
    """What a server hands over, as WSGI variables; None where one is missing."""

    method: str
    origin: str | None
    request_method: str | None = None
    request_headers: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server answers by itself; without a status it closes the connection without an answer."""

    status: int | None


@dataclass(frozen=True, slots=True)
class WireCase:
    name: str
    request: bytes
    seen: Seen | Refused
    """What most servers do."""
    elsewhere: Mapping[str, Seen | Refused] = field(default_factory=dict)
    """What the others do, by the server's name."""

    def on(self, server: str) -> Seen | Refused:
        return self.elsewhere.get(server, self.seen)


def each(does: Seen | Refused, *servers: str) -> dict[str, Seen | Refused]:
    return dict.fromkeys(servers, does)


def origin(*lines: str) -> bytes:
    """A GET with these `Origin` lines."""
    return request("GET", "/", [("Origin", line) for line in lines])


def preflight(*more: tuple[str, str], method: str = "OPTIONS", origin: str = ALLOWED) -> bytes:
    return request(method, "/", [("Origin", origin), *more])


GUNICORN = ("gunicorn-sync", "gunicorn-gthread")
STRICT = (*GUNICORN, "waitress", "granian")  # they refuse what RFC 9112 lets a server refuse
LENIENT = ("werkzeug", "wsgiref")  # both read headers with Python's email parser

ASKED_METHOD = "Access-Control-Request-Method"
ASKED_HEADERS = "Access-Control-Request-Headers"


def huge(size: int) -> WireCase:
    """One `Origin` of this many bytes, well-formed but for its length."""
    value = "https://" + "a" * (size - len("https://.example.org")) + ".example.org"
    refusing: dict[str, Seen | Refused] = {}
    if size > 4_000:
        refusing |= {"uwsgi": Refused(None)}  # its whole packet is 4096 bytes by default
    if size > 8_000:
        refusing |= each(Refused(431), *GUNICORN)
    if size > 65_000:
        refusing |= each(Refused(431), *LENIENT)
    if size > 262_000:
        refusing |= {"waitress": Refused(431)}
    return WireCase(f"an Origin of {size} bytes", origin(value), Seen("GET", value), refusing)


def huge_names(size: int, element: str) -> WireCase:
    """A preflight with this many bytes of header names."""
    value = (element * (size // len(element)))[:size]
    refusing: dict[str, Seen | Refused] = {"uwsgi": Refused(None)}
    if size > 8_000:
        refusing |= each(Refused(431), *GUNICORN)
    kind = "commas" if element == "," else "header names"
    headers = ((ASKED_METHOD, "PUT"), (ASKED_HEADERS, value))
    return WireCase(
        f"a preflight with {size} bytes of {kind}",
        preflight(*headers),
        Seen("OPTIONS", ALLOWED, "PUT", value),
        refusing,
    )


CASES = (
    WireCase("an ordinary request", origin(ALLOWED), Seen("GET", ALLOWED)),
    WireCase("a request without Origin", origin(), Seen("GET", None)),
    WireCase("a header name in lower case", request("GET", "/", [("origin", ALLOWED)]), Seen("GET", ALLOWED)),
    WireCase("an empty Origin", origin(""), Seen("GET", "")),
    WireCase("null", origin("null"), Seen("GET", "null")),
    # RFC 9110, 5.3: lines of one name are one list. No origin is a list, so a doubled Origin never matches.
    *(
        WireCase(
            f"two Origin lines, {name}",
            origin(first, second),
            Seen("GET", f"{first},{second}"),
            each(Seen("GET", f"{first}, {second}"), "waitress", "uwsgi"),
        )
        for name, first, second in (
            ("the allowed one first", ALLOWED, EVIL),
            ("the allowed one last", EVIL, ALLOWED),
            ("both the same", ALLOWED, ALLOWED),
            ("both allowed", ALLOWED, OTHER),
        )
    ),
    WireCase(
        "two Origin lines, the first one empty",
        origin("", ALLOWED),
        Seen("GET", f",{ALLOWED}"),
        each(Seen("GET", f", {ALLOWED}"), "waitress", "uwsgi"),
    ),
    # RFC 9112, 5.2: a server may refuse a folded line or replace the fold with blanks. Two do neither, and CR LF
    # reaches the core: whatever echoed it would let a client write headers into the answer.
    WireCase(
        "a folded Origin",
        origin(f"{ALLOWED}\r\n X-Injected: 1"),
        Refused(400),
        {
            "waitress": Seen("GET", f"{ALLOWED} X-Injected: 1"),
            "uwsgi": Seen("GET", f"{ALLOWED}\r\n X-Injected: 1"),
            "werkzeug": Seen("GET", f"{ALLOWED} X-Injected: 1"),
            "wsgiref": Seen("GET", f"{ALLOWED}\r\n X-Injected: 1"),
        },
    ),
    WireCase(
        "an Origin whose value stands on the folded line",
        origin(f"\r\n {ALLOWED}"),
        Refused(400),
        {
            "waitress": Seen("GET", ALLOWED),
            "uwsgi": Seen("GET", f"\r\n {ALLOWED}"),
            "werkzeug": Seen("GET", f" {ALLOWED}"),
            "wsgiref": Seen("GET", ALLOWED),
        },
    ),
    WireCase(
        "a bare line feed in Origin",
        origin(f"{ALLOWED}\nX-Injected: 1"),
        Refused(400),
        {
            "uwsgi": Seen("GET", f"{ALLOWED}\nX-Injected: 1"),
            **each(Seen("GET", ALLOWED), "granian", *LENIENT),  # for them the line ends there, and a header follows
        },
    ),
    WireCase(
        "a bare carriage return in Origin",
        origin(f"{ALLOWED}\rX-Injected: 1"),
        Refused(400),
        {"uwsgi": Refused(None), **each(Seen("GET", ALLOWED), *LENIENT)},
    ),
    # RFC 9110, 5.5: blanks around a value are not part of it. Two leave some there and lose the match, which no browser
    # notices: none sends any.
    WireCase(
        "blanks and tabs around Origin",
        request("GET", "/", [("Origin", f"\t {ALLOWED} \t")]),
        Seen("GET", ALLOWED),
        {"uwsgi": Seen("GET", f"\t {ALLOWED} \t"), "werkzeug": Seen("GET", f"{ALLOWED} \t")},
    ),
    # wsgiref strips with str.strip(), which takes more than blanks and tabs for white space.
    *(
        WireCase(
            f"Origin with {name} after it",
            origin(ALLOWED + character),
            Seen("GET", ALLOWED + character),
            {**each(Refused(400), *refusing), **({"wsgiref": Seen("GET", ALLOWED)} if stripped else {})},
        )
        for name, character, stripped, refusing in (
            ("a vertical tab", "\x0b", True, STRICT),
            ("a unit separator", "\x1f", True, STRICT),
            ("a NUL", "\0", False, STRICT),
            ("a control byte", "\x01", False, STRICT),
            ("a DEL", "\x7f", False, STRICT),
        )
    ),
    # granian hands over an empty value where a byte is not ASCII.
    WireCase(
        "Origin with a no-break space after it",
        origin(ALLOWED + "\xa0"),
        Seen("GET", ALLOWED + "\xa0"),
        {"wsgiref": Seen("GET", ALLOWED), "granian": Seen("GET", "")},
    ),
    WireCase(
        "an Origin in UTF-8",
        origin("https://\xc3\xa4pp.example.org"),
        Seen("GET", "https://\xc3\xa4pp.example.org"),
        {"granian": Seen("GET", "")},
    ),
    WireCase(
        "a blank before the colon",
        request("GET", "/", [("Origin ", ALLOWED)]),
        Refused(400),
        each(Seen("GET", None), "uwsgi", *LENIENT),
    ),
    *(huge(size) for size in (3_500, 8_200, 60_000, 200_000)),
    # Preflights.
    WireCase(
        "an ordinary preflight",
        preflight((ASKED_METHOD, "PUT"), (ASKED_HEADERS, "x-one,x-two")),
        Seen("OPTIONS", ALLOWED, "PUT", "x-one,x-two"),
    ),
    WireCase("an OPTIONS request that is no preflight", preflight(), Seen("OPTIONS", ALLOWED)),
    WireCase(
        "a preflight with two methods",
        preflight((ASKED_METHOD, "PUT"), (ASKED_METHOD, "GET")),
        Seen("OPTIONS", ALLOWED, "PUT,GET"),
        each(Seen("OPTIONS", ALLOWED, "PUT, GET"), "waitress", "uwsgi"),
    ),
    # A list, unlike the two others: joined lines are right.
    WireCase(
        "a preflight with header names on two lines",
        preflight((ASKED_METHOD, "PUT"), (ASKED_HEADERS, "x-one"), (ASKED_HEADERS, "x-two")),
        Seen("OPTIONS", ALLOWED, "PUT", "x-one,x-two"),
        each(Seen("OPTIONS", ALLOWED, "PUT", "x-one, x-two"), "waitress", "uwsgi"),
    ),
    WireCase(
        "a preflight with two Origin lines",
        request("OPTIONS", "/", [("Origin", ALLOWED), ("Origin", ALLOWED), (ASKED_METHOD, "PUT")]),
        Seen("OPTIONS", f"{ALLOWED},{ALLOWED}", "PUT"),
        each(Seen("OPTIONS", f"{ALLOWED}, {ALLOWED}", "PUT"), "waitress", "uwsgi"),
    ),
    # Method names are case-sensitive, so this is no preflight, even where it passes.
    WireCase(
        "a preflight in lower case",
        preflight((ASKED_METHOD, "PUT"), method="options"),
        Seen("options", ALLOWED, "PUT"),
        each(Refused(400), *GUNICORN, "waitress"),
    ),
    # WSGI's variables can't tell `_` from `-`: a header with underscores counts on the servers that let it through.
    WireCase(
        "a preflight spelled with underscores",
        preflight((ASKED_METHOD.replace("-", "_"), "PUT")),
        Seen("OPTIONS", ALLOWED),
        each(Seen("OPTIONS", ALLOWED, "PUT"), "uwsgi", "granian", "wsgiref"),
    ),
    WireCase(
        "a preflight for the server as a whole",
        request("OPTIONS", "*", [("Origin", ALLOWED), (ASKED_METHOD, "PUT")]),
        Seen("OPTIONS", ALLOWED, "PUT"),
    ),
    WireCase(
        "a preflight with the target in absolute form",
        request("OPTIONS", "http://localhost/", [("Origin", ALLOWED), (ASKED_METHOD, "PUT")]),
        Seen("OPTIONS", ALLOWED, "PUT"),
    ),
    huge_names(8_000, ","),
    huge_names(60_000, ","),
    huge_names(8_000, "x-one,"),
    huge_names(60_000, "x-one,"),
)
