"""The last good state on disk: what a start without the store serves."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live.conftest import origins_of
from live.stores import MemoryStore
from live.waiting import LONG, until

from corecors.live import LivePolicies

A, B = "https://a.example", "https://b.example"
Follow = Callable[..., LivePolicies]


def rows(snapshot: Path) -> dict[str, str]:
    if not snapshot.exists():
        return {}
    connection = sqlite3.connect(snapshot)
    try:
        return dict(connection.execute("SELECT tenant, record FROM tenants"))
    except sqlite3.OperationalError:
        return {}
    finally:
        connection.close()


def record(origin: str) -> str:
    return f'{{"allow_origins":["{origin}"]}}'


def test_a_start_without_the_store_serves_the_snapshot(
    memory: MemoryStore, follow: Follow, snapshot: Path, told: Any
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    first = follow(memory, snapshot=snapshot)
    first.start()
    assert first.wait_ready(LONG)
    until(lambda: rows(snapshot) == {"shop": record(A)})
    first.close()
    memory.failure = OSError("gone")
    second = follow(memory, snapshot=snapshot)
    second.start()
    assert second.wait_ready(LONG)
    assert origins_of(second, "shop") == (A,)
    status = second.status()
    assert not status.connected
    assert status.version == memory.version
    assert status.age is not None
    until(lambda: len(told("serving 1 tenant from a snapshot")) == 1)
    memory.put("shop", {"allow_origins": [B]})
    memory.failure = None
    until(lambda: origins_of(second, "shop") == (B,))


def test_what_changes_is_written_and_nothing_else(memory: MemoryStore, follow: Follow, snapshot: Path) -> None:
    memory.put("shop", {"allow_origins": [A]})
    memory.put("news", {"allow_origins": [A]})
    policies = follow(memory, snapshot=snapshot)
    policies.start()
    until(lambda: len(rows(snapshot)) == 2)
    connection = sqlite3.connect(snapshot)
    connection.execute("UPDATE tenants SET record = 'untouched' WHERE tenant = 'news'")
    connection.commit()
    connection.close()
    memory.put("shop", {"allow_origins": [B]})
    until(lambda: rows(snapshot) == {"shop": record(B), "news": "untouched"})
    memory.remove("shop")
    until(lambda: rows(snapshot) == {"news": "untouched"})
    policies.close()


def test_a_bad_record_keeps_its_last_good_one_in_the_snapshot(
    memory: MemoryStore, follow: Follow, snapshot: Path
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    follow(memory, snapshot=snapshot).start()
    until(lambda: rows(snapshot) == {"shop": record(A)})
    memory.unchecked("shop", "garbage")
    memory.put("news", {"allow_origins": [B]})
    until(lambda: len(rows(snapshot)) == 2)
    assert rows(snapshot)["shop"] == record(A)


def test_one_process_keeps_the_file_and_another_takes_over(memory: MemoryStore, follow: Follow, snapshot: Path) -> None:
    memory.put("shop", {"allow_origins": [A]})
    first = follow(memory, snapshot=snapshot)
    first.start()
    until(lambda: rows(snapshot) == {"shop": record(A)})
    second = follow(memory, snapshot=snapshot)
    second.start()
    assert second.wait_ready(LONG)
    first.close(timeout=LONG)
    memory.put("news", {"allow_origins": [B]})
    until(lambda: rows(snapshot) == {"shop": record(A), "news": record(B)})
    assert second.status().last_error is None


def test_it_is_for_no_other_user_of_the_machine(memory: MemoryStore, follow: Follow, snapshot: Path) -> None:
    memory.put("shop", {"allow_origins": [A]})
    follow(memory, snapshot=snapshot).start()
    until(lambda: rows(snapshot))
    assert stat.S_IMODE(os.stat(snapshot).st_mode) == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"garbage " * 1000, id="garbage"),
        pytest.param(lambda content: content[:1000], id="cut off"),
        pytest.param(lambda content: content[:100] + b"\xff" * (len(content) - 100), id="overwritten"),
        pytest.param(lambda content: b"", id="empty"),
    ],
)
def test_a_damaged_one_is_refused_said_so_and_replaced(
    damage: Callable[[bytes], bytes], memory: MemoryStore, follow: Follow, snapshot: Path, told: Any
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    first = follow(memory, snapshot=snapshot)
    first.start()
    until(lambda: rows(snapshot))
    first.close(timeout=LONG)
    snapshot.write_bytes(damage(snapshot.read_bytes()))
    memory.failure = OSError("gone")
    second = follow(memory, snapshot=snapshot)
    second.start()
    assert not second.wait_ready(1.0)
    assert origins_of(second, "shop") == ()
    assert len(told("is damaged")) == 1
    memory.failure = None
    until(lambda: origins_of(second, "shop") == (A,))
    memory.put("news", {"allow_origins": [B]})
    memory.put("shop", {"allow_origins": [B]})

    def kept() -> bool:
        try:
            return rows(snapshot) == {"shop": record(B), "news": record(B)}
        except sqlite3.DatabaseError:
            memory.put("shop", {"allow_origins": [B]})
            return False

    until(kept)
    until(lambda: second.status().last_error is None)


def test_one_of_another_store_is_refused_and_left_alone(
    memory: MemoryStore, follow: Follow, snapshot: Path, told: Any
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    first = follow(memory, snapshot=snapshot)
    first.start()
    until(lambda: rows(snapshot))
    first.close(timeout=LONG)
    other = MemoryStore()
    other.name = "other"  # type: ignore[misc]
    other.failure = OSError("gone")
    second = follow(other, snapshot=snapshot)
    second.start()
    assert not second.wait_ready(1.0)
    assert len(told("is one of another store, memory")) == 1
    other.failure = None
    assert second.wait_ready(LONG)
    second.close(timeout=LONG)
    assert rows(snapshot) == {"shop": record(A)}


def test_one_that_is_older_than_serve_stale_for_serves_nobody(
    memory: MemoryStore, follow: Follow, snapshot: Path, told: Any
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    first = follow(memory, snapshot=snapshot)
    first.start()
    until(lambda: rows(snapshot))
    first.close(timeout=LONG)
    connection = sqlite3.connect(snapshot)
    connection.execute("UPDATE about SET value = value - 1000 WHERE name = 'saved_at'")
    connection.commit()
    connection.close()
    memory.failure = OSError("gone")
    second = follow(memory, snapshot=snapshot, serve_stale_for=500.0)
    second.start()
    until(lambda: told("longer than serve_stale_for"))
    assert origins_of(second, "shop") == ()
    assert not second.status().ready
    assert (second.status().age or 0) >= 1000


def test_a_place_that_cannot_be_written_stops_nothing(
    memory: MemoryStore, follow: Follow, tmp_path: Path, told: Any
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    policies = follow(memory, snapshot=tmp_path / "no" / "such" / "folder.db")
    policies.start()
    assert policies.wait_ready(LONG)
    memory.put("shop", {"allow_origins": [B]})
    until(lambda: origins_of(policies, "shop") == (B,))
    until(lambda: told("the snapshot"))
    assert len(told("cannot be written")) == 1
    assert policies.status().connected


def changed(snapshot: Path, statement: str) -> None:
    connection = sqlite3.connect(snapshot)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE about SET value = '99' WHERE name = 'layout'", id="of another version"),
        pytest.param("DELETE FROM about", id="without what it says of itself"),
        pytest.param("DROP TABLE tenants", id="without tenants"),
    ],
)
def test_one_that_says_something_else_of_itself_is_refused_and_replaced(
    statement: str, memory: MemoryStore, follow: Follow, snapshot: Path, told: Any
) -> None:
    memory.put("shop", {"allow_origins": [A]})
    first = follow(memory, snapshot=snapshot)
    first.start()
    until(lambda: rows(snapshot))
    first.close(timeout=LONG)
    changed(snapshot, statement)
    memory.failure = OSError("gone")
    second = follow(memory, snapshot=snapshot)
    second.start()
    until(lambda: told("is damaged"))
    assert origins_of(second, "shop") == ()
    memory.failure = None
    until(lambda: origins_of(second, "shop") == (A,))

    def kept() -> bool:
        memory.put("shop", {"allow_origins": [B]})  # until the file was replaced, and then this is written
        return rows(snapshot) == {"shop": record(B)}

    until(kept)


def test_a_start_without_the_store_and_without_the_file_serves_nobody(
    memory: MemoryStore, follow: Follow, snapshot: Path, told: Any
) -> None:
    memory.failure = OSError("gone")
    policies = follow(memory, snapshot=snapshot)
    assert not policies.wait_ready(0.5)
    assert len(told("there is no snapshot, so default governs every tenant")) == 1
    assert not told("damaged")


def test_what_changed_while_nobody_kept_the_file_is_made_up_for(
    memory: MemoryStore, follow: Follow, snapshot: Path
) -> None:
    for name in ("shop", "news", "old"):
        memory.put(name, {"allow_origins": [A]})
    first = follow(memory, snapshot=snapshot)
    first.start()
    until(lambda: len(rows(snapshot)) == 3)
    first.close(timeout=LONG)
    memory.remove("old")
    memory.put("news", {"allow_origins": [B]})
    memory.put("new", {"allow_origins": [A]})
    follow(memory, snapshot=snapshot).start()
    until(lambda: rows(snapshot) == {"shop": record(A), "news": record(B), "new": record(A)})
