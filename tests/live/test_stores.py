"""Every kind of store does the same: what is written is read, by people and by followers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live.conftest import origins_of
from live.waiting import LONG, until

from corecors import Policy, PolicyError
from corecors.live import LivePolicies, RedisSource, SQLSource, Store, StoreError

A, B = "https://a.example", "https://b.example"
Follow = Callable[..., LivePolicies]
RECORDS: dict[str, dict[str, Any]] = {
    "shop.example.com": {"allow_origins": [A, B]},
    "[::1]": {"allow_origins": [], "max_age": 600, "allow_timing": True},
    "news": {"allow_origins": ["https://*.example.com"], "allow_headers": ["Content-Type"], "max_age": None},
    "a b\u00e9_%": {"allow_origins": ["*"], "allow_origin_regexes": [r"https://pr-\d+\.example\.com"]},
}


def test_what_is_put_is_got(store: Store) -> None:
    for tenant, record in RECORDS.items():
        store.put(tenant, record)
    assert {tenant: store.get(tenant) for tenant in store.tenants()} == RECORDS
    assert store.tenants() == sorted(RECORDS)
    store.put("news", {"allow_origins": [A]})
    assert store.get("news") == {"allow_origins": [A]}
    assert store.remove("news") is True
    assert store.remove("news") is False
    assert store.get("news") is None
    assert len(store.tenants()) == len(RECORDS) - 1


def test_many_are_put_at_once_or_none(store: Store) -> None:
    with pytest.raises(PolicyError):
        store.put_all({"shop": {"allow_origins": [A]}, "bad": {"allow_origins": ["https://a.example/"]}})
    assert store.tenants() == []
    store.put_all({f"t{number}": {"allow_origins": [f"https://{number}.example"]} for number in range(1200)})
    assert len(store.tenants()) == 1200


def test_init_leaves_what_is_there(store: Store) -> None:
    store.put("shop", {"allow_origins": [A]})
    store.init()
    assert store.get("shop") == {"allow_origins": [A]}


@pytest.mark.parametrize(
    ("tenant", "record"),
    [
        pytest.param("shop", {"allow_origins": "https://a.example"}, id="a string for a list"),
        pytest.param("shop", {}, id="without origins"),
        pytest.param("shop", {"allow_origins": [], "allow_origin_predicate": print}, id="a function"),
        pytest.param("shop", [A], id="a list"),
        pytest.param("", {"allow_origins": []}, id="a tenant without a name"),
        pytest.param("a\nb", {"allow_origins": []}, id="a line feed in the name"),
        pytest.param("\ud800", {"allow_origins": []}, id="half a character in the name"),
    ],
)
def test_what_makes_no_policy_is_not_written(tenant: str, record: Any, store: Store) -> None:
    with pytest.raises(PolicyError):
        store.put(tenant, record)
    assert store.tenants() == []


def test_a_follower_sees_what_is_written(store: Store, follow: Follow) -> None:
    for tenant, record in RECORDS.items():
        store.put(tenant, record)
    policies = follow(store, tenant=lambda request: request.host, max_staleness=1.0)
    assert policies.wait_ready(LONG)
    assert policies.status().tenants == len(RECORDS)
    for tenant, record in RECORDS.items():
        assert origins_of(policies, tenant) == tuple(record["allow_origins"])
    store.put("shop.example.com", {"allow_origins": [B]})
    until(lambda: origins_of(policies, "shop.example.com") == (B,))
    store.put_all({f"t{number}": {"allow_origins": [A]} for number in range(1500)})
    until(lambda: policies.status().tenants == len(RECORDS) + 1500)
    store.remove("t7")
    until(lambda: origins_of(policies, "t7") == ())
    assert policies.status().problems == {}
    assert policies.status().connected


def test_a_change_of_one_tenant_is_read_alone(store: Store, follow: Follow) -> None:
    store.put_all({f"t{number}": {"allow_origins": [A]} for number in range(20)})
    with_reader = store.open(10.0)
    first = with_reader.read(None)
    assert first is not None
    assert first.everything
    assert len(list(first.records)) == 20
    assert with_reader.read(first.version) is None
    store.put("t3", {"allow_origins": [B]})
    store.remove("t4")
    second = with_reader.read(first.version)
    assert second is not None
    assert not second.everything
    assert {tenant: text is not None for tenant, text in second.records} == {"t3": True, "t4": False}
    assert with_reader.read("0:" + "0" * 32) is not None
    with_reader.close()


def test_base_completes_what_a_record_leaves_out(store: Store, follow: Follow) -> None:
    store.put("shop", {"allow_origins": [A]})
    base = Policy(allow_credentials=True, allow_headers=["X-Shop"])
    policies = follow(store, base=base, max_staleness=1.0)
    assert policies.wait_ready(LONG)
    from corecors import CORSRequest

    assert policies.policy_for(CORSRequest("GET", host="shop")) == base.replace(allow_origins=[A])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: SQLSource("tenants.db"), "cannot be read", id="a path for a URL"),
        pytest.param(lambda: SQLSource("sqlite://"), "in memory", id="SQLite in memory"),
        pytest.param(lambda: RedisSource("localhost"), "cannot be read", id="a host for a URL of Redis"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        make()


def test_a_store_is_named_without_its_password() -> None:
    assert "secret" not in SQLSource("postgresql://me:secret@db.example/shop?password=secret").name
    assert "secret" not in RedisSource("redis://me:secret@db.example/3?password=secret").name


def test_a_store_that_nobody_made_says_how(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"corecors origins --store sqlite:///.* init"):
        SQLSource(f"sqlite:///{tmp_path}/none.db").tenants()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="has no tables of corecors"):
        SQLSource(f"sqlite:///{tmp_path}/empty.db").put("shop", {"allow_origins": []})
