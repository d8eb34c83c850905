"""The built site on a server of its own, and one Chromium for all of its pages."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from gathering import ROOT

if TYPE_CHECKING:
    from browsers.engines import Engine

SITE = ROOT / "build" / "website" / "html"
# The playground is no page of the theme, and has a folder of tests of its own.
PAGES = [path.relative_to(SITE).as_posix() for path in sorted(SITE.rglob("*.html")) if path.parent.name != "playground"]

# Whatever a page asks of another host is refused by the browser, which says so in the console.
OURS_ALONE = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " + (
    "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self' data:"
)


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", OURS_ALONE)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the built site, with a slash at its end."""
    assert (SITE / "index.html").exists(), "build it first: python website"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(SITE))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Engine]:
    from browsers.engines import ENGINES, started

    kind = next(kind for kind in ENGINES if kind.name == "Chromium")
    if missing := kind.missing():
        assert os.environ.get("CORECORS_REQUIRE_BROWSERS") != "1", missing
        pytest.skip(f"not installed: {', '.join(missing)} (Debian packages {kind.packages})")
    with started(kind) as running:
        yield running
