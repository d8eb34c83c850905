"""What a test does that needs a program which is not installed."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRE = "CORECORS_REQUIRE_SERVERS"


def leave_out(reason: str) -> NoReturn:
    """Skip, with a line in the summary that nobody overlooks; fail where nothing may be missing."""
    if os.environ.get(REQUIRE):
        pytest.fail(f"{reason}, and {REQUIRE} is set", pytrace=False)
    pytest.skip(f"NOT TESTED: {reason}")
