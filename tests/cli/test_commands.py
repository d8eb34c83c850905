"""The entry of the command line: what it lists, what it imports, and what it says where something is missing."""

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec

import click
import pytest
from click.testing import CliRunner

import corecors.__main__
from corecors.cli import COMMANDS
from corecors.cli.entry import commands, run


def test_help_lists_every_command_that_is_there() -> None:
    result = CliRunner().invoke(commands, ["--help"])
    assert result.exit_code == 0
    listed = commands.list_commands(click.Context(commands))
    assert "demo" in listed
    for name in listed:
        assert f"  {name} " in result.output
        assert COMMANDS[name].split()[0] in result.output


def test_every_listed_command_is_a_command_of_that_name() -> None:
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_choices_stand_on_lines_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["migrate"]) == 2
    said = capsys.readouterr().err
    assert "\n  flask-cors,\n  starlette,\n" in said
    assert "\\t" not in said


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(commands, ["dmeo"])
    assert result.exit_code == 2
    assert "No such command 'dmeo'" in result.output


def test_help_imports_none_of_the_commands() -> None:
    program = (
        "import sys; from corecors.cli.entry import commands; commands(['--help'], standalone_mode=False);"
        "print(sorted(name for name in sys.modules if name.startswith('corecors.cli.') or name in ('rich', 'urllib3')))"
    )
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert output.splitlines()[-1] == "['corecors.cli.entry']"


def test_python_minus_m_is_the_same_command() -> None:
    command = subprocess.run([sys.executable, "-m", "corecors", "--version"], capture_output=True, text=True)
    assert command.returncode == 0
    build = "compiled" if corecors.__compiled__ else "pure Python"
    assert command.stdout == f"corecors, version {corecors.__version__} ({build})\n"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        pytest.param(
            ["click", "rich", "urllib3", "werkzeug"], "needs click, rich, urllib3 and werkzeug, which come", id="all"
        ),
        pytest.param(["rich"], "needs rich, which comes", id="one"),
        pytest.param(["click", "rich"], "needs click and rich, which come", id="two"),
    ],
)
def test_missing_packages_are_named_with_what_to_install(
    missing: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(name: str) -> ModuleSpec | None:
        return None if name in missing else importlib.util.find_spec(name)

    monkeypatch.setattr(corecors.__main__, "find_spec", find)
    with pytest.raises(SystemExit) as stopped:
        corecors.__main__.main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert 'pip install "corecors[cli]"' in error
