"""Building a policy, in fresh processes, where nothing is warm or shared."""

import json
import statistics
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from benchmarks.results import Figure, Results, human
from benchmarks.subjects import OURS
from benchmarks.tables import Table
from benchmarks.targets import Measured, Target

SIZES = (1_000, 10_000, 100_000, 1_000_000)
REPEATS = 3

_BUILD = """
    import gc, json, sys, time, tracemalloc
    from benchmarks.subjects import policy_for
    from benchmarks.workload import Rules, exact_origins

    subject, size, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    rules = Rules(origins=tuple(exact_origins(size)))
    warm = Rules(origins=tuple(exact_origins(1)))
    build = policy_for if subject == "corecors" else lambda rules: frozenset(rules.origins)
    build(warm)
    gc.collect()
    if what == "bytes":
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        built = build(rules)
        gc.collect()
        now, peak = tracemalloc.get_traced_memory()
        print(json.dumps([now - before, peak - before]))
    else:
        began = time.perf_counter()
        built = build(rules)
        print(json.dumps([time.perf_counter() - began]))
"""


def measure(results: Results, seconds: float) -> None:
    """Add the group "building": seconds, and bytes that stay beyond the caller's own list, beside a frozenset's."""
    for size in SIZES:
        for subject in ("frozenset", "corecors"):
            times = [_run(_BUILD, subject, str(size), "seconds")[0] for _ in range(REPEATS)]
            kept, peak = _run(_BUILD, subject, str(size), "bytes")
            for scenario, value in (("memory kept", kept), ("memory at its peak", peak)):
                results.figures.append(Figure("building", scenario, subject, value, "bytes", size=size))
            results.figures.append(
                Figure("building", "time", subject, min(times), "s", size=size, median=statistics.median(times))
            )


def _run(code: str, *arguments: str) -> list[float]:
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    values: list[float] = json.loads(finished.stdout)
    return values


def table(results: Results) -> Table:
    rows = [["origins", "time", "memory kept", "bytes an origin", "at its peak", "a frozenset keeps"]]
    for time in results.group("building"):
        if (time.scenario, time.subject) != ("time", OURS.name):
            continue
        memory = {
            (figure.scenario, figure.subject): figure.value
            for figure in results.group("building")
            if figure.size == time.size
        }
        kept, peak = memory["memory kept", OURS.name], memory["memory at its peak", OURS.name]
        yardstick = memory["memory kept", "frozenset"]
        rows.append(
            [
                f"{time.size:,}",
                human(time.value, "s"),
                human(kept, "bytes"),
                f"{kept / time.size:.0f}",
                human(peak, "bytes"),
                human(yardstick, "bytes"),
            ]
        )
    return rows


def _building(scenario: str, scale: float) -> Callable[[Results], Measured]:
    def measure(results: Results) -> Measured:
        for figure in results.group("building"):
            if (figure.scenario, figure.subject, figure.size) == (scenario, OURS.name, 1_000_000):
                yield "1,000,000 origins", figure.value * scale

    return measure


TABLES = {
    "building": ("Building a policy", table),
    "building_compiled": ("Building a policy, compiled", lambda results: table(results.compiled())),
}

TARGETS = (
    Target("building 1,000,000 origins", "≤", 0.6, " s", _building("time", 1), compiled=0.4),
    Target("memory of 1,000,000 origins", "≤", 45, " MB beyond the list", _building("memory kept", 1e-6)),
)
