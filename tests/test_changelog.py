"""CHANGELOG.md: the names that it says are gone are gone, and those that it sends people to exist."""

import re
from pathlib import Path

import corecors
from corecors import Decision, OriginError, Policy, Problem, Reason
from corecors.browser import Engine

TEXT = (Path(__file__).parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
CHANGED = TEXT.split("### Changed\n", 1)[1].split("\n\n- ", 1)[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")] for line in CHANGED.splitlines() if line.startswith("| `")
]


def names(cell: str) -> list[str]:
    return [name for text in re.findall(r"`([^`]*)`", cell) for name in re.findall(r"[A-Za-z_][\w.]*", text)]


def test_arguments_of_a_policy_have_new_names() -> None:
    renamed = [(names(old)[1], names(new)[0]) for old, new in ROWS if old.startswith("`Policy(")]
    assert len(renamed) == 3
    for old, new in renamed:
        assert old not in Policy.__init__.__kwdefaults__
        assert new in Policy.__init__.__kwdefaults__


def test_what_the_table_sends_people_to_exists() -> None:
    places = {"Problem": Problem, "OriginError": OriginError("code", "message"), "decision": Decision, "Engine": Engine}
    looked = 0
    for _, new in ROWS:
        for name in names(new):
            first, _, rest = name.partition(".")
            if first == "corecors" and rest:
                assert getattr(corecors, rest, None) or __import__(name), name
                looked += 1
            elif first in places and rest:
                assert hasattr(places[first], rest.partition(".")[0]), name
                looked += 1
    assert looked >= 8
    assert "origin_not_allowed" in set(Reason)


def test_what_was_removed_is_gone() -> None:
    removed = TEXT.split("### Removed\n", 1)[1].split("###", 1)[0]
    for name in ("Answers", "UNRELATED_HEADERS", "allow_unproven_regexes"):
        assert f"`{name}`" in removed
        assert name not in corecors.__all__
        assert not hasattr(corecors, name)
        assert name not in Policy.__init__.__kwdefaults__
