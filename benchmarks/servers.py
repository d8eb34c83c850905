"""A whole server: gunicorn and uvicorn on loopback under wrk, bare and wrapped in turn.

Both servers run all the time, each with one worker; only one at a time gets requests, for a second or two, then the
other. So what the machine does meanwhile hits both alike. Each pair of turns gives a ratio; the median of those is what
counts. Beside it stands the processor time that the worker itself took for a request, which its neighbours on the
machine hardly change.
"""

import importlib.util
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import corecors
from benchmarks.results import Figure, Results, Unit, human
from benchmarks.subjects import AGAIN, FLOOR, OURS
from benchmarks.tables import Table
from benchmarks.targets import Measured, Target
from benchmarks.workload import exact_origins

ROOT = Path(__file__).parents[1]
START_SECONDS = 15

# Sixteen connections keep one worker busy without a queue that hides what a request takes.
CONNECTIONS = 16
GUNICORN = ["gunicorn", "--workers", "1", "--log-level", "warning", "--chdir", str(ROOT)]
# uvicorn looks first where it is told that the application is: it has to find the build that is measured.
BUILD = Path(corecors.__file__).parents[1]
UVICORN = ["uvicorn", "--log-level", "warning", "--no-access-log", "--app-dir", str(BUILD)]
# Modules and their options; what they serve, and what they call the address.
SERVERS = {
    "gunicorn sync": ([*GUNICORN, "-k", "sync"], "", "--bind=127.0.0.1:{port}"),
    "gunicorn gthread": ([*GUNICORN, "-k", "gthread", "--threads", "4"], "", "--bind=127.0.0.1:{port}"),
    "uvicorn": (UVICORN, "asgi_", "--port={port}"),
}
APPS = {"bare": "bare", AGAIN: "bare", "wrapped": "wrapped"}

RATIO = "ratio of requests per second"

_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_REQUESTS = re.compile(r"^\s+(\d+) requests in", re.MULTILINE)
_FAILED = re.compile(r"^\s+(?:Socket errors|Non-2xx).*$", re.MULTILINE)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def measure(results: Results, seconds: float) -> None:
    measure_servers(results, turns=max(3, round(seconds * 8)), seconds=1)


def measure_servers(results: Results, *, turns: int, seconds: int) -> None:
    """Add the group "server": requests/s, p50 and p99 of both, and the ratio of requests/s, for each kind of server."""
    wrk = shutil.which("wrk")
    if not sys.platform.startswith("linux") or wrk is None:
        results.skipped.append("Whole servers were not measured: Linux or wrk (Debian: wrk) is missing.")
        return
    apps = list(APPS)
    for worker, (command, prefix, address) in SERVERS.items():
        if importlib.util.find_spec(command[0]) is None:
            results.skipped.append(f"{worker} was not measured: it is not installed.")
            continue
        with ExitStack() as stack:
            servers = {
                app: stack.enter_context(_serving(prefix + served, command, address)) for app, served in APPS.items()
            }
            runs: dict[str, list[dict[str, float]]] = {app: [] for app in APPS}
            used_before = {app: _processor_seconds(server) for app, server in servers.items()}
            for turn in range(turns):
                # Who goes first changes, in case the first has an advantage.
                for app in apps[turn % len(apps) :] + apps[: turn % len(apps)]:
                    runs[app].append(_wrk(wrk, servers[app].port, seconds))
            used = {app: _processor_seconds(server) - used_before[app] for app, server in servers.items()}

        def add(scenario: str, app: str, value: float, unit: Unit, worker: str = worker) -> None:
            results.figures.append(Figure("server", scenario, app, value, unit, worker))

        for app in APPS:
            add("requests per second", app, statistics.median(run["rate"] for run in runs[app]), "requests/s")
            add("processor time", app, used[app] / sum(run["requests"] for run in runs[app]), "s")
            add("p50", app, statistics.median(run["50"] for run in runs[app]), "s")
            add("p99", app, statistics.median(run["99"] for run in runs[app]), "s")
        spread = {}
        for app in apps[1:]:
            ratios = [mine["rate"] / bare["rate"] for mine, bare in zip(runs[app], runs["bare"], strict=True)]
            add(RATIO, app, statistics.median(ratios), "")
            spread[app] = f"from {min(ratios):.2f} to {max(ratios):.2f}"
        results.notes.append(
            f"{worker}{', compiled' if corecors.__compiled__ else ''}: {turns} turns of {seconds} s; "
            f"the ratio of requests per second ranged {spread['wrapped']}, of the bare app to itself {spread[AGAIN]}."
        )


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    port: int


