"""The bound on backtracking: what an engine that backtracks may be handed, held against a search that counts steps."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backtracking import EnoughSteps, Search
from hypothesis import assume, example, given
from hypothesis import strategies as st

from corecors._origins.parsing import MAX_ORIGIN_LENGTH
from corecors._origins.regex.reach import Budget
from corecors._origins.regex.syntax import parse_regex
from corecors.export.backtracking import MAX_STEPS, build_automaton, most_steps, takes_bounded_steps

_DATA = Path(__file__).parents[1] / "support" / "data"
REGEXES: dict[str, Any] = json.loads((_DATA / "regexes.json").read_text(encoding="utf-8"))
CATASTROPHIC = [
    pytest.param(entry, id=f"{entry['regex'][:60]} from {entry['source'][:40]}") for entry in REGEXES["catastrophic"]
]

ATOMS = ["a", "b", r"\.", "-", ".", "[ab]", "[^a]", r"\d", r"\w", "0", r"[a-c.\d]"]
QUANTIFIERS = ["*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "{,2}", "*?", "+?", "??", "{1,2}?"]
TEXTS = st.text(alphabet="ab.-0", max_size=9)


def _larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    grouped = smaller.map(lambda inner: f"({inner})")
    repeated = st.builds(str.__add__, grouped | st.sampled_from(ATOMS), st.sampled_from(QUANTIFIERS))
    row = st.lists(smaller | repeated, max_size=4).map("".join)
    alternatives = st.lists(row, min_size=2, max_size=3).map(lambda rows: f"(?:{'|'.join(rows)})")
    return repeated | row | alternatives


PATTERNS = st.recursive(st.sampled_from(ATOMS), _larger, max_leaves=9)


@pytest.fixture
def deep_recursion() -> Iterator[None]:
    """The reference search nests generators as deep as the text is long."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize("entry", CATASTROPHIC)
def test_a_catastrophic_regex_is_found_out(entry: dict[str, Any]) -> None:
    # The analysis counts its own work and gives up beyond a bound: that, and no clock, is what keeps it short.
    assert not takes_bounded_steps(entry["regex"])


@pytest.mark.usefixtures("deep_recursion")
@pytest.mark.parametrize("entry", CATASTROPHIC)
def test_a_catastrophic_regex_is_one_over_the_characters_of_an_origin(entry: dict[str, Any]) -> None:
    attack = entry["attack"]
    text = attack["prefix"] + attack["pump"] * attack["times"] + attack["suffix"]
    assert len(text) <= MAX_ORIGIN_LENGTH
    with pytest.raises(EnoughSteps):
        Search(text, limit=MAX_STEPS).matches(parse_regex(entry["regex"]))


@pytest.mark.parametrize(
    "source",
    [
        *(pytest.param(entry["regex"], id=entry["regex"][:60]) for entry in REGEXES["sane"]),
        pytest.param(r"https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+example\.com", id="labels after RFC 1123"),
        pytest.param(r"https://(?:[a-z0-9]+(?:[-_][a-z0-9]+)*\.)*example\.com", id="words with separators"),
        pytest.param(r"https://.*-preview.*\.example\.com", id="two wildcards: quadratic"),
        pytest.param(r"https://[a-z]+?\.example\.com", id="a lazy quantifier"),
        pytest.param(r"https://(?:a|b|)*\.example\.com", id="an empty alternative in a loop"),
    ],
)
def test_a_regex_that_is_sane_or_only_looks_dangerous_takes_bounded_steps(source: str) -> None:
    assert takes_bounded_steps(source)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https://x.*-.*-.*y\.example\.org", id="three wildcards side by side"),
        pytest.param(r"https://(?:a?){30}\.example\.org", id="finitely many ways, but 2 to the 30th"),
        pytest.param("https://" + "(?:a|b|)" * 400, id="too large to tell"),
        pytest.param(r"https://.*a.{40}\.example\.com", id="exponentially many sets of states"),
    ],
)
def test_what_takes_too_many_steps_or_cannot_be_told_is_not_bounded(source: str) -> None:
    assert not takes_bounded_steps(source)


@given(PATTERNS, TEXTS)
def test_the_counting_search_matches_what_re_matches(source: str, text: str) -> None:
    assert Search(text).matches(parse_regex(source)) == (re.fullmatch(source, text) is not None)


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=8))
@example(r"(?:a|b|ab)*", ["abababab"])
@example(r"(a*)*", ["aaaaaaaa"])
@example(r"(?:a|b|)*", ["abababab"])
@example(r"(?:(?:|)a?){2}", ["aa"])
@example(r"(?:a?){4}a{4}", ["aaaaaaa"])
@example(r"(?:(?:a|)+?|a)*-", ["aaaa"])
@example(r"(?:|){6}b", ["b"])
@example(f"(?:{'|' * 30})?b", ["b"])
@example(f"^(?:{'|' * 30})*b$", ["b"])
def test_no_search_takes_more_steps_than_the_bound(source: str, texts: list[str]) -> None:
    tree = parse_regex(source)
    bound = most_steps(build_automaton(tree), length=9, limit=10**8, budget=Budget(10**7))
    assume(bound is not None)
    assert bound is not None
    for text in texts:
        search = Search(text)
        search.matches(tree)
        assert search.steps <= bound


@given(
    st.sampled_from([r"[ab]*", r"(?:a|b)*", r"a*b*", r"(?:a*b)*", r"(?:ab|a)*"]), st.text(alphabet="ab-", max_size=9)
)
def test_the_bound_is_tight_where_there_is_one_way_only(source: str, text: str) -> None:
    # A bound that is merely far too large would pass the test above and refuse every sane regex.
    bound = most_steps(build_automaton(parse_regex(source)), length=9, limit=10**6)
    assert bound is not None
    assert bound <= 4 * (9 + 1)


@pytest.mark.usefixtures("deep_recursion")
def test_the_counting_search_is_deep_enough_for_the_longest_origin() -> None:
    assert Search("a" * MAX_ORIGIN_LENGTH).matches(parse_regex("(?:a|b)*"))
