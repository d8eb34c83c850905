"""Compiling a policy's regular expressions, so that they can neither over-match nor hang.

Facts
-----
A regex is an allow-list whose entries nobody sees. In other CORS code it went wrong in four ways: it was matched
against a part of the origin, its dots stood for any character, it let in hosts that anyone can register, or a hostile
origin made it backtrack for minutes. Here it only ever sees a well-formed origin, always whole and case-sensitively,
and is run by an automaton (`automaton`) that cannot backtrack. What it says is analysed once, when the policy is made:

- its syntax: what means something else elsewhere, or needs another engine, is refused by name (`syntax`);
- its size: all regexes of a policy share one automaton of `MAX_POSITIONS`;
- its reach: whether it lets in nobody at all, or somebody whom it does not name (`reach`).

The analysis of a whole policy has one budget, the corrections that it tries included.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from corecors._origins.errors import TextError
from corecors._origins.public_suffixes import is_public_suffix
from corecors._origins.regex import reach
from corecors._origins.regex.automaton import MAX_POSITIONS, Automaton, Matcher, TooLarge, count_positions
from corecors._origins.regex.reach import Budget
from corecors._origins.regex.syntax import Anchor, Chars, Node, Repeat, Sequence, SyntaxNotRead, children, parse_regex
from corecors._origins.showing import shown

MAX_REGEX_LENGTH = 4096  # a longer one is a list of origins, which `allow_origins` matches at no cost
_MAX_FIXES = 4  # faults of one pattern that are fixed one after the other

_FLAGS = {  # ASCII and DOTALL make no difference: an origin is ASCII and holds no line feed
    re.IGNORECASE: "has the flag IGNORECASE, but origins are lower case: write the pattern in lower case without it",
    re.MULTILINE: "has the flag MULTILINE, which belongs to text of several lines: leave it out",
    re.VERBOSE: "has the flag VERBOSE: write the pattern without it, on one line and without comments",
    re.LOCALE: "has the flag LOCALE: leave it out",
    re.DEBUG: "has the flag DEBUG: leave it out",
}
_LETTERS_AND_DIGITS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


class RegexError(TextError):
    """A regular expression that a policy refuses. `message` has an example where it is about origins."""


class Permissions(NamedTuple):
    """What a policy permits its regexes. Without credentials there is nothing to steal, and everything is permitted."""

    open_regexes: bool = True  # to let in origins that are anybody's
    insecure_origins: bool = True
    public_suffixes: bool = True  # to let in names below public suffixes of two labels or more
    any_origin: bool = True


LENIENT = Permissions()
STRICT = LENIENT._replace(open_regexes=False)  # what a reviewer is warned of


class OriginRegexes:
    """The regular expressions of a policy, compiled into one automaton.

    `found` has for each pattern, in order, whether it provably accepts every well-formed origin, as `.*` does, or the
    `RegexError` that says why it is refused.
    """

    __slots__ = ("found", "matches")

    def __init__(self, found: tuple[bool | RegexError, ...], automaton: Automaton) -> None:
        self.found: tuple[bool | RegexError, ...] = found
        self.matches = Matcher(automaton).matches  # of a well-formed origin: whether one regex accepts all of it

    @property
    def errors(self) -> list[tuple[int, RegexError]]:
        """What is refused, with its index in the patterns."""
        return [(index, found) for index, found in enumerate(self.found) if isinstance(found, RegexError)]

    @property
    def accepts_any_origin(self) -> bool:
        """Whether one of them accepts every well-formed origin."""
        return any(found is True for found in self.found)


def compile_regexes(patterns: Iterable[str | re.Pattern[str]], permissions: Permissions = LENIENT) -> OriginRegexes:
    """Compile all regular expressions of one policy; what is refused among them stands in `found`."""
    return OriginRegexes(*_compiled(tuple(map(_source, patterns)), permissions))


def warnings_for(pattern: str | re.Pattern[str]) -> tuple[str, ...]:
    """What a reviewer should look at in a pattern that compiles. Raises `RegexError`."""
    source = _source(pattern)
    if isinstance(source, RegexError):
        raise source
    ((lenient,), automaton), ((strict,), _) = _compiled((source,), LENIENT), _compiled((source,), STRICT)
    if isinstance(lenient, RegexError):
        raise lenient
    if lenient:
        return ("accepts any origin: say so with allow_origins=['*']",)
    found = [strict.message] if isinstance(strict, RegexError) else []
    budget = Budget()
    try:
        written = reach.written_out(automaton, budget)
        insecure = reach.insecure_example(written, budget)
        if insecure is not None:
            found.append(f"accepts plain HTTP ({insecure}): anyone on the network in between can speak for that origin")
        example = reach.any_port_example(automaton, written, budget)
        if example is not None:
            found.append(f"accepts every port of a host ({example}): whatever listens there is trusted")
    except TooLarge:
        pass  # it was accepted within the same budget, so that only an example is missing
    for before, after in _neighbours(parse_regex(source)):
        if _is_wide(before) and _is_letter(after):
            piece = source[before.start : after.end]
            found.append(f"has no dot between a wildcard and a name ({piece}...): longer names match too")
    return tuple(found)


class _Refused(TextError):
    """Why a pattern is refused, and the patterns that may have been meant."""

    def __init__(self, code: str, message: str, meant: Iterable[str] = ()) -> None:
        super().__init__(code, message)
        self.meant = meant


def _source(pattern: object) -> str | RegexError:
    source = pattern
    if isinstance(pattern, re.Pattern):
        source = pattern.pattern
        if isinstance(source, bytes):
            fix = source.decode("ascii") if source.isascii() else None
            return RegexError("regex-bytes", "is a pattern over bytes; origins are text", fix)
        for flag, message in _FLAGS.items():
            if pattern.flags & flag:
                return RegexError("regex-flags", message)
    if not isinstance(source, str):
        return RegexError("not-a-regex", f"is not a regular expression but of type {type(source).__name__}")
    if len(source) > MAX_REGEX_LENGTH:
        return RegexError("regex-too-large", f"is {len(source)} characters long: list the origins in allow_origins")
    return str(source)


@lru_cache(maxsize=64)  # policies are often made anew from the same text: by `replace`, by tenants, in tests
def _compiled(
    sources: tuple[str | RegexError, ...], permissions: Permissions
) -> tuple[tuple[bool | RegexError, ...], Automaton]:
    analysis = _Analysis(permissions)
    found = tuple(analysis.compiled(source) if isinstance(source, str) else source for source in sources)
    try:
        return found, Automaton(analysis.trees)
    except TooLarge:  # each was small enough alone, and has loops of other lengths than the others
        message = "has too many repeated groups together with the other regexes: list origins"
        error = RegexError("regex-too-large", message)
        return tuple(each if isinstance(each, RegexError) else error for each in found), Automaton([])


class _Analysis:
    """The analysis of one policy's regexes: what they may do, and what is left of the work and of the places."""

    def __init__(self, permissions: Permissions) -> None:
        self.permissions = permissions
        self.budget = Budget()
        self.positions = 0
        self.trees: list[Node] = []

    def compiled(self, source: str) -> bool | RegexError:
        """As in `OriginRegexes.found`."""
        try:
            tree, accepts_any_origin = self.checked(source)
        except _Refused as refused:
            return RegexError(refused.code, refused.message, self.fix(source, refused, _MAX_FIXES))
        self.positions += count_positions(tree)
        self.trees.append(tree)
        return accepts_any_origin

    def fix(self, source: str, refused: _Refused, faults: int) -> str | None:
        """The first pattern that may have been meant and is accepted, within the same budget."""
        for meant in refused.meant if faults else ():
            if meant == source or len(meant) > MAX_REGEX_LENGTH:
                continue
            try:
                self.checked(meant)
            except _Refused as again:
                if self.budget.left <= 0:
                    return None
                if (fix := self.fix(meant, again, faults - 1)) is not None:
                    return fix
            else:
                return meant
        return None

    def checked(self, source: str) -> tuple[Node, bool]:
        """The tree of a pattern that is accepted, and whether it accepts any origin. Raises `_Refused`."""
        try:
            self.budget.spend(_PARSING_WORK * len(source))
            tree = parse_regex(source)
            self.check_size(tree)
            _refuse_dots(source, tree)
            return tree, self.check_reach(source, tree, Automaton([tree]))
        except SyntaxNotRead as error:
            raise _Refused(error.code, error.message) from None
        except TooLarge:
            raise _Refused(
                "regex-too-large",
                "is too complicated to tell whom it lets in, or the regexes of this policy together are: "
                "write it simpler, or list the origins in allow_origins",
            ) from None

    def check_size(self, tree: Node) -> None:
        positions = count_positions(tree)
        if self.positions + positions > MAX_POSITIONS:
            before = f", after {self.positions:,} in the regexes before it," if self.positions else ""
            raise _Refused(
                "regex-too-large",
                f"has {positions:,} characters{before} with its repetitions written out, and a policy's regexes can "
                f"have {MAX_POSITIONS:,} together: write it shorter, or list the origins in allow_origins",
            )
        self.budget.spend(_BUILDING_WORK * positions)

    def check_reach(self, source: str, tree: Node, automaton: Automaton) -> bool:
        """Whether the pattern accepts any origin, which has to be permitted as whatever else it lets in."""
        regex = reach.written_out(automaton, self.budget)
        if reach.example_origin(regex, self.budget) is None:
            raise _Refused("regex-matches-nothing", _NO_ORIGIN, _reaching(source))
        if self.accepts_every_origin(automaton):
            if not self.permissions.any_origin:
                raise _Refused("any-origin-with-credentials", "accepts any origin, https://evil.example for one")
            return True
        if not self.permissions.open_regexes:
            self.refuse_strangers(source, tree, regex)
        if not self.permissions.insecure_origins:
            example = reach.insecure_example(regex, self.budget)
            if example is not None:
                message = f"accepts plain http ({example}): anyone on the network can be that origin"
                raise _Refused("insecure-origin", message, _secured(source))
        return False

    def accepts_every_origin(self, automaton: Automaton) -> bool:
        given = max(0, min(self.budget.left, _PROVING_WORK))
        part = Budget(given)
        try:
            accepts = reach.accepts_every_origin(automaton, part)
        except TooLarge:
            if self.permissions.open_regexes and not self.permissions.any_origin:
                raise
            accepts = False  # what is not proven is not "any origin"; the pattern itself decides, as always
        self.budget.spend(given - max(0, part.left))
        return accepts

    def refuse_strangers(self, source: str, tree: Node, regex: reach.Written) -> None:
        for kind, suffix, example in reach.strangers(regex, self.budget):
            if kind == "domain":
                raise _Refused(
                    "regex-open",
                    f"also accepts {example} and others like it, which anyone can register: end the host in an escaped "
                    r"dot and a domain of yours, as \.example\.com does",
                    _closed(source, tree),
                )
            if kind == "address":
                raise _Refused(
                    "regex-open-addresses",
                    f"accepts public IP addresses that are anybody's, such as {example}: name yours, or a private "
                    "range",
                )
            if not self.permissions.public_suffixes:
                below = (
                    f"the public suffix {suffix}" if is_public_suffix(suffix) else f"{suffix} and its public suffixes"
                )
                raise _Refused(
                    "public-suffix",
                    f"accepts names below {below}, where anyone can register one, such as {example}: "
                    "name your own domain",
                )


