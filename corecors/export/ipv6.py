"""IPv6 addresses in regular expressions: whether one can match any, and which texts are one as a browser writes it.

Facts
-----
A browser writes eight pieces in lower case without leading zeros, and the first longest run of two or more zeros as
`::` (URL, "IPv6 serializer", https://url.spec.whatwg.org/#concept-ipv6-serializer). So `::` stands between two pieces
that are not zero, no run of zeros before it is as long as it is, and none behind it is longer.
"""

from collections.abc import Iterator

from corecors._origins.regex.automaton import Automaton, TooLarge
from corecors._origins.regex.reach import START, Budget, written_out
from corecors._origins.regex.syntax import Node

ADDRESS = "\\[[0-9a-f:]{2,39}[]]"  # a superset
_PIECES = 8
_PIECE = "(?:0|[1-9a-f][0-9a-f]{0,3})"


def shape() -> str:
    """A regex for pieces without leading zeros, eight of them or fewer around one `::`."""
    found = [f"{_PIECE}(?::{_PIECE}){{{_PIECES - 1}}}"]
    for before in range(_PIECES - 1):
        left = "" if before == 0 else _PIECE if before == 1 else f"{_PIECE}(?::{_PIECE}){{{before - 1}}}"
        most = _PIECES - 2 - before
        right = "" if most == 0 else f"(?:{_PIECE}(?::{_PIECE}){{0,{most - 1}}})?"
        found.append(f"{left}::{right}")
    return f"\\[(?:{'|'.join(found)})[]]"


def misspelled() -> str:
    """A regex for those texts of that shape that are another spelling of their address; the brackets are left out."""
    found = ["(?:[0-9a-f]+:)*0:0(?::[0-9a-f]+)*", "(?:.*:)?0::.*", ".*::0(?::.*)?"]
    for run in range(2, _PIECES):
        for before in range(_PIECES - run + 1):
            after = _PIECES - run - before
            left, right = _pieces(0, 0, before), _pieces(0, 0, after)
            found += [f"{_pieces(first, run, before)}::{right}" for first in range(before - run + 1)]
            found += [f"{left}::{_pieces(first, run + 1, after)}" for first in range(after - run)]
    return f"(?:{'|'.join(found)})"


def _pieces(first: int, zeros: int, count: int) -> str:
    """`count` pieces, of which those from `first` on are `zeros` times zero."""
    any_piece = "[0-9a-f]+"
    return ":".join([any_piece] * first + ["0"] * zeros + [any_piece] * (count - first - zeros))


# The grammar `scheme://[address]:port`, as far as it has to be told: in each state, which characters lead where.
_HEX = frozenset("0123456789abcdef:")
_IN_ADDRESS = 4
_BEHIND_ADDRESS = (5, 6)


def may_match_ipv6(tree: Node) -> bool:
    """Whether a regex matches any text `scheme://[...]`; also where that takes too long to tell."""
    try:
        regex = written_out(Automaton([tree]), Budget())
    except TooLarge:
        return True
    seen = {(START, 0)}
    waiting = [(START, 0)]
    while waiting:
        state, place = waiting.pop()
        if place in _BEHIND_ADDRESS and state in regex.ends:
            return True
        for after in regex.follow[state]:
            for next_place in _places(place, regex.accepted[after]):
                if (after, next_place) not in seen:
                    seen.add((after, next_place))
                    waiting.append((after, next_place))
    return False


def _places(place: int, chars: frozenset[str]) -> Iterator[int]:
    """Where any of `chars` leads from a place in the grammar."""
    if place == 0 and chars - {":"}:
        yield 0
    if place < _IN_ADDRESS and "://["[place] in chars:
        yield place + 1
    if place == _IN_ADDRESS:
        if chars & _HEX:
            yield place
        if "]" in chars:
            yield place + 1
    if place in _BEHIND_ADDRESS and chars & _HEX:
        yield _BEHIND_ADDRESS[1]
