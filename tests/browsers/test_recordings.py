"""`doctor --har` on what Chromium and Firefox really record: verdict and cause are those of the servers themselves."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from broken_servers import CAUSES, RIGHT, application
from broken_servers import serving as serving_broken
from click.testing import CliRunner

from corecors.cli.doctor import doctor

from .recordings import recorded
from .sites import serving
from .test_doctor_agrees import blank, fetch_of

if TYPE_CHECKING:
    from .engines import Engine

pytestmark = pytest.mark.parametrize("engine", ["Chromium", "Firefox"], indirect=True, scope="session")

SERVERS = RIGHT | CAUSES
# What only a further question tells is not in a recording, and what a browser does not write down is not either.
DIFFER = {
    "the preflight has it not": {"missing-header"},
    "a redirect in a circle": {"redirect-loop", "no-answer-not-recorded"},
    "a proxy wants a login for the preflight": {"preflight-needs-login", "no-answer-not-recorded"},
    "another scheme": {None},  # the page is http here, so it is the same
}


class Recording(NamedTuple):
    """Of each broken server: whether the page got its response, and what the doctor says of the recording."""

    works: dict[str, bool]
    runs: dict[str, list[dict[str, Any]]]
    all_runs: list[dict[str, Any]]
    listed: str


@pytest.fixture(scope="module")
def recording(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    with ExitStack() as stack:
        page = f"http://app.localhost:{stack.enter_context(serving(blank, []))}"
        urls = {
            name: stack.enter_context(serving_broken(application(broken.serve, page)))
            for name, broken in SERVERS.items()
        }
        requests = [(urls[name], fetch_of(broken.options)) for name, broken in SERVERS.items()]
        works, log = recorded(engine, page, requests)
    file = tmp_path_factory.mktemp("recording") / "recorded.har"
    file.write_text(json.dumps(log), encoding="utf-8")
    data = json.loads(CliRunner().invoke(doctor, ["--har", str(file), "--json"]).output)["runs"]
    runs = {name: [run for run in data if run["url"].startswith(url)] for name, url in urls.items()}
    listed = CliRunner().invoke(doctor, ["--har", str(file)]).output
    return Recording(dict(zip(SERVERS, works, strict=True)), runs, data, listed)


@pytest.mark.parametrize("name", SERVERS)
def test_the_cause_is_that_of_the_server(recording: Recording, name: str) -> None:
    runs = recording.runs[name]
    assert runs, "the request is in the file and was not found"
    codes = {run["cause"] and run["cause"]["code"] for run in runs}
    assert codes <= DIFFER.get(name, {SERVERS[name].finding}), runs
    assert all(run["requests"] == 0 for run in runs)


@pytest.mark.parametrize("name", SERVERS)
def test_the_verdict_is_the_browsers(recording: Recording, name: str) -> None:
    run = recording.runs[name][0]
    assert bool(run["works"]) == recording.works[name], run


def test_both_kinds_of_verdict_are_there_and_the_list_has_them(recording: Recording) -> None:
    assert set(recording.works.values()) == {True, False}
    failing = [run for run in recording.all_runs if run["works"] is not True]
    first, *lines = recording.listed.splitlines()
    assert first == f"{len(failing)} of {len(recording.all_runs)} requests across origins fail."
    assert len([line for line in lines if line.startswith("  FAILED ")]) == len(failing)
