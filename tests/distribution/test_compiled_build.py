"""What `CORECORS_COMPILED=1 pip install .` says where it cannot be done. `tox -e compiled` runs what it builds."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPILED: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["corecors"]["compiled"]


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
