"""What the doctor says to write at a server is right: applied to the broken server, it works when it is asked again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from corecors.cli.doctor import doctor
from corecors.cli.servers import SOFTWARE, header_lines
from servers.availability import leave_out, missing_for_node
from servers.fixable_servers import SERVERS, WANTED, needs, served, written_for

PAGE = "https://app.example.com"


def asked(url: str) -> dict[str, Any]:
    (found,) = json.loads(CliRunner().invoke(doctor, [url, "--origin", PAGE, *WANTED, "--json"]).output)["runs"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", SERVERS)
def test_what_the_doctor_says_to_write_makes_it_work(name: str, tmp_path: Path) -> None:
    broken = SERVERS[name]
    if missing := broken.missing():
        leave_out(f"the fix for {name} needs {missing}, which is not installed")
    with served(broken, "", tmp_path / "broken") as url:
        before = asked(url)
        assert before["works"] is False
        assert before["cause"]["code"] == broken.cause
        first = CliRunner().invoke(doctor, [url, "--origin", PAGE, *WANTED]).output.splitlines()[0]
        assert first == f"A browser would say no: {before['cause']['says']}"
        assert before["cause"]["server"] == (broken.software if broken.says else None)
        lines = written_for(broken, url, PAGE)
    if lines is None:
        return
    with served(broken, lines, tmp_path / "fixed") as url:
        after, error = asked(url), asked(f"{url}nothing/here")
        arguments = [url, "--origin", "https://stranger.example", *WANTED, "--json"]
        (stranger,) = json.loads(CliRunner().invoke(doctor, arguments).output)["runs"]
    assert after["cause"] is None, (lines, after)
    assert after["works"] is True
    assert stranger["works"] is False
    assert error["works"] is True


def test_what_it_says_to_write_in_next_config_js_is_that() -> None:
    """Next itself takes half a minute to start; its configuration is a module that Node can read."""
    if missing := missing_for_node():
        leave_out(f"the fix for Next.js needs {missing}")
    (software,) = (each for each in SOFTWARE if each.name == "Next.js")
    script = f"({{\n{software.lines(needs(PAGE))}\n}}).headers().then((found) => console.log(JSON.stringify(found)))"
    process = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
    (rule,) = json.loads(process.stdout)
    assert rule["source"] == "/:path*"
    assert [(each["key"], each["value"]) for each in rule["headers"]] == header_lines(needs(PAGE))
