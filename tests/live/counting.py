"""What a request of a tenant costs in machine instructions, counted by callgrind: no clock, whatever else runs.

Callgrind writes down and forgets what it has counted whenever `os.getppid` is called, so that call stands before and
after the requests of each case. It counts nothing, and costs a tenth of the time, until it is told to by `vgdb`: so a
hundred thousand tenants are loaded in minutes.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults

from corecors import PathPolicies, Policy
from corecors.adapters.wsgi import CORSMiddleware
from corecors.live import LivePolicies, QuerySource, by_host, by_path_segment

WARM, COUNTED = 50, 200
ORIGINS_OF_ONE = 10
SECONDS = 3600.0
_SERVE = """
import sys
sys.path.append(sys.argv[1])
from live.counting import serve
serve([int(size) for size in sys.argv[2:]])
"""
_SUMMARY = re.compile(r"^summary: (\d+)$", re.MULTILINE)
SUBJECTS = ("paths", "tenants by path", "tenants by host")


class Cost(NamedTuple):
    """Instructions of a whole request, and of finding its policy alone."""

    request: float
    policy: float


def record(number: int, origins: int = ORIGINS_OF_ONE) -> dict[str, list[str]]:
    return {"allow_origins": [f"https://app{part}.customer{number}.example" for part in range(origins)]}


def instructions(valgrind: str, sizes: Sequence[int], installed: Path | None = None) -> dict[tuple[str, int], Cost]:
    """The cost under each subject, with so many tenants; of the library that is `installed` in a folder, if one is."""
    with tempfile.TemporaryDirectory(prefix="corecors-counting-") as folder:
        command = [valgrind, "--tool=callgrind", "--instr-atstart=no", "--dump-before=getppid"]
        command += [f"--callgrind-out-file={folder}/counted"]
        command += [sys.executable, "-P", "-c", _SERVE, str(Path(__file__).parents[1]), *map(str, sizes)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        environment["PYTHONHASHSEED"] = "0"
        if installed is not None:
            environment["PYTHONPATH"] = str(installed)
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert ended.returncode == 0, ended.stderr[-3000:]
        # What was counted before a call is in the file of its number: of the second, the fourth and so on it is a case.
        cases = [(subject, size) for size in sizes for subject in SUBJECTS]
        counts = []
        for index in range(1, 2 * len(cases) + 1):
            found = _SUMMARY.search(Path(folder, f"counted.{2 * index}").read_text())
            assert found is not None
            counts.append(int(found[1]) / COUNTED)
    return {case: Cost(*pair) for case, pair in zip(cases, zip(*[iter(counts)] * 2, strict=True), strict=True)}  # type: ignore[arg-type]


def serve(sizes: Sequence[int]) -> None:
    """What runs under callgrind."""
    gc.disable()  # as in all benchmarks
    logging.getLogger("corecors").addHandler(logging.NullHandler())
    for size in sizes:
        for source in _sources(size):
            _instrument("on")
            _count_request(CORSMiddleware(_answer, source), size)
            _count_policy(source, size)
            _instrument("off")


def _instrument(state: str) -> None:
    command = ["vgdb", f"--pid={os.getpid()}", "instrumentation", state]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as vgdb:
        while vgdb.poll() is None:  # valgrind looks for commands between the steps of a program that runs
            pass
    assert vgdb.returncode == 0


def _sources(size: int) -> Iterator[Any]:
    yield PathPolicies({f"/t{number}": Policy(**record(number)) for number in range(size)})  # type: ignore[arg-type]
    records = {f"t{number}": record(number) for number in range(size)}
    for tenant in (by_path_segment(1), by_host):
        with LivePolicies(QuerySource(lambda: records), tenant=tenant, max_staleness=1e6) as policies:
            assert policies.wait_ready(SECONDS)
            yield policies


def _environ(size: int) -> dict[str, Any]:
    number = size // 2
    environ: dict[str, Any] = {"PATH_INFO": f"/t{number}/x", "HTTP_HOST": f"t{number}"}
    environ["HTTP_ORIGIN"] = f"https://app0.customer{number}.example"
    setup_testing_defaults(environ)
    return environ


def _count(call: Callable[[Any], object], size: int) -> None:
    environs = [_environ(size) for _ in range(WARM + COUNTED)]
    for environ in environs[:WARM]:
        call(environ)
    os.getppid()
    for environ in environs[WARM:]:
        call(environ)
    os.getppid()


def _count_request(app: Any, size: int) -> None:
    _count(lambda environ: app(environ, _start_response), size)


def _count_policy(source: Any, size: int) -> None:
    from corecors import CORSRequest

    environ = _environ(size)
    request = CORSRequest("GET", environ["PATH_INFO"], host=environ["HTTP_HOST"], origin=environ["HTTP_ORIGIN"])
    assert environ["HTTP_ORIGIN"] in source.policy_for(request).allow_origins
    _count(lambda _: source.policy_for(request), size)


def _answer(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
    return len
