"""CORS around any WSGI application (PEP 3333).

    app = CORSMiddleware(app, Policy(allow_origins=["https://app.example.com"]))

Preflights are answered here; every other request reaches the application, and every response that it makes gets the
policy's headers: errors, redirects, streams and a second `start_response` included. What is decided, and every header,
comes from the core.
"""

from typing import TYPE_CHECKING, Any

from corecors import (
    CORSRequest,
    Decision,
    Door,
    Policy,
    PolicySource,
    merge_headers,
    path_is_ambiguous,
    unrelated_headers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import EllipsisType

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from corecors import RejectionLog

# With 403; a 204 has no body and says nothing of its length (RFC 9110 8.6). wsgiref.validate demands a type of every
# response that may have a body.
NO_BODY = [("Content-Type", "text/plain"), ("Content-Length", "0")]
MAX_HASHED = 512
STATUS_LINES = {200: "200 OK", 204: "204 No Content", 403: "403 Forbidden"}


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

    Where none of the first three is given, a plain policy is served from the lines that it remembers.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        policy: Policy | PolicySource,
        *,
        on_decision: "Callable[[Decision, CORSRequest], object] | None" = None,
        report_only: Policy | PolicySource | None = None,
        block_disallowed: bool = False,
        check_websockets: bool = True,
        own_origins: "Iterable[str]" = (),
        rejections: "RejectionLog | EllipsisType | None" = ...,
    ) -> None:
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
        self.policy = policy

    @property
    def policy(self) -> Policy | PolicySource:
        """The policy in force."""
        policy: Policy | PolicySource = self._serving[0]
        return policy

    @policy.setter
    def policy(self, policy: Policy | PolicySource) -> None:
        self._door.check_policy(policy)
        lines_of = policy.lines if isinstance(policy, Policy) and self._door.is_quiet(policy) else None
        without_origin = None if lines_of is None or self._door.blocks else lines_of(None)
        remembered = policy.remembered_lines if isinstance(policy, Policy) else None
        # One assignment: a request reads all or nothing. With `lines_of` the policy is a `Policy`, with `remembered`.
        self._serving: tuple[Any, Callable[[str | None], Any] | None, Any, Any]
        self._serving = policy, lines_of, remembered, without_origin

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        policy, lines_of, remembered, lines = self._serving
        if lines_of is None:
            return self._answer(policy, environ, start_response)
        if "HTTP_ORIGIN" not in environ:
            if lines is None:
                # No browser leaves both out where another site's request could do harm (`admission`).
                if "HTTP_SEC_FETCH_SITE" in environ:
                    return self._answer(policy, environ, start_response)
                lines = lines_of(None)
        else:
            if "HTTP_UPGRADE" in environ:
                return self._answer(policy, environ, start_response)
            origin = environ["HTTP_ORIGIN"]
            if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ and environ.get("REQUEST_METHOD") == "OPTIONS":
                method = environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"]
                names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
                lines = policy.preflight_lines(origin, method, names)
                if lines is None:
                    return self._refuse_preflight(policy, (origin, method, names), environ, start_response)
                status = policy.preflight_status
                start_response(STATUS_LINES[status], [*lines] if status == 204 else [*lines, *NO_BODY])
                return []
            # What is longer than any origin is not even hashed.
            lines = remembered(origin) if len(origin) < MAX_HASHED else None
            if lines is None:
                lines = lines_of(origin)
            if lines is Policy.refusal:
                if self._door.blocks:
                    return self._answer(policy, environ, start_response)
                if not self._door.counts(origin, environ.get("REQUEST_METHOD", "")):
                    self._door.refused(policy, origin, request_of(environ))
            elif (
                not policy.allow_credentials
                and "HTTP_COOKIE" in environ
                and environ.get("HTTP_SEC_FETCH_MODE") == "cors"
            ):
                self._door.came_with_cookies(policy, request_of(environ))

        # Made for each request: bare of annotations, which would be evaluated each time, and with defaults instead of
        # closure cells, which are slower. The loop is the first of `merge_headers`, without the price of a call.
        def start(status, headers, exc_info=None, start_response=start_response, lines=lines):  # type: ignore[no-untyped-def]
            for name, _ in headers:
                if name not in unrelated_headers:
                    return start_response(status, merge_headers(headers, lines), exc_info)
            return start_response(status, [*headers, *lines], exc_info)

        return self.app(environ, start)

    def _refuse_preflight(
        self,
        policy: Policy,
        asked: tuple[str, str, str | None],
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> "Iterable[bytes]":
        if not self._door.counts(asked, "OPTIONS"):
            self._door.refused(policy, asked, request_of(environ))
        start_response(STATUS_LINES[403], [*policy.preflight_refusal, *NO_BODY])
        return []

    def _answer(
        self, policy: Policy | PolicySource, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        """Answer by a full decision, because somebody listens, chooses or is asked."""
        decision = self._door.decide(policy, request_of(environ))
        if decision is None:
            return self.app(environ, start_response)
        if decision.status is not None:
            body: list[tuple[str, str]] = [] if decision.status == 204 else NO_BODY
            start_response(STATUS_LINES[decision.status], [*decision.lines, *body])
            return []
        merge = decision.merge

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, merge(headers), exc_info)

        return self.app(environ, start)


def request_of(environ: "WSGIEnvironment") -> CORSRequest:
    """What a WSGI environ says of a request."""
    # WSGI spells a path as latin-1, each byte one character (PEP 3333, "URL Reconstruction"). RAW_URI or REQUEST_URI
    # shows what was sent (gunicorn, uWSGI, waitress and Werkzeug's server; wsgiref and granian set neither).
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    readable = True
    if not path.isascii():
        try:
            path = path.encode("latin-1").decode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            readable = False  # no server's doing
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    # A third of what a call of the class costs, for what every decision costs (`python -m benchmarks options`).
    return CORSRequest._make(
        (
            environ.get("REQUEST_METHOD", ""),
            path,
            not readable or path_is_ambiguous(path, target),
            environ.get("wsgi.url_scheme", "http"),
            environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME', '')}:{environ.get('SERVER_PORT', '')}",
            environ.get("HTTP_ORIGIN"),
            environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
            environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
            environ.get("HTTP_SEC_FETCH_SITE"),
            "HTTP_COOKIE" in environ or "HTTP_AUTHORIZATION" in environ,
            "HTTP_UPGRADE" in environ and "websocket" in environ["HTTP_UPGRADE"].lower(),
            "HTTP_COOKIE" in environ and environ.get("HTTP_SEC_FETCH_MODE") == "cors",
        )
    )


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
