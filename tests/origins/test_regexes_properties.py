"""The analysis of regexes held against `re`, against RE2 and against a search that counts its steps."""

import itertools
import re
import sys

import pytest
from backtracking import Search
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from corecors._origins.parsing import read_origin
from corecors._origins.regex.ambiguity import Budget, TooLarge, build_automaton, most_steps
from corecors._origins.regex.compiling import OriginRegex, RegexError, compile_regex
from corecors._origins.regex.reach import FEW_LABELS
from corecors._origins.regex.syntax import ORIGIN_ALPHABET, SyntaxNotRead, parse_regex

ATOMS = ["a", "b", r"\.", "-", ".", "[ab]", "[^a]", r"\d", r"\w", "0", r"[a-c.\d]", r"\S", "[a-]", r"\x61"]
QUANTIFIERS = ["*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "{,2}"]
LAZY = ["*?", "+?", "??", "{1,2}?"]
POSSESSIVE = ["*+", "++", "?+", "{0,2}+"]
ASSERTIONS = ["^", "$", r"\A", r"\Z", r"\b", r"\B"]

TEXTS = st.text(alphabet="ab.-0", max_size=9)


def regexes(quantifiers: list[str], assertions: list[str], *, atomic: bool = False) -> st.SearchStrategy[str]:
    groups = ["({})", "(?:{})", "(?P<n{}>{})"] + (["(?>{})"] if atomic else [])

    def larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        grouped = st.builds(
            lambda group, inner: group.replace("n{}", "name").format(inner), st.sampled_from(groups), smaller
        )
        repeated = st.builds(str.__add__, grouped | st.sampled_from(ATOMS), st.sampled_from(quantifiers))
        row = st.lists(smaller | repeated | st.sampled_from(assertions or ATOMS), max_size=4).map("".join)
        alternatives = st.lists(row, min_size=2, max_size=3).map(lambda rows: f"(?:{'|'.join(rows)})")
        return repeated | row | alternatives

    return st.recursive(st.sampled_from(ATOMS), larger, max_leaves=9).filter(lambda text: text.count("?P<") < 2)


PLAIN = regexes(QUANTIFIERS + LAZY, [])
ALL = regexes(QUANTIFIERS + LAZY + POSSESSIVE, ASSERTIONS, atomic=True)
GREEDY = regexes(QUANTIFIERS + POSSESSIVE, ASSERTIONS, atomic=True)  # the order of ways matters to what is committed to
LOOSE = regexes(QUANTIFIERS + LAZY, ASSERTIONS)


@given(PLAIN, TEXTS)
def test_the_automaton_accepts_what_re_matches(source: str, text: str) -> None:
    automaton = build_automaton(parse_regex(source))
    assert automaton.accepts(text) == (re.fullmatch(source, text) is not None)


@given(ALL, TEXTS)
def test_with_assertions_and_commitment_the_automaton_accepts_that_or_more(source: str, text: str) -> None:
    if re.fullmatch(source, text):
        assert build_automaton(parse_regex(source)).accepts(text)
        assert build_automaton(parse_regex(source), copies=1).accepts(text), "written out shorter"


@given(
    GREEDY | LOOSE, TEXTS.filter(bool)
)  # whether \B matches the empty text has changed in Python 3.14; no origin is empty
def test_the_counting_search_matches_what_re_matches(source: str, text: str) -> None:
    assert Search(text).matches(parse_regex(source)) == (re.fullmatch(source, text) is not None)


@given(ALL, st.lists(TEXTS, min_size=1, max_size=8))
@example(r"(?:a|b|ab)*", ["abababab"])
@example(r"(a*)*", ["aaaaaaaa"])
@example(r"(?:a|b|)*", ["abababab"])
@example(r"(?:(?:|)a?){2}", ["aa"])
@example(r"(?:a?){4}a{4}", ["aaaaaaa"])
@example(r"(?:(?:a|)+?|a)*-", ["aaaa"])
@example(r"(?:|){6}b", ["b"])
@example(f"(?:{'|' * 30})?b", ["b"])
@example(f"(?:{'|' * 30})*b", ["b"])
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


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=r"ab.-\|()[]{}*+?^$:=!<>P#1,dwSZ0 ", max_size=14))
def test_what_the_parser_reads_it_reads_as_re_does(source: str) -> None:
    # Raw text, for the corners of the syntax; most of it is refused by one or the other.
    try:
        tree = parse_regex(source)
        automaton = build_automaton(tree)
    except (SyntaxNotRead, TooLarge):
        return
    try:
        compiled = re.compile(source)
    except re.error:
        return
    for text in ("", "a", "b", "ab", "a.b", "-", "a-", "0", "aa", "1", ":", "{", "a{1}", "[", "]", "aaa"):
        if compiled.fullmatch(text) is not None and set(text) <= set(ORIGIN_ALPHABET):
            assert automaton.accepts(text), text


HOST_PIECES = st.sampled_from(
    [r"[a-z]+", r"[a-z0-9-]*", r"\.", "-", "a", "b", "0", ".*", r"(.*\.)?", r"(a|b)", r"\w+", r"([a-z]+\.)*"]
)
HOSTS = st.lists(st.sampled_from(["a", "b", "0", "-", ".", "com", "example", "evil", "x"]), max_size=6).map("".join)


@pytest.fixture(scope="module", autouse=True)
def _re2_is_installed() -> None:
    assert compile_regex(r"https://a\.com").engine == "re2", "google-re2 is among the requirements of the tests"


@given(st.lists(HOST_PIECES, max_size=5).map("".join), HOSTS)
def test_re_and_re2_agree(prefix: str, host: str) -> None:
    source = rf"https://{prefix}example\.com(:\d+)?"
    try:
        regex = compile_regex(source, allow_unproven=True)
    except RegexError:
        assume(False)
    assert regex.engine == "re2"
    for origin in (f"https://{host}example.com", f"https://{host}.example.com:8443", f"https://{host}"):
        if read_origin(origin) is not None:
            assert bool(regex.fullmatch(origin)) == bool(re.fullmatch(source, origin))


@given(st.lists(HOST_PIECES, max_size=5).map("".join), st.sampled_from(["", "evil.", "evil-", "a.b", "0"]))
def test_a_regex_that_passes_lets_in_few_domains(prefix: str, start: str) -> None:
    source = rf"https://{prefix}example\.com"
    try:
        compile_regex(source)
    except RegexError:
        return
    fullmatch = re.compile(source).fullmatch
    pairs = itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=2)
    domains = [f"{first}{second}example.com" for first, second in pairs]
    assert sum(fullmatch(f"https://{start}{domain}") is not None for domain in domains) <= FEW_LABELS


@given(st.text(max_size=60) | st.text(alphabet="a.*+?()[]{}|^$\\-:/", max_size=30))
def test_any_text_is_compiled_or_refused_with_a_reason(source: str) -> None:
    outcome: OriginRegex | RegexError
    try:
        outcome = compile_regex(source)
    except RegexError as error:
        outcome = error
    if isinstance(outcome, RegexError):
        assert outcome.wrong.isprintable()
        assert outcome.mend != source
    else:
        assert outcome.engine == "re2" or outcome.steps is not None


def test_the_counting_search_is_deep_enough_for_the_longest_origin() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        assert Search("a" * 326).matches(parse_regex("(?:a|b)*"))
    finally:
        sys.setrecursionlimit(limit)
