"""A store in memory that does what a test tells it: the reference that the real ones are held against."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from threading import Event
from typing import Any

from corecors.live import Update
from corecors.live.records import checked, text_of


class MemoryStore:
    """`failure`: raised by every look. `hangs`: looks wait until `abort`, as one does at a store that is frozen.
    `looks`: the versions that it was asked about. `unchecked(tenant, text)` writes what no class of ours would."""

    name = "memory"

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.version = secrets.token_hex(4)
        self.history: list[tuple[str, str]] = []
        self.failure: Exception | None = None
        self.hangs = False
        self.aborted = Event()
        self.looks: list[str | None] = []
        self.connections = 0

    def open(self, timeout: float) -> MemoryStore:
        self.connections += 1
        if self.failure is not None:
            raise self.failure
        return self

    def read(self, version: str | None) -> Update | None:
        self.looks.append(version)
        if self.failure is not None:
            raise self.failure
        if self.hangs:
            self.aborted.clear()
            self.aborted.wait()
            raise ConnectionResetError("cut")
        current = self.version  # first: what is written from here on is read once more the next time
        if version == current:
            return None
        known = [old for old, _ in self.history]
        if version in known:
            touched = {tenant for _, tenant in self.history[known.index(version) :]}
            return Update(current, [(tenant, self.records.get(tenant)) for tenant in touched], everything=False)
        return Update(current, list(self.records.items()), everything=True)

    def wait(self, seconds: float, attention: Event) -> None:
        attention.wait(seconds)

    def abort(self) -> None:
        self.aborted.set()

    def close(self) -> None:
        pass

    def unchecked(self, tenant: str, text: str | None) -> None:
        fresh = secrets.token_hex(4)
        self.history.append((self.version, tenant))
        if text is None:
            self.records.pop(tenant, None)
        else:
            self.records[tenant] = text
        self.version = fresh

    def put(self, tenant: str, record: Mapping[str, Any]) -> None:
        self.unchecked(tenant, checked(tenant, record))

    def remove(self, tenant: str) -> bool:
        found = tenant in self.records
        self.unchecked(tenant, None)
        return found

    def restore(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Everything is that of a backup."""
        self.history.clear()
        self.records = {tenant: text_of(record) for tenant, record in records.items()}
        self.version = secrets.token_hex(4)
