"""The API in aiohttp, on its own server."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import CIMultiDict

from corecors.adapters.aiohttp import setup_cors

from .api import answer
from .asgi_sites import cut_off, serving_in_loop
from .sites import seen

if TYPE_CHECKING:
    from .adapted import Api


@contextmanager
def serving_aiohttp(the: Api) -> Iterator[int]:
    """One application for all cases, with a policy by path."""
    app = web.Application()
    app.router.add_route("*", "/{visitor}/{slug}/{resource:.*}", answering)
    setup_cors(app, the.policies())
    note_requests(app, the)
    with serving_application(app, the.tls) as port:
        yield port


@contextmanager
def serving_application(app: web.Application, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve `app` on a free port of loopback, yielded."""

    async def serve(up: Callable[[int], None], ending: asyncio.Event) -> None:
        runner = web.AppRunner(app, keepalive_timeout=600, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        up(runner.addresses[0][1])
        await ending.wait()
        server = runner.server
        connections = [] if server is None else [protocol.transport for protocol in server.connections]
        await runner.cleanup()
        await cut_off(connections)

    with serving_in_loop(serve) as port:
        yield port


def note_requests(app: web.Application, the: Api) -> None:
    """Note every request before the router looks at it; a preflight gets no further than that."""
    find = app.router.resolve

    async def resolve(request: web.Request) -> web.UrlMappingMatchInfo:
        _, visitor, slug, resource = request.path.split("/", 3)
        the.journal.add(visitor, slug, seen(environ_of(request, b""), f"/{resource}"))
        return await find(request)

    app.router.resolve = resolve  # type: ignore[method-assign]


async def answering(request: web.Request) -> web.StreamResponse:
    status, headers, parts = answer(environ_of(request, await request.read()))
    response = web.StreamResponse(status=int(status[:3]), headers=CIMultiDict(headers))
    await response.prepare(request)
    for part in parts:
        await response.write(part)
    await response.write_eof()
    return response


def environ_of(request: web.Request, body: bytes) -> dict[str, Any]:
    """What api.py reads of a request."""
    lines = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    return lines | {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": "/" + request.path.split("/", 3)[3],
        "QUERY_STRING": request.rel_url.raw_query_string,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
