"""One table of scenarios, every adapter: each does what `evaluate` decides, and so all do the same."""

from functools import cache
from wsgiref.validate import validator

import pytest
from scenario_apps import BUILDERS, Application, wsgi
from scenarios import POLICIES, RESPONSES, SCENARIOS, Scenario, differences, expected
from wsgi_client import send


def validated_wsgi(policy: str) -> Application:
    """Plain WSGI, with the standard's own checker between the middleware and the application."""
    return wsgi(POLICIES[policy], within=validator)


@cache
def served(adapter: str, policy: str) -> Application:
    app = validated_wsgi(policy) if adapter == "wsgi" else BUILDERS[adapter](POLICIES[policy])
    return validator(app)


@pytest.mark.parametrize("adapter", BUILDERS)
@pytest.mark.parametrize("scenario", [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS])
def test_the_adapter_does_what_is_decided(scenario: Scenario, adapter: str) -> None:
    request = scenario.request
    app = served(adapter, scenario.policy)
    answer = send(app, request.method, scenario.response.path, request.headers, request.body)
    assert differences(scenario, answer) == []


def test_the_table_is_as_large_as_promised_and_has_no_scenario_twice() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_the_table_has_every_kind_of_outcome() -> None:
    outcomes = {(expected(scenario).reaches_the_application, expected(scenario).status) for scenario in SCENARIOS}
    assert outcomes >= {(False, 204), (False, 403), (True, None)} | {
        (True, response.status) for response in RESPONSES.values()
    }
