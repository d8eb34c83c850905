"""The three functions: what a request gets. All of them are pure, and thin over the policy's own rules."""

from corecors._decisions.decision import Decision
from corecors._decisions.request import CORSRequest
from corecors._policy.policy import Policy


def evaluate(
    policy: Policy,
    method: str,
    origin: str | None,
    request_method: str | None = None,
    request_headers: str | None = None,
    *,
    predicate: bool | None = None,
) -> Decision:
    """Decide about one request.

    `method` is the request's method; `origin`, `request_method` and `request_headers` are the values of `Origin`,
    `Access-Control-Request-Method` and `Access-Control-Request-Headers`, None where the header is missing. Any text at
    all gets a decision, never an error. `predicate` is the answer of the policy's predicate where it was got elsewhere,
    awaited for example; else the predicate is asked.
    """
    request = CORSRequest(method, origin=origin, request_method=request_method)
    if request.is_preflight:
        assert origin is not None
        assert request_method is not None
        return policy.preflight(origin, request_method, request_headers, predicate=predicate)
    return policy.actual(origin, method, predicate=predicate)


def response_headers(policy: Policy, origin: str | None) -> dict[str, str]:
    """The CORS headers of an actual response to a request with this `Origin`, None where it has none."""
    lines = policy.lines(origin)
    return dict(lines) if lines is not None else policy.actual(origin).headers


def preflight_headers(
    policy: Policy, origin: str, request_method: str, request_headers: str | None = None
) -> dict[str, str]:
    """The headers of the answer to a preflight with these three header values.

    Without `Access-Control-Allow-Origin` (or, in debug, without what failed) the browser refuses.
    """
    lines = policy.preflight_lines(origin, request_method, request_headers)
    return dict(lines) if lines is not None else policy.preflight(origin, request_method, request_headers).headers
