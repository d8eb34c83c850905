"""`corecors demo`: the cases over real HTTP, and the command around them."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from werkzeug.wrappers import Request, Response

from corecors import Policy
from corecors.browser import simulate
from corecors.cli import demo_servers
from corecors.cli.demo import demo, run
from corecors.cli.demo_api import api, build_app
from corecors.cli.demo_cases import CASES, Case, Site
from corecors.cli.demo_client import Client
from corecors.cli.demo_servers import running_site

# What a person who knows CORS and has read the two policies expects of each case: the methods that are sent, the status
# that script reads (None: it reads nothing) and the response headers that it reads beyond the safelisted ones.
READS = {
    "Simple GET": ("GET", 200, {"x-total-count"}),
    "POST with JSON": ("OPTIONS POST", 201, set()),
    "PUT with a token": ("OPTIONS PUT", 200, set()),
    "DELETE": ("OPTIONS DELETE", 204, set()),
    "A custom header": ("OPTIONS GET", 200, {"x-total-count"}),
    "A cookie": ("GET", 200, set()),
    "No cookie: 401": ("GET", 401, set()),
    "Unknown path: 404": ("GET", 404, set()),
    "Server error: 500": ("GET", 500, set()),
    "Redirect": ("GET GET", 200, set()),
    "Stream": ("GET", 200, set()),
    "Origin by pattern": ("GET", 200, {"x-total-count"}),
    "Public, any origin": ("GET", 200, {"x-backend"}),
    "Header not allowed": ("OPTIONS", None, set()),
    "Method not allowed": ("OPTIONS", None, set()),
    "Wrong port": ("GET", None, set()),
    "Look-alike origin": ("GET", None, set()),
    "Null origin": ("GET", None, set()),
    "Redirect across": ("GET GET", None, set()),
    "Public + cookies": ("GET", None, set()),
}
EACH_CASE = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site() as site:
        yield site


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


def test_page_stranger_and_api_are_three_origins(site: Site) -> None:
    assert len({site.api, site.page, site.stranger}) == 3


def test_every_case_has_a_name_of_its_own() -> None:
    assert sorted(case.name for case in CASES) == sorted(READS)


@EACH_CASE
def test_the_policy_says_what_a_person_expects(site: Site, case: Case) -> None:
    assert site.expectation(case).readable == (READS[case.name][1] is not None)


@EACH_CASE
def test_a_case_ends_as_a_person_expects(site: Site, client: Client, case: Case) -> None:
    sent, status, exposed = READS[case.name]
    verdict = simulate(site.request(case), client.send)
    assert " ".join(exchange.sent.method for exchange in verdict.exchanges) == sent
    assert verdict.status == status
    assert {name for name, _ in verdict.readable_headers if name.startswith("x-")} == exposed


def test_the_client_sees_a_doubled_header_as_two_lines(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    @Request.application
    def doubled(request: Request) -> Response:
        return Response(headers=[("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Origin", "*")])

    monkeypatch.setattr(demo_servers, "build_app", lambda private, public: doubled)
    with running_site() as site:
        verdict = simulate(site.request(CASES[0]), client.send)
    lines = [name for name, _ in verdict.exchanges[0].received.headers if name == "Access-Control-Allow-Origin"]
    assert len(lines) == 2
    assert not verdict.readable


def test_the_table_shows_each_case_within_80_columns_and_the_status_is_0() -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(demo)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in result.output
    for case in CASES:
        assert any(line[4:].startswith(case.name) for line in lines if line[:4] in ("  + ", "  x ")), case.name
    assert "All 20 cases ended as the policy says." in lines
    assert any(line.startswith("Next: corecors demo --serve") for line in lines[-2:])


def test_what_is_allowed_and_what_is_blocked_is_told_apart_by_more_than_colour() -> None:
    lines = CliRunner(env={"COLUMNS": "300"}).invoke(demo).output.splitlines()
    allowed, blocked = lines.index("Allowed: script reads the response"), lines.index("Blocked")
    names = {mark: {line[4:22].rstrip() for line in lines if line.startswith(f"  {mark} ")} for mark in "+x"}
    assert names["+"] == {line[4:22].rstrip() for line in lines[allowed:blocked] if line.startswith("  + ")}
    assert len(names["+"]) == 13
    assert len(names["x"]) == 7


def test_the_policies_are_shown_and_no_explanation_is_repeated() -> None:
    output = CliRunner(env={"COLUMNS": "300"}).invoke(demo).output
    assert '  allow_methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]\n' in output
    assert '  allow_origins = ["*"]\n' in output
    assert output.count("which sandboxed frames, local files") == 1
    assert "The same as Null origin." in output


def test_piped_output_is_not_wrapped_and_has_no_trailing_blanks() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "corecors", "demo"]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment).stdout
    assert [line for line in output.splitlines() if line != line.rstrip()] == []
    assert "which sandboxed frames, local files and redirected requests send" in output


def test_the_port_is_the_one_that_was_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        result = CliRunner().invoke(demo, ["--port", str(taken)])
        assert result.exit_code == 2
        assert f"--port {taken}: " in result.output
    for port in range(taken, taken + 300, 3):  # the first three in a row that are free
        with contextlib.suppress(OSError), running_site(port) as site:
            assert (site.page, site.api) == (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}")
            return
    pytest.fail("no three ports in a row are free")


def test_nothing_but_the_table_is_written() -> None:
    command = subprocess.run([sys.executable, "-m", "corecors", "demo"], capture_output=True, text=True, timeout=60)
    assert command.returncode == 0
    assert command.stderr == ""


def test_a_server_that_reflects_every_origin_makes_the_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    anyone = Policy(allow_origins=["*"], allow_headers=["*"], allow_methods=["*"], dangerously_allow_null_origin=True)
    monkeypatch.setattr(demo_servers, "build_app", lambda private, public: build_app(anyone, public))
    result = CliRunner(env={"COLUMNS": "80"}).invoke(demo)
    assert result.exit_code == 1
    output = " ".join(result.output.split())
    # With `*`, the two cases with cookies turn out differently as well.
    assert "cases did not end as the policy says" in output
    for name in ("A cookie", "Header not allowed", "Method not allowed", "Wrong port", "Null origin"):
        assert name in output.partition("did not end as the policy says: ")[2]
    assert "The policy says that script may read it" in output
    assert "The policy says that script may not read it" in output


def test_a_server_without_cors_makes_the_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_servers, "build_app", lambda private, public: api)
    result = CliRunner().invoke(demo)
    assert result.exit_code == 1


def test_running_twice_on_one_site_gives_the_same_verdicts(site: Site) -> None:
    first, second = run(site), run(site)
    assert [outcome.as_expected for outcome in first] == [True] * len(CASES)
    assert [outcome.verdict.status for outcome in first] == [outcome.verdict.status for outcome in second]
