"""An ASGI application, called as a server would call it, its lifespan included."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from logging import getLogger
from typing import Any
from urllib.parse import unquote

from corecors.browser import Received, SentRequest
from corecors.testing.serving import EVENT_STREAM, Asynchronous, Lines, Site, answered

_log = getLogger("corecors.testing")
Message = MutableMapping[str, Any]
Application = Callable[..., Awaitable[None]]
_VERSION = {"version": "3.0", "spec_version": "2.4"}
_TURNS_TO_NOTICE = 100  # of the loop, in which one that listens for `http.disconnect` ends its stream by itself


class ASGIApplication(Asynchronous):
    """Answers in the loop of its lifespan, one request after the other."""

    name = "an ASGI application"

    def __init__(self, app: Application, site: Site) -> None:
        self._app = app
        self._site = site
        self._lifespan = _Lifespan(app)

    async def start(self) -> None:
        await self._lifespan.start()

    async def stop(self) -> None:
        await self._lifespan.stop()

    async def ask(self, sent: SentRequest, lines: Lines) -> Received:
        """The answer; a bare 500 where the application raises before it has begun one, as behind a server."""
        exchange = _Exchange(sent.body or b"")
        scope = scope_of(sent, lines, self._site)
        if self._lifespan.state is not None:
            scope["state"] = self._lifespan.state.copy()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except _PageHasGone:
            pass
        except Exception:
            _log.exception("%s %s: the application raised an exception", sent.method, sent.url)
        return exchange.received or Received(500)


class _PageHasGone(OSError):
    """Of a stream without an end nobody reads more than its beginning (ASGI 2.4: `send` raises an `OSError`)."""


class _Exchange:
    """What an application receives and sends for one request. `received`: what came back so far."""

    def __init__(self, body: bytes) -> None:
        self.received: Received | None = None
        self._request: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._is_over = asyncio.Event()
        self._is_endless = False

    async def receive(self) -> Message:
        request, self._request = self._request, None
        if request is not None:
            return request
        await self._is_over.wait()  # the page stays until it has its answer
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.received is not None:
                raise RuntimeError("the application started a response that it had started already")
            lines = [(_text(name), _text(value)) for name, value in message.get("headers", ())]
            self.received = answered(message["status"], lines)
            self._is_endless = EVENT_STREAM in (self.received.get("Content-Type") or "")
        elif message["type"] == "http.response.body":
            if self._is_over.is_set() and self._is_endless:
                for _ in range(_TURNS_TO_NOTICE):
                    await asyncio.sleep(0)
                raise _PageHasGone
            if self._is_endless or not message.get("more_body", False):
                self._is_over.set()


class _Lifespan:
    """The lifespan of an application, in one task. `state`: what its requests are given; None where it has none."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] | None = None

    async def start(self) -> None:
        """Begin it. Raises `RuntimeError` where the application says that it failed; one that knows no lifespan raises
        before it says anything, and is served without."""
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self.state = {}
        scope = {"type": "lifespan", "asgi": _VERSION, "state": self.state}
        self._task = asyncio.ensure_future(self._app(scope, self._heard.get, self._told.put))
        await self._heard.put({"type": "lifespan.startup"})
        message = await self._next()
        if message is None:
            self._task, self.state = None, None
        elif message["type"] == "lifespan.startup.failed":
            await asyncio.wait([self._task])
            _look_at(self._task)  # it says the same, and its application has logged it
            raise RuntimeError(f"the application's lifespan failed: {message.get('message', '')}")

    async def stop(self) -> None:
        """End it. Raises what it raises, and `RuntimeError` where it says that it failed."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        await self._heard.put({"type": "lifespan.shutdown"})
        self._task = task
        message = await self._next()
        self._task = None
        await asyncio.wait([task])
        if message is not None and message["type"] == "lifespan.shutdown.failed":
            task.exception()
            raise RuntimeError(f"the application's lifespan failed at its end: {message.get('message', '')}")
        task.result()

    async def _next(self) -> Message | None:
        """What the application says next; None if it ends without a word."""
        assert self._task is not None
        saying = asyncio.ensure_future(self._told.get())
        await asyncio.wait([self._task, saying], return_when=asyncio.FIRST_COMPLETED)
        if not saying.done() and self._told.empty():
            saying.cancel()
            _look_at(self._task)
            return None
        return await saying


def _look_at(task: "asyncio.Task[None]") -> None:
    """Look at how a task ended, so that asyncio does not complain that nobody did."""
    if not task.cancelled():
        task.exception()


def scope_of(sent: SentRequest, lines: Lines, site: Site) -> dict[str, Any]:
    """The scope of a request."""
    path, _, query = site.target(sent).partition("?")
    return {
        "type": "http",
        "asgi": _VERSION,
        "http_version": "1.1",
        "method": sent.method,
        "scheme": site.address.scheme,
        "path": unquote(path, errors="surrogateescape"),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in lines],
        "client": ("127.0.0.1", 50000),
        "server": (site.address.host, site.port),
    }


def _text(value: bytes) -> str:
    return bytes(value).decode("latin-1")
