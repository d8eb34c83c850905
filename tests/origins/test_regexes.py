"""compile_regexes: syntax, flags and dots; what is let through, what is refused, and what the refusal says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from corecors._origins.parsing import read_origin
from corecors._origins.regex.compiling import (
    MAX_REGEX_LENGTH,
    STRICT,
    OriginRegexes,
    Permissions,
    RegexError,
    compile_regexes,
)

_DATA = Path(__file__).parents[1] / "support" / "data"
REGEXES: dict[str, Any] = json.loads((_DATA / "regexes.json").read_text(encoding="utf-8"))
TRAPS: list[dict[str, Any]] = json.loads((_DATA / "attack" / "regex_traps.json").read_text(encoding="utf-8"))["entries"]

CATASTROPHIC = [
    pytest.param(entry, id=f"{entry['regex'][:60]} from {entry['source'][:40]}") for entry in REGEXES["catastrophic"]
]
SANE = [pytest.param(entry, id=f"{entry['regex'][:60]} from {entry['source'][:40]}") for entry in REGEXES["sane"]]


def compiled(*patterns: Any, permissions: Permissions = STRICT) -> OriginRegexes:
    regexes = compile_regexes(patterns, permissions)
    assert regexes.errors == []
    return regexes


def refusal(pattern: Any, permissions: Permissions = STRICT) -> RegexError:
    ((index, error),) = compile_regexes([pattern], permissions).errors
    assert index == 0
    return error


# The collections


def test_there_are_fifty_of_each() -> None:
    assert len({entry["regex"] for entry in REGEXES["catastrophic"]}) >= 50
    assert len({entry["regex"] for entry in REGEXES["sane"]}) >= 50
    assert all(entry["source"] for kind in ("catastrophic", "sane") for entry in REGEXES[kind])


@pytest.mark.parametrize("entry", SANE)
def test_a_sane_regex_from_a_real_configuration_passes(entry: dict[str, Any]) -> None:
    regexes = compiled(entry["regex"])
    assert regexes.matches(entry["accepts"])
    assert not regexes.matches(entry["refuses"])
    assert not regexes.accepts_any_origin
    assert read_origin(entry["accepts"]) is not None
    assert read_origin(entry["refuses"]) is not None


def test_all_sane_regexes_fit_into_two_policies() -> None:
    # 2,000 places and one budget are for the regexes of a whole policy.
    sources = [entry["regex"] for entry in REGEXES["sane"]]
    for half in (sources[::2], sources[1::2]):
        regexes = compiled(*half)
        for entry in REGEXES["sane"]:
            if entry["regex"] in half:
                assert regexes.matches(entry["accepts"])


@pytest.mark.parametrize("entry", CATASTROPHIC)
def test_a_catastrophic_regex_is_harmless_or_refused_by_name(entry: dict[str, Any]) -> None:
    # Nothing here has to be refused for its time: the attack is one step a character (test_regexes_automaton.py).
    regexes = compile_regexes([entry["regex"]])
    if regexes.errors:
        ((_, error),) = regexes.errors
        assert error.code in {"regex-matches-nothing", "regex-too-large", "regex-unescaped-dot", "regex-unsupported"}
        return
    attack = entry["attack"]
    short = attack["prefix"] + attack["pump"] * 3 + attack["suffix"]
    assert regexes.matches(short) is (re.fullmatch(entry["regex"], short) is not None)


@pytest.mark.parametrize("trap", [pytest.param(trap, id=f"{trap['id']} {trap['why'][:40]}") for trap in TRAPS])
def test_a_trap_is_refused_or_its_bypass_is(trap: dict[str, Any]) -> None:
    flags = {"I": re.IGNORECASE, "M": re.MULTILINE}.get(trap["function"].partition("+")[2], re.NOFLAG)
    outcome = REGEXES["traps"][trap["id"]]["outcome"]
    pattern = re.compile(trap["regex"], flags)
    if outcome == "refused":
        refusal(pattern)
        return
    matches = read_origin(trap["bypass"]) is not None and compiled(pattern).matches(trap["bypass"])
    assert matches is (outcome == "meant")


def test_every_trap_has_its_verdict() -> None:
    assert REGEXES["traps"].keys() == {trap["id"] for trap in TRAPS}


# Dots


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        pytest.param("https://app.example.com", r"https://app\.example\.com", id="a plain origin"),
        pytest.param(r"https://.*.example.com", r"https://.*\.example\.com", id="after a wildcard"),
        pytest.param("^https://(www|app).a.com$", r"^https://(www|app)\.a\.com$", id="after a group"),
        pytest.param(r"https://(www.)?a\.com", r"https://(www\.)?a\.com", id="at the end of a group"),
        pytest.param(r"https://(a.com|b\.com)", r"https://(a\.com|b\.com)", id="in a branch"),
        pytest.param("https://127.0.0.1:3000", r"https://127\.0\.0\.1:3000", id="an address"),
        pytest.param(r"https://[a-z]+.example.com", r"https://[a-z]+\.example\.com", id="after a class"),
        pytest.param(r"https://[.]a.com", None, id="beside a dot in a class, which is a label too few"),
        pytest.param(".*.example.com", r".*\.example\.com", id="a host alone"),
        pytest.param("https://.*example.com", r"https://(.*\.)?example\.com", id="one more dot is missing"),
        pytest.param(r"https://app.?example\.com", r"https://app\.example\.com", id="or none"),
        pytest.param(r"https://app.{1}example\.com", r"https://app\.example\.com", id="exactly one"),
        pytest.param(r"https://app.{0,1}example\.com", r"https://app\.example\.com", id="at most one"),
        pytest.param(r"https://app\Dexample\.com", r"https://app\.example\.com", id="anything but a digit"),
        pytest.param(r"https://app\Sexample\.com", r"https://app\.example\.com", id="anything but a blank"),
        pytest.param(r"https://app[^/]example\.com", r"https://app\.example\.com", id="anything but a slash"),
        pytest.param(r"https://app[^/:]?example\.com", r"https://app\.example\.com", id="anything but a port, or none"),
        pytest.param(r"https://example.[a-z]{2,3}", None, id="no fix that lets in whole top-level domains"),
    ],
)
def test_a_dot_that_was_meant_literally_is_refused_with_the_escaped_form(source: str, fix: str | None) -> None:
    error = refusal(source)
    assert error.code == "regex-unescaped-dot"
    assert "dot that stands for any character" in error.message
    assert error.fix == fix
    if fix is not None:
        compiled(fix)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"https://.*\.example\.com", id="any number of characters"),
        pytest.param(r"https://.+\.example\.com", id="one or more"),
        pytest.param(r"https://.?a\.example\.com", id="one or none at the beginning of a host"),
        pytest.param(r"https://.{3}\.example\.com", id="three"),
        pytest.param(r"https://..\.example\.com", id="two dots side by side"),
        pytest.param(r"https://app.\.example\.com", id="a character before a dot"),
        pytest.param(r"https://app[^/]\.example\.com", id="a set before a dot"),
        pytest.param(r"https://[.a]\.example\.com", id="in a class"),
        pytest.param(r"https://(.)*\.example\.com", id="alone in a repeated group"),
        pytest.param(r"https://a(?#a.b)\.example\.com", id="in a comment"),
        pytest.param(r"https://a\x2eexample\.com", id="written as a number"),
    ],
)
def test_a_dot_that_was_meant_as_any_character_stays(source: str) -> None:
    assert not compiled(source).matches("https://nobody.test")


def test_the_message_shows_where_the_dot_is() -> None:
    assert "'app.example.com'" in refusal("https://app.example.com:8443").message


# Syntax and flags


@pytest.mark.parametrize(
    ("source", "what"),
    [
        pytest.param(r"https://(?!evil)[a-z]+\.example\.com", "a lookahead (?!", id="negative lookahead"),
        pytest.param(r"https://(?=a)[a-z]+\.example\.com", "a lookahead (?=", id="lookahead"),
        pytest.param(r"https://[a-z]+(?<!evil)\.example\.com", "a lookbehind (?<!", id="negative lookbehind"),
        pytest.param(r"https://[a-z]+(?<=x)\.example\.com", "a lookbehind (?<=", id="lookbehind"),
        pytest.param(r"https://(a|b)\1\.example\.com", r"a back-reference \1", id="back-reference"),
        pytest.param(r"https://(?P<x>a|b)(?P=x)\.example\.com", "a back-reference (?P=", id="back-reference by name"),
        pytest.param(r"https://(a)?(?(1)b|c)\.example\.com", "a conditional (?(", id="conditional"),
        pytest.param(r"https://(?>[a-z]+)\.example\.com", "an atomic group (?>", id="atomic group"),
        pytest.param(r"https://[a-z]++\.example\.com", "a possessive repetition", id="possessive +"),
        pytest.param(r"https://[a-z]*+\.example\.com", "a possessive repetition", id="possessive *"),
        pytest.param(r"https://[a-z]{1,3}+\.example\.com", "a possessive repetition", id="possessive count"),
        pytest.param(r"https://app\.example\.com\b.*", r"a word boundary \b", id="word boundary"),
        pytest.param(r"https://.*\Bexample\.com", r"a word boundary \B", id="no word boundary"),
        pytest.param(r"https://a$\.example\.com", "the anchor $ at position 9", id="an end in the middle"),
        pytest.param(r"https://^a\.example\.com", "the anchor ^ at position 8", id="a start in the middle"),
        pytest.param(r"(https://\Za|https://b)\.example\.com", r"the anchor \Z", id="an end within a group"),
        pytest.param(r"[a-z]*^https://a\.example\.com", "the anchor ^", id="a start behind what may be empty"),
        pytest.param(r"(?:https://a\.com$)*", "the anchor $", id="an end that would be repeated"),
        pytest.param(r"\Ahttps://a\.com\A", r"the anchor \A", id="a start at the end"),
        pytest.param("(?i)https://a", "inline flags", id="inline flags"),
        pytest.param("https://(?i:a)", "inline flags", id="inline flags of a group"),
        pytest.param("https://(?s-i:a)", "inline flags", id="inline flags, negative"),
        pytest.param("(?x) https://a", "inline flags", id="inline VERBOSE"),
        pytest.param("https://[[:alpha:]]", 'an unescaped "["', id="a POSIX class"),
        pytest.param("https://[a-c--e]", "'--' in a set", id="a set difference"),
        pytest.param("https://[a&&b]", "'&&' in a set", id="a set intersection"),
        pytest.param(r"https://\N{DIGIT ONE}", r"the escape \N", id="a named character"),
        pytest.param(r"https://\p{L}", r"the escape \p", id="a Unicode property"),
        pytest.param(r"https://a\z", r"the escape \z", id="new in Python 3.14"),
        pytest.param("https://[a-z]{1,9999999999}", "an enormous number of repetitions", id="an enormous count"),
        pytest.param("(" * 50 + ")" * 50, "more than 40 groups within each other", id="deep groups"),
    ],
)
def test_what_the_automaton_does_not_run_is_refused_by_name(source: str, what: str) -> None:
    error = refusal(source, Permissions())
    assert error.code == "regex-unsupported"
    assert f"has {what}" in error.message


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        pytest.param("https://(a", "a group that is never closed at position 8", id="unclosed group"),
        pytest.param("https://a)", "an unbalanced parenthesis at position 9", id="unopened group"),
        pytest.param("https://[a", "a set that is never closed at position 8", id="unclosed set"),
        pytest.param("*.example.com", "nothing to repeat at position 0", id="a glob"),
        pytest.param("^*", "nothing to repeat at position 1", id="a repeated anchor"),
        pytest.param("https://a**", "a repetition of a repetition at position 10", id="two quantifiers"),
        pytest.param("https://a*(?#c)*", "a repetition of a repetition", id="two quantifiers around a comment"),
        pytest.param("https://a{3,2}", "a repetition whose maximum is below its minimum", id="bounds reversed"),
        pytest.param("https://[b-a]", "a bad range in a set", id="range reversed"),
        pytest.param(r"https://[a-\d]", "a bad range in a set", id="range to a class"),
        pytest.param("https://(?P<a>x)(?P<a>y)", "a group whose name", id="a name twice"),
        pytest.param("https://(?P<1>x)", "a group whose name", id="a number for a name"),
        pytest.param("https://(?#a", "a missing ')'", id="unclosed comment"),
        pytest.param("https://(?<x>a)", "an unknown kind of group", id="another dialect's named group"),
        pytest.param(r"https://\x1", "an escape that is not whole", id="half a number"),
    ],
)
def test_what_python_refuses_is_refused_with_the_place(source: str, wrong: str) -> None:
    with pytest.raises(re.error):
        re.compile(source)
    error = refusal(source, Permissions())
    assert error.code == "regex-syntax"
    assert f"is not a regular expression: {wrong}" in error.message


@pytest.mark.parametrize(
    ("pattern", "code", "wrong"),
    [
        pytest.param(re.compile("https://a", re.IGNORECASE), "regex-flags", "IGNORECASE", id="IGNORECASE"),
        pytest.param(re.compile("https://a", re.MULTILINE), "regex-flags", "MULTILINE", id="MULTILINE"),
        pytest.param(re.compile("https://a", re.VERBOSE), "regex-flags", "VERBOSE", id="VERBOSE"),
        pytest.param(re.compile("https://a # b", re.VERBOSE | re.IGNORECASE), "regex-flags", "IGNORECASE", id="two"),
        pytest.param(re.compile("(?i)https://a"), "regex-flags", "IGNORECASE", id="inline in a compiled pattern"),
        pytest.param(None, "not-a-regex", "is not a regular expression but of type NoneType", id="None"),
        pytest.param(["https://a"], "not-a-regex", "is not a regular expression but of type list", id="a list"),
        pytest.param("https://" + "a" * MAX_REGEX_LENGTH, "regex-too-large", "characters long", id="too long"),
    ],
)
def test_what_is_not_a_plain_regex_is_refused(pattern: Any, code: str, wrong: str) -> None:
    error = refusal(pattern, Permissions())
    assert error.code == code
    assert wrong in error.message


def test_a_pattern_over_bytes_is_refused_with_the_text_as_fix() -> None:
    assert refusal(re.compile(rb"https://a\.com")).fix == r"https://a\.com"


@pytest.mark.parametrize("flag", [re.ASCII, re.DOTALL, re.UNICODE])
def test_a_flag_that_makes_no_difference_to_an_origin_is_no_matter(flag: re.RegexFlag) -> None:
    assert compiled(re.compile(r"https://\w+\.a\.com", flag)).matches("https://x.a.com")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(r"^https://a\.com|https://b\.com$", id="anchors that bind to one branch"),
        pytest.param(r"\Ahttps://(a|b)\.com\Z", id="the whole text"),
        pytest.param(r"(^https://a\.com$)|^https://b\.com", id="anchors in a group"),
        pytest.param(r"^()^https://(?:a|b)\.com$(?:)$", id="anchors twice"),
    ],
)
def test_the_whole_origin_is_matched_wherever_anchors_stand(source: str) -> None:
    regexes = compiled(source)
    assert regexes.matches("https://a.com")
    assert regexes.matches("https://b.com")
    assert not regexes.matches("https://a.com.evil.com")
    assert not regexes.matches("https://evil.com")


@pytest.mark.parametrize(
    ("source", "accepted", "refused"),
    [
        pytest.param(r"https://a{,3}\.com", "https://aa.com", "https://a.a.com", id="no lower bound"),
        pytest.param(r"https://x{}a\.com", None, "https://xa.com", id="braces that are no count"),
        pytest.param(r"https://\x61\056com", "https://a.com", "https://b.com", id="numbers of characters"),
        pytest.param(r"https://\u0061[\d]\.com\Z", "https://a1.com", "https://b1.com", id="a class in a set"),
        pytest.param(r"https://[]a]+\.com", "https://aa.com", "https://b.com", id="a bracket first in a set"),
        pytest.param(r"https://[^\W_]\.a\.com", "https://0.a.com", "https://_.a.com", id="a negated class in a set"),
        pytest.param(r"https://A?a\.com", "https://a.com", "https://aa.com", id="case matters"),
        pytest.param(r"https://(a|ab)(c|bcd)\.com", "https://abcd.com", "https://abc0.com", id="ways that overlap"),
    ],
)
def test_a_piece_of_syntax_means_what_it_means_to_python(source: str, accepted: str | None, refused: str) -> None:
    regexes = compile_regexes([source])
    assert accepted is None or regexes.matches(accepted)
    assert accepted is None or re.fullmatch(source, accepted)
    assert not regexes.matches(refused)
    assert not re.fullmatch(source, refused)


def test_one_of_several_regexes_is_enough_and_what_is_refused_takes_no_part() -> None:
    regexes = compile_regexes([r"https://a\.com", "https://(", r"https://b\.com"])
    assert [index for index, _ in regexes.errors] == [1]
    assert [regexes.matches(f"https://{host}") for host in ("a.com", "b.com", "c.com")] == [True, True, False]


def test_the_error_reads_as_a_sentence_with_its_fix() -> None:
    assert str(refusal(r"https://a\.com/")).endswith(r"; write 'https://a\\.com'")
