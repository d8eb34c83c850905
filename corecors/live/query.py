"""QuerySource: the table that a product already has, read by its own code."""

from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, final

from corecors.live.records import Record, StoreError, texts_of
from corecors.live.sources import Update


@final
class QuerySource:
    """Follows whatever a function returns: `{tenant: record}`, all tenants at once.

        def load():
            with engine.connect() as connection:
                rows = connection.execute(text("SELECT host, origins FROM shops"))
                return {row.host: {"allow_origins": row.origins} for row in rows}

        LivePolicies(QuerySource(load))

    load: called in the follower's thread, every `max_staleness` seconds; what it raises is an outage. It should bound
        its own time: nothing from outside can end it.
    name: what logs call it.
    """

    def __init__(self, load: Callable[[], Mapping[str, Record]], *, name: str | None = None) -> None:
        if not callable(load):
            raise TypeError(f"load is a function without arguments, not of type {type(load).__name__}")
        self._load = load
        self.name: str = name or f"the query {getattr(load, '__qualname__', type(load).__name__)}"

    def open(self, timeout: float) -> "_QueryReader":
        return _QueryReader(self._load)


class _QueryReader:
    def __init__(self, load: Callable[[], Mapping[str, Record]]) -> None:
        self._load = load

    def read(self, version: str | None) -> Update | None:
        found: Any = self._load()
        if not isinstance(found, Mapping):
            raise StoreError(f"load returned a value of type {type(found).__name__} where {{tenant: record}} belongs")
        return Update(None, texts_of(dict(found)), everything=True)

    def wait(self, seconds: float, attention: Event) -> None:
        attention.wait(seconds)

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass
