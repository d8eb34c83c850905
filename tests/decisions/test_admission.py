"""Who comes in: handshakes of WebSockets, requests that are to be blocked, and what counts as the server's own."""

from typing import Any

import pytest

from corecors import UNDECIDED, CORSRequest, Decision, Kind, Policy, Reason, admission, is_same_origin
from corecors._decisions.admission import decided, is_withheld, undecided, withheld

APP = "https://app.example.com"
EVIL = "https://evil.test"
HOST = "api.example.com"
CREDENTIALED = Policy(allow_origins=[APP, "https://*.example.org"], allow_credentials=True)
PLAIN = Policy(allow_origins=[APP])
ANY = Policy(allow_origins=["*"])


def request(method: str = "GET", origin: str | None = None, **fields: Any) -> CORSRequest:
    return CORSRequest(method, **{"host": HOST, "scheme": "https", "origin": origin, **fields})


def outcome(decision: Decision) -> tuple[bool, int | None]:
    return decision.allowed, decision.status


PASSES, BLOCKED = (True, None), (False, 403)

# Go 1.25, net/http, CrossOriginProtection, in its order: safe methods, an allowed origin, the server's own, no browser;
# all else is refused. Here GET, HEAD and OPTIONS with a foreign `Origin` are refused too.
BLOCKING = [
    pytest.param("POST", APP, {}, PASSES, id="an allowed origin"),
    pytest.param(
        "POST", APP, {"fetch_site": "cross-site"}, PASSES, id="an allowed origin, as the browser says cross-site"
    ),
    pytest.param("POST", EVIL, {}, BLOCKED, id="a foreign origin"),
    pytest.param("POST", EVIL, {"fetch_site": "cross-site"}, BLOCKED, id="a foreign origin, as the browser says"),
    pytest.param("POST", EVIL, {"fetch_site": "same-site"}, BLOCKED, id="a sibling of the own site"),
    pytest.param("POST", EVIL, {"fetch_site": "same-origin"}, PASSES, id="the own origin, as the browser says"),
    pytest.param("POST", EVIL, {"fetch_site": "none"}, PASSES, id="the user's own doing"),
    pytest.param("POST", f"https://{HOST}", {}, PASSES, id="the own origin of an old browser"),
    pytest.param(
        "POST", f"https://{HOST}", {"fetch_site": "cross-site"}, BLOCKED, id="the browser's word outweighs Host"
    ),
    pytest.param("POST", f"https://{HOST}", {"scheme": "http"}, PASSES, id="a proxy that ends TLS"),
    pytest.param("POST", f"http://{HOST}", {}, BLOCKED, id="plain http to a server on https"),
    pytest.param("POST", f"https://{HOST}:8443", {}, BLOCKED, id="the own host, another port"),
    pytest.param("POST", "null", {}, BLOCKED, id="an opaque origin"),
    pytest.param("POST", "", {}, BLOCKED, id="an empty Origin"),
    pytest.param("POST", None, {}, PASSES, id="neither header: no browser"),
    pytest.param("POST", None, {"fetch_site": "same-origin"}, PASSES, id="only Sec-Fetch-Site, own"),
    pytest.param("POST", None, {"fetch_site": "cross-site"}, BLOCKED, id="only Sec-Fetch-Site, foreign"),
    pytest.param("DELETE", None, {"fetch_site": "x"}, BLOCKED, id="only Sec-Fetch-Site, unknown"),
    pytest.param("GET", None, {"fetch_site": "cross-site"}, PASSES, id="a navigation from elsewhere"),
    pytest.param("GET", None, {}, PASSES, id="a GET without either"),
    pytest.param("GET", EVIL, {}, BLOCKED, id="a GET from a foreign page"),
    pytest.param("HEAD", EVIL, {}, BLOCKED, id="a HEAD from a foreign page"),
    pytest.param("OPTIONS", EVIL, {}, BLOCKED, id="an OPTIONS that is not a preflight"),
    pytest.param("get", None, {"fetch_site": "cross-site"}, BLOCKED, id="a method that only resembles a safe one"),
    # Published bugs of its kind.
    pytest.param("POST", f"https://{HOST}@evil.test", {}, BLOCKED, id="userinfo in Origin"),
    pytest.param("POST", f"https://evil.test/{HOST}", {}, BLOCKED, id="the host in the path"),
    pytest.param("POST", f"https://{HOST}.evil.test", {}, BLOCKED, id="the host as a prefix"),
    pytest.param("POST", HOST, {}, BLOCKED, id="a trusted host without a scheme"),
    pytest.param("POST", f"https://{HOST}, https://evil.test", {}, BLOCKED, id="a list of origins"),
    pytest.param("POST", f"HTTPS://{HOST}", {}, BLOCKED, id="upper case"),
]


