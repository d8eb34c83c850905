"""Real servers as processes: started on a free loopback port, awaited, and ended by their process id.

Each runs in a process group of its own, with its output in a file. Only that group is ever ended.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.http_connection import MalformedAnswer, ask, request

START_SECONDS = 60.0  # Varnish compiles its configuration with a C compiler first
END_SECONDS = 15.0
LOG_SHOWN = 4000  # characters of the end of a server's output in an error or report
STARTS = 3  # between finding a free port and the server binding it, another process may take it


class ServerError(Exception):
    """A server did not start, or ended on its own; the message has its output."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers on a loopback port."""

    name: str
    port: int
    log_file: Path
    group: int
    """The process id of its first process, which leads the process group."""

    def log(self) -> str:
        """What it has written to its standard output and error."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def processes(self) -> list[int]:
        """The ids of the processes of its group that are alive."""
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _group_of(path) == self.group]

    def resident_bytes(self) -> int:
        """The resident memory of all its processes together. Source: proc(5), /proc/[pid]/statm."""
        return sum(_resident_pages(pid) for pid in self.processes()) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(
    name: str, command: Callable[[int, Path], Sequence[str]], folder: Path, environment: Mapping[str, str]
) -> Iterator[Server]:
    """Start a server, wait until it answers HTTP, and end it afterwards.

    `command(port, folder)` gives the program and its arguments; `folder` is its empty working directory.
    Raises `ServerError` with the server's output.
    """
    failures: list[str] = []
    for attempt in range(STARTS):
        port = free_port()
        place = folder / f"start-{attempt}"
        place.mkdir(parents=True)
        log_file = place / "output.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                command(port, place),
                cwd=place,
                env={"PATH": os.environ["PATH"], "HOME": str(place), "TMPDIR": str(place), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(name, port, log_file, process.pid)
        try:
            if not _answers(server, process):
                failures.append(server.log()[-LOG_SHOWN:])
                continue
            yield server
            if process.poll() is not None:
                raise ServerError(f"{name} ended on its own with {process.returncode}:\n{server.log()[-LOG_SHOWN:]}")
        finally:
            end_group(process)
        return
    raise ServerError(f"{name} did not start in {STARTS} attempts:\n" + "\n".join(failures))


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(server: Server, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers a request, with whatever status; False if it ends first or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            ask(server.port, request("GET", "/", [("Connection", "close")]))
        except (OSError, MalformedAnswer):
            time.sleep(0.05)
        else:
            return process.poll() is None  # a foreign server on that port may have answered
    return False


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and what is left of the group that it leads."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, ending)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=END_SECONDS)


def _group_of(process: Path) -> int | None:
    """The process group of a folder below /proc; None once the process is gone. Source: proc(5), field 5 of stat."""
    try:
        stat = (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat[stat.rindex(")") + 1 :].split()[2])  # a program's name may hold blanks and parentheses


def _resident_pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
