"""An ASGI application whose answers tell what the server made of the request: served by test_asgi_wire.py.

`/stream` answers with 100 MB, `/ws` accepts a WebSocket, `/reached` tells how many handshakes got as far.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from attack_corpora import ALLOW_LIST

from corecors import Policy
from corecors.adapters.asgi import CORSMiddleware

logging.disable(logging.CRITICAL)  # who is refused is meant
POLICY = Policy(
    allow_origins=ALLOW_LIST,
    allow_methods=["GET", "PUT"],
    allow_headers=["X-One", "X-Two"],
    expose_headers=["X-Seen"],
    allow_credentials=True,
)
SEEN = "X-Seen"
PIECE, PIECES = bytes(1 << 20), 100
reached: list[str] = []
left: list[str] = []


async def application_inside(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        reached.append(scope["path"])
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
    elif scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            for number in range(PIECES):
                await send({"type": "http.response.body", "body": PIECE, "more_body": number < PIECES - 1})
        except OSError:
            left.append("while sending")
            raise
    else:
        body = json.dumps({"reached": len(reached)}).encode()
        headers = [
            (b"Content-Type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"access-control-allow-origin", b"https://set-by-the-app.example"),
            (b"Vary", b"Accept-Encoding"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})


def witness(app: Any) -> Any:
    """Add to every answer, preflights included, a header with the origins that the server handed over, as JSON."""

    async def witnessed(scope: Any, receive: Any, send: Any) -> None:
        origins = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name.lower() == b"origin"]

        async def start(message: Any) -> None:
            if message["type"] == "http.response.start":
                shown = json.dumps([origin if len(origin) < 1000 else len(origin) for origin in origins])
                message["headers"] = [*message["headers"], (b"x-seen", shown.encode())]
            await send(message)

        await app(scope, receive, start)

    return witnessed


application = witness(CORSMiddleware(application_inside, POLICY))
