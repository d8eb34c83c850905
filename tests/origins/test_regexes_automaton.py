"""The automaton: what it accepts, and that its work is bounded, in counted steps and never by a clock."""

import json
import random
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corecors._origins.parsing import MAX_ORIGIN_LENGTH
from corecors._origins.regex import compiling
from corecors._origins.regex.automaton import (
    MAX_OPERATIONS,
    MAX_POSITIONS,
    MAX_TRANSITIONS,
    Automaton,
    Matcher,
    TooLarge,
    count_positions,
)
from corecors._origins.regex.compiling import (
    MAX_REGEX_LENGTH,
    STRICT,
    Permissions,
    RegexError,
    compile_regexes,
)
from corecors._origins.regex.reach import MAX_WORK, Budget
from corecors._origins.regex.syntax import parse_regex

_DATA = Path(__file__).parents[1] / "support" / "data"
CATASTROPHIC: list[dict[str, Any]] = json.loads((_DATA / "regexes.json").read_text(encoding="utf-8"))["catastrophic"]

LONGEST = [
    "https://" + "a" * 318,
    "https://" + "a." * 159,
    "https://" + "ab-c" * 79 + ".a",
    "https://" + "a1" * 154 + ":65535",
    "a" * MAX_ORIGIN_LENGTH,
]


class CountingAutomaton(Automaton):
    """Counts its steps."""

    __slots__ = ("steps",)

    def __init__(self, *sources: str) -> None:
        super().__init__(map(parse_regex, sources))
        self.steps = 0

    def step(self, active: int, char: str) -> int:
        self.steps += 1
        return super().step(active, char)


# What it accepts


@pytest.mark.parametrize(
    ("source", "accepted", "refused"),
    [
        pytest.param("", "", "a", id="nothing"),
        pytest.param("a|b|", "b", "ab", id="an empty branch"),
        pytest.param("(ab|c)*d", "abcabd", "abcd-d", id="a loop over branches"),
        pytest.param("(ab)*(cd)*", "ababcd", "abcdab", id="a loop is not entered from the loop behind it"),
        pytest.param("(a*|b)c", "aac", "abc", id="a loop in a branch does not lead into another branch"),
        pytest.param("(a?b?c?)+d", "acbd", "dd", id="pieces that may be left out, in a loop"),
        pytest.param("a?b?c?d?", "ad", "da", id="a row of pieces that may be left out"),
        pytest.param("(a|(b|(c|(d|e)*)))f", "dedf", "cdf", id="branches in branches"),
        pytest.param("(a{2}|b){2,3}", "aabaa", "aabaaa-", id="counts of a group"),
        pytest.param("(a{0}b)+", "bb", "a", id="a count of none"),
        pytest.param("((a*)*|(b?)+)*c", "abbac", "ab", id="loops that match nothing"),
        pytest.param(r"a\sb|c", "c", "ab", id="what no origin has"),
    ],
)
def test_it_accepts_what_re_matches(source: str, accepted: str, refused: str) -> None:
    matches = Matcher(Automaton([parse_regex(source)])).matches
    assert (matches(accepted), matches(refused)) == (True, False)
    assert (bool(re.fullmatch(source, accepted)), bool(re.fullmatch(source, refused))) == (True, False)


def test_several_regexes_are_one_automaton() -> None:
    matches = Matcher(Automaton(map(parse_regex, ["ab*", "", "c(d|e)"]))).matches
    assert [text for text in ("", "a", "abb", "cd", "c", "abcd") if matches(text)] == ["", "a", "abb", "cd"]


def test_without_regexes_nothing_is_accepted() -> None:
    assert not Matcher(Automaton([])).matches("")
    assert not Matcher(Automaton([])).matches("https://a.com")


# Work for one origin

HOSTILE = [
    pytest.param(r"https://[a-z.]*[a-z.]*" + "(?:)" * 900 + "x", id="thousands of pieces that consume nothing"),
    pytest.param("https://" + "()" * 1990 + "x", id="empty groups"),
    pytest.param(
        "https://[^A" + "".join(chr(0x10000 + i) for i in range(995)) + "]*x", id="a set of astral characters"
    ),
    pytest.param("https://" + "(?:[a-z.]*){0,990}" * 2 + "x", id="wildcards, counted"),
    pytest.param("https://(?:[a-z.-]?){1980}", id="a long row of optional characters"),
    pytest.param("https://(?:(?:a?){44}){44}", id="optional characters in optional groups"),
    pytest.param("https://.*a.{1900}", id="exponentially many sets of states"),
    pytest.param("https://" + "[a-z.]*" * 580, id="wildcards in a row"),
    pytest.param("https://(?:" + "|".join(f"[a-z.]{'a' * (i % 5)}*" for i in range(330)) + ")*", id="a wide loop"),
    pytest.param("https://" + "".join(f"(?:{'[a-z]' * i}|[.])*" for i in range(1, 30)), id="loops of many lengths"),
    pytest.param("https://" + "(?:a|b?" * 5 + "x" + ")*" * 5, id="loops in loops"),
]


