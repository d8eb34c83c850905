"""The compiled build: `CORECORS_COMPILED=1 pip install .`

Everything else stands in pyproject.toml. Without the variable there is nothing to do here: the wheel is pure Python.
With it mypyc compiles the modules on the way of a request (`[tool.corecors] compiled`), the same files that run
otherwise, into a wheel for this platform and version of Python; where that cannot be done, it says why and builds none.
"""

import os
import shutil
import sys
import sysconfig
import tomllib
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).parent
STAGE = ROOT / "build" / "compiled"
MYPYC = ["mypy[mypyc]>=2.4"]  # older ones make coroutine functions that ASGI servers do not recognise


def is_asked_for() -> bool:
    value = os.environ.get("CORECORS_COMPILED", "")
    if value not in ("", "0", "1"):
        sys.exit(f"CORECORS_COMPILED is 1 for a compiled build, 0 or empty for a pure one, not {value!r}")
    return value == "1"


def extensions() -> list[Extension]:
    """What mypyc makes of the modules. It names them by their paths, so it is given a tree in which `adapters` stands
    where it is imported from."""
    if sys.implementation.name != "cpython":
        sys.exit(f"CORECORS_COMPILED=1: mypyc compiles for CPython alone, and this is {sys.implementation.name}")
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "").split()
    if os.name == "posix" and (not compiler or shutil.which(compiler[0]) is None):
        name = compiler[0] if compiler else "CC is empty"
        sys.exit(f"CORECORS_COMPILED=1: there is no C compiler here ({name}); a pure build needs none")
    try:
        from mypyc.build import mypycify
    except ImportError as error:
        sys.exit(f"CORECORS_COMPILED=1: mypyc, of {MYPYC[0]}, cannot be imported: {error}")
    shutil.rmtree(STAGE, ignore_errors=True)
    for source, target in (("corecors", "corecors"), ("adapters", "corecors/adapters")):
        shutil.copytree(ROOT / source, STAGE / target, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["corecors"]
    paths = [f"{module.replace('.', '/')}.py" for module in settings["compiled"]]
    # Types are checked by `tox -e types`; here it is only what the compiled modules need of them.
    options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports", "--check-untyped-defs"]
    os.chdir(STAGE)
    try:
        found: list[Extension] = mypycify([*options, *paths], group_name="corecors", target_dir=str(STAGE / "c"))
    finally:
        os.chdir(ROOT)
    return found


if not is_asked_for():
    setup()
elif {"egg_info", "dist_info", "sdist"} & set(sys.argv):
    setup(setup_requires=MYPYC)  # pip asks for metadata, and for what a build needs, before it builds
else:
    setup(ext_modules=extensions())
