"""What following costs, measured on this machine: `python tests/live/figures.py` writes docs/live-results.md.

The times are of one run, on whatever machine it was made. What is promised in seconds is compared with them here and in
the long run (CORECORS_LIVE_CHANGES=200); the page says so where a promise was broken.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "support"), str(ROOT)]

from live.counting import Cost, instructions  # noqa: E402
from live.database_servers import postgresql, redis  # noqa: E402
from live.fleet import ASGI_WORKERS, TENANTS, WSGI_WORKERS, Watch, fleet  # noqa: E402
from live.growth import ORIGINS, Growth, draw, measure_growth  # noqa: E402
from live.loading import measure_loading  # noqa: E402
from live.network import STALENESS, Network, missing, network_of, working  # noqa: E402
from live.network import WORKERS as HOST_WORKERS  # noqa: E402
from live.waiting import until  # noqa: E402

import corecors  # noqa: E402
from benchmarks.builds import build  # noqa: E402  # found by the line above
from corecors.live import RedisSource, SQLSource  # noqa: E402

DOCS = ROOT / "docs"
CHANGES, CUTS = 200, 10
TOLD_SECONDS = 1.0
HEALED_SECONDS = STALENESS + 2.0 + 1.0  # a look, an attempt to connect, and the work
MOST = 1.3  # times `PathPolicies`

Row = tuple[str, ...]


def spreads(changes: int) -> Iterator[Row]:
    """From a write until it is in force in every worker, while clients watch every answer."""
    for kind, start in (("PostgreSQL", postgresql), ("Redis", redis)):
        server = start()
        try:
            place = f"127.0.0.1:{server.port}"
            url = f"postgresql://postgres@{place}/postgres" if kind == "PostgreSQL" else f"redis://{place}/0"
            for is_told in (True, False):
                yield _spread(kind, url, changes, is_told)
        finally:
            server.stop()
            shutil.rmtree(server.folder)


def _spread(kind: str, url: str, changes: int, is_told: bool) -> Row:
    store = RedisSource(url) if url.startswith("redis") else SQLSource(url)
    store.init()
    environment = {"LIVE_STALENESS": "600"} if is_told else {"LIVE_STALENESS": str(STALENESS), "LIVE_DEAF": "1"}
    folder = Path(tempfile.mkdtemp(prefix="corecors-figures-"))
    try:
        with fleet(store, url, folder, **environment) as started, Watch(started) as watch:
            took = sorted(started.change(TENANTS[number % len(TENANTS)]) for number in range(changes))
    finally:
        shutil.rmtree(folder)
    assert watch.faults == [], watch.faults
    high = took[int(len(took) * 0.99)] if is_told else took[-1]
    bound = TOLD_SECONDS if is_told else STALENESS + 1.0
    return (
        f"{kind}, {'notifications arrive' if is_told else 'every notification is lost'}",
        seconds(statistics.median(took)),
        seconds(took[int(len(took) * 0.99)]),
        seconds(took[-1]),
        f"{'p99' if is_told else 'all'} within {bound:.0f} s: {'held' if high <= bound else 'BROKEN'}",
        f"{watch.asked:,}",
    )


def costs(sizes: list[int]) -> Iterator[Row]:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise SystemExit("valgrind is missing")
    assert not corecors.__compiled__
    with tempfile.TemporaryDirectory(prefix="corecors-figures-") as folder:
        if problem := build(Path(folder)):
            raise SystemExit(f"the compiled build: {problem}")
        for name, installed in (("pure", None), ("compiled", Path(folder, "installed"))):
            yield from _costs(name, instructions(valgrind, sizes, installed))


def _costs(build_name: str, counted: dict[tuple[str, int], Cost]) -> Iterator[Row]:
    for (subject, size), cost in counted.items():
        if subject != "paths":
            paths = counted["paths", size]
            ratios = cost.request / paths.request, cost.policy / paths.policy
            verdict = "held" if max(ratios) <= MOST else "BROKEN"
            yield (
                build_name,
                f"{subject}, {size:,} tenants with {size * 10:,} origins",
                f"{cost.request:,.0f} ({ratios[0]:.2f} ×)",
                f"{cost.policy:,.0f} ({ratios[1]:.2f} ×)",
                f"both at most {MOST} ×: {verdict}",
            )


def growth_rows(found: list[Growth]) -> list[Row]:
    return [
        (
            f"{each.origins:,}",
            f"{each.tenants:,}",
            seconds(each.first_load),
            seconds(each.reread),
            seconds(each.change),
            f"{each.memory:.0f} MB",
        )
        for each in found
    ]


def seconds(value: float) -> str:
    return f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.2f} s"


def table(head: Row, rows: list[Row]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def healings() -> Iterator[Row]:
    """How long a host whose link was cut needs until it follows again."""
    for kind, name in (("postgresql", "PostgreSQL"), ("redis", "Redis")):
        if found := missing(kind):
            raise SystemExit(f"{found} is not there")
        folder = Path(tempfile.mkdtemp(prefix="corecors-figures-"))
        try:
            with network_of(kind) as made:
                made.origins("init")
                took = sorted(_healing(made, folder, CUTS))
        finally:
            shutil.rmtree(folder)
        verdict = "held" if took[-1] <= HEALED_SECONDS else "BROKEN"
        yield name, seconds(statistics.median(took)), seconds(took[-1]), f"within {HEALED_SECONDS:.0f} s: {verdict}"


def _healing(made: Network, folder: Path, cuts: int) -> Iterator[float]:
    made.put(0)
    with working(made.hosts, "a", made.url("a"), folder / "a") as host:
        until(lambda: host.all_serve(0), "the first state")
        for version in range(1, cuts + 1):
            made.hosts.cut("a")
            made.put(version)
            until(lambda: host.all_say("not connected"), "the outage")
            made.hosts.join("a")
            joined = time.monotonic()
            until(lambda version=version: host.all_serve(version), "the change")  # type: ignore[misc]
            yield time.monotonic() - joined


SPREAD, HEALING, COST = (
    "From a write until it is in force in every worker",
    "A link that comes back",
    "What a request costs",
)
GROWTH, LOADING = "How it grows", "Requests during a load"


def sections(*, quick: bool, docs: Path) -> dict[str, Callable[[], str]]:
    """What makes the text of each section of the page."""

    def spread() -> str:
        workers = f"{WSGI_WORKERS} workers of gunicorn and {ASGI_WORKERS} of uvicorn"
        head = ("store", "median", "p99", "longest", "promised", "answers watched")
        return f"""{workers}, {CHANGES} changes in each row. Clients ask all of them
