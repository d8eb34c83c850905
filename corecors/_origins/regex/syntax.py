"""The syntax of a regular expression, read into a tree that remembers where each piece stands.

Facts
-----
A regex here only ever sees a well-formed origin, so a piece of it means no more than the set of characters *of an
origin* that it accepts: `\\d` is ten digits, `\\s` and `A` are nothing at all, and `.` is everything (no line feed can
reach it).

The standard library's own parser is private, drops the positions that an error message needs, and grows with each
Python. This one reads the part of the language that it knows to mean the same in every Python since 3.11 and raises
`SyntaxNotRead` for the rest; tests hold it against `re` itself. The rest is what `re` refuses too, what it warns of,
and what no automaton runs: lookaround, back-references, conditionals, atomic groups, possessive repetitions, and
assertions in the middle of a text. An anchor at an edge says what is so anyway, for the whole origin is matched.

Source: https://docs.python.org/3/library/re.html#regular-expression-syntax
"""

import re
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from corecors._origins.errors import TextError

ORIGIN_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-_.:/[]+"  # "+" only in a scheme, brackets only around IPv6
MAX_NESTING = 40  # groups within groups; far beyond any pattern that people wrote, far below the recursion limit

_ANY = frozenset(ORIGIN_ALPHABET)
_DIGITS = frozenset("0123456789")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_CATEGORIES = {"d": _DIGITS, "D": _ANY - _DIGITS, "w": _WORD, "W": _ANY - _WORD, "s": frozenset[str](), "S": _ANY}
_CONTROLS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ANCHORS = {"^": "start", "\\A": "start", "$": "end", "\\Z": "end"}  # \z is new in Python 3.14: left out
_GROUPS = {  # kinds of groups that are refused, by how they open
    "?=": "a lookahead",
    "?!": "a lookahead",
    "?<=": "a lookbehind",
    "?<!": "a lookbehind",
    "?(": "a conditional",
    "?P=": "a back-reference",
    "?>": "an atomic group",
}
_HEX_LENGTHS = {"x": 2, "u": 4, "U": 8}
_BOUNDS = re.compile(r"\{(?!\})([0-9]*)(,?)([0-9]*)\}")
_OCTAL = re.compile("0[0-7]{0,2}|[0-3][0-7]{2}")
_FLAGS = re.compile(r"[aiLmsux]*(?:-[imsx]+)?[:)]")


_NO_AUTOMATON = "patterns for origins do not need it, and it is not supported"


class SyntaxNotRead(TextError):
    """A piece of a regex that this parser does not read, though `re` may. `message` says which, and why.

    `code`: "regex-syntax" for what is not a regular expression in Python either, else "regex-unsupported".
    """


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a pattern, and where it stands there."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chars(_Piece):
    """One character out of `accepted`, a subset of ORIGIN_ALPHABET. `is_dot`: written as an unescaped dot."""

    accepted: frozenset[str]
    is_dot: bool = False


@dataclass(frozen=True, slots=True)
class Sequence(_Piece):
    """One item after the other; none at all matches the empty text."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Alternatives(_Piece):
    """One of the branches."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat(_Piece):
    """An item `least` to `most` times (None: without end). Greedy and lazy search the same paths in another order."""

    item: "Node"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Anchor(_Piece):
    """`^`, `\\A`, `$` or `\\Z` at the edge where it belongs: consumes nothing and changes nothing."""

    sign: str


Node: TypeAlias = Chars | Sequence | Alternatives | Repeat | Anchor


def children(node: Node) -> tuple[Node, ...]:
    """The pieces that a node is made of, in the order of the text."""
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Alternatives):
        return node.branches
    if isinstance(node, Repeat):
        return (node.item,)
    return ()


def parse_regex(source: str) -> Node:
    """The tree of `source`, a pattern without flags. Raises `SyntaxNotRead`."""
    parser = _Parser(source)
    tree = parser.alternatives(0)
    if parser.at < len(source):
        parser.fail("an unbalanced parenthesis")
    _check_anchors(tree, at_start=True, at_end=True)
    return tree


