"""Whether a WebSocket is opened to a page of any site: browsers send the handshake with cookies, and guard nothing.

RFC 6455, sections 4.1 (the handshake) and 10.2 (the server has to look at Origin).
"""

import base64
import os
from collections.abc import Iterator

from corecors._decisions.headers import ORIGIN
from corecors.browser import HeaderLines, SentRequest
from corecors.cli.hazards import STRANGER, Hazard, Send

SWITCHING_PROTOCOLS = 101


def as_http(url: str) -> str:
    """The address of a handshake, which is asked for over http: ws://... is http://..., wss://... is https://..."""
    scheme, separator, rest = url.partition("://")
    return {"ws": "http", "wss": "https"}.get(scheme.lower(), scheme) + separator + rest


def find_websocket_hazards(url: str, origin: str, send: Send) -> Iterator[Hazard]:
    """Ask for a WebSocket from the page's origin and from a stranger's. A connection that opens is closed at once."""
    ours = send(_handshake(url, origin)).status
    theirs = send(_handshake(url, STRANGER)).status
    if theirs == SWITCHING_PROTOCOLS:
        yield Hazard(
            "WebSocket for any origin",
            f"A WebSocket is opened to a page of any site: {STRANGER} got one. The handshake carries the "
            "visitor's cookies, "
            "and no browser looks at CORS headers here.",
            "Compare Origin with the list of allowed origins before the handshake is accepted, and answer 403 "
            "otherwise.",
            serious=True,
            header=ORIGIN,
            value=STRANGER,
        )
    elif ours != SWITCHING_PROTOCOLS:
        yield Hazard(
            "no WebSocket",
            f"No WebSocket is opened at this address, not even to the page's own origin (status {ours}).",
            "Look at the address; if it is right, allow the page's origin there.",
            serious=False,
        )


def _handshake(url: str, origin: str) -> SentRequest:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
        (ORIGIN, origin),
    ]
    return SentRequest(method="GET", url=url, headers=HeaderLines(lines))
