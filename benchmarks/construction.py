"""Building a policy and importing the library: both in fresh processes, where nothing is warm or shared."""

import json
import resource
import statistics
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import corecors
from benchmarks.results import Figure, Results

SIZES = (1_000, 10_000, 100_000, 1_000_000)
REPEATS = 3
IMPORT_REPEATS = 25

# What each import is compared with: the peers, by the module that a user of theirs has to import.
IMPORTS = {
    "corecors": "corecors",
    "wsgicors": "wsgicors",
    "starlette": "starlette.middleware.cors",
    "falcon": "falcon",
    "flask-cors": "flask_cors",
    "django-cors-headers": "corsheaders.middleware",
}

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


def measure_building(results: Results) -> None:
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


def measure_imports(results: Results) -> None:
    """Add the group "import": processor seconds beyond the same interpreter importing nothing, in turn with it."""
    statements = {"nothing": "pass"}
    for name, module in IMPORTS.items():
        if _imports(module):
            statements[name] = f"import {module}"
    times: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(IMPORT_REPEATS):
        for name, statement in statements.items():
            times[name].append(_startup(statement))
    bare = min(times.pop("nothing"))
    for name, values in times.items():
        results.figures.append(
            Figure("import", "beyond bare Python", name, min(values) - bare, "s", median=statistics.median(values))
        )
    results.notes.append("Most of the time of `import corecors`: " + ", ".join(_slowest_imports("corecors")) + ".")


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
