"""Tiers: the first policy that allows the origin governs, the last is for everybody else."""

from typing import Any

import pytest

from corecors import CORSRequest, OriginPolicies, Policy, PolicyError

OWN = "https://app.example.com"
EVIL = "https://evil.test"
TRUSTED = Policy(allow_origins=[OWN], allow_credentials=True)
PARTNERS = Policy(allow_origins=["https://*.partner.example"], allow_methods=["GET"])
PUBLIC = Policy(allow_origins=["*"])
TIERS = OriginPolicies([TRUSTED, PARTNERS, PUBLIC])


@pytest.mark.parametrize(
    ("origin", "policy"),
    [
        pytest.param(OWN, TRUSTED, id="the first"),
        pytest.param("https://a.partner.example", PARTNERS, id="the second"),
        pytest.param(EVIL, PUBLIC, id="everybody else"),
        pytest.param("null", PUBLIC, id="null"),
        pytest.param(OWN + "/", PUBLIC, id="malformed"),
        pytest.param(None, PUBLIC, id="no Origin"),
    ],
)
def test_the_first_policy_that_allows_the_origin_governs(origin: str | None, policy: Policy) -> None:
    assert TIERS.policy_for(CORSRequest("GET", origin=origin)) is policy


def test_answers_vary_by_origin() -> None:
    assert TIERS.varies_by_origin is True


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        pytest.param([], "is empty", id="none"),
        pytest.param("https://a.test", "where a list of policies belongs", id="text"),
        pytest.param(TRUSTED, "where a list of policies belongs", id="one policy"),
        pytest.param([TRUSTED, "*"], "of type str where a Policy belongs", id="an entry that is not a policy"),
        pytest.param(
            [Policy(allow_origin_predicate=bool), PUBLIC], "predicate in tier 1 of 2", id="a predicate too early"
        ),
        pytest.param([PUBLIC, TRUSTED], "no later tier would ever govern", id="any origin too early"),
    ],
)
def test_tiers_that_cannot_work_are_refused(tiers: Any, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        OriginPolicies(tiers)


def test_the_last_tier_may_ask_a_predicate() -> None:
    asked: list[str] = []
    last = Policy(allow_origin_predicate=lambda origin: asked.append(origin) or False)
    tiers = OriginPolicies([TRUSTED, last])
    assert tiers.policy_for(CORSRequest("GET", origin=OWN)) is TRUSTED
    assert tiers.policy_for(CORSRequest("GET", origin=EVIL)) is last
    assert asked == []


def test_they_are_immutable_and_show_what_they_hold() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        TIERS.policies = ()  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        del TIERS.policies  # type: ignore[misc]
    assert repr(TIERS) == f"OriginPolicies([{TRUSTED!r}, {PARTNERS!r}, {PUBLIC!r}])"
