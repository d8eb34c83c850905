"""aiohttp decides as the core does, served on loopback."""

import pytest
from aiohttp_client import send
from aiohttp_scenarios import application
from scenarios import POLICIES, SCENARIOS, Scenario, differences


@pytest.mark.parametrize("scenario", [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS])
def test_aiohttp_does_what_is_decided(scenario: Scenario) -> None:
    request = scenario.request
    app = application(POLICIES[scenario.policy])
    answer = send(app, request.method, scenario.response.path, request.headers, request.body)
    assert differences(scenario, answer) == []
