"""What an application says about CORS, asked in this process, for preflights only, so that none of its views runs.

A policy may sit in a middleware, an extension, a decorator of a view or a table of settings; which one governs is the
business of the framework's own routing. So the application is asked, in the way in which a server would ask it.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from corecors import Policy, PolicySource
from corecors._decisions.headers import (
    ALLOW_CREDENTIALS,
    ALLOW_ORIGIN,
    ORIGIN,
    PREFLIGHT_METHOD,
    REQUEST_METHOD,
    VARY,
)
from corecors.browser import Received, SentRequest
from corecors.cli.terminal import Unusable
from corecors.testing.kinds import is_aiohttp, is_asgi, takes_requests

HOST = "api.invalid"  # RFC 2606: nobody's; nothing is sent anywhere
Pairs = list[tuple[str, str]]
LOGGER = "corecors"  # where refusals are logged, with the reason


class Application:
    """An application that is asked for its answer to preflights.

    Attributes: `app`, itself; `said`, what it logged about the last one that it refused.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self._client: Any = None  # of an aiohttp application
        self._runner: asyncio.Runner | None = None  # one loop for all that is asked: aiohttp insists on it
        self.said: str = ""

    def close(self) -> None:
        """Stop what was started to ask."""
        if self._runner is not None:
            if self._client is not None:
                self._runner.run(self._client.close())
            self._runner.close()

    def answer(self, sent: SentRequest, path: str) -> Received:
        """Its answer to `sent`; of a request that is not a preflight, what its preflight says of the origin."""
        if sent.preflight:
            return self._ask(path, sent.headers)
        lines = [(ORIGIN, sent.get(ORIGIN) or ""), (REQUEST_METHOD, sent.method)]
        received = self._ask(path, lines)
        kept = [
            line for line in received.headers if line[0].lower() in (ALLOW_ORIGIN.lower(), ALLOW_CREDENTIALS.lower())
        ]
        # The other names in it are those of a preflight's own headers.
        varies = ORIGIN.lower() in (received.get(VARY) or "").lower().replace(",", " ").split()
        return Received(200, [*kept, *([(VARY, ORIGIN)] if varies else [])])

    def _ask(self, path: str, headers: Iterable[tuple[str, str]]) -> Received:
        handler = _Noting()
        logger = logging.getLogger(LOGGER)
        logger.addHandler(handler)
        propagated, logger.propagate = logger.propagate, False
        try:
            received = self._asked(path, list(headers))
        except Exception as error:  # whatever the application does
            words = " ".join(f"{type(error).__name__}: {error}".split())
            raise Unusable(f"the application fails when it is asked for a preflight of {path}: {words}") from None
        finally:
            logger.propagate = propagated
            logger.removeHandler(handler)
        self.said = handler.messages[-1] if handler.messages else ""
        return received

    def _asked(self, path: str, headers: Pairs) -> Received:
        needs_a_server = is_aiohttp(self.app)
        if not needs_a_server and not is_asgi(self.app):
            return _over_wsgi(self.app, path, headers)
        if self._runner is None:
            self._runner = asyncio.Runner()
        if not needs_a_server:
            return self._runner.run(_over_asgi(self.app, path, headers))
        if self._client is None:
            self._client = self._runner.run(_started(self.app))
        return self._runner.run(_over_aiohttp(self._client, path, headers))


class _Noting(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def application_in(found: Any) -> "Policy | PolicySource | Application | None":
    """What `found` is: a policy, a source of them, an application; None for anything else."""
    if isinstance(found, Policy) or (callable(getattr(found, "policy_for", None)) and not isinstance(found, type)):
        governing: Policy | PolicySource = found
        return governing
    if is_aiohttp(found) or (callable(found) and not isinstance(found, type) and takes_requests(found)):
        return Application(found)
    return None


def _over_wsgi(app: Any, path: str, headers: Pairs) -> Received:
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    builder = EnvironBuilder(path=quote(path), base_url=f"https://{HOST}/", method=PREFLIGHT_METHOD, headers=headers)
    _, status, lines = run_wsgi_app(app, builder.get_environ(), buffered=True)
    return Received(int(status.split(" ", 1)[0]), lines.items())


async def _over_asgi(app: Any, path: str, headers: Pairs) -> Received:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": PREFLIGHT_METHOD,
        "scheme": "https",
        "path": path,
        "raw_path": quote(path).encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in [("host", HOST), *headers]],
        "client": ("127.0.0.1", 50000),
        "server": (HOST, 443),
    }
    sent: list[Any] = []

    request = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in request:
            return message
        forever: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        return await forever  # the client stays until it has its answer

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    lines = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in start["headers"]]
    return Received(start["status"], lines)


async def _started(app: Any) -> Any:
    """A client of an aiohttp application, which nothing else can ask: it listens on loopback."""
    from aiohttp.test_utils import TestClient, TestServer

    client: Any = TestClient(TestServer(app))
    await client.start_server()
    return client


async def _over_aiohttp(client: Any, path: str, headers: Pairs) -> Received:
    answer = await client.request(PREFLIGHT_METHOD, quote(path), headers=headers)
    return Received(answer.status, list(answer.headers.items()))
