"""The parts of a policy mean what the policy means: as regexes, over origins and header lists at random."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import attack_corpora
import pytest
from export_edges import NEAR, PATTERNS, POLICY
from hypothesis import given, settings
from hypothesis import strategies as st

from corecors import Policy, PolicyError, parse_origin, path_is_ambiguous
from corecors._decisions.headers import MAX_REQUEST_HEADERS_LENGTH, parse_request_headers
from corecors._origins.parsing import read_origin
from corecors._policy.policy import FIELDS
from corecors.export.backtracking import takes_bounded_steps
from corecors.export.parts import Condition, Parts, literal, take_apart
from corecors.export.paths import PLAIN_PATH

_DATA = Path(__file__).parents[1] / "support" / "data"
REGEXES: dict[str, Any] = json.loads((_DATA / "regexes.json").read_text(encoding="utf-8"))


def holds(tests: tuple[Condition, ...], text: str) -> bool:
    return all((re.fullmatch(test.regex, text, re.DOTALL) is not None) == test.wanted for test in tests)


def allows(parts: Parts, origin: str) -> bool:
    if origin in parts.exact:
        return True
    return holds(parts.well_formed, origin) and any(re.fullmatch(rule.regex, origin) for rule in parts.rules)


def parts_of(policy: Policy) -> Parts:
    parts, problems = take_apart(policy, backtracks=True)
    assert problems == []
    return parts


PARTS = parts_of(POLICY)


def is_false_punycode(origin: str) -> bool:
    """Whether all that is wrong with an origin is a label that begins with `xn--` and stands for no text."""
    if read_origin(origin) is not None:
        return False
    return read_origin(re.sub(r"(?<=[./])xn--(?!-*[.:]|-*\Z)", "xn-", origin)) is not None


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from([*NEAR, *(entry.replace("*", "a") for entry in PATTERNS)]))
    for _ in range(draw(st.integers(0, 3))):
        at, char = draw(st.integers(0, len(text))), draw(st.sampled_from([*"abxn0-_.:/[]+*A9\n", "xn--", "."]))
        text = text[:at] + char + text[at + draw(st.integers(0, 1)) :]
    return text


@given(spoiled())
def test_the_parts_allow_the_origins_that_the_policy_allows(origin: str) -> None:
    if not is_false_punycode(origin):
        assert allows(PARTS, origin) == POLICY.allows_origin(origin)


@pytest.mark.parametrize("origin", [pytest.param(origin, id=origin[:60]) for origin in NEAR])
def test_the_parts_allow_the_edges_that_the_policy_allows(origin: str) -> None:
    assert allows(PARTS, origin) == POLICY.allows_origin(origin) or is_false_punycode(origin)


def test_the_parts_of_the_corpus_policy_allow_what_the_corpus_says() -> None:
    policy = Policy(allow_origins=attack_corpora.ALLOW_LIST)
    parts = parts_of(policy)
    for hostile in attack_corpora.origins():
        assert allows(parts, hostile.value) == policy.allows_origin(hostile.value) or is_false_punycode(hostile.value)


@pytest.mark.parametrize("entry", [pytest.param(each, id=each["regex"][:60]) for each in REGEXES["catastrophic"]])
def test_a_catastrophic_regex_is_no_part_where_the_engine_backtracks(entry: dict[str, Any]) -> None:
    try:
        policy = Policy(allow_origin_regexes=[entry["regex"]])
    except PolicyError:
        return  # it is no part of any policy
    if policy.allows_any_origin:
        return  # then there is nothing to match
    parts, problems = take_apart(policy, backtracks=True)
    assert parts.rules == ()
    assert [problem.field for problem in problems] == ["allow_origin_regexes"]


IPV6 = parts_of(Policy(allow_origin_regexes=[r"https?://.*:3000", r"chrome-extension://.*"]))
PIECES = st.lists(st.sampled_from(["0", "0", "0", "1", "a0", "00", "ffff", "fffff", "", "::"]), max_size=9).map(
    ":".join
)


@settings(max_examples=2000)
@given(PIECES)
def test_an_ipv6_address_has_one_spelling(text: str) -> None:
    origin = f"http://[{text}]:3000"
    assert allows(IPV6, origin) == (read_origin(origin) is not None)


def test_every_run_of_zeros_in_every_address_is_spelled_in_one_way() -> None:
    # All 256 addresses whose pieces are 0 or 1, in all spellings with at most one `::`.
    right = 0
    for bits in range(256):
        pieces = [str(bits >> place & 1) for place in range(8)]
        for text in spellings(pieces):
            origin = f"https://[{text}]:3000"
            assert allows(IPV6, origin) == (read_origin(origin) is not None), text
            right += allows(IPV6, origin)
    assert right == 256


def spellings(pieces: list[str]) -> Iterator[str]:
    yield ":".join(pieces)
    for begin in range(8):
        for end in range(begin + 1, 9):
            if set(pieces[begin:end]) == {"0"}:
                yield f"{':'.join(pieces[:begin])}::{':'.join(pieces[end:])}"


HEADER_LISTS = st.lists(
    st.sampled_from(["x-alpha", "X-Alpha", "x-a$b", "authorization", "x", "", " ", "\t", "  ", ",", "a b", "é", ","]),
    max_size=40,
).map("".join)
NAMES = [
    pytest.param([], False, id="none"),
    pytest.param(["X-Alpha", "x-a$b", "x"], False, id="a list"),
    pytest.param(["*"], False, id="any but Authorization"),
    pytest.param(["*"], True, id="any, with credentials"),
    pytest.param(["*", "Authorization"], False, id="any"),
]


@pytest.mark.parametrize(("names", "credentials"), NAMES)
@given(text=HEADER_LISTS)
def test_the_parts_allow_the_header_lists_that_the_policy_allows(
    names: list[str], credentials: bool, text: str
) -> None:
    policy = Policy(allow_origins=["https://a.example"], allow_headers=names, allow_credentials=credentials)
    parts = parts_of(policy)
    expected = policy.preflight("https://a.example", "GET", text).allowed
    assert (len(text) <= parts.longest_names and holds(parts.names, f"{text},")) == expected


def test_header_lists_have_the_bounds_of_the_parser() -> None:
    parts = parts_of(Policy(allow_origins=["https://a.example"], allow_headers=["*"], allow_credentials=True))
    for text in [",".join(["a"] * count) for count in (1, 15, 16, 17, 18)] + [
        "," * count + "a" + "," * others for count in range(18) for others in range(18)
    ]:
        assert holds(parts.names, f"{text},") == (parse_request_headers(text) is not None)
    assert parts.longest_names == MAX_REQUEST_HEADERS_LENGTH


def test_the_regexes_for_well_formed_origins_take_bounded_steps_themselves() -> None:
    for condition in PARTS.well_formed[1:]:  # the first counts characters, which has nothing to go back to
        assert takes_bounded_steps(condition.regex)


@pytest.mark.parametrize("char", [chr(code) for code in range(0x21, 0x7F)])
def test_a_literal_matches_its_text_alone(char: str) -> None:
    regex = literal(f"a{char}b")
    assert [other for other in map(chr, range(0x20, 0x7F)) if re.fullmatch(regex, f"a{other}b", re.DOTALL)] == [char]


def test_a_predicate_which_no_proxy_can_ask_is_a_problem() -> None:
    _, problems = take_apart(Policy(allow_origin_predicate=bool), backtracks=False)
    assert [(problem.field, problem.code) for problem in problems] == [("allow_origin_predicate", "not-exportable")]


# What a preflight is told: `Terms.failing` of the core says so too, and the proxies are held to it.
@pytest.mark.parametrize(
    ("arguments", "granted"),
    [
        pytest.param({}, {"Origin": "names", "Methods": "names"}, id="nothing before all has passed"),
        pytest.param(
            {"debug": True, "allow_headers": ["X-A"], "allow_credentials": True, "max_age": 1},
            {"Origin": "origin", "Credentials": "origin", "Methods": "origin", "Headers": "method", "Max-Age": "names"},
            id="in debug, the lists up to the step that fails",
        ),
        pytest.param(
            {"debug": True, "allow_methods": ["*"], "allow_headers": ["*"]},
            {"Origin": "method", "Methods": "method", "Headers": "names"},
            id="in debug, no wildcard that a browser would take for leave",
        ),
        pytest.param(
            {"debug": True, "allow_methods": ["*"], "allow_headers": ["*"], "allow_credentials": True},
            {"Origin": "method", "Credentials": "method", "Methods": "method", "Headers": "names"},
            id="in debug, with credentials: what is echoed",
        ),
        pytest.param(
            {"debug": True, "allow_methods": [], "allow_headers": ["X-A"]},
            {"Origin": "method", "Headers": "method"},
            id="in debug, no origin without a list of methods, which some would take for leave",
        ),
    ],
)
def test_a_line_of_a_preflight_is_granted_after(arguments: dict[str, Any], granted: dict[str, str]) -> None:
    parts = parts_of(Policy(allow_origins=["https://a.example"], **arguments))
    short = [
        (header.rpartition("Allow-")[2].removeprefix("Access-Control-"), after) for header, _, after in parts.preflight
    ]
    assert dict(short) == granted


def test_ipv6_hosts_with_any_port_are_compared_as_they_are_listed() -> None:
    assert allows(PARTS, str(parse_origin("http://[::1]:3000")))
    assert not allows(PARTS, "http://[0::1]:3000")


# What is exported of a policy

BASE = Policy(allow_origins=["https://a.example"])
OTHERS: dict[str, Any] = {
    "allow_origins": ["https://b.example"],
    "allow_origin_regexes": [r"https://[a-z]+\.b\.example"],
    "allow_origin_predicate": lambda origin: True,
    "allow_methods": ["PUT"],
    "allow_headers": ["X-A"],
    "expose_headers": ["X-A"],
    "max_age": 60,
    "preflight_status": 200,
}
PERMISSIONS = {  # they let a policy be made, and change no answer
    "dangerously_allow_insecure_origins",
    "dangerously_allow_public_suffix_subdomains",
    "dangerously_allow_open_regexes",
}


@pytest.mark.parametrize("name", sorted(set(FIELDS) - PERMISSIONS))
def test_every_argument_of_a_policy_is_exported_or_refused(name: str) -> None:
    policy = BASE.replace(**{name: OTHERS.get(name, True)})
    assert policy != BASE
    parts, problems = take_apart(policy, backtracks=False)
    assert problems or parts != take_apart(BASE, backtracks=False)[0]


PIECES = ["/", "a", "2", "5", "e", "c", "%", "%2", "%25", "%32", "%35", "%63", "%65", "%2e", ".", ";"]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_path_is_plain_if_and_only_if_it_can_be_read_in_one_way(length: int) -> None:
    plain = re.compile(PLAIN_PATH.replace(r"\z", r"\Z"))
    wrong = []
    for pieces in itertools.product(PIECES, repeat=length):
        target = "/" + "".join(pieces)
        # A percent sign that begins no escape is one of its own: HAProxy is told so, others refuse it.
        escaped = re.sub("%(?![0-9A-Fa-f][0-9A-Fa-f])", "%25", target)
        path = unquote_to_bytes(target).decode(errors="surrogateescape")
        if (plain.fullmatch(escaped) is None) != path_is_ambiguous(path, target):
            wrong.append(target)
    assert wrong == []
