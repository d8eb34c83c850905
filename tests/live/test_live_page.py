"""The recipes of docs/live.md are run as they stand there."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors import Policy, PolicyError
from corecors.live import LivePolicies

PAGE = (Path(__file__).parents[2] / "docs" / "live.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
A = "https://a.example"


def block(text: str) -> str:
    """The one block of Python that holds `text`."""
    (found,) = [each for each in BLOCKS if text in each]
    return found


@pytest.fixture
def policies(memory: MemoryStore, follow: Callable[..., LivePolicies]) -> LivePolicies:
    made = follow(memory, base=Policy(allow_credentials=True))
    assert made.wait_ready(LONG)
    return made


WRONG = {"value": "https://a.example/", "message": "has a trailing slash", "fix": A}


def test_the_admin_page_of_flask(policies: LivePolicies, memory: MemoryStore) -> None:
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)
    names = {"app": app, "policies": policies, "current_tenant": lambda: "shop", "PolicyError": PolicyError}
    exec(block("request.get_json()"), {**names, "request": flask.request})
    client = app.test_client()
    refused = client.put("/settings/origins", json=["https://a.example/"])
    assert (refused.status_code, refused.get_json()) == (422, {"problems": [WRONG]})
    assert memory.records == {}
    assert client.put("/settings/origins", json=[A]).status_code == 204
    assert memory.records == {"shop": f'{{"allow_origins":["{A}"]}}'}


def test_the_health_check_is_ready_without_the_store(policies: LivePolicies, memory: MemoryStore) -> None:
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)
    exec(block('@app.get("/ready")'), {"app": app, "policies": policies})
    assert app.test_client().get("/ready").status_code == 200
    memory.failure = OSError("gone")
    until(lambda: not policies.status().connected)
    assert app.test_client().get("/ready").status_code == 200


def test_the_metrics_of_prometheus(policies: LivePolicies, memory: MemoryStore) -> None:
    client = pytest.importorskip("prometheus_client")
    metrics = pytest.importorskip("prometheus_client.core")
    names: dict[str, Any] = {
        "policies": policies,
        "math": math,
        "GaugeMetricFamily": metrics.GaugeMetricFamily,
    }
    exec(block("class FollowerCollector"), names)
    registry = client.CollectorRegistry()
    registry.register(names["FollowerCollector"]())
    assert registry.get_sample_value("cors_store_connected") == 1
    memory.unchecked("shop", "garbage")
    until(lambda: registry.get_sample_value("cors_tenants_refused") == 1)
    memory.failure = OSError("gone")
    until(lambda: registry.get_sample_value("cors_store_connected") == 0)
    assert (registry.get_sample_value("cors_store_age_seconds") or 0) > 0


def test_the_admin_page_of_fastapi(policies: LivePolicies, memory: MemoryStore) -> None:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()
    names = {"app": app, "policies": policies, "current_tenant": lambda: "shop", "PolicyError": PolicyError}
    exec(block("raise HTTPException(422"), {**names, "HTTPException": fastapi.HTTPException})

    async def put(origins: list[str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return await client.put("/settings/origins", json=origins)

    refused = asyncio.run(put(["https://a.example/"]))
    assert (refused.status_code, refused.json()) == (422, {"detail": [WRONG]})
    assert asyncio.run(put([A])).status_code == 200
    assert memory.records == {"shop": f'{{"allow_origins":["{A}"]}}'}


FAULTS = {  # each row of the page, and the tests that do it
    "PostgreSQL or Redis killed with SIGKILL": ["test_a_server_that_is_killed"],
    "restarted": ["test_a_server_that_is_restarted"],
    "frozen with SIGSTOP: connections stay open": ["test_a_server_that_is_frozen_holds_up_nobody"],
    "all connections ended by an administrator": ["test_all_connections_are_ended_by_an_administrator"],
    "the network link of one host cut": ["test_a_link_that_is_cut_and_comes_back"],
    "a worker killed during that": ["test_a_link_that_is_cut_and_comes_back"],
    "every notification lost": [
        "test_every_notification_is_lost",
        "test_a_change_reaches_every_worker_though_every_notification_is_lost",
    ],
    "tables dropped, Redis flushed": ["test_a_store_whose_tables_are_gone"],
    "all rows removed by hand": ["test_rows_that_are_removed_by_hand_are_removed"],
    "garbage written by hand": ["test_garbage_that_was_written_by_hand"],
    "an older backup restored, then written to": ["test_an_older_backup_that_is_restored_and_written_to"],
    "a follower that hangs in a call": [
        "test_a_follower_that_hangs_is_one_error_and_is_cut_loose",
        "test_after_serve_stale_for_default_governs_though_the_follower_hangs",
    ],
    "the store gone at the start": [
        "test_a_start_without_the_store_serves_the_snapshot",
        "test_a_start_without_the_store_and_without_a_snapshot_is_loud",
    ],
    "the snapshot damaged": ["test_a_damaged_one_is_refused_said_so_and_replaced"],
    "the snapshot's place not writable": ["test_a_place_that_cannot_be_written_stops_nothing"],
    "a file half written": ["test_a_directory_as_kubernetes_mounts_a_config_map"],
    "a query that raises": ["test_a_query_of_an_application_fails"],
    "a worker forked behind Python's back (uWSGI)": ["test_every_worker_follows"],
}


def test_every_fault_of_the_page_is_a_test() -> None:
    (_, table) = PAGE.split("\n## Faults\n")
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    assert [row[0] for row in rows] == list(FAULTS)
    assert {len(row) for row in rows} == {4}
    there = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert [name for names in FAULTS.values() for name in names if f"def {name}(" not in there] == []


def test_every_block_is_python() -> None:
    assert len(BLOCKS) >= 9
    for each in BLOCKS:
        compile(each, "live.md", "exec")
