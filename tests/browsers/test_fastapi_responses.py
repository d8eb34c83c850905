"""What FastAPI answers, read by a page in a real browser: with CORS everything, with Starlette's own middleware
everything but what docs/migrating.md lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from doc_examples import MIGRATING
from readable_fastapi import CASES, application

from .asgi_sites import serving_asgi
from .scripted import READS, ScriptedPages, scripted_pages

if TYPE_CHECKING:
    from .engines import Engine

HOST = "app.localhost"
STATUS = {
    "a view that raises: the 500": 500,
    "a dependency that raises: the 500": 500,
    "authentication added after it: the 401, and the preflight that it refused": 401,
    "the same with a preflight": 200,
    "a body beyond `max_body_size`: the 413": 413,
    "a mounted application": 200,
    "a validation error": 422,
    "an HTTPException": 403,
}


@pytest.fixture(scope="module")
def pages() -> Iterator[ScriptedPages]:
    with scripted_pages(READS) as served:
        yield served


def read(engine: Engine, pages: ScriptedPages, door: str, host: str) -> dict[str, Any]:
    """The status that a page on `host` reads in each case, or the error's name."""
    app = application(door, f"http://{HOST}:{pages.port}")
    raised: list[str] = []  # by the views, on purpose
    with serving_asgi(app, raised) as port:
        jobs = [
            {"url": f"http://api.localhost:{port}{path}", "method": method, "headers": headers}
            | ({"body": body.decode()} if body else {})
            for method, path, headers, body in CASES.values()
        ]
        outcomes = pages.outcomes(engine, host, jobs)
    return {case: outcome[0] for case, outcome in zip(CASES, outcomes, strict=True)}


def test_a_page_from_an_allowed_origin_reads_every_response(engine: Engine, pages: ScriptedPages) -> None:
    assert read(engine, pages, "ours", HOST) == STATUS


def test_a_page_from_another_origin_reads_none(engine: Engine, pages: ScriptedPages) -> None:
    assert read(engine, pages, "ours", "stranger.localhost") == dict.fromkeys(CASES, "TypeError")


def test_what_starlettes_own_middleware_keeps_from_the_page_is_listed(engine: Engine, pages: ScriptedPages) -> None:
    seen = read(engine, pages, "starlette", HOST)
    kept = {case for case, status in seen.items() if status == "TypeError"}
    assert {case: status for case, status in seen.items() if case not in kept} == {
        case: status for case, status in STATUS.items() if case not in kept
    }
    section = MIGRATING.partition("## Starlette, FastAPI")[2].partition("\n## ")[0]
    assert set(re.findall(r"^- (.*)$", section, re.MULTILINE)) == kept - {"the same with a preflight"}
    assert "the same with a preflight" in kept
