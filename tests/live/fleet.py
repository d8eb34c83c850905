"""Four workers of gunicorn and two of uvicorn that follow one store, and clients that watch every answer of theirs.

A tenant's record at version 7 has the origins "https://always.shop.example" and "https://v7.shop.example", a `max_age`
of 7, and header names that hold the 7 and the tenant's name: so an answer that mixes two versions, or two tenants, is
seen to.
"""

from __future__ import annotations

import os
import random
import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from live.waiting import until

from corecors.live import Store
from servers.http_connection import Answer, ask, request
from servers.processes import Server, running

TESTS = Path(__file__).parent.parent
WSGI_WORKERS, ASGI_WORKERS = 4, 2
WORKERS = WSGI_WORKERS + ASGI_WORKERS
TENANTS = ("shop.example", "news.example")
CLIENTS = 3
EVERYTHING_IMPORTABLE = {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS / "support")])}


def record(tenant: str, version: int) -> dict[str, Any]:
    return {
        "allow_origins": [always(tenant), f"https://v{version}.{tenant}"],
        "allow_headers": [f"X-V{version}", f"X-{tenant}"],
        "expose_headers": [f"X-V{version}", f"X-{tenant}"],
        "max_age": version,
    }


def always(tenant: str) -> str:
    """The origin that a tenant has in every version."""
    return f"https://always.{tenant}"


def gunicorn(place: str, *options: str, workers: int = WSGI_WORKERS) -> list[str]:
    bound = ["--bind", place, "--workers", str(workers), "--timeout", "120", "--no-control-socket"]
    return [sys.executable, "-m", "gunicorn", *bound, *options, "live.served_live:application"]


def uvicorn(*place: str, workers: int = ASGI_WORKERS) -> list[str]:
    options = ["--workers", str(workers), "--log-level", "warning", "--no-access-log"]
    return [sys.executable, "-m", "uvicorn", *place, *options, "live.served_live:asgi_application"]


class Fleet:
    """Servers whose workers follow `store`."""

    def __init__(self, store: Store, servers: Sequence[Server], told: Path) -> None:
        self.store = store
        self.servers = servers
        self._told = told
        self.written = dict.fromkeys(TENANTS, 0)
        self.in_force = dict.fromkeys(TENANTS, 0)  # in every worker

    def workers_at(self, tenant: str, version: int) -> dict[int, float]:
        """The workers in which a version of a tenant is in force, and since when."""
        found: dict[int, float] = {}
        if self._told.exists():
            for line in self._told.read_text().splitlines():
                worker, name, known, when = line.split()
                if name == tenant and int(known) == version:
                    found.setdefault(int(worker), float(when))
        return found

    def change(self, tenant: str) -> float:
        """Write the next version of a tenant; seconds until it was in force in the last of the workers."""
        version = self.written[tenant] = self.written[tenant] + 1
        self.store.put(tenant, record(tenant, version))
        written = time.time()
        until(lambda: len(self.workers_at(tenant, version)) == WORKERS, f"{tenant} at {version} in every worker")
        self.in_force[tenant] = version
        return max(self.workers_at(tenant, version).values()) - written


@contextmanager
def fleet(store: Store, url: str, folder: Path, **environment: str) -> Iterator[Fleet]:
    """Start the workers, and wait until each has its first state."""
    for tenant in TENANTS:
        store.put(tenant, record(tenant, 0))
    told = folder / "told"
    variables = {"LIVE_STORE": url, "LIVE_START": "1", "LIVE_TOLD": str(told), **EVERYTHING_IMPORTABLE, **environment}
    with (
        running("gunicorn", lambda port, _: gunicorn(f"127.0.0.1:{port}"), folder / "gunicorn", variables) as first,
        running("uvicorn", lambda port, _: uvicorn("--port", str(port)), folder / "uvicorn", variables) as second,
    ):
        made = Fleet(store, (first, second), told)
        for tenant in TENANTS:
            until(lambda tenant=tenant: len(made.workers_at(tenant, 0)) == WORKERS, "every worker")  # type: ignore[misc]
        yield made
        for server in made.servers:
            assert "Traceback" not in server.log(), server.log()[-3000:]


class Watch:
    """Clients that ask all servers for all tenants without a pause. What is wrong with an answer is in `faults`."""

    def __init__(self, watched: Fleet) -> None:
        self._fleet = watched
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(CLIENTS)]
        self.faults: list[str] = []
        self.asked = 0
        self.seen: set[tuple[str, str]] = set()  # workers, and what they answered

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self, seed: int) -> None:
        chosen = random.Random(seed)
        last: dict[tuple[str, str], int] = {}
        while not self._done.is_set() and len(self.faults) < 10:
            try:
                self._ask(chosen, last)
            except Exception as error:  # no request may fail
                self.faults.append(repr(error))
            self.asked += 1

    def _ask(self, chosen: random.Random, last: dict[tuple[str, str], int]) -> None:
        port = chosen.choice(self._fleet.servers).port
        tenant, other = chosen.sample(TENANTS, 2)
        least = self._fleet.in_force[tenant]
        exact = f"https://v{self._fleet.written[tenant]}.{tenant}"
        origin = chosen.choice([always(tenant), exact, always(other)])
        if chosen.random() < 0.3:
            answer = _preflight(port, tenant, origin)
            version = _version_of(answer.header("Access-Control-Allow-Headers"), tenant)
            if version is not None and answer.header("Access-Control-Max-Age") != str(version):
                self.faults.append(f"{tenant}, {origin}: a mixture: {answer.headers}")
        else:
            answer = ask(port, request("GET", "/", [("Host", tenant), ("Origin", origin), ("Connection", "close")]))
            version = _version_of(answer.header("Access-Control-Expose-Headers"), tenant)
            worker = answer.header("X-Worker") or ""
            if version is not None and version < last.get((worker, tenant), 0):
                self.faults.append(f"{tenant}, {origin}: back to {version} in {worker}")
            last[worker, tenant] = max(last.get((worker, tenant), 0), version or 0)
            self.seen.add((worker, tenant))
        allowed = answer.header("Access-Control-Allow-Origin")
        wrong = (
            (allowed is not None and allowed != origin)
            or (allowed is None) != (version is None)
            or (version is not None and version < least)
            or (origin == always(other) and allowed is not None)
            or (origin == always(tenant) and allowed is None)
            or (origin == exact and version is not None and f"v{version}." not in origin)
        )
        if wrong:
            self.faults.append(f"{tenant}, {origin}, at least {least}: {answer.status} {answer.headers}")


def _preflight(port: int, tenant: str, origin: str) -> Answer:
    asked = [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", f"x-{tenant}")]
    return ask(port, request("OPTIONS", "/", [("Host", tenant), ("Origin", origin), *asked, ("Connection", "close")]))


def _version_of(names: str | None, tenant: str) -> int | None:
    """The version that a list of header names tells of. Fails where it is not that of one version of this tenant."""
    if names is None:
        return None
    found = re.fullmatch(rf"X-V([0-9]+), X-{re.escape(tenant)}", names)
    assert found is not None, f"{names!r} for {tenant}"
    return int(found[1])
