"""Whom does a regex let in? What can be told of the set of origins that it accepts, from its automaton.

Facts
-----
Whoever owns a registrable domain (`example.com`) owns every host below it, and anyone can register one that is free.
So a regex names somebody only as far as it pins a host's *last* labels: `.*\\.example\\.com` does, `.*example\\.com`
lets `evilexample.com` in, and `localhost.*` lets `localhost.evil.com` in. Hosts are therefore read here from the right,
label by label: a suffix below which a regex accepts more labels than people would list (`FEW_LABELS`) is *open*.

Names below the top-level domains of `UNREGISTRABLE` are nobody's to register; IP addresses are asked for separately.
Everything is told of the automaton and not by running the regex, which might hang. What the automaton overstates (a
lookahead, say) is overstated here too: the regex is then said to let in more than it does, never less.
"""

import re
from collections import deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import cache
from typing import NamedTuple, TypeAlias

from corecors._origins.regex.ambiguity import START, Automaton, Budget, TooLarge, build_automaton
from corecors._origins.regex.syntax import ORIGIN_ALPHABET, parse_regex

FEW_LABELS = 128  # between what people list (or `[0-9]{2}`) and the 676 of `[a-z]{2}`
MAX_SUFFIXES = 4096  # more than any pattern of the permitted length can list; a product of classes can
MAX_LABEL_LENGTH = 63  # RFC 1035 2.3.4
MAX_WORK = 400_000  # steps of one regex's analysis, some 50 ms in CPython 3.11

# RFC 6761, RFC 6762, RFC 9476 and ICANN's reservation of .internal (2024): never delegated in the public DNS
UNREGISTRABLE = frozenset({"alt", "example", "internal", "invalid", "local", "localhost", "onion", "test"})

# Supersets of what `origins.parse_origin` accepts, as regexes of their own. A host whose last label is a number is an
# IPv4 address and no name (URL, "ends in a number checker").
_LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_PORT = "(?::[1-9][0-9]*)?"
_NAME = rf"(?:{_LABEL}\.)*[0-9]*[a-z_-](?:[a-z0-9_-]*[a-z0-9_])?"
_ORIGIN = rf"[a-z][a-z0-9+.-]*://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:]+\]){_PORT}"
_WEB = rf"https?://{_NAME}{_PORT}"

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

Pair: TypeAlias = tuple[int, int]  # a state of the regex, a state of the grammar
_BEGIN: Pair = (START, START)
_LABEL_EDGES = frozenset("./")  # what stands to the left of a label

# Names and addresses that no regex was written for: one that accepts all of a row accepts anybody. The rows differ in
# the number of labels, because `https://\w+\.\w+` means anybody too.
_STRANGERS = (
    ("kwzqvu.com", "xoqjrf.net", "pvyqzw.org", "jzfkqx.dev", "qyxwvz.io"),
    ("www.kwzqvu.com", "abc.xoqjrf.net", "mnp.pvyqzw.org", "app.jzfkqx.dev", "xyz.qyxwvz.io"),
    ("a.www.kwzqvu.com", "b.abc.xoqjrf.net", "c.mnp.pvyqzw.org", "d.app.jzfkqx.dev", "e.xyz.qyxwvz.io"),
)
_PUBLIC_ADDRESSES = (
    ("5.45.67.89", "23.145.167.189", "54.76.98.32", "91.203.145.77", "147.45.62.201", "203.145.67.8"),
    ("[2a01:4f8:c17:b8f::2]", "[2606:4700:20::681a:1]", "[2001:41d0:8:e8ad::1]"),
)


class OpenSuffix(NamedTuple):
    """The end of a host below which a regex accepts nearly any label; "" is the end of the name. One origin of many."""

    suffix: str
    example: str


@cache
def _grammar(source: str) -> Automaton:
    return build_automaton(parse_regex(source))


def accepts_anybody(accepts: Callable[[str], bool]) -> bool:
    """Whether a regex accepts hosts at unrelated registrable domains as `.*` does, over some scheme, port or none."""
    return any(
        all(accepts(f"{scheme}://{host}{port}") for host in row)
        for scheme in ("https", "http")
        for port in ("", ":3000", ":8443")
        for row in _STRANGERS
    )


def public_address_example(automaton: Automaton) -> str | None:
    """One of several diverse public IP addresses that a regex accepts; None where it accepts at most one."""
    for addresses in _PUBLIC_ADDRESSES:
        accepted = [
            _Product(automaton, _grammar(f"https?://{re.escape(host)}{_PORT}")).shortest() for host in addresses
        ]
        found = [origin for origin in accepted if origin is not None]
        if len(found) > 1:
            return found[0]
    return None


