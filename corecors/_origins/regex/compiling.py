"""Compiling a user's regular expression so that it can neither over-match nor hang.

Facts
-----
A regex is an allow-list whose entries nobody sees. In other CORS code it went wrong in four ways: it was matched
against a part of the origin, its dots stood for any character, it let in hosts that anybody can register, or a hostile
origin made it backtrack for minutes. Here it only ever sees a well-formed origin (`origins.read_origin`), always whole
(`fullmatch`) and case-sensitively; and what it says is analysed once, when the policy is made:

- its syntax, so that no flag changes what it means (`regex_syntax`);
- its time: an upper bound on the steps of backtracking over the longest origin (`ambiguity`);
- its reach: whether it lets in nobody at all, or somebody whom it does not name (`reach`).

Where google-re2 (the extra `re2`) is installed, what RE2 can express runs there, in linear time. RE2 is given a pattern
written anew from the parsed tree and not the user's text, because the dialects differ: `{,3}`, `[[:alpha:]]` and `\\Z`
mean other things there, or nothing.
"""

import importlib
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import ModuleType
from typing import Literal

from corecors._origins.parsing import MAX_ORIGIN_LENGTH, shown
from corecors._origins.regex import reach
from corecors._origins.regex.ambiguity import Automaton, Budget, TooLarge, build_automaton, most_steps
from corecors._origins.regex.syntax import (
    Alternatives,
    Assertion,
    Blind,
    Chars,
    Committed,
    Node,
    Repeat,
    Sequence,
    SyntaxNotRead,
    children,
    parse_regex,
)

MAX_REGEX_LENGTH = 4096  # a longer one is a list of origins, which `allow_origins` matches at no cost

# Two wildcards side by side (quadratic: some 160,000 steps over the longest origin) pass, three (cubic: millions) do
# not. CPython 3.11 needs 1 to 10 ns a step, more only where groups lie many deep within each other: two wildcards took
# 0.2 ms over their worst text, the dearest pattern found below the limit 2 to 3 ms (docs/regexes.md has the table).
MAX_STEPS = 200_000
_NAMING_WORK = 60_000  # spent on finding the piece to name; when it runs out, a larger piece is named
_NAMING_LENGTH = 64  # the piece is found over shorter texts, with a limit between what two and three wildcards need
_NAMING_STEPS = 6 * _NAMING_LENGTH**2
MAX_COPIES = 4  # when a pattern is too large to write out, repetitions above this count as endless

_FLAG_MENDS = {  # ASCII and DOTALL make no difference: an origin is ASCII and holds no line feed
    re.IGNORECASE: "has the flag IGNORECASE, but origins are lower case: write the pattern in lower case without it",
    re.MULTILINE: "has the flag MULTILINE, which belongs to text of several lines: leave it out",
    re.VERBOSE: "has the flag VERBOSE: write the pattern without it, on one line and without comments",
    re.LOCALE: "has the flag LOCALE: leave it out",
    re.DEBUG: "has the flag DEBUG: leave it out",
}
_ALPHANUMERIC = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


class RegexError(ValueError):
    """A regular expression that a policy refuses.

    `wrong` says why; `mend` is the corrected pattern where one correction suggests itself and passes, else None.
    """

    def __init__(self, wrong: str, mend: str | None = None) -> None:
        super().__init__(wrong if mend is None else f"{wrong}; write {mend!r}")
        self.wrong = wrong
        self.mend = mend


@dataclass(frozen=True, slots=True)
class OriginRegex:
    """A regular expression that was found fit to decide about origins.

    `fullmatch` takes a well-formed origin and gives None where it does not match.
    `accepts_any_origin`: it names nobody, as `.*` and `https://[^/]+` do.
    `steps`: no origin makes `re` take more steps than this; None where that is not proven.
    `open_suffixes`: domains of two or more labels below which it accepts nearly any label, with an example of each; to
    be held against a list of public suffixes. `insecure_example`: an origin over plain HTTP, other than this machine,
    that it accepts; None where there is none.
    """

    source: str
    fullmatch: Callable[[str], object | None]
    accepts_any_origin: bool
    engine: Literal["re", "re2"]
    steps: int | None
    open_suffixes: tuple[reach.OpenSuffix, ...]
    insecure_example: str | None


class _Refused(Exception):
    """Why a pattern is refused, and the patterns that may have been meant.

    `surely`: one that was meant whatever else is wrong with it. What takes time to put into words comes as a function.
    """

    def __init__(self, wrong: str | Callable[[], str], *meant: str, surely: str | None = None) -> None:
        super().__init__()
        self.wrong = wrong
        self.meant = meant
        self.surely = surely