class _Parser:
    """Recursive descent over `source`; `at` is the index of the next character."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.names: set[str] = set()

    def fail(self, what: str, start: int | None = None) -> NoReturn:
        """What is not a regular expression in Python either."""
        start = self.at if start is None else start
        raise SyntaxNotRead("regex-syntax", f"is not a regular expression: {what} at position {start}")

    def refuse(self, what: str, why: str, start: int | None = None) -> NoReturn:
        """What is one, and is not read here."""
        start = self.at if start is None else start
        raise SyntaxNotRead("regex-unsupported", f"has {what} at position {start}: {why}")

    def peek(self, length: int = 1) -> str:
        return self.source[self.at : self.at + length]

    def take(self, text: str) -> bool:
        if self.source.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def alternatives(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            self.refuse(f"more than {MAX_NESTING} groups within each other", "write it flatter")
        start = self.at
        branches: list[Node] = [self.sequence(depth)]
        while self.take("|"):
            branches.append(self.sequence(depth))
        return branches[0] if len(branches) == 1 else Alternatives(start, self.at, tuple(branches))

    def sequence(self, depth: int) -> Node:
        start = self.at
        items: list[Node] = []
        while (char := self.peek()) and char not in "|)":
            if self.take("(?#"):
                self.skip_past(")")
            elif char in "*+?" or (char == "{" and _BOUNDS.match(self.source, self.at)):
                if not items or isinstance(items[-1], Anchor):
                    self.fail("nothing to repeat")
                if isinstance(items[-1], Repeat):
                    self.fail("a repetition of a repetition")
                items.append(self.repeat(items.pop()))
            else:
                items.append(self.item(depth))
        return items[0] if len(items) == 1 else Sequence(start, self.at, tuple(items))

    def skip_past(self, text: str) -> None:
        end = self.source.find(text, self.at)
        if end < 0:
            self.fail(f"a missing {text!r}")
        self.at = end + len(text)

    def repeat(self, item: Node) -> Node:
        least, most = self.bounds()
        if not self.take("?") and self.peek() == "+":
            self.refuse("a possessive repetition", f"{_NO_AUTOMATON}; without its + it matches at least as much")
        return Repeat(item.start, self.at, item, least, most)

    def bounds(self) -> tuple[int, int | None]:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        char = self.peek()
        if char in simple:
            self.at += 1
            return simple[char]
        found = _BOUNDS.match(self.source, self.at)
        assert found is not None  # the caller looked
        low, comma, high = found.groups()
        if max(len(low), len(high)) > 9:
            self.refuse("an enormous number of repetitions", "no origin is that long")
        least = int(low or "0")
        most = (int(high) if high else None) if comma else least
        if most is not None and most < least:
            self.fail("a repetition whose maximum is below its minimum")
        self.at = found.end()
        return least, most

    def item(self, depth: int) -> Node:
        start = self.at
        char = self.peek()
        self.at += 1
        if char == "(":
            return self.group(start, depth)
        if char == "[":
            accepted = self.char_set(start)
            return Chars(start, self.at, accepted)
        if char == "\\":
            return self.escape(start)
        if char in _ANCHORS:
            return Anchor(start, self.at, char)
        if char == ".":
            return Chars(start, self.at, _ANY, is_dot=True)
        return Chars(start, self.at, _accepted(char))

    def group(self, start: int, depth: int) -> Node:
        for opening, what in _GROUPS.items():
            if self.peek(len(opening)) == opening:
                self.refuse(f"{what} ({opening}", _NO_AUTOMATON, start)
        if self.take("?P<"):
            self.name(start)
        elif not self.take("?:") and self.peek() == "?":
            self.at += 1
            if _FLAGS.match(self.source, self.at):
                self.refuse("inline flags", "write the pattern in lower case, on one line, without them", start)
            self.fail("an unknown kind of group", start)
        inner = self.alternatives(depth + 1)
        if not self.take(")"):
            self.fail("a group that is never closed", start)
        return Sequence(start, self.at, (inner,))  # said to stand where its parentheses do

    def name(self, start: int) -> None:
        begin = self.at
        self.skip_past(">")
        name = self.source[begin : self.at - 1]
        if not name.isidentifier() or name in self.names:
            self.fail("a group whose name is not an identifier, or is taken", start)
        self.names.add(name)

    def escape(self, start: int) -> Node:
        char = self.peek()
        if char in _CATEGORIES:
            self.at += 1
            return Chars(start, self.at, _CATEGORIES[char])
        if "\\" + char in _ANCHORS:
            self.at += 1
            return Anchor(start, self.at, "\\" + char)
        if char and char in "bB":
            self.refuse(f"a word boundary \\{char}", "write out what stands there", start)
        if char and char in "123456789" and not _OCTAL.match(self.source, self.at):
            self.refuse(f"a back-reference \\{char}", _NO_AUTOMATON, start)
        literal = self.escaped_literal(start)
        return Chars(start, self.at, _accepted(literal))

    def escaped_literal(self, start: int) -> str:
        """The one character that an escape stands for, inside a set or out of it."""
        if octal := _OCTAL.match(self.source, self.at):
            self.at = octal.end()
            return chr(int(octal[0], 8))
        char = self.peek()
        self.at += 1
        if char in _HEX_LENGTHS:
            digits = self.peek(_HEX_LENGTHS[char])
            if re.fullmatch(f"[0-9a-fA-F]{{{_HEX_LENGTHS[char]}}}", digits) is None or int(digits, 16) > 0x10FFFF:
                self.fail("an escape that is not whole", start)
            self.at += len(digits)
            return chr(int(digits, 16))
        if char in _CONTROLS:
            return _CONTROLS[char]
        if not char or (char.isascii() and char.isalnum()):
            self.refuse(f"the escape \\{char}", "write the character itself", start)
        return char

    def char_set(self, start: int) -> frozenset[str]:
        negated = self.take("^")
        if self.peek() == "[":
            # `re` warns that its meaning may change, here and below
            self.refuse('an unescaped "[" at the beginning of a set', "escape it")
        accepted: frozenset[str] = frozenset()
        first = True
        while first or self.peek() != "]":
            if not self.peek():
                self.fail("a set that is never closed", start)
            if not first and self.peek() in "-&~|" and self.peek(2) == self.peek() * 2:
                self.refuse(f"{self.peek(2)!r} in a set", "escape it")
            low = self.set_member()
            first = False
            if self.peek() == "-" and self.peek(2) not in ("-]", "-"):
                self.at += 1
                if self.peek() == "-":
                    self.refuse("'--' in a set", "escape it")
                high = self.set_member()
                if not isinstance(low, str) or not isinstance(high, str) or high < low:
                    self.fail("a bad range in a set", start)
                accepted |= {char for char in ORIGIN_ALPHABET if low <= char <= high}
            else:
                accepted |= _accepted(low) if isinstance(low, str) else low
        self.at += 1
        return _ANY - accepted if negated else accepted

    def set_member(self) -> str | frozenset[str]:
        """A character as text, or a category as the set that it accepts."""
        start = self.at
        char = self.peek()
        self.at += 1
        if char != "\\":
            return char
        char = self.peek()
        if char in _CATEGORIES:
            self.at += 1
            return _CATEGORIES[char]
        return self.escaped_literal(start)


def _accepted(char: str) -> frozenset[str]:
    return frozenset(char) & _ANY


def _check_anchors(node: Node, *, at_start: bool, at_end: bool) -> None:
    """Refuse an anchor where something may stand on its other side: an automaton would have to take it for true."""
    if isinstance(node, Anchor):
        if not (at_start if _ANCHORS[node.sign] == "start" else at_end):
            raise SyntaxNotRead(
                "regex-unsupported",
                f"has the anchor {node.sign} at position {node.start}, which is not at the {_ANCHORS[node.sign]} "
                "of the pattern: leave it out, the whole origin is matched anyway",
            )
    elif isinstance(node, Sequence):
        solid = [index for index, item in enumerate(node.items) if not _is_nothing(item)]
        for index, item in enumerate(node.items):
            _check_anchors(
                item,
                at_start=at_start and (not solid or index <= solid[0]),
                at_end=at_end and (not solid or index >= solid[-1]),
            )
    else:
        repeats = isinstance(node, Repeat)
        for child in children(node):
            _check_anchors(child, at_start=at_start and not repeats, at_end=at_end and not repeats)


def _is_nothing(node: Node) -> bool:
    """Whether a piece consists of anchors and empty groups alone."""
    return not isinstance(node, Chars) and all(map(_is_nothing, children(node)))
