"""Whom does a regex let in? What can be told of the set of origins that it accepts, from its automaton.

Facts
-----
Who owns a registrable domain (`example.com`) owns every host below it, and anyone can register one that is free.
So a regex names somebody only as far as it pins a host's *last* labels: `.*\\.example\\.com` does, `.*example\\.com`
lets `evilexample.com` in, and `localhost.*` lets `localhost.evil.com` in. Hosts are therefore read here from the right,
label by label, down to the label that would be registered: the one below a public suffix. That label has to be *listed*
(`example`, `(app|www)`). It is *free* where a character of it is any out of several (`[0-9]`, `.?`), or where it can be
more than `FEW_LABELS` labels, and then the regex lets in domains that nobody wrote down.

Likewise the first three numbers of a public IPv4 address and the first two groups of an IPv6 address have to be listed:
/24 and /32 are the smallest blocks that one holder is commonly given.

Everything is told of the automaton and not of samples; so an example is always at hand.
"""

import re
from collections import deque
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

from corecors._origins.parsing import MAX_LABEL_LENGTH
from corecors._origins.public_suffixes import UNREGISTRABLE, has_public_suffix_at_or_below, is_public_suffix
from corecors._origins.regex.automaton import Automaton, Matcher, TooLarge
from corecors._origins.regex.syntax import ORIGIN_ALPHABET, parse_regex

FEW_LABELS = 128  # more than people list by hand
MAX_SUFFIXES = 4096  # more than any pattern of the permitted length can list; a product of classes can
MAX_WORK = 600_000  # steps of the analysis of all regexes of a policy, fixes included; some 0.2 s in CPython 3.11

# Supersets of what `parse_origin` accepts, as regexes of their own. A host whose last label is a number is an
# IPv4 address and no name (URL, "ends in a number checker").
_LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_PORT = "(?::[1-9][0-9]*)?"
_NAME = rf"(?:{_LABEL}\.)*[0-9]*[a-z_-](?:[a-z0-9_-]*[a-z0-9_])?"
_ADDRESS = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:]+\]"
_ORIGIN = rf"[a-z][a-z0-9+.-]*://(?:{_NAME}|{_ADDRESS}){_PORT}"
_WEB = rf"https?://{_NAME}{_PORT}"

# Public addresses; the dot or colon behind what has to be listed is the last one of its kind in each.
# Not public: this network, private ones, shared ones (RFC 6598), this machine, link-local ones, multicast and above.
_NUMBER = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PUBLIC_PAIR = "|".join(
    [
        r"(?:[1-9]|1[1-9]|[2-9][0-9]|10[1-9]|1[13458][0-9]|12[0-689]|16[0-8]|17[013-9]|19[013-9]|2[01][0-9]|22[0-3])"
        rf"\.{_NUMBER}",
        r"100\.(?:[1-5]?[0-9]|6[0-3]|12[89]|1[3-9][0-9]|2[0-9][0-9])",
        r"169\.(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-35])",
        r"172\.(?:[0-9]|1[0-5]|3[2-9]|[4-9][0-9]|1[0-9][0-9]|2[0-9][0-9])",
        r"192\.(?:[1-9]?[0-9]|1[0-57-9][0-9]|16[0-79]|2[0-9][0-9])",
    ]
)
_IPV4 = rf"https?://(?:{_PUBLIC_PAIR})\.{_NUMBER}\.{_NUMBER}{_PORT}"
_IPV6 = rf"https?://\[[23][0-9a-f]{{3}}:[0-9a-f]{{0,4}}:[0-9a-f:]*\]{_PORT}"  # 2000::/3, RFC 4291 2.4

# Hosts other than this machine: names below anything but `localhost`, addresses beyond 127.0.0.0/8 and [::1]
_LABEL_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789_-"
_NOT_LOCALHOST = "|".join(
    ["[0-9]+[a-z_-][a-z0-9_-]*", "[a-z_][a-z0-9_-]{0,7}", "[a-z_][a-z0-9_-]{9,}", "[a-km-z_][a-z0-9_-]{8}"]
    + [f"l[a-z0-9_-]{{{i}}}[{_LABEL_CHARS.replace(c, '')}][a-z0-9_-]{{{7 - i}}}" for i, c in enumerate("ocalhost")]
)
_NOT_127 = r"(?:[0-9]{1,2}|[02-9][0-9]{2}|1[013-9][0-9]|12[0-689])(?:\.[0-9]{1,3}){3}"
_NOT_COLON_COLON_1 = "[0-9a-f:]{1,2}|[0-9a-f:]{4,}|[0-9a-f][0-9a-f:]{2}|:[0-9a-f][0-9a-f:]|::[02-9a-f:]"
_ELSEWHERE = rf"(?:(?:{_LABEL}\.)*(?:{_NOT_LOCALHOST})|{_NOT_127}|\[(?:{_NOT_COLON_COLON_1})\])"
_INSECURE = rf"http://{_ELSEWHERE}{_PORT}"
_UNLIKELY_PORT = rf"https?://{_ELSEWHERE}:22"

