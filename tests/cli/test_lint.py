"""`corecors lint`: problems, warnings, exit codes, and input that cannot be read."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

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


def test_every_problem_is_named_with_its_mend():
    result = run('allow_origins = ["https://app.example.com/"]\nallow_method = ["PUT"]\nmax_age = -1')
    assert result.exit_code == 1
    assert "write 'https://app.example.com'" in result.output
    assert "write allow_methods" in result.output
    assert "3 problems, 0 warnings" in result.output


WARNINGS = [
    pytest.param("", "allow_origins", "no origin is allowed at all", id="no origin at all"),
    pytest.param('allow_origins = ["http://a.example"]', "allow_origins", "plain http", id="http without credentials"),
    pytest.param('allow_origins = ["https://*.github.io"]', "allow_origins", "public suffix", id="user content"),
    pytest.param('allow_origins = ["https://a.example:*"]', "allow_origins", "any port", id="any port of a real host"),
    pytest.param("dangerously_allow_null_origin = true", "dangerously_allow_null_origin", "sandboxed frame", id="null"),
    pytest.param(
        "allow_origin_regexes = ['https?://[a-z]+\\.a\\.example']",
        "allow_origin_regexes",
        "plain HTTP",
        id="http regex",
    ),
    pytest.param(
        "allow_origin_regexes = ['https://[a-z]+\\.(com|org)']",
        "allow_origin_regexes",
        "anybody can register",
        id="any name",
    ),
    pytest.param('ALLOW\nallow_headers = ["*"]', "allow_headers", "Authorization", id="any header"),
    pytest.param(
        'ALLOW\nallow_headers = ["*", "Authorization"]', "allow_headers", "every header", id="any header, named token"
    ),
    pytest.param('ALLOW\nallow_headers = ["Accept"]', "allow_headers", "safelisted", id="safelisted request header"),
    pytest.param('ALLOW\nallow_methods = ["OPTIONS"]', "allow_methods", "needlessly", id="OPTIONS"),
    pytest.param('ALLOW\nallow_methods = ["patch"]', "allow_methods", "case-sensitive", id="a method in lower case"),
    pytest.param('ALLOW\nexpose_headers = ["Expires"]', "expose_headers", "readable", id="safelisted response header"),
    pytest.param("ALLOW\nmax_age = 86400", "max_age", "longer than some browsers", id="max_age beyond the caps"),
    pytest.param("ALLOW\ndebug = true", "debug", "anyone who asks", id="debug"),
    pytest.param("ALLOW\nallow_unproven_regexes = true", "allow_unproven_regexes", "may hang", id="unproven regexes"),
]


@pytest.mark.parametrize(("toml", "field", "wrong"), WARNINGS)
def test_what_is_seldom_meant_is_one_warning(toml, field, wrong):
    toml = toml.replace("ALLOW", 'allow_origins = ["https://app.example.com"]')
    result = run(toml, "--json")
    assert result.exit_code == 0
    found = json.loads(result.output)
    assert found["problems"] == []
    (warning,) = [entry for entry in found["warnings"] if entry["field"] == field]
    assert wrong in warning["wrong"]
    assert warning["advice"]
    assert run(toml, "--strict").exit_code == 1


def test_loopback_needs_no_warning():
    toml = 'allow_origins = ["http://localhost:*", "http://127.0.0.1:3000", "https://*.localhost"]'
    assert run(toml, "--strict").exit_code == 0


def test_json_holds_problems_for_programs():
    found = json.loads(run("max_age = 1.5", "--json").output)
    assert [(problem["field"], problem["value"]) for problem in found["problems"]] == [("max_age", 1.5)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("core.toml", "there is no file 'core.toml'; did you mean 'cors.toml'?", id="missing file"),
        pytest.param("broken.toml", "'broken.toml' is no TOML", id="bad TOML"),
        pytest.param("latin.toml", "'latin.toml' cannot be read: it is no UTF-8 text", id="no UTF-8"),
        pytest.param(".", "cannot be read", id="a folder"),
        pytest.param("pyproject.toml", "has no table [tool.corecors] or [cors]", id="no table"),
        pytest.param("nowhere:policy", "the module 'nowhere' cannot be imported", id="no such module"),
        pytest.param("settings:polcy", "has no 'polcy'; did you mean 'policy'?", id="no such attribute"),
        pytest.param("settings:number", "is of type int, not a Policy", id="no policy"),
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
