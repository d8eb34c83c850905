"""Real servers as fixtures.

A server that is not installed skips its tests, with a line in the summary that nobody overlooks; with
`CORECORS_REQUIRE_SERVERS=1` in the environment that is a failure. A failing test shows what its server wrote.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from servers.availability import leave_out
from servers.processes import LOG_SHOWN, Server
from servers.wsgi_servers import SERVERS, ServerKind


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-matrix", action="store_true", help="write docs/adapters-matrix.md from this run")


@pytest.fixture(scope="session", params=[pytest.param(kind, id=kind.name) for kind in SERVERS])
def kind(request: pytest.FixtureRequest) -> ServerKind:
    """A server that is installed; each in turn."""
    found: ServerKind = request.param
    if missing := found.missing():
        leave_out(f"{found.name} needs {missing}, which is not installed")
    return found


@pytest.fixture(scope="session")
def wire(kind: ServerKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server with the application of served_wire.py."""
    with kind.serving("servers.served_wire:application", tmp_path_factory.mktemp(kind.name)) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for server in (value for value in item.funcargs.values() if isinstance(value, Server)):
            report.sections.append((f"output of {server.name}", server.log()[-LOG_SHOWN:]))
    return report
