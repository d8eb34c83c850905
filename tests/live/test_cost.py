"""A request of a tenant costs little more than one under `PathPolicies`, however many tenants there are."""

from __future__ import annotations

import shutil

import pytest
from live.counting import Cost, instructions

from servers.availability import leave_out

SMALL, LARGE = 1, 1_000  # tenants; docs/live-results.md has 100,000
# Times what `PathPolicies` takes, of a whole request and of finding its policy alone. Counted for 1,000 tenants with
# Python 3.11: a request takes 16,888 under `PathPolicies`, 21,157 by path (1.25) and 20,139 by host (1.19); its policy
# 5,076, 5,046 (0.99) and 3,892 (0.77). Compiled: 10,026, 12,898 (1.29) and 12,722 (1.27); 2,770, 2,906 (1.05) and
# 2,608 (0.94).
MOST = 1.3


@pytest.fixture(scope="module")
def costs() -> dict[tuple[str, int], Cost]:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        leave_out("valgrind is not installed")
    return instructions(valgrind, [SMALL, LARGE])


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("subject", ["tenants by path", "tenants by host"])
def test_a_request_costs_what_one_by_path_does(subject: str, size: int, costs: dict[tuple[str, int], Cost]) -> None:
    ours, paths = costs[subject, size], costs["paths", size]
    assert ours.request <= MOST * paths.request
    assert ours.policy <= MOST * paths.policy


@pytest.mark.parametrize("subject", ["tenants by path", "tenants by host"])
def test_the_cost_does_not_grow_with_the_tenants(subject: str, costs: dict[tuple[str, int], Cost]) -> None:
    assert costs[subject, LARGE].request <= 1.05 * costs[subject, SMALL].request
