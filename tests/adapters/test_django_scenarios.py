"""Django decides as the core does, in each of its test clients and on its live server."""

import pytest
from django.test import override_settings
from django_site import CLIENTS, DEFAULTS
from scenarios import POLICIES, SCENARIOS, Scenario, differences

MIDDLEWARE = [*DEFAULTS["MIDDLEWARE"], "django_scenarios.early"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("scenario", [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS])
def test_django_does_what_is_decided(scenario: Scenario, client: str) -> None:
    request = scenario.request
    with override_settings(CORS_POLICY=POLICIES[scenario.policy], MIDDLEWARE=MIDDLEWARE):
        answer = CLIENTS[client](request.method, scenario.response.path, request.headers, request.body)
    assert differences(scenario, answer) == []
