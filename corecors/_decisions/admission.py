"""Who comes in: WebSocket handshakes, requests that are to be blocked, and what counts as the server's own.

Facts
-----
CORS keeps a page from reading a response; the request has run by then. And it does not apply to WebSockets at all: any
page may open one, cookies included (https://websockets.spec.whatwg.org/#the-websocket-interface). What has to be kept
out is decided here, before the application runs.

Browsers send `Origin` with their own origin's POST and PUT too (Fetch, "append a request `Origin` header"), so the
header alone does not make a request cross-origin. `Sec-Fetch-Site`, which script cannot set, tells where a browser
sends it (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header). `X-Forwarded-*` can be sent by anyone.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from corecors._decisions import headers
from corecors._decisions.decision import BLOCKED, FAILED_STATUS, OPTED_OUT, Decision, Kind, Reason
from corecors._decisions.merging import Lines
from corecors._decisions.request import CORSRequest
from corecors._decisions.rules import ACTUAL, NOT_CORS, PREFLIGHT, PREFLIGHT_REFUSAL, REFUSAL
from corecors._decisions.sources import UNDECIDED, Undecided
from corecors._origins.parsing import MAX_ORIGIN_LENGTH

if TYPE_CHECKING:
    from corecors._policy.policy import Policy

_WEBSOCKET: Final = Kind.WEBSOCKET  # looked up once: see `rules`
_OWN_ORIGIN = (Reason.OWN_ORIGIN,)
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})  # Go's CrossOriginProtection; browsers never send TRACE
_OTHER_SITES: Final = frozenset({"same-site", "cross-site"})
_PAGES: Final = ("https://", "http://")
_OWN_SITES: Final = frozenset({"same-origin", "none"})  # none: the user's own doing, as an address typed or a bookmark


def is_same_origin(origin: str, scheme: str, host: str, fetch_site: str | None = None) -> bool:
    """Whether a request with this `Origin` comes from the server's own origin, or from no page at all.

    `scheme` and `host` (the `Host` header) are those of the request; `fetch_site` is `Sec-Fetch-Site`, which decides
    where a browser sends it. Behind a proxy that ends TLS the scheme reads http: a page on https at the same host
    counts as the same origin.
    """
    if fetch_site is not None:
        return fetch_site in _OWN_SITES
    if origin == f"https://{host.removesuffix(':443')}":
        return True
    return scheme == "http" and origin == f"http://{host.removesuffix(':80')}"


def is_own(request: CORSRequest, own_origins: Collection[str] = ()) -> bool:
    """Whether a request is the server's own. `own_origins`: origins of the server that a proxy hides by rewriting
    `Host`; they count where `Sec-Fetch-Site` is missing."""
    origin = request.origin or ""  # which is nobody's
    if is_same_origin(origin, request.scheme, request.host, request.fetch_site):
        return True
    if request.fetch_site is not None or not own_origins:
        return False
    return len(origin) <= MAX_ORIGIN_LENGTH and origin in own_origins


def admission(
    policy: "Policy | Undecided | None",
    request: CORSRequest,
    *,
    own_origins: Collection[str] = (),
    predicate: object = None,
) -> Decision:
    """Decide whether a request may reach the application: a WebSocket handshake, or any request where those of origins
    that are not allowed are to be blocked. Refused is what has a `status`.

    policy: what governs the request; `UNDECIDED` where it cannot be told, None where its owner opted out.
    own_origins: the server's own origins, where a proxy rewrites `Host`.
    predicate: the answer of the policy's predicate, got elsewhere.
    """
    if policy is None:
        return _passed(request, (), OPTED_OUT)
    if policy is UNDECIDED:
        return undecided(request, own_origins, FAILED_STATUS)
    if request.is_websocket:
        return _of_websocket(policy, request, own_origins, predicate)
    decision = decided(policy, request, own_origins=own_origins, predicate=predicate)
    if decision.kind is PREFLIGHT:
        return decision
    if not decision.allowed:
        return decision.blocked()
    # Go's CrossOriginProtection, in its order: an allowed origin, the server's own, no browser; all else is refused.
    if request.origin is not None or request.method in SAFE_METHODS or request.fetch_site is None:
        return decision
    if is_own(request):  # without `Origin`, so `own_origins` has nothing to say
        return decision
    return _refused(request, REFUSAL, BLOCKED)


def decided(
    policy: "Policy", request: CORSRequest, *, own_origins: Collection[str] = (), predicate: object = None
) -> Decision:
    """What `policy` decides about a request that is not a handshake where nothing is blocked."""
    if request.method == headers.PREFLIGHT_METHOD and request.is_preflight:
        assert request.origin is not None
        assert request.request_method is not None
        return policy.preflight(request.origin, request.request_method, request.request_headers, predicate=predicate)
    decision = policy.actual(request.origin, request.method, predicate=predicate)
    if decision.allowed or not is_own(request, own_origins):
        return decision
    return _passed(request, decision.lines, _OWN_ORIGIN)


def is_withheld(decision: Decision, request: CORSRequest) -> bool:
    """Whether a browser keeps the answer to an allowed request from the page because its cookies came along.

    Certain, for no page gets its cookies sent across origins in the mode `cors` but by the credentials mode "include"
    (Fetch, "HTTP-network-or-cache fetch", 8.18), and then an answer without `Access-Control-Allow-Credentials` fails
    ("CORS check"). Pages alone: an extension may read what its permissions say.
    """
    return (
        request.asks_with_cookies
        and decision.kind is ACTUAL
        and decision.allowed
        and request.fetch_site in _OTHER_SITES
        and (request.origin or "").startswith(_PAGES)
        and not any(name == headers.ALLOW_CREDENTIALS for name, _ in decision.lines)
    )


def withheld(decision: Decision) -> Decision:
    """What is told of such a request: that its credentials are not allowed."""
    return Decision(
        decision.kind, False, decision.lines, None, decision.origin, decision.method, (Reason.CREDENTIALS_NOT_ALLOWED,)
    )


def undecided(request: CORSRequest, own_origins: Collection[str], status: int | None = None) -> Decision:
    """What a request gets that no policy can be found for. Unless its `status` says that it is blocked, the application
    runs, and nobody but the server's own pages can read its response."""
    reason = Reason.PATH_AMBIGUOUS if request.path_is_ambiguous else Reason.UNDECIDED
    if request.is_preflight:
        return _refused(request, PREFLIGHT_REFUSAL, (reason,))
    if is_own(request, own_origins):
        return _passed(request, REFUSAL, _OWN_ORIGIN)
    # A browser sends `Origin`, or `Sec-Fetch-Site`, or it does not ask for another site.
    if request.origin is None and (request.is_websocket or request.fetch_site is None):
        return _passed(request, REFUSAL, (Reason.NOT_CORS,))
    return _refused(request, REFUSAL, (reason,), status)


