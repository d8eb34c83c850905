"""Stores that a test has for itself, and followers that end with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live.stores import MemoryStore

from corecors import CORSRequest, Policy
from corecors.live import LivePolicies

QUICK = 0.2  # seconds of max_staleness


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def follow() -> Iterator[Callable[..., LivePolicies]]:
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