START = 0  # the state before the first character; the others are the characters of the pattern, from 1 on
Pair: TypeAlias = tuple[int, int]  # a state of the regex, a state of the grammar
_BEGIN: Pair = (START, START)
_LABEL_EDGES = frozenset("./")  # what stands to the left of a label
_ADDRESS_EDGES = frozenset("/[")  # and of an address
_HOST_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


class Budget:
    """What is left of the work that the analysis of a policy's regexes may do."""

    __slots__ = ("left",)

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left: int = work

    def spend(self, work: int) -> None:
        self.left -= work
        if self.left < 0:
            raise TooLarge


class Strangers(NamedTuple):
    """Somebody that a regex lets in and does not name. `example` is an origin of theirs.

    `kind`: "domain", for a name that anyone can register below a top-level domain; "suffix", below a public suffix of
    more labels, which is `suffix`; "address", for a public IP address.
    """

    kind: Literal["domain", "suffix", "address"]
    suffix: str
    example: str


class Written(NamedTuple):
    """An automaton written out: `accepted[state]` leads into a state, `follow[state]` are the states after it."""

    accepted: list[frozenset[str]]
    follow: list[list[int]]
    ends: frozenset[int]


def written_out(automaton: Automaton, budget: Budget) -> Written:
    """The states of an automaton one by one. Raises `TooLarge`."""
    places = sorted(automaton.chars)
    number = {place: state for state, place in enumerate(places, start=1)}
    follow: list[list[int]] = []
    ends: list[int] = []
    for state, active in enumerate([automaton.start, *map(automaton.after, places)]):
        budget.spend(1 + active.bit_count())
        if automaton.accepts(active):
            ends.append(state)
        follow.append([number[place] for place in _places(active) if place in number])
    return Written([frozenset(), *(automaton.chars[place] for place in places)], follow, frozenset(ends))


def _places(active: int) -> Iterator[int]:
    while active:
        lowest = active & -active
        yield lowest.bit_length() - 1
        active ^= lowest


@cache
def _grammar(source: str) -> Written:
    return written_out(Automaton([parse_regex(source)]), Budget())


def accepts_every_origin(automaton: Automaton, budget: Budget) -> bool:
    """Whether a regex provably accepts every well-formed origin. Raises `TooLarge`."""
    origins = _every_origin()
    seen = {(automaton.start, origins.start)}
    waiting = list(seen)
    while waiting:
        active, place = waiting.pop()
        for char in ORIGIN_ALPHABET:
            if onward := origins.step(place, char):
                budget.spend(20)
                state = (automaton.step(active, char), onward)
                if not state[0] or (origins.accepts(onward) and not automaton.accepts(state[0])):
                    return False
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
    return True


@cache
def _every_origin() -> Automaton:
    return Automaton([parse_regex(_ORIGIN)])


def example_origin(regex: Written, budget: Budget) -> str | None:
    """A short well-formed origin that a regex accepts; None where there is none."""
    return _Product(regex, _grammar(_ORIGIN), budget).shortest()


def insecure_example(regex: Written, budget: Budget) -> str | None:
    """A short origin of plain HTTP, this machine excepted, that a regex accepts; None where there is none."""
    return _Product(regex, _grammar(_INSECURE), budget).shortest()


def any_port_example(automaton: Automaton, regex: Written, budget: Budget) -> str | None:
    """An origin on an unlikely port, of a host other than this machine, whose other ports a regex accepts too."""
    found = _Product(regex, _grammar(_UNLIKELY_PORT), budget).shortest()
    if found is None:
        return None
    matches = Matcher(automaton).matches
    return found if all(matches(found.removesuffix(":22") + port) for port in (":6379", ":61234")) else None


