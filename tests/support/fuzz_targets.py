"""What has to hold for any input at all: the functions that a fuzzer calls, and that its findings are replayed through.

Each takes text and raises `AssertionError`, or whatever escapes from the code under it, where something is wrong. Where
there is a naive way to the same answer, both are asked.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import attack_corpora
import naive_matcher

from corecors import OriginError, OriginMatcher, Policy, Problem, evaluate, parse_origin, parse_pattern
from corecors._decisions.headers import (
    MAX_EMPTY_ELEMENTS,
    MAX_REQUEST_HEADERS_LENGTH,
    MAX_WHITESPACE,
    parse_request_headers,
)
from corecors._origins.parsing import read_origin
from corecors._origins.regex.compiling import Permissions, compile_regexes
from corecors.export.backtracking import takes_bounded_steps

_SEEDS = Path(__file__).parents[1] / "fuzz" / "seeds"
_TOKEN_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_ORIGINS = (
    "https://a.com https://b.a.com https://a.com.evil.test http://localhost http://localhost:3000 https://aa.com "
    "https://pr-1.preview.example.com https://a.b.c.d.example.com capacitor://localhost https://[::1]:8443 https://a"
).split()


def origin(text: str) -> None:
    """Both parsers and the naive one agree on what an origin is, and a fix is one."""
    parsed = read_origin(text)
    # Which Punycode a browser writes the naive one knows by an older standard, and not as strictly.
    if naive_matcher.PUNYCODE not in text:
        assert (parsed is not None) is (naive_matcher.split_origin(text) is not None)
    if parsed is not None:
        assert str(parsed) == text
        assert parse_origin(text) == parsed
        return
    error = _refusal(parse_origin, text)
    assert error is not None
    _check_message(error.message)
    assert error.fix is None or str(parse_origin(error.fix)) == error.fix


def pattern(text: str) -> None:
    """A pattern matches what the naive reading of it does; what is refused is told why, and a fix is a pattern."""
    error = _refusal(parse_pattern, text)
    if error is not None:
        _check_message(error.message)
        assert error.fix == "*" or error.fix is None or parse_pattern(error.fix)
        return
    parsed = parse_pattern(text)
    assert text.count("*") == parsed.has_wildcard_host + parsed.any_port
    matcher = OriginMatcher([], [parsed])
    named = str(parsed.origin)
    if naive_matcher.PUNYCODE in named:
        return  # as in `origin`
    scheme, _, rest = named.partition("://")
    for candidate in (
        text,
        named,
        f"{named}:1",
        f"{named}.",
        f"{scheme}://a.{rest}",
        f"{scheme}://a.b.{rest}",
        f"{scheme}://a{rest}",
        f"{scheme}://.{rest}",
        f"{scheme}://a.com:1.{rest}",
        f"x{named}",
        *(text.replace(":*", ":1").replace("*", star) for star in ("a", "-", "", "_", "n--a", "a.b")),
    ):
        assert matcher.matches(candidate) is naive_matcher.entry_matches(text, candidate), candidate


def request_headers(text: str) -> None:
    """The one-pass reader agrees with a plain reading of the rule, and nothing is ever echoed that was not checked."""
    names = parse_request_headers(text)
    assert names == _naive_request_headers(text)
    policy = Policy(allow_origins=["https://a.com"], allow_headers=["*"], allow_credentials=True)
    decision = evaluate(policy, "OPTIONS", "https://a.com", "GET", text)
    assert decision.allowed is (names is not None)
    assert decision.headers.get("Access-Control-Allow-Headers", "") == ", ".join(names or [])
    _check_message(decision.explain())


def _naive_request_headers(text: str) -> list[str] | None:
    elements = text.split(",")
    names = [element.strip(" \t") for element in elements]
    bounded = all(len(element) - len(name) <= MAX_WHITESPACE for element, name in zip(elements, names, strict=True))
    if len(text) > MAX_REQUEST_HEADERS_LENGTH or not bounded or names.count("") > MAX_EMPTY_ELEMENTS:
        return None
    if not all(set(name) <= _TOKEN_CHARACTERS for name in names):
        return None
    return [name.lower() for name in names if name]


def regex(text: str) -> None:
    """A pattern is refused with a reason, or compiled to something that says what `re.fullmatch` says; a fix passes."""
    for permissions in (Permissions(), Permissions(False, False, False, False)):
        regexes = compile_regexes([text], permissions)
        for _, error in regexes.errors:
            _check_message(str(Problem("allow_origin_regexes", text, error.code, error.message, error.fix)))
            if error.fix is not None:
                assert not compile_regexes([error.fix], permissions).errors
        if not regexes.errors and takes_bounded_steps(text):  # else `re` might not come back
            reference = re.compile(text)
            for candidate in (*_ORIGINS, *_origins_in(text)):
                assert regexes.matches(candidate) is (reference.fullmatch(candidate) is not None), candidate


def _origins_in(text: str) -> Iterator[str]:
    """Origins that a pattern names, or nearly: its own letters."""
    bare = re.sub(r"\\(.)", r"\1", text)
    for candidate in (bare, re.sub(r"[\[\](){}?*+^$|]", "", bare), re.sub(r"[\[(].*?[\])][*+?]?", "a", bare)):
        if read_origin(candidate) is not None:
            yield candidate


def _refusal(parse: Callable[[str], object], text: str) -> OriginError | None:
    try:
        parse(text)
    except OriginError as error:
        return error
    return None


def _check_message(text: str) -> None:
    assert text
    assert text.isprintable()
    assert text.isascii()


TARGETS: dict[str, Callable[[str], None]] = {
    "origin": origin,
    "pattern": pattern,
    "request_headers": request_headers,
    "regex": regex,
}


def seeds(target: str) -> list[str]:
    """What the fuzzer starts from: the attack corpora, and the lines of seeds/*.txt, where its findings are kept."""
    text = (_SEEDS / f"{target}.txt").read_text(encoding="ascii")
    lines = [line.encode("ascii").decode("unicode_escape") for line in text.splitlines() if not line.startswith("# ")]
    if target == "origin":
        lines += [entry.value for entry in attack_corpora.origins()]
    elif target == "pattern":
        lines += [entry.text for entry in attack_corpora.patterns()]
    elif target == "request_headers":
        lines += [entry.value("Access-Control-Request-Headers") or "" for entry in attack_corpora.preflights()]
    return lines
