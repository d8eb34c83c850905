"""The regexes held against `re`: on random pairs of pattern and text, and on random text for a pattern."""

import itertools
import random
import re

import pytest
import regex_pairs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from corecors._origins.parsing import read_origin
from corecors._origins.regex.automaton import Automaton, Matcher, TooLarge
from corecors._origins.regex.compiling import STRICT, Permissions, RegexError, compile_regexes
from corecors._origins.regex.reach import FEW_LABELS
from corecors._origins.regex.syntax import ORIGIN_ALPHABET, SyntaxNotRead, parse_regex

ATOMS = ["a", "b", r"\.", "-", ".", "[ab]", "[^a]", r"\d", r"\w", "0", r"[a-c.\d]", r"\S", "[a-]", r"\x61"]
QUANTIFIERS = ["*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "{,2}", "*?", "+?", "??", "{1,2}?"]

TEXTS = st.text(alphabet="ab.-0", max_size=9)


def _larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = st.sampled_from(["(", "(?:", "(?P<name>"])
    grouped = st.builds(lambda opening, inner: f"{opening}{inner})", groups, smaller)
    repeated = st.builds(str.__add__, grouped | st.sampled_from(ATOMS), st.sampled_from(QUANTIFIERS))
    row = st.lists(smaller | repeated, max_size=4).map("".join)
    alternatives = st.lists(row, min_size=2, max_size=3).map(lambda rows: f"(?:{'|'.join(rows)})")
    return repeated | row | alternatives


PATTERNS = st.recursive(st.sampled_from(ATOMS), _larger, max_leaves=9).filter(lambda text: text.count("?P<") < 2)


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=5))
def test_the_automaton_accepts_what_re_matches(source: str, texts: list[str]) -> None:
    tree = parse_regex(source)
    try:
        matcher = Matcher(Automaton([tree]))
    except TooLarge:
        assume(False)
    for text in texts:
        assert matcher.matches(text) is (re.fullmatch(source, text) is not None)


@given(st.lists(PATTERNS, max_size=4), TEXTS)
def test_several_regexes_accept_what_one_of_them_does(sources: list[str], text: str) -> None:
    try:
        matcher = Matcher(Automaton(map(parse_regex, sources)))
    except TooLarge:
        assume(False)
    assert matcher.matches(text) is any(re.fullmatch(source, text) for source in sources)


@pytest.mark.parametrize("seed", range(4))
def test_random_pairs_agree(seed: int) -> None:
    # `python tests/support/regex_pairs.py` runs as many as one likes; this is a sample of them.
    assert regex_pairs.disagreements(random.Random(seed), pairs=2_000) == []


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=r"ab.-\|()[]{}*+?^$:=!<>P#1,dwSZ0 ", max_size=14))
def test_what_the_parser_reads_it_reads_as_re_does(source: str) -> None:
    # Raw text, for the corners of the syntax; most of it is refused by one or the other.
    try:
        matcher = Matcher(Automaton([parse_regex(source)]))
    except SyntaxNotRead as error:
        if error.code == "regex-syntax":
            with pytest.raises(re.error):
                re.compile(source)
        return
    except TooLarge:
        return
    compiled = re.compile(source)
    for text in ("", "a", "b", "ab", "a.b", "-", "a-", "0", "aa", "1", ":", "[", "]", "aaa"):
        assert set(text) <= set(ORIGIN_ALPHABET)
        assert matcher.matches(text) is (compiled.fullmatch(text) is not None), text


HOST_PIECES = st.sampled_from(
    [r"[a-z]+", r"[a-z0-9-]*", r"\.", "-", "a", "b", "0", ".*", r"(.*\.)?", r"(a|b)", r"\w+", r"([a-z]+\.)*"]
)
HOSTS = st.lists(st.sampled_from(["a", "b", "0", "-", ".", "com", "example", "evil", "x"]), max_size=6).map("".join)


@given(st.lists(HOST_PIECES, max_size=5).map("".join), HOSTS)
def test_a_compiled_regex_matches_what_re_matches(prefix: str, host: str) -> None:
    source = rf"https://{prefix}example\.com(:\d+)?"
    regexes = compile_regexes([source])
    assume(not regexes.errors)
    for origin in (f"https://{host}example.com", f"https://{host}.example.com:8443", f"https://{host}"):
        if read_origin(origin) is not None:
            assert regexes.matches(origin) is (re.fullmatch(source, origin) is not None)


@given(st.lists(HOST_PIECES, max_size=5).map("".join), st.sampled_from(["", "evil.", "evil-", "a.b", "0"]))
def test_a_regex_that_passes_lets_in_few_domains(prefix: str, start: str) -> None:
    source = rf"https://{prefix}example\.com"
    if compile_regexes([source], STRICT).errors:
        return
    fullmatch = re.compile(source).fullmatch
    pairs = itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=2)
    domains = [f"{first}{second}example.com" for first, second in pairs]
    assert sum(fullmatch(f"https://{start}{domain}") is not None for domain in domains) <= FEW_LABELS


@given(st.text(max_size=60) | st.text(alphabet="a.*+?()[]{}|^$\\-:/", max_size=30), st.booleans())
def test_any_text_is_compiled_or_refused_with_a_reason(source: str, strict: bool) -> None:
    permissions = Permissions(False, False, False, False) if strict else Permissions()
    (found,) = compile_regexes([source], permissions).found
    if isinstance(found, RegexError):
        assert found.message.isprintable()
        assert found.fix != source
        assert found.fix is None or not compile_regexes([found.fix], permissions).errors
    else:
        assert isinstance(found, bool)
