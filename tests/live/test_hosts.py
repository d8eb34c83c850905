"""Several hosts, each with workers, follow the store of another one; a link between them is cut, and comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.network import STALENESS, WORKERS, Network, missing, network_of, working
from live.waiting import until

from servers.availability import leave_out

IS_LONG = int(os.environ.get("CORECORS_LIVE_CHANGES", "0")) >= 200  # seconds are asserted
ATTEMPT = 2.0  # seconds that an attempt to connect may take, which may have begun before the link was back


@pytest.fixture(params=["postgresql", "redis"])
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    if found := missing(request.param):
        leave_out(f"{found} is not there")
    with network_of(request.param) as made:
        yield made


def test_a_link_that_is_cut_and_comes_back(network: Network, tmp_path: Path) -> None:
    network.origins("init")
    network.put(1)
    with (
        working(network.hosts, "a", network.url("a"), tmp_path / "a") as a,
        working(network.hosts, "b", network.url("b"), tmp_path / "b") as b,
    ):
        until(lambda: a.all_serve(1) and b.all_serve(1), "the first state on both hosts")
        network.put(2)
        until(lambda: a.all_serve(2) and b.all_serve(2), "a change on both hosts")

        network.hosts.cut("a")
        network.put(3)
        until(lambda: b.all_serve(3), "the change on the host that has its link")
        until(
            lambda: all(state.startswith("not connected") for _, state in a.states().values()), "staleness to be told"
        )
        assert a.all_serve(2)  # the last good state serves
        assert b.said("WARNING") == b.said("ERROR") == []

        one = a.worker_of_gunicorn()
        os.kill(int(one), signal.SIGKILL)  # gunicorn starts another one
        until(lambda: one not in a.states() and a.all_serve(2), "a worker that starts without the store")
        until(lambda: a.said("serving 1 tenant from a snapshot"))
        (restored,) = a.said("serving 1 tenant from a snapshot")

        network.hosts.join("a")
        joined = time.monotonic()
        until(lambda: a.all_serve(3), "the change that was made while the link was cut")
        healed = time.monotonic() - joined
        until(lambda: a.all_say("connected") and len(a.said("is back after")) >= WORKERS, "the recovery to be told")
        lost = a.said("cannot be read") + a.said("has not answered")
        assert len(lost) == len({line.split()[0] for line in lost}) == WORKERS + 1  # each process says it once
        back = a.said("is back after")
        assert len(back) == len({line.split()[0] for line in back}) == WORKERS
        assert restored.split()[0] in {line.split()[0] for line in back}
        assert b.said("WARNING") == b.said("ERROR") == []
        network.put(4)
        until(lambda: a.all_serve(4) and b.all_serve(4), "a change after it")
        if IS_LONG:
            assert healed <= STALENESS + ATTEMPT + 1.0
