"""What a store of so many origins costs its followers: the first load, a re-read, a change, memory; and a plot of it.

Each size is measured in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from live.counting import ORIGINS_OF_ONE, record

from corecors.live import LivePolicies, SQLSource, by_path_segment

ORIGINS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
WAIT = 900.0  # seconds


class Growth(NamedTuple):
    """Times in seconds, memory in megabytes."""

    origins: int
    tenants: int
    first_load: float
    reread: float
    change: float
    memory: float


def measure_growth(sizes: Sequence[int]) -> list[Growth]:
    context = multiprocessing.get_context("spawn")
    found = []
    for size in sizes:
        with context.Pool(1) as pool:
            found.append(pool.apply(measure, (size,)))
    return found


def measure(origins: int) -> Growth:
    folder = Path(tempfile.mkdtemp(prefix="corecors-growth-"))
    try:
        return _measured(origins, folder)
    finally:
        shutil.rmtree(folder)


def _measured(origins: int, folder: Path) -> Growth:
    tenants = max(1, origins // ORIGINS_OF_ONE)
    source = filled(folder, tenants, min(origins, ORIGINS_OF_ONE))
    changed = threading.Event()
    before = _resident()
    with LivePolicies(
        source, tenant=by_path_segment(1), max_staleness=1e6, on_change=lambda names: changed.set()
    ) as policies:
        first_load = _timed(policies.start, policies._health.ready)
        memory = _resident() - before
        rereads, changes = [], []
        for number in range(3):
            direct = sqlite3.connect(folder / "tenants.db")
            # As after a restored backup: nothing tells which tenants changed.
            direct.execute("UPDATE corecors_version SET token = ?", (f"by hand {number}",))
            direct.execute("UPDATE corecors_tenants SET record = record || ' ' WHERE tenant = 't0'")
            direct.execute("DELETE FROM corecors_changes")
            direct.commit()
            direct.close()
            changed.clear()
            rereads.append(_timed(policies.look_now, changed))
            changed.clear()
            source.put("t0", record(number + 1_000_000))  # after a version of nobody's, everything is read once more
            _timed(policies.look_now, changed)
            changed.clear()
            source.put("t0", record(number + 2_000_000))
            changes.append(_timed(policies.look_now, changed))
    return Growth(origins, tenants, first_load, statistics.median(rereads), statistics.median(changes), memory)


def filled(folder: Path, tenants: int, origins: int = ORIGINS_OF_ONE) -> SQLSource:
    """A store with so many tenants, with so many origins each."""
    source = SQLSource(f"sqlite:///{folder / 'tenants.db'}")
    source.init()
    for start in range(0, tenants, 10_000):
        numbers = range(start, min(start + 10_000, tenants))
        source.put_all({f"t{number}": record(number, origins) for number in numbers})
    return source


def _timed(do: Any, done: threading.Event) -> float:
    start = time.perf_counter()
    do()
    if not done.wait(WAIT):
        raise AssertionError(f"waited {WAIT:.0f} s in vain")
    return time.perf_counter() - start


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def draw(found: Sequence[Growth], path: Path) -> None:
    """One line a time, by the number of origins, both logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context({"svg.hashsalt": "corecors", "font.size": 11, "axes.spines.top": False}):
        figure, axes = pyplot.subplots(figsize=(9, 5), layout="constrained")
        sizes = [each.origins for each in found]
        for name, values in (
            ("first load", [each.first_load for each in found]),
            ("re-read of everything", [each.reread for each in found]),
            ("one change", [each.change for each in found]),
        ):
            (line,) = axes.plot(sizes, values, marker="o", markersize=4)
            axes.annotate(
                name, (sizes[-1], values[-1]), (8, 0), textcoords="offset points", va="center", color=line.get_color()
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(right=sizes[-1] * 30)
        axes.xaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
        axes.yaxis.set_major_formatter(lambda value, position: f"{value:g} s")
        axes.set_xlabel("origins in the store, ten a tenant (logarithmic)")
        axes.set_title("What following costs, by the number of origins")
        axes.grid(alpha=0.25)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    # Matplotlib ends lines with blanks.
    path.write_text("".join(line.rstrip() + "\n" for line in path.read_text().splitlines()))