def example_origin(automaton: Automaton) -> str | None:
    """A short well-formed origin that a regex accepts; None where there is none."""
    return _Product(automaton, _grammar(_ORIGIN)).shortest()


def insecure_example(automaton: Automaton) -> str | None:
    """A short origin of plain HTTP, this machine excepted, that a regex accepts; None where there is none."""
    return _Product(automaton, _grammar(_INSECURE)).shortest()


def any_port_example(automaton: Automaton) -> str | None:
    """An origin on an unlikely port, of a host other than this machine, whose other ports a regex accepts too."""
    found = _Product(automaton, _grammar(_UNLIKELY_PORT)).shortest()
    if found is None or not all(automaton.accepts(found.removesuffix(":22") + port) for port in (":6379", ":61234")):
        return None
    return found


def open_suffixes(automaton: Automaton) -> list[OpenSuffix]:
    """The suffixes below which a regex accepts more than `FEW_LABELS` labels, the shortest suffix of each host only.

    Looks at names over HTTP(S), whatever the port. Raises `TooLarge`.
    """
    product = _Product(automaton, _grammar(_WEB))
    found: list[OpenSuffix] = []
    seen = 0
    waiting = deque([("", product.host_ends())])
    while waiting:
        suffix, ends = waiting.popleft()
        if suffix in UNREGISTRABLE:
            continue
        example = product.one_of_many(ends)
        labels = {} if example else product.labels(ends)
        seen += len(labels)
        if seen > MAX_SUFFIXES:
            raise TooLarge
        if example:
            label, rest = example
            host = f"{product.shortest_before(rest)}{label}.{suffix}".removesuffix(".")
            with_port = _Product(automaton, build_automaton(parse_regex(re.escape(host) + _PORT))).shortest()
            found.append(OpenSuffix(suffix, with_port or host))
        for label, rest in labels.items():
            if below := product.to_the_left(rest).get("."):
                waiting.append((f"{label}.{suffix}" if suffix else label, below))
    return found


class _Product:
    """The origins that both a regex and a grammar accept: an automaton of their pairs of states, without dead ends.

    Texts are read from right to left. A set of pairs stands for "one of these accepts the next character".
    """

    def __init__(self, automaton: Automaton, grammar: Automaton) -> None:
        self.budget = Budget(MAX_WORK)
        self.grammar = grammar
        ahead: dict[Pair, list[Pair]] = {}
        waiting = [_BEGIN]
        while waiting:
            pair = waiting.pop()
            if pair in ahead:
                continue
            self.budget.spend(1 + len(automaton.follow[pair[0]]) * len(grammar.follow[pair[1]]))
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

    def to_label_edge(self, pairs: frozenset[Pair]) -> int:
        """How many characters to the left the label's edge is, at least."""
        if pairs not in self.known_distance:
            self.known_distance[pairs] = min(self.distance[pair] for pair in pairs)
        return self.known_distance[pairs]

    def host_ends(self) -> frozenset[Pair]:
        """The pairs that can accept a host's last character."""
        port_colon = max(place for place, chars in enumerate(self.grammar.accepted) if chars == {":"})
        after_host = {pair for pair in self.ahead if pair[1] == port_colon}
        ends = {pair for pair in self.ends if pair[1] < port_colon}
        return frozenset(ends | {left for pair in after_host for left in self.behind[pair]})

    def one_of_many(self, ends: frozenset[Pair]) -> tuple[str, frozenset[Pair]] | None:
        """A label that can stand at `ends`, with the pairs to its left, if more than FEW_LABELS can; else None.

        Labels are counted length by length. Those that lead to the same pairs share one entry, so that their number
        may grow but not the work.
        """
        layer = {ends: (1, "")}
        total, most, commonest = (
            0,
            0,
            ("", ends),
        )  # an example from where there are most: hardly the name that was meant
        for _ in range(MAX_LABEL_LENGTH):
            longer: dict[frozenset[Pair], tuple[int, str]] = {}
            for pairs, (number, label) in layer.items():
                onward = self.to_the_left(pairs)
                self.budget.spend(1 + len(onward))
                for char, left in onward.items():
                    if char not in _LABEL_EDGES:
                        known, example = longer.get(left, (0, char + label))
                        longer[left] = (known + number, example)
            layer = longer
            for pairs, (number, label) in layer.items():
                if not self.to_the_left(pairs).keys().isdisjoint(_LABEL_EDGES):
                    total += number
                    if number > most:
                        most, commonest = number, (label, pairs)
            if total > FEW_LABELS:
                return commonest
        return None

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
