"""What a test does that needs a program which is not installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRE = "CORECORS_REQUIRE_SERVERS"
NODE_MODULES = "CORECORS_NODE_MODULES"  # the folder of what npm has installed for these tests


def node_modules() -> Path:
    """Where packages of npm are looked for, whether there is anything or not."""
    return Path(os.environ.get(NODE_MODULES, "nowhere"))


def missing_for_node(*packages: str) -> str | None:
    """What is not there of Node.js and these packages of npm, in words."""
    missing = [] if shutil.which("node") else ["Node.js"]
    missing += [f"{name} in {NODE_MODULES}" for name in packages if not (node_modules() / name).exists()]
    return ", ".join(missing) or None


def leave_out(reason: str) -> NoReturn:
    """Skip, with a line in the summary that nobody overlooks; fail where nothing may be missing."""
    if os.environ.get(REQUIRE):
        pytest.fail(f"{reason}, and {REQUIRE} is set", pytrace=False)
    pytest.skip(f"NOT TESTED: {reason}")
