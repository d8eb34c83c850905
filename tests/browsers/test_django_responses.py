"""What Django answers, read by a page in a real browser: nothing is hidden from a page of an allowed origin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from servers.availability import leave_out
from servers.wsgi_servers import ServerKind, gunicorn

from .scripted import READS, scripted_pages

if TYPE_CHECKING:
    from pathlib import Path

    from servers.processes import Server

    from .engines import Engine

READ = [
    ("a view", {"url": "/ok"}, [200, None, True]),
    ("after a preflight", {"url": "/ok", "method": "PUT"}, [200, None, True]),
    ("404", {"url": "/nowhere"}, [404, None, True]),
    ("500", {"url": "/broken"}, [500, None, True]),
    ("500 of an async view", {"url": "/broken-async"}, [500, None, True]),
    ("a CSRF failure", {"url": "/form", "method": "POST"}, [403, None, True]),
    ("the redirect of APPEND_SLASH", {"url": "/slash"}, [200, None, True]),
    ("a host that is not allowed", {"url": "http://localhost:{port}/ok"}, [400, None, True]),
    ("a stream", {"url": "/stream"}, [200, None, True]),
    ("an async stream", {"url": "/async-stream"}, [200, None, True]),
    ("a file", {"url": "/file"}, [200, None, True]),
    ("a part of a file", {"url": "/range", "headers": {"Range": "bytes=0-9"}}, [206, "bytes 0-9/*", True]),
]


def uvicorn(port: int, application: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "critical", application)


KINDS = {
    "WSGI": (ServerKind("gunicorn", "gunicorn", gunicorn("gthread", "--threads", "4"), True), "application"),
    "ASGI": (ServerKind("uvicorn", "uvicorn", uvicorn, True), "asgi_application"),
}


@pytest.fixture(scope="module", params=["WSGI", "ASGI"])
def server_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture(scope="module", params=["0", "1"], ids=["DEBUG off", "DEBUG on"])
def django(
    request: pytest.FixtureRequest, server_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    kind, application = KINDS[server_kind]
    if missing := kind.missing():
        leave_out(f"{kind.name} needs {missing}, which is not installed")
    folder: Path = tmp_path_factory.mktemp("django")
    served = f"servers.served_django_responses:{application}"
    with kind.serving(served, folder, DJANGO_DEBUG=request.param) as running:
        yield running


def outcomes(engine: Engine, host: str, port: int) -> list[Any]:
    """What a page on `host` reads of the Django server on `port`."""
    jobs = []
    for _, job, _ in READ:
        url = job["url"].format(port=port)
        jobs.append({**job, "url": url if "://" in url else f"http://127.0.0.1:{port}{url}"})
    with scripted_pages(READS) as pages:
        return pages.outcomes(engine, host, jobs)


def test_a_page_from_an_allowed_origin_reads_every_response(engine: Engine, django: Server) -> None:
    got = outcomes(engine, "127.0.0.1", django.port)
    assert [(name, seen) for (name, _, wanted), seen in zip(READ, got, strict=True) if seen != wanted] == []


def test_a_page_from_another_origin_reads_none(engine: Engine, django: Server) -> None:
    assert outcomes(engine, "localhost", django.port) == [["TypeError"]] * len(READ)
