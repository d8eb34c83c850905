"""The pure functions beside those of an earlier version: a clone of it is the folder of `--against`.

It runs in a process of its own, as the compiled build does (see `builds`), and its nanoseconds are told in ours by what
the floor of `response_headers` takes in either. Instructions are counted in each process and need no such step.
"""

import logging
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import builds, functions
from benchmarks.instructions import COUNTED, WARM, Case, count, instructions
from benchmarks.results import EARLIER, Figure, Results
from benchmarks.subjects import OURS
from benchmarks.tables import Table, number
from benchmarks.targets import Measured, Target

FUNCTIONS = ("response_headers", "preflight_headers", "evaluate")
PARTS = ("functions", "earlier")


def measure(results: Results, seconds: float) -> None:
    """Add the group "function instructions", and the figures of the earlier version if there is one."""
    valgrind = shutil.which("valgrind")
    if valgrind is not None:
        cases = [(name, OURS.name) for name in functions.comparisons() if name.startswith(FUNCTIONS)]
        for (name, subject), value in instructions(valgrind, cases, __name__).items():
            results.figures.append(Figure("function instructions", name, subject, value, ""))
    folder = results.against
    if folder is None:
        results.skipped.append("An earlier version was not measured: `--against` names no clone of one.")
        return
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    results.machine["against"] = f"corecors {settings['project']['version']}"
    with tempfile.TemporaryDirectory(prefix="corecors-benchmarks-") as alone:
        # Its package and nothing else of it, such as benchmarks of its own.
        Path(alone, "corecors").symlink_to(folder.absolute() / "corecors")
        theirs = builds.run(Path(alone), seconds, PARTS)
    scale = builds.floors_ratio(results, theirs)
    results.figures += [builds.in_our_time(each, scale, EARLIER) for each in theirs.figures]
    results.skipped += [line for line in theirs.skipped if line.startswith("Broken off")]


def serve(cases: Iterator[Case]) -> None:
    """What runs under callgrind."""
    logging.getLogger("corecors").addHandler(logging.NullHandler())
    comparisons = functions.comparisons()
    for name, subject in cases:
        candidate = comparisons[name][subject]
        count(candidate.run, candidate.make_inputs(WARM + COUNTED))


GROUPS = {"functions": "by the clock", "function instructions": "in instructions"}


def table(results: Results) -> Table:
    """Each build's cost as a multiple of the earlier version's."""
    builds_of = {"pure": results, "compiled": results.compiled()}
    rows = [["function", *(f"{build}, {how}" for how in GROUPS.values() for build in builds_of)]]
    found = [{build: dict(_against(group)(each)) for build, each in builds_of.items()} for group in GROUPS]
    for name in dict.fromkeys(name for group in found for ratios in group.values() for name in ratios):
        rows.append([name, *(number(ratios.get(name)) for group in found for ratios in group.values())])
    return rows


def _against(group: str) -> Callable[[Results], Measured]:
    def measure(results: Results) -> Measured:
        before = {each.scenario: each.value for each in results.of(EARLIER).group(group) if each.subject == OURS.name}
        for ours in results.group(group):
            if ours.subject == OURS.name and ours.scenario.startswith(FUNCTIONS) and before.get(ours.scenario):
                yield ours.scenario, ours.value / before[ours.scenario]

    return measure


TABLES = {"earlier": ("Functions against an earlier version", table)}

TARGETS = tuple(
    Target(f"{', '.join(FUNCTIONS)}, {how}", "≤", 1, " × 0.1", _against(group), compiled=0.5)
    for group, how in GROUPS.items()
)
