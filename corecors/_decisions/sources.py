"""What tells a door which policy governs a request."""

from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol

from corecors._decisions.request import CORSRequest

if TYPE_CHECKING:
    from corecors._policy.policy import Policy


class Undecided(Enum):
    """The type of `UNDECIDED`."""

    UNDECIDED = "undecided"

    def __repr__(self) -> str:
        return "UNDECIDED"


UNDECIDED: Final[Literal[Undecided.UNDECIDED]] = Undecided.UNDECIDED
"""It cannot be told which policy governs: nobody is let in, and it is logged."""


class PolicySource(Protocol):
    """Anything that chooses the policy of a request, the same for every door: `PathPolicies`, say.

    A source may have an attribute `varies_by_origin`: False says that it never looks at the request's `Origin`. Else
    every answer under it varies by `Origin`, so that caches keep the answers apart. One that looks at nothing but the
    host and the path may say `needs_request = False` as well, in its class: then a door may ask it with a `Place`,
    which takes less time to make than a `CORSRequest`.
    """

    def policy_for(self, request: CORSRequest) -> "Policy | Undecided | None":
        """The policy that governs `request`; None: its owner opted out, and the response stays untouched; `UNDECIDED`:
        it cannot be told, and nobody is let in."""
        ...
