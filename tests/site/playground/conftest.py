"""The built playground on a server that notes what is asked of it, and a browser that has opened it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from gathering import ROOT

if TYPE_CHECKING:
    from browsers.engines import Engine

SITE = ROOT / "build" / "website" / "html"
PLAYGROUND = SITE / "playground"
ENGINE_NAMES = ("Chromium", "Firefox", "WebKitGTK")
PATIENCE = 60

seconds_taken = pytest.StashKey[list[str]]()


class Handler(SimpleHTTPRequestHandler):
    wbufsize = 65536
    disable_nagle_algorithm = True
    extensions_map: ClassVar = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}
    server: NotingServer

    def send_response(self, code: int, message: str | None = None) -> None:
        self.server.asked.append(self.path)
        super().send_response(code, message)

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        self.server.sent += len(content)
        outputfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class NotingServer(ThreadingHTTPServer):
    """Serves the site. `asked`: the paths that were asked for; `sent`: the bytes of all bodies together."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(SITE)))
        self.asked: list[str] = []
        self.sent = 0
        self.url = f"http://127.0.0.1:{self.server_port}/playground/index.html"
        self._thread = threading.Thread(target=self.serve_forever)

    def __enter__(self) -> NotingServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Page:
    """The playground in a browser."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.engine = engine
        self.url = url
        self.first_visit: tuple[list[str], int] = ([], 0)  # what was asked for, and the bytes that were sent

    def open(self, fragment: str = "") -> float:
        """Open it anew and wait for the first answer; the seconds until it stood there, by the browser's own clock."""
        self.engine.open("about:blank")  # from one link to another, only the fragment changes and nothing is loaded
        self.engine.open(self.url + fragment)
        self.wait("performance.getEntriesByName('answered').length > 0 || !document.getElementById('failed').hidden")
        assert self.run("return document.getElementById('failed-text').textContent") == ""
        return float(self.run("return performance.getEntriesByName('answered')[0].startTime")) / 1000

    def follow(self, fragment: str) -> None:
        """Follow a link to another question, and wait until it is answered."""
        self.run("performance.clearMarks(); window.location.hash = arguments[0]", fragment)
        self.wait("performance.getEntriesByName('answered').length > 0")

    def run(self, script: str, *arguments: object) -> Any:
        return self.engine.run_script(script, *arguments)

    def wait(self, condition: str) -> None:
        """Wait until a condition in JavaScript holds."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < deadline, f"{condition} does not become true"
            time.sleep(0.02)

    def press(self, button: str) -> None:
        """Press a button, named by a selector, and wait until an answer has come of it."""
        self.run("performance.clearMarks()")
        self.run("document.querySelector(arguments[0]).click()", button)
        self.wait("performance.getEntriesByName('answered').length > 0")

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.run("document.getElementById(arguments[0]).value = arguments[1]", name, value)

    def ask(self, **fields: str) -> None:
        """Fill the fields, and have them answered."""
        self.fill(**fields)
        self.press("#ask")

    def paste(self, text: str) -> None:
        """Paste what has been copied elsewhere, and have it read and answered."""
        self.fill(pasted=text)
        self.press("#paste button")

    def form(self) -> dict[str, str]:
        script = "return Object.fromEntries(new FormData(document.getElementById('question')))"
        filled: dict[str, str] = self.run(script)
        return filled

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def shows(self, selector: str) -> bool:
        return bool(self.run("return document.querySelector(arguments[0])?.checkVisibility() ?? false", selector))

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((found) => found.innerText)"
        return [str(text) for text in self.run(script, selector)]


@pytest.fixture(scope="session", autouse=True)
def _python_is_in_it() -> None:
    assert (PLAYGROUND / "index.html").exists(), "build it first: python website"
    if not (PLAYGROUND / "modules.zip.bin").exists():
        if os.environ.get("CORECORS_REQUIRE_PLAYGROUND") == "1":
            pytest.fail("the playground was built without Python", pytrace=False)
        pytest.skip("PLAYGROUND NOT TESTED: it was built without Python, for want of npm or node")


@pytest.fixture(scope="session", params=ENGINE_NAMES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A running browser; one after the other."""
    from browsers.engines import ENGINES, started

    kind = next(kind for kind in ENGINES if kind.name == request.param)
    if missing := kind.missing():
        assert os.environ.get("CORECORS_REQUIRE_BROWSERS") != "1", missing
        pytest.skip(f"{kind.name} NOT TESTED: {', '.join(missing)} missing (Debian packages {kind.packages})")
    with started(kind) as running:
        yield running


@pytest.fixture(scope="session")
def server(engine: Engine) -> Iterator[NotingServer]:
    """One for each browser, so that what it has asked for is this browser's."""
    with NotingServer() as running:
        yield running


@pytest.fixture(scope="session")
def page(engine: Engine, server: NotingServer, request: pytest.FixtureRequest) -> Page:
    """The playground, opened twice: as one who was never there, and as one who comes back."""
    opened = Page(engine, server.url)
    cold = opened.open()
    opened.first_visit = (list(server.asked), server.sent)
    warm = opened.open()
    said = f"{engine.name} {engine.version}: seconds to the first answer: {cold:.1f} cold, {warm:.1f} warm"
    request.config.stash.setdefault(seconds_taken, []).append(said)
    return opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(seconds_taken, []):
        terminalreporter.write_line(f"Playground, {line}")
