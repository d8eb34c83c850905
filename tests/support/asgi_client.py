"""Requests to an ASGI application in this process, with one pair for each header line that comes back.

No server and no event loop's clock is needed: an application that awaits nothing but `receive` and `send` runs to its
end by itself. Whatever a server would refuse to send is an `AssertionError` here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from scenarios import Answer, Headers

Scope = dict[str, Any]
Message = dict[str, Any]
Application = Callable[..., Awaitable[None]]


class Exchange(NamedTuple):
    """What an application sent, and how often it asked for what the client sends."""

    messages: list[Message]
    received: int

    @property
    def answer(self) -> Answer:
        """The response, as a server would send it."""
        return answer_of(self.messages)


def scope_of(method: str, target: str, headers: Headers = (), **more: Any) -> Scope:
    """The scope of a request. `target` is a path that is decoded already, and a query; header names become lower case,
    as servers make them."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        **more,
    }


def handshake(target: str, headers: Headers = (), *, can_deny: bool = True, **more: Any) -> Scope:
    """The scope of a WebSocket's handshake; `can_deny`: whether the server can answer it with a status of its own."""
    scope = scope_of("GET", target, headers, **more)
    del scope["method"]
    extensions = {"websocket.http.response": {}} if can_deny else {}
    return {**scope, "type": "websocket", "scheme": "ws", "subprotocols": [], "extensions": extensions}


async def exchange(app: Application, scope: Scope, body: bytes = b"") -> Exchange:
    """Run one request to its end. What the application raises is raised."""
    first = {"type": "websocket.connect"} if scope["type"] == "websocket" else request_message(body)
    waiting: list[Message] = [first]
    sent: list[Message] = []
    received = 0

    async def receive() -> Message:
        nonlocal received
        received += 1
        gone = "websocket.disconnect" if scope["type"] == "websocket" else "http.disconnect"
        return waiting.pop(0) if waiting else {"type": gone}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Exchange(sent, received)


def run(app: Application, scope: Scope, body: bytes = b"") -> Exchange:
    return asyncio.run(exchange(app, scope, body))


def send(app: Application, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Answer:
    """One request and its answer, also where the application fails after it has answered, as frameworks do to tell
    their server."""
    return call(app, scope_of(method, target, headers), body)


def call(app: Application, scope: Scope, body: bytes = b"") -> Answer:
    sent: list[Message] = []

    async def recording(inner_scope: Scope, receive: Any, inner_send: Any) -> None:
        async def keep(message: Message) -> None:
            sent.append(message)

        await app(inner_scope, receive, keep)

    try:
        run(recording, scope, body)
    except Exception:
        if not sent:
            raise
    return answer_of(sent)


def request_message(body: bytes) -> Message:
    return {"type": "http.request", "body": body, "more_body": False}


def answer_of(messages: Iterable[Message]) -> Answer:
    starts = [message for message in messages if message["type"] == "http.response.start"]
    assert len(starts) == 1, f"{len(starts)} responses were started"
    lines = []
    for name, value in starts[0].get("headers", ()):
        assert type(name) is bytes
        assert type(value) is bytes
        lines.append((name.decode("latin-1"), value.decode("latin-1")))
    body = b"".join(message.get("body", b"") for message in messages if message["type"] == "http.response.body")
    return Answer(starts[0]["status"], tuple(lines), body)


def values(answer: Answer, name: str) -> list[str]:
    """The values of each header line of that name."""
    return [value for each, value in answer.headers if each.lower() == name.lower()]


def answering(status: int, *headers: tuple[str, str], body: bytes = b"") -> Application:
    """An application that always answers like this."""
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": list(lines)})
        await send({"type": "http.response.body", "body": body})

    return app
