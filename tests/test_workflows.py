"""What runs on another machine with this project's rights is pinned, and runs what tox has."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="a source distribution has no workflows")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_say_which_release_that_is(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8"))
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_may_be_written_but_where_it_is_said(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    assert re.search(r"^permissions:\n  contents: read\n", text, re.MULTILINE)
    assert re.findall(r"(\S+): write", text) == (["id-token"] if workflow.name == "release.yml" else [])
    assert "secrets." not in text


def test_the_environments_are_those_of_tox() -> None:
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    known = set(re.split(r",\s*", tox["tox"]["env_list"]))
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    named = {name for names in re.findall(r'environment: "(.*?)"', text) for name in names.split(",")}
    assert named
    assert named <= known
