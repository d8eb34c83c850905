"""The same costs counted in machine instructions by callgrind: no clock, the same whatever the machine does meanwhile.

A process serves few requests, another one more of them; the difference, divided by how many more, is what one request
takes, start-up and all else cancelled. Instructions are not time: a look-up that misses the cache is one of them.
"""

import logging
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.options import variants
from benchmarks.results import Figure, Results
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import BARE, FLOOR, OURS, WSGI_SUBJECTS
from benchmarks.tables import Table, number
from benchmarks.targets import Target
from benchmarks.workload import app_with_2_headers, wsgi_environ

FEW, MANY = 50, 250
SIZE = 10
FAMILIES = ("no Origin", "allowed", "refused", "preflight allowed", "preflight refused")
OPTION_FAMILIES = ("allowed", "refused")
SUBJECTS = (BARE, FLOOR, OURS)
SECONDS = 300  # for one process; on an idle machine it takes a few

_COLLECTED = re.compile(r"Collected : (\d+)")


def measure(results: Results, seconds: float) -> None:
    """Add the group "instructions": per request beyond the bare app, or in all for preflights; for each option too."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        results.skipped.append("Instructions were not counted: valgrind is missing.")
        return
    options = list(variants(next(each for each in with_exact_origins(SIZE) if each.family == "allowed").rules))
    for family in FAMILIES:
        preflight = family.startswith("preflight")
        bare = 0.0 if preflight else _instructions(valgrind, family, BARE.name)
        subjects = [FLOOR.name, OURS.name, *(options if family in OPTION_FAMILIES else ())]
        for subject in subjects:
            value = _instructions(valgrind, family, subject) - bare
            group = "option instructions" if subject in options else "instructions"
            results.figures.append(Figure(group, family, subject, value, "", size=SIZE))


def _instructions(valgrind: str, family: str, subject: str) -> float:
    # Both at once: what else the machine does changes no count.
    with ThreadPoolExecutor() as pool:
        few, many = pool.map(lambda requests: _collected(valgrind, family, subject, requests), (FEW, MANY))
    return (many - few) / (MANY - FEW)


def _collected(valgrind: str, family: str, subject: str, requests: int) -> int:
    command = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    command += ["-m", "benchmarks.instructions", family, subject, str(requests)]
    finished = subprocess.run(
        command,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONHASHSEED": "0"},  # the same collisions each time
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    found = _COLLECTED.search(finished.stderr)
    if found is None:
        raise RuntimeError(f"callgrind printed no count:\n{finished.stderr}")
    return int(found.group(1))


def serve(family: str, subject_name: str, number: int) -> None:
    """What runs under callgrind: MANY requests are made in any case, `number` of them are served."""
    scenario = next(each for each in with_exact_origins(SIZE) if each.family == family)
    app = variants(scenario.rules).get(subject_name)
    if app is None:
        app = next(each for each in WSGI_SUBJECTS if each.name == subject_name).wrap(app_with_2_headers, scenario.rules)
    assert app is not None, "every subject can express exact origins"
    logging.getLogger("corecors").addHandler(logging.NullHandler())
    requests = scenario.requests()
    environs = [wsgi_environ(next(requests)) for _ in range(MANY)]

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
        return len

    for environ in environs[:number]:
        app(environ, start_response)  # type: ignore[arg-type]


def table(results: Results) -> Table:
    rows = [["scenario", "× floor", "ours", "floor"]]
    for ours in results.group("instructions"):
        floor = results.value("instructions", ours.scenario, FLOOR.name)
        if ours.subject == OURS.name and floor:
            rows.append([ours.scenario, number(ours.value / floor), f"{ours.value:,.0f}", f"{floor:,.0f}"])
    return rows


def options_table(results: Results) -> Table:
    """A row for each option: instructions, and how often those of a plain request that is."""
    rows = [["", *OPTION_FAMILIES, *(f"{family}, × plain" for family in OPTION_FAMILIES)]]
    for subject in dict.fromkeys(figure.subject for figure in results.group("option instructions")):
        ours = [results.value("option instructions", family, subject) for family in OPTION_FAMILIES]
        plain = [results.value("option instructions", family, "plain") for family in OPTION_FAMILIES]
        counts = ["–" if value is None else f"{value:,.0f}" for value in ours]
        ratios = [number(a / b if a is not None and b else None) for a, b in zip(ours, plain, strict=True)]
        rows.append([subject, *counts, *ratios])
    return rows


TABLES = {
    "instructions": ("Machine instructions instead of time", table),
    "option_instructions": ("Options in machine instructions", options_table),
}

TARGETS: tuple[Target, ...] = ()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
