"""Prometheus scrapes a running gunicorn: the recipe of docs/production.md counts what was decided there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from servers.availability import leave_out
from servers.http_connection import ask, request
from servers.processes import Server
from servers.wsgi_servers import SERVERS

ALLOWED = "https://app.example.com"
PREFLIGHT = "Access-Control-Request-Method"


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gunicorn of one process: with several, prometheus_client has to be told where they meet."""
    kind = next(kind for kind in SERVERS if kind.name == "gunicorn-gthread")
    if missing := kind.missing():
        leave_out(f"metrics need {missing}, which is not installed")
    if find_spec("prometheus_client") is None:
        leave_out("metrics need prometheus-client, which is not installed")
    with kind.serving("servers.served_metrics:application", tmp_path_factory.mktemp("metrics")) as server:
        yield server


def scrape(server: Server) -> dict[tuple[str, str], float]:
    """The counters by kind and reason, read as Prometheus reads them."""
    from prometheus_client.parser import text_string_to_metric_families

    answer = ask(server.port, request("GET", "/metrics", [("Accept", "text/plain;version=0.0.4")]))
    assert answer.status == 200
    assert str(answer.header("Content-Type")).startswith("text/plain")
    samples = [
        sample
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
        if sample.name == "cors_decisions_total"
    ]
    assert all(set(sample.labels) == {"kind", "reason"} for sample in samples)
    return {(sample.labels["kind"], sample.labels["reason"]): sample.value for sample in samples}


def test_a_scrape_shows_what_was_decided(served: Server) -> None:
    before = scrape(served)
    ask(served.port, request("GET", "/"))
    for _ in range(3):
        assert ask(served.port, request("GET", "/", [("Origin", ALLOWED)])).body == b"hello"
    for number in range(5):
        ask(served.port, request("GET", "/", [("Origin", f"https://evil{number}.example")]))
    ask(served.port, request("OPTIONS", "/", [("Origin", ALLOWED), (PREFLIGHT, "PUT")]))
    ask(served.port, request("OPTIONS", "/", [("Origin", ALLOWED), (PREFLIGHT, "DELETE")]))
    after = scrape(served)
    assert {key: count - before.get(key, 0) for key, count in after.items()} == {
        ("not_cors", "not_cors"): 1,
        ("actual", "origin_allowed"): 3,
        ("actual", "origin_not_allowed"): 5,
        ("preflight", "preflight_passed"): 1,
        ("preflight", "method_not_allowed"): 1,
    }


def test_many_origins_make_no_more_time_series(served: Server) -> None:
    for number in range(50):
        ask(served.port, request("GET", "/", [("Origin", f"https://host{number}.example")]))
    ask(served.port, request("GET", "/", [("Origin", "HTTPS://UPPER.example")]))
    assert set(scrape(served)) == {
        ("not_cors", "not_cors"),  # the question whether the server is up
        ("actual", "origin_not_allowed"),
        ("actual", "origin_malformed"),
    }
