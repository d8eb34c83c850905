"""The README's example and those of the core run as they stand, and its commands are those that are checked."""

import doctest
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

import pytest
import urllib3

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


THE_CORE = (ROOT / "docs" / "other-frameworks.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = README) -> list[str]:
    """The fenced blocks of that language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def example_server(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the WSGI example, on a free port instead of the one that it names; gives the server's address."""
    servers: list[WSGIServer] = []
    listening = threading.Event()

    def make_server_on_a_free_port(host: str, port: int, app: Callable[..., Any]) -> WSGIServer:
        servers.append(make_server(host, 0, app))
        listening.set()
        return servers[0]

    monkeypatch.setattr("wsgiref.simple_server.make_server", make_server_on_a_free_port)
    example = blocks("python")[0]
    thread = threading.Thread(target=exec, args=(compile(example, "README.md", "exec"), {"__name__": "__main__"}))
    thread.start()
    assert listening.wait(30)
    yield f"http://127.0.0.1:{servers[0].server_port}/"
    servers[0].shutdown()
    thread.join()
    servers[0].server_close()


def test_the_example_has_ten_lines_at_most() -> None:
    example = blocks("python")[0]
    assert len([line for line in example.splitlines() if line]) <= 10


def test_the_example_serves_cross_origin_requests(example_server: str) -> None:
    with urllib3.PoolManager(retries=False, timeout=10) as http:
        allowed = http.request("GET", example_server, headers={"Origin": "https://app.example.com"})
        local = http.request("GET", example_server, headers={"Origin": "http://localhost:5173"})
        refused = http.request("GET", example_server, headers={"Origin": "https://app.example.com.evil.test"})
    assert (allowed.status, allowed.data) == (200, b"hello\n")
    assert allowed.headers.getlist("Access-Control-Allow-Origin") == ["https://app.example.com"]
    assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
    assert local.headers.getlist("Access-Control-Allow-Origin") == ["http://localhost:5173"]
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize(
    "example", [pytest.param(text, id=str(number)) for number, text in enumerate(blocks("pycon", THE_CORE))]
)
def test_the_examples_of_the_core_print_what_they_say(example: str) -> None:
    globals_: dict[str, Any] = {}
    exec("from corecors import Policy", globals_)
    test = doctest.DocTestParser().get_doctest(example, globals_, "README.md", "README.md", 0)
    output: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(test, out=output.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(output)


def test_each_command_is_one_line_and_the_check_runs_the_second_as_it_stands() -> None:
    commands = [block.rstrip("\n") for block in blocks("sh")]
    assert len(commands) == 2
    assert not any("\n" in command for command in commands)
    assert commands[0].endswith("corecors demo")
    assert f"{{ {commands[1]}; }}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_what_everybody_needs_stands_on_one_screen() -> None:
    assert len(README.partition("## Read on")[0].splitlines()) <= 60
