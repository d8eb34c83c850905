"""Does this origin match? One question, asked of listed origins, patterns and regular expressions together.

The cost does not grow with the number of entries. An origin that is listed whole is one look-up in a set. Patterns are
grouped by the domain that ends them: `https://*.example.com` is a look-up of the origin's own suffixes, at those depths
(numbers of labels) alone that some pattern has; `https://pr-*.example.com` is a look-up of what follows the origin's
first label, then of that label's beginnings and ends, at those lengths alone that some pattern of that domain has.
Sets keyed by whole strings, no tree: the clever structure of another library once let in `barfoo.com` for `foo.com`.
"""

from collections.abc import Iterable
from typing import Final, Protocol, TypeAlias

from corecors._origins.parsing import MAX_ORIGIN_LENGTH, PUNYCODE, is_serialised
from corecors._origins.patterns import OriginPattern

NULL_ORIGIN: Final = "null"

_Endings: TypeAlias = tuple[tuple[int, ...], frozenset[str]]  # their lengths, ascending, and the texts themselves
_Labels: TypeAlias = tuple[tuple[int, ...], dict[str, _Endings]]  # lengths of the beginnings, and the ends of each


class Regexes(Protocol):
    """The regular expressions of a policy, as far as matching needs them."""

    def matches(self, origin: str) -> bool:
        """Whether one of them accepts the whole of a well-formed origin."""
        ...


class OriginMatcher:
    """Whether a policy's own text lets an origin in. Immutable, and the same question always has the same answer."""

    def __init__(
        self,
        exact: Iterable[str] = (),
        patterns: Iterable[OriginPattern] = (),
        regexes: Regexes | None = None,
        *,
        any_origin: bool = False,
        null: bool = False,
    ) -> None:
        """`exact` holds serialised origins, `patterns` the entries with a wildcard (exact ones are welcome too)."""
        wildcards = list(patterns)
        listed = [str(pattern.origin) for pattern in wildcards if pattern.is_exact]
        self.exact: frozenset[str] = frozenset(exact).union(listed) if listed else frozenset(exact)
        self.any_origin: bool = any_origin
        below = [p for p in wildcards if p.any_subdomain]
        depths = {p.origin.host.count(".") + 1 for p in below}
        self._any_port = frozenset(str(p.origin) for p in wildcards if p.any_port and not p.has_wildcard_host)
        self._suffixes = frozenset(_ending(p) for p in below if not p.any_port)
        self._any_port_suffixes = frozenset(_ending(p) for p in below if p.any_port)
        self._depths = tuple(depth in depths for depth in range(1, max(depths) + 1)) if below else ()
        self._labels = _labels_by_domain(p for p in wildcards if not p.any_port)
        self._any_port_labels = _labels_by_domain(p for p in wildcards if p.any_port)
        self._regexes = regexes
        self._allows_null = null
        # Nothing but `exact` has to be asked.
        self.exact_only: bool = not (any_origin or null or regexes is not None or len(wildcards) > len(listed))
        # No longer origin can match: a guard to try before hashing what an attacker sent.
        self.longest: int = max(map(len, self.exact), default=0) if self.exact_only else MAX_ORIGIN_LENGTH

    def matches(self, origin: str) -> bool:
        """Whether `origin`, the value of an `Origin` header and so any text at all, is allowed by the policy's text.

        `null` is allowed by `null=True` alone: no pattern and no regular expression sees it, nor any malformed origin.
        """
        if self.any_origin:
            return True
        if len(origin) > self.longest:
            return False
        return origin in self.exact or (not self.exact_only and self._matches_a_rule(origin))

    def _matches_a_rule(self, origin: str) -> bool:
        if origin == NULL_ORIGIN:
            return self._allows_null
        # What ends like no pattern is not parsed for one, because a look-up is cheap and a parse is not. What does is
        # parsed before it counts.
        if self._resembles_a_pattern(origin):
            return is_serialised(origin)
        return self._regexes is not None and is_serialised(origin) and self._regexes.matches(origin)

    def _resembles_a_pattern(self, origin: str) -> bool:
        """Whether a text is one that some pattern matches, provided that the text is a well-formed origin."""
        if self._any_port and (origin in self._any_port or origin[: origin.rfind(":")] in self._any_port):
            return True
        scheme, _, rest = origin.partition("://")
        host = rest.partition(":")[0]
        return bool(
            (self._depths and self._has_suffix(scheme, host, rest))
            or (self._labels and _has_label(self._labels, scheme, host, rest))
            or (self._any_port_labels and _has_label(self._any_port_labels, scheme, host, host))
        )

    def _has_suffix(self, scheme: str, host: str, rest: str) -> bool:
        suffixes, any_port_suffixes = self._suffixes, self._any_port_suffixes
        # Suffixes keep their leading dot and come right to left; a dot at 0 has no label before it.
        dot = len(host)
        for occurs in self._depths:
            dot = host.rfind(".", 1, dot)
            if dot < 0:
                return False
            if occurs and (f"{scheme}://{rest[dot:]}" in suffixes or f"{scheme}://{host[dot:]}" in any_port_suffixes):
                return True
        return False


def _ending(pattern: OriginPattern) -> str:
    """What surrounds the wildcard: "https://.example.com", "https://.example.com:8443"."""
    return str(pattern.origin).replace("://", "://.")


def _labels_by_domain(patterns: Iterable[OriginPattern]) -> dict[str, _Labels]:
    """The two ends of each label with a wildcard inside, by what surrounds the label."""
    found: dict[str, dict[str, set[str]]] = {}
    for pattern in patterns:
        if pattern.label is not None:
            begin, end = pattern.label
            ends = found.setdefault(_ending(pattern), {})
            ends.setdefault(begin, set()).add(end)
    return {
        key: (_lengths(by_begin), {begin: (_lengths(ends), frozenset(ends)) for begin, ends in by_begin.items()})
        for key, by_begin in found.items()
    }


def _lengths(texts: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted(set(map(len, texts))))


def _has_label(labels: dict[str, _Labels], scheme: str, host: str, rest: str) -> bool:
    """Whether the first label of `host` lies between the two ends that some pattern of its domain has.

    `rest` is the host, with the port where that counts. A label has at most 63 characters, so there are at most as many
    beginnings and ends to look up, whatever the number of patterns.
    """
    dot = host.find(".")
    found = labels.get(f"{scheme}://{rest[dot:]}")
    if found is None:
        return False
    label = host[:dot]
    if label.startswith(PUNYCODE):
        return False  # what reads as `x*` is another name to a browser: a Unicode one
    lengths, ends_by_begin = found
    for length in lengths:
        if length >= dot:
            return False
        begin = label[:length]
        ends = ends_by_begin.get(begin)
        if ends is None:
            continue
        for end_length in ends[0]:
            if length + end_length >= dot:
                break
            # Of what a label may hold, the wildcard stands for all but the underscore.
            if label[dot - end_length :] in ends[1] and "_" not in label[length : dot - end_length]:
                return True
    return False
