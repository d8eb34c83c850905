"""The compiled build beside the pure one: built from the clone into a folder that is thrown away, and measured in a
process of its own, right after the pure build.

Two processes are not one round, so each build is measured together with the floor, and the ratios to that floor are
what is compared. Where a table shows nanoseconds of the compiled build, or holds a peer against it, they are those of
its own process, times what the floor took in ours for each nanosecond that it took there.
"""

import contextlib
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import corecors
from benchmarks.results import COMPILED, Figure, Results, results_from_json
from benchmarks.subjects import FLOOR, OURS
from benchmarks.tables import Table
from benchmarks.targets import Target

ROOT = Path(__file__).parents[1]
BUILD_SECONDS, RUN_SECONDS = 300, 900
SOURCES = ("corecors", "adapters", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")
PARTS = (
    *("wsgi", "options", "asgi", "growth", "functions", "peers", "building", "import", "instructions", "earlier"),
    "servers",
)

_MEASURE = "import sys; from benchmarks.builds import serve; serve(sys.argv[1], float(sys.argv[2]), sys.argv[3:])"


def measure(results: Results, seconds: float) -> None:
    """Add the figures of the compiled build for those parts of `PARTS` that were measured of the pure one."""
    if corecors.__compiled__:
        return
    parts = [part for part in PARTS if results.group(GROUPS.get(part, part))]
    with tempfile.TemporaryDirectory(prefix="corecors-benchmarks-") as folder:
        problem = build(Path(folder))
        if problem is not None:
            results.skipped.append(f"The compiled build was not measured: {problem}")
            return
        theirs = run(Path(folder, "installed"), seconds, parts)
    scale = floors_ratio(results, theirs)
    results.skipped += [line for line in theirs.skipped if line.startswith("Broken off")]
    results.notes += [note for note in theirs.notes if ", compiled: " in note]
    results.figures += [in_our_time(figure, scale) for figure in theirs.figures]
    others = [each for each in results.group("peers") if each.subject not in (OURS.name, FLOOR.name)]
    results.figures += [replace(each, build=COMPILED) for each in others]


GROUPS = {"servers": "server", "earlier": "function instructions"}  # where a part's figures are a group of another name


def build(folder: Path) -> str | None:
    """Install the compiled build into `folder`; or say why it cannot be built."""
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)  # type: ignore[operator]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder / "installed")]
    environment = {**os.environ, "CORECORS_COMPILED": "1"}
    # Without an index, what builds is what is installed here.
    for options in (["--no-build-isolation"], []):
        tried = subprocess.run(
            [*command, *options, str(source)],
            env=environment, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS,
        )  # fmt: skip
        if tried.returncode == 0:
            return None
    lines = [line for line in tried.stderr.splitlines() if line.strip()]
    return next((line.strip() for line in lines if "CORECORS_COMPILED" in line), lines[-1] if lines else "pip failed")


def run(folder: Path, seconds: float, parts: Sequence[str]) -> Results:
    """Measure the corecors that is in `folder`."""
    # The build, then the clone, in this process and in those that it starts; never first the working directory.
    paths = os.pathsep.join((str(folder), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", _MEASURE, str(folder), str(seconds), *parts]
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=RUN_SECONDS
    )
    return results_from_json(finished.stdout)


def serve(folder: str, seconds: float, parts: Sequence[str]) -> None:
    """What runs in the process of the compiled build, or of an earlier version."""
    from benchmarks import parts as all_parts
    from benchmarks import peers

    assert Path(corecors.__file__).is_relative_to(folder), corecors.__file__
    logging.getLogger("corecors").addHandler(logging.NullHandler())
    results = Results({})
    with contextlib.redirect_stdout(sys.stderr):
        for name in parts:
            print(f"measuring: {name}, in {Path(folder).name}", file=sys.stderr, flush=True)
            try:
                if name == "peers":
                    peers.measure_peers(results, max_seconds=seconds, peers=())  # they are the same under either build
                else:
                    all_parts.PARTS[name].measure(results, seconds)
            except Exception as error:
                traceback.print_exc()
                results.skipped.append(f"Broken off in {Path(folder).name}: {name}: {type(error).__name__}.")
    print(results.to_json())


def floors_ratio(ours: Results, theirs: Results) -> float:
    """What the floor took in our process for each nanosecond that it took in the other one: the median."""
    ratios = [
        mine / each.value
        for each in theirs.figures
        if each.subject == FLOOR.name
        and each.unit == "ns"
        and each.value > 0
        and (mine := ours.value(each.group, each.scenario, each.subject, each.around)) is not None
    ]
    return statistics.median(ratios) if ratios else 1.0


def in_our_time(figure: Figure, scale: float, build: str = COMPILED) -> Figure:
    timed = figure.unit == "ns" and figure.group != "threads"
    factor = scale if timed else 1.0
    return replace(
        figure, value=figure.value * factor, total=figure.total * factor, median=figure.median * factor, build=build
    )


def table(results: Results) -> Table:
    """A row for each scenario of the WSGI and ASGI adapters that has a floor: both builds as multiples of it."""
    other = results.compiled()
    rows = [["", "pure, × floor", "compiled, × floor", "pure", "compiled", "floor"]]
    for name, group, scenario, around in _rows(results):
        mine, least = (results.value(group, scenario, subject, around) for subject in (OURS.name, FLOOR.name))
        theirs, their_least = (other.value(group, scenario, subject, around) for subject in (OURS.name, FLOOR.name))
        if mine is None or theirs is None or not least or not their_least:
            continue
        ratios = [f"{mine / least:.2f}", f"{theirs / their_least:.2f}"]
        rows.append([name, *ratios, *(f"{value:,.0f} ns" for value in (mine, theirs, least))])
    return rows


AROUND = ("", "2 headers", "10 headers")  # the rest is in the table of all scenarios


def _rows(results: Results) -> Iterator[tuple[str, str, str, str]]:
    for group, title in (("wsgi", "WSGI"), ("asgi", "ASGI"), ("functions", "")):
        for figure in results.group(group):
            if figure.subject != OURS.name or figure.around not in AROUND:
                continue
            if group == "functions" or figure.scenario.endswith(", 10 origins"):
                name = ", ".join(part for part in (title, figure.scenario, figure.around) if part)
                yield name, group, figure.scenario, figure.around


TABLES = {"builds": ("Both builds against the floor", table)}

TARGETS: tuple[Target, ...] = ()
