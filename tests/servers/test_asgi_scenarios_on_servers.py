"""The whole table of scenarios over real connections, on every ASGI server and for every framework's application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

import asgi_scenario_apps
import pytest
from scenarios import POLICIES, SCENARIOS, Scenario, differences
from scenarios import Answer as ScenarioAnswer

from servers.asgi_servers import ASGI_SERVERS, AsgiServerKind
from servers.availability import leave_out
from servers.http2_connection import Http2Connection
from servers.http_connection import Connection, MalformedAnswer, request
from servers.matrix import MATRIX, Place, is_complete, page, part
from servers.processes import Server
from servers.served_scenarios import APPLICATION

FRAMEWORKS = tuple(asgi_scenario_apps.BUILDERS)


@pytest.fixture(scope="session")
def asgi_matrix(request: pytest.FixtureRequest) -> Iterator[dict[Place, list[str]]]:
    """What is seen; at the end, its part of the page in the docs is written from it, or compared with it."""
    seen: dict[Place, list[str]] = {}
    yield seen
    servers = [kind.name for kind in ASGI_SERVERS]
    if not is_complete(seen, FRAMEWORKS, servers):
        return  # a part of the tests was asked for, or a server is not installed
    text = page(MATRIX.read_text(encoding="utf-8"), part("ASGI", seen, {}, FRAMEWORKS, servers))
    if request.config.getoption("--write-matrix", default=False):
        MATRIX.write_text(text, encoding="utf-8")
    assert MATRIX.read_text(encoding="utf-8") == text, f"{MATRIX.name} is not what was seen: --write-matrix writes it"


@pytest.fixture(scope="module", params=[pytest.param(kind, id=kind.name) for kind in ASGI_SERVERS])
def asgi_kind(request: pytest.FixtureRequest) -> AsgiServerKind:
    found: AsgiServerKind = request.param
    if missing := found.missing():
        leave_out(f"{found.name} needs {missing}, which is not installed")
    return found


@pytest.fixture(scope="module")
def asgi_server(asgi_kind: AsgiServerKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(asgi_kind.name)
    with asgi_kind.serving("servers.served_asgi_scenarios:application", folder) as server:
        yield server


class Client:
    """Sends one scenario after the other, on one connection for as long as the server keeps it."""

    def __init__(self, kind: AsgiServerKind, port: int) -> None:
        self._kind = kind
        self._port = port
        self._connection: Connection | Http2Connection | None = None

    def send(self, scenario: Scenario, framework: str) -> ScenarioAnswer | None:
        """The answer; None where the server ended a new connection without one. One that was kept may have ended
        meanwhile: after an application that raised, or that left a body unread."""
        if self._connection is not None:
            with suppress(MalformedAnswer, OSError):
                return self._exchange(self._connection, scenario, framework)
            self.close()
        self._connection = (Http2Connection if self._kind.speaks_http2 else Connection)(self._port)
        try:
            return self._exchange(self._connection, scenario, framework)
        except MalformedAnswer:
            self.close()
            return None

    def _exchange(self, connection: Connection | Http2Connection, scenario: Scenario, framework: str) -> ScenarioAnswer:
        asked = scenario.request
        headers = [*asked.headers, (APPLICATION, f"{framework}:{scenario.policy}")]
        if isinstance(connection, Http2Connection):
            answer = connection.exchange(asked.method, scenario.response.path, headers, asked.body)
        else:
            connection.send(request(asked.method, scenario.response.path, headers, asked.body))
            answer = connection.receive(asked.method)
            if connection.will_close:
                self.close()
        return ScenarioAnswer(answer.status, answer.headers, answer.body)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_scenario_gets_the_answer_that_was_decided(
    asgi_kind: AsgiServerKind,
    asgi_server: Server,
    framework: str,
    policy: str,
    asgi_matrix: dict[Place, list[str]],
) -> None:
    wrong: dict[str, list[str]] = {}
    with closing(Client(asgi_kind, asgi_server.port)) as client:
        for scenario in (scenario for scenario in SCENARIOS if scenario.policy == policy):
            answer = client.send(scenario, framework)
            found = ["no answer"] if answer is None else differences(scenario, answer)
            asgi_matrix[Place(scenario.name, framework, asgi_kind.name)] = found
            if found:
                wrong[scenario.name] = found
    assert wrong == {}
