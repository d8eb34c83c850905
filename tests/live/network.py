"""Hosts with workers each, and a host with the store that they follow, in network namespaces.

Needs root and iproute2. Workers are asked through Unix sockets, which networks have nothing to do with.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from live.database_servers import DatabaseServer, missing_postgresql, missing_redis, postgresql, redis
from live.fleet import EVERYTHING_IMPORTABLE, always, gunicorn, record, uvicorn
from live.namespaces import FAMILIES, Hosts, hosts, missing_namespaces
from live.waiting import LONG, until

from servers.http_connection import Answer, ask, request
from servers.processes import end_group

TENANT = "shop.example"
STALENESS = 1.0
WORKERS = 3  # of a host: two of gunicorn, one of uvicorn


class Host:
    """The workers of one host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sockets = [folder / "gunicorn.sock", folder / "uvicorn.sock"]

    def ask(self, origin: str = always(TENANT)) -> list[Answer]:
        """An answer of each server."""
        asked = request("GET", "/", [("Host", TENANT), ("Origin", origin), ("Connection", "close")])
        return [ask(place, asked) for place in self.sockets]

    def states(self) -> dict[str, tuple[str, str]]:
        """By worker: the version that it serves, and how it says it is.

        Asks until each has answered, for which worker of a server takes a request is up to the system.
        """
        found: dict[str, tuple[str, str]] = {}

        def all_answered() -> bool:
            for answer in self.ask():
                assert answer.status == 200
                names = answer.header("Access-Control-Expose-Headers") or "nobody"
                found[answer.header("X-Worker") or ""] = names.partition(",")[0], answer.header("X-State") or ""
            return len(found) >= WORKERS

        until(all_answered, "an answer of each worker")
        return found

    def all_serve(self, version: int) -> bool:
        return {served for served, _ in self.states().values()} == {f"X-V{version}"}

    def all_say(self, state: str) -> bool:
        return {said.partition(",")[0] for _, said in self.states().values()} == {state}

    def worker_of_gunicorn(self) -> str:
        return self.ask()[0].header("X-Worker") or ""

    def said(self, text: str) -> list[str]:
        log = self.folder / "log"
        return [line for line in log.read_text().splitlines() if text in line] if log.exists() else []


@contextmanager
def working(made: Hosts, name: str, url: str, folder: Path) -> Iterator[Host]:
    """The workers of the host `name`, each of which follows the store."""
    folder.mkdir()
    host = Host(folder)
    variables = {
        "PATH": os.environ["PATH"],
        "LIVE_STORE": url,
        "LIVE_START": "1",
        "LIVE_STALENESS": str(STALENESS),
        "LIVE_LOG": str(folder / "log"),
        "LIVE_SNAPSHOT": str(folder / "snapshot.db"),
        **EVERYTHING_IMPORTABLE,
    }
    commands = [gunicorn(f"unix:{host.sockets[0]}", workers=2), uvicorn("--uds", str(host.sockets[1]), workers=1)]
    with ExitStack() as ending, (folder / "output").open("wb") as output:
        for command in commands:
            process = subprocess.Popen(
                made.inside(name, command),
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            ending.callback(end_group, process)
        until(lambda: all(place.exists() for place in host.sockets), "the sockets of the servers")
        yield host
    assert "Traceback" not in (folder / "output").read_text(), (folder / "output").read_text()[-3000:]


class Network:
    """Hosts `a` and `b`, and the store on a third one."""

    def __init__(self, made: Hosts, server: DatabaseServer, kind: str) -> None:
        self.hosts = made
        self.server = server
        self._kind = kind

    def url(self, name: str) -> str:
        address = "127.0.0.1" if name == "store" else self.hosts.address_of_store(name)
        place = f"{address}:{self.server.port}"
        return f"redis://{place}/0" if self._kind == "redis" else f"postgresql://postgres@{place}/postgres"

    def origins(self, *arguments: str, given: str = "") -> None:
        """`corecors origins`, on the host of the store."""
        command = [sys.executable, "-m", "corecors", "origins", "--store", self.url("store"), *arguments]
        inside = self.hosts.inside("store", command)
        subprocess.run(inside, input=given, text=True, check=True, capture_output=True, timeout=LONG)

    def put(self, version: int) -> None:
        self.origins("import", "-", given=json.dumps({TENANT: record(TENANT, version)}))


def missing(kind: str) -> str | None:
    """What is not there that a network with a store of this kind needs."""
    found = missing_namespaces() or (missing_redis() if kind == "redis" else missing_postgresql())
    return found or next((name for name in ("gunicorn", "uvicorn") if find_spec(name) is None), None)


@contextmanager
def network_of(kind: str) -> Iterator[Network]:
    with hosts("a", "b") as made:

        def inside(command: list[str]) -> list[str]:
            return made.inside("store", command)

        server = redis(inside, "*") if kind == "redis" else postgresql(inside, f"{FAMILIES}.0.0/16")
        try:
            yield Network(made, server, kind)
        finally:
            server.stop()
            shutil.rmtree(server.folder)
