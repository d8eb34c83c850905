"""The same costs counted in machine instructions by callgrind: no clock, the same whatever the machine does meanwhile.

A process serves few requests, another one more of them; the difference, divided by how many more, is what one request
takes, start-up and all else cancelled. Instructions are not time: a look-up that misses the cache is one of them.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.results import Figure, Results
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import BARE, FLOOR, OURS, WSGI_SUBJECTS
from benchmarks.workload import app_with_2_headers, wsgi_environ

FEW, MANY = 100, 600
SIZE = 10
FAMILIES = ("no Origin", "allowed", "refused", "preflight allowed", "preflight refused")
SUBJECTS = (BARE, FLOOR, OURS)
SECONDS = 120  # for one process; it takes a few

_COLLECTED = re.compile(r"Collected : (\d+)")


def measure_instructions(results: Results) -> None:
    """Add the group "instructions": per request beyond the bare app, or in all for preflights."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        results.skipped.append("Instructions were not counted: valgrind is missing.")
        return
    for family in FAMILIES:
        preflight = family.startswith("preflight")
        counts = {
            subject.name: _instructions(valgrind, family, subject.name)
            for subject in SUBJECTS
            if not (preflight and subject is BARE)
        }
        for subject in (FLOOR, OURS):
            value = counts[subject.name] - counts.get(BARE.name, 0)
            results.figures.append(Figure("instructions", family, subject.name, value, "", size=SIZE))


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
    subject = next(each for each in WSGI_SUBJECTS if each.name == subject_name)
    app = subject.wrap(app_with_2_headers, scenario.rules)
    assert app is not None, "every subject can express exact origins"
    requests = scenario.requests()
    environs = [wsgi_environ(next(requests)) for _ in range(MANY)]

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
        return len

    for environ in environs[:number]:
        app(environ, start_response)  # type: ignore[arg-type]


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
