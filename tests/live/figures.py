"""What following costs, measured on this machine: `python tests/live/figures.py` writes docs/live-results.md.

A figure is of one run, on whatever machine it was made; nothing in the tests depends on one.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "support")]

from live.database_servers import postgresql, redis  # noqa: E402  # found by the line above

from corecors import CORSRequest, PathPolicies, Policy  # noqa: E402
from corecors.live import LivePolicies, RedisSource, SQLSource, by_path_segment  # noqa: E402

RESULTS = Path(__file__).parents[2] / "docs" / "live-results.md"
TENANTS, ORIGINS_OF_ONE = 100_000, 10
CHANGES, PROCESSES = 200, 6
ONE = "https://changed-{}.example"


def resident() -> float:
    """Megabytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def percentile(values: list[float], which: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * which))]


def cost(call: Callable[[], object], times: int = 2_000) -> float:
    """Microseconds of one call: the fastest of several rounds, which a busy machine disturbs least."""
    rounds = []
    for _ in range(100):
        start = time.perf_counter()
        for _ in range(times):
            call()
        rounds.append((time.perf_counter() - start) / times * 1e6)
    return min(rounds)


def record(number: int, version: int = 0) -> dict[str, list[str]]:
    return {
        "allow_origins": [f"https://app{part}-{version}.customer{number}.example" for part in range(ORIGINS_OF_ONE)]
    }


def requests_while(policies: LivePolicies, until: Callable[[], bool]) -> list[float]:
    """Microseconds of each of many requests, made until something has happened."""
    request = CORSRequest("GET", "/t5/x", origin="https://app1-0.customer5.example")
    found = []
    while not until():
        start = time.perf_counter()
        policies.policy_for(request)
        found.append((time.perf_counter() - start) * 1e6)
        time.sleep(0.0005)
    return found


def large(folder: Path) -> Iterator[tuple[str, str]]:
    source = SQLSource(f"sqlite:///{folder / 'tenants.db'}")
    source.init()
    start = time.perf_counter()
    source.put_all({f"t{number}": record(number) for number in range(TENANTS)})
    yield (
        f"writing {TENANTS:,} tenants with {TENANTS * ORIGINS_OF_ONE:,} origins to SQLite",
        f"{time.perf_counter() - start:.1f} s",
    )
    gc.collect()
    before = resident()
    snapshot = folder / "snapshot.db"
    changed = threading.Event()
    with LivePolicies(
        source, tenant=by_path_segment(1), max_staleness=1.0, snapshot=snapshot, on_change=lambda names: changed.set()
    ) as policies:
        start = time.perf_counter()
        policies.start()
        loading = requests_while(policies, lambda: policies.status().ready)
        yield "first load", f"{time.perf_counter() - start:.1f} s"
        yield "memory that it added", f"{resident() - before:.0f} MB"
        while not snapshot.exists() or policies.status().age is None or policies.status().age > 0.9:  # type: ignore[operator]
            time.sleep(0.05)
        idle_until = time.perf_counter() + 5.0
        idle = requests_while(policies, lambda: time.perf_counter() > idle_until)
        yield "a request's look-up at p99, follower idle", f"{percentile(idle, 0.99):.0f} µs"
        yield "a request's look-up at p99, during the first load", f"{percentile(loading, 0.99):.0f} µs"
        times = []
        for number in range(5):
            changed.clear()
            source.put("t5", record(5, number + 1))
            start = time.perf_counter()
            policies.look_now()
            changed.wait(60.0)
            times.append(time.perf_counter() - start)
        yield "one change, from the look at the store until it is in force", f"{statistics.median(times) * 1e3:.1f} ms"
        request = CORSRequest("GET", "/t5/x", origin="https://app1-0.customer5.example")
        live = cost(lambda: policies.policy_for(request))
        paths = PathPolicies({f"/t{number}": Policy() for number in range(1000)})
        fixed = cost(lambda: paths.policy_for(request))
        yield "a request's look-up: PathPolicies", f"{fixed:.2f} µs"
        yield "a request's look-up: LivePolicies, by_path_segment", f"{live:.2f} µs ({live / fixed:.2f} times)"
    with LivePolicies(source, max_staleness=1.0) as by_host:
        by_host.wait_ready(600.0)
        asked = CORSRequest("GET", "/", host="t5:8000", origin="https://app1-0.customer5.example")
        live = cost(lambda: by_host.policy_for(asked))
        yield "a request's look-up: LivePolicies, by_host", f"{live:.2f} µs ({live / fixed:.2f} times)"