def compile_regex(
    pattern: str | re.Pattern[str], *, allow_unproven: bool = False, allow_strangers: bool = False
) -> OriginRegex:
    """Compile a regular expression over whole origins. Raises `RegexError`.

    With `allow_unproven` the caller vouches for what no analysis can tell: the time that the pattern takes (where RE2
    does not run it) and whose hosts it lets in. What is surely a mistake is refused all the same.
    `allow_strangers`: without credentials, hosts that anybody can register are worth no more than a warning.
    """
    re2 = _google_re2()
    source = _source(pattern)
    try:
        return _compile(source, allow_unproven, allow_strangers or allow_unproven, re2)
    except _Refused as refused:
        wrong = refused.wrong if isinstance(refused.wrong, str) else refused.wrong()
        raise RegexError(wrong, _mend(refused, allow_unproven, allow_strangers, re2)) from None


def warnings_for(pattern: str | re.Pattern[str]) -> tuple[str, ...]:
    """What a reviewer should look at in a pattern that compiles. Raises `RegexError`."""
    regex = compile_regex(pattern, allow_unproven=True)
    tree = parse_regex(regex.source)
    found: list[str] = []
    try:
        compile_regex(pattern)
    except RegexError as error:
        found.append(error.wrong)
    if regex.accepts_any_origin:
        found.append("accepts any origin: say so with allow_origins=['*']")
    else:
        if regex.insecure_example is not None:
            found.append(f"accepts plain HTTP ({regex.insecure_example}): anyone on the path can speak for that origin")
        example = reach.any_port_example(_automaton(tree))
        if example is not None:
            found.append(f"accepts every port of a host ({example}): whatever listens there is trusted")
    for before, after in _neighbours(tree):
        if _is_wide(before) and _is_alphanumeric(after):
            piece = regex.source[before.start : after.end]
            found.append(f"has no dot between a wildcard and a name ({piece}...): longer names match too")
    return tuple(found)


def _source(pattern: object) -> str:
    if isinstance(pattern, re.Pattern):
        if isinstance(pattern.pattern, bytes):
            raise RegexError("is a pattern over bytes; origins are text", _decoded(pattern.pattern))
        for flag, wrong in _FLAG_MENDS.items():
            if pattern.flags & flag:
                raise RegexError(wrong)
        source: object = pattern.pattern
    else:
        source = pattern
    if not isinstance(source, str):
        raise RegexError(f"is no regular expression but of type {type(source).__name__}")
    if len(source) > MAX_REGEX_LENGTH:
        raise RegexError(f"is {len(source)} characters long: list the origins in allow_origins")
    return source


def _decoded(source: bytes) -> str | None:
    return source.decode("ascii") if source.isascii() else None


def _mend(refused: _Refused, allow_unproven: bool, allow_strangers: bool, re2: ModuleType | None) -> str | None:
    """The first pattern that may have been meant and passes."""
    for meant in refused.meant:
        try:
            _compile(meant, allow_unproven, allow_strangers, re2)
        except _Refused as again:
            if refused.surely is not None:
                return _mend(again, allow_unproven, allow_strangers, re2) or refused.surely
        else:
            return meant
    return refused.surely


@lru_cache(maxsize=256)  # policies are often made anew from the same text, in tests above all
def _compile(source: str, allow_unproven: bool, allow_strangers: bool, re2: ModuleType | None) -> OriginRegex:
    tree = _parsed(source)
    _refuse_dots(source, tree)
    try:
        automaton = _automaton(tree)
        if reach.example_origin(automaton) is None:
            raise _Refused(_NO_ORIGIN, *_reaching(source))
        steps, doubt = _proven_steps(source, tree)
        in_re2 = None if re2 is None else _in_re2(tree, re2)
        if steps is None and in_re2 is None and not allow_unproven:
            raise _Refused(doubt)
        fullmatch = re.compile(source).fullmatch if in_re2 is None else in_re2
        anybody = reach.accepts_anybody(lambda text: automaton.accepts(text) and fullmatch(text) is not None)
        suffixes = () if anybody else tuple(reach.open_suffixes(automaton))
        if not (anybody or allow_strangers):
            _refuse_strangers(source, tree, automaton, suffixes, fullmatch)
        return OriginRegex(
            source,
            fullmatch,
            anybody,
            "re" if in_re2 is None else "re2",
            steps,
            tuple(found for found in suffixes if "." in found.suffix),
            reach.insecure_example(automaton),
        )
    except TooLarge:
        raise _Refused("is too large to be analysed: list the origins in allow_origins, or split it up") from None


