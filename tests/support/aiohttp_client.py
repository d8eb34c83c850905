"""Requests to an application of aiohttp's, served on loopback, byte for byte: one pair for each header line that comes
back."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http.client import HTTPResponse
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer
from scenarios import Answer

Lines = Iterable[tuple[str | bytes, str | bytes]]
TIMEOUT = 10.0  # seconds for one answer; nothing here takes one


class Request(NamedTuple):
    method: str
    target: str | bytes
    headers: Lines = ()
    body: bytes = b""

    def encoded(self) -> bytes:
        """As it is sent. Text is latin-1; there is a `Host` unless the headers have one."""
        lines = [(_bytes(name), _bytes(value)) for name, value in self.headers]
        names = {name.lower() for name, _ in lines}
        if b"host" not in names:
            lines.insert(0, (b"Host", b"127.0.0.1"))
        if b"connection" not in names:
            lines.append((b"Connection", b"close"))
        if self.body:
            lines.append((b"Content-Length", b"%d" % len(self.body)))
        first = b"%b %b HTTP/1.1\r\n" % (_bytes(self.method), _bytes(self.target))
        return first + b"".join(b"%b: %b\r\n" % line for line in lines) + b"\r\n" + self.body


class Served(NamedTuple):
    port: int

    async def ask(self, method: str, target: str | bytes, headers: Lines = (), body: bytes = b"") -> Answer:
        """One request, and its answer."""
        request = Request(method, target, headers, body)
        return answer_of(await self.send(request.encoded()), method)

    async def send(self, data: bytes) -> bytes:
        """Bytes on a connection of their own, and all that comes back until the server closes it; nothing where it does
        so before it has read them."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(), TIMEOUT)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[Served]:
    server = TestServer(app)
    await server.start_server(access_log=None)  # which pytest would keep, where a test before has asked for it
    async with server:
        assert server.port is not None
        yield Served(server.port)


def send_all(app: web.Application, requests: Iterable[Request]) -> list[Answer]:
    """Requests one after the other, and their answers."""

    async def ask_all() -> list[Answer]:
        async with serving(app) as served:
            return [await served.ask(*request) for request in requests]

    return asyncio.run(ask_all())


def send(app: web.Application, *request: Any) -> Answer:
    """One request and its answer. An application serves in one event loop alone, and so just once here."""
    [answer] = send_all(app, [Request(*request)])
    return answer


def answer_of(data: bytes, method: str = "GET") -> Answer:
    class Received:
        def makefile(self, mode: str) -> io.BytesIO:
            return io.BytesIO(data)

    response = HTTPResponse(Received(), method=method)  # type: ignore[arg-type]
    response.begin()
    return Answer(response.status, tuple(response.getheaders()), response.read())


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
