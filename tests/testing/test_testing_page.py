"""docs/testing.md: its five tests pass for its applications, and each fails for one that is wrong."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from doc_examples import DOCS

from corecors.testing import Page

PAGE = (DOCS / "testing.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
FRAMEWORKS = ["flask", "fastapi", "django", "bottle"]
TESTS = re.findall(r"^def (test_\w+)", EXAMPLES["tests"], re.MULTILINE)


def outcome(application: str, folder: Path) -> dict[str, str]:
    """How each of the five tests ends, next to an application of that text."""
    (folder / "shop.py").write_text(application)
    (folder / "test_shop.py").write_text(EXAMPLES["tests"])
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-W", "error", "--rootdir", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    ended: dict[str, str] = {}
    for word, name in re.findall(r"^(PASSED|FAILED) test_shop\.py::(\w+)", done.stdout, re.MULTILINE):
        ended[name] = "FAILED" if "FAILED" in (word, ended.get(name)) else word
    return ended


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_five_tests_pass(framework: str, tmp_path: Path) -> None:
    assert outcome(EXAMPLES[framework], tmp_path) == dict.fromkeys(TESTS, "PASSED")


READS, HEADERS, ERRORS, OTHERS, CHANGES = TESTS


@pytest.mark.parametrize(
    ("right", "wrong", "failing"),
    [
        pytest.param("allow_credentials=True", "allow_credentials=False", {READS}, id="no cookies"),
        pytest.param('"GET", "PUT"],\n    allow_h', '"GET"],\n    allow_h', {READS}, id="no PUT"),
        pytest.param('allow_headers=["Content-Type"]', "allow_headers=[]", {READS}, id="no JSON"),
        pytest.param('expose_headers=["X-Total"]', "expose_headers=[]", {HEADERS}, id="nothing exposed"),
        pytest.param(
            "allow_credentials=True",
            'allow_origin_predicate=lambda origin: "app.example.com" in origin,\n    allow_credentials=True',
            {OTHERS, CHANGES},
            id="whoever has the name in it",
        ),
        pytest.param(
            'allow_origins=["https://app.example.com"]',
            'allow_origins=["https://www.example.com"]',
            {READS, HEADERS, ERRORS},
            id="another page",
        ),
    ],
)
def test_each_notices_what_it_is_for(right: str, wrong: str, failing: set[str], tmp_path: Path) -> None:
    application = EXAMPLES["flask"].replace(right, wrong)
    assert application != EXAMPLES["flask"]
    ended = outcome(application, tmp_path)
    assert {name for name, word in ended.items() if word == "FAILED"} == failing
    assert set(ended) == set(TESTS)


def test_the_asynchronous_test_passes() -> None:
    namespace: dict[str, object] = {"Page": Page}
    exec(EXAMPLES["fastapi"], namespace)
    exec(EXAMPLES["asynchronous"], namespace)
    asyncio.run(namespace["test_orders"]())  # type: ignore[operator]


def test_what_the_page_says_of_a_verdict_is_there() -> None:
    from corecors.browser import Verdict

    table = PAGE.split("| attribute |", 1)[1].split("\n\n", 1)[0]
    names = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split(" | ")[0])]
    assert len(names) == 10
    assert [name for name in names if not hasattr(Verdict, name)] == []


def test_the_shown_failure_is_the_real_one() -> None:
    [shown] = re.findall(r"where False = (<Verdict: .*>)\.readable", PAGE)

    def app(environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Access-Control-Allow-Origin", "https://app.example.com")])  # type: ignore[operator]
        return []

    assert repr(Page("https://app.example.com", app).fetch("/", credentials="include")) == shown
