"""The last good state, on disk: what a process serves that starts while the store is down.

An SQLite file with a row a tenant. One of the processes that share it keeps it, the others read it only: that one holds
a transaction open on a second file, which ends with the process, however that ends.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from corecors.live.records import StoreError
from corecors.live.serving import Entry
from corecors.live.state import Changes, Pause

LAYOUT = "1"  # of the file; another one is refused
BUSY_SECONDS = 5.0  # that a reader waits for the commit of another process
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tenants (tenant TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
"""


class Saved(NamedTuple):
    """What a snapshot holds. `age`: seconds since it was the store's own state; `records` may fail on the way."""

    version: str | None
    age: float
    records: Iterator[tuple[str, str]]


class Snapshot:
    """The file at `path`, for the store called `source`. Every method raises `StoreError` or `OSError` at most."""

    def __init__(self, path: str | os.PathLike[str], source: str) -> None:
        self._path = Path(path)
        self._source = source
        self._connection: sqlite3.Connection | None = None
        self._role: sqlite3.Connection | None = None  # of the process that keeps the file
        self._complete = False  # whether the file holds all that this process had when it was written last

    def load(self) -> Saved | None:
        """What the file holds; None where there is none. Refused where it is damaged or of another store."""
        if not self._path.exists():
            return None
        connection = self._opened(create=False)
        try:
            (checked,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            about = dict(connection.execute("SELECT name, value FROM about"))
            saved_at = float(about["saved_at"])
            version = about["version"] or None
        except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
            connection.close()
            raise StoreError(f"the snapshot {self._path} is damaged: {error}") from None
        if checked != "ok" or about.get("layout") != LAYOUT:
            connection.close()
            raise StoreError(f"the snapshot {self._path} is damaged or of another version of corecors")
        if about.get("source") != self._source:
            connection.close()
            raise StoreError(f"the snapshot {self._path} is one of another store, {about.get('source')}")
        # A clock that was set back makes it older, never younger than it is.
        return Saved(version, abs(time.time() - saved_at), self._records(connection))

    def _records(self, connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
        with contextlib.closing(connection):
            try:
                yield from connection.execute("SELECT tenant, record FROM tenants")
            except sqlite3.Error as error:
                raise StoreError(f"the snapshot {self._path} is damaged: {error}") from None

    def keep(self, version: str | None, changes: Changes, entries: Mapping[str, Entry], pause: Pause) -> None:
        """Write what changed, or all of it where the file may hold anything else. Nothing where another process keeps
        the file. A reader sees the state before or the one after."""
        if not self._keeps():
            return
        try:
            if self._connection is None:
                self._connection = self._opened(create=True)
            with self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                for tenant, text in (changes if self._complete else self._differences(entries, pause)).items():
                    if text is None:
                        connection.execute("DELETE FROM tenants WHERE tenant = ?", (tenant,))
                    else:
                        connection.execute("INSERT OR REPLACE INTO tenants VALUES (?, ?)", (tenant, text))
                    pause()
                about = {"layout": LAYOUT, "source": self._source, "version": version or "", "saved_at": time.time()}
                connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())
            self._complete = True
        except sqlite3.DatabaseError as error:
            self._complete = False
            self._forget()
            # Not a full disk, say, but no database, or one with other tables.
            if not isinstance(error, sqlite3.OperationalError) or error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                self._set_aside()
            raise StoreError(f"the snapshot {self._path} cannot be written: {error}") from None

    def close(self) -> None:
        self._forget()
        if self._role is not None:
            self._role.close()
            self._role = None

    def _differences(self, entries: Mapping[str, Entry], pause: Pause) -> Changes:
        assert self._connection is not None
        found: Changes = {}
        seen = set()
        for tenant, text in self._connection.execute("SELECT tenant, record FROM tenants"):
            seen.add(tenant)
            entry = entries.get(tenant)
            if entry is None:
                found[tenant] = None
            elif entry.text != text:
                found[tenant] = entry.text
            pause()
        found.update((tenant, entry.text) for tenant, entry in entries.items() if tenant not in seen)
        return found

    def _keeps(self) -> bool:
        """Whether this process is the one that keeps the file; it is, as soon as no other one does."""
        if self._role is not None:
            return True
        role = None
        try:
            role = sqlite3.connect(f"{self._path}.keeper", timeout=0, isolation_level=None)
            role.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if role is not None:
                role.close()
            if "locked" in str(error):
                return False
            raise StoreError(f"the snapshot {self._path} cannot be written: {error}") from None
        self._role = role
        return True

    def _opened(self, *, create: bool) -> sqlite3.Connection:
        if create:
            # Its rows are what customers told the product: for no other user of the machine.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = None
        try:
            connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            if create:
                connection.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
                if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                    connection.executescript(_TABLES)
                about = dict(connection.execute("SELECT name, value FROM about"))
                if about.get("layout", LAYOUT) != LAYOUT:
                    raise sqlite3.DatabaseError("it is one of another version of corecors")
                if about.get("source", self._source) != self._source:
                    raise StoreError(f"the snapshot {self._path} is one of another store, {about['source']}")
        except (sqlite3.DatabaseError, StoreError) as error:
            if connection is not None:
                connection.close()
            if create or isinstance(error, StoreError):
                raise
            raise StoreError(f"the snapshot {self._path} is damaged: {error}") from None
        return connection

    def _forget(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _set_aside(self) -> None:
        """Make room for a new file, and keep the damaged one for anyone who wants to know why."""
        with contextlib.suppress(OSError):
            os.replace(self._path, f"{self._path}.damaged")
        for ending in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self._path}{ending}")
