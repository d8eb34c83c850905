"""The ASGI servers that the tests run on: how each is started. Their options choose a port and a quiet log alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from servers.wsgi_servers import Command, ServerKind


@dataclass(frozen=True, slots=True)
class AsgiServerKind(ServerKind):
    """An ASGI server that may be installed here."""

    speaks_http2: bool = False
    """Whether it is asked in HTTP/2, which it is told in advance."""
    waits_for_clients: bool = True
    """Whether `send` waits while the client has not read what was sent."""


def uvicorn(protocol: str) -> Command:
    def command(port: int, application: str) -> Sequence[str]:
        return (
            *(sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--http", protocol),
            *("--log-level", "warning", "--no-access-log", application),
        )

    return command


def hypercorn(port: int, application: str) -> Sequence[str]:
    return (sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "--graceful-timeout", "1", application)


def granian(port: int, application: str) -> Sequence[str]:
    return (
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--http", "1", "--workers", "1", application),
    )


def daphne(port: int, application: str) -> Sequence[str]:
    return (sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0", application)


ASGI_SERVERS = (
    AsgiServerKind("uvicorn-h11", "uvicorn", uvicorn("h11"), keeps_alive=True),
    AsgiServerKind("uvicorn-httptools", "httptools", uvicorn("httptools"), keeps_alive=True),
    AsgiServerKind("hypercorn", "hypercorn", hypercorn, keeps_alive=True),
    AsgiServerKind("hypercorn-http2", "hypercorn", hypercorn, keeps_alive=True, speaks_http2=True),
    AsgiServerKind("granian-asgi", "granian", granian, keeps_alive=True),
    AsgiServerKind("daphne", "daphne", daphne, keeps_alive=True, waits_for_clients=False),
)
