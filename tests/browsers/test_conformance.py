"""The table of cases in real browsers: against what the policy means, and against the model of the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from .case import Case, Seen, filled
from .cases import CASES

if TYPE_CHECKING:
    from .rounds import Round

every_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
predicted_cases = pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in CASES if any(act.predicted for act in case.acts)]
)
wholly_predicted_cases = pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in CASES if case.requests_predicted]
)
console_cases = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.console])


def listed(requests: Sequence[Seen]) -> str:
    return "\n".join(str(seen) for seen in requests)


@every_case
def test_the_page_sees_what_the_policy_means(browser_round: Round, case: Case) -> None:
    own_way = case.own_way(browser_round.engine.name, browser_round.sites.setup.scheme)
    assert browser_round.outcomes(case) == (own_way or case.meant), listed(browser_round.requests(case))


@every_case
def test_the_server_sees_the_preflights_and_requests_that_the_policy_means(browser_round: Round, case: Case) -> None:
    requests = browser_round.requests(case)
    preflights = [seen for seen in requests if seen.is_preflight]
    assert len(preflights) == case.preflights, listed(requests)
    assert not any(seen.cookie for seen in preflights), listed(requests)
    if case.requests is not None:
        assert len(requests) - len(preflights) == case.requests, listed(requests)


def test_no_application_raises(browser_round: Round) -> None:
    assert browser_round.sites.failures == []


@predicted_cases
def test_the_model_predicts_what_the_page_sees(browser_round: Round, case: Case) -> None:
    predictions = browser_round.sites.predictions[case.slug]
    outcomes = browser_round.outcomes(case)
    if case.own_way(browser_round.engine.name, browser_round.sites.setup.scheme) is not None:
        outcomes = case.meant  # the model is one of the others
    for outcome, prediction in zip(outcomes, predictions, strict=True):
        if prediction is not None:
            assert outcome == prediction.sees, prediction.explanation


@predicted_cases
def test_the_model_names_every_difference_between_the_standard_and_the_engines(
    browser_round: Round, case: Case
) -> None:
    predictions = [prediction for prediction in browser_round.sites.predictions[case.slug] if prediction is not None]
    laxer = [prediction for prediction in predictions if prediction.laxer]
    assert bool(laxer) == bool(case.unlike_the_standard), laxer


@wholly_predicted_cases
def test_the_model_sends_what_the_engine_sends(browser_round: Round, case: Case) -> None:
    """In the same order: methods, targets, origins, a preflight's two request headers to the byte, cookies or none."""
    sent, predicted = listed(browser_round.requests(case)), listed(browser_round.sites.predicted_requests(case))
    # Where an engine goes its own way, that must show, or the table has to be corrected.
    assert (sent == predicted) is browser_round.is_predicted(case), f"{sent}\n---\n{predicted}"


@pytest.mark.parametrize("engine", ["Chromium"], indirect=True, scope="session")  # only its driver shows the console
@console_cases
def test_the_console_says_what_debug_mode_promises(browser_round: Round, case: Case) -> None:
    console = browser_round.console_of(case)
    for fragment in case.console:
        assert filled(fragment, browser_round.sites.addresses.in_policy()) in console
    for fragment in case.console_lacks:
        assert fragment not in console
