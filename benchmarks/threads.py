"""Four threads over the hot path: a lock in there would show as time that four threads take and one does not.

With a global interpreter lock, four threads do the same work in the same time as one, and no faster; so the bare app,
which has no lock for sure, is measured in the same way, and ours is held against it. On a free-threaded build the
threads run at the same time.
"""

import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from benchmarks.results import Figure, Results, human, results_from_json
from benchmarks.scenarios import Scenario, with_exact_origins
from benchmarks.subjects import AGAIN, BARE, OURS
from benchmarks.tables import Table, number
from benchmarks.targets import Measured, Target
from benchmarks.timing import garbage_collector_off, wsgi_runner
from benchmarks.workload import app_with_2_headers, wsgi_environ

THREADS = 4
ROUNDS = 60
# Of each thread in a round: a few milliseconds. The same requests again and again, since more of them would not stay in
# the processor's cache.
DISTINCT_REQUESTS = 100
PASSES = 50
# Commands that are tried beside the interpreter that runs the benchmarks.
OTHERS = ("python3.13", "python3.13t", "python3.14t")
# Seconds, in place of CPython's 5 ms: threads then take turns many times in a round, and meet at any lock.
SWITCH_INTERVAL = 0.0002


def interpreter_lock() -> bool:
    """Whether this interpreter runs one thread at a time."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return True if enabled is None else bool(enabled())


@contextmanager
def switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def measure(results: Results, seconds: float) -> None:
    """Add the group "threads": nanoseconds per request of one thread, and of four that work at once.

    Beside this interpreter, those of `OTHERS` that the machine has.
    """
    _measure_here(results)
    found = {_name(): True}
    for command in OTHERS:
        figures = _measure_with(command)
        if figures and figures[0].around not in found:
            found[figures[0].around] = True
            results.figures += figures
    if not any(name.endswith("free-threaded") for name in found):
        results.skipped.append(f"Threads without a global interpreter lock: none of {', '.join(OTHERS)} is one here.")


def _measure_with(command: str) -> list[Figure]:
    """The figures of another interpreter, which needs nothing but the clone; none if there is no such interpreter."""
    code = """
        import sys
        import adapters  # in the clone the folder has another name than the package
        sys.modules["corecors.adapters"] = adapters
        from benchmarks.results import Results
        from benchmarks.threads import _measure_here
        results = Results({})
        _measure_here(results)
        print(results.to_json())
    """
    if shutil.which(command) is None:
        return []
    finished = subprocess.run(
        [command, "-c", textwrap.dedent(code)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    # A command may be there that only says that its version is not installed, as pyenv's do.
    return results_from_json(finished.stdout).figures if finished.returncode == 0 else []


def _name() -> str:
    version = ".".join(map(str, sys.version_info[:2]))
    return f"Python {version}" if interpreter_lock() else f"Python {version} free-threaded"


def _measure_here(results: Results) -> None:
    by_family = {scenario.family: scenario for scenario in with_exact_origins(10)}
    for family in ("allowed", "preflight allowed"):
        scenario = by_family[family]
        apps: dict[str, Any] = {BARE.name: app_with_2_headers, AGAIN: app_with_2_headers}
        apps[OURS.name] = OURS.wrap(app_with_2_headers, scenario.rules)
        times: dict[tuple[str, int], list[float]] = {}
        with garbage_collector_off(), switching_often():
            for _ in range(ROUNDS):
                for name, app in apps.items():
                    for threads in (1, THREADS):
                        times.setdefault((name, threads), []).append(_nanoseconds_per_request(app, scenario, threads))
        for (name, threads), values in times.items():
            results.figures.append(Figure("threads", family, name, min(values), around=_name(), size=threads))


def _nanoseconds_per_request(app: Any, scenario: Scenario, threads: int) -> float:
    """Wall-clock time, from the first thread's start to the last one's end, over the requests of all threads."""
    requests = scenario.requests()
    batches = [[wsgi_environ(request) for request in islice(requests, DISTINCT_REQUESTS)] for _ in range(threads)]
    start = threading.Barrier(threads)
    run = wsgi_runner(app)
    began, ended = [], []

    def work(batch: list[Any]) -> None:
        start.wait()
        began.append(perf_counter_ns())
        for _ in range(PASSES):
            run(batch)
        ended.append(perf_counter_ns())

    workers = [threading.Thread(target=work, args=(batch,)) for batch in batches]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return (max(ended) - min(began)) / (threads * PASSES * DISTINCT_REQUESTS)


def table(results: Results) -> Table:
    """A row for each interpreter, scenario and subject: one thread, four, and what four cost against one."""
    rows = [["interpreter", "scenario", "", "1 thread", "4 threads", "× 1"]]
    for one in results.group("threads"):
        for four in results.group("threads"):
            same = (one.around, one.scenario, one.subject) == (four.around, four.scenario, four.subject)
            if same and one.size < four.size:
                ratio = number(four.value / one.value)
                rows.append([one.around, one.scenario, one.subject, human(one.value), human(four.value), ratio])
    return rows


def _against_bare(results: Results, subject: str = OURS.name) -> Measured:
    """What four threads cost against one, ours against the bare app, which has no lock for sure."""
    figures = results.group("threads")
    for family, python in dict.fromkeys((figure.scenario, figure.around) for figure in figures):
        times = {
            (each.subject, each.size): each.value
            for each in figures
            if (each.scenario, each.around) == (family, python)
        }
        if (subject, 4) in times:
            ratio = times[subject, 4] / times[subject, 1]
            yield f"{family}, {python}", ratio / (times[BARE.name, 4] / times[BARE.name, 1])


def noise(results: Results) -> str:
    """What the bare app comes to against itself."""
    ratios = [ratio for _, ratio in _against_bare(results, AGAIN)]
    if not ratios:
        return ""
    return (
        f"In this run the bare app came to {min(ratios):.2f} to {max(ratios):.2f} against itself, measured as ours is."
    )


TABLES = {"threads": ("Four threads against one", table)}

TARGETS = (Target("4 threads against 1, next to the bare app", "≤", 1.1, " ×", _against_bare),)
