"""`corecors lint`: problems, warnings, exit codes, and input that cannot be read."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from corecors import policy_from_toml
from corecors.cli.lint import lint


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def run(toml: str, *options: str) -> Result:
    Path("cors.toml").write_text(toml, encoding="utf-8")
    return CliRunner().invoke(lint, ["cors.toml", *options])


def test_a_clean_policy_exits_0():
    result = run('allow_origins = ["https://app.example.com"]\nallow_methods = ["PUT"]\nmax_age = 600')
    assert result.exit_code == 0
    assert "cors.toml has no problem and no warning" in result.output


def test_every_problem_is_named_with_its_fix():
    result = run('allow_origins = ["https://app.example.com/"]\nallow_method = ["PUT"]\nmax_age = -1')
    assert result.exit_code == 1
    assert "write 'https://app.example.com'" in result.output
    assert "write allow_methods" in result.output
    assert "3 problems, 0 warnings" in result.output


def test_warnings_fail_where_they_are_asked_to():
    toml = 'allow_origins = ["http://a.example"]'
    result = run(toml)
    assert result.exit_code == 0
    assert "anyone on the network in between can be that origin" in result.output
    assert "0 problems, 1 warning" in result.output
    assert run(toml, "--strict").exit_code == 1


def test_json_holds_warnings_for_programs():
    (warning,) = json.loads(run('allow_origins = ["https://a.example"]\nallow_methods = ["patch"]', "--json").output)[
        "warnings"
    ]
    assert (warning["field"], warning["value"], warning["code"]) == ("allow_methods", "patch", "method-case")
    assert (warning["fix"], warning["severity"]) == ("PATCH", "warning")


def test_json_holds_problems_for_programs():
    found = json.loads(run("max_age = 1.5", "--json").output)
    assert [(problem["field"], problem["value"]) for problem in found["problems"]] == [("max_age", 1.5)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("core.toml", "there is no file 'core.toml'; did you mean 'cors.toml'?", id="missing file"),
        pytest.param("broken.toml", "'broken.toml' is not valid TOML", id="bad TOML"),
        pytest.param("latin.toml", "'latin.toml' cannot be read: it is not UTF-8 text", id="no UTF-8"),
        pytest.param(".", "cannot be read", id="a folder"),
        pytest.param("pyproject.toml", "has neither a table [cors] or [tool.corecors]", id="no table"),
        pytest.param("nowhere:policy", "the module 'nowhere' cannot be imported", id="no such module"),
        pytest.param("settings:polcy", "has no 'polcy'; did you mean 'policy'?", id="no such attribute"),
        pytest.param("settings:number", "is of type int, neither a Policy nor", id="no policy"),
        pytest.param("raising:policy", "cannot be imported: ZeroDivisionError", id="a module that raises"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line_and_exit_code_2(folder, source, message):
    (folder / "cors.toml").write_text("")
    (folder / "broken.toml").write_text("= 1")
    (folder / "latin.toml").write_bytes(b"# \xe9\nmax_age = 1")
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'")
    (folder / "settings.py").write_text("from corecors import Policy\npolicy = Policy()\nnumber = 1")
    (folder / "raising.py").write_text("1 / 0")
    result = CliRunner().invoke(lint, [source])
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "toml",
    [
        pytest.param("max_age = -1", id="its own file"),
        pytest.param("[cors]\nmax_age = -1", id="the table cors"),
        pytest.param('[project]\nname = "x"\n[tool.corecors]\nmax_age = -1', id="the table tool.corecors"),
    ],
)
def test_a_policy_stands_in_a_file_of_its_own_or_in_a_table(toml):
    result = run(toml)
    assert result.exit_code == 1
    assert "max_age: -1" in result.output


def test_an_importable_policy_is_read(folder):
    (folder / "shop_settings.py").write_text("from corecors import Policy\npolicy = Policy(allow_origins=['*'])")
    assert CliRunner().invoke(lint, ["shop_settings:policy"]).exit_code == 0


def test_an_importable_policy_that_is_refused_is_a_list_of_problems(folder):
    (folder / "bad_settings.py").write_text("from corecors import Policy\npolicy = Policy(max_age=-1)")
    result = CliRunner().invoke(lint, ["bad_settings:policy"])
    assert result.exit_code == 1
    assert "1 problem" in result.output


@pytest.mark.parametrize(("source", "prefix"), [("env:", "CORS_"), ("env:SHOP_", "SHOP_")])
def test_variables_are_read(monkeypatch, source, prefix):
    monkeypatch.setenv(f"{prefix}ALLOW_ORIGINS", "https://a.example,https://b.example/")
    result = CliRunner().invoke(lint, [source])
    assert result.exit_code == 1
    assert "trailing slash" in result.output


def test_no_variable_at_all_is_nothing_to_read(monkeypatch):
    monkeypatch.delenv("CORS_ALLOW_ORIGINS", raising=False)
    result = CliRunner().invoke(lint, ["env:NOBODYS_"])
    assert result.exit_code == 2
    assert "there is no variable that begins with NOBODYS_" in result.output


@pytest.mark.parametrize(
    "toml",
    [
        pytest.param('[cors."/api/"]\nallow_origins = ["http://a.example"]', id="paths"),
        pytest.param(
            '[[cors.tiers]]\nallow_origins = ["http://a.example"]\n[[cors.tiers]]\nallow_origins = ["*"]', id="tiers"
        ),
    ],
)
def test_policies_by_path_and_tiers_are_read(toml):
    (warning,) = json.loads(run(toml, "--json").output)["warnings"]
    assert warning["code"] == "insecure-origin"
    assert warning["field"] in {"/api/: allow_origins", "tier 1: allow_origins"}


def test_what_lint_reads_the_functions_read(folder):
    text = 'allow_origins = ["https://a.example"]\n'
    assert run(text).exit_code == 0
    assert policy_from_toml(Path("cors.toml").read_text()) == policy_from_toml(f"[cors]\n{text}")
