"""What `CORECORS_COMPILED=1 pip install .` says where it cannot be done. `tox -e compiled` runs what it builds."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import attack_corpora
import pytest

ROOT = Path(__file__).parents[2]
COMPILED: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["corecors"]["compiled"]
ALLOW_ORIGIN = "Access-Control-Allow-Origin"


def setup(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "setup.py", "--quiet", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_a_compiler_a_compiled_build_fails_and_says_why(tmp_path: Path) -> None:
    build = setup("bdist_wheel", "--dist-dir", str(tmp_path), CORECORS_COMPILED="1", CC="no-such-compiler")
    assert build.returncode == 1
    assert build.stderr.strip() == (
        "CORECORS_COMPILED=1: there is no C compiler here (no-such-compiler); a pure build needs none"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_means_nothing_is_refused(tmp_path: Path) -> None:
    build = setup("bdist_wheel", "--dist-dir", str(tmp_path), CORECORS_COMPILED="yes")
    assert build.returncode == 1
    assert "CORECORS_COMPILED is 1 for a compiled build, 0 or empty for a pure one, not 'yes'" in build.stderr


def test_every_module_that_is_compiled_exists() -> None:
    for name in COMPILED:
        folder = "adapters" if name.startswith("corecors.adapters.") else "corecors"
        assert (ROOT / folder / f"{name.rpartition('.')[2]}.py").is_file() or (
            ROOT / f"{name.replace('.', '/')}.py"
        ).is_file()


# One wheel of each kind


@pytest.fixture(scope="module")
def clean_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree") / "clean"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__"))
    return tree


@pytest.fixture(scope="module", params=[pytest.param("0", id="pure"), pytest.param("1", id="compiled")])
def wheel(request: pytest.FixtureRequest, clean_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(clean_tree)]
    environment = {**os.environ, "CORECORS_COMPILED": request.param}
    build = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert build.returncode == 0, build.stdout + build.stderr
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def bare_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and nothing else, not even pip."""
    environment = tmp_path_factory.mktemp("bare")
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    return python


def is_compiled(wheel: Path) -> bool:
    return not wheel.name.endswith("-py3-none-any.whl")


def test_a_wheel_says_by_its_name_what_it_runs_on(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    modules = {name.removesuffix(suffix).replace("/", ".") for name in names if name.endswith(suffix)}
    if is_compiled(wheel):
        assert f"-cp{sys.version_info[0]}{sys.version_info[1]}-" in wheel.name
        assert set(COMPILED) <= modules
    else:
        assert modules == set()
    assert {f"{name.replace('.', '/')}.py" for name in COMPILED} <= set(names), (
        "what a type checker reads, and a person"
    )


def test_a_wheel_answers_hostile_origins_in_a_bare_environment(wheel: Path, bare_python: Path) -> None:
    asked = subprocess.run(
        [bare_python, "-I", "-W", "error", Path(__file__).with_name("asked_of_a_wheel.py")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert asked.returncode == 0, asked.stderr
    found = json.loads(asked.stdout)
    assert found["compiled"] is is_compiled(wheel)
    assert found["file"].startswith(str(bare_python.parents[1]))
    assert len(found["answers"]) > 100
    for each in attack_corpora.origins():
        allowed, preflight, *sent = found["answers"][each.id]
        assert allowed is each.allowed, each.id
        granted = [each.value] if each.allowed else []
        assert [preflight[name] for name in preflight if name == ALLOW_ORIGIN] == granted
        for headers in sent:
            assert [value for name, value in headers if name == ALLOW_ORIGIN] == granted, each.id
            assert ["Vary", "Origin"] in headers
