"""PostgreSQL and Redis as a user would start them: on loopback, in a folder of their own, ended by their process id."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from servers.processes import free_port

START_SECONDS = 120.0
DEBIAN = "/usr/lib/postgresql"  # where Debian keeps the programs of a server, by version


class DatabaseServer:
    """`command(port)`: what is to be started. `user`: as whom, where it must not be root. `is_ready(port)`: a program
    that tells whether it answers.

    kill, freeze, thaw and restart do to the server what happens to servers.
    """

    def __init__(
        self,
        folder: Path,
        command: Callable[[int], list[str]],
        user: str | None = None,
        *,
        is_ready: Callable[[int], list[str]],
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self._command = command
        self._user = user
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(self.port),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
            )
        end = time.monotonic() + START_SECONDS
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError((self.folder / "server.log").read_text(errors="replace")[-3000:])
            time.sleep(0.05)

    def _accepts(self) -> bool:
        return subprocess.run(self._is_ready(self.port), capture_output=True, check=False).returncode == 0

    def kill(self) -> None:
        """SIGKILL, as the kernel does where memory is short."""
        for pid in self._family():
            self._signal(pid, signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._process.send_signal(signal.SIGINT)  # PostgreSQL: without waiting for clients
            try:
                self._process.wait(timeout=20.0)
            except subprocess.TimeoutExpired:
                self.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, and nobody answers."""
        for pid in self._family():
            self._signal(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._family():
            self._signal(pid, signal.SIGCONT)

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait(timeout=20.0)

    def _family(self) -> list[int]:
        """The server's first process, and its children: PostgreSQL has one a connection, each in its own group."""
        assert self._process is not None
        pid = self._process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except FileNotFoundError:
            return []
        return [pid, *map(int, children)]

    def _signal(self, pid: int, what: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # a child that ended by itself
            os.kill(pid, what)


def missing_postgresql() -> str | None:
    """What has to be installed to start PostgreSQL; None where it is."""
    if program("initdb") is None:
        return "PostgreSQL (apt-get install postgresql)"
    if os.geteuid() == 0 and _account() is None:
        return "a user postgres, for PostgreSQL refuses to run as root"
    return None


Inside = Callable[[list[str]], list[str]]  # the command that runs a command on another host


def postgresql(inside: Inside | None = None, clients: str | None = None) -> DatabaseServer:
    """A PostgreSQL with a database `postgres` of a user `postgres`. clients: who may connect beside loopback."""
    folder = Path(tempfile.mkdtemp(prefix="corecors-postgresql-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder / "data"
    subprocess.run(
        [program("initdb") or "", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )

    if clients is not None:
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {clients} trust\n")

    def command(port: int) -> list[str]:
        addresses = "127.0.0.1" if clients is None else "*"
        options = {"port": port, "listen_addresses": addresses, "unix_socket_directories": "", "fsync": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        started = [program("postgres") or "", "-D", str(data), *settings]
        # Only root may go to another host, so it is there that the user changes.
        return (
            inside(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *started]) if inside else started
        )

    def is_ready(port: int) -> list[str]:
        asking = [program("pg_isready") or "", "-q", "-h", "127.0.0.1", "-p", str(port)]
        return inside(asking) if inside else asking

    server = DatabaseServer(folder, command, None if inside else user, is_ready=is_ready)
    server.start()
    return server


def missing_redis() -> str | None:
    return None if shutil.which("redis-server") else "Redis (apt-get install redis-server)"


def redis(inside: Inside | None = None, addresses: str = "127.0.0.1") -> DatabaseServer:
    """A Redis that keeps nothing on disk, but reads what lies there as `dump.rdb` when it starts."""
    folder = Path(tempfile.mkdtemp(prefix="corecors-redis-"))

    def command(port: int) -> list[str]:
        place = ["--port", str(port), "--bind", addresses, "--protected-mode", "no", "--save", "", "--dir", str(folder)]
        started = ["redis-server", *place]
        return inside(started) if inside else started

    def is_ready(port: int) -> list[str]:
        asking = ["redis-cli", "-p", str(port), "ping"]
        return inside(asking) if inside else asking

    server = DatabaseServer(folder, command, is_ready=is_ready)
    server.start()
    return server


def program(name: str) -> str | None:
    debian = sorted(Path(DEBIAN).glob(f"*/bin/{name}"))
    return str(debian[-1]) if debian else shutil.which(name)


def _account() -> object:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None
