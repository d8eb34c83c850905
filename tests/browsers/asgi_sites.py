"""The API in ASGI, and uvicorn on a free port of loopback to serve it: the counterpart of sites.py."""

from __future__ import annotations

import asyncio
import io
import queue
import socket
import ssl
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from .api import answer
from .case import Addresses, Case, filled
from .sites import Journal, seen

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

END_SECONDS = 30  # for a server that has been told to end


@contextmanager
def serving_asgi(
    app: Application, failures: list[str], tls: ssl.SSLContext | None = None, *, websockets: bool = False
) -> Iterator[int]:
    """Serve `app` on a free port of loopback, yielded. What it raises is added to `failures`, as tracebacks."""
    config = uvicorn.Config(
        watched(app, failures),
        http="h11",  # the other parser refuses methods that nobody has registered
        ws="auto" if websockets else "none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        timeout_keep_alive=600,  # a browser that sends on a connection that is being closed sends twice
        timeout_graceful_shutdown=1,  # browsers keep connections open
    )
    config.load()
    config.ssl = tls
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)

    async def serve() -> None:
        await server.serve(sockets=[listener])
        await cut_off(protocol.transport for protocol in server.server_state.connections)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=END_SECONDS)
        listener.close()


def watched(app: Application, failures: list[str]) -> Application:
    async def watching(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception:
            failures.append(traceback.format_exc())
            raise

    return watching


@contextmanager
def serving_in_loop(
    serve: Callable[[Callable[[int], None], asyncio.Event], Coroutine[Any, Any, None]],
) -> Iterator[int]:
    """Run `serve(up, ending)` in a loop of its own: it calls `up` with its port, and returns once `ending` is set."""
    up: queue.Queue[int | None] = queue.Queue()
    loop, ending = asyncio.new_event_loop(), asyncio.Event()

    def run() -> None:
        try:
            loop.run_until_complete(serve(up.put, ending))
        finally:
            loop.close()
            up.put(None)  # what waits for a server that did not start waits no longer

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    port = up.get()
    assert port is not None, "the server did not start"
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(timeout=END_SECONDS)


async def cut_off(transports: Iterable[asyncio.BaseTransport | None]) -> None:
    """End connections that a server has left open when it ended: over TLS, browsers keep it waiting."""
    for transport in [transport for transport in transports if isinstance(transport, asyncio.WriteTransport)]:
        transport.abort()
    for _ in range(3):  # what an aborted transport of TLS, and the one below it, do in the next rounds of the loop
        await asyncio.sleep(0)


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of api.py, as an ASGI application that knows nothing of CORS."""
    status, headers, parts = answer(environ_of(scope, await body_of(receive)))
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": int(status[:3]), "headers": lines})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def body_of(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def environ_of(scope: Scope, body: bytes) -> dict[str, Any]:
    """What api.py reads of a request. The path is that below the case's own."""
    lines = {f"HTTP_{name.decode().upper().replace('-', '_')}": value.decode() for name, value in scope["headers"]}
    return lines | {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"].removeprefix(scope.get("root_path", "")),
        "QUERY_STRING": scope["query_string"].decode(),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


class AsgiApiServer:
    """`/VISITOR/CASE/RESOURCE`: notes the request, then hands it to the case's application, protected or not."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.apps: dict[str, Application] = {}  # by slug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, visitor, slug, resource = scope["path"].split("/", 3)
        environ = environ_of(scope, b"")
        self.journal.add(visitor, slug, seen(environ, f"/{resource}"))
        await self.apps[slug]({**scope, "root_path": f"/{visitor}/{slug}"}, receive, send)


def fixed_answers(case: Case, addresses: Addresses, app: Application) -> Application:
    """The application with the case's own lines, as a server without any CORS library might send them."""
    assert case.fixed is not None
    fixed = case.fixed

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        environ = environ_of(scope, b"")
        values = addresses.in_policy() | {"origin": environ.get("HTTP_ORIGIN", "")}

        def lines(templates: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
            return [(name.lower().encode(), filled(value, values).encode()) for name, value in templates]

        if scope["method"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            start = {"type": "http.response.start", "status": fixed.preflight_status, "headers": lines(fixed.preflight)}
            await send(start)
            await send({"type": "http.response.body"})
            return

        async def with_lines(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *lines(fixed.actual)]}
            await send(message)

        await app(scope, receive, with_lines)

    return answering
