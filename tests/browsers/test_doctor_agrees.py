"""`corecors doctor` against a real browser: what it says of a server is what fetch() in Chromium does there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import broken_servers
import pytest
from click.testing import CliRunner

from corecors.cli.doctor import doctor
from servers import fixable_servers
from servers.availability import leave_out

from .conftest import REQUIRE
from .peers import PEERS, Peer, missing_packages
from .sites import serving

if TYPE_CHECKING:
    from .engines import Engine

in_chromium = pytest.mark.parametrize("engine", ["Chromium"], indirect=True, scope="session")

FETCH = """
const [url, options, done] = arguments;
fetch(url, options)
  .then(async (response) => {
    await response.text();
    return { works: true, status: response.status, headers: [...response.headers.keys()].sort() };
  })
  .catch((error) => ({ works: false, error: String(error) }))
  .then(done);
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """One request of a page: as arguments of fetch(), and as options of the doctor."""

    name: str
    path: str = "items"
    by_stranger: bool = False
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    credentials: bool = False
    body: str | None = None

    def as_fetch(self) -> dict[str, Any]:
        options: dict[str, Any] = {"method": self.method, "headers": dict(self.headers)}
        if self.credentials:
            options["credentials"] = "include"
        if self.body is not None:
            options["body"] = self.body
        return options

    def as_options(self) -> list[str]:
        headers = [part for name, value in self.headers for part in ("-H", f"{name}: {value}")]
        body = [] if self.body is None else ["-d", self.body]
        return ["-X", self.method, *headers, *body, *(["--credentials"] if self.credentials else [])]


JSON = ("Content-Type", "application/json")
ASKINGS = (
    Asking("a simple GET"),
    Asking("a simple GET of a stranger", by_stranger=True),
    Asking("PUT with JSON and a header", method="PUT", headers=(JSON, ("X-Token", "1")), body="{}"),
    Asking("PUT of a stranger", by_stranger=True, method="PUT", headers=(JSON,), body="{}"),
    Asking("POST as text", method="POST", headers=(("Content-Type", "text/plain"),), body="x"),
    Asking("with credentials", credentials=True),
    Asking("PUT with credentials and a token", method="PUT", headers=(("Authorization", "x"),), credentials=True),
    Asking("a method in lower case", method="patch"),
    Asking("an error 404", path="nowhere"),
    Asking("an error 404 behind a preflight", path="nowhere", headers=(("X-Token", "1"),)),
    Asking("an error 500", path="crash"),
)
WANTED = (("X-Token", "1"), ("Authorization", "Bearer x"))
OF_REAL_SERVERS = {  # whether the fix for WANTED and credentials lets it in; without it nothing is
    Asking("what the fix is for", path="", headers=WANTED, credentials=True): True,
    Asking("the same of a stranger", path="", by_stranger=True, headers=WANTED, credentials=True): False,
    Asking("a simple GET", path=""): True,
    Asking("a simple GET of a stranger", path="", by_stranger=True): False,
    Asking("a header beyond the fix", path="", headers=(("X-Other", "1"),)): False,
    Asking("a method beyond the fix", path="", method="DELETE"): False,
    Asking("what is not there", path="nowhere"): True,
}


class Tab:
    """The browser, moved to a page of the wanted origin only where it is at another."""

    def __init__(self, engine: Engine, pages: dict[str, str]) -> None:
        assert engine.driver is not None
        self.page, self.stranger = pages["app"], pages["stranger"]
        self._engine = engine
        self._driver = engine.driver
        self._driver.set_script_timeout(60)

    def fetch(self, origin: str, url: str, options: dict[str, Any]) -> dict[str, Any]:
        if not self._driver.current_url.startswith(origin + "/"):
            self._engine.open(origin + "/")
        outcome: dict[str, Any] = self._driver.execute_async_script(FETCH, url, options)  # type: ignore[no-untyped-call]
        return outcome


def blank(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "15")])
    return [b"<!doctype html>"]


@pytest.fixture(scope="module")
def tab(engine: Engine) -> Iterator[Tab]:
    with serving(blank, []) as port:
        yield Tab(engine, {host: f"http://{host}.localhost:{port}" for host in ("app", "stranger")})


@pytest.fixture(scope="module")
def peers(request: pytest.FixtureRequest) -> None:
    if missing := missing_packages():
        why = f"Python packages are missing: {', '.join(missing)}"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{REQUIRE}=1, but {why}", pytrace=False)
        pytest.skip(f"the peers are NOT TESTED: {why}")


