"""What the playground loads, from where, and what it says while it cannot answer."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import PLAYGROUND, NotingServer, Page

MAX_BYTES = 7_500_000  # of everything that the page loads, as a host sends it that compresses nothing

ASK_ELSEWHERE = """
const program = `fetch(${JSON.stringify(arguments[0])}, { mode: "no-cors" })
  .then(() => self.postMessage("sent"), () => self.postMessage("not sent"));`;
const worker = new Worker(URL.createObjectURL(new Blob([program], { type: "text/javascript" })), { type: "module" });
worker.addEventListener("message", (event) => { document.documentElement.dataset.heard = event.data; });
"""
ADD_SCRIPT = """
const mark = document.documentElement.dataset;
document.addEventListener("securitypolicyviolation", (event) => { mark.broken = event.effectiveDirective; });
const inline = document.createElement("script");
inline.textContent = "document.documentElement.dataset.ran = 'inline'";
document.body.append(inline);
"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[NotingServer]:
    """Another origin, which would answer."""
    with NotingServer() as running:
        yield running


def test_the_bytes_that_are_loaded_stay_within_their_bound(page: Page) -> None:
    files = [path for path in PLAYGROUND.iterdir() if path.suffix != ".map"]
    assert 5_000_000 < sum(path.stat().st_size for path in files) < MAX_BYTES
    has, of, total, *_ = page.run("return document.getElementById('bytes').textContent").split()
    assert (has, of) == (total, "of"), "all that was announced has come"


def test_a_first_visit_loads_each_file_once(page: Page) -> None:
    asked, sent = page.first_visit
    files = [path.partition("?")[0] for path in asked]
    assert "/playground/pyodide.asm.wasm.bin" in files
    assert len(files) == len(set(files))
    assert 5_000_000 < sent < MAX_BYTES


def test_a_worker_of_the_page_can_ask_no_other_host(page: Page, elsewhere: NotingServer) -> None:
    """The worker has the page's Content-Security-Policy, which a file on a plain host could not give it."""
    page.run(ASK_ELSEWHERE, f"http://127.0.0.1:{elsewhere.server_port}/x")
    page.wait("document.documentElement.dataset.heard !== undefined")
    assert page.run("return document.documentElement.dataset.heard") == "not sent"
    assert elsewhere.asked == []


def test_a_script_that_is_smuggled_into_the_page_does_not_run(page: Page) -> None:
    page.run(ADD_SCRIPT)
    page.wait("document.documentElement.dataset.broken?.startsWith('script-src')")
    assert page.run("return document.documentElement.dataset.ran ?? null") is None


def chromium(*arguments: str) -> Any:
    from browsers.engines import ENGINES, EngineKind, started
    from browsers.engines import chromium as start

    kind: EngineKind = next(kind for kind in ENGINES if kind.name == "Chromium")
    if kind.missing():
        assert os.environ.get("CORECORS_REQUIRE_BROWSERS") != "1"
        pytest.skip("Chromium NOT TESTED: it is not installed")
    return started(EngineKind(kind.name, kind.needs, kind.packages, lambda home: start(home, *arguments)))


def test_without_webassembly_the_command_is_told_instead() -> None:
    with NotingServer() as server, chromium("--js-flags=--jitless") as engine:
        page = Page(engine, server.url)
        engine.open(server.url)
        page.wait("!document.getElementById('failed').hidden")
        assert page.run("return typeof WebAssembly") == "undefined"
        assert "no WebAssembly" in page.text("#failed-text")
        assert page.text("#failed-command") == (
            'pip install "corecors[cli]"\ncorecors check cors.toml --origin https://app.example.com -X PUT '
            "-H 'Content-Type: application/json' -H 'X-Request-Id: 1' --path /orders/7"
        )
        assert not page.shows("#loading")
        assert [path for path in server.asked if "wasm" in path or "modules" in path] == []
        page.run(
            "const field = document.getElementById('method'); field.value = 'DELETE';"
            "field.dispatchEvent(new Event('input', { bubbles: true }))"
        )
        assert "-X DELETE" in page.text("#failed-command")


class HaltingServer(NotingServer):
    """Sends half of the archive of modules, and the rest once `going` is set."""

    def __init__(self) -> None:
        import threading

        super().__init__()
        self.going = threading.Event()
        whole = self.RequestHandlerClass

        class Halting(whole.func):  # type: ignore[name-defined, misc]  # a partial of the handler's class
            def copyfile(this, source: Any, outputfile: Any) -> None:
                content = source.read()
                if "modules" in this.path and not self.going.is_set():
                    outputfile.write(content[: len(content) // 2])
                    outputfile.flush()
                    self.going.wait(60)
                    content = content[len(content) // 2 :]
                outputfile.write(content)

        self.RequestHandlerClass = type(whole)(Halting, **whole.keywords)  # type: ignore[assignment]


def test_while_it_loads_it_says_how_far_it_is_and_afterwards_it_works_without_a_network() -> None:
    with chromium() as engine:
        with HaltingServer() as server:
            page = Page(engine, server.url)
            engine.open(server.url)
            page.wait("document.getElementById('progress').value > 0.6")
            time.sleep(0.2)  # nothing more comes: what is said now stays
            has, total = page.text("#bytes").split(" MB")[0].split(" of ")
            assert float(total) - 1.4 < float(has) < float(total) - 0.8
            assert page.text("#loading-text") == "Python is loading…"
            assert page.run("return document.getElementById('ask').disabled")
            page.fill(origin="https://b.example")
            server.going.set()
            page.wait("performance.getEntriesByName('answered').length > 0")
            assert page.text(".verdict") == "refused", "what was filled in meanwhile is what is asked"
            assert not page.shows("#loading")
        page.ask(origin="https://app.example.com")
        assert page.text(".verdict") == "allowed"


def test_what_does_not_load_is_told_and_can_be_tried_again() -> None:
    class Broken(NotingServer):
        def __init__(self) -> None:
            super().__init__()
            self.broken = True
            whole = self.RequestHandlerClass

            class Sometimes(whole.func):  # type: ignore[name-defined, misc]
                def do_GET(this) -> None:
                    if self.broken and "modules" in this.path:
                        this.send_error(503)
                    else:
                        super().do_GET()

            self.RequestHandlerClass = type(whole)(Sometimes, **whole.keywords)  # type: ignore[assignment]

    with Broken() as server, chromium() as engine:
        page = Page(engine, server.url)
        engine.open(server.url)
        page.wait("!document.getElementById('failed').hidden")
        assert "modules.zip.bin is answered with 503" in page.text("#failed-text")
        server.broken = False
        page.run("document.getElementById('retry').click()")
        page.wait("performance.getEntriesByName('answered').length > 0")
        assert page.text(".verdict") == "allowed"
        assert not page.shows("#failed")
