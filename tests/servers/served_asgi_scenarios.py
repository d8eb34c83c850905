"""Every ASGI application of the scenarios in one process: the header `X-Application` says which, as
`starlette:listed` does."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import asgi_scenario_apps

logging.disable(logging.CRITICAL)  # one view fails on purpose, and every framework tells its log
built = cache(asgi_scenario_apps.application)
started: set[int] = set()


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    names = [value.decode() for name, value in scope["headers"] if name == b"x-application"]
    if not names:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        return
    adapter, _, policy = names[0].partition(":")
    app = built(adapter, policy)
    if adapter == "blacksheep" and id(app) not in started:
        started.add(id(app))
        await app.app.start()  # type: ignore[attr-defined]  # which the lifespan does in an application of its own
    await app(scope, receive, send)
