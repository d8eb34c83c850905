"""Reading an SQL store: what has changed since a version, in pieces, on one connection."""

from collections.abc import Callable, Iterator
from threading import Event

from sqlalchemy import Connection, select

from corecors.live.records import StoreError
from corecors.live.sources import Update
from corecors.live.sql_tables import CHANGES, EVERYTHING, TENANTS, VERSION

AT_A_TIME = 500  # rows, and names in one query


class SQLReader:
    """Polls. `connect`: with a timeout in seconds; `lasting`: whether one connection may be used for every look."""

    def __init__(self, connect: Callable[[float], Connection], timeout: float, *, lasting: bool = True) -> None:
        self._connect = connect
        self._timeout = timeout
        self._lasting = lasting
        self._connection = connect(timeout)

    def read(self, version: str | None) -> Update | None:
        if not self._lasting:
            self._connection.close()
            self._connection = self._connect(self._timeout)
        # The version is read first: what is written while the records are read is read once more the next time.
        with self._connection.begin():
            row = self._connection.execute(select(VERSION.c.number, VERSION.c.token)).first()
            if row is None:
                raise StoreError("the store has lost its version: corecors origins init makes a new one")
            current = f"{row.number}:{row.token}"
            if current == version:
                return None
            touched = self._touched_since(version, current)
        records = self._all() if touched is None else self._these(touched)
        return Update(current, records, everything=touched is None)

    def _touched_since(self, version: str | None, current: str) -> list[str] | None:
        """The tenants that were written after `version`; None where that cannot be told."""
        if version is None:
            return None
        number, _, token = version.partition(":")
        stands = select(CHANGES.c.token).where(CHANGES.c.number == int(number)).limit(1)
        if self._connection.scalar(stands) != token:
            return None
        later = select(CHANGES.c.number, CHANGES.c.token, CHANGES.c.tenant).where(CHANGES.c.number > int(number))
        changes = self._connection.execute(later).all()
        # A version that no change tells of was set by hand.
        if not any(f"{change.number}:{change.token}" == current for change in changes):
            return None
        touched = list(dict.fromkeys(change.tenant for change in changes))
        return None if EVERYTHING in touched else touched

    def _all(self) -> Iterator[tuple[str, str | None]]:
        wanted = select(TENANTS.c.tenant, TENANTS.c.record)
        streamed = {"yield_per": AT_A_TIME}
        with self._connection.begin(), self._connection.execute(wanted, execution_options=streamed) as rows:
            for row in rows:
                yield row.tenant, row.record

    def _these(self, touched: list[str]) -> Iterator[tuple[str, str | None]]:
        for start in range(0, len(touched), AT_A_TIME):
            names = touched[start : start + AT_A_TIME]
            found: dict[str, str | None] = dict.fromkeys(names)
            with self._connection.begin():
                rows = self._connection.execute(
                    select(TENANTS.c.tenant, TENANTS.c.record).where(TENANTS.c.tenant.in_(names))
                )
                found.update((row.tenant, row.record) for row in rows)
            yield from found.items()

    def wait(self, seconds: float, attention: Event) -> None:
        attention.wait(seconds)

    def abort(self) -> None:
        pass

    def close(self) -> None:
        self._connection.invalidate()  # without a rollback, which fails loudly on a connection that was lost
        self._connection.close()
