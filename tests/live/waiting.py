"""Waiting for what a follower does, without depending on how fast the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

LONG = 90.0  # seconds: only a test that fails ever waits so long
STEP = 0.02


def until(condition: Callable[[], object], what: str = "") -> None:
    """Return as soon as `condition()` is true; fail after a time that no machine needs."""
    end = time.monotonic() + LONG
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {LONG:.0f} s in vain{f' for {what}' if what else ''}")
        time.sleep(STEP)