def diagnose(url: str, origin: str, *options: str) -> dict[str, Any]:
    """The doctor's word, in the form of what the page sees."""
    result = CliRunner().invoke(
        doctor, [url, "--timeout", "120", "--origin", origin, "--send", "--no-hazards", "--json", *options]
    )
    (found,) = json.loads(result.output)["runs"]
    assert result.exit_code == (0 if found["works"] else 1)
    if not found["works"]:
        return {"works": False, "why": found["cause"]["says"]}
    return {"works": True, "status": found["status"], "headers": sorted(set(found["readable_headers"]))}


def agree(seen: dict[str, Any], said: dict[str, Any]) -> bool:
    return all(seen.get(key) == said.get(key) for key in ("works", "status", "headers"))


@in_chromium
@pytest.mark.parametrize("peer", [pytest.param(peer, id=peer.name) for peer in PEERS])
def test_it_agrees_on_what_other_libraries_protect(tab: Tab, peers: None, peer: Peer) -> None:
    outcomes = []
    with peer.serve(tab.page) as server:
        for number, asking in enumerate(ASKINGS):
            url = f"{server}/{asking.path}?{number}"  # each its own, so that no preflight comes from a cache
            origin = tab.stranger if asking.by_stranger else tab.page
            seen = tab.fetch(origin, url, asking.as_fetch())
            said = diagnose(url, origin, *asking.as_options())
            outcomes.append((asking.name, seen, said))
    assert [outcome for outcome in outcomes if not agree(*outcome[1:])] == []
    assert {seen["works"] for _, seen, _ in outcomes} == {True, False}, "one kind of outcome says little"


def fetch_of(options: tuple[str, ...]) -> dict[str, Any]:
    """Options of the doctor, as those of fetch()."""
    left, headers = list(options), {}
    found: dict[str, Any] = {"headers": headers, "credentials": "same-origin"}
    while left:
        match left.pop(0):
            case "-X":
                found["method"] = left.pop(0)
            case "-d":
                found["body"] = left.pop(0)
            case "-H":
                field, _, value = left.pop(0).partition(": ")
                headers[field] = value
            case "--credentials":
                found["credentials"] = "include"
            case other:
                raise AssertionError(f"nobody knows what {other} is for fetch()")
    return found


@in_chromium
@pytest.mark.parametrize("name", broken_servers.SERVERS)
def test_it_agrees_on_broken_servers(tab: Tab, name: str) -> None:
    broken = broken_servers.SERVERS[name]
    with broken_servers.serving(broken_servers.application(broken.serve, tab.page)) as server:
        # Its own, so that no preflight comes from the cache of a server that had this port before.
        url = f"{server}{'&' if '?' in server else '?'}{quote(name)}"
        seen = tab.fetch(tab.page, url, fetch_of(broken.options))
        said = diagnose(url, tab.page, *broken.options)
    assert agree(seen, said), (seen, said)


@in_chromium
@pytest.mark.parametrize("name", fixable_servers.SERVERS)
def test_it_agrees_on_real_servers_broken_and_fixed(tab: Tab, name: str, tmp_path: Path) -> None:
    broken = fixable_servers.SERVERS[name]
    if missing := broken.missing():
        leave_out(f"the doctor and Chromium before {name} need {missing}, which is not installed")
    with fixable_servers.served(broken, "", tmp_path / "broken") as url:
        lines = fixable_servers.written_for(broken, url, tab.page)
        compare(tab, url, dict.fromkeys(OF_REAL_SERVERS, False))
    if lines is not None:
        with fixable_servers.served(broken, lines, tmp_path / "fixed") as url:
            compare(tab, url, OF_REAL_SERVERS)


_VISITS = count()  # each its own address, so that no preflight comes from a cache


def compare(tab: Tab, server: str, let_in: Mapping[Asking, bool | None]) -> None:
    """The browser and the doctor see the same there, and each asking is let in or refused as `let_in` has it."""
    wrong = []
    for number, (asking, wanted) in enumerate(let_in.items()):
        url = f"{server}{asking.path}?{number}-{next(_VISITS)}"
        origin = tab.stranger if asking.by_stranger else tab.page
        seen = tab.fetch(origin, url, asking.as_fetch())
        said = diagnose(url, origin, *asking.as_options())
        if not agree(seen, said) or wanted not in (None, seen["works"]):
            wrong.append((asking.name, seen, said))
    assert wrong == []


@in_chromium
def test_both_would_notice_a_difference(tab: Tab) -> None:
    """A server that answers the two differently, by their User-Agent: the comparison itself is tested."""

    def two_faced(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        allowing = [("Access-Control-Allow-Origin", "*")] if "corecors" in environ["HTTP_USER_AGENT"] else []
        start_response("200 OK", [*allowing, ("Content-Length", "0")])
        return []

    with serving(two_faced, []) as port:
        url = f"http://127.0.0.1:{port}/"
        assert not agree(tab.fetch(tab.page, url, {}), diagnose(url, tab.page))
