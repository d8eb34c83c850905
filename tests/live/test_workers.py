"""Real workers on one machine follow a change, with notifications and without, and no client ever sees a mixture.

CORECORS_LIVE_CHANGES is the number of changes; from 200 on, which is what the page promises, seconds count as well.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from live.conftest import make_store, url_of
from live.fleet import TENANTS, WORKERS, Watch, fleet

from servers.availability import leave_out

CHANGES = int(os.environ.get("CORECORS_LIVE_CHANGES", "12"))
IS_LONG = CHANGES >= 200
TOLD_SECONDS = 1.0  # at p99, from a write until it is in force in every worker
STALENESS = 1.0


@pytest.fixture(params=["postgresql", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    for needed in ("gunicorn", "uvicorn"):
        if find_spec(needed) is None:
            leave_out(f"{needed} is not installed")
    found: str = request.param
    return found


def watched(kind: str, request: pytest.FixtureRequest, tmp_path: Path, **environment: str) -> list[float]:
    """Make changes while clients watch; seconds that each took."""
    store = make_store(kind, request, tmp_path)
    url = url_of(request.getfixturevalue(f"{kind}_server"), kind)
    with fleet(store, url, tmp_path, **environment) as started, Watch(started) as watch:
        took = [started.change(TENANTS[number % len(TENANTS)]) for number in range(CHANGES)]
    assert watch.faults == []
    assert watch.asked > CHANGES
    assert len({worker for worker, _ in watch.seen}) == WORKERS
    return sorted(took)


def test_a_change_is_told_to_every_worker(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    took = watched(kind, request, tmp_path, LIVE_STALENESS="600")  # so that nothing but a notification can help
    if IS_LONG:
        assert took[int(len(took) * 0.99)] <= TOLD_SECONDS


def test_a_change_reaches_every_worker_though_every_notification_is_lost(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    took = watched(kind, request, tmp_path, LIVE_STALENESS=str(STALENESS), LIVE_DEAF="1")
    if IS_LONG:
        assert took[-1] <= STALENESS + 1.0
