"""SQLSource: tenants in an SQL database. SQLite by default, PostgreSQL with notifications, any other by polling."""

import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

from sqlalchemy import URL, Connection, Engine, NullPool, bindparam, create_engine, inspect, make_url, select
from sqlalchemy.exc import ArgumentError

from corecors.live.records import Record, StoreError, checked, record_of
from corecors.live.sql_reading import AT_A_TIME, SQLReader
from corecors.live.sql_tables import CHANGES, EVERYTHING, KEPT_CHANGES, TENANTS, TRIGGERS, VERSION, create

DEFAULT_URL = "sqlite:///tenants.db"
WRITE_TIMEOUT = 10.0  # seconds to connect for a write, and that SQLite waits for another writer


# What brings a driver, where that is not called as the module is.
_PACKAGES = {"MySQLdb": "mysqlclient", "psycopg": '"corecors[postgresql]"'}


@final
class SQLSource:
    """Tenants in the SQL database at `url`, an URL of SQLAlchemy: "sqlite:///tenants.db",
    "postgresql://user:password@host/database". PostgreSQL needs the package `psycopg`.

    `init()` creates three tables, and with SQLite and PostgreSQL triggers, by which every write is noticed, one by hand
    too; PostgreSQL then tells followers at once. Every other database is polled, and has to be written by this class.
    A follower needs SELECT on the tables alone. Raises `StoreError` for a URL that cannot be used.
    """

    def __init__(self, url: str | URL = DEFAULT_URL) -> None:
        try:
            made = make_url(url)
        except ArgumentError as error:
            raise StoreError(f"the store's URL cannot be read: {error}") from None
        if made.drivername in ("postgresql", "postgres"):
            made = made.set(drivername="postgresql+psycopg")
        self._kind = made.get_backend_name()
        if self._kind == "sqlite" and (made.database or ":memory:") == ":memory:":
            raise StoreError("an SQLite database in memory is there for one connection only: name a file")
        self._url = made
        self.name: str = made.set(query={}).render_as_string(hide_password=True)

    def open(self, timeout: float) -> SQLReader:
        if self._kind == "postgresql":
            from corecors.live.postgresql import PostgreSQLReader

            return PostgreSQLReader(self._connect, timeout)
        # A file may be replaced by another one, a backup say, which a connection to the old one would never notice.
        return SQLReader(self._connect, timeout, lasting=self._kind != "sqlite")

    # What admin pages use

    def init(self) -> None:
        with self._engine(WRITE_TIMEOUT).begin() as connection:
            if self._kind == "sqlite":
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # a long read never holds up a write
            create(connection, secrets.token_hex(16))

    def put(self, tenant: str, record: Record) -> None:
        self.put_all({tenant: record})

    def put_all(self, records: Mapping[str, Record]) -> None:
        texts = {tenant: checked(tenant, record) for tenant, record in records.items()}
        with self._writing(list(texts)) as connection:
            names = list(texts)
            there: set[str] = set()
            for start in range(0, len(names), AT_A_TIME):
                part = names[start : start + AT_A_TIME]
                there.update(connection.scalars(select(TENANTS.c.tenant).where(TENANTS.c.tenant.in_(part))))
            updated = [{"name": tenant, "text": text} for tenant, text in texts.items() if tenant in there]
            added = [{"tenant": tenant, "record": text} for tenant, text in texts.items() if tenant not in there]
            if updated:
                row = TENANTS.update().where(TENANTS.c.tenant == bindparam("name")).values(record=bindparam("text"))
                connection.execute(row, updated)
            if added:
                connection.execute(TENANTS.insert(), added)

    def remove(self, tenant: str) -> bool:
        with self._writing([tenant]) as connection:
            return connection.execute(TENANTS.delete().where(TENANTS.c.tenant == tenant)).rowcount > 0

    def get(self, tenant: str) -> dict[str, Any] | None:
        with self._connect(WRITE_TIMEOUT) as connection:
            text = connection.scalar(select(TENANTS.c.record).where(TENANTS.c.tenant == tenant))
        return None if text is None else record_of(text)

    def tenants(self) -> list[str]:
        with self._connect(WRITE_TIMEOUT) as connection:
            return sorted(connection.scalars(select(TENANTS.c.tenant)))

    @contextmanager
    def _writing(self, tenants: list[str]) -> Iterator[Connection]:
        """One transaction that holds the row of the version, so that writers come one after the other."""
        with self._connect(WRITE_TIMEOUT) as connection, connection.begin():
            fresh = secrets.token_hex(16)
            connection.execute(VERSION.update().values(number=VERSION.c.number + 1, token=fresh))
            yield connection
            if self._kind not in TRIGGERS:
                number = connection.scalar(select(VERSION.c.number)) or 0
                touched = tenants if len(tenants) < AT_A_TIME else [EVERYTHING]
                rows = [{"number": number, "tenant": tenant, "token": fresh} for tenant in touched]
                connection.execute(CHANGES.insert(), rows)
                connection.execute(CHANGES.delete().where(CHANGES.c.number <= number - KEPT_CHANGES))

    def _connect(self, timeout: float) -> Connection:
        """A connection to a store that is there. The driver would make an empty SQLite file of a name that is not."""
        hint = f"make it with: corecors origins --store {self.name} init"
        if self._kind == "sqlite" and not os.path.exists(self._url.database or ""):
            raise StoreError(f"there is no {self.name}; {hint}")
        connection = self._engine(timeout).connect()
        try:
            if not inspect(connection).has_table(VERSION.name):
                raise StoreError(f"{self.name} has no tables of corecors; {hint}")
            connection.rollback()
        except BaseException:
            connection.close()
            raise
        return connection

    def _engine(self, timeout: float) -> Engine:
        # No pool: a connection that a process inherits by a fork would be used by two.
        arguments: dict[str, Any] = {}
        if self._kind == "sqlite":
            arguments = {"timeout": timeout}
        elif self._url.drivername == "postgresql+psycopg":
            arguments = {
                "connect_timeout": max(2, math.ceil(timeout)),  # libpq reads 1 as 2
                "tcp_user_timeout": int(3000 * timeout),  # milliseconds until a cut line is noticed
                "keepalives_idle": max(1, int(timeout)),
                "prepare_threshold": None,  # a pooling proxy may hand the next statement to another session
            }
        try:
            return create_engine(self._url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
        except ImportError as error:
            package = _PACKAGES.get(error.name or "", error.name)
            raise StoreError(f"{self.name} needs the package {error.name}: pip install {package}") from None