def strangers(regex: Written, budget: Budget) -> Iterator[Strangers]:
    """Whom a regex lets in without naming them; of each suffix and kind of address one. Raises `TooLarge`."""
    product = _Product(regex, _grammar(_WEB), budget)
    seen = 0
    waiting = deque([("", product.host_ends())])
    while waiting:
        suffix, ends = waiting.popleft()
        if suffix in UNREGISTRABLE or (suffix and not has_public_suffix_at_or_below(suffix)):
            continue  # whatever is further left belongs to the one who has this domain
        free = product.free_text(ends, _LABEL_EDGES, MAX_LABEL_LENGTH)
        if free is None:
            for label, rest in product.labels(ends).items():
                seen += 1
                if below := product.to_the_left(rest).get("."):
                    waiting.append((f"{label}.{suffix}" if suffix else label, below))
            if seen > MAX_SUFFIXES:
                raise TooLarge
            continue
        label, rest = free
        if not suffix:
            # One that anyone recognises. After `example\\.com.*`, `.com` alone would be the domain that was meant.
            label, rest = product.read_leftwards(ends, ".evil.com") or product.read_leftwards(ends, ".com") or free
        elif not is_public_suffix(suffix):  # there are public suffixes below it: is anything to the left?
            below = product.to_the_left(rest).get(".")
            if below is None:
                continue
            label, rest = f".{label}", below
        host = f"{product.shortest_before(rest)}{label}.{suffix}".removesuffix(".")
        kind: Literal["domain", "suffix"] = "suffix" if "." in suffix else "domain"
        yield Strangers(kind, suffix, product.completed(host, _PORT))
    for grammar, mark, longest in ((_IPV4, ".", len("255.255.255")), (_IPV6, ":", len("2001:0db8"))):
        product = _Product(regex, _grammar(grammar), budget)
        text = product.free_text(product.before_last(mark), _ADDRESS_EDGES, longest)
        if text is not None:
            owned, rest = text
            yield Strangers("address", "", product.completed(f"{product.shortest_before(rest)}{owned}{mark}", ".*"))


