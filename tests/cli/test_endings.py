"""However the command line ends, a user sees a line, an exit code that means something, and no traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import child_processes
import click
import pytest
from broken_servers import serving
from click.testing import CliRunner
from werkzeug.wrappers import Request, Response

from corecors.cli import INTERRUPTED, READER_GONE, UNUSABLE
from corecors.cli.doctor import doctor
from corecors.cli.entry import COMPLETION, commands, run
from corecors.cli.lint import lint
from corecors.cli.policy_argument import MAX_FILE_LENGTH

PAGE = "https://app.example.com"
POLICY = f'allow_origins = ["{PAGE}"]'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CORECORS_TRACEBACK", raising=False)
    (tmp_path / "cors.toml").write_text(POLICY)
    return tmp_path


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "corecors", *arguments]
    return child_processes.start(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, error = process.communicate(timeout=60)
    assert "Traceback" not in error
    assert "Exception ignored" not in error
    return process.returncode, error


OUTPUTS = [
    pytest.param(["--help"], id="help"),
    pytest.param(["lint", "cors.toml"], id="what rich prints"),
    pytest.param(["check", "cors.toml", "--origin", PAGE, "--json"], id="JSON"),
]


@pytest.mark.parametrize("arguments", OUTPUTS)
def test_a_reader_that_has_gone_ends_it_silently(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*arguments, stdout=writing)
    os.close(writing)
    assert ended(process) == (READER_GONE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NOT TESTED: only Linux has a device that is always full")
@pytest.mark.parametrize("arguments", OUTPUTS)
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        code, error = ended(start(*arguments, stdout=full))
    assert code == UNUSABLE
    assert error == "Error: No space left on device\n"


def test_an_interrupt_is_one_line() -> None:
    """The doctor waits for a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        process = start("doctor", url, "--origin", PAGE, "--timeout", "60", stdout=subprocess.PIPE)
        connection, _ = listener.accept()  # it has asked
        with connection:
            process.send_signal(signal.SIGINT)
            code, error = ended(process)
    assert code == INTERRUPTED
    assert error.strip() == "Interrupted."


def test_a_mistake_of_ours_is_one_line_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistake(**options: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setitem(lint.__dict__, "callback", mistake)
    assert run(["lint", "cors.toml"]) == UNUSABLE
    error = capsys.readouterr().err
    assert error.startswith("Error: IndexError: list index out of range\n")
    assert "CORECORS_TRACEBACK=1" in error
    monkeypatch.setenv("CORECORS_TRACEBACK", "1")
    with pytest.raises(IndexError):
        run(["lint", "cors.toml"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["lint", "cors.toml"], 0, id="clean"),
        pytest.param(["check", "cors.toml", "--origin", "https://other.example"], 1, id="refused"),
        pytest.param(["check", "cors.toml"], 2, id="bad usage"),
        pytest.param(["lint", "nowhere.toml"], 2, id="no such file"),
        pytest.param(["--help"], 0, id="help"),
        pytest.param(["--version"], 0, id="version"),
    ],
)
def test_the_exit_code_is_the_commands(arguments: list[str], code: int) -> None:
    assert run(arguments) == code


def test_the_nearest_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dcotor"]) == UNUSABLE
    assert "No such command 'dcotor'. Did you mean 'doctor'?" in capsys.readouterr().err
    assert run(["xyz"]) == UNUSABLE
    assert "Did you mean" not in capsys.readouterr().err


