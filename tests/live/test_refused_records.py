"""What a store may hold that no policy can be made of: it is refused, named, and harms nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from live.conftest import origins_of
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors.live import LivePolicies

Follow = Callable[..., LivePolicies]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("{", "record", id="no JSON"),
        pytest.param("[" * 100_000, "record", id="JSON without an end"),
        pytest.param('["https://a.example"]', "record", id="a list"),
        pytest.param("{}", "record", id="without origins"),
        pytest.param('{"allow_origins": [], "allow_origins": []}', "record", id="a name twice"),
        pytest.param('{"allow_origins": "https://a.example"}', "allow_origins", id="a string for a list"),
        pytest.param('{"allow_origins": [], "alow_methods": []}', "alow_methods", id="an unknown name"),
        pytest.param(
            '{"allow_origins": [], "allow_origin_predicate": "os.system"}', "allow_origin_predicate", id="code"
        ),
        pytest.param('{"allow_origins": [1e999]}', "allow_origins", id="a number"),
    ],
)
def test_garbage_is_refused(text: str, field: str, memory: MemoryStore, follow: Follow) -> None:
    memory.unchecked("shop", text)
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    assert [problem.field for problem in policies.status().problems["shop"]] == [field]
    assert origins_of(policies, "shop") == ()


@pytest.mark.parametrize("name", ["", "Shop", "a b", "\x1b[2J", "x" * 300, 'shop"\n'])
def test_names_that_no_request_has_are_refused_and_shown_without_harm(
    name: str, memory: MemoryStore, follow: Follow, told: Any
) -> None:
    memory.unchecked(name, '{"allow_origins": []}')
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    assert policies.status().problems[name][0].field == "tenant"
    (line,) = told("is refused")
    assert line.getMessage().isprintable()
    assert line.getMessage().isascii()


def test_a_refused_record_that_is_removed_is_no_problem_any_more(memory: MemoryStore, follow: Follow) -> None:
    memory.put("other", {"allow_origins": []})
    memory.unchecked("shop", "garbage")
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    assert set(policies.status().problems) == {"shop"}
    memory.remove("shop")
    policies.look_now()
    until(lambda: policies.status().version == memory.version)
    assert not policies.status().problems


def test_a_store_full_of_garbage_fills_no_log(memory: MemoryStore, follow: Follow, told: Any) -> None:
    for number in range(500):
        memory.unchecked(f"t{number}", "garbage")
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    assert len(policies.status().problems) == 500
    assert len(told("is refused")) == 20
    assert len(told("480 more records are refused")) == 1
