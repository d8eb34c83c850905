"""A decision is a value: it cannot be changed, equals another one that says the same, and can be kept in a set."""

from typing import Any

import pytest

from corecors import Decision, Policy, Reason, evaluate
from corecors._decisions.decision import bounded

APP = "https://app.example.com"
STRANGER = "https://stranger.test"
POLICY = Policy(allow_origins=[APP], allow_methods=["PUT"], allow_headers=["X-Known"])
SAME = Policy(allow_origins=[APP], allow_methods=["PUT"], allow_headers=["X-Known"])

ASKED = [
    pytest.param(("GET", None), id="no origin"),
    pytest.param(("GET", APP), id="allowed"),
    pytest.param(("GET", STRANGER), id="refused"),
    pytest.param(("OPTIONS", APP, "PUT", "x-known"), id="a preflight that passes"),
    pytest.param(("OPTIONS", STRANGER, "BREW", "x-other, x-more"), id="a preflight that fails in three ways"),
]


@pytest.mark.parametrize("asked", ASKED)
def test_what_says_the_same_is_equal_and_hashes_alike(asked: tuple[str, ...]) -> None:
    one, other = evaluate(POLICY, *asked), evaluate(SAME, *asked)
    assert one is not other
    assert (one, hash(one)) == (other, hash(other))
    assert {one, other} == {one}


@pytest.mark.parametrize("asked", ASKED)
def test_a_decision_tells_what_was_asked(asked: tuple[str, ...]) -> None:
    decision = evaluate(POLICY, *asked)
    assert (decision.origin, decision.method) == (asked[1], asked[2] if len(asked) > 2 else asked[0])


def test_a_decision_shows_itself() -> None:
    assert repr(evaluate(POLICY, "OPTIONS", APP, "BREW")) == (
        "Decision(kind='preflight', allowed=False, reasons=['method_not_allowed'], status=403,"
        " headers={'Vary': 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'})"
    )


def test_what_says_something_else_differs() -> None:
    decisions = {evaluate(POLICY, *parameter.values[0]) for parameter in ASKED}
    assert len(decisions) == len(set(map(hash, decisions))) == len(ASKED)
    assert evaluate(POLICY, "GET", APP) != "allowed"


@pytest.mark.parametrize("asked", ASKED)
def test_a_decision_cannot_be_changed(asked: tuple[str, ...]) -> None:
    decision = evaluate(POLICY, *asked)
    for name in ("allowed", "headers", "kind", "lines", "method", "origin", "reason", "reasons", "status"):
        with pytest.raises(AttributeError):
            setattr(decision, name, None)
    before = decision.headers
    decision.headers["Access-Control-Allow-Origin"] = "*"
    assert decision.headers == before
    assert isinstance(decision.lines, tuple)


def test_all_reasons_are_there() -> None:
    decision: Decision = evaluate(POLICY, "OPTIONS", STRANGER, "BREW", "x-other, x-more")
    assert decision.reasons == (Reason.ORIGIN_NOT_ALLOWED, Reason.METHOD_NOT_ALLOWED, Reason.HEADER_NOT_ALLOWED)
    assert decision.disallowed_headers == ("x-other", "x-more")


@pytest.mark.parametrize(
    "asked", [*ASKED, pytest.param(("OPTIONS", APP, "BREW"), id="a preflight that fails by its method")]
)
@pytest.mark.parametrize("policy", [POLICY, Policy(allow_origins=["*"])])
def test_what_is_changed_of_a_decision_leaves_the_rest(policy: Policy, asked: tuple[str, ...]) -> None:
    decision = evaluate(policy, *asked)
    varied, blocked = decision.varied(), decision.blocked()
    assert varied.lines == (decision.lines if "Vary" in decision.headers else (*decision.lines, ("Vary", "Origin")))
    assert (varied.status, varied.reasons) == (decision.status, decision.reasons)
    assert blocked.varied().status == 403
    assert blocked.reasons == (Reason.CROSS_SITE_BLOCKED, *decision.reasons)
    assert (blocked.status, blocked.lines) == (403, decision.lines)
    for changed in (varied, blocked):
        for name in ("kind", "allowed", "origin", "method", "disallowed_headers"):
            assert getattr(changed, name) == getattr(decision, name)


