"""compile_regex: syntax, dots and time; what is let through, what is refused, and what the refusal says."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backtracking import EnoughSteps, Search

from corecors._origins.parsing import MAX_ORIGIN_LENGTH, read_origin
from corecors._origins.regex.ambiguity import TooLarge, build_automaton, most_steps
from corecors._origins.regex.compiling import MAX_REGEX_LENGTH, MAX_STEPS, RegexError, compile_regex
from corecors._origins.regex.syntax import parse_regex

_DATA = Path(__file__).parents[1] / "support" / "data"
REGEXES: dict[str, Any] = json.loads((_DATA / "regexes.json").read_text(encoding="utf-8"))
TRAPS: list[dict[str, Any]] = json.loads((_DATA / "attack" / "regex_traps.json").read_text(encoding="utf-8"))["entries"]

CATASTROPHIC = [
    pytest.param(entry, id=f"{entry['regex'][:60]} from {entry['source'][:40]}") for entry in REGEXES["catastrophic"]
]
SANE = [pytest.param(entry, id=f"{entry['regex'][:60]} from {entry['source'][:40]}") for entry in REGEXES["sane"]]


@pytest.fixture(params=["without google-re2", "with google-re2"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs the test twice. google-re2 is among the requirements of the tests."""
    if request.param == "without google-re2":
        monkeypatch.setitem(sys.modules, "re2", None)  # an import of it now fails
        return "re"
    return "re2"


@pytest.fixture
def without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)


