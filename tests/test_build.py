"""Which build of the library runs: the one that was asked for, and the whole of it."""

import importlib
import os
import sysconfig
import tomllib
from pathlib import Path

import corecors

ROOT = Path(__file__).parents[1]
COMPILED: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["corecors"]["compiled"]


def test_every_module_on_the_way_of_a_request_is_compiled_or_none_is() -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX") if corecors.__compiled__ else ".py"
    others = [name for name in COMPILED if not (importlib.import_module(name).__file__ or "").endswith(suffix)]
    assert others == []


def test_the_build_is_the_one_that_was_asked_for() -> None:
    assert corecors.__compiled__ or os.environ.get("CORECORS_REQUIRE_COMPILED") != "1"