@pytest.mark.parametrize(("method", "origin", "fields", "expected"), BLOCKING)
def test_what_is_blocked(
    method: str, origin: str | None, fields: dict[str, Any], expected: tuple[bool, int | None]
) -> None:
    decision = admission(CREDENTIALED, request(method, origin, **fields))
    assert outcome(decision) == expected
    assert (decision.origin, decision.method) == (origin, method)
    if not decision.allowed:
        assert decision.reason is Reason.CROSS_SITE_BLOCKED
        assert decision.lines == (("Vary", "Origin"),)


def test_a_blocked_request_tells_why_its_origin_was_not_enough() -> None:
    assert admission(PLAIN, request("POST", EVIL)).reasons == (Reason.CROSS_SITE_BLOCKED, Reason.ORIGIN_NOT_ALLOWED)
    assert admission(PLAIN, request("POST", "null")).reasons == (Reason.CROSS_SITE_BLOCKED, Reason.ORIGIN_NULL)


def test_the_servers_own_request_is_its_own_reason() -> None:
    decision = admission(PLAIN, request("POST", f"https://{HOST}"))
    assert decision.reasons == (Reason.OWN_ORIGIN,)
    assert decision.lines == (("Vary", "Origin"),)


def test_a_policy_for_any_origin_blocks_no_origin() -> None:
    for origin in (EVIL, "null", "", "x" * 2000):
        assert admission(ANY, request("POST", origin)).allowed


def test_a_preflight_is_decided_by_the_policy() -> None:
    asked = request("OPTIONS", APP, request_method="POST")
    assert admission(PLAIN, asked) == PLAIN.preflight(APP, "POST", None)


# Own origins, where a proxy rewrites Host

LONGEST = f"{'s' * 64}://{'.'.join(['a' * 63] * 3 + ['a' * 61])}:65535"
OWN = frozenset({"https://www.example.com", LONGEST})


@pytest.mark.parametrize("origin", sorted(OWN))
def test_a_servers_own_origin_that_a_proxy_hides_can_be_named(origin: str) -> None:
    asked = request("POST", origin, host="backend:8000")
    assert not admission(PLAIN, asked).allowed
    for policy in (PLAIN, UNDECIDED):
        assert admission(policy, asked, own_origins=OWN).reason is Reason.OWN_ORIGIN
    # Sec-Fetch-Site is the browser's own word, and needs no help.
    assert not admission(PLAIN, asked._replace(fetch_site="cross-site"), own_origins=OWN).allowed
    assert admission(PLAIN, asked._replace(fetch_site="same-origin")).allowed


def test_a_request_without_origin_is_not_own_because_names_are_given() -> None:
    assert not admission(PLAIN, request("POST", None, fetch_site="cross-site"), own_origins=OWN).allowed


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "fetch_site", "expected"),
    [
        pytest.param("https://a.test", "https", "a.test", None, True, id="the same"),
        pytest.param("https://a.test", "https", "a.test:443", None, True, id="the default port written out"),
        pytest.param("http://a.test", "http", "a.test:80", None, True, id="the default port of http"),
        pytest.param("https://a.test:8443", "https", "a.test:8443", None, True, id="another port"),
        pytest.param("https://a.test", "http", "a.test", None, True, id="https in front"),
        pytest.param("http://a.test", "https", "a.test", None, False, id="http to https"),
        pytest.param("https://b.test", "https", "a.test", "same-origin", True, id="the browser says so"),
        pytest.param("https://b.test", "https", "a.test", "none", True, id="the user's own doing"),
        pytest.param("https://a.test", "https", "a.test", "same-site", False, id="the browser says otherwise"),
        pytest.param("https://a.test", "https", "a.test", "", False, id="the browser's word is empty"),
        pytest.param("", "https", "", None, False, id="nothing"),
        pytest.param("null", "https", "null", None, False, id="null"),
    ],
)
def test_same_origin(origin: str, scheme: str, host: str, fetch_site: str | None, expected: bool) -> None:
    assert is_same_origin(origin, scheme, host, fetch_site) is expected


# WebSocket handshakes