@pytest.fixture
def deep_recursion() -> Iterator[None]:
    """The reference search nests generators as deep as the text is long."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(limit)


def refusal(pattern: Any, *, allow_unproven: bool = False) -> RegexError:
    with pytest.raises(RegexError) as caught:
        compile_regex(pattern, allow_unproven=allow_unproven)
    return caught.value


# The collections


def test_there_are_fifty_of_each() -> None:
    assert len({entry["regex"] for entry in REGEXES["catastrophic"]}) >= 50
    assert len({entry["regex"] for entry in REGEXES["sane"]}) >= 50
    assert all(entry["source"] for kind in ("catastrophic", "sane") for entry in REGEXES[kind])


@pytest.mark.parametrize("entry", SANE)
def test_a_sane_regex_from_a_real_configuration_passes(entry: dict[str, Any], engine: str) -> None:
    regex = compile_regex(entry["regex"])
    assert regex.engine == engine
    assert regex.fullmatch(entry["accepts"])
    assert not regex.fullmatch(entry["refuses"])
    assert not regex.accepts_any_origin
    assert regex.steps is not None
    assert regex.steps < 10 * MAX_ORIGIN_LENGTH, "linear"
    assert read_origin(entry["accepts"]) is not None
    assert read_origin(entry["refuses"]) is not None


@pytest.mark.usefixtures("without_re2")
@pytest.mark.parametrize("entry", CATASTROPHIC)
def test_a_catastrophic_regex_is_refused(entry: dict[str, Any]) -> None:
    refusal(entry["regex"])


@pytest.mark.parametrize("entry", CATASTROPHIC)
def test_a_catastrophic_regex_is_found_out_by_the_analysis_of_its_time(entry: dict[str, Any]) -> None:
    # Many of them match no origin at all and are refused for that already; their time alone has to be reason enough.
    # The analysis counts its own work and gives up beyond a bound: that, and no clock, is what keeps it short.
    try:
        steps = most_steps(build_automaton(parse_regex(entry["regex"])), MAX_ORIGIN_LENGTH, MAX_STEPS)
    except TooLarge:
        steps = None
    assert steps is None


@pytest.mark.usefixtures("deep_recursion")
@pytest.mark.parametrize("entry", CATASTROPHIC)
def test_a_catastrophic_regex_is_one_over_the_characters_of_an_origin(entry: dict[str, Any]) -> None:
    attack = entry["attack"]
    text = attack["prefix"] + attack["pump"] * attack["times"] + attack["suffix"]
    assert len(text) <= MAX_ORIGIN_LENGTH
    with pytest.raises(EnoughSteps):
        Search(text, limit=MAX_STEPS).matches(parse_regex(entry["regex"]))


def test_a_catastrophic_regex_that_re2_supports_runs_there() -> None:
    regex = compile_regex(r"https://([a-z0-9]+-?)+\.example\.org")
    assert regex.engine == "re2"
    assert regex.steps is None
    assert regex.fullmatch("https://a-b.example.org")
    assert not regex.fullmatch("https://" + "a" * 300)


@pytest.mark.parametrize("trap", [pytest.param(trap, id=f"{trap['id']} {trap['why'][:40]}") for trap in TRAPS])
def test_a_trap_is_refused_or_its_bypass_is(trap: dict[str, Any], engine: str) -> None:
    flags = {"I": re.IGNORECASE, "M": re.MULTILINE}.get(trap["function"].partition("+")[2], re.NOFLAG)
    outcome = REGEXES["traps"][trap["id"]]["outcome"]
    pattern = re.compile(trap["regex"], flags)
    if outcome == "refused" and not (trap["id"] == "regex-028" and engine == "re2"):
        refusal(pattern)
        return
    matches = read_origin(trap["bypass"]) is not None and compile_regex(pattern).fullmatch(trap["bypass"]) is not None
    assert matches == (outcome == "meant" or (trap["id"] == "regex-028" and engine == "re2"))


def test_every_trap_has_its_verdict() -> None:
    assert REGEXES["traps"].keys() == {trap["id"] for trap in TRAPS}


# Dots


@pytest.mark.parametrize(
    ("source", "mend"),
    [
        pytest.param("https://app.example.com", r"https://app\.example\.com", id="a plain origin"),
        pytest.param(r"https://.*.example\.com", r"https://.*\.example\.com", id="after a wildcard"),
        pytest.param("^https://(www|app).a.com$", r"^https://(www|app)\.a\.com$", id="after a group"),
        pytest.param(r"https://(www.)?a\.com", r"https://(www\.)?a\.com", id="at the end of a group"),
        pytest.param(r"https://(a.com|b\.com)", r"https://(a\.com|b\.com)", id="in a branch"),
        pytest.param("http://127.0.0.1:3000", r"http://127\.0\.0\.1:3000", id="an address"),
        pytest.param(r"https://[a-z]+.example\.com", r"https://[a-z]+\.example\.com", id="after a class"),
        pytest.param(r"https://[.]a.com", r"https://[.]a\.com", id="beside a dot in a class"),
        pytest.param(".*.example.com", r".*\.example\.com", id="a host alone"),
        pytest.param("https://.*example.com", r"https://(.*\.)?example\.com", id="one more dot is missing"),
    ],
)
def test_a_dot_that_was_meant_literally_is_refused_with_the_escaped_form(source: str, mend: str, engine: str) -> None:
    error = refusal(source)
    assert "dot that stands for any character" in error.wrong
    assert error.mend == mend


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https://.*\.example\.com", id="any number of characters"),
        pytest.param(r"https://.+\.example\.com", id="one or more"),
        pytest.param(r"https://.?a\.example\.com", id="one or none"),
        pytest.param(r"https://.{3}\.example\.com", id="three"),
        pytest.param(r"https://..\.example\.com", id="two dots side by side"),
        pytest.param(r"https://app.\.example\.com", id="a character before a dot"),
        pytest.param(r"https://[.a]\.example\.com", id="in a class"),
        pytest.param(r"https://(.)*\.example\.com", id="alone in a repeated group"),
        pytest.param(r"https://a(?#a.b)\.example\.com", id="in a comment"),
        pytest.param(r"https://a\x2eexample\.com", id="written as a number"),
    ],
)
def test_a_dot_that_was_meant_as_any_character_stays(source: str) -> None:
    assert compile_regex(source).fullmatch("https://nobody.test") is None


def test_the_message_shows_where_the_dot_is() -> None:
    assert "'app.example.com'" in refusal("https://app.example.com:8443").wrong


# Time


@pytest.mark.usefixtures("without_re2")
@pytest.mark.parametrize(
    ("source", "piece"),
    [
        pytest.param(r"https://([a-z0-9]+-?)+\.example\.org", "([a-z0-9]+-?)+", id="a repeated group"),
        pytest.param(r"https://(a|b([a-z]*)*)\.example\.org", "([a-z]*)*", id="deep inside"),
        pytest.param(r"https://x.*-.*-.*y\.example\.org", ".*-.*-.*", id="three wildcards side by side"),
        pytest.param(r"https://(?:a?){30}\.example\.org", "(?:a?){30}", id="finitely many ways, but 2 to the 30th"),
    ],
)
def test_the_piece_that_can_hang_is_named(source: str, piece: str) -> None:
    error = refusal(source)
    assert f"can hang: '{piece}' matches one text in too many ways" in error.wrong
    assert "google-re2" in error.wrong


@pytest.mark.parametrize(
    ("source", "what"),
    [
        pytest.param(r"https://(?!evil)[a-z]+\.example\.com", "a lookahead, '(?!evil)'", id="negative lookahead"),
        pytest.param(r"https://(?=a)[a-z]+\.example\.com", "a lookahead, '(?=a)'", id="lookahead"),
        pytest.param(r"https://[a-z]+(?<!evil)\.example\.com", "a lookbehind, '(?<!evil)'", id="negative lookbehind"),
        pytest.param(r"https://[a-z]+(?<=x)\.example\.com", "a lookbehind, '(?<=x)'", id="lookbehind"),
        pytest.param(r"https://(a|b)\1\.example\.com", r"a backreference, '\\1'", id="backreference"),
        pytest.param(r"https://(?P<x>a|b)(?P=x)\.example\.com", "a backreference, '(?P=x)'", id="by name"),
        pytest.param(r"https://(a)?(?(1)b|c)\.example\.com", "a conditional, '(?(1)b|c)'", id="conditional"),
    ],
)
def test_what_cannot_be_analysed_is_refused_unless_the_user_vouches_for_it(source: str, what: str, engine: str) -> None:
    assert what in refusal(source).wrong
    regex = compile_regex(source, allow_unproven=True)
    assert regex.engine == "re"
    assert regex.steps is None


@pytest.mark.usefixtures("without_re2")
def test_the_user_may_vouch_for_time_and_reach_but_not_for_a_mistake() -> None:
    assert compile_regex(r"https://([a-z]+)*\.example\.com", allow_unproven=True).steps is None
    assert compile_regex(r"https://.*example\.com", allow_unproven=True).fullmatch("https://evilexample.com")
    assert compile_regex("https://(?!evil).*", allow_unproven=True).accepts_any_origin
    for mistake in ("https://app.example.com", r"\.example\.com", "(?i)https://a", "https://("):
        refusal(mistake, allow_unproven=True)


def test_a_lookbehind_that_pins_the_host_does_not_accept_any_origin() -> None:
    regex = compile_regex(r"https://.*(?<=\.example\.com)", allow_unproven=True)
    assert not regex.accepts_any_origin
    assert regex.fullmatch("https://a.example.com")


@pytest.mark.usefixtures("without_re2")
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+example\.com", id="labels after RFC 1123"),
        pytest.param(r"https://(?:[a-z0-9]+(?:[-_][a-z0-9]+)*\.)*example\.com", id="words with separators"),
        pytest.param(r"https://.*-preview.*\.example\.com", id="two wildcards: quadratic"),
        pytest.param(r"https://(?>[a-z]+)\.example\.com", id="an atomic group"),
        pytest.param(r"https://[a-z]++\.example\.com", id="a possessive quantifier"),
        pytest.param(r"https://[a-z]+?\.example\.com", id="a lazy quantifier"),
        pytest.param(r"https://(?:a*)*\.example\.com".replace("a*", "a|b|"), id="an empty alternative in a loop"),
    ],
)
def test_a_regex_that_only_looks_dangerous_passes(source: str) -> None:
    regex = compile_regex(source)
    assert regex.engine == "re"
    assert regex.steps is not None
    assert regex.steps <= MAX_STEPS


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("https://" + "(" * 100 + "a" + ")" * 100, id="deep groups"),
        pytest.param("https://" + "(?:" * 30 + "a" + "{9}){9}" * 30, id="nested counts"),
        pytest.param("https://[a-z]{1,999999999}", id="a huge count"),
        pytest.param("https://" + "(?:a|b|)" * 400, id="very many alternatives"),
        pytest.param(
            "https://(" + "|".join("abcdefghij"[i % 10] * (i % 7) for i in range(900)) + ")*", id="a wide loop"
        ),
        pytest.param("https://" + "a" * MAX_REGEX_LENGTH, id="too long"),
        pytest.param("https://" + "[a-z]*" * 600, id="a long row of wildcards"),
        pytest.param(r"https://.*a.{40}\.example\.com", id="exponentially many sets of states"),
    ],
)
def test_a_huge_regex_is_refused_by_counted_work(source: str) -> None:
    refusal_or_pass(source)


def refusal_or_pass(source: str) -> None:
    """Either is sound, as long as it comes soon: the analysis counts its work, so that this returns at all."""
    try:
        regex = compile_regex(source)
    except RegexError:
        return
    assert regex.engine == "re2" or regex.steps is not None


# Syntax and flags


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        pytest.param(re.compile("https://a", re.IGNORECASE), "IGNORECASE", id="IGNORECASE"),
        pytest.param(re.compile("https://a", re.MULTILINE), "MULTILINE", id="MULTILINE"),
        pytest.param(re.compile("https://a", re.VERBOSE), "VERBOSE", id="VERBOSE"),
        pytest.param(re.compile("https://a # b", re.VERBOSE | re.IGNORECASE), "IGNORECASE", id="two flags"),
        pytest.param("(?i)https://a", "inline flags", id="inline"),
        pytest.param("https://(?i:a)", "inline flags", id="inline in a group"),
        pytest.param("https://(?s-i:a)", "inline flags", id="inline and negative"),
        pytest.param("(?x) https://a", "inline flags", id="inline VERBOSE"),
        pytest.param("https://[[:alpha:]]", 'unescaped "["', id="a POSIX class"),
        pytest.param("https://[a-c--e]", "'--' in a set", id="a set difference"),
        pytest.param("https://[a&&b]", "'&&' in a set", id="a set intersection"),
        pytest.param(r"https://\N{DIGIT ONE}", "escape", id="a named character"),
        pytest.param("https://(a", "no regular expression: missing )", id="unclosed group"),
        pytest.param("https://a)", "no regular expression: unbalanced parenthesis", id="unopened group"),
        pytest.param("https://[a", "no regular expression: unterminated character set", id="unclosed set"),
        pytest.param("https://*.example.com", "dot that stands for any", id="a pattern for allow_origins"),
        pytest.param("*.example.com", "no regular expression: nothing to repeat", id="a glob"),
        pytest.param("https://a**", "no regular expression: multiple repeat", id="two quantifiers"),
        pytest.param("https://a{3,2}", "no regular expression: min repeat greater than max", id="bounds reversed"),
        pytest.param(r"https://\p{L}", "no regular expression: bad escape", id="a Unicode property"),
        pytest.param(r"https://a\1", "no regular expression: invalid group reference", id="a reference to no group"),
        pytest.param(None, "no regular expression but of type NoneType", id="None"),
        pytest.param(["https://a"], "no regular expression but of type list", id="a list"),
    ],
)
def test_what_is_no_plain_regex_is_refused(pattern: Any, wrong: str) -> None:
    assert wrong in refusal(pattern).wrong


def test_a_pattern_over_bytes_is_refused_with_the_text_as_mend() -> None:
    assert refusal(re.compile(rb"https://a\.com")).mend == r"https://a\.com"


@pytest.mark.parametrize("flag", [re.ASCII, re.DOTALL, re.UNICODE])
def test_a_flag_that_makes_no_difference_to_an_origin_is_no_matter(flag: re.RegexFlag) -> None:
    assert compile_regex(re.compile(r"https://\w+\.a\.com", flag)).fullmatch("https://x.a.com")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"^https://a\.com|https://b\.com$", id="anchors that bind to one branch"),
        pytest.param(r"\Ahttps://(a|b)\.com\Z", id="the whole text"),
        pytest.param(r"(^https://a\.com$)|^https://b\.com", id="anchors in a group"),
    ],
)
def test_the_whole_origin_is_matched_wherever_anchors_stand(source: str, engine: str) -> None:
    regex = compile_regex(source)
    assert regex.fullmatch("https://a.com")
    assert regex.fullmatch("https://b.com")
    assert not regex.fullmatch("https://a.com.evil.com")
    assert not regex.fullmatch("https://evil.com/https://b.com")


def test_dialects_do_not_matter_to_re2() -> None:
    for source, accepted, refused in [
        (r"https://a{,3}\.com", "https://aa.com", "https://a{,3}.com"),
        (r"https://\x61\056com", "https://a.com", "https://b.com"),
        (r"https://\u0061[\d]\Z", "https://a1", "https://b1"),
        (r"https://[]a]+\.com", "https://aa.com", "https://b.com"),
    ]:
        regex = compile_regex(source)
        assert regex.engine == "re2"
        assert regex.fullmatch(accepted), source
        assert not regex.fullmatch(refused), source


def test_the_error_reads_as_a_sentence_with_its_mend() -> None:
    assert str(refusal(r"https://a\.com/")).endswith(r"; write 'https://a\\.com'")
