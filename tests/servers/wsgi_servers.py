"""The WSGI servers that the tests run on: how each is started, and what it does to HTTP on the way.

The options given here only choose four threads or workers, a port and a quiet log; what a server does with headers is
what it does out of the box.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from servers.processes import Server, running

TESTS = Path(__file__).parents[1]
CONCURRENCY = 4  # threads or workers


class Command(Protocol):
    def __call__(self, port: int, application: str) -> Sequence[str]:
        """The program and its arguments that serve `application`, given as `module:name`, on a loopback port."""
        ...


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A WSGI server that may be installed here."""

    name: str
    module: str
    """What must be importable, or the program that must stand beside the interpreter."""
    command: Command
    keeps_alive: bool
    """Whether it answers several requests on one connection."""
    pipelines: bool = False
    """Whether it answers requests that came before the last one was answered."""
    closes_after_no_content: bool = False
    """Whether it ends the connection after a 204, which has no length to keep it open for (RFC 9110, 8.6)."""
    closes_late: bool = False
    """Whether it keeps a connection open after an answer that only its end can end, until it has waited for seconds."""
    drains_bodies: bool = True
    """Whether it reads a body that the application left unread, and goes on; otherwise it ends the connection."""
    reads_chunked: bool = True
    """Whether a chunked request body reaches an application that asks for it as `wsgi.input_terminated` allows."""
    processes: int = 1
    """How many processes run the application."""

    def missing(self) -> str | None:
        """What has to be installed first, if anything."""
        found = importlib.util.find_spec(self.module) or shutil.which(
            self.module, path=str(Path(sys.executable).parent)
        )
        return None if found else self.module

    @contextmanager
    def serving(self, application: str, folder: Path, **environment: str) -> Iterator[Server]:
        """Start it with `application` (`module:name`) and end it afterwards."""
        variables = {
            "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS / "support"))),
            "PYTHONSAFEPATH": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }
        with running(self.name, lambda port, _: self.command(port, application), folder, variables) as server:
            yield server


def gunicorn(worker: str, *options: str) -> Command:
    def command(port: int, application: str) -> Sequence[str]:
        return (
            *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", worker, *options),
            *("--no-control-socket", "--keep-alive", "30", "--graceful-timeout", "1", application),
        )

    return command


def waitress(port: int, application: str) -> Sequence[str]:
    return (sys.executable, "-m", "waitress", f"--listen=127.0.0.1:{port}", f"--threads={CONCURRENCY}", application)


def uwsgi(port: int, application: str) -> Sequence[str]:
    module, _, name = application.partition(":")
    return (
        *(
            str(Path(sys.executable).with_name("uwsgi")),
            "--http11-socket",
            f"127.0.0.1:{port}",
            "--virtualenv",
            sys.prefix,
        ),
        *(
            "--module",
            module,
            "--callable",
            name,
            "--need-app",
            "--single-interpreter",
            "--threads",
            str(CONCURRENCY),
            "--disable-logging",
            "--die-on-term",
        ),
    )


def granian(port: int, application: str) -> Sequence[str]:
    return (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--http", "1", "--no-ws", "--workers", "1", "--blocking-threads", str(CONCURRENCY), application),
    )


def serve_threaded(server: str) -> Command:
    def command(port: int, application: str) -> Sequence[str]:
        return (sys.executable, "-m", "servers.serve_threaded", server, str(port), application)

    return command


SERVERS = (
    ServerKind(
        "gunicorn-sync",
        "gunicorn",
        gunicorn("sync", "--workers", str(CONCURRENCY)),
        keeps_alive=False,
        processes=CONCURRENCY,
    ),
    ServerKind(
        "gunicorn-gthread",
        "gunicorn",
        gunicorn("gthread", "--threads", str(CONCURRENCY)),
        keeps_alive=True,
        pipelines=True,
    ),
    ServerKind("waitress", "waitress", waitress, keeps_alive=True, pipelines=True, closes_after_no_content=True),
    ServerKind("uwsgi", "uwsgi", uwsgi, keeps_alive=True, closes_late=True, drains_bodies=False, reads_chunked=False),
    ServerKind("granian", "granian", granian, keeps_alive=True, pipelines=True),
    ServerKind("werkzeug", "werkzeug", serve_threaded("werkzeug"), keeps_alive=False),
    ServerKind("wsgiref", "wsgiref", serve_threaded("wsgiref"), keeps_alive=False, reads_chunked=False),
)
