"""Django's table of scenarios over real connections: gunicorn, uvicorn and daphne answer as was decided."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from scenarios import POLICIES, SCENARIOS, differences
from scenarios import Answer as ScenarioAnswer

from servers.availability import leave_out
from servers.http_connection import ask, request
from servers.processes import Server
from servers.served_scenarios import APPLICATION
from servers.wsgi_servers import ServerKind, gunicorn

EXAMPLE = Path(__file__).parents[2] / "examples" / "django"


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
def django_server(request: pytest.FixtureRequest) -> ServerKind:
    kind: ServerKind = request.param
    if missing := kind.missing():
        leave_out(f"{kind.name} needs {missing}, which is not installed")
    return kind


@pytest.fixture(scope="module")
def server(django_server: ServerKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    kind = django_server
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


PARTNER = "https://shop.partner.example"


def may_read(port: int, origin: str) -> bool:
    answer = ask(port, request("GET", "/api/catalogue", [("Origin", origin), ("Connection", "close")]))
    assert answer.status == 200
    return ("access-control-allow-origin", origin) in [(name.lower(), value) for name, value in answer.headers]


@pytest.mark.parametrize("policy", ["policy", "async_policy"], ids=["sync predicate", "async predicate"])
def test_a_row_counts_from_the_next_request_on(django_server: ServerKind, policy: str, tmp_path: Path) -> None:
    """The example project as it stands, with each of its policies."""
    example = shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
    settings = f"from project.settings import *\nCORS_POLICY = 'partners.cors.{policy}'\nALLOWED_HOSTS = ['*']\n"
    (example / "served_settings.py").write_text(settings)
    environment = {"PYTHONPATH": str(example), "DJANGO_SETTINGS_MODULE": "served_settings"}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=example, env={**os.environ, **environment}, check=True)
    kind = "wsgi" if SERVERS[django_server] == "application" else "asgi"
    with (
        django_server.serving(f"project.{kind}:application", tmp_path / "served", **environment) as server,
        closing(sqlite3.connect(example / "db.sqlite3", isolation_level=None)) as database,
    ):
        assert may_read(server.port, "https://app.example.com")
        assert not may_read(server.port, PARTNER)
        database.execute("INSERT INTO partners_partnerorigin (origin, note) VALUES (?, '')", [PARTNER])
        assert may_read(server.port, PARTNER)
        database.execute("DELETE FROM partners_partnerorigin")
        assert not may_read(server.port, PARTNER)
