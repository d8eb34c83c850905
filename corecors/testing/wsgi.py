"""A WSGI application, called as PEP 3333 has a server call it."""

import io
import sys
from collections.abc import Callable, Iterable
from logging import getLogger
from typing import Any
from urllib.parse import unquote_to_bytes

from corecors.browser import HeaderLines, Received, SentRequest
from corecors.testing.serving import EVENT_STREAM, Lines, Site, Synchronous, answered

_log = getLogger("corecors.testing")
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")


class WSGIApplication(Synchronous):
    """Answers in the caller's thread."""

    name = "a WSGI application"

    def __init__(self, app: Application, site: Site) -> None:
        self._app = app
        self._site = site

    def ask(self, sent: SentRequest, lines: Lines) -> Received:
        """The answer; a bare 500 where the application raises before it has begun one, as behind a server."""
        started: list[Received] = []
        begun: list[Received] = []  # with the first of the body that is not empty, or its end (PEP 3333)

        def begin(data: bytes) -> None:
            if data and not begun:
                begun.extend(started)

        def start_response(status: str, headers: Lines, exc_info: Any = None) -> Callable[[bytes], None]:
            if started and not exc_info:
                raise AssertionError("start_response was called twice, without exc_info")
            if begun:
                raise exc_info[1].with_traceback(exc_info[2])
            started[:] = [answered(int(status.split(" ", 1)[0]), headers)]
            return begin

        environ = environ_of(sent, lines, self._site)
        try:
            body: Any = self._app(environ, start_response)
            try:
                for data in body:
                    begin(data)
                    if started and EVENT_STREAM in (started[0].get("Content-Type") or ""):
                        break
                begin(b"end")
            finally:
                if hasattr(body, "close"):
                    body.close()
        except Exception:
            _log.exception("%s %s: the application raised an exception", sent.method, sent.url)
        return begun[0] if begun else Received(500)


def environ_of(sent: SentRequest, lines: Lines, site: Site) -> dict[str, Any]:
    """The environ of a request."""
    target = site.target(sent)
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_NAME": site.address.host,
        "SERVER_PORT": str(site.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": site.address.scheme,
        "wsgi.input": io.BytesIO(sent.body or b""),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name in dict.fromkeys(name.lower() for name, _ in lines):
        if "_" in name:
            continue  # servers leave it out: its variable would be that of another header
        key = name.upper().replace("-", "_")
        values = HeaderLines(lines).lines(name)
        environ[key if key in _UNPREFIXED else f"HTTP_{key}"] = ",".join(values)
    return environ
