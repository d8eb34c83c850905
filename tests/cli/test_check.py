"""`corecors check`: what a policy decides about one request, offline."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from corecors.cli.check import check

POLICY = """
allow_origins = ["https://app.example.com"]
allow_methods = ["PUT"]
allow_headers = ["X-Known", "Content-Type"]
expose_headers = ["X-Total"]
"""


@pytest.fixture(autouse=True)
def policy_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    Path("cors.toml").write_text(POLICY)


def run(*options: str, origin: str = "https://app.example.com") -> Result:
    return CliRunner().invoke(check, ["cors.toml", "--origin", origin, *options])


CASES = [
    pytest.param([], 0, ["actual"], "is allowed", id="a simple request"),
    pytest.param(["-X", "PUT"], 0, ["preflight", "actual"], "is allowed", id="a listed method"),
    pytest.param(["-X", "put"], 0, ["preflight", "actual"], "is allowed", id="a method that the browser upper-cases"),
    pytest.param(["-X", "DELETE"], 1, ["preflight"], "The method 'DELETE' is not allowed", id="a method not listed"),
    pytest.param(["-H", "x-known"], 0, ["preflight", "actual"], "is allowed", id="a listed header"),
    pytest.param(["-H", "X-Other"], 1, ["preflight"], "'x-other' is not allowed", id="a header not listed"),
    pytest.param(["-H", "Accept: text/html"], 0, ["actual"], "is allowed", id="a safelisted value"),
    pytest.param(["-H", "Accept"], 1, ["preflight"], "'accept' is not allowed", id="a name whose value may need leave"),
    pytest.param(["-H", "Content-Type"], 0, ["preflight", "actual"], "is allowed", id="Content-Type is taken for JSON"),
    pytest.param(["--credentials"], 1, ["actual"], "no Access-Control-Allow-Credentials", id="credentials not allowed"),
]


@pytest.mark.parametrize(("options", "code", "kinds", "explanation"), CASES)
def test_a_request_is_decided_step_by_step(options, code, kinds, explanation):
    result = run(*options, "--json")
    assert result.exit_code == code
    found = json.loads(result.output)
    assert found["allowed"] is (code == 0)
    assert [decision["kind"] for decision in found["decisions"]] == kinds
    assert explanation in found["explanation"]


def test_the_headers_are_shown_to_people():
    result = run()
    assert result.output.startswith("allowed")
    assert "  Access-Control-Allow-Origin: https://app.example.com\n" in result.output
    assert "  Vary: Origin\n" in result.output


@pytest.mark.parametrize(
    ("origin", "explanation"),
    [
        pytest.param("https://app.example.com.evil.test", "is not allowed", id="a look-alike"),
        pytest.param("https://app.example.com/", "not a serialised origin", id="an origin that no browser sends"),
        pytest.param("null", "is 'null'", id="null"),
    ],
)
def test_other_origins_are_refused_with_the_reason(origin, explanation):
    result = run(origin=origin)
    assert result.exit_code == 1
    assert result.output.startswith("refused")
    assert explanation in result.output


def test_a_policy_that_is_refused_is_unusable_input():
    Path("cors.toml").write_text("max_age = -1")
    result = run()
    assert result.exit_code == 2
    assert "outside 0..86400" in result.output


def test_a_missing_file_is_unusable_input():
    result = CliRunner().invoke(check, ["nowhere.toml", "--origin", "https://a.example"])
    assert result.exit_code == 2
    assert "there is no file 'nowhere.toml'" in result.output
