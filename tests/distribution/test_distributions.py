"""The sdist and the wheel as a package index would get them, and the wheel as a user's environment gets it."""

import json
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT, timeout=300)


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one sdist, built from the tree, and one wheel, built from that sdist."""
    folder, tree = tmp_path_factory.mktemp("distributions"), tmp_path_factory.mktemp("tree") / "clean"
    # Setuptools takes what an earlier build listed for granted, so that a package which nobody lists would be found.
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__"))
    build = run(sys.executable, "-m", "build", "--outdir", folder, tree)
    assert build.returncode == 0, build.stdout + build.stderr
    return folder


@pytest.fixture(scope="session")
def sdist(distributions: Path) -> Path:
    [path] = distributions.glob("*.tar.gz")
    return path


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    [path] = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def python_with_only_the_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and nothing else, not even pip."""
    environment = tmp_path_factory.mktemp("empty")
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel)
    assert install.returncode == 0, install.stderr
    return python


@pytest.fixture(scope="session")
def bill_of_materials(python_with_only_the_wheel: Path, wheel: Path) -> Path:
    """What an environment with the wheel consists of, as CycloneDX has it (an SBOM), next to the wheel."""
    bill = wheel.with_name(wheel.name.partition("-py3")[0] + ".cdx.json")
    options = ("--output-reproducible", "--mc-type", "library", "--pyproject", ROOT / "pyproject.toml")
    made = run(sys.executable, "-m", "cyclonedx_py", "environment", *options, "-o", bill, python_with_only_the_wheel)
    assert made.returncode == 0, made.stderr
    return bill


def test_the_bill_of_materials_names_the_package_and_nothing_else(bill_of_materials: Path, wheel: Path) -> None:
    bill = json.loads(bill_of_materials.read_text(encoding="utf-8"))
    version = wheel.name.split("-")[1]
    assert bill["bomFormat"] == "CycloneDX"
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("corecors", version)
    assert [component["name"] for component in bill.get("components", []) if component["name"] != "corecors"] == []


def test_what_was_looked_at_is_kept(
    request: pytest.FixtureRequest, bill_of_materials: Path, sdist: Path, wheel: Path
) -> None:
    if request.config.getoption("--distributions") is None:
        pytest.skip("--distributions says where")
    folder = Path(request.config.getoption("--distributions"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in (sdist, wheel, bill_of_materials):
        shutil.copy(file, folder)
    assert len(list(folder.iterdir())) == 3


def test_an_index_would_accept_both(sdist: Path, wheel: Path) -> None:
    check = run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    assert check.returncode == 0, check.stdout + check.stderr


def test_the_wheel_holds_every_module_and_data_file_of_the_tree(wheel: Path) -> None:
    def in_the_wheel(path: Path) -> str:
        relative = path.relative_to(ROOT).as_posix()
        return f"corecors/{relative}" if relative.startswith("adapters/") else relative

    tree = [path for folder in ("corecors", "adapters") for path in (ROOT / folder).rglob("*") if path.is_file()]
    expected = {in_the_wheel(path) for path in tree if "__pycache__" not in path.parts}
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected


def test_the_sdist_holds_the_tests_and_the_documents(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    documents = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "tox.ini"}
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    assert documents | tests <= names


def test_the_wheel_requires_nothing_unless_an_extra_is_asked_for(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        required = [line for line in archive.read(metadata).decode().splitlines() if line.startswith("Requires-Dist:")]
    assert required
    assert all("extra ==" in line for line in required)


@pytest.mark.parametrize(
    "module",
    [
        pytest.param("corecors" if path.stem == "__init__" else f"corecors.{path.stem}", id=path.stem)
        for path in sorted((ROOT / "corecors").glob("*.py"))
    ]
    + [pytest.param("corecors.adapters.wsgi", id="adapters.wsgi")],
)
def test_a_module_imports_with_nothing_but_the_standard_library(python_with_only_the_wheel: Path, module: str) -> None:
    imported = run(python_with_only_the_wheel, "-I", "-W", "error", "-c", f"import {module}")
    assert imported.returncode == 0, imported.stderr


def test_without_its_extra_the_command_says_what_to_install(python_with_only_the_wheel: Path) -> None:
    command = run(python_with_only_the_wheel.with_name("corecors"), "demo")
    assert command.returncode == 2
    assert command.stdout == ""
    assert command.stderr == (
        "corecors: the command line needs click, rich, urllib3 and werkzeug, which come with the extra `cli`:"
        ' pip install "corecors[cli]"\n'
    )