MODULES = {
    "leaving": ("raise SystemExit(3)", "SystemExit: 3"),
    "leaving_silently": ("import sys; sys.exit()", "SystemExit"),
    "own_error": ("class Own(BaseException): pass\nraise Own('two\\nlines')", "Own: two lines"),
    "syntax": ("policy = (", "SyntaxError"),
    "recursive": ("def f(): f()\nf()", "RecursionError"),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_cannot_be_imported_is_one_line(folder: Path, name: str) -> None:
    code, said = MODULES[name]
    (folder / f"{name}.py").write_text(code)
    result = CliRunner().invoke(lint, [f"{name}:policy"])
    assert result.exit_code == UNUSABLE
    assert f"the module {name!r} cannot be imported: {said}" in result.output
    assert result.output.count("\n") == 1


def test_an_interrupt_while_importing_is_an_interrupt(folder: Path) -> None:
    (folder / "interrupted.py").write_text("raise KeyboardInterrupt")
    assert run(["lint", "interrupted:policy"]) == INTERRUPTED


def test_an_attribute_that_raises_is_one_line(folder: Path) -> None:
    code = "class Lazy:\n    @property\n    def policy(self): raise RuntimeError('no database')\nlazy = Lazy()"
    (folder / "lazy_settings.py").write_text(code)
    result = CliRunner().invoke(lint, ["lazy_settings:lazy.policy"])
    assert result.exit_code == UNUSABLE
    assert result.output == "Error: lazy_settings:lazy.policy cannot be read: RuntimeError: no database\n"


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        pytest.param("", "cannot be read", id="nothing"),
        pytest.param("a\0b", "is not a path", id="a null byte"),
        pytest.param("x" * 5000, "cannot be read", id="too long a name"),
        pytest.param("deep.toml", "is nested too deeply", id="nested too deeply"),
        pytest.param("large.toml", "is larger than a policy can be", id="too large"),
        pytest.param("nowhere/cors.toml", "there is no file", id="no such folder"),
        pytest.param("[red]x[/red].toml", "there is no file '[red]x[/red].toml'", id="what looks like markup"),
        pytest.param("\udcff.toml", "there is no file", id="a name that is no text"),
    ],
)
def test_a_policy_that_cannot_be_read_is_one_line(folder: Path, policy: str, said: str) -> None:
    (folder / "deep.toml").write_text("a = " + "[" * 50_000)
    (folder / "large.toml").write_bytes(b"#" * (MAX_FILE_LENGTH + 1))
    result = CliRunner().invoke(lint, [policy])
    assert result.exit_code == UNUSABLE
    assert said in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["lint", "nowhere.toml"], "there is no file", id="lint"),
        pytest.param(["check", "nowhere.toml", "--origin", PAGE], "there is no file", id="check"),
        pytest.param(
            ["check", "refused.toml", "--origin", PAGE], "outside 0..86400", id="check, a policy that is refused"
        ),
        pytest.param(["doctor", "ftp://a", "--origin", PAGE], "is not the address of a server", id="doctor"),
        pytest.param(["explain", "nothing"], "neither a browser's message", id="explain"),
    ],
)
def test_what_cannot_be_used_is_data_where_data_is_asked_for(
    folder: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "refused.toml").write_text("max_age = -1")
    assert run([*arguments, "--json"]) == UNUSABLE
    output = capsys.readouterr()
    found = json.loads(output.out)
    assert set(found) == {"schema", "error"}
    assert found["schema"] == f"corecors.{arguments[0]}/1"
    assert says in found["error"]
    assert output.err == ""
    assert CliRunner().invoke(commands, [*arguments, "--json"]).exit_code == UNUSABLE


