"""A database without triggers of ours is followed as well: what `SQLSource` writes there tells what was touched.

Played by SQLite with its triggers left out. And the ways in which a driver can be missing or strange.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from live.conftest import ask_redis, make_store, origins_of, url_of
from live.database_servers import DatabaseServer
from live.waiting import LONG, until

import corecors.live
from corecors import PolicyError
from corecors.live import LivePolicies, QuerySource, RedisSource, SQLSource, StoreError
from corecors.live.sql_tables import TRIGGERS

A, B = "https://a.example", "https://b.example"
Follow = Callable[..., LivePolicies]


@pytest.fixture
def untriggered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SQLSource:
    monkeypatch.delitem(TRIGGERS, "sqlite")
    made = SQLSource(f"sqlite:///{tmp_path / 'tenants.db'}")
    made.init()
    return made


def test_one_change_is_read_alone_and_many_as_a_whole(untriggered: SQLSource) -> None:
    untriggered.put_all({f"t{number}": {"allow_origins": [A]} for number in range(20)})
    reader = untriggered.open(10.0)
    first = reader.read(None)
    assert first is not None
    assert len(list(first.records)) == 20
    untriggered.put("t3", {"allow_origins": [B]})
    untriggered.remove("t4")
    second = reader.read(first.version)
    assert second is not None
    assert {tenant: text is not None for tenant, text in second.records} == {"t3": True, "t4": False}
    untriggered.put_all({f"more{number}": {"allow_origins": [A]} for number in range(700)})
    third = reader.read(second.version)
    assert third is not None
    assert third.everything
    reader.abort()
    reader.close()


def test_it_is_followed(untriggered: SQLSource, follow: Follow) -> None:
    untriggered.put("shop", {"allow_origins": [A]})
    policies = follow(untriggered)
    assert policies.wait_ready(LONG)
    untriggered.put("shop", {"allow_origins": [B]})
    until(lambda: origins_of(policies, "shop") == (B,))


def test_a_store_that_lost_its_version_says_so(untriggered: SQLSource, tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "tenants.db")
    connection.execute("DELETE FROM corecors_version")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="has lost its version"):
        untriggered.open(1.0).read(None)


def test_a_driver_that_is_missing_is_named() -> None:
    with pytest.raises(StoreError, match="needs the package cx_Oracle: pip install cx_Oracle"):
        SQLSource("oracle+cx_oracle://me@127.0.0.1:1/x").tenants()


@pytest.mark.parametrize(
    ("module", "url", "command"),
    [
        pytest.param("MySQLdb", "mysql://me@127.0.0.1:1/x", "pip install mysqlclient", id="MySQL"),
        pytest.param("psycopg", "postgresql://me@127.0.0.1:1/x", 'pip install "corecors[postgresql]"', id="PostgreSQL"),
    ],
)
def test_a_driver_that_is_missing_is_named_as_pip_knows_it(
    module: str, url: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StoreError, match=re.escape(f"needs the package {module}: {command}")):
        SQLSource(url).init()


def test_a_driver_of_postgresql_that_tells_nothing_is_polled(
    postgresql_server: DatabaseServer, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    make_store("postgresql", request, tmp_path)
    reader: Any = SQLSource(url_of(postgresql_server, "postgresql")).open(5.0)
    reader._driver = object()
    attention = Event()
    attention.set()
    reader.wait(600.0, attention)
    reader.close()


def test_more_tenants_in_redis_than_are_asked_for_at_once(
    redis_server: DatabaseServer, request: pytest.FixtureRequest, tmp_path: Path, follow: Follow
) -> None:
    store = make_store("redis", request, tmp_path)
    store.put_all({f"t{number}": {"allow_origins": [A]} for number in range(1300)})
    policies = follow(store, max_staleness=1.0)
    assert policies.wait_ready(LONG)
    assert policies.status().tenants == 1300
    ask_redis(redis_server, "HSET", "corecors:tenant:t7", "allow_origins", "garbage")
    with pytest.raises(PolicyError, match="is not JSON; a list is written as"):
        store.get("t7")
    reader = store.open(1.0)
    reader.abort()
    reader.close()


def test_a_password_is_no_part_of_the_name_of_a_socket() -> None:
    assert RedisSource("unix:///run/redis.sock?db=2").name == "unix:///run/redis.sock/2"


def test_a_query_is_a_function() -> None:
    with pytest.raises(TypeError, match="not of type dict"):
        QuerySource({})  # type: ignore[arg-type]
    QuerySource(dict).open(1.0).abort()


def test_a_name_that_is_not_there_is_an_attribute_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'OracleSource'"):
        corecors.live.OracleSource  # noqa: B018
    monkeypatch.delitem(sys.modules, "corecors.live.sql")
    monkeypatch.delitem(vars(corecors.live), "SQLSource")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)  # type: ignore[arg-type]
    with pytest.raises(ImportError, match="sqlalchemy"):
        corecors.live.SQLSource  # noqa: B018