class _Product:
    """The origins that both a regex and a grammar accept: an automaton of their pairs of states, without dead ends.

    Texts are read from right to left. A set of pairs stands for "one of these accepts the next character".
    """

    def __init__(self, automaton: Written, grammar: Written, budget: Budget) -> None:
        self.budget = budget
        self.regex = automaton
        self.grammar = grammar
        self.port_colon = max((place for place, chars in enumerate(grammar.accepted) if chars == {":"}), default=0)
        ahead: dict[Pair, list[Pair]] = {}
        waiting = [_BEGIN]
        while waiting:
            pair = waiting.pop()
            if pair in ahead:
                continue
            self.budget.spend(4 + len(automaton.follow[pair[0]]) * len(grammar.follow[pair[1]]))
            ahead[pair] = [
                (state, place)
                for state in automaton.follow[pair[0]]
                for place in grammar.follow[pair[1]]
                if not automaton.accepted[state].isdisjoint(grammar.accepted[place])
            ]
            waiting += ahead[pair]
        behind: dict[Pair, list[Pair]] = {pair: [] for pair in ahead}
        for pair, targets in ahead.items():
            for target in targets:
                behind[target].append(pair)
        self.ends = {pair for pair in ahead if pair[0] in automaton.ends and pair[1] in grammar.ends}
        alive: set[Pair] = set()
        waiting = list(self.ends)
        while waiting:
            pair = waiting.pop()
            if pair not in alive:
                alive.add(pair)
                waiting += behind[pair]
        self.chars = {pair: automaton.accepted[pair[0]] & grammar.accepted[pair[1]] for pair in alive if pair != _BEGIN}
        self.behind = {pair: behind[pair] for pair in alive}
        self.ahead = {pair: [target for target in ahead[pair] if target in alive] for pair in alive}
        self.distance = self.distances_to_label_edge()
        self.known_left: dict[frozenset[Pair], dict[str, frozenset[Pair]]] = {}
        self.known_distance: dict[frozenset[Pair], int] = {}

    def distances_to_label_edge(self) -> dict[Pair, int]:
        """How many characters to the left the next label's edge is, at least: so that no search runs into the void."""
        distances = {pair: 0 for pair, chars in self.chars.items() if not chars.isdisjoint(_LABEL_EDGES)}
        distances[_BEGIN] = 0
        waiting = deque(distances)
        while waiting:
            pair = waiting.popleft()
            for target in self.ahead.get(pair, ()):
                if target not in distances:
                    distances[target] = distances[pair] + 1
                    waiting.append(target)
        return distances

    def to_the_left(self, pairs: frozenset[Pair]) -> dict[str, frozenset[Pair]]:
        """The pairs further left, for each character that can be read at `pairs`."""
        known = self.known_left.get(pairs)
        if known is not None:
            return known
        by_chars: dict[frozenset[str], set[Pair]] = {}
        for pair in pairs - {_BEGIN}:
            by_chars.setdefault(self.chars[pair], set()).update(self.behind[pair])
        self.budget.spend(len(pairs) + len(by_chars) * len(ORIGIN_ALPHABET))
        unions: dict[tuple[frozenset[str], ...], frozenset[Pair]] = {}
        left: dict[str, frozenset[Pair]] = {}
        for char in ORIGIN_ALPHABET:
            if sets := tuple(chars for chars in by_chars if char in chars):
                if sets not in unions:
                    unions[sets] = frozenset().union(*(by_chars[chars] for chars in sets))
                left[char] = unions[sets]
        self.known_left[pairs] = left
        return left

    def read_leftwards(self, pairs: frozenset[Pair], text: str) -> tuple[str, frozenset[Pair]] | None:
        """`text`, and the pairs to its left where it can end at `pairs`; None where it can't."""
        for char in reversed(text):
            onward = self.to_the_left(pairs).get(char)
            if onward is None:
                return None
            pairs = onward
        return text, pairs

    def to_label_edge(self, pairs: frozenset[Pair]) -> int:
        """How many characters to the left the label's edge is, at least."""
        if pairs not in self.known_distance:
            self.known_distance[pairs] = min(self.distance[pair] for pair in pairs)
        return self.known_distance[pairs]

    def host_ends(self) -> frozenset[Pair]:
        """The pairs that can accept a host's last character."""
        after_host = {pair for pair in self.ahead if pair[1] == self.port_colon}
        ends = {pair for pair in self.ends if pair[1] < self.port_colon}
        return frozenset(ends | {left for pair in after_host for left in self.behind[pair]})

    def before_last(self, mark: str) -> frozenset[Pair]:
        """The pairs to the left of the last place of the grammar that accepts `mark` alone."""
        place = max(place for place, chars in enumerate(self.grammar.accepted[: self.port_colon]) if chars == {mark})
        return frozenset(left for pair in self.ahead if pair[1] == place for left in self.behind[pair])

    def free_text(
        self, ends: frozenset[Pair], edges: frozenset[str], longest: int
    ) -> tuple[str, frozenset[Pair]] | None:
        """A text between edges that can stand at `ends`, with the pairs to its left, if it is free; None if not.

        Texts are counted length by length. Those that lead to the same pairs share one entry, so that their number
        may grow but not the work.
        """
        any_of_several = self.has_choice(ends, edges)
        layer = {ends: (1, "")}
        total, most = 0, 0
        commonest = ("", ends)  # an example from where there are most: hardly the name that was meant
        for _ in range(longest):
            longer: dict[frozenset[Pair], tuple[int, str]] = {}
            for pairs, (number, text) in layer.items():
                onward = self.to_the_left(pairs)
                self.budget.spend(1 + len(onward))
                for char, left in onward.items():
                    if char not in edges:
                        known, example = longer.get(left, (0, char + text))
                        longer[left] = (known + number, example)
            layer = longer
            for pairs, (number, text) in layer.items():
                if not self.to_the_left(pairs).keys().isdisjoint(edges):
                    total += number
                    if number >= most:
                        most, commonest = number, (text, pairs)
            if total > FEW_LABELS:
                return commonest
        return commonest if any_of_several and total else None

    def has_choice(self, ends: frozenset[Pair], edges: frozenset[str]) -> bool:
        """Whether a character of the text between edges that can stand at `ends` is written as any out of several."""
        seen = set(ends)
        waiting = list(ends)
        while waiting:
            pair = waiting.pop()
            if pair == _BEGIN or self.chars[pair] <= edges:
                continue
            if len(self.regex.accepted[pair[0]] & _HOST_CHARS) > 1:
                return True
            self.budget.spend(1 + len(self.behind[pair]))
            for left in self.behind[pair]:
                if left not in seen:
                    seen.add(left)
                    waiting.append(left)
        return False

    def completed(self, start: str, rest: str) -> str:
        """A shortest origin that both accept and that begins with `start`, or `start` itself where there is none."""
        grammar = written_out(Automaton([parse_regex(re.escape(start) + rest)]), self.budget)
        return _Product(self.regex, grammar, self.budget).shortest() or start

    def labels(self, ends: frozenset[Pair]) -> dict[str, frozenset[Pair]]:
        """The labels that can stand at `ends`, known to be few, each with the pairs to its left."""
        labels: dict[str, frozenset[Pair]] = {}
        waiting = [("", ends)]
        while waiting:
            label, pairs = waiting.pop()
            onward = self.to_the_left(pairs)
            self.budget.spend(1 + len(onward))
            if label and not onward.keys().isdisjoint(_LABEL_EDGES):
                labels[label] = pairs
            for char, left in onward.items():
                if char not in _LABEL_EDGES and len(label) + 1 + self.to_label_edge(left) <= MAX_LABEL_LENGTH:
                    waiting.append((char + label, left))
        return labels

    def shortest(self) -> str | None:
        """A shortest text that both accept; None where there is none."""
        return self.shortest_before(self.ends)

    def shortest_before(self, pairs: AbstractSet[Pair]) -> str | None:
        """A shortest text that can stand to the left of what was read so far."""
        texts = dict.fromkeys(pairs, "")
        waiting = deque(texts)
        while waiting:
            pair = waiting.popleft()
            if pair == _BEGIN:
                return texts[pair]
            char = min(self.chars[pair], key=ORIGIN_ALPHABET.index)  # letters first, so that examples read like names
            for left in self.behind[pair]:
                if left not in texts:
                    texts[left] = char + texts[pair]
                    waiting.append(left)
        return None
