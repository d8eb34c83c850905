"""CORS around any WSGI application (PEP 3333).

    app = CORSMiddleware(app, Policy(allow_origins=["https://app.example.com"]))

Preflights are answered here; every other request reaches the application, and every response that it makes gets the
policy's headers: errors, redirects, streams and a second `start_response` included. What is decided, and every header,
comes from the core.
"""

from typing import TYPE_CHECKING, Any, Final

from corecors import (
    UNDECIDED,
    CORSRequest,
    Decision,
    Door,
    PathPolicies,
    Place,
    Policy,
    PolicySource,
    Undecided,
    merge_headers,
    path_is_ambiguous,
    unrelated_headers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import EllipsisType
    from typing import Never

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from corecors import RejectionLog

# With 403; a 204 has no body and says nothing of its length (RFC 9110 8.6). wsgiref.validate demands a type of every
# response that may have a body.
NO_BODY: Final = [("Content-Type", "text/plain"), ("Content-Length", "0")]
MAX_HASHED: Final = 512
_MISSING: Any = object()  # no policy was given
STATUS_LINES: Final = {200: "200 OK", 204: "204 No Content", 403: "403 Forbidden"}
Governing = Policy | PolicySource | Undecided | None
_REFUSAL: Final = Policy.refusal
_new: Final = tuple.__new__
_Serving = tuple[Any, Any, Any, Any, Any, Any, bool]


class CORSMiddleware:
    """A WSGI application that answers for `app` under `policy`.

    policy: a `Policy`, or what chooses one for each request, such as `PathPolicies`. May be replaced while serving:
        each request sees the old one or the new one, never both.
    on_decision: called with each request's `Decision` and its `CORSRequest`, for metrics. What it raises goes no
        further.
    report_only: a policy, or a source of policies, that decides nothing; where a browser would notice a difference, it
        is logged.
    block_disallowed: answer a cross-origin request from an origin that is not allowed with 403, instead of letting the
        application run and leaving it to the browser to withhold the response.
    check_websockets: refuse WebSocket handshakes of origins that are neither allowed nor the server's own.
    own_origins: the server's own origins, where a proxy rewrites `Host`.
    rejections: the log of rejected requests, by default one of this application; None for no log.

    Where neither `on_decision` nor `report_only` is given, a plain policy is served from the lines that it remembers.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        policy: Policy | PolicySource = _MISSING,
        *,
        on_decision: "Callable[[Decision, CORSRequest], object] | None" = None,
        report_only: Policy | PolicySource | None = None,
        block_disallowed: bool = False,
        check_websockets: bool = True,
        own_origins: "Iterable[str]" = (),
        rejections: "RejectionLog | EllipsisType | None" = ...,
        **unknown: "Never",
    ) -> None:
        if unknown:
            from corecors import foreign_call_error  # a long table, for errors alone

            raise foreign_call_error("CORSMiddleware", unknown)
        if policy is _MISSING:
            raise TypeError("CORSMiddleware needs a policy: write CORSMiddleware(app, Policy(allow_origins=[...]))")
        _require_wsgi(app)
        self.app = app
        self._door = Door(
            on_decision=on_decision,
            report_only=report_only,
            block_disallowed=block_disallowed,
            check_websockets=check_websockets,
            own_origins=own_origins,
            rejections=rejections,
        )
        self._blocks = block_disallowed
        self._known, self._unknown = self._door.known, self._door.unknown
        self._serving: _Serving = policy, None, None, None, None, None, False
        self.policy = policy

    @property
    def policy(self) -> Policy | PolicySource:
        """The policy in force."""
        policy: Policy | PolicySource = self._serving[0]
        return policy

    @policy.setter
    def policy(self, policy: Policy | PolicySource) -> None:
        self._door.check_policy(policy)
        # One assignment: a request reads all or nothing. A plain policy with what each request would read of it, which
        # compiled code would have to look up; or a source with what finds the policy of a path, or with what it has to
        # be told of a request; or one that takes a whole decision.
        if isinstance(policy, Policy) and self._door.is_quiet(policy):
            without_origin = None if self._blocks else policy.lines_without_origin
            remembered = policy.remembered_lines, policy.unremembered_lines
            self._replace((policy, None, None, without_origin, *remembered, not policy.allow_credentials))
        elif isinstance(policy, PathPolicies) and self._door.is_quiet(policy):
            self._replace((policy, policy.governor_of, None, None, None, None, False))
        else:
            reads = None
            if self._door.asks_quietly(policy):
                reads = _place_of if self._door.takes_place(policy) else request_of
            self._replace((policy, None, reads, None, None, None, False))

    def _replace(self, serving: "_Serving") -> "_Serving":
        """Serve so from now on; what was served is handed back.

        Compiled code lets go of what an attribute had before it sets it: the end of a policy may run code of the
        application's, and a request that is served meanwhile would read what is no longer there.
        """
        before = self._serving
        self._serving = serving
        return before

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        lines: Any  # a type checker cannot know that no predicate is to be asked
        policy, governor_of, reads, without_origin, remembered, unremembered, withholds = self._serving
        if remembered is None:
            if governor_of is not None:
                path, is_ambiguous = _path_of(environ)
                policy = governor_of(path, is_ambiguous)
            elif reads is not None:
                policy = self._door.chosen(policy, reads(environ))
            else:
                return self._answer(policy, environ, start_response)
            if policy is None or policy is UNDECIDED or not policy.is_plain:
                return self._answer(policy, environ, start_response)
            remembered, unremembered = policy.remembered_lines, policy.unremembered_lines
            withholds = not policy.allow_credentials
        if "HTTP_ORIGIN" not in environ:
            lines = without_origin
            if lines is None:
                # No browser leaves both out where another site's request could do harm (`admission`).
                if self._blocks and "HTTP_SEC_FETCH_SITE" in environ:
                    return self._answer(policy, environ, start_response)
                lines = policy.lines_without_origin
        else:
            if "HTTP_UPGRADE" in environ:
                return self._answer(policy, environ, start_response)
            origin = environ["HTTP_ORIGIN"]
            if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ and environ.get("REQUEST_METHOD") == "OPTIONS":
                method = environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"]
                names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
                lines = policy.preflight_lines(origin, method, names)
                if lines is None:
                    self._door.refused_preflight(policy, origin, method, names, request_of, environ)
                    start_response(STATUS_LINES[403], [*policy.preflight_refusal, *NO_BODY])
                    return []
                status = policy.preflight_status
                start_response(STATUS_LINES[status], [*lines] if status == 204 else [*lines, *NO_BODY])
                return []
            # What is longer than any origin is not even hashed.
            lines = remembered(origin, unremembered) if len(origin) < MAX_HASHED else None
            if lines is None:
                lines = policy.lines(origin)
            if lines is _REFUSAL:
                if self._blocks:
                    return self._answer(policy, environ, start_response)
                kind = self._known(origin, self._unknown) if len(origin) < MAX_HASHED else self._unknown
                left = kind.left
                if left and environ.get("REQUEST_METHOD") == "GET":
                    kind.left = left - 1
                elif not self._door.counts(origin, environ.get("REQUEST_METHOD", "")):
                    self._door.refused(policy, origin, request_of(environ))
            elif withholds and "HTTP_COOKIE" in environ and environ.get("HTTP_SEC_FETCH_MODE") == "cors":
                self._door.came_with_cookies(policy, request_of(environ))

        # Made for each request: bare of annotations, which would be evaluated each time, and with defaults instead of
        # closure cells, which are slower. The loop is the first of `merge_headers`, without the price of a call.
        def start(status, headers, exc_info=None, start_response=start_response, lines=lines):  # type: ignore[no-untyped-def]
            own: list[tuple[str, str]] = headers
            for name, _ in own:
                if name not in unrelated_headers:
                    return start_response(status, merge_headers(own, lines), exc_info)
            return start_response(status, [*own, *lines], exc_info)

        return self.app(environ, start)

    def _answer(
        self, policy: Governing, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        """Answer by a full decision, because somebody listens, chooses or is asked."""
        decision = self._door.decide(policy, request_of(environ))
        if decision is None:
            return self.app(environ, start_response)
        if decision.status is not None:
            return answer(start_response, decision.status, decision.lines)
        merge = decision.merge

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, merge(headers), exc_info)

        return self.app(environ, start)


def answer(start_response: "StartResponse", status: int, lines: "Iterable[tuple[str, str]]") -> "Iterable[bytes]":
    """Answer with an empty body."""
    start_response(STATUS_LINES[status], [*lines] if status == 204 else [*lines, *NO_BODY])
    return []


def request_of(environ: "WSGIEnvironment") -> CORSRequest:
    """What a WSGI environ says of a request."""
    path, is_ambiguous = _path_of(environ)
    has_cookies = "HTTP_COOKIE" in environ
    # What `_make` does, for a quarter of what a call of the class costs: every decision needs one.
    return _new(
        CORSRequest,
        (
            environ.get("REQUEST_METHOD", ""),
            path,
            is_ambiguous,
            environ.get("wsgi.url_scheme", "http"),
            environ.get("HTTP_HOST") or _server_of(environ),
            environ.get("HTTP_ORIGIN"),
            environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
            environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
            environ.get("HTTP_SEC_FETCH_SITE"),
            has_cookies or "HTTP_AUTHORIZATION" in environ,
            "HTTP_UPGRADE" in environ and "websocket" in environ["HTTP_UPGRADE"].lower(),
            has_cookies and environ.get("HTTP_SEC_FETCH_MODE") == "cors",
            "",  # PATH_INFO is what is below SCRIPT_NAME, and nothing else
        ),
    )


def _place_of(environ: "WSGIEnvironment") -> Place:
    """Where a request goes: as its `CORSRequest` says it, without the rest."""
    path, is_ambiguous = _path_of(environ)
    return _new(Place, (environ.get("HTTP_HOST") or _server_of(environ), path, is_ambiguous))


def _server_of(environ: "WSGIEnvironment") -> str:
    return f"{environ.get('SERVER_NAME', '')}:{environ.get('SERVER_PORT', '')}"


def _path_of(environ: "WSGIEnvironment") -> tuple[str, bool]:
    """The path of a request, and whether it is ambiguous: both as in `CORSRequest`."""
    # WSGI spells a path as latin-1, each byte one character (PEP 3333, "URL Reconstruction"). RAW_URI or REQUEST_URI
    # shows what was sent (gunicorn, uWSGI, waitress and Werkzeug's server; wsgiref and granian set neither).
    path = environ.get("PATH_INFO", "")
    script = environ.get("SCRIPT_NAME")
    if script:
        if path and path[0] != "/":
            # A mount that ends within a segment (gunicorn's SCRIPT_NAME=/api for /apiary): Werkzeug puts a slash there.
            return script + path, True
        path = script + path
    if not path.isascii():
        try:
            path = path.encode("latin-1").decode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return path, True  # no server's doing
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if "HTTP_ACCESS_CONTROL_REQUEST_HEADERS" not in environ:
        return path, path_is_ambiguous(path, target)
    return path, path_is_ambiguous(path, target, environ["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"])


def _require_wsgi(app: object) -> None:
    if not callable(app):
        raise TypeError(
            f"app must be a WSGI application, a function of environ and start_response, not {type(app).__name__}"
        )
    from inspect import iscoroutinefunction  # a heavy module, needed here alone

    if iscoroutinefunction(app) or iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004
        raise TypeError(
            f"app is an ASGI application ({type(app).__name__}): use corecors.adapters.asgi.CORSMiddleware, or for"
            " Starlette and FastAPI corecors.adapters.starlette.CORS"
        )