_PARSING_WORK = 20  # for each character of a pattern
_BUILDING_WORK = 20  # for each position of an automaton
_PROVING_WORK = 100_000  # that a pattern accepts every origin; nearly all are found not to after a few characters

# A dot that was meant literally


def _refuse_dots(source: str, tree: Node) -> None:
    """Refuse an unescaped dot that stands where a host's dot would: single, next to something else.

    Two dots side by side were meant as any two characters, for no host has two dots running. What else stands for any
    character once (`.{1}`, `[^/]`, `\\D`), or for any at most once between two names (`app.?example`), is a dot too.
    """
    places: dict[int, int] = {}
    for items in _sequences(tree):
        for index, item in enumerate(items):
            before, after = items[max(0, index - 1) : index], items[index + 1 : index + 2]
            if len(items) < 2 or any(map(_is_dot, before + after)) or not _is_any_character(item, before, after):
                continue
            places[item.start] = item.end
    if not places:
        return
    fixed = "".join(
        "\\." if place in places else char
        for place, char in enumerate(source)
        if not any(start < place < end for start, end in places.items())
    )
    first, end = min(places.items())
    start = max(source.rfind(sign, 0, first) for sign in "/(|") + 1
    piece = shown(source[start:end] + re.split(r"[/:)|]", source[end:], maxsplit=1)[0])
    raise _Refused("regex-unescaped-dot", f"has a dot that stands for any character, in {piece}", [fixed])