def _of_websocket(policy: "Policy", request: CORSRequest, own_origins: Collection[str], predicate: object) -> Decision:
    origin = request.origin
    if origin is None:  # no browser: they always send it
        return _passed(request, REFUSAL, (Reason.NOT_CORS,))
    if is_own(request, own_origins):
        return _passed(request, REFUSAL, _OWN_ORIGIN)
    decision = policy.actual(origin, predicate=predicate)
    if not decision.allowed:
        return _refused(request, REFUSAL, decision.reasons)
    # A handshake carries cookies whatever the page says, so what is allowed without them is not enough.
    if request.has_credentials and (policy.allows_any_origin or not policy.allow_credentials):
        return _refused(request, REFUSAL, (Reason.CREDENTIALS_NOT_ALLOWED,))
    return _passed(request, REFUSAL, (Reason.ORIGIN_ALLOWED,))


def _kind(request: CORSRequest) -> Kind:
    if request.is_websocket:
        return _WEBSOCKET
    if request.origin is None:
        return NOT_CORS
    return PREFLIGHT if request.is_preflight else ACTUAL


def _passed(request: CORSRequest, lines: Lines, reasons: tuple[Reason, ...]) -> Decision:
    return Decision(_kind(request), True, lines, None, request.origin, request.governed_method, reasons)


def _refused(
    request: CORSRequest, lines: Lines, reasons: tuple[Reason, ...], status: int | None = FAILED_STATUS
) -> Decision:
    return Decision(_kind(request), False, lines, status, request.origin, request.governed_method, reasons)
