"""Change the core in a thousand small ways and see whether a test notices: `tox -e mutation`, half an hour.

Works on a copy of the clone in a folder of its own. Ends with the score and the survivors; README.md beside this file
says why each of them is no fault of the tests. Exit status 1 below `LEAST` percent.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = """_origins/addresses _origins/parsing _origins/patterns _origins/matching _decisions/headers
_decisions/request _decisions/merging _decisions/decision _decisions/rules _decisions/admission evaluation""".split()
TESTS = ["origins", "decisions", "policy", "evaluation", "support", "fuzz", "conftest.py"]
COUNTED = "test_cost.py"  # counts instructions, and a mutant's are others
LEAST = 95.0
KILLED, SURVIVED = {1, 3}, 0  # exit codes of pytest: tests failed; all passed
SETTINGS = f"""
[tool.mutmut]
source_paths = ["corecors"]
only_mutate = {[f"corecors/{module}.py" for module in MODULES]}
pytest_add_cli_args = ["-p", "no:cacheprovider", "--ignore=tests/decisions/{COUNTED}"]
pytest_add_cli_args_test_selection = ["tests/origins", "tests/decisions", "tests/policy", "tests/evaluation"]
use_git_change_detection = false
"""


def copy_to(folder: Path) -> None:
    """The package and the tests that have to notice, as mutmut wants them: everything below the working directory."""
    shutil.copytree(ROOT / "corecors", folder / "corecors", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "adapters", folder / "corecors" / "adapters", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    for name in TESTS:
        source = ROOT / "tests" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / "tests" / name)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8") + SETTINGS
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")


def results(folder: Path) -> dict[str, int | None]:
    """Exit codes of the tests, by mutant."""
    found: dict[str, int | None] = {}
    for module in MODULES:
        text = (folder / "mutants" / "corecors" / f"{module}.py.meta").read_text(encoding="utf-8")
        found |= json.loads(text)["exit_code_by_key"]
    return found


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_to(folder)
        subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "2"], cwd=folder, check=True)
        codes = results(folder)
        survivors = sorted(mutant for mutant, code in codes.items() if code == SURVIVED)
        for mutant in survivors:
            subprocess.run([sys.executable, "-m", "mutmut", "show", mutant], cwd=folder, check=True)
    others = sorted(mutant for mutant, code in codes.items() if code != SURVIVED and code not in KILLED)
    score = 100 * (len(codes) - len(survivors)) / len(codes)
    print(f"{len(codes)} mutants, {len(survivors)} survived, {len(others)} ended otherwise: {score:.1f} %")
    print(*survivors, *(f"{mutant}: exit code {codes[mutant]}" for mutant in others), sep="\n")
    return score < LEAST


if __name__ == "__main__":
    sys.exit(main())
