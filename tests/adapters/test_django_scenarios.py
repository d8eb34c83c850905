"""Django decides as the core does, in each of its test clients and on its live server."""

from collections.abc import Callable
from http.client import HTTPConnection

import pytest
from django.core.management import call_command
from django.test import LiveServerTestCase, override_settings
from django_site import CLIENTS, DEFAULTS, views_with_policies
from scenarios import POLICIES, SCENARIOS, Answer, Scenario, differences

MIDDLEWARE = [*DEFAULTS["MIDDLEWARE"], "django_scenarios.early"]


def wrong_under(policy: str, ask: Callable[[Scenario], Answer]) -> dict[str, list[str]]:
    """By scenario, what is not as it was decided."""
    wrong = {}
    for scenario in (scenario for scenario in SCENARIOS if scenario.policy == policy):
        if found := differences(scenario, ask(scenario)):
            wrong[scenario.name] = found
    return wrong


@pytest.mark.parametrize("views", [False, True], ids=["the project's policy alone", "views may have policies"])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_scenario_gets_the_answer_that_was_decided(policy: str, client: str, views: bool) -> None:
    def ask(scenario: Scenario) -> Answer:
        asked = scenario.request
        return CLIENTS[client](asked.method, scenario.response.path, asked.headers, asked.body)

    with override_settings(CORS_POLICY=POLICIES[policy], MIDDLEWARE=MIDDLEWARE), views_with_policies(views):
        assert wrong_under(policy, ask) == {}


@override_settings(MIDDLEWARE=MIDDLEWARE, MEDIA_URL="media/")
class OnALiveServer(LiveServerTestCase):
    """A server in a thread of this process, as people's own browser tests use it."""

    @classmethod
    def setUpClass(cls) -> None:
        call_command("migrate", verbosity=0)  # the tables are emptied afterwards, so they have to be there
        super().setUpClass()

    def test_every_scenario_gets_the_answer_that_was_decided(self) -> None:
        for name, policy in POLICIES.items():
            with override_settings(CORS_POLICY=policy), views_with_policies(False):  # while the server runs
                assert wrong_under(name, self._ask) == {}

    def _ask(self, scenario: Scenario) -> Answer:
        request = scenario.request
        connection = HTTPConnection(self.server_thread.host, self.server_thread.port)
        connection.request(request.method, scenario.response.path, request.body, dict(request.headers))
        response = connection.getresponse()
        answer = Answer(response.status, tuple(response.getheaders()), response.read())
        connection.close()
        return answer
