"""Does this origin match? One question, asked of patterns, regexes and a predicate together.

The cost does not grow with the number of entries: exact origins are one look-up in a set; a wildcard pattern is a
look-up of the origin's own suffix, and only at the depths (numbers of labels) that some pattern has. Sets keyed by
whole strings, no tree: the clever structure of another library once let `barfoo.com` in through `foo.com`.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Protocol

from corecors.origins import MAX_ORIGIN_LENGTH, read_origin
from corecors.patterns import OriginPattern

NULL_ORIGIN = "null"
MAX_REMEMBERED = 1024  # accepted origins; an attacker below an allowed wildcard can use them up, at no gain


class Match(Enum):
    """What let an origin in, or why nothing did."""

    ANY = "any origin is allowed"
    EXACT = "listed"
    NULL = "the null origin is allowed"
    PATTERN = "a wildcard pattern"
    REGEX = "a regular expression"
    PREDICATE = "the predicate"
    MALFORMED = "not a serialised origin"
    NULL_REFUSED = "the null origin is not allowed"
    NONE = "nothing matches"


class SupportsFullmatch(Protocol):
    """A compiled regular expression, as far as matching needs one."""

    @property
    def fullmatch(self) -> Callable[[str], object | None]: ...


class OriginMatcher:
    """Matches serialised origins against a policy's origin fields. Immutable but for a bounded memo."""

    __slots__ = (
        "_any_port",
        "_any_port_suffixes",
        "_depths",
        "_exact",
        "_longest",
        "_null",
        "_predicate",
        "_regexes",
        "_remembered",
        "_suffixes",
        "any_origin",
        "exact_only",
    )

    def __init__(
        self,
        exact: Iterable[str] = (),
        patterns: Iterable[OriginPattern] = (),
        regexes: Iterable[SupportsFullmatch] = (),
        predicate: Callable[[str], bool] | None = None,
        *,
        any_origin: bool = False,
        null: bool = False,
        null_by_predicate: bool = False,
    ) -> None:
        """`exact` holds serialised origins, `patterns` the entries with a wildcard (exact ones are welcome too).

        With `null_by_predicate` the predicate has to agree before `null` matches.
        """
        wildcards = list(patterns)
        listed = [str(pattern.origin) for pattern in wildcards if pattern.is_exact]
        self._exact = frozenset(exact).union(listed) if listed else frozenset(exact)
        self._any_port = frozenset(str(p.origin) for p in wildcards if p.any_port and not p.any_subdomain)
        self._suffixes = _by_scheme(p for p in wildcards if p.any_subdomain and not p.any_port)
        self._any_port_suffixes = _by_scheme(p for p in wildcards if p.any_subdomain and p.any_port)
        depths = {p.origin.host.count(".") + 1 for p in wildcards if p.any_subdomain}
        self._depths = tuple(i in depths for i in range(1, max(depths) + 1)) if depths else ()
        self._regexes = tuple(regex.fullmatch for regex in regexes)
        self._predicate = predicate
        self._null: Match | None = None
        if null:
            self._null = Match.PREDICATE if null_by_predicate else Match.NULL
        self.any_origin = any_origin
        self.exact_only = not (any_origin or wildcards or self._regexes or predicate or null)
        self._longest = max(map(len, self._exact), default=0) if self.exact_only else MAX_ORIGIN_LENGTH
        self._remembered: dict[str, Match] = {}

    @property
    def longest(self) -> int:
        """No longer origin can match: a guard to try before hashing what an attacker sent."""
        return self._longest

    @property
    def exact(self) -> frozenset[str]:
        """The origins that are listed whole."""
        return self._exact

    def matches(self, origin: str) -> bool:
        """Whether `origin`, the value of an `Origin` header, may read what the policy protects."""
        if self.any_origin:
            return True
        if len(origin) > self._longest:
            return False
        if origin in self._exact:
            return True
        if self.exact_only:
            return False
        return origin in self._remembered or self._search(origin) in _LET_IN

    def match(self, origin: str) -> Match:
        """The same decision as `matches`, with what made it."""
        if self.any_origin:
            return Match.ANY
        if len(origin) > MAX_ORIGIN_LENGTH:
            return Match.MALFORMED
        if origin in self._exact:
            return Match.EXACT
        return self._remembered.get(origin) or self._search(origin)

    def _search(self, origin: str) -> Match:
        if origin == NULL_ORIGIN:
            return self._search_null()
        parsed = read_origin(origin)
        if parsed is None:
            return Match.MALFORMED
        if self._matches_pattern(origin, parsed.scheme, parsed.host, parsed.port):
            return self._remember(origin, Match.PATTERN)
        if any(fullmatch(origin) for fullmatch in self._regexes):
            return self._remember(origin, Match.REGEX)
        # A predicate's answer may change from call to call, so it is never remembered.
        return Match.PREDICATE if self._asks_predicate(origin) else Match.NONE

    def _search_null(self) -> Match:
        if self._null is Match.PREDICATE:
            return Match.PREDICATE if self._asks_predicate(NULL_ORIGIN) else Match.NONE
        return self._null or Match.NULL_REFUSED

    def _asks_predicate(self, origin: str) -> bool:
        # Only True itself lets in: a coroutine that nobody awaited is truthy too.
        return self._predicate is not None and self._predicate(origin) is True

    def _matches_pattern(self, origin: str, scheme: str, host: str, port: int | None) -> bool:
        without_port = origin if port is None else origin[: origin.rindex(":")]
        if without_port in self._any_port:
            return True
        suffixes = self._suffixes.get(scheme, _NOTHING)
        any_port_suffixes = self._any_port_suffixes.get(scheme, _NOTHING)
        if not (suffixes or any_port_suffixes):
            return False
        # Suffixes keep their leading dot and come right to left, so one label at least always stands before a match.
        dot = len(without_port)
        first = len(scheme) + len("://")
        for occurs in self._depths:
            dot = without_port.rfind(".", first, dot)
            if dot < 0:
                return False
            if occurs and (origin[dot:] in suffixes or without_port[dot:] in any_port_suffixes):
                return True
        return False

    def _remember(self, origin: str, match: Match) -> Match:
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[origin] = match
        return match


_LET_IN = frozenset({Match.ANY, Match.EXACT, Match.NULL, Match.PATTERN, Match.REGEX, Match.PREDICATE})
_NOTHING: frozenset[str] = frozenset()


def _by_scheme(patterns: Iterable[OriginPattern]) -> dict[str, frozenset[str]]:
    """Suffixes as they end an origin (".example.com", ".example.com:8443"), for each scheme."""
    found: dict[str, set[str]] = {}
    for pattern in patterns:
        scheme = pattern.origin.scheme
        found.setdefault(scheme, set()).add("." + str(pattern.origin).removeprefix(f"{scheme}://"))
    return {scheme: frozenset(suffixes) for scheme, suffixes in found.items()}
