"""The application of the scenarios in aiohttp: handlers, and a middleware that answers early."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from scenarios import RESPONSES, Response

from corecors import Policy, PolicySource
from corecors.adapters.aiohttp import setup_cors

FILE = Path(__file__).with_name("file.txt")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HandledError(Exception):
    """What the application has a middleware for."""


@web.middleware
async def early(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers one path itself, and the exceptions of one kind."""
    if request.path == "/early":
        return web.Response(status=503, text="early")
    try:
        return await handler(request)
    except HandledError:
        return web.Response(status=422, text="handled")


def _handler(response: Response) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        match response.path:
            case "/redirect":
                raise web.HTTPFound("/text")
            case "/abort":
                raise web.HTTPForbidden
            case "/handled":
                raise HandledError
            case "/error":
                raise RuntimeError("the application failed")
            case "/file":
                return web.FileResponse(FILE)
        if response.path == "/stream" and request.method != "POST":
            stream = web.StreamResponse()
            await stream.prepare(request)
            for chunk in (b"one", b"two", b"three"):
                await stream.write(chunk)
            return stream
        body = await request.read() if request.method == "POST" else response.body
        return web.Response(body=body or None, status=response.status, headers=response.headers)

    return answer


def application(policy: Policy | PolicySource) -> web.Application:
    app = web.Application(middlewares=[early])
    setup_cors(app, policy)
    for response in RESPONSES.values():
        if response.name not in ("no such path", "answered before the view"):
            handler = _handler(response)
            app.router.add_get(response.path, handler)
            if response.path != "/get-only":
                app.router.add_post(response.path, handler)
    return app
