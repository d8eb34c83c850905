"""What a regular expression lets in that a proxy searches for in the Origin, wherever in it.

Only what our own automaton proves is told; a piece of syntax that it does not read leaves the regex without advice.
"""

import re
from pathlib import Path

from corecors._origins.regex.compiling import Permissions, RegexError, compile_regexes
from corecors._origins.regex.syntax import Alternatives, Anchor, Sequence, SyntaxNotRead, parse_regex
from corecors.cli.proxies.findings import Finding, Place, Trap, found
from corecors.cli.proxies.reading import unusable

UNANCHORED = Trap(
    "regex-unanchored",
    "error",
    "is searched for anywhere in the origin: it {seen}",
    "match the whole origin: {fix}",
)
UNESCAPED_DOT = Trap(
    "regex-unescaped-dot",
    "error",
    "{seen}: names are let in that anyone can register",
    r"write \. for the dot of a host",
)
OPEN = Trap("regex-open", "error", "{seen}", "name your domains: end the host in an escaped dot and one of them")
MATCHES_NOTHING = Trap(
    "regex-matches-nothing",
    "warning",
    "can match no origin: no page is ever let in by it",
    "write it as browsers send origins: https://app.example.com, without a slash at the end",
)

STRICT = Permissions(open_regexes=False, any_origin=False)
MAX_EXPRESSIONS = 100  # some 0.2 s each where they are as complicated as can be
_OPEN = {"regex-open", "regex-open-addresses", "any-origin-with-credentials"}


class Expressions:
    """The expressions of one configuration, each analysed once, and at most `MAX_EXPRESSIONS` of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[tuple[str, bool], tuple[Trap, dict[str, str]] | None] = {}

    def findings(
        self, place: Place, field: str, source: str, *, whole: bool = False, ignore_case: bool = False
    ) -> list[Finding]:
        """What is wrong with `source`. `whole`: the proxy itself matches the whole origin."""
        key = (in_lower_case(source) if ignore_case else source, whole)
        if key not in self.known:
            if len(self.known) == MAX_EXPRESSIONS:
                raise unusable(self.path, f"compares origins with more than {MAX_EXPRESSIONS} regular expressions")
            self.known[key] = _trap(*key)
        trap = self.known[key]
        return [] if trap is None else [found(place, field, trap[0], **trap[1])]


def _trap(source: str, whole: bool) -> tuple[Trap, dict[str, str]] | None:
    meant = source if whole else as_whole_match(source)
    error = None if meant is None else _error(meant)
    if error is None:
        return None
    says = error.message.partition(": end the host")[0]
    if error.code == "regex-matches-nothing":
        return MATCHES_NOTHING, {}
    if error.code == "regex-unescaped-dot":
        return UNESCAPED_DOT, {"seen": says}
    if error.code not in _OPEN:
        return None
    anchored = source if whole else rf"^{_without_edges(source)}$"
    right = _error(anchored)
    if meant == source or (right is not None and right.code in _OPEN):
        return OPEN, {"seen": says}
    return UNANCHORED, {"seen": says, "fix": anchored if right is None else "from ^https:// to $"}


def _error(source: str) -> RegexError | None:
    (result,) = compile_regexes([source], STRICT).found
    return result if isinstance(result, RegexError) else None


def as_whole_match(source: str) -> str | None:
    """The expression that matches the whole of what `source` is found in; None where that cannot be told.

    An anchor within it, where something may stand on its other side, is refused when that expression is read.
    """
    try:
        tree = parse_regex(source)
    except SyntaxNotRead:
        return None
    written: list[str] = []
    for branch in tree.branches if isinstance(tree, Alternatives) else (tree,):
        items = list(branch.items if isinstance(branch, Sequence) else (branch,))
        before = after = ".*"
        if items and isinstance(items[0], Anchor) and items[0].sign in ("^", "\\A"):
            before = source[items[0].start : items.pop(0).end]
        if items and isinstance(items[-1], Anchor) and items[-1].sign in ("$", "\\Z"):
            after = source[items[-1].start : items.pop().end]
        written.append(before + (source[items[0].start : items[-1].end] if items else "") + after)
    return "|".join(written)


def _without_edges(source: str) -> str:
    return re.sub(r"^(?:\^|\\A|\.\*)+|(?:(?<!\\)\$|\\Z|(?<!\\)\.\*)+$", "", source)


def in_lower_case(source: str) -> str:
    """`source` as it is matched without regard to case; escapes such as `\\D` keep theirs."""
    return re.sub(r"\\.|[A-Z]+", lambda piece: piece[0] if piece[0][0] == "\\" else piece[0].lower(), source)
