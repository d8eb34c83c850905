"""What a request of a tenant passes through: whose it is, and under which policy, by one look-up.

Nothing else in this package is on the way of a request, and nothing here does I/O or takes a lock.
"""

import math
import time
from collections.abc import Callable
from typing import Final, final

from corecors._decisions.request import CORSRequest, Place
from corecors._decisions.sources import UNDECIDED, Undecided
from corecors._policy.policy import Policy
from corecors.live.tenants import Tenant

_now: Final = time.monotonic


@final
class Entry:
    """One version of one tenant: never changed, but for the policy, which is made once."""

    __slots__ = ("origins", "policy", "text")

    def __init__(self, text: str, origins: int, policy: Policy | None) -> None:
        self.text: str = text
        self.origins: int = origins
        self.policy: Policy | None = policy

    def keep(self, policy: Policy) -> Policy:
        """The policy from now on: `policy`, unless another request made it first."""
        if self.policy is None:
            self.policy = policy
        return self.policy


Entries = dict[str, Entry]


@final
class Serving:
    """What requests read, and `Health` changes.

    tenant: whose a request is. default: governs where that is nobody known. policy_of: makes the policy of an entry
        that has none yet. look_after: called by the first request that comes when it is `due`, on the monotonic clock.
    entries: the tenants that are served.
    """

    def __init__(
        self, tenant: Tenant, default: Policy, policy_of: Callable[[Entry], Policy], look_after: Callable[[], None]
    ) -> None:
        self.entries: Entries = {}
        self.due: float = -math.inf
        self.default: Policy = default
        self._tenant = tenant
        self._policy_of = policy_of
        self._look_after = look_after

    def policy_for(self, request: CORSRequest | Place) -> Policy | Undecided:
        """The policy of the request's tenant."""
        if _now() >= self.due:
            self._look_after()
        tenant = self._tenant(request)  # type: ignore[arg-type]  # a Place where it does not need more
        entry = self.entries.get(tenant)
        if entry is not None:
            policy = entry.policy
            return self._policy_of(entry) if policy is None else policy
        return UNDECIDED if tenant is UNDECIDED else self.default

    def replace(self, entries: Entries) -> Entries:
        """Serve `entries` from now on; what was served before is handed back.

        Compiled code lets go of what an attribute had before it sets it: were it for the last time, and the end of a
        policy ran code of the application's, another thread's request could read what is no longer there.
        """
        before = self.entries
        self.entries = entries
        return before
