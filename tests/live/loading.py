"""What clients of a real server see while its follower reads a large store for the first time."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from live.fleet import EVERYTHING_IMPORTABLE, gunicorn
from live.growth import filled

from servers.http_connection import ask, request
from servers.processes import running

WAIT = 900.0  # seconds
PAUSE = 0.002  # seconds between two requests, so that the client leaves the server a processor


def measure_loading(tenants: int) -> Iterator[tuple[str, ...]]:
    folder = Path(tempfile.mkdtemp(prefix="corecors-loading-"))
    try:
        filled(folder, tenants)
        variables = {"LIVE_STORE": f"sqlite:///{folder / 'tenants.db'}", "LIVE_STALENESS": "5", **EVERYTHING_IMPORTABLE}
        with running(
            "gunicorn", lambda port, _: gunicorn(f"127.0.0.1:{port}", workers=1), folder / "gunicorn", variables
        ) as server:
            loading = _asked(server.port, f", {tenants} tenants", WAIT)
            idle = _asked(server.port, "never", min(30.0, sum(loading) * 3))
            assert "Traceback" not in server.log(), server.log()[-3000:]
    finally:
        shutil.rmtree(folder)
    for name, took in ((f"while {tenants:,} tenants are read", loading), ("while nothing is read", idle)):
        yield (
            f"{len(took):,} {name}",
            *(f"{took[min(len(took) - 1, int(len(took) * part))] * 1e3:.1f} ms" for part in (0.5, 0.99, 1.0)),
        )


def _asked(port: int, until: str, seconds: float) -> list[float]:
    """Seconds of each of many requests, sorted; made until the worker's state says `until`, or time is over."""
    found = []
    end = time.monotonic() + seconds
    asked = request("GET", "/", [("Host", "t5"), ("Origin", "https://app0.customer5.example"), ("Connection", "close")])
    while time.monotonic() < end:
        start = time.perf_counter()
        answer = ask(port, asked)
        found.append(time.perf_counter() - start)
        assert answer.status == 200
        if until in (answer.header("X-State") or ""):
            return sorted(found)
        time.sleep(PAUSE)
    assert until == "never", "the store was not read in time"
    return sorted(found)
