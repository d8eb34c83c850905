"""What is served, when a store changes, fails, hangs or holds what no policy can be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from live.conftest import followers, origins_of
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors import UNDECIDED, CORSRequest, Policy, PolicyError
from corecors.live import LivePolicies, QuerySource, Update, by_path_segment
from corecors.live.following import Follower
from corecors.live.state import State

A, B = "https://a.example", "https://b.example"
Follow = Callable[..., LivePolicies]


def only(origin: str) -> dict[str, list[str]]:
    return {"allow_origins": [origin]}


def test_before_anything_is_loaded_default_governs(memory: MemoryStore, follow: Follow) -> None:
    memory.put("shop", only(A))
    memory.hangs = True
    policies = follow(memory)
    assert not policies.status().ready
    assert policies.status().age is None
    assert policies.policy_for(CORSRequest("GET", host="shop")) == Policy()


def test_the_first_request_starts_the_follower(memory: MemoryStore, follow: Follow) -> None:
    memory.put("shop", only(A))
    policies = follow(memory)
    assert memory.connections == 0
    policies.policy_for(CORSRequest("GET", host="shop"))
    until(lambda: origins_of(policies, "shop") == (A,))


def test_a_tenant_has_its_own_origins_and_the_rest_of_base(memory: MemoryStore, follow: Follow) -> None:
    memory.put("shop", only(A))
    memory.put("news", {"allow_origins": [B], "max_age": 60})
    base = Policy(allow_credentials=True, max_age=5, allow_origins=["https://base.example"])
    policies = follow(memory, base=base)
    assert policies.wait_ready(LONG)
    assert policies.policy_for(CORSRequest("GET", host="shop:8000")) == base.replace(allow_origins=[A])
    assert policies.policy_for(CORSRequest("GET", host="news")) == base.replace(allow_origins=[B], max_age=60)


def test_an_unknown_tenant_has_default(memory: MemoryStore, follow: Follow) -> None:
    memory.put("shop", only(A))
    default = Policy(allow_origins=["https://default.example"])
    policies = follow(memory, default=default)
    assert policies.wait_ready(LONG)
    for host in ("", "other", "shop.other", "SHOP,shop"):
        assert policies.policy_for(CORSRequest("GET", host=host)) is default


def test_where_the_tenant_cannot_be_told_nobody_is_let_in(memory: MemoryStore, follow: Follow) -> None:
    memory.put("acme", only(A))
    policies = follow(memory, tenant=by_path_segment(1))
    assert policies.wait_ready(LONG)
    assert policies.policy_for(CORSRequest("GET", "/acme//", path_is_ambiguous=True)) is UNDECIDED
    assert policies.policy_for(CORSRequest("GET", "/acme/")) == Policy(allow_origins=[A])


def test_a_change_costs_the_tenant_that_changed(memory: MemoryStore, follow: Follow) -> None:
    for number in range(100):
        memory.put(f"t{number}", only(A))
    changes: list[tuple[str, ...]] = []
    policies = follow(memory, on_change=changes.append)
    assert policies.wait_ready(LONG)
    before = policies.policy_for(CORSRequest("GET", host="t1"))
    memory.put("t7", only(B))
    until(lambda: origins_of(policies, "t7") == (B,))
    until(lambda: len(changes) == 2)
    assert changes[1] == ("t7",)
    assert policies.policy_for(CORSRequest("GET", host="t1")) is before
    assert policies.status().origins == 100


def test_what_is_read_anew_without_a_change_is_kept(memory: MemoryStore, follow: Follow) -> None:
    memory.put("shop", only(A))
    changes: list[tuple[str, ...]] = []
    policies = follow(memory, on_change=changes.append)
    assert policies.wait_ready(LONG)
    before = policies.policy_for(CORSRequest("GET", host="shop"))
    memory.restore({"shop": only(A)})
    version = memory.version
    until(lambda: policies.status().version == version)
    assert policies.policy_for(CORSRequest("GET", host="shop")) is before
    assert changes == [("shop",)]


def test_a_tenant_that_is_removed_is_unknown(memory: MemoryStore, follow: Follow) -> None:
    memory.put("shop", only(A))
    memory.put("news", only(B))
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    policies.remove("shop")
    until(lambda: origins_of(policies, "shop") == ())
    assert policies.status().tenants == 1
    memory.restore({})
    until(lambda: policies.status().version == memory.version)
    assert policies.status().tenants == 0
    assert origins_of(policies, "news") == ()


def test_a_backup_that_is_restored_is_what_counts(memory: MemoryStore, follow: Follow) -> None:
    memory.put("shop", only(A))
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    memory.put("new", only(B))
    memory.put("shop", only(B))
    until(lambda: origins_of(policies, "new") == origins_of(policies, "shop") == (B,))
    memory.restore({"shop": only(A)})
    until(lambda: origins_of(policies, "shop") == (A,))
    assert origins_of(policies, "new") == ()


def test_a_bad_record_leaves_its_tenant_with_its_last_good_policy(
    memory: MemoryStore, follow: Follow, told: Any
) -> None:
    memory.put("shop", only(A))
    policies = follow(memory, base=Policy(allow_credentials=True))
    assert policies.wait_ready(LONG)
    memory.unchecked("shop", '{"allow_origins": ["*", "https://c.example/"], "max_age": -1}')
    memory.unchecked("fresh", '{"allow_origins": ["https://fresh.example/"]}')
    memory.put("news", only(B))
    until(lambda: policies.status().version == memory.version)
    assert origins_of(policies, "news") == (B,)
    assert origins_of(policies, "shop") == (A,)
    assert origins_of(policies, "fresh") == ()
    problems = policies.status().problems
    assert {problem.field for problem in problems["shop"]} == {"allow_origins", "max_age"}
    assert [problem.fix for problem in problems["fresh"]] == ["https://fresh.example"]
    assert len(told("record of 'shop' is refused, and it keeps its last good policy")) == 1
    assert len(told("record of 'fresh' is refused, and it has no policy, so default governs it")) == 1
    assert "'https://c.example'" in told("'shop'")[0].getMessage()

    memory.restore({"shop": only(A), "news": only(A)})  # read as a whole, with the bad one gone
    until(lambda: policies.status().version == memory.version)
    assert origins_of(policies, "news") == (A,)
    assert policies.status().problems == {}
    assert len(told("is refused")) == 2


def test_while_the_store_is_gone_the_last_good_state_serves_and_one_line_says_so(
    memory: MemoryStore, follow: Follow, told: Any
) -> None:
    memory.put("shop", only(A))
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    memory.failure = ConnectionRefusedError("refused")
    until(lambda: not policies.status().connected)
    attempts = memory.connections
    until(lambda: memory.connections >= attempts + 3)
    status = policies.status()
    assert status.last_error == "ConnectionRefusedError: refused"
    assert status.ready
    assert origins_of(policies, "shop") == (A,)
    memory.put("shop", only(B))
    memory.failure = None
    until(lambda: told("is back after"))
    assert origins_of(policies, "shop") == (B,)
    assert policies.status().connected
    assert policies.status().last_error is None
    assert [line.levelname for line in told("cannot be read")] == ["WARNING"]
    assert [line.levelname for line in told("is back after")] == ["WARNING"]


def test_each_failed_look_waits_twice_as_long_as_the_one_before_up_to_the_bound(
    memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float | None] = []

    class Attention(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            if len(waited) == 9:
                follower.stop()
            return True

    memory.failure = ConnectionRefusedError()
    follower = Follower(memory, State(Policy(), lambda name: None), Mock(), None, max_staleness=5.0)
    monkeypatch.setattr(follower, "_attention", Attention())
    monkeypatch.setattr("corecors.live.following.random.uniform", lambda least, most: most)
    follower.start()
    follower.join(LONG)
    assert waited == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_after_serve_stale_for_default_governs_and_one_error_says_so(
    memory: MemoryStore, follow: Follow, told: Any
) -> None:
    memory.put("shop", only(A))
    policies = follow(memory, serve_stale_for=0.5)
    assert policies.wait_ready(LONG)
    memory.failure = OSError("gone")
    until(lambda: origins_of(policies, "shop") == ())
    assert not policies.status().ready
    time.sleep(0.5)
    assert origins_of(policies, "shop") == ()
    assert [line.levelname for line in told("from now on default governs")] == ["ERROR"]
    memory.failure = None
    until(lambda: policies.status().ready)
    assert origins_of(policies, "shop") == (A,)


def test_after_serve_stale_for_default_governs_though_the_follower_hangs(
    memory: MemoryStore, follow: Follow, told: Any
) -> None:
    memory.put("shop", only(A))
    policies = follow(memory, serve_stale_for=0.3)
    assert policies.wait_ready(LONG)
    memory.hangs = True
    until(lambda: origins_of(policies, "shop") == ())
    memory.hangs = False
    until(lambda: origins_of(policies, "shop") == (A,))


def test_a_follower_that_hangs_is_one_error_and_is_cut_loose(memory: MemoryStore, follow: Follow, told: Any) -> None:
    memory.put("shop", only(A))
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    memory.hangs = True
    until(lambda: not policies.status().connected)
    assert origins_of(policies, "shop") == (A,)
    memory.hangs = False
    memory.put("shop", only(B))
    until(lambda: origins_of(policies, "shop") == (B,))
    until(lambda: told("is back after"))
    assert policies.status().connected
    assert [line.levelname for line in told("has not answered for")] == ["ERROR"]
    assert [line.levelname for line in told("is back after")] == ["WARNING"]
    assert not told("cannot be read")


def test_a_start_without_the_store_and_without_a_snapshot_is_loud(
    memory: MemoryStore, follow: Follow, told: Any
) -> None:
    memory.failure = OSError("gone")
    policies = follow(memory)
    assert not policies.wait_ready(0.5)
    until(lambda: told("default governs every tenant"))
    assert [line.levelname for line in told("default governs every tenant")] == ["ERROR"]
    memory.put("shop", only(A))
    memory.failure = None
    assert policies.wait_ready(LONG)
    assert origins_of(policies, "shop") == (A,)


def test_age_stays_below_the_bound_while_connected_and_grows_in_an_outage(memory: MemoryStore, follow: Follow) -> None:
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    until(lambda: len(memory.looks) > 3)
    status = policies.status()
    assert status.connected
    assert status.age is not None
    memory.failure = OSError("gone")
    until(lambda: not policies.status().connected)
    lost = policies.status().age
    until(lambda: (policies.status().age or 0) > (lost or 0) + 0.5)


def test_a_record_is_checked_under_base_before_it_is_written(memory: MemoryStore, follow: Follow) -> None:
    policies = follow(memory, base=Policy(allow_credentials=True))
    with pytest.raises(PolicyError) as refused:
        policies.put("shop", {"allow_origins": ["*"]})
    assert refused.value.problems[0].code == "any-origin-with-credentials"
    assert memory.records == {}
    policies.put("shop", only(A))
    assert memory.records == {"shop": '{"allow_origins":["https://a.example"]}'}


def test_a_source_that_can_only_be_read_says_so(follow: Follow) -> None:
    policies = follow(QuerySource(dict, name="the shops"))
    with pytest.raises(TypeError, match="the shops can only be read"):
        policies.put("shop", only(A))


def test_what_on_change_raises_harms_nobody(memory: MemoryStore, follow: Follow, told: Any) -> None:
    def fail(tenants: tuple[str, ...]) -> None:
        raise ValueError("mine")

    memory.put("shop", only(A))
    policies = follow(memory, on_change=fail)
    assert policies.wait_ready(LONG)
    memory.put("shop", only(B))
    until(lambda: origins_of(policies, "shop") == (B,))
    until(lambda: len(told("on_change failed: ValueError: mine")) == 2)


def test_a_query_is_asked_again_and_again(follow: Follow, told: Any) -> None:
    rows: dict[str, Any] = {"shop": {"allow_origins": {A}}, "bad": {"allow_origins": [object()]}}
    policies = follow(QuerySource(lambda: dict(rows)))
    assert policies.wait_ready(LONG)
    assert origins_of(policies, "shop") == (A,)
    assert policies.status().problems["bad"][0].code == "not-data"
    version = policies.status().version
    rows["shop"] = {"allow_origins": [B]}
    until(lambda: origins_of(policies, "shop") == (B,))
    until(lambda: policies.status().version != version)
    version = policies.status().version
    until(lambda: len(told("following")) == 1)
    time.sleep(1.0)  # several looks, none of which finds anything
    assert policies.status().version == version
    assert len(told("is refused")) == 1


@pytest.mark.parametrize(
    "answer",
    [pytest.param(None, id="None"), pytest.param([("shop", {})], id="pairs"), pytest.param("shop", id="a string")],
)
def test_a_query_that_returns_anything_else_is_an_outage(answer: Any, follow: Follow, told: Any) -> None:
    policies = follow(QuerySource(lambda: answer))
    assert not policies.wait_ready(0.3)
    until(lambda: "where {tenant: record} belongs" in (policies.status().last_error or ""))


def test_a_million_origins_and_one_more_are_copied_not_read_again(memory: MemoryStore, follow: Follow) -> None:
    many = [f"https://customer-{number}.example" for number in range(50_000)]
    memory.put("shop", {"allow_origins": many})
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    memory.put("shop", {"allow_origins": [*many, A]})
    until(lambda: policies.status().version == memory.version)
    assert len(origins_of(policies, "shop")) == 50_001
    assert policies.status().origins == 50_001
    found = policies.policy_for(CORSRequest("GET", host="shop"))
    assert isinstance(found, Policy)
    assert found.allows_origin(A)


def test_closing_in_the_middle_of_a_load_ends_it(memory: MemoryStore, follow: Follow) -> None:
    def endless() -> Iterator[tuple[str, str]]:
        for number in count():
            reading.set()
            yield f"t{number}", '{"allow_origins":["https://a.example"]}'

    reading = threading.Event()
    memory.read = lambda version: Update("1", endless(), everything=True)  # type: ignore[method-assign]
    policies = follow(memory)
    policies.start()
    assert reading.wait(LONG)
    policies.close(timeout=LONG)
    assert not followers()
    assert not policies.status().ready


def test_what_vanishes_while_everything_is_read_is_not_there(memory: MemoryStore, follow: Follow) -> None:
    text = '{"allow_origins":["https://a.example"]}'
    memory.read = lambda version: Update("1", [("shop", text), ("gone", None)], everything=True)  # type: ignore[method-assign]
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    assert policies.status().tenants == 1


def test_closing_ends_the_thread_and_keeps_what_is_in_force(memory: MemoryStore, follow: Follow) -> None:
    memory.put("shop", only(A))
    policies = follow(memory)
    assert policies.wait_ready(LONG)
    policies.close(timeout=LONG)
    assert not followers()
    assert origins_of(policies, "shop") == (A,)
    assert not policies.status().connected
    looks = len(memory.looks)
    time.sleep(0.5)
    assert len(memory.looks) == looks
    with pytest.raises(RuntimeError, match="closed"):
        policies.start()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param({"source": "sqlite:///x.db"}, TypeError, id="a URL for a source"),
        pytest.param({"base": {"allow_origins": []}}, TypeError, id="a mapping for base"),
        pytest.param({"default": "nobody"}, TypeError, id="a string for default"),
        pytest.param({"tenant": "by_host"}, TypeError, id="a string for tenant"),
        pytest.param({"on_change": "log"}, TypeError, id="a string for on_change"),
        pytest.param({"max_staleness": "5"}, TypeError, id="a string of seconds"),
        pytest.param({"max_staleness": 0}, ValueError, id="no time"),
        pytest.param({"max_staleness": float("nan")}, ValueError, id="nan"),
        pytest.param({"max_staleness": 5, "serve_stale_for": 1}, ValueError, id="less stale than a look takes"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    options: dict[str, Any], error: type[Exception], memory: MemoryStore
) -> None:
    with pytest.raises(error, match=next(reversed(options))):
        LivePolicies(**{"source": memory, **options})


def test_nothing_is_left_behind(tmp_path: Path, memory: MemoryStore) -> None:
    with LivePolicies(memory, snapshot=tmp_path / "snapshot.db") as policies:
        assert policies.wait_ready(LONG)
    assert not followers()
