"""What a command leaves behind in its process, which ends with it: that of the tests goes on."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Our logger has the handlers that it had, and modules that were imported from a test's folder are forgotten."""
    handlers, modules = logging.getLogger("corecors").handlers[:], set(sys.modules)
    yield
    logging.getLogger("corecors").handlers[:] = handlers
    folder = tmp_path_factory.getbasetemp()
    for name in sys.modules.keys() - modules:
        if folder in Path(getattr(sys.modules[name], "__file__", None) or "").parents:
            del sys.modules[name]
