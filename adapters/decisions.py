"""Serving by a full decision for each request: what `CORSMiddleware` does where remembered answers will not do."""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from corecors import Kind, Policy, PolicySource, merge_headers
from corecors.adapters.requests import decide
from corecors.adapters.watching import Watch

NO_CONTENT = "204 No Content"
FORBIDDEN = "403 Forbidden"
MAX_POLICIES = 256  # chosen by a source that makes them up as it goes; none that is written by hand has as many


def serve_by_decision(app: WSGIApplication, policy: Policy, watch: Watch) -> WSGIApplication:
    """`app` under a policy that is asked about every request, because of a predicate, `debug` or a watch."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        decision = decide(policy, environ)
        lines = list(decision.headers.items())
        blocked = watch.blocks(decision, environ)
        if decision.status == 204:
            start_response(NO_CONTENT, lines)
            return []
        if blocked or decision.kind is Kind.PREFLIGHT:
            start_response(FORBIDDEN, [*lines, ("Content-Type", "text/plain"), ("Content-Length", "0")])
            return []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, merge_headers(headers, lines), exc_info)

        return app(environ, start)

    return serve


def serve_by_source(
    app: WSGIApplication, source: PolicySource, under: Callable[[Policy], WSGIApplication]
) -> WSGIApplication:
    """`app` under the policy that `source` chooses for each request, untouched where it chooses none.

    `under` makes the application that serves under one policy; those that were made are kept.
    """
    made: dict[Policy, WSGIApplication] = {}

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        policy = source.for_environ(environ)
        if policy is None:
            return app(environ, start_response)
        chosen = made.get(policy)
        if chosen is None:
            if len(made) >= MAX_POLICIES:
                made.clear()
            chosen = made[policy] = under(policy)
        return chosen(environ, start_response)

    return serve
