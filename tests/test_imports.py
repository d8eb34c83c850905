"""What each module may import: from which layer of the package, and from outside of it.

The layers are a contract of import-linter in pyproject.toml. Here it is held to be complete, and read once more by a
test that needs no tool, so that it counts wherever the tests run.
"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import corecors

PACKAGE = Path(corecors.__file__).parent
ADAPTERS = Path(__import__("corecors.adapters").adapters.__file__).parent
CONTRACTS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
LAYERS = [
    [name.strip() for name in layer.split("|")]
    for contract in CONTRACTS
    if contract["type"] == "layers"
    for layer in contract["layers"]
]

CORE = ("_origins", "_decisions", "_policy", "evaluation", "_observing", "browser")  # the standard library alone
OPTIONAL_IN_THE_CORE = {"publicsuffixlist"}  # extra `psl`
DOES_INPUT_OR_OUTPUT = {"asyncio", "http", "io", "logging", "os", "pathlib", "select", "socket", "ssl", "subprocess"}
OF_A_FRAMEWORK = {"flask": {"werkzeug"}, "django": {"asgiref"}}  # what a framework is made of


def modules() -> dict[str, Path]:
    """Every module that is installed, by its dotted name, with its file."""
    found = {}
    for root, folder in (("corecors", PACKAGE), ("corecors.adapters", ADAPTERS)):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join([root, *(part for part in parts if part != "__init__")])] = path
    return found


MODULES = modules()
EVERY_MODULE = [pytest.param(name, id=name) for name in MODULES]


def imports(path: Path) -> Iterator[str]:
    """The dotted name of every module that the file at `path` imports, in functions and under conditions too, but for
    what only type checkers read."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: relative imports hide from this test"
            yield node.module or ""


def outside_packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)} - {"corecors"}


def part(module: str) -> str:
    """The package or module directly below `corecors` that a module belongs to; "" for `corecors` itself."""
    return [*module.split("."), ""][1]


def height(module: str) -> int:
    """The layer of a module: 0 is the lowest. `corecors` itself, the public face, is above what it is made of."""
    name = part(module)
    if not name:
        return height("corecors._observing")
    heights = [number for number, layer in enumerate(reversed(LAYERS)) if name in (each.strip("()") for each in layer)]
    assert len(heights) == 1, f"{module} is outside of the layers in pyproject.toml"
    return heights[0]


# The contracts are complete


def test_no_module_is_outside_of_the_layers() -> None:
    listed = [name for layer in LAYERS for name in layer]
    assert len(listed) == len(set(listed))
    present = {part(module) for module in MODULES} - {""}
    assert present <= {name.strip("()") for name in listed}
    assert {name for name in listed if not name.startswith("(")} <= present
    assert len(MODULES) > 70, "the walk found the package"


def test_what_adapters_may_not_import_is_everything_that_is_private() -> None:
    [contract] = [contract for contract in CONTRACTS if contract["type"] == "forbidden"]
    private = {f"corecors.{part(module)}" for module in MODULES if part(module).startswith("_")}
    assert private - {"corecors.__main__"} <= set(contract["forbidden_modules"])
    assert contract["source_modules"] == ["corecors.adapters"]


# And kept


@pytest.mark.parametrize("name", EVERY_MODULE)
def test_a_module_imports_only_what_stands_below_it_or_next_to_it_in_its_package(name: str) -> None:
    if name in ("corecors", "corecors.__main__"):
        return  # made of everything below
    for imported in imports(MODULES[name]):
        if imported.partition(".")[0] != "corecors" or (part(imported) == part(name) and part(name)):
            continue
        assert height(imported) < height(name), f"{name} imports {imported}"


@pytest.mark.parametrize("name", [name for name in MODULES if part(name) == "adapters"])
def test_an_adapter_imports_its_own_framework_and_public_names_of_the_core(name: str) -> None:
    path = MODULES[name]
    framework = name.removeprefix("corecors.adapters").lstrip(".").partition(".")[0].partition("_")[0]
    own = {framework, *OF_A_FRAMEWORK.get(framework, ())}
    assert outside_packages(path) - own <= sys.stdlib_module_names
    ours = {imported for imported in imports(path) if imported.startswith("corecors.")}
    assert {imported for imported in ours if part(imported) != "adapters"} == set()


@pytest.mark.parametrize("name", [name for name in MODULES if part(name) in CORE])
def test_the_core_imports_only_the_standard_library_and_does_no_io(name: str) -> None:
    outside = outside_packages(MODULES[name])
    assert outside - OPTIONAL_IN_THE_CORE <= sys.stdlib_module_names
    allowed = {"logging"} if part(name) == "_observing" else set()  # which writes the log
    assert outside & DOES_INPUT_OR_OUTPUT <= allowed


def test_importing_corecors_loads_nothing_from_outside_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import corecors, corecors.adapters.wsgi;"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    loaded = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True).stdout
    assert "corecors" in loaded.split()
    assert set(loaded.split()) - {"corecors", "corecors__mypyc"} <= sys.stdlib_module_names


def test_calling_the_functions_alone_loads_neither_logging_nor_asyncio() -> None:
    program = (
        "import sys; from corecors import Policy, evaluate; evaluate(Policy(allow_origins=['*']), 'GET', 'https://a.test');"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True).stdout
    assert not {"logging", "asyncio"} & set(loaded.split())
