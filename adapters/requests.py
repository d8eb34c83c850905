"""What a WSGI environ says of a request, handed to the core."""

from typing import TYPE_CHECKING

from corecors import Decision, Policy, evaluate, is_same_origin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

NOBODY = Policy()  # what a request is does not depend on the policy


def decide(policy: Policy, environ: "WSGIEnvironment") -> Decision:
    """The core's decision about a request."""
    return evaluate(
        policy,
        environ.get("REQUEST_METHOD", ""),
        environ.get("HTTP_ORIGIN"),
        environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
        environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
    )


def governed_method(environ: "WSGIEnvironment") -> str:
    """The method that decides about the route: of a preflight the one that it asks for, else the request's own."""
    method: str = environ.get("REQUEST_METHOD", "")
    if method != "OPTIONS":
        return method  # which no preflight has; spares a decision
    return decide(NOBODY, environ).method or method


def is_from_own_origin(environ: "WSGIEnvironment") -> bool:
    """Whether a request comes from a page of the server's own origin."""
    scheme = environ.get("wsgi.url_scheme", "http")
    host = environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME', '')}:{environ.get('SERVER_PORT', '')}"
    return is_same_origin(environ.get("HTTP_ORIGIN", ""), scheme, host, environ.get("HTTP_SEC_FETCH_SITE"))