without a pause meanwhile; no answer was a mixture, another tenant's, or older than what was in force everywhere.

{table(head, list(spreads(5 if quick else CHANGES)))}"""

    def healing() -> str:
        return f"""A host of its own, as a network namespace. Its link to the store is cut until its {HOST_WORKERS}
workers say so, and then joined, {CUTS} times in each row. max_staleness is {STALENESS:.0f} s; an attempt to connect
that began before the link was back may take 2 s.

{table(("store", "median", "longest", "promised"), list(healings()))}"""

    def cost() -> str:
        sizes = [1, 10] if quick else [1, 100, 10_000, 100_000]
        return f"""Machine instructions (callgrind) of a whole WSGI request and of finding its policy alone; in
parentheses, as a multiple of `PathPolicies` with as many policies, which need no `CORSRequest`. Tenants by path or by
host need none either, but a `Place`; a function of the application's own gets a `CORSRequest`. Both builds: see
[the compiled build](performance.md#the-compiled-build).

{table(("build", "tenants", "whole request", "its policy", "promised"), list(costs(sizes)))}"""

    def growing() -> str:
        found = measure_growth(ORIGINS[:4] if quick else ORIGINS)
        draw(found, docs / "live-growth.svg")
        head = ("origins", "tenants", "first load", "re-read of everything", "one change", "memory")
        return f"""SQLite, ten origins a tenant. The memory is what the follower's process gained by the first load.

![Times by the number of origins](live-growth.svg)

{table(head, growth_rows(found))}"""

    def loading() -> str:
        rows = list(measure_loading(1_000 if quick else 100_000))
        return f"""One worker of gunicorn, asked over HTTP one request after the other, while its follower reads the
store for the first time, and then while it has nothing to do.

{table(("requests", "median", "p99", "longest"), rows)}"""

    return {SPREAD: spread, HEALING: healing, COST: cost, GROWTH: growing, LOADING: loading}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true", help="few and small; writes nothing into docs/")
    options.add_argument("--only", action="append", help="the heading of a section; the others stay as they are")
    given = options.parse_args()
    docs = Path(tempfile.mkdtemp(prefix="corecors-figures-")) if given.quick else DOCS
    page = docs / "live-results.md"
    there = page.read_text(encoding="utf-8").split("\n## ")[1:] if page.exists() else []
    texts = {heading: text.strip() for heading, _, text in (part.partition("\n") for part in there)}
    made = sections(quick=given.quick, docs=docs)
    for heading, make in made.items():
        if not given.only or heading in given.only:
            texts[heading] = make()
    body = "\n\n".join(f"## {heading}\n\n{texts[heading]}" for heading in made if heading in texts)
    machine = f"Python {platform.python_version()} on {os.cpu_count()} processors"
    page.write_text(
        f"""# Policies that follow a store: one run

Written by `python tests/live/figures.py`, with {machine} that did other work as well:
times of a machine that does nothing else are shorter. Instructions do not depend on that.

{body}
""",
        encoding="utf-8",
    )
    print(page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
