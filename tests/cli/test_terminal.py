"""Nothing that is printed moves the terminal's cursor, sets its title, or colours what we did not colour."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from broken_servers import PAGE, Answer, Asked, application, serving
from click.testing import CliRunner

from corecors.cli.entry import commands, run
from corecors.cli.terminal import printable, styled, terminal

TITLE = "\x1b]0;owned\x07"
CLEAR = "\x1b[2J"
BIDI = "\u202e"  # text from right to left: what is read is not what stands there
HOSTILE = TITLE + CLEAR + BIDI + "\x9b31m"


def harmless(output: str) -> bool:
    """Whether nothing but printable characters and line breaks came out."""
    return all(char.isprintable() or char == "\n" for char in output)


ANSWERS = {
    "a redirect of the preflight": (302, [("Location", f"/x{HOSTILE}")]),
    "a redirect that cannot be followed": (302, [("Access-Control-Allow-Origin", "*"), ("Location", f"x:{HOSTILE}")]),
    "a redirect to another host": (302, [("Access-Control-Allow-Origin", "*"), ("Location", f"//b.x/{HOSTILE}")]),
    "the origin": (200, [("Access-Control-Allow-Origin", HOSTILE)]),
    "a list": (200, [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", HOSTILE)]),
    "the methods": (200, [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", f"A, {HOSTILE}")]),
    "credentials": (200, [("Access-Control-Allow-Origin", PAGE), ("Access-Control-Allow-Credentials", HOSTILE)]),
    "Vary": (200, [("Access-Control-Allow-Origin", PAGE), ("Vary", HOSTILE)]),
    "a readable name": (200, [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", HOSTILE)]),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("options", [(), ("-X", "PUT", "-H", "X-Token: 1"), ("--credentials",), ("--json",)])
def test_what_a_server_sends_is_escaped(name: str, options: tuple[str, ...]) -> None:
    status, headers = ANSWERS[name]

    def hostile(asked: Asked) -> Answer:
        return status, [(key, value.encode("utf-8").decode("latin-1")) for key, value in headers]

    with serving(application(hostile)) as url:
        result = CliRunner().invoke(commands, ["doctor", url, "--timeout", "120", "--origin", PAGE, *options])
    assert result.output
    assert harmless(result.output)


FILES = {
    "a key": f'"max{HOSTILE}" = 1',
    "a key with a line break": '"a\\nproblem  b" = 1',
    "an origin": f'allow_origins = ["https://a{HOSTILE}.example"]',
    "a regex whose error quotes it": f'allow_origin_regexes = ["https://a(?P<{HOSTILE}>x)"]',
    "a regex that repeats": f'allow_origin_regexes = ["https://{HOSTILE}**"]',
    "a method": f'allow_methods = ["{HOSTILE}"]',
    "a table": f'[{"x"}]\n"{HOSTILE}" = 1',
    "no TOML": f"{HOSTILE} = [",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["lint", "check"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_a_file_holds_is_escaped(
    name: str, command: str, options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    escaped = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda char: f"\\u{ord(char[0]):04x}", FILES[name].replace("\n", "\0"))
    text = FILES[name] if name == "no TOML" else escaped.replace("\\u0000", "\n")
    Path("cors.toml").write_text(text, encoding="utf-8")
    more = ["--origin", PAGE] if command == "check" else []
    result = CliRunner().invoke(commands, [command, "cors.toml", *more, *options])
    assert result.exit_code in (1, 2)
    assert result.output
    assert harmless(result.output)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([HOSTILE], id="a command"),
        pytest.param(["lint", HOSTILE], id="a file"),
        pytest.param(["lint", f"--{HOSTILE}"], id="an option"),
        pytest.param(["check", f"a.b:{HOSTILE}", "--origin", PAGE], id="a module"),
        pytest.param(["doctor", f"ftp://{HOSTILE}", "--origin", PAGE], id="an address"),
        pytest.param(["doctor", "http://127.0.0.1:1/", "--origin", HOSTILE], id="an origin"),
        pytest.param(["doctor", "http://127.0.0.1:1/", "--origin", PAGE, "-X", HOSTILE], id="a method"),
        pytest.param(["doctor", "http://127.0.0.1:1/", "--origin", PAGE, "--timeout", HOSTILE], id="a number"),
    ],
)
def test_what_a_user_types_or_pastes_is_escaped(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) in (1, 2)
    output = capsys.readouterr()
    assert output.out + output.err
    assert harmless(output.out + output.err)


def test_text_in_other_scripts_is_left_as_it_is() -> None:
    assert printable("Grüße, 中文 \\ é") == "Grüße, 中文 \\ é"
    assert printable("a\tb\rc\x1b\u2028\udcff") == "a\\tb\\rc\\x1b\\u2028\\udcff"


def test_what_somebody_forgot_to_escape_is_escaped_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    terminal().print(f"a{CLEAR}b")
    assert capsys.readouterr().out == "a\\x1b[2Jb\n"


def test_styles_are_where_they_belong_after_what_was_escaped() -> None:
    text = styled((f"{CLEAR}ab", "bold"), "cd")
    assert text.plain == "\\x1b[2Jabcd"
    assert [(span.start, span.end) for span in text.spans] == [(0, 9)]
