"""How much work can backtracking over a regex become? A bound on its steps, proven on an automaton.

The argument
------------
`re` matches by depth-first search: from each place in the pattern it tries every way on, in some order, and takes a
way back when it fails. It remembers nothing, so the worst text is one that fails at its end, after every way was
tried. Each thing that it tries is one character test (or one test for the end of the text) at the end of one path
through the pattern that fits the text so far. So

    steps on a text  <=  sum over the prefixes of the text of
                         the number of paths that read the prefix  x  the number of tests that follow each path.

The paths are those of the pattern's position automaton (Glushkov 1961): a state for each character of the pattern with
its repetitions written out, an edge from one to the next with the *number of ways* to get from it to the other without
reading anything. Greedy and lazy differ only in the order of the ways, so one bound holds for both; anchors only leave
ways out and count as nothing. An optional iteration that matched nothing is the last one of its loop, as in `re`
itself, which is what keeps `(a*)*` finite.

corecors runs its own regexes on an automaton and needs none of this. A proxy in front of it may have an engine that
backtracks as `re` does, and is then handed only what `takes_bounded_steps`.

The number of paths is followed over all texts at once: texts whose prefix leads to the same *set* of states (the subset
construction) share one entry, which holds for each state the largest number of paths that any such prefix has. Taking
the largest for each state alone may overstate, never understate. Where the numbers stop growing, the pattern is
finitely ambiguous and costs the same at each character; where they grow, the sum tells whether they grow too fast for
the longest origin. (The degrees of Weber and Seidl, "On the degree of ambiguity of finite automata", 1991, tell only
how fast, and would let `(a?){30}b` pass, which is finitely ambiguous: one text in 2**30 ways.)

Everything here is bounded itself: what would need more than `MAX_WORK` raises `TooLarge`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from corecors._origins.parsing import MAX_ORIGIN_LENGTH
from corecors._origins.regex.automaton import TooLarge
from corecors._origins.regex.reach import START, Budget
from corecors._origins.regex.syntax import (
    ORIGIN_ALPHABET,
    Alternatives,
    Anchor,
    Chars,
    Node,
    Repeat,
    Sequence,
    parse_regex,
)

MAX_WORK = 250_000  # additions and look-ups over one pattern's whole analysis, some 50 ms in CPython 3.11
MAX_EDGES = 30_000  # more than a list of 150 alternatives in a loop; such lists belong into `allow_origins`
_MANY = 10**9  # numbers of paths are cut off here; far above any limit on steps

# Two wildcards side by side (quadratic: some 160,000 steps over the longest origin) pass, three (cubic: millions) do
# not. CPython 3.11 needs 1 to 10 ns a step, more only where groups lie many deep within each other.
MAX_STEPS = 200_000


class Automaton(NamedTuple):
    """A position automaton over ORIGIN_ALPHABET, with the number of ways on each edge.

    `accepted[state]`: the characters that lead into the state. `follow[state]`: the states after it.
    `ends[state]`: the number of ways from it to the end of the pattern, where there are any.
    """

    accepted: list[frozenset[str]]
    follow: list[dict[int, int]]
    ends: dict[int, int]


def takes_bounded_steps(pattern: str) -> bool:
    """Whether no origin makes a backtracking engine take more than `MAX_STEPS` steps over `pattern`.

    `pattern` is one that a policy accepted. False also where that can't be told within the budget.
    """
    try:
        return most_steps(build_automaton(parse_regex(pattern)), MAX_ORIGIN_LENGTH, MAX_STEPS) is not None
    except TooLarge:
        return False


def build_automaton(node: Node) -> Automaton:
    """The position automaton of a pattern or of a piece of one. Raises `TooLarge`."""
    builder = _Builder()
    fragment = builder.fragment(node)
    builder.follow[START] = dict(fragment.first)
    ends = dict(fragment.last)
    if fragment.empty:
        ends[START] = fragment.empty
    return Automaton(builder.accepted, builder.follow, ends)


def most_steps(automaton: Automaton, length: int, limit: int, budget: Budget | None = None) -> int | None:
    """An upper bound on the steps of backtracking over any text of at most `length` characters of an origin.

    None where the bound is above `limit`. Raises `TooLarge` when that can't be told within the budget.
    """
    budget = Budget(MAX_WORK) if budget is None else budget
    tests = [sum(ways.values()) + automaton.ends.get(state, 0) for state, ways in enumerate(automaton.follow)]
    kinds = _kinds(automaton)
    start = frozenset([START])
    successors: dict[frozenset[int], set[frozenset[int]]] = {}
    paths: dict[frozenset[int], dict[int, int]] = {start: {START: 1}}
    grown = {start}
    dearest = total = tests[START]
    for characters_left in range(length, 0, -1):
        if total > limit:
            return None
        if not grown:  # no text is in more ways than those seen, however long: each further character costs the same
            total += characters_left * dearest
            break
        updates: list[tuple[frozenset[int], dict[int, int]]] = []
        for subset in grown:
            reached = _paths_onward(automaton, paths[subset], budget)
            if subset not in successors:
                successors[subset] = _split(reached, kinds, budget)
            updates += [(target, reached) for target in successors[subset]]
        grown = set()
        for target, reached in updates:
            known = paths.setdefault(target, dict.fromkeys(target, 0))
            budget.spend(len(known))
            for state, count in known.items():
                if reached[state] > count:
                    known[state] = reached[state]
                    grown.add(target)
        dearest = max([dearest, *(sum(n * tests[state] for state, n in paths[subset].items()) for subset in grown)])
        total += dearest
    return total if total <= limit else None


def _paths_onward(automaton: Automaton, paths: dict[int, int], budget: Budget) -> dict[int, int]:
    """The numbers of paths after one more character, whichever it is, to each state that may accept it."""
    reached: dict[int, int] = {}
    for state, count in paths.items():
        ways = automaton.follow[state]
        budget.spend(1 + len(ways))
        for target, number in ways.items():
            reached[target] = min(_MANY, reached.get(target, 0) + count * number)
    return reached


def _split(states: Iterable[int], kinds: list[tuple[int, ...]], budget: Budget) -> set[frozenset[int]]:
    """The sets of states that one more character can lead to: those of `states` that accept the same kind of it."""
    by_kind: dict[int, list[int]] = {}
    for state in states:
        budget.spend(1 + len(kinds[state]))
        for kind in kinds[state]:
            by_kind.setdefault(kind, []).append(state)
    return {frozenset(together) for together in by_kind.values()}


def _kinds(automaton: Automaton) -> list[tuple[int, ...]]:
    """For each state the kinds of characters that it accepts; a kind is what no state of this automaton tells apart."""
    numbers: dict[frozenset[frozenset[str]], int] = {}
    distinct = set(automaton.accepted)
    kind_of = {
        char: numbers.setdefault(frozenset(chars for chars in distinct if char in chars), len(numbers))
        for char in ORIGIN_ALPHABET
    }
    kinds = {chars: tuple({kind_of[char] for char in chars}) for chars in distinct}
    return [kinds[chars] for chars in automaton.accepted]


class _Fragment(NamedTuple):
    """A piece of the automaton: the number of ways into each state, out of each state, and past it all."""

    first: dict[int, int]
    last: dict[int, int]
    empty: int


_NOTHING = _Fragment({}, {}, 1)


class _Builder:
    def __init__(self) -> None:
        self.accepted: list[frozenset[str]] = [frozenset()]
        self.follow: list[dict[int, int]] = [{}]
        self.budget = Budget(MAX_EDGES)

    def fragment(self, node: Node) -> _Fragment:
        self.budget.spend(1)
        match node:
            case Chars():
                return self.state(node.accepted)
            case Sequence():
                fragment = _NOTHING
                for item in node.items:
                    fragment = self.then(fragment, self.fragment(item))
                return fragment
            case Alternatives():
                return self.either([self.fragment(branch) for branch in node.branches])
            case Repeat():
                return self.repeat(node)
            case Anchor():
                return _NOTHING

    def state(self, accepted: frozenset[str]) -> _Fragment:
        state = len(self.accepted)
        self.accepted.append(accepted)
        self.follow.append({})
        return _Fragment({state: 1}, {state: 1}, 0)

    def repeat(self, node: Repeat) -> _Fragment:
        least, most = node.least, node.most
        tail = _NOTHING
        if most is None:
            tail = self.endless(self.fragment(node.item))
        else:
            for _ in range(most - least):
                body = self.fragment(node.item)
                tail = self.then(body._replace(empty=0), tail)._replace(empty=_capped(1 + body.empty))
        head = _NOTHING
        for _ in range(least):
            head = self.then(head, self.fragment(node.item))
        return self.then(head, tail)

    def endless(self, body: _Fragment) -> _Fragment:
        """Any number of iterations that read something, and then at most one that does not."""
        self.join(body.last, body.first)
        ways_out = _capped(1 + body.empty)
        return _Fragment(body.first, _scaled(body.last, ways_out), ways_out)

    def then(self, one: _Fragment, other: _Fragment) -> _Fragment:
        self.join(one.last, other.first)
        first = one.first | _scaled(other.first, one.empty)
        last = other.last | _scaled(one.last, other.empty)
        self.budget.spend(len(first) + len(last))
        return _Fragment(first, last, _capped(one.empty * other.empty))

    def either(self, fragments: list[_Fragment]) -> _Fragment:
        first = {state: ways for fragment in fragments for state, ways in fragment.first.items()}
        last = {state: ways for fragment in fragments for state, ways in fragment.last.items()}
        return _Fragment(first, last, _capped(sum(fragment.empty for fragment in fragments)))

    def join(self, last: dict[int, int], first: dict[int, int]) -> None:
        self.budget.spend(len(last) * len(first))
        for state, ways_out in last.items():
            follow = self.follow[state]
            for target, ways_in in first.items():
                follow[target] = _capped(follow.get(target, 0) + ways_out * ways_in)


def _capped(number: int) -> int:
    return min(number, _MANY)


def _scaled(ways: dict[int, int], factor: int) -> dict[int, int]:
    return {state: _capped(number * factor) for state, number in ways.items()} if factor else {}
