"""What each module may import from outside the package.

Who may import whom inside it is the import contract in pyproject.toml; this is the other half: which packages of
others, and which parts of the standard library, each layer may touch.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import corecors

CORE = Path(corecors.__file__).parent
ADAPTERS = Path(__import__("corecors.adapters").adapters.__file__).parent

OPTIONAL_IN_THE_CORE = {"publicsuffixlist"}  # extra `psl`
DOES_INPUT_OR_OUTPUT = {"asyncio", "http", "io", "logging", "os", "pathlib", "select", "socket", "ssl", "subprocess"}


def imported_modules(path: Path) -> Iterator[str]:
    """The dotted name of every module that the file at `path` imports, in functions and under conditions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: relative imports hide from this test"
            yield node.module or ""


def outside_packages(path: Path) -> set[str]:
    """The top-level packages that the file imports, its own and the one that exists only for type checkers left out."""
    return {name.partition(".")[0] for name in imported_modules(path)} - {"corecors", "_typeshed"}


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in sorted(CORE.glob("*.py"))])
def test_the_core_imports_only_the_standard_library_and_does_no_io(path: Path) -> None:
    outside = outside_packages(path)
    assert outside - OPTIONAL_IN_THE_CORE <= sys.stdlib_module_names
    if path.stem != "__main__":
        assert not outside & DOES_INPUT_OR_OUTPUT


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in sorted(ADAPTERS.glob("*.py"))])
def test_an_adapter_imports_only_its_own_framework(path: Path) -> None:
    framework = path.stem.partition("_")[0]
    own = {framework, "werkzeug"} if framework == "flask" else {framework}  # which Flask is made of
    assert outside_packages(path) - own <= sys.stdlib_module_names


def test_importing_corecors_loads_nothing_from_outside_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import corecors, corecors.adapters.wsgi;"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    loaded = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True).stdout
    assert "corecors" in loaded.split()
    assert set(loaded.split()) - {"corecors"} <= sys.stdlib_module_names
