"""CORS around any WSGI application (PEP 3333).

    app = CORSMiddleware(app, Policy(allow_origins=["https://app.example.com"]))

Preflights are answered here; every other request reaches the application, and every response that it makes gets the
policy's headers: errors, redirects, streams and a second `start_response` included. What is decided, and every header,
comes from the core.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from corecors import UNRELATED_HEADERS, Answers, Policy, merge_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

NO_CONTENT = "204 No Content"
FORBIDDEN = "403 Forbidden"


class CORSMiddleware(partial[Any]):
    """A WSGI application that answers for `app` under `policy`.

    `policy` may be replaced while serving: each request sees the old one or the new one, never both.
    """

    # An instance whose class defines `__call__` costs 50 ns more per request than a `partial`, which is called from C;
    # that is a fifth of all that CORS costs here (`python -m benchmarks wsgi`).
    app: "WSGIApplication"
    _replace: "Callable[[Answers], None]"

    def __new__(cls, app: "WSGIApplication", policy: Policy) -> "CORSMiddleware":
        serve, replace = _serving(app, Answers(policy))
        self = super().__new__(cls, serve)
        self.app = app
        self._policy = policy
        self._replace = replace
        return self

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._replace(Answers(policy))
        self._policy = policy


def _serving(app: "WSGIApplication", answers: Answers) -> "tuple[WSGIApplication, Callable[[Answers], None]]":
    """The application that serves, and what gives it other answers."""

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        current = answers  # read once: a policy that is replaced meanwhile does not divide this request
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
                start_response(NO_CONTENT if status == 204 else FORBIDDEN, headers)
                return []
            # Answers.for_origin, without the price of a call.
            lines = (
                current.remembered.get(origin, current.unknown) if len(origin) <= current.longest else current.refused
            )
            if lines is None:
                lines = current.work_out(origin)

        # Made for each request: bare of annotations, which would be evaluated each time, and with defaults in place of
        # closure cells, which are slower (`python -m benchmarks wsgi`).
        def start(status, headers, exc_info=None, start_response=start_response, lines=lines):  # type: ignore[no-untyped-def]
            for name, _ in headers:
                if name not in UNRELATED_HEADERS:
                    return start_response(status, merge_headers(headers, lines), exc_info)
            return start_response(status, headers + lines, exc_info)

        return app(environ, start)

    def replace(other: Answers) -> None:
        nonlocal answers
        answers = other

    return serve, replace