def _parsed(source: str) -> Node:
    try:
        tree = parse_regex(source)
    except SyntaxNotRead as error:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_syntax(source)  # what is an error in Python, too, is better told in its words
        raise _Refused(f"has {error.wrong}, which patterns for origins are not to have") from None
    _check_syntax(source)
    return tree


def _check_syntax(source: str) -> None:
    try:
        re.compile(source)
    except (re.error, RecursionError, OverflowError) as error:
        raise _Refused(f"is no regular expression: {error}") from None


def _automaton(tree: Node) -> Automaton:
    """The pattern's automaton; where that is too large, one that accepts more. Raises `TooLarge`."""
    try:
        return build_automaton(tree)
    except TooLarge:
        return build_automaton(tree, copies=MAX_COPIES)


# A dot that was meant literally


def _refuse_dots(source: str, tree: Node) -> None:
    """Refuse an unescaped dot that stands where a host's dot would: single, unquantified, beside something else.

    Two dots side by side were meant as any two characters, for no host has two dots running.
    """
    places = {
        item.start
        for items in _sequences(tree)
        for index, item in enumerate(items)
        if isinstance(item, Chars) and item.is_dot and len(items) > 1
        if not any(_is_dot(neighbour) for neighbour in items[max(0, index - 1) : index] + items[index + 1 : index + 2])
    }
    if places:
        mended = "".join("\\." if place in places else char for place, char in enumerate(source))
        first = min(places)
        start = max(source.rfind(sign, 0, first) for sign in "/(|") + 1
        piece = shown(source[start : first + 1] + re.split(r"[/:)|]", source[first + 1 :], maxsplit=1)[0])
        raise _Refused(f"has a dot that stands for any character, in {piece}", mended, surely=mended)


def _is_dot(node: Node) -> bool:
    return isinstance(node, Chars) and (node.is_dot or node.accepted == {"."})


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _nodes(child)


def _sequences(tree: Node) -> Iterator[list[Node]]:
    """The items of each sequence, without what consumes nothing."""
    for node in _nodes(tree):
        if isinstance(node, Sequence):
            yield [item for item in node.items if not isinstance(item, Assertion)]


def _neighbours(tree: Node) -> Iterator[tuple[Node, Node]]:
    for items in _sequences(tree):
        yield from pairwise(items)


# Time


def _proven_steps(source: str, tree: Node) -> tuple[int | None, str | Callable[[], str]]:
    """The most steps that the pattern can take, or None and why that is not known or too many."""
    for node in _nodes(tree):
        if isinstance(node, Blind):
            piece = shown(source[node.start : node.end])
            return None, f"has {node.what}, {piece}, whose time and reach can't be told: write the pattern without it"
    try:
        steps = most_steps(build_automaton(tree), MAX_ORIGIN_LENGTH, MAX_STEPS)
    except TooLarge:
        return None, f"is too large for its time to be bounded: write it shorter{_or_re2(tree)}"
    return steps, lambda: _too_costly(source, tree)


def _too_costly(source: str, tree: Node) -> str:
    piece = shown(_costly_piece(source, tree))
    return (
        f"can hang: {piece} matches one text in too many ways, and a hostile origin of {MAX_ORIGIN_LENGTH} characters "
        f"would take more than {MAX_STEPS:,} steps. Let each repetition begin with a character that cannot continue "
        f"the one before, as [a-z0-9]+(-[a-z0-9]+)* does{_or_re2(tree)}"
    )


def _or_re2(tree: Node) -> str:
    return ", or install google-re2 (corecors[re2]), which takes linear time" if _re2_source(tree) is not None else ""


def _costly_piece(source: str, tree: Node) -> str:
    """The smallest piece of the pattern that costs too much all by itself."""
    budget = Budget(_NAMING_WORK)

    def too_costly(node: Node) -> bool:
        budget.spend(1000)  # bounds the number of trials too
        return most_steps(build_automaton(node), _NAMING_LENGTH, _NAMING_STEPS, budget) is None

    def fewest(items: tuple[Node, ...], piece: Callable[[int], tuple[Node, ...]]) -> int:
        """The smallest number of items, by bisection, at which the piece is too costly."""
        low, high = 1, len(items)
        while low < high:
            middle = (low + high) // 2
            if too_costly(_joined(piece(middle))):
                high = middle
            else:
                low = middle + 1
        return high

    node = tree
    try:
        while (worse := next(filter(too_costly, children(node)), None)) is not None:
            node = worse
        if isinstance(node, Sequence):
            items = node.items
            items = items[: fewest(items, lambda number: items[:number])]
            node = _joined(items)
            node = _joined(items[len(items) - fewest(items, lambda number: items[-number:]) :])
    except TooLarge:
        pass  # the piece found so far is named
    return source[node.start : node.end]


