"""What a request gets: the decision, its reason, and the headers that say so.

Every function is pure. A comment at a decision names the section of the Fetch standard that it follows
(https://fetch.spec.whatwg.org/#http-cors-protocol).
"""

from dataclasses import dataclass, field
from enum import Enum

from corecors._decisions import headers
from corecors._origins.parsing import shown
from corecors._origins.remembering import Match
from corecors._policy.policy import Policy

VARY_ACTUAL = headers.ORIGIN
VARY_PREFLIGHT = ", ".join((headers.ORIGIN, headers.REQUEST_METHOD, headers.REQUEST_HEADERS))
PASSED_STATUS = 204
FAILED_STATUS = 403


class Kind(Enum):
    """What kind of request it is. Source: Fetch, "CORS request" and "CORS-preflight request"."""

    NOT_CORS = "not CORS"
    ACTUAL = "actual"
    PREFLIGHT = "preflight"


class Reason(Enum):
    """Why a request is decided as it is."""

    NOT_CORS = "not a CORS request"
    ORIGIN_ALLOWED = "origin allowed"
    ORIGIN_MALFORMED = "origin malformed"
    ORIGIN_NULL = "null origin"
    ORIGIN_NOT_ALLOWED = "origin not allowed"
    PREFLIGHT_PASSED = "preflight passed"
    METHOD_MALFORMED = "method malformed"
    METHOD_NOT_ALLOWED = "method not allowed"
    HEADERS_MALFORMED = "header list malformed"
    HEADER_NOT_ALLOWED = "header not allowed"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided about one request.

    kind: what the request is.
    allowed: False where the browser will keep the answer from the page, or not send the request at all. A request that
        is not CORS is allowed: there is nothing to refuse.
    reason: why.
    headers: the answer's headers, names to values; a new dict each time.
    status: the status of the answer to a preflight, None for anything that the application answers.
    origin, method, name: what was asked, as received: the origin, for a preflight the method that was asked for, and
        the first request header name that is not allowed.
    """

    kind: Kind
    allowed: bool
    reason: Reason
    headers: dict[str, str]
    status: int | None
    origin: str | None = field(default=None, repr=False)
    method: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)

    def explain(self) -> str:
        """One or two sentences for a person. Printable ASCII, bounded in length, whatever was received."""
        origin = shown(self.origin or "")
        method = shown(self.method or "")
        name = shown(self.name or "")
        match self.reason:
            case Reason.NOT_CORS:
                return "The request has no Origin header, so it is not a CORS request: there is nothing to decide."
            case Reason.ORIGIN_ALLOWED:
                return f"The origin {origin} is allowed: the browser lets the page read the answer."
            case Reason.PREFLIGHT_PASSED:
                return f"The preflight passes: {origin} may send {method} with the headers that it asked for."
            case Reason.ORIGIN_MALFORMED:
                return (
                    f"The origin {origin} is no serialised origin: browsers write scheme://host or scheme://host:port,"
                    " in lower case and without a trailing slash. Such a value never matches."
                )
            case Reason.ORIGIN_NULL:
                return (
                    "The origin is 'null', which sandboxed frames, local files and redirected requests send and which"
                    " identifies nobody. It is allowed only with allow_null_origin."
                )
            case Reason.ORIGIN_NOT_ALLOWED:
                return f"The origin {origin} is not allowed. If it should be, add it to allow_origins."
            case Reason.METHOD_MALFORMED:
                return f"Access-Control-Request-Method is {method}, which is no method name; no browser sends that."
            case Reason.METHOD_NOT_ALLOWED:
                return (
                    f"The method {method} is not allowed. If it should be, add it to allow_methods"
                    " (method names are case-sensitive)."
                )
            case Reason.HEADERS_MALFORMED:
                return (
                    "Access-Control-Request-Headers is no list of header names that a browser could have sent:"
                    " it has an element that is no name, too much white space, too many commas, or is too long."
                )
            case Reason.HEADER_NOT_ALLOWED:
                hint = "['*', 'Authorization']" if self.name == headers.NON_WILDCARD_REQUEST_HEADER else None
                also = f" ('*' alone does not cover it: {hint} does)" if hint else ""
                return f"The request header {name} is not allowed. If it should be, add it to allow_headers{also}."


def evaluate(
    policy: Policy,
    method: str,
    origin: str | None,
    request_method: str | None = None,
    request_headers: str | None = None,
) -> Decision:
    """Decide about one request.

    `method` is the request's method; `origin`, `request_method` and `request_headers` are the values of `Origin`,
    `Access-Control-Request-Method` and `Access-Control-Request-Headers`, None where the header is missing. Any text at
    all gets a decision, never an error.
    """
    if origin is None:
        return Decision(Kind.NOT_CORS, True, Reason.NOT_CORS, response_headers(policy, None), None)
    # Fetch, "CORS-preflight request": OPTIONS with both headers; nothing else identifies one.
    if method == headers.PREFLIGHT_METHOD and request_method is not None:
        reason, name, answer = _preflight(policy, origin, request_method, request_headers or "")
        passed = reason is Reason.PREFLIGHT_PASSED
        status = PASSED_STATUS if passed or policy.debug else FAILED_STATUS
        return Decision(Kind.PREFLIGHT, passed, reason, answer, status, origin, request_method, name)
    reason = _origin_reason(policy, origin)
    allowed = reason is Reason.ORIGIN_ALLOWED
    return Decision(Kind.ACTUAL, allowed, reason, _actual(policy, origin, allowed), None, origin, method)


def response_headers(policy: Policy, origin: str | None) -> dict[str, str]:
    """The CORS headers of an actual response to a request with this `Origin`, None where it has none."""
    matcher = policy._matcher
    return _actual(policy, origin or "", matcher.any_origin or (origin is not None and matcher.matches(origin)))


def preflight_headers(policy: Policy, origin: str, request_method: str, request_headers: str = "") -> dict[str, str]:
    """The headers of the answer to a preflight with these three header values.

    Without `Access-Control-Allow-Origin` (or, in debug, without what failed) the browser refuses.
    """
    return _preflight(policy, origin, request_method, request_headers)[2]


def _actual(policy: Policy, origin: str, allowed: bool) -> dict[str, str]:
    if policy._matcher.any_origin:
        # Fetch, "CORS protocol and HTTP caches": the same for everybody, so always there and without Vary.
        answer = {headers.ALLOW_ORIGIN: headers.WILDCARD, **policy._actual}
        if policy.allow_timing:
            answer[headers.TIMING_ALLOW_ORIGIN] = headers.WILDCARD
        return answer
    if not allowed:
        # Ibid.: an answer that depends on the origin says so to every client, or a cache hands it to another origin.
        return {headers.VARY: VARY_ACTUAL}
    answer = {headers.ALLOW_ORIGIN: origin, **policy._actual, headers.VARY: VARY_ACTUAL}
    if policy.allow_timing:
        answer[headers.TIMING_ALLOW_ORIGIN] = origin
    return answer


def _origin_reason(policy: Policy, origin: str) -> Reason:
    match = policy._matcher.match(origin)
    if match is Match.NONE:
        return Reason.ORIGIN_NOT_ALLOWED
    if match is Match.MALFORMED:
        return Reason.ORIGIN_MALFORMED
    return Reason.ORIGIN_NULL if match is Match.NULL_REFUSED else Reason.ORIGIN_ALLOWED


def _preflight(
    policy: Policy, origin: str, method: str, request_headers: str
) -> tuple[Reason, str | None, dict[str, str]]:
    """The reason, the first name that is not allowed, and the answer's headers."""
    reason = _origin_reason(policy, origin)
    if reason is not Reason.ORIGIN_ALLOWED:
        return reason, None, {headers.VARY: VARY_PREFLIGHT}
    name = None
    names: list[str] | None = None
    reason = _method_reason(policy, method)
    if reason is Reason.PREFLIGHT_PASSED:
        names = headers.parse_request_headers(request_headers, policy._longest_request_headers)
        if names is None:
            reason = _overlong_reason(policy, request_headers)
        else:
            name = _first_not_allowed(policy, names)
            if name is not None:
                reason = Reason.HEADER_NOT_ALLOWED
    if reason is Reason.PREFLIGHT_PASSED:
        return reason, None, _passed(policy, origin, method, names or [])
    return reason, name, _failed(policy, origin, method, reason)