def _follow(make: Callable[[], Any], ready: Any, seen: Any, stop: Any, max_staleness: float) -> None:
    def changed(names: tuple[str, ...]) -> None:
        found = policies.policy_for(CORSRequest("GET", host="shop"))
        assert isinstance(found, Policy)
        seen.put((found.allow_origins[0], time.time()))

    with LivePolicies(make(), max_staleness=max_staleness, on_change=changed) as policies:
        policies.wait_ready(60.0)
        ready.release()
        stop.wait()


def spread(make: Callable[[], Any], changes: int, max_staleness: float) -> list[float]:
    """Seconds from a write to its being in force in all of several processes, for each change."""
    source = make()
    source.init()
    source.put("shop", {"allow_origins": [ONE.format("first")]})
    context = multiprocessing.get_context("fork")
    ready, seen, stop = context.Semaphore(0), context.Queue(), context.Event()
    arguments = (make, ready, seen, stop, max_staleness)
    processes = [context.Process(target=_follow, args=arguments) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    found = []
    for number in range(changes):
        origin = ONE.format(number)
        source.put("shop", {"allow_origins": [origin]})
        written = time.time()
        last, reached = written, 0
        while reached < PROCESSES:
            what, when = seen.get(timeout=120.0)
            if what == origin:
                reached += 1
                last = max(last, when)
        found.append(last - written)
    stop.set()
    for process in processes:
        process.join()
    return found


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    started = [postgresql(), redis()]
    try:
        yield f"postgresql://postgres@127.0.0.1:{started[0].port}/postgres", f"redis://127.0.0.1:{started[1].port}/0"
    finally:
        for server in started:
            server.stop()
            shutil.rmtree(server.folder)


def spreads() -> Iterator[tuple[str, str]]:
    with servers() as (sql, key_value):
        for name, make in (("PostgreSQL", lambda: SQLSource(sql)), ("Redis", lambda: RedisSource(key_value))):
            times = spread(make, CHANGES, 5.0)
            middle, high = statistics.median(times), percentile(times, 0.99)
            yield f"{name}, told ({CHANGES} changes)", f"{middle * 1e3:.0f} ms, p99 {high * 1e3:.0f} ms"
    folder = Path(tempfile.mkdtemp(prefix="corecors-figures-"))
    times = spread(lambda: SQLSource(f"sqlite:///{folder / 'tenants.db'}"), 20, 1.0)
    yield (
        "SQLite, polled with max_staleness=1 (20 changes)",
        f"{statistics.median(times):.2f} s, p99 {percentile(times, 0.99):.2f} s",
    )
    shutil.rmtree(folder)


def table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(["| what | measured |", "| --- | --- |", *(f"| {what} | {figure} |" for what, figure in rows)])


def main() -> None:
    quick = list(spreads())
    folder = Path(tempfile.mkdtemp(prefix="corecors-figures-"))
    try:
        bulk = list(large(folder))
    finally:
        shutil.rmtree(folder)
    load = os.getloadavg()[0]
    RESULTS.write_text(
        f"""# Policies that follow a store: one run

Written by `python tests/live/figures.py`. Python {platform.python_version()}, {os.cpu_count()} processors, a load of
{load:.0f} when it ended: times of a machine that did nothing else are shorter.

## From a write until it is in force in {PROCESSES} processes

{table(quick)}

## {TENANTS:,} tenants with {TENANTS * ORIGINS_OF_ONE:,} origins, one process, SQLite

{table(bulk)}
""",
        encoding="utf-8",
    )
    print(json.dumps([quick, bulk], indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
