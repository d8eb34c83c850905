"""docs/command-line.md shows real output: every console block is run, and has to say what stands there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broken_servers import serving
from click.testing import CliRunner
from werkzeug.wrappers import Request, Response

from corecors import policy_from_mapping
from corecors.adapters.wsgi import CORSMiddleware
from corecors.cli.entry import COMMANDS, commands

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```toml\n(.*?)```", TEXT, re.DOTALL))
BLOCKS = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
SHOWN = "http://127.0.0.1:48000"  # where the page says that the API is


@Request.application
def api(request: Request) -> Response:
    status = 200 if request.path == "/orders" else 404
    answer = Response("{}", status, content_type="application/json", headers={"X-Total": "3"})
    if request.query_string == b"cookie":
        answer.set_cookie("sid", "1")
    return answer


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of the API under the page's policy; the page's files are in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")
    with serving(CORSMiddleware(api, policy_from_mapping(tomllib.loads(FILES["cors.toml"])), rejections=None)) as url:
        yield url.rstrip("/")


def rerun(block: str, address: str) -> str:
    """The block with the output that its commands give now."""
    lines = []
    for command in re.findall(r"^\$ ((?:.*\\\n)*.*)", block, re.MULTILINE):
        name, *arguments = shlex.split(command.replace("\\\n", " ").replace(SHOWN, address))
        assert name == "corecors"
        output = CliRunner(env={"COLUMNS": "80"}).invoke(commands, arguments, prog_name=name).output
        said = output.replace(address, SHOWN)
        if arguments == ["demo"]:
            ports = iter(range(48001, 48004))
            for port in dict.fromkeys(re.findall(r"127\.0\.0\.1:(\d+)", said)):
                said = said.replace(port, str(next(ports)))
        lines += [f"$ {command}", *(line.rstrip() for line in said.rstrip().splitlines()), ""]
    return "\n".join(lines[:-1]) + "\n"


def test_there_is_something_to_run() -> None:
    assert len(BLOCKS) >= 7
    assert set(FILES) == {"cors.toml", "problems.toml", "warnings.toml"}


@pytest.mark.parametrize("table", [r"answers \| sends", r"0 \| 1 \| 2"])
def test_every_command_is_in_both_tables(table: str) -> None:
    (rows,) = re.findall(rf"^\| command \| {table} \|\n\|[- |]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert sorted(re.findall(r"^\| \[?`(?:corecors )?(\w+)`", rows, re.MULTILINE)) == sorted(COMMANDS)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.splitlines()[0][2:50]) for block in BLOCKS])
def test_the_page_shows_what_the_command_says(block: str, address: str) -> None:
    assert block == rerun(block, address)
    lines = block.partition("\n")[2].splitlines()
    assert "--json" in block or all(len(line) <= 80 for line in lines if not line.startswith(("$ ", "Next: ")))


def keys_of(found: dict[str, Any], path: str = "") -> set[str]:
    """The paths of all keys in a tree: `runs[].cause.code`."""
    keys: set[str] = set()
    for key, value in found.items():
        here = f"{path}{key}"
        keys.add(here)
        values = value if isinstance(value, list) else [value]
        inside = f"{here}[]." if isinstance(value, list) else f"{here}."
        for each in values:
            if isinstance(each, dict) and key not in ("fix", "value"):  # these two are what was written
                keys |= keys_of(each, inside)
    return keys


@pytest.mark.parametrize("command", ["doctor", "check", "lint", "explain"])
def test_the_keys_of_the_json_are_listed(command: str, address: str) -> None:
    page = ["--origin", "https://app.example.com"]
    arguments = {
        "doctor": [
            [f"{address}/orders", *page, "-X", "PUT"],  # not sent, and no danger
            [f"{address}/orders", *page, "-X", "DELETE"],  # refused
            [f"{address}/orders?cookie", *page, "--credentials"],  # a danger
        ],
        "check": [["cors.toml", *page], ["cors.toml", *page, "-X", "PUT"]],
        "lint": [["problems.toml"], ["warnings.toml"], ["--haproxy", "haproxy.cfg"]],
        "explain": [["missing-header"]],
    }
    Path("haproxy.cfg").write_text(
        "frontend api\n http-response set-header Access-Control-Allow-Origin null\n", encoding="utf-8"
    )
    keys: set[str] = set()
    for each in arguments[command]:
        found = json.loads(CliRunner().invoke(commands, [command, *each, "--json"]).output)
        keys |= keys_of(found)
        assert re.fullmatch(rf"corecors\.{command}/[0-9]+", found["schema"])
        assert f"`{found['schema']}`" in TEXT
    (section,) = re.findall(rf"^### {command} --json\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE)
    listed = re.findall(r"^\| `([\w.\[\]]+)` \|", section, re.MULTILINE)
    assert sorted(listed) == sorted(keys)


@pytest.mark.skipif(shutil.which("bash") is None, reason="NOT TESTED: there is no bash")
def test_the_line_for_bash_completes_commands_and_options(tmp_path: Path) -> None:
    (line,) = re.findall(r"`(eval [^`]*bash_source[^`]*)`", TEXT)
    (tmp_path / "corecors").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m corecors "$@"\n')
    (tmp_path / "corecors").chmod(0o755)
    ask = "COMPREPLY=(); COMP_CWORD={}; COMP_WORDS=({}); _corecors_completion corecors; echo ${{COMPREPLY[*]}}\n"
    script = f'PATH="{tmp_path}:$PATH"\n{line}\n' + ask.format(1, "corecors do") + ask.format(2, "corecors lint --st")
    result = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True)
    assert result.stdout.split("\n")[:2] == ["doctor", "--strict"], result.stderr