def _method_reason(policy: Policy, method: str) -> Reason:
    # CORS-preflight fetch, step 7: a safelisted method passes whatever the list says; names are case-sensitive.
    if len(method) > headers.MAX_METHOD_LENGTH:
        return Reason.METHOD_MALFORMED
    if method in policy._method_names and method != headers.WILDCARD:
        return Reason.PREFLIGHT_PASSED
    if not headers.is_token(method):
        return Reason.METHOD_MALFORMED
    return Reason.PREFLIGHT_PASSED if policy._any_method else Reason.METHOD_NOT_ALLOWED


def _first_not_allowed(policy: Policy, names: list[str]) -> str | None:
    if policy._any_header:
        # Fetch, "CORS non-wildcard request-header name": without credentials `*` is sent, and does not cover it.
        if policy.allow_credentials or headers.NON_WILDCARD_REQUEST_HEADER in policy._header_names:
            return None
        return headers.NON_WILDCARD_REQUEST_HEADER if headers.NON_WILDCARD_REQUEST_HEADER in names else None
    return next((name for name in names if name not in policy._header_names), None)


def _overlong_reason(policy: Policy, request_headers: str) -> Reason:
    """A list that is too long for the configured names has one that is not among them, or is malformed."""
    names = headers.parse_request_headers(request_headers)
    if names is not None and not policy._any_header and any(name not in policy._header_names for name in names):
        return Reason.HEADER_NOT_ALLOWED
    return Reason.HEADERS_MALFORMED


