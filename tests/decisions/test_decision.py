"""A decision is a value: it cannot be changed, equals another one that says the same, and can be kept in a set."""

import pytest

from corecors import Decision, Policy, Reason, evaluate

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


def test_what_says_something_else_differs() -> None:
    decisions = {evaluate(POLICY, *parameter.values[0]) for parameter in ASKED}
    assert len(decisions) == len(ASKED)
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
