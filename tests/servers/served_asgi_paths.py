"""An ASGI application under a policy for one path only, which tells the path that it was given."""

from __future__ import annotations

import logging
from typing import Any

from corecors.adapters.asgi import CORSMiddleware
from servers.served_paths import PATH, POLICIES

logging.disable(logging.CRITICAL)  # who is refused is meant


async def page(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


governed = CORSMiddleware(page, POLICIES)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Adds the path to every answer, those to preflights included."""

    async def start(message: Any) -> None:
        if message["type"] == "http.response.start":
            told = ascii(scope["path"]).encode()
            message = {**message, "headers": [*message["headers"], (PATH.lower().encode(), told)]}
        await send(message)

    await governed(scope, receive, start)