@contextmanager
def _serving(app: str, options: Sequence[str], address: str) -> Iterator[Server]:
    """A server for one of `benchmarks.served`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", *options, address.format(port=port), f"benchmarks.served:{app}"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "BENCHMARKED": corecors.__file__})
    try:
        _wait_for(port, process)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")


def _processor_seconds(server: Server) -> float:
    """Processor time of the server and its workers so far, user and system, as Linux keeps it (proc_pid_stat(5))."""
    seconds = 0.0
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for child in (str(server.pid), *children):
        # The name of the command stands in parentheses and may hold blanks; the times are fields 14 and 15.
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def _wrk(wrk: str, port: int, seconds: int) -> dict[str, float]:
    """Requests in all and per second, and seconds that half and 99 of 100 requests stay under."""
    command = [wrk, "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--latency"]
    command += ["-H", f"Origin: {exact_origins(10)[3]}", f"http://127.0.0.1:{port}/"]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 30).stdout
    rate = _RATE.search(output)
    failed = _FAILED.search(output)
    requests = _REQUESTS.search(output)
    if rate is None or requests is None or failed is not None:
        raise RuntimeError(failed.group().strip() if failed else f"wrk printed no rate:\n{output}")
    latencies = {quantile: float(value) * _SECONDS[unit] for quantile, value, unit in _LATENCY.findall(output)}
    if len(latencies) < 2:
        raise RuntimeError(f"wrk printed no latencies:\n{output}")
    return {"rate": float(rate.group(1)), "requests": float(requests.group(1)), **latencies}


def table(results: Results) -> Table:
    """Each build's bare and wrapped server ran in turn with each other, so a ratio is one build's own."""
    rows = [["server", "", "ratio", "compiled: ratio", "bare to itself", "wrapped", "bare"]]
    compiled = results.compiled()
    for bare in results.group("server"):
        wrapped = results.value("server", bare.scenario, "wrapped", bare.around)
        if bare.subject == "bare" and wrapped is not None:
            ratios = [_ratio_of(each, bare.scenario, bare.around) for each in (results, compiled)]
            ratios.append(_ratio_of(results, bare.scenario, bare.around, AGAIN))
            told = ["–" if ratio is None else f"{ratio:.3f}" for ratio in ratios]
            rows.append([bare.around, bare.scenario, *told, human(wrapped, bare.unit), human(bare.value, bare.unit)])
    return rows


def _ratio_of(results: Results, scenario: str, around: str, app: str = "wrapped") -> float | None:
    if scenario == "requests per second":
        return results.value("server", RATIO, app, around)
    mine, bare = (results.value("server", scenario, each, around) for each in (app, "bare"))
    return mine / bare if mine is not None and bare else None


def _ratio(results: Results) -> Measured:
    for figure in results.group("server"):
        if figure.scenario == RATIO and figure.subject == "wrapped":
            yield figure.around, figure.value


def foreseen(results: Results) -> str:
    """What ratio the time that an allowed request adds lets expect, ours and the floor's."""
    told = []
    for worker, (_, prefix, _) in SERVERS.items():
        bare = results.value("server", "processor time", "bare", worker)
        group = "asgi" if prefix else "wsgi"
        added = {
            "ours": results.value(group, "allowed, 10 origins", OURS.name),
            "compiled": results.compiled().value(group, "allowed, 10 origins", OURS.name),
            "the floor": results.value(group, "allowed, 10 origins", FLOOR.name),
        }
        if bare:
            ratios = [f"{name} {bare / (bare + each * 1e-9):.3f}" for name, each in added.items() if each is not None]
            told.append(f"{worker} ({human(bare, 's')} a bare request): {', '.join(ratios)}")
    return f"What an allowed request adds lets expect: {'; '.join(told)}." if told else ""


TABLES = {"servers": ("Whole servers under wrk", table)}

TARGETS = (Target("whole server", "≥", 0.98, " of the bare requests/s", _ratio),)