def _is_any_character(item: Node, before: list[Node], after: list[Node]) -> bool:
    """Whether a piece stands for any one character, where the dot of a host would stand."""
    if isinstance(item, Chars):
        return item.is_dot or (_is_unbounded_set(item) and _is_within_a_host(before, after))
    if isinstance(item, Repeat) and isinstance(item.item, Chars) and _is_unbounded_set(item.item) and item.most == 1:
        return item.least == 1 or _is_within_a_host(before, after)
    return False


def _is_unbounded_set(item: Chars) -> bool:
    """Whether a set has the dot and most letters: `.`, `\\D`, `\\S`, `[^/]`."""
    return item.accepted >= {"."} and len(item.accepted & _LETTERS_AND_DIGITS) >= _MOST_LETTERS


_MOST_LETTERS = 20


def _is_within_a_host(before: list[Node], after: list[Node]) -> bool:
    """Whether names stand on both sides of a piece."""
    return all(
        any(isinstance(node, Chars) and len(node.accepted) == 1 and node.accepted != {"/"} for node in nodes)
        for nodes in (before, after)
    )


def _is_dot(node: Node) -> bool:
    return isinstance(node, Chars) and (node.is_dot or node.accepted == {"."})


def _sequences(node: Node) -> Iterator[list[Node]]:
    """The items of each sequence, without what consumes nothing."""
    if isinstance(node, Sequence):
        yield [item for item in node.items if not isinstance(item, Anchor)]
    for child in children(node):
        yield from _sequences(child)


