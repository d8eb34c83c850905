"""A whole server: gunicorn on loopback under wrk, bare and wrapped in turn.

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

from benchmarks.results import Figure, Results, Unit, human
from benchmarks.tables import Table
from benchmarks.targets import Measured, Target
from benchmarks.workload import exact_origins

ROOT = Path(__file__).parents[1]
START_SECONDS = 15

# Sixteen connections keep one worker busy without a queue that hides what a request takes.
CONNECTIONS = 16
WORKERS = {"sync": ["-k", "sync"], "gthread": ["-k", "gthread", "--threads", "4"]}
APPS = ("bare", "wrapped")

_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_REQUESTS = re.compile(r"^\s+(\d+) requests in", re.MULTILINE)
_FAILED = re.compile(r"^\s+(?:Socket errors|Non-2xx).*$", re.MULTILINE)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def measure(results: Results, seconds: float) -> None:
    measure_servers(results, turns=max(5, round(seconds * 15)), seconds=1)


def measure_servers(results: Results, *, turns: int, seconds: int) -> None:
    """Add the group "server": requests/s, p50 and p99 of both, and the ratio of requests/s, for each kind of worker."""
    wrk = shutil.which("wrk")
    if not sys.platform.startswith("linux") or wrk is None or importlib.util.find_spec("gunicorn") is None:
        results.skipped.append("Whole servers were not measured: Linux, wrk (Debian: wrk) or gunicorn is missing.")
        return
    for worker, options in WORKERS.items():
        with ExitStack() as stack:
            servers = {app: stack.enter_context(_gunicorn(app, options)) for app in APPS}
            runs: dict[str, list[dict[str, float]]] = {app: [] for app in APPS}
            used_before = {app: _processor_seconds(server) for app, server in servers.items()}
            for turn in range(turns):
                # Who goes first changes, in case the first of a pair has an advantage.
                for app in APPS if turn % 2 else APPS[::-1]:
                    runs[app].append(_wrk(wrk, servers[app].port, seconds))
            used = {app: _processor_seconds(server) - used_before[app] for app, server in servers.items()}

        def add(scenario: str, app: str, value: float, unit: Unit, worker: str = worker) -> None:
            results.figures.append(Figure("server", scenario, app, value, unit, worker))

        for app in APPS:
            add("requests per second", app, statistics.median(run["rate"] for run in runs[app]), "requests/s")
            add("processor time", app, used[app] / sum(run["requests"] for run in runs[app]), "s")
            add("p50", app, statistics.median(run["50"] for run in runs[app]), "s")
            add("p99", app, statistics.median(run["99"] for run in runs[app]), "s")
        pairs = zip(runs["wrapped"], runs["bare"], strict=True)
        ratios = [wrapped["rate"] / bare["rate"] for wrapped, bare in pairs]
        add("ratio of requests per second", "wrapped", statistics.median(ratios), "")
        results.notes.append(
            f"gunicorn {worker}: {turns} pairs of {seconds} s; "
            f"the ratio of requests per second ranged from {min(ratios):.2f} to {max(ratios):.2f}."
        )


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    port: int


@contextmanager
def _gunicorn(app: str, options: Sequence[str]) -> Iterator[Server]:
    """A server for one of `benchmarks.served`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    command += ["--log-level", "warning", "--chdir", str(ROOT), *options, f"benchmarks.served:{app}"]
    process = subprocess.Popen(command, cwd=ROOT)
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
    raise RuntimeError("gunicorn did not start")


def _processor_seconds(server: Server) -> float:
    """Processor time of the workers so far, user and system, as Linux keeps it (proc_pid_stat(5))."""
    seconds = 0.0
    for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
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
    return {"rate": float(rate.group(1)), "requests": float(requests.group(1)), **latencies}


def table(results: Results) -> Table:
    rows = [["gunicorn", "", "ratio", "wrapped", "bare"]]
    for bare in results.group("server"):
        wrapped = results.value("server", bare.scenario, "wrapped", bare.around)
        if bare.subject == "bare" and wrapped is not None:
            ratio = wrapped / bare.value
            if bare.scenario == "requests per second":
                ratio = results.value("server", "ratio of requests per second", "wrapped", bare.around) or ratio
            rows.append(
                [bare.around, bare.scenario, f"{ratio:.3f}", human(wrapped, bare.unit), human(bare.value, bare.unit)]
            )
    return rows


def _ratio(results: Results) -> Measured:
    for figure in results.group("server"):
        if figure.scenario == "ratio of requests per second":
            yield f"gunicorn {figure.around}", figure.value


TABLES = {"servers": ("gunicorn under wrk", table)}

TARGETS = (Target("whole server", "≥", 0.98, " of the bare requests/s", _ratio),)
