"""Django's table of scenarios over real connections: gunicorn, uvicorn and daphne answer as was decided."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import pytest
from scenarios import POLICIES, SCENARIOS, differences
from scenarios import Answer as ScenarioAnswer

from servers.availability import leave_out
from servers.http_connection import ask, request
from servers.processes import Server
from servers.served_scenarios import APPLICATION
from servers.wsgi_servers import ServerKind, gunicorn


def uvicorn(port: int, application: str) -> Sequence[str]:
    return (sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "warning", application)


def daphne(port: int, application: str) -> Sequence[str]:
    return (sys.executable, "-m", "daphne", "-p", str(port), "-v", "0", application)


SERVERS = {
    ServerKind("gunicorn", "gunicorn", gunicorn("gthread", "--threads", "4"), keeps_alive=True): "application",
    ServerKind("uvicorn", "uvicorn", uvicorn, keeps_alive=True): "asgi_application",
    ServerKind("daphne", "daphne", daphne, keeps_alive=True): "asgi_application",
}


@pytest.fixture(scope="module", params=[pytest.param(kind, id=kind.name) for kind in SERVERS])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    kind: ServerKind = request.param
    if missing := kind.missing():
        leave_out(f"{kind.name} needs {missing}, which is not installed")
    folder = tmp_path_factory.mktemp(f"django-{kind.name}")
    with kind.serving(f"servers.served_django:{SERVERS[kind]}", folder) as running:
        yield running


@pytest.mark.parametrize("policy", POLICIES)
def test_every_scenario_gets_the_answer_that_was_decided(server: Server, policy: str) -> None:
    wrong: dict[str, list[str]] = {}
    for scenario in (scenario for scenario in SCENARIOS if scenario.policy == policy):
        asked = scenario.request
        headers = [*asked.headers, (APPLICATION, policy), ("Connection", "close")]
        answer = ask(server.port, request(asked.method, scenario.response.path, headers, asked.body))
        if found := differences(scenario, ScenarioAnswer(answer.status, answer.headers, answer.body)):
            wrong[scenario.name] = found
    assert wrong == {}