@pytest.mark.parametrize("source", HOSTILE)
def test_an_origin_takes_one_step_a_character_whatever_the_pattern(source: str) -> None:
    automaton = CountingAutomaton(source)
    for text in LONGEST:
        automaton.steps = 0
        Matcher(automaton).matches(text)
        assert automaton.steps <= len(text) <= MAX_ORIGIN_LENGTH


@pytest.mark.parametrize("source", HOSTILE)
def test_a_step_takes_few_operations_on_few_bits_whatever_the_pattern(source: str) -> None:
    automaton = CountingAutomaton(source)
    assert automaton.positions <= MAX_POSITIONS
    assert max(automaton.chars) < 3 * MAX_POSITIONS
    assert automaton.operations <= MAX_OPERATIONS


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["regex"][:60]) for entry in CATASTROPHIC])
def test_a_catastrophic_regex_takes_one_step_a_character_or_is_too_large(entry: dict[str, Any]) -> None:
    attack = entry["attack"]
    text = attack["prefix"] + attack["pump"] * attack["times"] + attack["suffix"]
    if count_positions(parse_regex(entry["regex"])) > MAX_POSITIONS:
        ((_, error),) = compile_regexes([entry["regex"]]).errors
        assert error.code == "regex-too-large"
        return
    automaton = CountingAutomaton(entry["regex"])
    Matcher(automaton).matches(text)
    assert automaton.steps <= len(text) <= MAX_ORIGIN_LENGTH


def test_a_second_time_takes_no_steps_at_all() -> None:
    automaton = CountingAutomaton(r"https://[a-z]+\.example\.com")
    matcher = Matcher(automaton)
    assert matcher.matches("https://a.example.com")
    automaton.steps = 0
    assert matcher.matches("https://a.example.com")
    assert not matcher.matches("https://a.example")
    assert automaton.steps == 0


def test_what_is_remembered_is_bounded_and_forgetting_changes_no_answer() -> None:
    source = r"https://.*a.{12}\.example\.com"  # thousands of states
    matcher = Matcher(Automaton([parse_regex(source)]))
    reference = re.compile(source)
    numbers = random.Random(1)
    most = 0
    for _ in range(700):
        label = "".join(numbers.choices("abc", k=60))
        for origin in (f"https://{label}.example.com", f"https://{label}.example.org"):
            assert matcher.matches(origin) is (reference.fullmatch(origin) is not None)
            most = max(most, matcher.remembered)
    assert MAX_TRANSITIONS / 2 < most <= MAX_TRANSITIONS
    assert matcher.remembered < most, "it was dropped in between"


def test_threads_share_it_without_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corecors._origins.regex.automaton.MAX_TRANSITIONS", 300)  # dropped all the time
    source = r"https://.*a.{6}\.example\.com"
    matcher = Matcher(Automaton([parse_regex(source)]))
    reference = re.compile(source)
    wrong: list[str] = []

    def run(seed: int) -> None:
        numbers = random.Random(seed)
        for _ in range(300):
            origin = f"https://{''.join(numbers.choices('abc', k=20))}.example.com"
            if matcher.matches(origin) is not (reference.fullmatch(origin) is not None):
                wrong.append(origin)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Size


@pytest.mark.parametrize(
    ("source", "positions"),
    [
        pytest.param("https://", 8, id="plain"),
        pytest.param("a{3}b{2,5}c*d+e?", 3 + 5 + 3, id="counts"),
        pytest.param("(a|bc){4}", 12, id="a group"),
        pytest.param("a{7,}", 7, id="without end"),
        pytest.param("(?:){1000}()", 0, id="nothing, often"),
        pytest.param("(?:" * 9 + "a" + "{0,1000})" * 8 + ")", 1000**8, id="a nest of counts"),
    ],
)
def test_positions_are_counted_without_being_written_out(source: str, positions: int) -> None:
    assert count_positions(parse_regex(source)) == positions


def test_two_thousand_positions_pass_and_one_more_does_not() -> None:
    assert Automaton([parse_regex("a{1999}"), parse_regex("b")]).positions == MAX_POSITIONS
    with pytest.raises(TooLarge):
        Automaton([parse_regex("a{1999}"), parse_regex("bc")])


def test_groups_that_make_no_difference_cost_nothing() -> None:
    nested, plain = (Automaton([parse_regex(source)]) for source in ("(?:" * 39 + "a*" + ")+" * 39, "a*"))
    assert (nested.operations, nested.chars) == (plain.operations, plain.chars)


@pytest.mark.parametrize(
    ("passes", "does_not"),
    [
        pytest.param(
            "(?:a|b?" * 5 + "x" + ")*" * 5, "(?:a|b?" * 9 + "x" + ")*" * 9, id="repeated groups within each other"
        ),
        pytest.param(
            "x" + "".join(f"(?:{'a' * i}|b)*" for i in range(1, 30)),
            "x" + "".join(f"(?:{'a' * i}|b)*" for i in range(1, 50)),
            id="repeated groups of many lengths",
        ),
    ],
)
def test_what_needs_too_many_operations_for_a_step_is_too_large(passes: str, does_not: str) -> None:
    assert Automaton([parse_regex(passes)]).operations <= MAX_OPERATIONS
    with pytest.raises(TooLarge):
        Automaton([parse_regex(does_not)])
    ((_, error),) = compile_regexes([f"https://{does_not}"]).errors
    assert error.code == "regex-too-large"


