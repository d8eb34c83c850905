"""A store that goes back in time: a backup is restored, and then written to, with the database's own programs.

The number of writes passes through the one that the follower knows; the token tells that this is another history.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live.conftest import ask_redis, make_store, origins_of
from live.database_servers import DatabaseServer, program
from live.waiting import LONG, until

from corecors.live import LivePolicies

A, B = "https://a.example", "https://b.example"


class SQLite:
    """The file is copied, and replaced."""

    def __init__(self, folder: Path) -> None:
        self._file, self._copy = folder / "tenants.db", folder / "backup.db"

    def back_up(self) -> None:
        live, copy = sqlite3.connect(self._file), sqlite3.connect(self._copy)
        live.backup(copy)
        live.close()
        copy.close()

    def restore(self) -> None:
        self._copy.replace(self._file)
        for ending in ("-wal", "-shm"):
            self._file.with_name(f"{self._file.name}{ending}").unlink(missing_ok=True)


class PostgreSQL:
    """pg_dump, and psql in one transaction."""

    def __init__(self, server: DatabaseServer) -> None:
        self._place = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "postgres"]
        self._dump = ""

    def back_up(self) -> None:
        command = [program("pg_dump") or "", "--clean", "--if-exists", *self._place]
        self._dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def restore(self) -> None:
        command = [program("psql") or "", "-q", "--single-transaction", "-v", "ON_ERROR_STOP=1", *self._place]
        subprocess.run(command, check=True, capture_output=True, text=True, input=self._dump)


class Redis:
    """The file that SAVE writes, put back while the server is down."""

    def __init__(self, server: DatabaseServer) -> None:
        self._server = server
        self._file = server.folder / "dump.rdb"

    def back_up(self) -> None:
        ask_redis(self._server, "SAVE")
        shutil.move(self._file, f"{self._file}.kept")

    def restore(self) -> None:
        self._server.kill()
        shutil.move(f"{self._file}.kept", self._file)
        self._server.start()
        self._file.unlink()


def backups(kind: str, request: pytest.FixtureRequest, folder: Path) -> SQLite | PostgreSQL | Redis:
    if kind == "sqlite":
        return SQLite(folder)
    server = request.getfixturevalue(f"{kind}_server")
    return PostgreSQL(server) if kind == "postgresql" else Redis(server)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "redis"])
def test_an_older_backup_that_is_restored_and_written_to(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, follow: Callable[..., LivePolicies], told: Any
) -> None:
    store = make_store(kind, request, tmp_path)
    kept = backups(kind, request, tmp_path)
    store.put("shop", {"allow_origins": [A]})
    kept.back_up()
    store.put("later", {"allow_origins": [A]})
    store.put("shop", {"allow_origins": [B]})
    policies = follow(store, max_staleness=1.0)
    assert policies.wait_ready(LONG)
    assert (origins_of(policies, "shop"), origins_of(policies, "later")) == ((B,), (A,))

    kept.restore()
    for name in ("third", "fourth", "fifth"):  # as many writes as the follower knows of, and more
        store.put(name, {"allow_origins": [A]})
    until(lambda: origins_of(policies, "shop") == (A,), "the state of the backup")
    until(lambda: origins_of(policies, "fifth") == (A,), "what was written after it")
    assert origins_of(policies, "later") == ()
    assert policies.status().tenants == 4
    assert not told("is refused")
    assert len(told("cannot be read")) == len(told("is back after")) <= 1  # Redis is down for a moment
    store.put("shop", {"allow_origins": [B]})
    until(lambda: origins_of(policies, "shop") == (B,), "a change after it")
