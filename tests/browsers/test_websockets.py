"""WebSockets opened by pages of real browsers: what is foreign never reaches the application.

Everything stands on `sockets.localhost` and below, which is one site: so the cookie goes along with the handshakes of
the foreign page too, as it does for a page that an attacker holds on a subdomain. It is sent below `/POLICY/cookie/`
alone. No other test leaves cookies there.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import pytest

from .scripted import PATIENCE, ScriptedPages, scripted_pages
from .websocket_sites import SERVERS, Guarded, policies

if TYPE_CHECKING:
    from .engines import Engine

HOST = "sockets.localhost"
PAGES = {
    "own": HOST,
    "allowed": HOST,
    "sandboxed": HOST,
    "foreign": f"sub.{HOST}",
    "another site's": "stranger.localhost",
}
OPENED, REFUSED = "echoed hello", "refused"

SCRIPT = """
document.cookie = "session=1; path=/credentials/cookie";
document.cookie = "session=1; path=/listed/cookie";
document.cookie = "session=1; path=/anyone/cookie";

function shake(url) {
  return new Promise((resolve) => {
    const opened = new WebSocket(url);
    opened.onopen = () => opened.send("hello");
    opened.onmessage = ({data}) => {
      opened.onclose = () => resolve(`echoed ${data}`);
      opened.close();
    };
    opened.onclose = () => resolve("refused");
  });
}

// Without allow-same-origin a frame's origin is opaque: null.
function shakeInSandbox(url) {
  return new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    addEventListener("message", ({data}) => resolve(data), {once: true});
    frame.srcdoc = `<script>${shake}; shake("${url}").then((outcome) => parent.postMessage(outcome, "*"));<\\/script>`;
    document.body.append(frame);
  });
}

const perform = ({url, sandboxed}) => (sandboxed ? shakeInSandbox(url) : shake(url));
"""


class Handshake(NamedTuple):
    page: str
    policy: str
    cookie: bool
    outcome: str

    @property
    def path(self) -> str:
        return f"/{self.policy}/{'cookie' if self.cookie else 'plain'}/ws"


# The own page first: it sets the cookie that later ones send.
HANDSHAKES = (
    Handshake("own", "credentials", False, OPENED),
    Handshake("own", "credentials", True, OPENED),
    Handshake("own", "listed", True, OPENED),
    Handshake("own", "anyone", True, OPENED),
    Handshake("allowed", "credentials", False, OPENED),
    Handshake("allowed", "credentials", True, OPENED),
    Handshake("allowed", "listed", False, OPENED),
    Handshake("allowed", "listed", True, REFUSED),
    Handshake("allowed", "anyone", False, OPENED),
    Handshake("allowed", "anyone", True, REFUSED),
    Handshake("sandboxed", "credentials", False, REFUSED),
    Handshake("sandboxed", "anyone", False, OPENED),
    Handshake("foreign", "credentials", False, REFUSED),
    Handshake("foreign", "credentials", True, REFUSED),
    Handshake("foreign", "listed", False, REFUSED),
    Handshake("foreign", "listed", True, REFUSED),
    Handshake("foreign", "anyone", False, OPENED),
    Handshake("foreign", "anyone", True, REFUSED),
    Handshake("another site's", "credentials", False, REFUSED),
    Handshake("another site's", "anyone", False, OPENED),
)


@pytest.fixture(scope="module")
def pages() -> Iterator[ScriptedPages]:
    with scripted_pages(SCRIPT) as served:
        yield served


@pytest.mark.parametrize("server", SERVERS)
def test_the_application_sees_the_handshakes_of_own_and_allowed_pages_alone(
    engine: Engine, pages: ScriptedPages, server: str
) -> None:
    guarded = Guarded(policies(f"http://{HOST}:{pages.port}"), pages.html)
    outcomes: dict[Handshake, str] = {}
    with SERVERS[server](guarded) as port:
        for page, host in PAGES.items():
            asked = [handshake for handshake in HANDSHAKES if handshake.page == page]
            jobs = [
                {"url": f"ws://{HOST}:{port}{handshake.path}", "sandboxed": page == "sandboxed"} for handshake in asked
            ]
            seen = pages.outcomes(engine, host, jobs, port if page == "own" else None)
            outcomes.update(zip(asked, seen, strict=True))

    def origin(handshake: Handshake) -> str:
        if handshake.page == "sandboxed":
            return "null"
        return f"http://{PAGES[handshake.page]}:{port if handshake.page == 'own' else pages.port}"

    assert outcomes == {handshake: handshake.outcome for handshake in HANDSHAKES}
    assert Counter(guarded.decided) == Counter(
        (handshake.path, origin(handshake), handshake.cookie, handshake.outcome == OPENED) for handshake in HANDSHAKES
    )
    assert Counter(guarded.reached) == Counter(
        (handshake.path, origin(handshake)) for handshake in HANDSHAKES if handshake.outcome == OPENED
    )
    assert guarded.failures == []


@pytest.mark.parametrize("cookie", [False, True], ids=["without a cookie", "with a cookie"])
@pytest.mark.parametrize("server", SERVERS)
def test_what_has_no_origin_is_no_page_and_reaches_the_application(server: str, cookie: bool) -> None:
    """Every browser sends `Origin` with a handshake, so here none is asked."""
    guarded = Guarded(policies("http://sockets.localhost"), b"")
    lines = [
        "GET /credentials/plain/ws HTTP/1.1",
        f"Host: {HOST}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(["Cookie: session=1"] if cookie else []),
    ]
    with SERVERS[server](guarded) as port, socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert connection.recv(12) == b"HTTP/1.1 101"
        connection.sendall(b"\x88\x80\x00\x00\x00\x00")  # a close frame, masked with zeros (RFC 6455, 5.2 and 5.5.1)
        while connection.recv(1024):
            pass
    assert guarded.reached == [("/credentials/plain/ws", None)]
    assert guarded.decided == [("/credentials/plain/ws", None, cookie, True)]
    assert guarded.failures == []