def test_regexes_that_need_too_many_operations_together_are_all_refused() -> None:
    one, other = (
        "https://" + "".join(f"(?:{'a' * i}|[.])*" for i in range(first, 50, 2)) + r"\.example\.com" for first in (1, 2)
    )
    assert compile_regexes([one]).errors == compile_regexes([other]).errors == []
    regexes = compile_regexes([one, other])
    assert [error.code for _, error in regexes.errors] == ["regex-too-large"] * 2
    assert not regexes.matches("https://a.example.com")


def test_the_regexes_of_a_policy_share_the_positions() -> None:
    half = r"https://(?:[a-z]{900}|b)\.example\.com"
    regexes = compile_regexes([half, half.replace("example", "other"), half, r"https://a\.com"])
    assert [type(found) for found in regexes.found] == [bool, bool, RegexError, bool]
    ((_, error),) = regexes.errors
    assert error.code == "regex-too-large"
    assert "921 characters, after 1,840 in the regexes before it," in error.message


# Work when a policy is made


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Counts, while policies are made: characters parsed, and the work that budgets were asked for."""
    counted = {"parsed": 0, "spent": 0, "whole budgets": 0}
    spend, create = Budget.spend, Budget.__init__

    def counting_parse(source: str) -> Any:
        counted["parsed"] += len(source)
        return parse_regex(source)

    def counting_spend(budget: Budget, amount: int) -> None:
        spend(budget, amount)
        counted["spent"] += amount

    def counting_create(budget: Budget, work: int = MAX_WORK) -> None:
        counted["whole budgets"] += work == MAX_WORK
        create(budget, work)

    compile_regexes([".*"], STRICT)  # the grammars of origins are worked out once
    compile_regexes([r"https://.*\.com"], STRICT)
    compile_regexes([r"https://1\.2\.3\.4|http://a\.b\.example\.com"], Permissions(False, False, False, False))
    compiling._compiled.cache_clear()
    monkeypatch.setattr(compiling, "parse_regex", counting_parse)
    monkeypatch.setattr(Budget, "spend", counting_spend)
    monkeypatch.setattr(Budget, "__init__", counting_create)
    yield counted
    compiling._compiled.cache_clear()


PAIRS = [first + second for first in "abcdefghijklmnopqrst" for second in "abcdefghijklmnopqrst"]
LABORIOUS = [
    *(
        pytest.param(
            ["https://(?:" + "|".join(f"{pair}[a-z]*1" for pair in PAIRS[:number]) + ")"], id=f"{number} branches"
        )
        for number in (30, 120, 330)
    ),
    pytest.param(["https://" + ".*a" * 650 + r"\.com"], id="wildcards before names: many fixes to try"),
    pytest.param(["https://" + "[^/]a" * 500 + r"\.com"], id="dots to escape"),
    pytest.param(["https://(?:[a-z.-]?){1900}"], id="two million edges"),
    pytest.param([r"https://.*a.{40}example\.com"], id="exponentially many sets of states"),
    pytest.param([r".*(?:a.{0,20}|b.{0,30}|c)?.*"], id="any origin, hard to prove"),
    pytest.param(["https://" + "(a|b|c|d|e|f)" * 60 + r"\.com"], id="a product of letters"),
    pytest.param(["https://" + r"(a|b|c)(d|e)\." * 80 + "com"], id="a product of labels"),
    pytest.param(["HTTPS://" + "[A-Z]*a" * 500 + "/"], id="many things wrong"),
    pytest.param([rf"https://app{i}[a-z]*\.*x{i}\.com" for i in range(300)], id="three hundred regexes"),
]


@pytest.mark.parametrize("sources", LABORIOUS)
def test_making_a_policy_has_one_budget_fixes_included(sources: list[str], work: dict[str, int]) -> None:
    assert all(len(source) <= MAX_REGEX_LENGTH for source in sources)
    compile_regexes(sources, STRICT)
    assert work["whole budgets"] == 1
    assert work["spent"] <= 2 * MAX_WORK  # what proofs take of it is counted twice here
    assert work["parsed"] <= MAX_WORK / 20 + sum(map(len, sources)) + MAX_REGEX_LENGTH


def test_a_fix_that_cannot_be_verified_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    source = r"https://.*example\.com"
    ((_, error),) = compile_regexes([source], STRICT).errors
    assert error.fix == r"https://(.*\.)?example\.com"

    def only_once(text: str) -> Any:
        if text != source:
            raise TooLarge  # as when nothing is left of the budget
        return parse_regex(text)

    monkeypatch.setattr(compiling, "parse_regex", only_once)
    compiling._compiled.cache_clear()
    ((_, error),) = compile_regexes([source], STRICT).errors
    compiling._compiled.cache_clear()
    assert error.code == "regex-open"
    assert error.fix is None
