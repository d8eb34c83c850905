"""What happens to real servers, and what a follower makes of it. The table of docs/live.md has these rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live.conftest import ask_postgresql, ask_redis, make_store, origins_of
from live.database_servers import DatabaseServer
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors.live import LivePolicies

A, B = "https://a.example", "https://b.example"
Follow = Callable[..., LivePolicies]


class Followed:
    """A store with one tenant, and a follower that has it."""

    def __init__(self, store: Any, server: DatabaseServer, policies: LivePolicies, kind: str) -> None:
        self.store = store
        self.server = server
        self.policies = policies
        self.kind = kind

    def serves(self, origin: str) -> bool:
        return origins_of(self.policies, "shop") == (origin,)

    def heals(self) -> None:
        self.store.init()
        self.store.put("shop", {"allow_origins": [B]})
        until(lambda: self.serves(B), "the change after the fault")
        until(lambda: self.policies.status().connected)


@pytest.fixture(params=["postgresql", "redis"])
def followed(request: pytest.FixtureRequest, tmp_path: Path, follow: Follow) -> Iterator[Followed]:
    store = make_store(request.param, request, tmp_path)
    store.put("shop", {"allow_origins": [A]})
    policies = follow(store, max_staleness=1.0)
    assert policies.wait_ready(LONG)
    server: DatabaseServer = request.getfixturevalue(f"{request.param}_server")
    yield Followed(store, server, policies, request.param)
    server.thaw()


def test_a_server_that_is_killed(followed: Followed, told: Any) -> None:
    followed.server.kill()
    until(lambda: not followed.policies.status().connected)
    assert followed.serves(A)
    followed.server.start()
    followed.heals()
    until(lambda: len(told("is back after")) == 1)
    assert len(told("cannot be read")) == 1
    assert not [line for line in told() if line.name != "corecors"]  # no driver and no pool complains as well


def test_a_server_that_is_restarted(followed: Followed, told: Any) -> None:
    followed.server.restart()
    assert followed.serves(A) or followed.kind == "redis"
    followed.heals()
    assert len(told("cannot be read")) <= 1
    until(lambda: len(told("is back after")) == len(told("cannot be read")))


def test_a_server_that_is_frozen_holds_up_nobody(followed: Followed, told: Any) -> None:
    followed.server.freeze()
    until(lambda: not followed.policies.status().connected)
    assert followed.serves(A)
    until(lambda: told("has not answered for") or told("cannot be read"))
    followed.server.thaw()
    followed.heals()
    until(lambda: len(told("is back after")) == 1)
    assert len(told("has not answered for")) + len(told("cannot be read")) == 1


def test_a_store_whose_tables_are_gone(followed: Followed, told: Any) -> None:
    if followed.kind == "redis":
        ask_redis(followed.server, "FLUSHALL")
    else:
        ask_postgresql(followed.server, "DROP TABLE corecors_tenants, corecors_version, corecors_changes")
    until(lambda: not followed.policies.status().connected)
    assert followed.serves(A)
    followed.heals()
    assert len(told("cannot be read")) == 1


def test_garbage_that_was_written_by_hand(followed: Followed, told: Any) -> None:
    if followed.kind == "redis":
        ask_redis(followed.server, "HSET", "corecors:tenant:shop", "allow_origins", "garbage\x1b[2J")
        ask_redis(followed.server, "SET", "corecors:version", "by hand")
    else:
        ask_postgresql(followed.server, "UPDATE corecors_tenants SET record = 'garbage'")
    until(lambda: "shop" in followed.policies.status().problems)
    assert followed.serves(A)
    until(lambda: told("is refused"))
    (line,) = told("is refused, and it keeps its last good policy")
    assert line.getMessage().isprintable()
    followed.heals()
    assert followed.policies.status().problems == {}


def test_every_notification_is_lost(followed: Followed) -> None:
    if followed.kind == "redis":
        # What a write does, but for telling anybody.
        ask_redis(followed.server, "HSET", "corecors:tenant:shop", "allow_origins", f'["{B}"]')
        ask_redis(followed.server, "SET", "corecors:version", "by hand")
    else:
        ask_postgresql(
            followed.server,
            f"""DO $$ BEGIN
            ALTER TABLE corecors_tenants DISABLE TRIGGER USER;
            UPDATE corecors_tenants SET record = '{{"allow_origins": ["{B}"]}}';
            UPDATE corecors_version SET token = 'by hand', number = number + 1;
            ALTER TABLE corecors_tenants ENABLE TRIGGER USER;
            END $$""",
        )
    until(lambda: followed.serves(B))


def test_all_connections_are_ended_by_an_administrator(followed: Followed, told: Any) -> None:
    if followed.kind == "redis":
        ask_redis(followed.server, "CLIENT", "KILL", "TYPE", "normal")
        ask_redis(followed.server, "CLIENT", "KILL", "TYPE", "pubsub")
    else:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND"
        ask_postgresql(followed.server, f"{others} backend_type = 'client backend'")
    until(lambda: told("is back after"))
    assert followed.serves(A)
    followed.heals()
    assert len(told("cannot be read")) == 1


def test_rows_that_are_removed_by_hand_are_removed(followed: Followed, told: Any) -> None:
    if followed.kind == "redis":
        ask_redis(followed.server, "DEL", "corecors:tenants", "corecors:tenant:shop")
        ask_redis(followed.server, "SET", "corecors:version", "by hand")
    else:
        ask_postgresql(followed.server, "TRUNCATE corecors_tenants")
    until(lambda: origins_of(followed.policies, "shop") == ())
    until(lambda: len(told("has no tenants any more")) == 1)
    followed.heals()


def test_a_directory_as_kubernetes_mounts_a_config_map(tmp_path: Path, follow: Follow) -> None:
    """Names are symlinks into a directory behind a symlink that is swapped."""
    from corecors.live import FileSource

    mounted = tmp_path / "mounted"
    for version, origin in (("..1", A), ("..2", B)):
        (mounted / version).mkdir(parents=True)
        (mounted / version / "shop.toml").write_text(f'allow_origins = ["{origin}"]\n')
    (mounted / "..data").symlink_to("..1")
    (mounted / "shop.toml").symlink_to("..data/shop.toml")
    policies = follow(FileSource(mounted))
    assert policies.wait_ready(LONG)
    assert policies.status().tenants == 1
    assert origins_of(policies, "shop") == (A,)
    (mounted / "..data_tmp").symlink_to("..2")
    (mounted / "..data_tmp").replace(mounted / "..data")
    until(lambda: origins_of(policies, "shop") == (B,))
    (mounted / "..2" / "shop.toml").write_text("allow_origins = [")
    until(lambda: "shop" in policies.status().problems)
    assert origins_of(policies, "shop") == (B,)


def test_one_file_with_all_tenants(tmp_path: Path, follow: Follow, told: Any) -> None:
    from corecors.live import FileSource

    path = tmp_path / "tenants.toml"
    path.write_text(f'[tenants.shop]\nallow_origins = ["{A}"]\n')
    policies = follow(FileSource(path))
    assert policies.wait_ready(LONG)
    path.write_text("[tenants.shop\n")
    until(lambda: not policies.status().connected)
    assert origins_of(policies, "shop") == (A,)
    until(lambda: len(told("is not valid TOML")) == 1)
    path.write_text(f'[tenants.shop]\nallow_origins = ["{B}"]\n')
    until(lambda: origins_of(policies, "shop") == (B,))


def test_a_query_of_an_application_fails(memory: MemoryStore, follow: Follow, told: Any) -> None:
    from corecors.live import QuerySource

    rows: dict[str, Any] = {"shop": {"allow_origins": [A]}}
    failing: list[Exception] = []

    def load() -> dict[str, Any]:
        if failing:
            raise failing[0]
        return rows

    policies = follow(QuerySource(load))
    assert policies.wait_ready(LONG)
    failing.append(RuntimeError("no\x1b[2J database"))
    until(lambda: not policies.status().connected)
    assert origins_of(policies, "shop") == (A,)
    until(lambda: told("cannot be read"))
    assert told("cannot be read")[0].getMessage().isprintable()
    failing.clear()
    until(lambda: policies.status().connected)
