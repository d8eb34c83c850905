"""Change the core in two thousand small ways and see whether a test notices: `tox -e mutation`, half an hour.

Works on a copy of the clone in a folder of its own. mutmut makes the mutants and finds the tests that reach each of
them. These run in a child of the process that has collected all tests, until one fails. Ends with the survivors, which
README.md beside this file explains, and the score. Exit status 1 below `LEAST` percent. Arguments are names of mutants:
only these.
"""

import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from signal import SIGXCPU
from time import process_time

import pytest
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.utils.format_utils import mangled_name_from_mutant_name

ROOT = Path(__file__).parents[2]
MODULES = """_origins/addresses _origins/parsing _origins/patterns _origins/matching _decisions/headers
_decisions/request _decisions/merging _decisions/decision _decisions/rules _decisions/admission evaluation""".split()
TESTS = ["origins", "decisions", "policy", "evaluation", "observing", "support", "fuzz", "conftest.py"]
READ = ["docs", "README.md"]  # by tests that hold the code to the pages
LEFT_OUT = [
    "--ignore=tests/decisions/test_cost.py",  # counts instructions, and a mutant's are others
    "--ignore=tests/policy/test_policy_page.py",  # need every framework
    "--ignore=tests/observing/test_withheld_answers.py",
    # starts what is installed
    "--deselect=tests/policy/test_loading.py::test_loading_costs_nothing_until_it_is_used",
]
ARGUMENTS = ["--tb=native", "-p", "no:cacheprovider", *LEFT_OUT]
SELECTION = [f"tests/{folder}" for folder in ("origins", "decisions", "policy", "evaluation", "observing")]
LEAST = 98.0
FIRST = "corecors.evaluation.x_response_headers__mutmut_1"  # what mutmut itself tries: any mutant would do
HANGS = 60  # seconds of CPU that no test takes; one that does has noticed, too
NONE = "none"  # no mutant: every test has to pass, before the others and after them
SETTINGS = f"""
[tool.mutmut]
source_paths = ["corecors"]
only_mutate = {[f"corecors/{module}.py" for module in MODULES]}
pytest_add_cli_args = {ARGUMENTS}
pytest_add_cli_args_test_selection = {SELECTION}
also_copy = {READ}
use_git_change_detection = false
"""


def copy_to(folder: Path) -> None:
    """The package and the tests that have to notice, as mutmut wants them: everything below the working directory."""
    shutil.copytree(ROOT / "corecors", folder / "corecors", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "adapters", folder / "corecors" / "adapters", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    for name in [*(f"tests/{name}" for name in TESTS), *READ]:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8") + SETTINGS
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")


def made(mutants: Path) -> list[str]:
    """The names of all mutants."""
    files = [mutants / "corecors" / f"{module}.py.meta" for module in MODULES]
    return [name for file in files for name in json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]]


class Trying:
    """Runs the tests that were collected once for each mutant, instead of once."""

    def __init__(self, mutants: Sequence[str]) -> None:
        self.mutants = mutants
        self.survivors: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        found = json.loads(Path("mutmut-stats.json").read_text(encoding="utf-8"))
        took, reaching = found["duration_by_test"], found["tests_by_mangled_function_name"]
        noticed: Counter[str] = Counter()
        gc.freeze()  # or each child copies all of it
        for mutant in (NONE, *self.mutants, NONE):
            tests = took if mutant == NONE else set(reaching.get(mangled_name_from_mutant_name(mutant), ()))
            items = [item for item in session.items if item.nodeid in tests]
            items.sort(key=lambda item: took[item.nodeid] / (1 + noticed[item.nodeid]))
            killer = killer_of(mutant, items)
            print(mutant, killer or "survived", flush=True)
            noticed[killer] += 1
            if not killer and mutant != NONE:
                self.survivors.append(mutant)
            if killer and mutant == NONE:
                pytest.exit("a test fails without any mutant", returncode=1)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self) -> tuple[str, str, str]:
        return "", "", ""  # no dots


def killer_of(mutant: str, items: Sequence[pytest.Item]) -> str:
    """The test that notices `mutant` in the place of what it was made from; empty where none does."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            set_mutant_under_test(mutant)
            os.write(writing, first_failing(items).encode())
        finally:
            os._exit(0)
    os.close(writing)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(reading, encoding="utf-8") as told:
        return told.read() or ("hangs" if code == -SIGXCPU else "")


def first_failing(items: Sequence[pytest.Item]) -> str:
    for item, following in zip(items, [*items[1:], None], strict=True):
        resource.setrlimit(resource.RLIMIT_CPU, (int(process_time()) + HANGS, resource.RLIM_INFINITY))
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        if item.session.testsfailed:
            return item.nodeid
    return ""


def main(only: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_to(folder)
        subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "1", FIRST], cwd=folder, check=True)
        trying = Trying(only or made(folder / "mutants"))
        os.chdir(folder / "mutants")
        sys.path.insert(0, os.getcwd())
        if pytest.main(["--rootdir=.", "-q", *ARGUMENTS, *SELECTION], plugins=[trying]) != 0:
            return 1
        os.chdir(folder)
        for mutant in trying.survivors:
            print(mutant, get_diff_for_mutant(mutant), sep="\n")
    score = 100 * (1 - len(trying.survivors) / len(trying.mutants))
    print(f"{len(trying.mutants)} mutants, {len(trying.survivors)} survived: {score:.1f} %")
    return score < LEAST


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
