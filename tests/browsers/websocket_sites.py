"""The same WebSocket application four times, protected by us, each on a server of its own.

`/POLICY/COOKIE/ws` accepts a handshake, notes it, and sends back what it is sent; anything else is the page.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from corecors import CORSRequest, Decision, Kind, PathPolicies, Policy
from corecors.adapters import asgi

from .asgi_sites import Application, Receive, Scope, Send, serving_asgi, serving_in_loop, watched

HTML = "text/html"


@dataclass(slots=True)
class Guarded:
    """What an application is to be served with, and what becomes of the handshakes."""

    policies: PathPolicies
    html: bytes
    """The page, for the server's own origin."""
    reached: list[tuple[str, str | None]] = field(default_factory=list)
    """The handshakes that the application saw: path and `Origin`."""
    decided: list[tuple[str, str | None, bool, bool]] = field(default_factory=list)
    """Those that were decided about: path, `Origin`, whether a cookie came along, whether it was allowed."""
    failures: list[str] = field(default_factory=list)

    def note(self, decision: Decision, request: CORSRequest) -> None:
        if decision.kind is Kind.WEBSOCKET:
            self.decided.append((request.path, request.origin, request.has_credentials, decision.allowed))


Serve = Callable[[Guarded], AbstractContextManager[int]]


def asgi_application(guarded: Guarded) -> Application:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            lines = [(b"content-type", HTML.encode()), (b"content-length", str(len(guarded.html)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": lines})
            await send({"type": "http.response.body", "body": guarded.html})
            return
        if scope["type"] != "websocket":
            return
        origins = [value.decode() for name, value in scope["headers"] if name == b"origin"]
        guarded.reached.append((scope["path"], origins[0] if origins else None))
        await receive()  # the handshake
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    protected = asgi.CORSMiddleware(app, guarded.policies, on_decision=guarded.note, rejections=None)
    return watched(protected, guarded.failures)


@contextmanager
def on_uvicorn(guarded: Guarded) -> Iterator[int]:
    with serving_asgi(asgi_application(guarded), guarded.failures, websockets=True) as port:
        yield port


@contextmanager
def on_hypercorn(guarded: Guarded) -> Iterator[int]:
    from hypercorn.asyncio import serve as hypercorn
    from hypercorn.config import Config

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 1
    config.errorlog = None

    async def serve(up: Callable[[int], None], ending: asyncio.Event) -> None:
        async def ended() -> None:
            await ending.wait()

        up(port)
        await hypercorn(asgi_application(guarded), config, shutdown_trigger=ended, mode="asgi")

    with serving_in_loop(serve):
        yield port


@contextmanager
def on_aiohttp(guarded: Guarded) -> Iterator[int]:
    from aiohttp import WSMsgType, web

    from corecors.adapters.aiohttp import setup_cors

    from .aiohttp_api import serving_application

    async def page(request: web.Request) -> web.Response:
        return web.Response(body=guarded.html, content_type=HTML)

    async def echo(request: web.Request) -> web.WebSocketResponse:
        guarded.reached.append((request.path, request.headers.get("Origin")))
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        async for message in opened:
            if message.type is WSMsgType.TEXT:
                await opened.send_str(message.data)
        return opened

    app = web.Application()
    app.router.add_get("/page", page)
    app.router.add_get("/{policy}/{cookie}/ws", echo)
    setup_cors(app, guarded.policies, on_decision=guarded.note, rejections=None)
    with serving_application(app) as port:
        yield port


@contextmanager
def on_flask_sock(guarded: Guarded) -> Iterator[int]:
    from flask import Flask, Response, request
    from flask_sock import Sock  # type: ignore[import-untyped]
    from simple_websocket import Server  # type: ignore[import-untyped]

    from corecors.adapters.flask import CORS

    from .sites import serving

    app = Flask("websockets")
    sock = Sock(app)

    @app.route("/page")
    def page() -> Response:
        return Response(guarded.html, content_type=HTML)

    @sock.route("/<policy>/<cookie>/ws")  # type: ignore[untyped-decorator]
    def echo(opened: Server, policy: str, cookie: str) -> None:
        guarded.reached.append((request.path, request.headers.get("Origin")))
        while True:
            opened.send(opened.receive())

    CORS(app, guarded.policies, on_decision=guarded.note, rejections=None)
    with serving(app, guarded.failures) as port:
        yield port


SERVERS: dict[str, Serve] = {
    "uvicorn": on_uvicorn,
    "hypercorn": on_hypercorn,
    "aiohttp": on_aiohttp,
    "flask-sock": on_flask_sock,
}


def policies(page: str) -> PathPolicies:
    """Three policies by path, for the page `page`."""
    return PathPolicies(
        {
            "/credentials/": Policy(allow_origins=[page], allow_credentials=True),
            "/listed/": Policy(allow_origins=[page]),
            "/anyone/": Policy(allow_origins=["*"]),
        }
    )
