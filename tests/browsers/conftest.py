"""Real browsers as fixtures.

A browser that is not installed skips its tests, with a line in the summary that nobody overlooks; with
`CORECORS_REQUIRE_BROWSERS=1` in the environment that is a failure. `--write-conformance` writes docs/conformance.md
from what the run has seen; without it, a run leaves the source tree alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import child_processes
import pytest

from .case import ENGINE_NAMES, SETUPS, Case, Setup
from .cases import CASES

if TYPE_CHECKING:
    from .engines import Engine
    from .rounds import Round, Sites

REQUIRE = "CORECORS_REQUIRE_BROWSERS"
PACKAGES = (
    *("bottle", "flask", "fontTools", "marionette_driver", "selenium", "trustme", "werkzeug"),
    *("aiohttp", "django", "fastapi", "flask_sock", "hypercorn", "starlette", "uvicorn"),
)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")
CONFORMANCE = Path(__file__).parents[2] / "docs" / "conformance.md"

not_tested = pytest.StashKey[dict[str, str]]()
rounds_made = pytest.StashKey[list["Round"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-conformance", action="store_true", help="write docs/conformance.md from this run of the browsers"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Only the cases that a setup runs are tests of it."""
    items[:] = [item for item in items if not isinstance(item, pytest.Function) or is_run(item)]


def is_run(item: pytest.Function) -> bool:
    given = item.callspec.params if hasattr(item, "callspec") else {}
    setup, case = given.get("browser_round"), given.get("case")
    return not isinstance(setup, Setup) or not isinstance(case, Case) or setup.runs(case)


@pytest.fixture(scope="session", autouse=True)
def _no_proxies() -> Iterator[None]:
    """The drivers are asked over HTTP on loopback, which no proxy reaches."""
    with pytest.MonkeyPatch.context() as environment:
        for name in PROXIES:
            environment.delenv(name, raising=False)
            environment.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="session", params=ENGINE_NAMES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A running browser; one after the other."""
    lacking = [package for package in PACKAGES if find_spec(package) is None]
    if lacking:
        leave_out(request, f"Python packages are missing: {', '.join(lacking)}")
    from .engines import ENGINES, started

    kind = next(kind for kind in ENGINES if kind.name == request.param)
    if missing := kind.missing():
        leave_out(request, f"not installed: {', '.join(missing)} (Debian packages {kind.packages})")
    with started(kind) as running:
        yield running


def leave_out(request: pytest.FixtureRequest, why: str) -> None:
    """Skip what needs this engine, so that it is seen; or fail, where browsers are required."""
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{request.param} is required by {REQUIRE}=1, but {why}", pytrace=False)
    request.config.stash.setdefault(not_tested, {})[request.param] = why
    pytest.skip(f"{request.param} NOT TESTED: {why}")


@pytest.fixture(scope="session")
def addresses() -> Iterator[dict[str, str]]:
    """Of the page and the API that `corecors demo --serve` says it serves."""
    process = child_processes.start(
        [sys.executable, "-u", "-m", "corecors", "demo", "--serve"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield dict(process.stdout.readline().split() for _ in range(2))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()


@pytest.fixture(scope="session")
def all_sites() -> Iterator[dict[Setup, Sites]]:
    """The servers, by setup."""
    from .rounds import serving_sites

    with ExitStack() as serving:
        yield {setup: serving.enter_context(serving_sites(setup, list(filter(setup.runs, CASES)))) for setup in SETUPS}


@pytest.fixture(scope="session", params=SETUPS, ids=str)
def browser_round(request: pytest.FixtureRequest, engine: Engine, all_sites: dict[Setup, Sites]) -> Round:
    """What came of all cases in one engine with one setup."""
    from .rounds import go_round

    made = go_round(engine, all_sites[request.param])
    request.config.stash.setdefault(rounds_made, []).append(made)
    return made


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if not config.getoption("--write-conformance", default=False):
        return
    made = config.stash.get(rounds_made, [])
    if len(made) != len(ENGINE_NAMES) * len(SETUPS):
        raise pytest.UsageError("docs/conformance.md needs a run of all engines; it was not written")
    from .conformance import page

    CONFORMANCE.parent.mkdir(exist_ok=True)
    CONFORMANCE.write_text(page(made), encoding="utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, why in config.stash.get(not_tested, {}).items():
        terminalreporter.write_line(f"{name} WAS NOT TESTED: {why}", red=True, bold=True)
