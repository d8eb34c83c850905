"""What an operator is told."""

from collections.abc import Mapping
from typing import NamedTuple

from corecors._policy.problems import Problem


class Status(NamedTuple):
    """How a follower is doing.

    ready: whether a state of the store has been loaded, from the store itself or from the snapshot.
    version: of that state; None before. It is told when all of it is in force, and in `problems`; a tenant's new policy
        may govern before, while the rest of an update is taken in.
    age: seconds since the state was last known to be the store's own; None before it ever was. Below
        `max_staleness` + 1 while connected.
    connected: whether the last look at the store succeeded, not too long ago.
    tenants, origins: how many there are.
    problems: tenants whose record is refused, with what is wrong; such a tenant keeps its last good policy.
    last_error: of the last look at the store that failed, on one line; None while connected.
    """

    ready: bool
    version: str | None
    age: float | None
    connected: bool
    tenants: int
    origins: int
    problems: Mapping[str, tuple[Problem, ...]]
    last_error: str | None


def counted(number: int, noun: str) -> str:
    """ "1 tenant", "2,000 tenants"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
