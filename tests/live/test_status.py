"""What an operator is told is in force, at every moment: `status` takes no lock."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from corecors import Policy
from corecors.live import Update, by_host
from corecors.live.health import Health
from corecors.live.serving import Serving
from corecors.live.state import State


class WatchedHealth(Health):
    """Looks at its own status after each single thing that it notes, as another thread may do.

    seen: the version that was told, whether it was told to be ready, and the tenants that were served.
    """

    watching = False

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if self.watching:
            status = self.status(is_followed=True)
            self.seen.append((status.version, status.ready, sorted(self.serving.entries)))

    def watch(self) -> None:
        self.__dict__.update(watching=True, seen=[])


@pytest.mark.parametrize(
    "tell",
    [
        pytest.param(lambda health: health.succeeded(0.0, "2", ("new",)), id="from the store"),
        pytest.param(lambda health: health.restored("2", 0.0), id="from the snapshot"),
    ],
)
@pytest.mark.parametrize("is_expired", [False, True], ids=["a state that serves", "a state that had become too old"])
def test_a_version_is_in_force_before_it_is_told(tell: Callable[[Health], None], is_expired: bool) -> None:
    state = State(Policy(), lambda name: None)

    def take_in(tenant: str) -> None:
        text = '{"allow_origins":["https://a.example"]}'
        state.apply(Update("", [(tenant, text)], everything=True), lambda: None, lambda *_: None)

    serving = Serving(by_host, Policy(), state.policy_of, lambda: None)
    health = WatchedHealth(serving, "a store", state, 1.0, 1.0 if is_expired else math.inf, None)
    take_in("old")
    health.succeeded(0.0, "1", ("old",))
    health.check(is_alive=False)
    assert sorted(health.serving.entries) == ([] if is_expired else ["old"])
    take_in("new")
    health.watch()
    tell(health)
    assert health.seen[-1] == ("2", True, ["new"])
    assert [seen for seen in health.seen if seen[0] == "2" and seen[2] != ["new"]] == []
    assert not is_expired or [seen for seen in health.seen if seen[1] and seen[2] != ["new"]] == []
