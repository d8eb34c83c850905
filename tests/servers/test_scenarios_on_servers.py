"""The adapters' whole table of scenarios over real connections, on every server: the same answers as without one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import scenario_apps
from scenarios import POLICIES, SCENARIOS, Scenario, differences
from scenarios import Answer as ScenarioAnswer

from servers.http_connection import Connection, MalformedAnswer, request
from servers.matrix import MATRIX, Place, is_complete, page, part
from servers.processes import Server
from servers.served_scenarios import APPLICATION
from servers.wsgi_servers import SERVERS, ServerKind

ADAPTERS = tuple(scenario_apps.BUILDERS)

# By server and request: what the server does instead of handing the request over.
CLOSES_WITHOUT_AN_ANSWER = {
    ("uwsgi", "origin of 4 KiB"): "the request is larger than its buffer (4096 bytes by default), and it ends the"
    " connection without an answer"
}


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest) -> Iterator[dict[Place, list[str]]]:
    """What is seen; at the end, the page in the docs is written from it, or compared with it."""
    seen: dict[Place, list[str]] = {}
    yield seen
    servers = [kind.name for kind in SERVERS]
    if not is_complete(seen, ADAPTERS, servers):
        return  # a part of the tests was asked for, or a server is not installed
    text = page(MATRIX.read_text(encoding="utf-8"), part("WSGI", seen, CLOSES_WITHOUT_AN_ANSWER, ADAPTERS, servers))
    if request.config.getoption("--write-matrix", default=False):
        MATRIX.write_text(text, encoding="utf-8")
    assert MATRIX.read_text(encoding="utf-8") == text, f"{MATRIX.name} is not what was seen: --write-matrix writes it"


@pytest.fixture(scope="module")
def server(kind: ServerKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with kind.serving("servers.served_scenarios:application", tmp_path_factory.mktemp(kind.name)) as server:
        yield server


class Client:
    """Sends one scenario after the other, on one connection for as long as the server keeps it."""

    def __init__(self, kind: ServerKind, port: int) -> None:
        self._kind = kind
        self._port = port
        self._connection: Connection | None = None

    def send(self, scenario: Scenario, adapter: str) -> ScenarioAnswer | None:
        """The answer; None where the server ended the connection without one."""
        if self._connection is None:
            self._connection = Connection(self._port)
        asked = scenario.request
        headers = [*asked.headers, (APPLICATION, f"{adapter}:{scenario.policy}")]
        try:
            self._connection.send(request(asked.method, scenario.response.path, headers, asked.body))
            if self._kind.closes_late:
                self._connection.finish()
            answer = self._connection.receive(asked.method)
        except MalformedAnswer:
            self.close()
            return None
        if self._connection.will_close or self._kind.closes_late:
            self.close()
        return ScenarioAnswer(answer.status, answer.headers, answer.body)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_scenario_gets_the_answer_that_was_decided(
    kind: ServerKind, server: Server, adapter: str, policy: str, matrix: dict[Place, list[str]]
) -> None:
    wrong: dict[str, list[str]] = {}
    with closing(Client(kind, server.port)) as client:
        for scenario in (scenario for scenario in SCENARIOS if scenario.policy == policy):
            answer = client.send(scenario, adapter)
            if (kind.name, scenario.request.name) in CLOSES_WITHOUT_AN_ANSWER:
                found = [] if answer is None else [f"status {answer.status} instead of no answer"]
            else:
                found = ["no answer"] if answer is None else differences(scenario, answer)
            matrix[Place(scenario.name, adapter, kind.name)] = found
            if found:
                wrong[scenario.name] = found
    assert wrong == {}
