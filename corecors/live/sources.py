"""What a follower needs of a store, and what an application's own admin pages use.

A store has a version: a token that is fresh and random with every write, compared for equality alone. A counter would
miss a backup that is restored and then written to.
A notification only makes a follower look sooner; every wait ends by itself.
"""

from collections.abc import Iterable
from threading import Event
from typing import Any, NamedTuple, Protocol

from corecors._policy.problems import PolicyError
from corecors.live.records import Record

Text = str | PolicyError


class Update(NamedTuple):
    """What a store says.

    version: of the state that it was in before any record was read; None where the store has no versions.
    records: names of tenants and the JSON of their records; None instead of one that is no longer there, and the error
        instead of one that cannot be read. Read once, in pieces, and it may fail on the way.
    everything: whether tenants that are not named here are not in the store.
    """

    version: str | None
    records: Iterable[tuple[str, Text | None]]
    everything: bool


class Reader(Protocol):
    """One connection to a store, used by the one thread of a follower. Whatever it raises is taken as an outage."""

    def read(self, version: str | None) -> Update | None:
        """What has changed since `version`, or everything; None where the store is still at `version`."""
        ...

    def wait(self, seconds: float, attention: Event) -> None:
        """Return after `seconds`, or as soon as the store has something new or `attention` is set."""
        ...

    def abort(self) -> None:
        """Make a call that hangs in another thread fail. Never blocks."""
        ...

    def close(self) -> None: ...


class Source(Protocol):
    """A store that can be followed."""

    @property
    def name(self) -> str:
        """Which store it is, for people: never with a password in it."""
        ...

    def open(self, timeout: float) -> Reader:
        """Connect; one that takes longer than `timeout` seconds fails."""
        ...


class Store(Source, Protocol):
    """A store that can be written too. Raises what its driver raises where the store cannot be reached."""

    def init(self) -> None:
        """Create what the store needs; what is there already stays."""
        ...

    def put(self, tenant: str, record: Record) -> None:
        """Write a tenant's record. Raises `PolicyError` for one that no policy could be made of, and writes nothing."""
        ...

    def remove(self, tenant: str) -> bool:
        """Remove a tenant; whether it was there."""
        ...

    def get(self, tenant: str) -> dict[str, Any] | None:
        """A tenant's record."""
        ...

    def tenants(self) -> list[str]:
        """The names of all tenants, sorted."""
        ...

    def put_all(self, records: dict[str, Record]) -> None:
        """Write many records, all or none of them."""
        ...
