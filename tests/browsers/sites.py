"""The two servers of the tests: one gives the pages, one is the API on other origins, and both remember what they saw.

They are real servers on loopback: werkzeug's, with a thread a connection. One thing differs from how it comes: writes
are buffered and leave at once, or each reply would wait 40 ms for an acknowledgement; and the TLS handshake is made in
the connection's thread, because a browser may open a connection and send nothing for long.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote
from wsgiref.util import shift_path_info

import trustme
from werkzeug.serving import WSGIRequestHandler, make_server

from .case import API_HOSTS, PAGE_HOSTS, Act, Addresses, Case, Seen, filled

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PAGES = Path(__file__).parent / "pages"
ARRIVAL_SECONDS = 30  # for a request that the page cannot watch itself, a beacon's
ACT_SECONDS = 45  # for one act in a page; more than ARRIVAL_SECONDS, so that the better message wins
SILENCE_SECONDS = 90  # without any outcome from a page: it hangs


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:
        """Keeps what an application raised. The rest is in the journal; browsers drop connections as they please."""
        if type == "error" and message.startswith("Error on request"):
            failures: list[str] = self.server.failures  # type: ignore[attr-defined]
            failures.append(message)


@contextmanager
def serving(app: WSGIApplication, failures: list[str], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve `app` on a free port of loopback, yielded. What it raises is added to `failures`, as tracebacks."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    server.failures = failures  # type: ignore[attr-defined]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.ssl_context = tls
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed authority and a certificate of it for our hosts, made for this run."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def new_certificate() -> Certificate:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*PAGE_HOSTS.values(), *API_HOSTS.values()).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Certificate(server, client)


class Journal:
    """What the API's server saw, by visitor and case, in the order of arrival."""

    def __init__(self) -> None:
        self._seen: defaultdict[tuple[str, str], list[Seen]] = defaultdict(list)
        self._changed = threading.Condition()

    def add(self, visitor: str, slug: str, seen: Seen) -> None:
        with self._changed:
            self._seen[visitor, slug].append(seen)
            self._changed.notify_all()

    def of(self, visitor: str, slug: str) -> list[Seen]:
        with self._changed:
            return list(self._seen[visitor, slug])

    def wait_for(self, visitor: str, slug: str, method: str) -> bool:
        """Wait until a request with that method has arrived; False if none does in time."""
        with self._changed:
            entries = self._seen[visitor, slug]
            return self._changed.wait_for(lambda: any(seen.method == method for seen in entries), ARRIVAL_SECONDS)


def seen(environ: WSGIEnvironment, path: str) -> Seen:
    """A request as the journal keeps it; `path`: below the case's own."""
    return Seen(
        environ["REQUEST_METHOD"],
        f"{environ['HTTP_HOST'].partition(':')[0]}{path}",
        environ.get("HTTP_ORIGIN"),
        environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
        environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
        "HTTP_COOKIE" in environ,
    )


class ApiServer:
    """`/VISITOR/CASE/RESOURCE`: notes the request, then hands it to the case's application, protected or not."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.apps: dict[str, WSGIApplication] = {}  # by slug; filled once the ports are known

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        visitor, slug = shift_path_info(environ) or "", shift_path_info(environ) or ""
        if slug not in self.apps:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        self.journal.add(
            visitor,
            slug,
            seen(environ, environ["PATH_INFO"]),
        )
        return self.apps[slug](environ, start_response)


@dataclass(slots=True)
class Visit:
    """One engine's round through the pages of one setup: what is to be done, and what came of it."""

    visitor: str
    cases: Sequence[Case]
    addresses: Addresses
    outcomes: dict[str, str] = field(default_factory=dict)  # by job, "SLUG/INDEX"
    finished: set[str] = field(default_factory=set)  # pages that have run all their jobs
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def name(self) -> str:
        return f"{self.visitor}-{self.addresses.scheme}"

    @property
    def pages(self) -> list[str]:
        """The pages that have something to do, in the order in which they are opened."""
        return [page for page in PAGE_HOSTS if any(act.page == page for case in self.cases for act in case.acts)]

    def jobs(self, page: str) -> list[dict[str, Any]]:
        """The acts of a page as pages/page.js takes them."""
        return [
            self._job(case, index, act)
            for case in self.cases
            for index, act in enumerate(case.acts)
            if act.page == page
        ]

    def _job(self, case: Case, index: int, act: Act) -> dict[str, Any]:
        return {
            "visit": self.name,
            "job": f"{case.slug}/{index}",
            "do": act.do,
            "url": filled(act.url, self.addresses.in_urls(self.visitor, case, act.page)),
            "method": act.method,
            "headers": dict(act.headers),
            "credentials": act.credentials,
            "body": act.body,
            "read": list(act.read),
            "options": dict(act.options),
            "place": act.place,
            "seconds": ACT_SECONDS,
        }

    def note(self, job: str, outcome: str) -> None:
        with self.changed:
            self.outcomes[job] = outcome
            self.changed.notify_all()

    def finish(self, page: str) -> None:
        with self.changed:
            self.finished.add(page)
            self.changed.notify_all()

    def wait_for(self, page: str) -> bool:
        """Wait until the page has run its jobs; False if it falls silent before."""
        with self.changed:
            while page not in self.finished:
                if not self.changed.wait(SILENCE_SECONDS):
                    return False
        return True


class PageServer:
    """The pages, their scripts, and the addresses under which they fetch their jobs and report."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.visits: dict[str, Visit] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, content_type, body, headers = self.answer(environ)
        lines = [("Content-Type", content_type), ("Cache-Control", "no-store"), ("Content-Length", str(len(body)))]
        start_response(status, lines + headers)
        return [body]

    def answer(self, environ: WSGIEnvironment) -> tuple[str, str, bytes, list[tuple[str, str]]]:
        path = environ["PATH_INFO"]
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if path in STATIC:
            content_type, files = STATIC[path]
            return "200 OK", content_type, b"".join((PAGES / file).read_bytes() for file in files), []
        if path == "/redirect":
            status, _, target = environ["QUERY_STRING"].partition("&")
            return f"{status} Elsewhere", "text/plain", b"elsewhere", [("Location", unquote(target))]
        query = parse_qs(environ["QUERY_STRING"])
        visit = self.visits.get(query.get("visit", [""])[0])
        if visit is None:
            return "404 Not Found", "text/plain", b"no such visit", []
        page = next(name for name, host in PAGE_HOSTS.items() if host == environ["HTTP_HOST"].partition(":")[0])
        match path:
            case "/jobs":
                return "200 OK", "application/json", json.dumps(visit.jobs(page)).encode(), []
            case "/outcome":
                reported = json.loads(sent)
                visit.note(reported["job"], reported["outcome"])
            case "/finished":
                visit.finish(page)
            case "/arrived":
                slug, method = query["job"][0].partition("/")[0], query["method"][0]
                arrived = self.journal.wait_for(visit.visitor, slug, method)
                return "200 OK", "text/plain", (f"{method} arrived" if arrived else f"no {method} arrived").encode(), []
            case _:
                return "404 Not Found", "text/plain", b"no such page", []
        return "204 No Content", "text/plain", b"", []


STATIC = {
    "/page": ("text/html", ("page.html",)),
    "/frame": ("text/html", ("frame.html",)),
    "/page.js": ("text/javascript", ("page.js",)),
    "/acts.js": ("text/javascript", ("acts.js",)),
    "/answering.js": ("text/javascript", ("answering.js",)),
    "/worker.js": ("text/javascript", ("acts.js", "answering.js")),
}


def fixed_answers(case: Case, addresses: Addresses, app: WSGIApplication) -> WSGIApplication:
    """The application with the case's own lines, as a server without any CORS library might send them."""
    assert case.fixed is not None
    fixed = case.fixed

    def answering(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        values = addresses.in_policy() | {"origin": environ.get("HTTP_ORIGIN", "")}
        preflight_lines = [(name, filled(value, values)) for name, value in fixed.preflight]
        actual_lines = [(name, filled(value, values)) for name, value in fixed.actual]
        if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            start_response(f"{fixed.preflight_status} Answered", preflight_lines)
            return []

        def with_lines(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            return start_response(status, headers + actual_lines, exc_info)

        return app(environ, with_lines)

    return answering
