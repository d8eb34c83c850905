"""The same costs counted in machine instructions by callgrind: no clock, the same whatever the machine does meanwhile.

One process serves everything. Callgrind writes down and forgets what it has counted whenever `os.getppid` is called, so
that call stands before and after the requests of each case. Instructions are not time: a look-up that misses the cache
is one of them.
"""

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import asgi
from benchmarks.options import variants
from benchmarks.results import Figure, Results
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import BARE, FLOOR, OURS, WSGI_SUBJECTS
from benchmarks.tables import Table, number
from benchmarks.targets import Target
from benchmarks.timing import asgi_runner, wsgi_runner
from benchmarks.workload import Rules, app_with_2_headers, asgi_app_with_2_headers, asgi_scope, wsgi_environ

WARM, COUNTED = 50, 200  # requests of each case; the first ones fill what is remembered
SIZE = 10
FAMILIES = ("no Origin", "allowed", "refused", "preflight allowed", "preflight refused")
ASGI = "ASGI, "  # before the name of a subject: the same around an ASGI application
OPTION_FAMILIES = ("allowed", "refused")
SECONDS = 600  # for the process; on an idle machine it takes some ten

Case = tuple[str, str]  # what happens, and to whom

ROOT = Path(__file__).parents[1]
# The clone at the end of the path: what is counted is the build that is installed.
_SERVE = """
import sys
sys.path.append(sys.argv[1])
from importlib import import_module
import_module(sys.argv[2]).serve(zip(sys.argv[3::2], sys.argv[4::2]))
"""
_SUMMARY = re.compile(r"^summary: (\d+)$", re.MULTILINE)


def measure(results: Results, seconds: float) -> None:
    """Add the groups "instructions" and "option instructions": per request beyond the bare app, or in all for
    preflights."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        results.skipped.append("Instructions were not counted: valgrind is missing.")
        return
    options = list(variants(with_exact_origins(SIZE)[0].rules))
    cases = [(family, subject.name) for family in FAMILIES for subject in (BARE, FLOOR, OURS)]
    cases += asgi_cases()
    cases += [(family, option) for family in OPTION_FAMILIES for option in options]
    counts = instructions(valgrind, cases)
    for (family, subject), count in counts.items():
        bare = ASGI + BARE.name if subject.startswith(ASGI) else BARE.name
        if subject == bare:
            continue
        value = count if family.startswith("preflight") else count - counts[family, bare]
        group = "option instructions" if subject in options else "instructions"
        results.figures.append(Figure(group, family, subject, value, "", size=SIZE))


def asgi_cases() -> list[Case]:
    """Its floor answers no preflights."""
    cases = [(family, ASGI + subject.name) for family in FAMILIES[:3] for subject in (BARE, FLOOR, OURS)]
    return cases + [(family, ASGI + OURS.name) for family in FAMILIES[3:]]


def instructions(valgrind: str, cases: Sequence[Case], module: str = __name__) -> dict[Case, float]:
    """Instructions of one request in each case, which `serve` of a module serves."""
    with tempfile.TemporaryDirectory(prefix="corecors-benchmarks-") as folder:
        command = [valgrind, "--tool=callgrind", "--dump-before=getppid", f"--callgrind-out-file={folder}/counted"]
        command += [sys.executable, "-P", "-c", _SERVE, str(ROOT), module]
        command += [text for case in cases for text in case]
        # The same collisions each time; and where the tests are measured, the measuring is not counted.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        environment["PYTHONHASHSEED"] = "0"
        subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=SECONDS)
        # What was counted before a call is in the file of its number: of the second, the fourth and so on it is a case.
        files = [Path(folder, f"counted.{2 * index}") for index in range(1, len(cases) + 1)]
        found = [_SUMMARY.search(file.read_text()) for file in files]
    counts = {}
    for case, summary in zip(cases, found, strict=True):
        if summary is None:
            raise RuntimeError(f"callgrind wrote no count for {case}")
        counts[case] = int(summary.group(1)) / COUNTED
    return counts


def serve(cases: Iterator[Case]) -> None:
    """What runs under callgrind."""
    logging.getLogger("corecors").addHandler(logging.NullHandler())
    by_family = {scenario.family: scenario for scenario in with_exact_origins(SIZE)}
    for family, name in cases:
        scenario = by_family[family]
        requests = scenario.requests()
        asked = [next(requests) for _ in range(WARM + COUNTED)]
        app = _app(name, scenario.rules)
        if name.startswith(ASGI):
            run, inputs = asgi_runner(app), [asgi_scope(each) for each in asked]
        else:
            run, inputs = wsgi_runner(app), [wsgi_environ(each) for each in asked]
        count(run, inputs)


def count(run: Callable[[Sequence[Any]], int], inputs: Sequence[Any]) -> None:
    warm, counted = inputs[:WARM], inputs[WARM:]
    run(warm)
    os.getppid()
    run(counted)
    os.getppid()


def _app(name: str, rules: Rules) -> Any:
    app = asgi_app_with_2_headers
    by_name = {
        ASGI + BARE.name: lambda: app,
        ASGI + FLOOR.name: lambda: asgi.floor(app, rules.origins),
        ASGI + OURS.name: lambda: asgi.ours(app, rules),
        **{subject.name: partial(subject.wrap, app_with_2_headers, rules) for subject in WSGI_SUBJECTS},
    }
    return by_name[name]() if name in by_name else variants(rules)[name]


def table(results: Results) -> Table:
    compiled = results.compiled()
    rows = [["scenario", "× floor", "compiled, × floor", "ours", "compiled", "floor"]]
    for ours in results.group("instructions"):
        if not ours.subject.endswith(OURS.name):
            continue
        prefix = ours.subject.removesuffix(OURS.name)
        floor = results.value("instructions", ours.scenario, prefix + FLOOR.name)
        theirs = compiled.value("instructions", ours.scenario, ours.subject)
        values = (ours.value, theirs, floor)
        ratios = [number(value / floor if value is not None and floor else None) for value in values[:2]]
        rows.append([prefix + ours.scenario, *ratios, *("–" if value is None else f"{value:,.0f}" for value in values)])
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
    "option_instructions_compiled": (
        "Options in machine instructions, compiled",
        lambda results: options_table(results.compiled()),
    ),
}

TARGETS: tuple[Target, ...] = ()
