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
    (found,) = json.loads(result.output)["runs"]
    assert found["allowed"] is (code == 0)
    assert ["preflight" if answer["preflight"] else "actual" for answer in found["answers"]] == kinds
    assert explanation in found["explanation"]


def test_what_is_not_the_name_of_a_header_is_told_without_the_value_that_stands_for_any():
    result = run("-H", "bad header")
    assert result.exit_code == 1
    assert result.output.splitlines()[0].split(maxsplit=1)[1] == (
        "'bad header' is not the name of a header. A name is one word, such as X-Total."
    )


def test_everything_that_is_refused_is_told_at_once():
    options = ["-X", "DELETE", "-H", "X-A", "-H", "X-B"]
    result = run(*options, origin="https://other.example")
    assert result.exit_code == 1
    first = result.output.splitlines()[0]
    for said in ("'https://other.example' is not allowed", "'DELETE' is not allowed", "'x-a', 'x-b' are not allowed"):
        assert said in first
    (found,) = json.loads(run(*options, "--json", origin="https://other.example").output)["runs"]
    assert found["answers"][0]["reasons"] == ["origin_not_allowed", "method_not_allowed", "header_not_allowed"]


def test_one_of_several_origins_that_is_refused_is_enough():
    arguments = ["cors.toml", "--origin", "https://app.example.com", "--origin", "https://b.example"]
    result = CliRunner().invoke(check, arguments)
    assert result.exit_code == 1
    assert [line for line in result.output.splitlines() if line.startswith(("Origin", "allowed", "refused"))] == [
        "Origin https://app.example.com",
        "allowed  The origin 'https://app.example.com' is allowed: the browser lets the page read the answer.",
        "Origin https://b.example",
        "refused  The origin 'https://b.example' is not allowed. If it should be, add it to allow_origins.",
    ]


PATHS = """
["/api/"]
allow_origins = ["https://app.example.com"]
["/own/"]
tiers = [{ allow_origins = ["https://app.example.com"], allow_credentials = true }, { allow_origins = ["*"] }]
[default]
allow_origins = ["*"]
"""


@pytest.mark.parametrize(
    ("path", "origin", "options", "code", "said"),
    [
        pytest.param("/api/x", "https://app.example.com", [], 0, "Allow-Origin: https://app.example.com", id="a path"),
        pytest.param("/api/x", "https://b.example", [], 1, "is not allowed", id="a path, another origin"),
        pytest.param("/other", "https://b.example", [], 0, "Allow-Origin: *", id="the default"),
        pytest.param("/own/", "https://app.example.com", ["--credentials"], 0, "Credentials: true", id="a tier"),
        pytest.param("/own/", "https://b.example", ["--credentials"], 1, "is *", id="everybody's tier"),
        pytest.param("/api//x", "https://app.example.com", [], 1, "more than one way", id="an ambiguous path"),
    ],
)
def test_the_policy_that_governs_the_path_decides(path, origin, options, code, said):
    Path("paths.toml").write_text(PATHS)
    result = CliRunner().invoke(check, ["paths.toml", "--origin", origin, "--path", path, *options])
    assert result.exit_code == code, result.output
    assert said in result.output


def test_the_address_of_a_page_stands_for_its_origin():
    found = json.loads(run("--json", origin="https://app.example.com/cart?id=1").output)["runs"]
    assert [each["origin"] for each in found] == ["https://app.example.com"]


def test_a_path_that_opted_out_is_said():
    Path("out_settings.py").write_text(
        "from corecors import PathPolicies, Policy\n"
        "policy = PathPolicies({'/health': None}, default=Policy(allow_origins=['*']))"
    )
    result = CliRunner().invoke(check, ["out_settings:", "--origin", "https://a.example", "--path", "/health"])
    assert result.exit_code == 1
    assert "No policy governs /health" in result.output


@pytest.mark.parametrize("answer", ["return True", "return 'yes'"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_predicate_is_asked_whether_it_waits_or_not(kind, answer):
    module = f"predicate_{kind.replace(' ', '_')}_{len(answer)}"
    Path(f"{module}.py").write_text(
        f"from corecors import Policy\n{kind} ask(origin):\n    {answer}\npolicy = Policy(allow_origin_predicate=ask)"
    )
    result = CliRunner().invoke(check, [f"{module}:policy", "--origin", "https://a.example"])
    assert result.exit_code == (0 if answer == "return True" else 1), result.output


def test_a_source_of_ones_own_is_asked():
    Path("own_settings.py").write_text(
        "from corecors import Policy\n"
        "class Source:\n"
        "    def policy_for(self, request):\n"
        "        return Policy(allow_origins=['https://a.example'] if request.path == '/a' else [])\n"
        "source = Source()"
    )
    for path, code in (("/a", 0), ("/b", 1)):
        arguments = ["own_settings:source", "--origin", "https://a.example", "--path", path]
        assert CliRunner().invoke(check, arguments).exit_code == code


def test_a_path_begins_with_a_slash():
    result = run("--path", "api")
    assert result.exit_code == 2
    assert "does not begin with a slash" in result.output


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
