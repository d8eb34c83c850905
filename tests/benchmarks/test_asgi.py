"""The ASGI benchmarks: everybody gives the answer that is measured, and every scenario is measured."""

import asyncio
from itertools import islice
from typing import Any

import pytest

from benchmarks.asgi import floor, measure, ours, table
from benchmarks.results import Results
from benchmarks.scenarios import Scenario, with_exact_origins
from benchmarks.workload import asgi_app_with_2_headers, asgi_scope

ACTUAL = [scenario for scenario in with_exact_origins(10) if not scenario.outcome.is_preflight]


def headers_of(app: Any, scenario: Scenario) -> list[list[tuple[bytes, bytes]]]:
    answers: list[list[tuple[bytes, bytes]]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answers.append(sorted(message["headers"]))

    for request in islice(scenario.requests(), 3):
        asyncio.run(app(asgi_scope(request), receive, send))
    return answers


@pytest.mark.parametrize("scenario", [pytest.param(scenario, id=scenario.name) for scenario in ACTUAL])
def test_the_floor_answers_as_we_do(scenario: Scenario) -> None:
    app = asgi_app_with_2_headers
    assert headers_of(floor(app, scenario.rules.origins), scenario) == headers_of(ours(app, scenario.rules), scenario)


def test_everything_is_measured_in_one_run() -> None:
    results = Results({})
    measure(results, 0)
    [head, *rows] = table(results)
    assert head[:3] == ["scenario, ns added", "floor", "corecors"]
    assert [row[0].partition(",")[0] for row in rows] == [
        "no Origin",
        "allowed",
        "refused",
        "preflight allowed",
        "preflight refused",
    ]
    assert all(row[2] != "–" for row in rows)
    assert [row[1] != "–" for row in rows] == [True, True, True, False, False]
