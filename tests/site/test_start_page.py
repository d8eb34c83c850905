"""The start page, followed to the letter: each tab's commands and files, in an empty folder and a bare environment.

What differs from a reader's way: `corecors` comes from a wheel of this clone, and the port is one that is free.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gathering import ONLY_HERE, ROOT

PAGE = (ONLY_HERE / "index.md").read_text(encoding="utf-8")
INSTALL_SECONDS = 300  # from an index that may be slow
ANSWER_SECONDS = 60
FREQUENT = 4  # tabs that are followed each time; CORECORS_EVERY_TAB=1 follows the others, too
AT_THE_END = ", at its end"


@dataclass(frozen=True)
class Block:
    """A fenced block of the page. `title`: the file that it is, or what it is for."""

    language: str
    title: str
    text: str


def blocks(text: str) -> list[Block]:
    found = re.findall(r'^( *)```(\w+)(?: title="(.*?)")?\n(.*?)^\1```$', text, re.MULTILINE | re.DOTALL)
    return [
        Block(language, title, re.sub(rf"^{indent}", "", body, flags=re.M)) for indent, language, title, body in found
    ]


TABS = {name: blocks(text) for name, text in re.findall(r'^=== "(.*?)"\n(.*?)(?=^\S)', PAGE, re.MULTILINE | re.DOTALL)}
[FIRST, *_, ASK] = [
    block for block in blocks(re.sub(r"^ +.*\n", "", PAGE, flags=re.MULTILINE)) if block.language == "sh"
]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel of this clone, where pip finds `corecors`."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
    return folder


class Reader:
    """Somebody who follows the page in an empty folder."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self._folder = folder
        ours = ("PYTHON", "CORECORS_", "COV", "VIRTUAL_ENV", "TOX", "PYTEST", "PIP_FIND_LINKS")
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        path = f"{Path(sys.base_prefix, 'bin')}:{os.environ['PATH']}"
        pip = {"PIP_FIND_LINKS": str(wheel), "PIP_CACHE_DIR": str(wheel / "cache"), "PIP_NO_COMPILE": "1"}
        self._environment |= {"PATH": path, "HOME": str(folder), "NO_COLOR": "1", **pip}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]

    def _options(self, commands: str) -> dict[str, Any]:
        entered = "" if commands == FIRST.text else ". .venv/bin/activate\n"
        script = f"set -euo pipefail\n{entered}{commands}".replace("8000", str(self._port))
        return {"args": ["bash", "-c", script], "cwd": self._folder, "env": self._environment}

    def run(self, commands: str) -> str:
        done = subprocess.run(
            **self._options(commands), capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        assert done.returncode == 0, f"{commands}{done.stdout}{done.stderr}"
        return done.stdout

    def write(self, title: str, text: str) -> None:
        file = self._folder / title.removesuffix(AT_THE_END)
        before = file.read_text(encoding="utf-8") if title.endswith(AT_THE_END) else ""
        file.write_text(before + text, encoding="utf-8")

    def _is_listening(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._port)) == 0

    @contextmanager
    def serving(self, command: str) -> Iterator[None]:
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(**self._options(command), **quiet, start_new_session=True)
        try:
            give_up = time.monotonic() + ANSWER_SECONDS
            while not self._is_listening():
                assert server.poll() is None, f"{command} ended"
                assert time.monotonic() < give_up, f"{command} does not listen"
                time.sleep(0.1)
            yield
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def test_the_tabs_are_those_of_the_frameworks() -> None:
    assert list(TABS) == ["FastAPI", "Flask", "Django", "Bottle", "aiohttp", "WSGI, ASGI"]


@pytest.mark.parametrize("tab", TABS if os.environ.get("CORECORS_EVERY_TAB") == "1" else list(TABS)[:FREQUENT])
def test_who_follows_the_page_has_a_tested_and_protected_application(tab: str, tmp_path: Path, wheel: Path) -> None:
    reader = Reader(tmp_path, wheel)
    reader.run(FIRST.text)
    said = []
    for block in TABS[tab]:
        if block.language == "python":
            reader.write(block.title, block.text)
        elif block.title == "serve":
            with reader.serving(block.text):
                said.append(reader.run(ASK.text))
        else:
            said.append(reader.run(block.text))
    *_, tested, asked = said
    assert "2 passed" in tested
    assert "works" in asked.lower()
