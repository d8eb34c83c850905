"""Stores that a test has for itself, and followers that end with it."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live.database_servers import DatabaseServer, missing_postgresql, missing_redis, postgresql, redis
from live.stores import MemoryStore

from corecors import CORSRequest, Policy
from corecors.live import FileSource, LivePolicies, RedisSource, SQLSource, Store
from servers.availability import leave_out

QUICK = 0.2  # seconds of max_staleness


def followers() -> set[threading.Thread]:
    """The threads in this process that follow a store."""
    return {thread for thread in threading.enumerate() if thread.name == "corecors-follower"}


@pytest.fixture(autouse=True)
def every_follower_ends() -> Iterator[None]:
    """A test that leaves one running fails, and not another one that comes later."""
    before = followers()
    yield
    assert followers() <= before, "LivePolicies were not closed"


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def follow(every_follower_ends: None) -> Iterator[Callable[..., LivePolicies]]:
    """Make `LivePolicies`, and close them at the end."""
    made: list[LivePolicies] = []

    def start(source: Any, **options: Any) -> LivePolicies:
        options.setdefault("max_staleness", QUICK)
        made.append(LivePolicies(source, **options))
        return made[-1]

    yield start
    for policies in made:
        policies.close(timeout=60.0)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[str], list[logging.LogRecord]]:
    """The lines of the log that hold a text."""
    caplog.set_level(logging.INFO, logger="corecors")

    def lines(text: str = "") -> list[logging.LogRecord]:
        return [record for record in caplog.records if text in record.getMessage()]

    return lines


def origins_of(policies: LivePolicies, host: str) -> tuple[str, ...]:
    found = policies.policy_for(CORSRequest("GET", host=host))
    assert isinstance(found, Policy)
    return found.allow_origins


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return tmp_path / "snapshot.db"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[DatabaseServer]:
    if missing := missing_postgresql():
        leave_out(f"{missing} is not installed")
    server = postgresql()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[DatabaseServer]:
    if missing := missing_redis():
        leave_out(f"{missing} is not installed")
    server = redis()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


def url_of(server: DatabaseServer, kind: str) -> str:
    if kind == "redis":
        return f"redis://127.0.0.1:{server.port}/0"
    return f"postgresql://postgres@127.0.0.1:{server.port}/postgres"


KINDS = ["sqlite", "files", "postgresql", "redis"]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store in turn, empty."""
    return make_store(request.param, request, tmp_path)


def make_store(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made: Any
    if kind == "sqlite":
        made = SQLSource(f"sqlite:///{tmp_path / 'tenants.db'}")
    elif kind == "files":
        made = FileSource(tmp_path / "tenants")
    else:
        server = request.getfixturevalue(f"{kind}_server")
        url = url_of(server, kind)
        if kind == "redis":
            made = RedisSource(url)
            ask_redis(server, "FLUSHALL")
        else:
            made = SQLSource(url)
            ask_postgresql(server, "DROP TABLE IF EXISTS corecors_tenants, corecors_version, corecors_changes")
    made.init()
    return made


def ask_postgresql(server: DatabaseServer, statement: str) -> None:
    """What somebody does by hand."""
    import psycopg

    with psycopg.connect(f"host=127.0.0.1 port={server.port} user=postgres dbname=postgres", autocommit=True) as direct:
        direct.execute(statement)  # type: ignore[arg-type]


def ask_redis(server: DatabaseServer, *command: str) -> object:
    import redis

    with redis.Redis(port=server.port) as direct:
        return direct.execute_command(*command)