HANDSHAKES = [
    pytest.param(PLAIN, APP, {}, PASSES, Reason.ORIGIN_ALLOWED, id="allowed, without credentials"),
    pytest.param(PLAIN, EVIL, {}, BLOCKED, Reason.ORIGIN_NOT_ALLOWED, id="foreign"),
    pytest.param(PLAIN, "null", {}, BLOCKED, Reason.ORIGIN_NULL, id="null"),
    pytest.param(PLAIN, "x", {}, BLOCKED, Reason.ORIGIN_MALFORMED, id="malformed"),
    pytest.param(PLAIN, None, {}, PASSES, Reason.NOT_CORS, id="no browser"),
    pytest.param(PLAIN, None, {"has_credentials": True}, PASSES, Reason.NOT_CORS, id="no browser, with a token"),
    pytest.param(PLAIN, f"https://{HOST}", {"has_credentials": True}, PASSES, Reason.OWN_ORIGIN, id="own"),
    pytest.param(
        PLAIN, APP, {"has_credentials": True}, BLOCKED, Reason.CREDENTIALS_NOT_ALLOWED, id="cookies, no leave"
    ),
    pytest.param(CREDENTIALED, APP, {"has_credentials": True}, PASSES, Reason.ORIGIN_ALLOWED, id="cookies, allowed"),
    pytest.param(
        CREDENTIALED, EVIL, {"has_credentials": True}, BLOCKED, Reason.ORIGIN_NOT_ALLOWED, id="cookies, foreign"
    ),
    pytest.param(ANY, EVIL, {}, PASSES, Reason.ORIGIN_ALLOWED, id="any origin, without cookies"),
    pytest.param(ANY, EVIL, {"has_credentials": True}, BLOCKED, Reason.CREDENTIALS_NOT_ALLOWED, id="* is never enough"),
    pytest.param(None, EVIL, {"has_credentials": True}, PASSES, Reason.OPTED_OUT, id="its owner opted out"),
    pytest.param(UNDECIDED, EVIL, {}, BLOCKED, Reason.UNDECIDED, id="undecided"),
    pytest.param(UNDECIDED, f"https://{HOST}", {}, PASSES, Reason.OWN_ORIGIN, id="undecided, own"),
    pytest.param(UNDECIDED, None, {}, PASSES, Reason.NOT_CORS, id="undecided, no browser"),
]


@pytest.mark.parametrize(("policy", "origin", "fields", "expected", "reason"), HANDSHAKES)
def test_a_handshake(
    policy: Any, origin: str | None, fields: dict[str, Any], expected: tuple[bool, int | None], reason: Reason
) -> None:
    decision = admission(policy, request("GET", origin, is_websocket=True, **fields))
    assert (outcome(decision), decision.reason) == (expected, reason)
    assert (decision.kind, decision.origin, decision.method) == (Kind.WEBSOCKET, origin, "GET")
    assert decision.lines == (() if policy is None else (("Vary", "Origin"),))


def test_a_handshake_of_the_servers_own_page_that_a_proxy_hides() -> None:
    asked = request("GET", "https://www.example.com", host="backend:8000", is_websocket=True)
    assert not admission(PLAIN, asked).allowed
    assert admission(PLAIN, asked, own_origins={"https://www.example.com"}).reasons == (Reason.OWN_ORIGIN,)


def test_a_handshakes_predicate_is_asked_once_or_answered() -> None:
    asked: list[str] = []
    policy = Policy(allow_origin_predicate=lambda origin: asked.append(origin) or True)
    assert admission(policy, request("GET", EVIL, is_websocket=True)).allowed
    assert asked == [EVIL]
    assert not admission(policy, request("GET", EVIL, is_websocket=True), predicate=False).allowed
    assert asked == [EVIL]


def test_the_answer_of_a_predicate_that_was_got_elsewhere_is_taken() -> None:
    policy = Policy(allow_origin_predicate=lambda origin: pytest.fail("was asked"))
    for method, fields in (("POST", {}), ("GET", {"is_websocket": True}), ("OPTIONS", {"request_method": "POST"})):
        for answer in (True, False):
            asked = request(method, EVIL, **fields)
            assert admission(policy, asked, predicate=answer).allowed is answer


# What cannot be told

