"""All regexes of a policy as one automaton, run in time linear in the origin.

The construction
----------------
A pattern is written out as a row of bits. A character of the pattern is one bit: "about to read this one"; reading it
moves on to the next bit. So one `&` with the mask of the characters that accept what was read, and one shift to the
left, move every active bit at once (the Shift-And method of Baeza-Yates and Gonnet, 1992). What consumes nothing (an
optional piece, the way into a group's branches and out of them) is an addition whose carry runs through a row of ones
and stops behind it (Navarro and Raffinot, "Fast and simple character classes and bounded gaps pattern matching", 2003,
has it for optional characters). All groups of the same depth do that together. So a step costs a few operations on
integers for each level of groups within groups, and does not depend on how the pattern would make `re` backtrack.

    https:// ( a | b c ) ? d      bits of the group: its entry, each branch with one bit more for its end, its exit
             ^ ^^  ^ ^ ^ ^        (the exit is the entry of what follows)

The sets of active bits are the states of a deterministic automaton, built only as far as origins lead into it (the
lazy subset construction of grep and RE2) and thrown away when it has grown to `MAX_TRANSITIONS`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple, TypeAlias

from corecors._origins.regex import syntax
from corecors._origins.regex.syntax import ORIGIN_ALPHABET, Node

MAX_POSITIONS = 2_000  # of all regexes of a policy, repetitions written out: 326 steps stay below 5 ms with them
MAX_TRANSITIONS = 10_000  # remembered ones of a policy; each is one set of bits, so that they stay below some 10 MB
MAX_OPERATIONS = 140  # on integers, for one step; of 107 collected patterns none needs more than 91


class TooLarge(Exception):
    """The pattern has more positions, or needs more operations, than it may; or its analysis takes too long."""


@dataclass(frozen=True, slots=True)
class _Char:
    """One character out of `accepted`. `loops`: or more of them; `skips`: or none."""

    accepted: frozenset[str]
    loops: bool = False
    skips: bool = False


@dataclass(frozen=True, slots=True)
class _Group:
    """One of the branches, none of which is without items. `skips` also where a branch may be empty."""

    branches: tuple[tuple["_Item", ...], ...]
    loops: bool = False
    skips: bool = False


_Item: TypeAlias = _Char | _Group
_Items: TypeAlias = tuple[_Item, ...]


class _Level(NamedTuple):
    """Masks over the groups of one level, and over the items of the sequences that they stand in."""

    entries: int  # of groups
    firsts: int  # the first bit of each branch
    lasts: int  # the bit behind each branch
    insides: int  # everything between entry and exit
    exits: int  # of groups; shared with the entry of what follows
    loops: tuple[tuple[int, int], ...]  # the exits of groups that repeat, by their distance from the entry
    skip_entries: int  # of items that may be left out
    skipped: int  # from the entry of each of those up to its exit
    skip_exits: int


class Automaton:
    """The language of some regexes, as sets of active bits. Immutable."""

    __slots__ = ("_accepting", "_bits", "_down", "_kept", "_looping", "_up", "chars", "positions", "start")

    chars: dict[int, frozenset[str]]  # what each place in the row of bits accepts that is a character of a pattern

    def __init__(self, trees: Iterable[Node]) -> None:
        """Accepts what any of the trees accepts.

        Raises `TooLarge`; what has too many positions is not written out for that.
        """
        trees = list(trees)
        self.positions: int = sum(map(count_positions, trees))
        if self.positions > MAX_POSITIONS:
            raise TooLarge
        layout = _Layout(_choice([_items(tree) for tree in trees]))
        levels = [places.level() for places in layout.places]
        self._up = tuple(reversed(levels))
        self._down = tuple((levels[i], levels[i + 1]) for i in range(len(levels) - 1))
        self.chars = {place: accepted for accepted, places in layout.chars.items() for place in places}
        if self.operations > MAX_OPERATIONS:
            raise TooLarge
        self._bits: dict[str, int] = layout.bits_of_chars()
        self._looping = _mask(layout.looping)
        self._accepting = 1 << layout.end if trees else 0
        self._kept = self._accepting
        for bits in self._bits.values():
            self._kept |= bits
        self.start: int = self._closed(1)

    def step(self, active: int, char: str) -> int:
        """The set of bits after `char`, a character of origins, was read; 0 where nothing can match any more."""
        reading = active & self._bits[char]
        return self._closed(reading << 1 | reading & self._looping) if reading else 0

    def accepts(self, active: int) -> bool:
        """Whether what was read so far matches."""
        return active & self._accepting != 0

    def after(self, place: int) -> int:
        """The set of bits after the character of the pattern at `place` was read."""
        read = 1 << place
        return self._closed(read << 1 | read & self._looping)

    @property
    def operations(self) -> int:
        """The most operations on integers that one step takes."""
        return 5 + sum(20 + 3 * len(level.loops) for level in self._up)

    def _closed(self, active: int) -> int:
        """The bits that can be reached from `active` without reading anything."""
        for level in self._up:  # the way out of groups, the innermost first
            if done := active & level.lasts:
                left = (done + level.insides) & level.exits  # a carry runs from the end of the branch to the exit
                active |= left
                for distance, exits in level.loops:
                    if back := left & exits:
                        active |= back >> distance
            if at := active & level.skip_entries:
                active |= ((at + level.skipped) ^ level.skipped) & level.skip_exits
        for outer, inner in self._down:  # the way into groups, the outermost first
            if at := active & outer.entries:
                active |= outer.firsts & ~((at << 1) + outer.insides)  # the carry turns a whole inside to zeros
            if at := active & inner.skip_entries:
                active |= ((at + inner.skipped) ^ inner.skipped) & inner.skip_exits
        return active & self._kept


class Matcher:
    """Runs an automaton over origins and remembers its states. Safe to share between threads.

    Two threads that build the same state at once do the work twice, and either result is right; what one of them
    still reads from a memory that another has dropped is as right as before.
    """

    __slots__ = ("_start", "automaton", "remembered", "states")

    def __init__(self, automaton: Automaton) -> None:
        self.automaton: Automaton = automaton
        self.forget()

    def matches(self, origin: str) -> bool:
        """Whether the whole of a well-formed origin matches."""
        state = self._start
        for char in origin:
            state = state[char]
        return state.accepts

    def forget(self) -> None:
        """Drop what is remembered."""
        self.remembered = 0  # transitions
        self.states: dict[int, _State] = {}  # by their active bits
        self._start = _State(self.automaton.start, self)


class _State(dict[str, "_State"]):
    """The states that follow, by the character that leads there: each is worked out when it is first asked for."""

    __slots__ = ("accepts", "active", "matcher")

    def __init__(self, active: int, matcher: Matcher) -> None:
        super().__init__()
        self.active = active
        self.accepts = matcher.automaton.accepts(active)
        self.matcher = matcher

    def __missing__(self, char: str) -> "_State":
        matcher = self.matcher
        active = matcher.automaton.step(self.active, char)
        state = matcher.states.get(active)
        if state is None:
            state = matcher.states[active] = _State(active, matcher)
        self[char] = state
        matcher.remembered += 1
        if matcher.remembered >= MAX_TRANSITIONS:
            matcher.forget()
        return state


# From the tree to items


def count_positions(node: Node) -> int:
    """The number of characters in a pattern, repetitions written out: counted and not written out."""
    if isinstance(node, syntax.Chars):
        return 1
    inner = sum(map(count_positions, syntax.children(node)))
    if isinstance(node, syntax.Repeat):
        return inner * max(node.least, 1 if node.most is None else node.most)
    return inner


def _items(node: Node) -> _Items:
    """A piece of a pattern with its repetitions written out, and without groups that make no difference."""
    match node:
        case syntax.Chars(accepted=accepted):
            return (_Char(accepted),)
        case syntax.Sequence(items=nodes):
            return tuple(chain.from_iterable(map(_items, nodes)))
        case syntax.Alternatives(branches=branches):
            return _choice([_items(branch) for branch in branches])
        case syntax.Repeat(item=item, least=least, most=most):
            return _repeated(_items(item), least, most)
        case _:  # an anchor at the edge: the whole of the text is matched anyway
            return ()


def _choice(alternatives: Iterable[_Items]) -> _Items:
    branches: list[_Items] = []
    skips = False
    for items in alternatives:
        skips = skips or all(item.skips for item in items)
        if len(items) == 1 and isinstance(items[0], _Group) and not items[0].loops:
            branches += items[0].branches
        elif items:
            branches.append(items)
    if len(branches) > 1:
        return (_Group(tuple(branches), skips=skips),)
    return _marked(branches[0], skips=skips) if branches else ()


def _repeated(items: _Items, least: int, most: int | None) -> _Items:
    if not items:
        return ()
    if most is None:
        return items * (least - 1) + _marked(items, loops=True, skips=least == 0)
    return items * least + _marked(items, skips=True) * (most - least)


def _marked(items: _Items, *, loops: bool = False, skips: bool = False) -> _Items:
    """One item that may be repeated, or left out. (A repeated repetition is a repetition.)"""
    if not (loops or skips):
        return items
    if len(items) == 1:
        return (replace(items[0], loops=items[0].loops or loops, skips=items[0].skips or skips),)
    return (_Group((items,), loops, skips or all(item.skips for item in items)),)


# From items to bits


class _Places:
    """Where the bits of one level are."""

    def __init__(self) -> None:
        self.groups: list[tuple[int, int]] = []  # entry and exit
        self.firsts: list[int] = []
        self.lasts: list[int] = []
        self.loops: dict[int, list[int]] = {}
        self.skips: list[tuple[int, int]] = []

    def level(self) -> _Level:
        return _Level(
            _mask(entry for entry, _ in self.groups),
            _mask(self.firsts),
            _mask(self.lasts),
            _ranges((entry + 1, end) for entry, end in self.groups),
            _mask(end for _, end in self.groups),
            tuple((distance, _mask(ends)) for distance, ends in self.loops.items()),
            _mask(entry for entry, _ in self.skips),
            _ranges(self.skips),
            _mask(end for _, end in self.skips),
        )


class _Layout:
    """Gives each item its bits, from 0 on."""

    def __init__(self, items: _Items) -> None:
        self.places: list[_Places] = []
        self.chars: dict[frozenset[str], list[int]] = {}
        self.looping: list[int] = []
        self.end: int = self.sequence(items, 0, 0)

    def sequence(self, items: _Items, depth: int, at: int) -> int:
        """Lays the items out from `at`; the place behind them."""
        if depth == len(self.places):
            self.places.append(_Places())
        for item in items:
            if isinstance(item, _Char):
                self.chars.setdefault(item.accepted, []).append(at)
                if item.loops:  # to stay where one is is to be about to read it again
                    self.looping.append(at)
                end = at + 1
            else:
                end = self.group(item, depth, at)
            if item.skips:
                self.places[depth].skips.append((at, end))
            at = end
        return at

    def group(self, group: _Group, depth: int, entry: int) -> int:
        places = self.places[depth]
        at = entry + 1
        for branch in group.branches:
            places.firsts.append(at)
            last = self.sequence(branch, depth + 1, at)
            places.lasts.append(last)
            at = last + 1
        places.groups.append((entry, at))
        if group.loops:
            places.loops.setdefault(at - entry, []).append(at)
        return at

    def bits_of_chars(self) -> dict[str, int]:
        bits = dict.fromkeys(ORIGIN_ALPHABET, 0)
        for accepted, places in self.chars.items():
            mask = _mask(places)
            for char in accepted:
                bits[char] |= mask
        return bits


def _mask(places: Iterable[int]) -> int:
    mask = 0
    for place in places:
        mask |= 1 << place
    return mask


def _ranges(ranges: Iterable[tuple[int, int]]) -> int:
    """Ones from each start up to its end, which is left out."""
    mask = 0
    for start, end in ranges:
        mask |= (1 << end) - (1 << start)
    return mask