def _passed(policy: Policy, origin: str, method: str, names: list[str]) -> dict[str, str]:
    answer = _allowing(policy, origin)
    answer.update(policy._preflight)
    if policy.allow_credentials:
        # CORS protocol and credentials: `*` would be taken literally. What is echoed was checked to be tokens.
        if policy._any_method:
            answer[headers.ALLOW_METHODS] = method
        if policy._any_header and names:
            answer[headers.ALLOW_HEADERS] = ", ".join(names)
    answer[headers.VARY] = VARY_PREFLIGHT
    return answer


def _failed(policy: Policy, origin: str, method: str, reason: Reason) -> dict[str, str]:
    answer: dict[str, str] = {}
    if policy.debug:
        # Just enough that the browser's console names the step that failed: the lists up to that step.
        answer = _allowing(policy, origin)
        if policy.allow_credentials:
            answer[headers.ALLOW_CREDENTIALS] = "true"
        # What is malformed here may be a method all the same, and `*` would let it pass: one that is too long.
        if not (policy._any_method and reason is Reason.METHOD_MALFORMED):
            if headers.ALLOW_METHODS in policy._preflight:
                answer[headers.ALLOW_METHODS] = policy._preflight[headers.ALLOW_METHODS]
            elif policy._any_method:
                answer[headers.ALLOW_METHODS] = method
        names = policy._preflight.get(headers.ALLOW_HEADERS, headers.WILDCARD)
        # `*` fails for Authorization alone, and browsers, unlike the standard, let even that pass: so it is not sent.
        if reason is Reason.HEADER_NOT_ALLOWED and names != headers.WILDCARD:
            answer[headers.ALLOW_HEADERS] = names
    answer[headers.VARY] = VARY_PREFLIGHT
    return answer


def _allowing(policy: Policy, origin: str) -> dict[str, str]:
    return {headers.ALLOW_ORIGIN: headers.WILDCARD if policy._matcher.any_origin else origin}


def is_same_origin(origin: str, scheme: str, host: str, fetch_site: str | None = None) -> bool:
    """Whether a request with this `Origin` comes from a page of the very origin that it asks.

    Browsers send `Origin` with their own origin's POST and PUT too (Fetch, "append a request `Origin` header"), so the
    header alone does not make a request cross-origin. `scheme` and `host` (the `Host` header) are those of the request;
    `fetch_site` is `Sec-Fetch-Site`, which script cannot set, and which decides where a browser sends it. Behind a
    proxy that ends TLS the scheme reads http: a page on https at the same host counts as the same origin.
    Source: Fetch Metadata, "`Sec-Fetch-Site`" (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).
    """
    if fetch_site is not None:
        return fetch_site == "same-origin"
    if origin == f"https://{host.removesuffix(':443')}":
        return True
    return scheme == "http" and origin == f"http://{host.removesuffix(':80')}"