UNTOLD = [
    pytest.param("GET", EVIL, {}, BLOCKED, id="a foreign page"),
    pytest.param("GET", APP, {}, BLOCKED, id="any page"),
    pytest.param("POST", None, {"fetch_site": "cross-site"}, BLOCKED, id="a form of another site"),
    pytest.param("GET", None, {"fetch_site": "cross-site"}, BLOCKED, id="a navigation from another site"),
    pytest.param("POST", None, {}, PASSES, id="no browser"),
    pytest.param("GET", None, {"fetch_site": "none"}, PASSES, id="the user's own doing"),
    pytest.param("POST", f"https://{HOST}", {}, PASSES, id="the own origin"),
    pytest.param("OPTIONS", APP, {"request_method": "PUT"}, BLOCKED, id="a preflight"),
]


@pytest.mark.parametrize("is_ambiguous", [True, False])
@pytest.mark.parametrize(("method", "origin", "fields", "expected"), UNTOLD)
def test_nobody_is_let_in_where_it_cannot_be_told_which_policy_governs(
    method: str, origin: str | None, fields: dict[str, Any], expected: tuple[bool, int | None], is_ambiguous: bool
) -> None:
    decision = admission(UNDECIDED, request(method, origin, path_is_ambiguous=is_ambiguous, **fields))
    assert outcome(decision) == expected
    assert all(name == "Vary" for name in decision.headers)
    if not decision.allowed:
        assert decision.reason is (Reason.PATH_AMBIGUOUS if is_ambiguous else Reason.UNDECIDED)


def test_where_nothing_is_blocked_an_untold_request_is_answered_and_not_read() -> None:
    asked = request("PUT", EVIL)
    decision = undecided(asked, ())
    assert (outcome(decision), decision.reasons) == ((False, None), (Reason.UNDECIDED,))
    assert (decision.kind, decision.origin, decision.method) == (Kind.ACTUAL, EVIL, "PUT")
    assert decision.lines == (("Vary", "Origin"),)
    assert undecided(request("PUT", f"https://{HOST}"), ()).reasons == (Reason.OWN_ORIGIN,)
    assert undecided(asked, [EVIL]).reasons == (Reason.OWN_ORIGIN,)
    preflight = request("OPTIONS", EVIL, request_method="PUT")
    assert undecided(preflight, ()) == admission(UNDECIDED, preflight)
    no_browser = request("POST", None)
    assert undecided(no_browser, ()) == decided(PLAIN, no_browser)


# What the browser withholds because cookies came along

WITH_COOKIES = {"fetch_site": "cross-site", "asks_with_cookies": True}


@pytest.mark.parametrize(
    ("policy", "origin", "fields", "expected"),
    [
        pytest.param(PLAIN, APP, {}, True, id="without credentials"),
        pytest.param(ANY, EVIL, {}, True, id="any origin"),
        pytest.param(ANY, "http://evil.test", {"fetch_site": "same-site"}, True, id="a page without TLS, of the site"),
        pytest.param(CREDENTIALED, APP, {}, False, id="with credentials"),
        pytest.param(PLAIN, EVIL, {}, False, id="refused anyway"),
        pytest.param(PLAIN, None, {}, False, id="no origin"),
        pytest.param(PLAIN, APP, {"asks_with_cookies": False}, False, id="no cookies"),
        pytest.param(PLAIN, APP, {"fetch_site": "same-origin"}, False, id="the own origin"),
        pytest.param(PLAIN, APP, {"fetch_site": None}, False, id="an old browser, which does not say"),
        pytest.param(ANY, "chrome-extension://abcdefghijklmnop", {}, False, id="an extension"),
        pytest.param(ANY, "null", {}, False, id="no page that can be named"),
    ],
)
def test_what_a_browser_withholds(policy: Policy, origin: str | None, fields: dict[str, Any], expected: bool) -> None:
    asked = request("GET", origin, **{**WITH_COOKIES, **fields})
    assert is_withheld(decided(policy, asked), asked) is expected


def test_a_preflight_is_never_withheld() -> None:
    asked = request("OPTIONS", APP, request_method="GET", **WITH_COOKIES)
    assert not is_withheld(decided(PLAIN, asked), asked)


def test_of_what_is_withheld_the_reason_is_told() -> None:
    decision = decided(PLAIN, request("PUT", APP, **WITH_COOKIES))
    told = withheld(decision)
    assert told.reasons == (Reason.CREDENTIALS_NOT_ALLOWED,)
    assert outcome(told) == (False, None)
    for name in ("kind", "lines", "origin", "method"):
        assert getattr(told, name) == getattr(decision, name)