def test_a_browser_is_answered_alike_where_it_lets_the_same_pass_by_the_same_lines() -> None:
    refused, with_another_method = evaluate(POLICY, "GET", STRANGER), evaluate(POLICY, "PUT", "https://other.test")
    assert refused.answers_like(with_another_method)
    assert refused.answers_like(evaluate(POLICY, "GET", "null"))
    assert not refused.answers_like(evaluate(POLICY, "GET", None))  # the same lines, and allowed
    assert not evaluate(POLICY, "GET", APP).answers_like(evaluate(Policy(allow_origins=["*"]), "GET", APP))


def test_in_debug_a_preflight_that_fails_by_its_method_is_not_told_that_it_may_use_it() -> None:
    decision = evaluate(Policy(allow_origins=[APP], allow_methods=[], debug=True), "OPTIONS", APP, "BREW")
    # Where a page listens to its upload, a browser takes no list at all for leave.
    assert decision.headers.keys() == {"Vary"}


def test_in_debug_a_preflight_that_fails_by_a_header_is_told_that_its_origin_and_its_method_pass() -> None:
    policy = Policy(allow_origins=[APP], allow_methods=["*"], allow_credentials=True, debug=True)
    found = evaluate(policy, "OPTIONS", APP, "BREW", "x-other").headers
    del found["Vary"]
    assert found == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "BREW",
    }


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param({}, Reason.ORIGIN_NULL, id="never allowed"),
        pytest.param({"allow_origin_predicate": lambda origin: False}, Reason.ORIGIN_NULL, id="not asked about"),
        pytest.param(
            {
                "allow_origin_predicate": lambda origin: False,
                "dangerously_allow_null_origin": True,
                "allow_credentials": True,
            },
            Reason.ORIGIN_NOT_ALLOWED,
            id="asked about, and refused",
        ),
    ],
)
def test_why_null_is_refused(arguments: dict[str, Any], reason: Reason) -> None:
    assert evaluate(Policy(**arguments), "GET", "null").reasons == (reason,)


def test_null_is_let_in_by_a_predicate_that_is_asked_about_it() -> None:
    policy = Policy(
        allow_origin_predicate=lambda origin: origin == "null",
        dangerously_allow_null_origin=True,
        allow_credentials=True,
    )
    assert evaluate(policy, "GET", "null").allowed


def test_a_header_that_is_asked_for_twice_is_told_once() -> None:
    policy = Policy(allow_origins=[APP], allow_headers=["*"])
    decision = evaluate(policy, "OPTIONS", APP, "GET", "authorization,authorization")
    assert decision.disallowed_headers == ("authorization",)


LONGEST, LONGER = "x" * 512, "x" * 513


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param((APP, "PUT", "x-a"), (APP, "PUT", "x-a"), id="as browsers ask"),
        pytest.param((None, None, None), (None, None, None), id="nothing"),
        pytest.param((LONGEST, LONGEST, LONGEST), (LONGEST, LONGEST, LONGEST), id="the longest that is kept"),
        pytest.param((LONGER, "PUT", "x-a"), ("too long", "PUT", "x-a"), id="a long origin"),
        pytest.param((LONGER, None, None), ("too long", None, None), id="a long origin alone"),
        pytest.param((APP, LONGER, "x-a"), (APP, "too long", "x-a"), id="a long method"),
        pytest.param((APP, "PUT", LONGER), (APP, "PUT", "too long"), id="a long list of headers"),
    ],
)
def test_what_was_asked_is_bounded_before_it_is_hashed(asked: tuple[str, str, str], expected: object) -> None:
    assert bounded(*asked) == expected
