"""CORS around any WSGI application (PEP 3333).

    app = CORSMiddleware(app, Policy(allow_origins=["https://app.example.com"]))

Preflights are answered here; every other request reaches the application, and every response that it makes gets the
policy's headers: errors, redirects, streams and a second `start_response` included. What is decided, and every header,
comes from the core.
"""

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from corecors import UNRELATED_HEADERS, Answers, Policy, PolicySource, merge_headers
from corecors.adapters.decisions import FORBIDDEN, NO_CONTENT, serve_by_decision, serve_by_source
from corecors.adapters.rejections import RejectionLog
from corecors.adapters.watching import DecisionHook, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOG_REJECTIONS = RejectionLog()


class CORSMiddleware(partial[Any]):
    """A WSGI application that answers for `app` under `policy`.

    policy: a `Policy`, or what chooses one for each request, such as `PathPolicies`; a request without one passes
        untouched. May be replaced while serving: each request sees the old one or the new one, never both.
    on_decision: called with each request's `Decision` and its environ, for metrics. What it raises goes no further.
    report_only: a policy that decides nothing; where it would have decided otherwise than `policy`, that is logged.
    block_disallowed: answer a cross-origin request from an origin that is not allowed with 403, in place of letting
        the application run and leaving it to the browser to withhold the response.
    rejections: the log of rejected requests; None for no log.

    Where none of the middle three is given, a policy is served from remembered answers; anything else costs one full
    decision a request, some microseconds. `func`, which every `partial` has, is the same application as a plain
    function, for who counts nanoseconds: some fifty fewer.
    """

    # An instance whose class defines `__call__` costs a third more per request than a function; a `partial`, which is
    # called from C, half of that (`python -m benchmarks wsgi`).
    app: "WSGIApplication"
    _replace: "Callable[[Policy | PolicySource], None]"
    _replacing: Lock
    _policy: Policy | PolicySource

    def __new__(
        cls,
        app: "WSGIApplication",
        policy: Policy | PolicySource,
        *,
        on_decision: DecisionHook | None = None,
        report_only: Policy | None = None,
        block_disallowed: bool = False,
        rejections: RejectionLog | None = LOG_REJECTIONS,
    ) -> "CORSMiddleware":
        serve, replace = _serving(app, Watch(on_decision, report_only, block_disallowed, rejections), rejections)
        self = super().__new__(cls, serve)
        self.app = app
        self._replace = replace
        self._replacing = Lock()
        self.policy = policy
        return self

    @property
    def policy(self) -> Policy | PolicySource:
        """The policy in force."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy | PolicySource) -> None:
        with self._replacing:  # two replacements at once must not each win a half
            self._replace(policy)
            self._policy = policy


def _serving(
    app: "WSGIApplication", watch: Watch, rejections: RejectionLog | None
) -> "tuple[WSGIApplication, Callable[[Policy | PolicySource], None]]":
    """The application that serves, and what gives it a policy."""
    refused = rejections.refused if rejections is not None else None
    answers: Answers | None = None  # of a policy that is served from remembered answers
    otherwise = app  # what serves under anything else

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        current = answers  # read once: a policy that is replaced meanwhile does not divide this request
        lines: list[tuple[str, str]] | None
        if current is None:
            return otherwise(environ, start_response)
        if "HTTP_ORIGIN" not in environ:
            lines = current.without_origin
        else:
            origin = environ["HTTP_ORIGIN"]
            if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ and environ.get("REQUEST_METHOD") == "OPTIONS":
                status, headers = current.preflight(
                    origin,
                    environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"],
                    environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
                )
                if status != 204 and refused is not None:
                    refused(current.policy, environ, origin)
                start_response(NO_CONTENT if status == 204 else FORBIDDEN, headers)
                return []
            # Answers.for_origin, without the price of a call.
            lines = (
                current.remembered.get(origin, current.unknown) if len(origin) <= current.longest else current.overlong
            )
            if lines is None:
                lines = current.work_out(origin)
            if lines is current.refused and refused is not None:
                refused(current.policy, environ, origin)

        # Made for each request: bare of annotations, which would be evaluated each time, and with defaults in place of
        # closure cells, which are slower. The loop is merge_headers' own, without the price of a call.
        def start(status, headers, exc_info=None, start_response=start_response, lines=lines):  # type: ignore[no-untyped-def]
            for name, _ in headers:
                if name not in UNRELATED_HEADERS:
                    return start_response(status, merge_headers(headers, lines), exc_info)
            return start_response(status, headers + lines, exc_info)

        return app(environ, start)

    def under(policy: Policy) -> "WSGIApplication":
        serving, replace = _serving(app, watch, rejections)
        replace(policy)
        return serving

    def replace(policy: Policy | PolicySource) -> None:
        nonlocal answers, otherwise
        if isinstance(policy, Policy):
            otherwise = serve_by_decision(app, policy, watch)
            answers = Answers(policy) if watch.leaves_to_answers(policy) else None
        elif hasattr(policy, "for_environ"):
            otherwise = serve_by_source(app, policy, under)
            answers = None
        else:
            raise TypeError(f"policy is a Policy or PathPolicies, not {type(policy).__name__}")

    return serve, replace