@pytest.mark.parametrize("command", ["check", "doctor"])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["-X", "TRACE"], id="a method that no script may send"),
        pytest.param(["-X", "GE T"], id="a method that is no token"),
        pytest.param(["-H", ": v"], id="a header without a name"),
        pytest.param(["-H", "X A: v"], id="a header name that is no token"),
        pytest.param(["-H", "X-Ü: 1"], id="a header name beyond ASCII"),
        pytest.param(["-H", "X-A: 中"], id="a header value beyond latin-1"),
    ],
)
def test_what_no_script_can_send_is_refused_in_words(command: str, options: list[str]) -> None:
    what = "cors.toml" if command == "check" else "http://127.0.0.1:1/"
    for more in ([], ["--json"]):
        result = CliRunner().invoke(commands, [command, what, "--origin", PAGE, *options, *more])
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert result.exit_code == 1
        assert result.output


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("http://[::1", 2, id="half a bracket"),
        pytest.param("http://]/", 2, id="the other half"),
        pytest.param("http://", 2, id="no host"),
        pytest.param("//127.0.0.1/", 2, id="no scheme"),
        pytest.param("http://127.0.0.1:99999/", 1, id="no such port"),
        pytest.param("http://127.0.0.1:x/", 1, id="a port that is no number"),
        pytest.param("http://a b.example/", 1, id="a blank"),
        pytest.param("http://user:secret@127.0.0.1/", 1, id="with a password"),
        pytest.param("http://127.0.0.1:25/", 1, id="a port that browsers block"),
        pytest.param("https://127.0.0.1/\x1b[2J", 2, id="an escape sequence, nobody there"),
    ],
)
def test_odd_addresses_are_words(url: str, code: int) -> None:
    result = CliRunner().invoke(doctor, [url, "--timeout", "120", "--origin", "http://localhost:3000"])
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code == code, result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("location", ["http://[::1", "http://127.0.0.1:99999/", "", "\x7f", "http://a b/", "//", "?x"])
def test_odd_redirects_are_words(location: str) -> None:
    @Request.application
    def app(request: Request) -> Response:
        answer = Response(status=302 if request.path == "/" and not request.query_string else 200)
        answer.autocorrect_location_header = False
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Location"] = location
        return answer

    with serving(app) as url:
        result = CliRunner().invoke(doctor, [url, "--timeout", "120", "--origin", PAGE])
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code in (0, 1) or "another host" in result.output
    assert "There is no answer" not in result.output


def test_a_body_that_is_no_text_is_words() -> None:
    result = CliRunner().invoke(doctor, ["http://127.0.0.1/", "--origin", PAGE, "-X", "POST", "-d", "\udcff"])
    assert result.exit_code == UNUSABLE
    assert "--data" in result.output


def test_a_terminal_that_knows_only_ascii_gets_ascii() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code, error = ended(start("demo", stdout=subprocess.DEVNULL, env=environment))
    assert (code, error) == (0, "")


def test_no_color_is_heeded_even_where_colours_are_forced() -> None:
    arguments = [sys.executable, "-m", "corecors", "lint", "cors.toml"]
    colour = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    coloured = subprocess.run(arguments, env=plain | colour, capture_output=True, text=True, check=True).stdout
    without = subprocess.run(
        arguments, env=plain | colour | {"NO_COLOR": "1"}, capture_output=True, text=True, check=True
    ).stdout
    assert "\x1b[1;32m" in coloured
    assert "\x1b[1;32m" not in without
    assert not any(f"\x1b[{colour}m" in without for colour in range(30, 48))


def test_completion_is_answered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(COMPLETION, "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "corecors do")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run([]) == 0
    assert capsys.readouterr().out == "plain,doctor\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_its_completion(shell: str) -> None:
    environment = os.environ | {COMPLETION: f"{shell}_source"}
    output = subprocess.run(
        [sys.executable, "-c", "from corecors.cli.entry import run; import sys; sys.exit(run([]))"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "corecors" in output.stdout
    assert "Traceback" not in output.stderr


def test_every_help_fits_into_80_columns_and_has_an_example() -> None:
    names = commands.list_commands(click.Context(commands))
    for arguments in ([], *([name] for name in names)):
        result = CliRunner(env={"COLUMNS": "80"}).invoke(commands, [*arguments, "--help"], prog_name="corecors")
        lines = result.output.splitlines()
        assert all(len(line) <= 80 for line in lines), arguments
        assert any(line.startswith(f"    {' '.join(['corecors', *arguments])}") for line in lines), arguments


@pytest.mark.parametrize("arguments", [["lint", "nowhere.toml"], ["doctor", "ftp://a", "--origin", PAGE]], ids=str)
def test_what_cannot_be_used_is_an_annotation_where_these_are_asked_for(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--format", "github"]) == UNUSABLE
    output = capsys.readouterr()
    assert output.out.startswith("::error title=CORS%3A not looked at::")
    assert output.out.count("\n") == 1
    assert output.err == ""
