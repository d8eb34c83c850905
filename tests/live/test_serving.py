"""What requests read is whole at every moment, on the compiled build as well."""

from __future__ import annotations

import gc

from corecors import Policy
from corecors.live import by_host
from corecors.live.serving import Entries, Entry, Serving


def serving(policy: Policy) -> Serving:
    return Serving(by_host, policy, lambda entry: entry.keep(policy), lambda: None)


def test_what_was_served_ends_when_the_next_state_is_in_force() -> None:
    seen: list[Entries] = []

    class Predicate:
        def __call__(self, origin: str) -> bool:
            return False

        def __del__(self) -> None:
            seen.append(served.entries)

    served = serving(Policy())
    served.replace({"a": Entry("", 0, Policy(allow_origin_predicate=Predicate()))})
    served.replace({})
    gc.collect()
    assert seen == [{}]


def test_a_policy_that_two_requests_make_at_once_is_the_first_ones() -> None:
    entry = Entry("", 0, None)
    first = Policy()
    assert entry.keep(first) is first
    assert entry.keep(Policy()) is first
    assert entry.policy is first
