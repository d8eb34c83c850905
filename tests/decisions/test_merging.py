"""What becomes of the headers that an application set itself: one rule, a table of it."""

import pytest

from corecors import CORSRequest, Kind, Policy, admission, merge_headers
from corecors._decisions.merging import MAX_KNOWN_NAMES, unrelated_headers

APP = "https://app.example.com"
STRANGER = "https://stranger.test"
NAMED = Policy(allow_origins=[APP], expose_headers=["X-Page"])
CREDENTIALED = Policy(allow_origins=[APP], allow_credentials=True)
ANYONE = Policy(allow_origins=["*"])
TIMED = Policy(allow_origins=[APP], allow_timing=True)
EXPOSE = "Access-Control-Expose-Headers"


def merged(policy: Policy, origin: str | None, *own: tuple[str, str]) -> list[tuple[str, str]]:
    lines = policy.lines(origin)
    assert lines is not None
    return merge_headers(list(own), lines)


@pytest.mark.parametrize(
    ("policy", "origin", "values", "expected"),
    [
        pytest.param(NAMED, APP, ["X-Total"], "X-Page, X-Total", id="merged for an allowed origin"),
        pytest.param(NAMED, APP, ["x-page, X-Total", "X-Rate"], "X-Page, X-Total, X-Rate", id="each name once"),
        pytest.param(NAMED, APP, ["*"], "X-Page, *", id="* without credentials"),
        pytest.param(NAMED, APP, ["Set-Cookie, X-Total, Set-Cookie2"], "X-Page, X-Total", id="what no script may read"),
        pytest.param(NAMED, APP, ["X Total, X-Rate"], "X-Page, X-Rate", id="what is not a name"),
        pytest.param(NAMED, STRANGER, ["X-Total"], None, id="nothing for an origin that is refused"),
        pytest.param(NAMED, None, ["X-Total"], None, id="nothing without an origin"),
        pytest.param(CREDENTIALED, APP, ["X-Total"], "X-Total", id="with credentials"),
        pytest.param(CREDENTIALED, APP, ["*, X-Total"], "X-Total", id="* with credentials"),
        pytest.param(CREDENTIALED, APP, ["*"], None, id="* with credentials alone"),
        pytest.param(ANYONE, STRANGER, ["X-Total"], "X-Total", id="under *"),
        pytest.param(ANYONE, None, ["X-Total"], "X-Total", id="under *, without an origin"),
    ],
)
def test_what_an_application_exposes(
    policy: Policy, origin: str | None, values: list[str], expected: str | None
) -> None:
    found = merged(policy, origin, *((EXPOSE, value) for value in values))
    assert [value for name, value in found if name.lower() == EXPOSE.lower()] == (
        [] if expected is None else [expected]
    )


@pytest.mark.parametrize(
    ("policy", "origin", "own", "expected"),
    [
        pytest.param(NAMED, STRANGER, ("access-control-allow-origin", "*"), [], id="a grant to everybody"),
        pytest.param(NAMED, STRANGER, ("Access-Control-Made-Up", "1"), [], id="a name that nobody knows"),
        pytest.param(NAMED, APP, ("Timing-Allow-Origin", "*"), ["*"], id="timing, which the policy does not speak of"),
        pytest.param(TIMED, APP, ("timing-allow-origin", "*"), [APP], id="timing, which it does"),
        pytest.param(NAMED, APP, ("Content-Type", "text/plain"), ["text/plain"], id="what is unrelated"),
    ],
)
def test_a_line_of_the_application(policy: Policy, origin: str, own: tuple[str, str], expected: list[str]) -> None:
    found = merged(policy, origin, own)
    assert [value for name, value in found if name.lower() == own[0].lower()] == expected


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        pytest.param(["Accept"], "Accept, Origin", id="merged"),
        pytest.param(["accept, ORIGIN", "Accept"], "accept, ORIGIN", id="each name once, in any case of letters"),
        pytest.param(["*"], "*", id="* stays"),
        pytest.param(["ss", "\xdf"], "ss, \xdf, Origin", id="names that are one in upper case alone"),
    ],
)
def test_vary_is_one_line(theirs: list[str], expected: str) -> None:
    found = merged(NAMED, APP, *(("vary", value) for value in theirs))
    assert [value for name, value in found if name.lower() == "vary"] == [expected]


def test_the_applications_own_list_is_never_changed() -> None:
    own = [("Vary", "Accept"), ("Access-Control-Allow-Origin", "*")]
    before = list(own)
    lines = NAMED.lines(APP)
    assert lines is not None
    assert merge_headers(own, lines) is not own
    assert own == before
    plain = [("Content-Type", "text/plain")]
    assert merge_headers(plain, lines) is not plain
    assert plain == [("Content-Type", "text/plain")]


def test_what_is_unrelated_stays_in_its_order_whether_it_was_seen_before_or_not() -> None:
    own = [("X-Seen", "1"), ("X-New", "2"), ("X-Seen", "3"), ("Access-Control-Allow-Origin", "*"), ("X-Last", "4")]
    merged(NAMED, STRANGER, ("X-Seen", "0"))
    assert "X-Seen" in unrelated_headers
    assert merged(NAMED, STRANGER, *own) == [*own[:3], own[4], ("Vary", "Origin")]


def test_names_that_are_none_of_ours_are_remembered_up_to_a_bound() -> None:
    for number in range(2 * MAX_KNOWN_NAMES):
        merged(NAMED, APP, (f"X-{number}", "1"))
        assert f"X-{number}" in unrelated_headers
        assert len(unrelated_headers) <= MAX_KNOWN_NAMES


def test_what_no_policy_governs_keeps_its_lines_and_varies_where_other_requests_are_governed() -> None:
    decision = admission(None, CORSRequest("GET", origin=APP))
    own = [("Vary", "Cookie"), ("Access-Control-Allow-Origin", "*"), ("vary", "Accept")]
    assert decision.kind is Kind.ACTUAL
    preflight = admission(None, CORSRequest("OPTIONS", origin=APP, request_method="PUT"))
    assert (preflight.kind, preflight.method) == (Kind.PREFLIGHT, "PUT")
    assert decision.merge(own) == own
    assert decision.merge(own) is not own
    assert decision.varied().merge(own) == [("Access-Control-Allow-Origin", "*"), ("Vary", "Cookie, Accept, Origin")]
