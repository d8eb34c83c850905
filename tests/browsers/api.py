"""The API that the pages call: an ordinary WSGI application that knows nothing of CORS."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.ttLib.tables._g_l_y_f import Glyph  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Answer = tuple[str, list[tuple[str, str]], bytes]
NEVER_STORED = ("Cache-Control", "no-store")


def api(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/late-error":
        # Begin a good answer, fail, and begin another one, as PEP 3333 allows before anything was sent.
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            raise RuntimeError("found out late")
        except RuntimeError:
            status, headers, body = answer(environ)
            start_response(status, headers, sys.exc_info())
            return body
    status, headers, body = answer(environ)
    start_response(status, headers)
    return body


def answer(environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
    """Status, headers and body, for whatever framework the API is written in."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["PATH_INFO"] == "/stream":
        return "200 OK", [("Content-Type", "text/plain"), NEVER_STORED], iter((b"one ", b"two ", b"three"))
    status, headers, body = RESOURCES.get(environ["PATH_INFO"].lstrip("/"), missing)(environ)
    if not status.startswith(("204", "304")):
        headers.append(("Content-Length", str(len(body))))
    return status, headers, [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def plain(status: str, body: str, *headers: tuple[str, str]) -> Answer:
    return status, [("Content-Type", "text/plain"), NEVER_STORED, *headers], body.encode()


def data(environ: WSGIEnvironment) -> Answer:
    """Says which method arrived, and carries headers for the page to read."""
    extra = [
        ("X-Total", "7"),
        ("X-Page", "2"),
        ("Content-Language", "en"),
        ("Set-Cookie", "never=readable; Path=/never"),
    ]
    return plain("200 OK", environ["REQUEST_METHOD"], *extra)


def missing(environ: WSGIEnvironment) -> Answer:
    return plain("404 Not Found", "missing", ("X-Total", "0"))


def broken(environ: WSGIEnvironment) -> Answer:
    return plain("500 Internal Server Error", "broken")


def unauthorised(environ: WSGIEnvironment) -> Answer:
    return plain("401 Unauthorized", "who are you")


def nothing(environ: WSGIEnvironment) -> Answer:
    return "204 No Content", [NEVER_STORED], b""


def cookie(environ: WSGIEnvironment) -> Answer:
    """Says which cookie arrived."""
    return plain("200 OK", environ.get("HTTP_COOKIE", "no cookie"))


def set_cookie(environ: WSGIEnvironment) -> Answer:
    """Sets a cookie that the page sees (by its path) and that does not go along with the requests of other cases."""
    return plain("200 OK", "set", ("Set-Cookie", "fresh=2; Path=/page"))


def redirect(environ: WSGIEnvironment) -> Answer:
    """`?STATUS&ADDRESS`"""
    status, _, target = environ["QUERY_STRING"].partition("&")
    return plain(f"{status} Elsewhere", "elsewhere", ("Location", unquote(target)))


def cacheable(environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "max-age=3600")], b"stored"


def cacheable_pixel(environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", "image/png"), ("Cache-Control", "max-age=3600")], pixel_bytes()


def revalidated(environ: WSGIEnvironment) -> Answer:
    """Stored by the browser, but asked for again each time."""
    headers = [("ETag", '"1"'), ("Cache-Control", "no-cache"), ("Content-Type", "text/plain")]
    if environ.get("HTTP_IF_NONE_MATCH") == '"1"':
        return "304 Not Modified", headers, b""
    return "200 OK", headers, b"tagged"


def own_cors(environ: WSGIEnvironment) -> Answer:
    """An application that sets CORS headers by itself, wrongly, and in several lines."""
    return plain(
        "200 OK",
        "own",
        ("Access-Control-Allow-Origin", "https://elsewhere.example"),
        ("access-control-allow-origin", "*"),
        ("Access-Control-Allow-Credentials", "false"),
        ("Vary", "Accept-Encoding"),
    )


def pixel(environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", "image/png"), NEVER_STORED], pixel_bytes()


def module(environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", "text/javascript"), NEVER_STORED], b'export const name = "module";\n'


def throwing(environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", "text/javascript"), NEVER_STORED], b'throw new Error("inner detail");\n'


def style(environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", "text/css"), NEVER_STORED], b".tested { color: green }\n"


def font(environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", "font/ttf"), NEVER_STORED], font_bytes()


def events(environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", "text/event-stream"), NEVER_STORED], b"data: hello\n\n"


def late(environ: WSGIEnvironment) -> Answer:
    return plain("500 Internal Server Error", "late")


RESOURCES: dict[str, Callable[[WSGIEnvironment], Answer]] = {
    "data": data,
    "late-error": late,
    "broken": broken,
    "unauthorised": unauthorised,
    "nothing": nothing,
    "cookie": cookie,
    "set-cookie": set_cookie,
    "redirect": redirect,
    "cacheable": cacheable,
    "cacheable.png": cacheable_pixel,
    "revalidated": revalidated,
    "own-cors": own_cors,
    "pixel.png": pixel,
    "module.js": module,
    "throwing.js": throwing,
    "style.css": style,
    "font.ttf": font,
    "events": events,
}


@cache
def pixel_bytes() -> bytes:
    """A PNG image of one green pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)  # 1 by 1, 8 bits a channel, RGB
    row = b"\x00" + bytes((0, 128, 0))  # no filter
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")


@cache
def font_bytes() -> bytes:
    """A TrueType font that browsers accept, with two empty glyphs."""
    names = [".notdef", "A"]
    builder = FontBuilder(1000)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord("A"): "A"})
    builder.setupGlyf({name: Glyph() for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Tested", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    written = io.BytesIO()
    builder.save(written)
    return written.getvalue()