def _joined(items: tuple[Node, ...]) -> Sequence:
    return Sequence(items[0].start, items[-1].end, items)


# Reach

_NO_ORIGIN = (
    "can match no origin: it is matched against the whole of scheme://host or scheme://host:port, in lower case, "
    "without a path or a trailing slash"
)


def _reaching(source: str) -> Iterator[str]:
    """What may have been meant by a pattern that reaches nobody."""
    lower = re.sub(r"\\.|[A-Z]+", lambda found: found[0] if found[0][0] == "\\" else found[0].lower(), source)
    bare = re.sub(r"\\?/(?:\.\*)?(\$?)$", r"\1", lower)
    rest = bare.removeprefix("^")
    for candidate in (lower, bare, f"https://{rest}", f"https://[a-z0-9-]+{rest}"):
        if candidate != source:
            yield candidate


def _refuse_strangers(
    source: str,
    tree: Node,
    automaton: Automaton,
    suffixes: tuple[reach.OpenSuffix, ...],
    fullmatch: Callable[[str], object | None],
) -> None:
    """Refuse a pattern that lets in hosts which anybody can have, short of any host at all."""
    for suffix, example in suffixes:
        if "." not in suffix:
            verb = "accepts" if fullmatch(example) else "seems to accept"  # assertions are not part of the analysis
            raise _Refused(
                f"also {verb} {example} and others like it, which anybody can register: end the host in an escaped dot "
                r"and a domain of yours, as \.example\.com does",
                *_closed(source, tree),
            )
    address = reach.public_address_example(automaton)
    if address is not None:
        raise _Refused(f"accepts addresses of anybody's, such as {address}: name yours, or their private range")


def _closed(source: str, tree: Node) -> Iterator[str]:
    """What may have been meant by a pattern that lets in hosts at anybody's domains."""
    for before, after in _neighbours(tree):
        if _is_wide(before) and isinstance(after, Chars):
            yield rf"{source[: before.start]}({source[before.start : before.end]}\.)?{source[before.end :]}"
    yield re.sub(r":\?(?:\[0-9\]|\\d)[*+]", "(:[0-9]+)?", source)
    yield re.sub(r"\.[*+](\$?)$", r"(:[0-9]+)?\1", source)


def _is_alphanumeric(node: Node) -> bool:
    """Whether a piece is one certain letter or digit."""
    return isinstance(node, Chars) and len(node.accepted) == 1 and node.accepted <= _ALPHANUMERIC


def _is_wide(node: Node) -> bool:
    """Whether a piece repeats without end what a label is made of."""
    return (
        isinstance(node, Repeat) and node.most is None and isinstance(node.item, Chars) and len(node.item.accepted) > 10
    )


# RE2


def _google_re2() -> ModuleType | None:
    """The module of google-re2, where it is installed. (Older packages share its name, without `Options`.)"""
    try:
        module = importlib.import_module("re2")
    except ImportError:
        return None
    return module if hasattr(module, "Options") else None


def _in_re2(tree: Node, re2: ModuleType) -> Callable[[str], object | None] | None:
    """`fullmatch` of the same pattern in RE2; None where RE2 has no such thing or finds it too large."""
    written = _re2_source(tree)
    if written is None:
        return None
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    try:
        fullmatch: Callable[[str], object | None] = re2.compile(written, options).fullmatch
    except re2.error:
        return None
    return fullmatch


def _re2_source(node: Node) -> str | None:
    """A piece of a pattern in RE2's syntax (https://github.com/google/re2/wiki/Syntax); None where it has none."""
    match node:
        case Chars(accepted=accepted):
            codes = "".join(rf"\x{ord(char):02x}" for char in sorted(accepted))
            return f"[{codes}]" if codes else r"[^\x00-\x{10ffff}]"
        case Assertion(sign=sign):
            return {"^": r"\A", "$": r"\z", r"\Z": r"\z"}.get(sign, sign)
        case Blind() | Committed():
            return None
        case Repeat(least=least, most=most):
            item = _re2_source(node.item)
            return None if item is None else f"(?:{item}){{{least},{'' if most is None else most}}}"
        case Sequence() | Alternatives():
            pieces = [_re2_source(child) for child in children(node)]
            if None in pieces:
                return None
            joint = "|" if isinstance(node, Alternatives) else ""
            return f"(?:{joint.join(piece for piece in pieces if piece is not None)})"