def _neighbours(tree: Node) -> Iterator[tuple[Node, Node]]:
    for items in _sequences(tree):
        yield from pairwise(items)


# What may have been meant

_NO_ORIGIN = (
    "can match no origin: it is matched against the whole of scheme://host or scheme://host:port, in lower case, "
    "without a path or a trailing slash"
)


def _reaching(source: str) -> Iterator[str]:
    """Instead of a pattern that lets in nobody."""
    lower = re.sub(r"\\.|[A-Z]+", lambda found: found[0] if found[0][0] == "\\" else found[0].lower(), source)
    bare = re.sub(r"\\?/(?:\.\*)?(\$?)$", r"\1", lower)
    rest = bare.removeprefix("^")
    yield from (lower, bare, f"https://{rest}")
    if rest.startswith("\\."):
        yield f"https://[a-z0-9-]+{rest}"


def _secured(source: str) -> Iterator[str]:
    """Instead of a pattern that accepts plain HTTP."""
    yield re.sub(r"^(\^?\(?)https?\??(\)?:)", r"\1https\2", source)
    yield re.sub(r"^(\^?)\(\??:?http\|https\)|^(\^?)\(\??:?https\|http\)", r"\1\2https", source)


def _closed(source: str, tree: Node) -> Iterator[str]:
    """Instead of a pattern that lets in hosts at domains that anyone can register."""
    for before, after in _neighbours(tree):
        if _is_wide(before) and isinstance(after, Chars):
            yield rf"{source[: before.start]}({source[before.start : before.end]}\.)?{source[before.end :]}"
    yield re.sub(r":\?(?:\[0-9\]|\\d)[*+]", "(:[0-9]+)?", source)
    yield re.sub(r"\.[*+](\$?)$", r"(:[0-9]+)?\1", source)


def _is_letter(node: Node) -> bool:
    """Whether a piece is one certain letter or digit."""
    return isinstance(node, Chars) and len(node.accepted) == 1 and node.accepted <= _LETTERS_AND_DIGITS


def _is_wide(node: Node) -> bool:
    """Whether a piece repeats without end what a label is made of."""
    return (
        isinstance(node, Repeat) and node.most is None and isinstance(node.item, Chars) and len(node.item.accepted) > 10
    )
