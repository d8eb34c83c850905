"""Importing the library, in fresh processes, against an interpreter that imports nothing."""

import resource
import statistics
import subprocess
import sys
import sysconfig
from pathlib import Path

import corecors
from benchmarks.results import Figure, Results, human
from benchmarks.subjects import OURS
from benchmarks.tables import Table
from benchmarks.targets import Measured, Target

REPEATS = 25

# What each import is compared with: the peers, by the module that a user of theirs has to import.
IMPORTS = {
    "corecors": "corecors",
    "wsgicors": "wsgicors",
    "starlette": "starlette.middleware.cors",
    "falcon": "falcon",
    "flask-cors": "flask_cors",
    "django-cors-headers": "corsheaders.middleware",
}


def measure(results: Results, seconds: float) -> None:
    """Add the group "import": processor seconds beyond the same interpreter importing nothing, in turn with it."""
    statements = {"nothing": "pass"}
    for name, module in IMPORTS.items():
        if _imports(module):
            statements[name] = f"import {module}"
    times: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(REPEATS):
        for name, statement in statements.items():
            times[name].append(_startup(statement))
    bare = min(times.pop("nothing"))
    for name, values in times.items():
        results.figures.append(
            Figure("import", "beyond bare Python", name, min(values) - bare, "s", median=statistics.median(values))
        )
    results.notes.append("Most of the time of `import corecors`: " + ", ".join(_slowest_imports("corecors")) + ".")


def _isolated(statement: str, *options: str) -> list[str]:
    """Without `site`: what an editable installation or a .pth file imports at start would hide what we import."""
    paths = [str(Path(corecors.__file__).parents[1]), sysconfig.get_path("purelib")]
    return [sys.executable, "-I", "-S", *options, "-c", f"import sys; sys.path += {paths!r}\n{statement}"]


def _startup(statement: str) -> float:
    """Processor time of a new interpreter, which other processes change less than the time on the wall."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(_isolated(statement), check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _imports(module: str) -> bool:
    return subprocess.run(_isolated(f"import {module}"), check=False, capture_output=True).returncode == 0


def _slowest_imports(module: str, number: int = 5) -> list[str]:
    """The modules that take most of the time by themselves, as `-X importtime` tells, less those of a bare start."""
    bare = {name for name, _ in _import_times("pass")}
    times = [(name, time) for name, time in _import_times(f"import {module}") if name not in bare]
    slowest = sorted(times, key=lambda pair: pair[1], reverse=True)[:number]
    return [f"`{name}` {time / 1000:.1f} ms" for name, time in slowest]


def _import_times(statement: str) -> list[tuple[str, int]]:
    """Module and microseconds of its own, for each import that the statement makes."""
    finished = subprocess.run(_isolated(statement, "-X", "importtime"), check=True, capture_output=True, text=True)
    lines = [line.removeprefix("import time:").split("|") for line in finished.stderr.splitlines() if "|" in line]
    return [(name.strip(), int(own)) for own, _, name in lines if own.strip().isdigit()]


def table(results: Results) -> Table:
    rows = [["import", "beyond bare Python"]]
    rows += [[figure.subject, human(figure.value, "s")] for figure in results.group("import")]
    return rows


def _milliseconds(results: Results) -> Measured:
    value = results.value("import", "beyond bare Python", OURS.name)
    if value is not None:
        yield "import corecors", value * 1000


TABLES = {"import": ("Importing", table)}

TARGETS = (Target("import corecors", "≤", 30, " ms beyond bare Python", _milliseconds),)
