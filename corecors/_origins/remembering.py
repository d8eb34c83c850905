"""The matcher that the two old paths of a decision ask, until `Rules` takes their place."""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Protocol

from corecors._origins.matching import OriginMatcher
from corecors._origins.parsing import MAX_ORIGIN_LENGTH, read_origin
from corecors._origins.patterns import OriginPattern

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


class RememberingMatcher:
    """Matches serialised origins against a policy's origin fields. Immutable but for a bounded memo."""

    __slots__ = (
        "_any_port",
        "_any_port_suffixes",
        "_depths",
        "_exact",
        "_has_labels",
        "_labels",
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
        patterns: Sequence[OriginPattern] = (),
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
        wildcards = [pattern for pattern in patterns if pattern.label is None]
        self._labels = OriginMatcher(patterns=[pattern for pattern in patterns if pattern.label is not None])
        self._has_labels = not self._labels.exact_only
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
        self.any_origin: bool = any_origin
        self.exact_only: bool = not (
            any_origin or not self._labels.exact_only or wildcards or self._regexes or predicate or null
        )
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
        return not self.exact_only and (origin in self._remembered or self._find(origin) is not None)

    def match(self, origin: str) -> Match:
        """The same decision as `matches`, with what made it."""
        if self.any_origin:
            return Match.ANY
        if len(origin) > MAX_ORIGIN_LENGTH:
            return Match.MALFORMED
        if origin in self._exact:
            return Match.EXACT
        found = self._remembered.get(origin) or self._find(origin)
        if found is not None:
            return found
        if origin == NULL_ORIGIN:
            return Match.NONE if self._null else Match.NULL_REFUSED
        return Match.MALFORMED if read_origin(origin) is None else Match.NONE

    def _find(self, origin: str) -> Match | None:
        """What lets an origin in that is not listed whole; None where nothing does."""
        if origin == NULL_ORIGIN:
            if self._null is Match.PREDICATE and not self._asks_predicate(origin):
                return None
            return self._null
        # A suffix is cheap to look up and a parse is not, so what has no known suffix is not parsed. Whatever has one
        # is, before it counts.
        if self._depths and self._has_suffix(origin) and read_origin(origin) is not None:
            return self._remember(origin, Match.PATTERN)
        if self._has_labels and self._labels.matches(origin):
            return self._remember(origin, Match.PATTERN)
        if not (self._any_port or self._regexes or self._predicate):
            return None
        parsed = read_origin(origin)
        if parsed is None:
            return None
        if self._any_port and (origin if parsed.port is None else origin[: origin.rindex(":")]) in self._any_port:
            return self._remember(origin, Match.PATTERN)
        if any(fullmatch(origin) for fullmatch in self._regexes):
            return self._remember(origin, Match.REGEX)
        # A predicate's answer may change from call to call, so it is never remembered.
        return Match.PREDICATE if self._asks_predicate(origin) else None

    def _asks_predicate(self, origin: str) -> bool:
        # Only True itself lets in: a coroutine that nobody awaited is truthy too.
        return self._predicate is not None and self._predicate(origin) is True

    def _has_suffix(self, origin: str) -> bool:
        """Whether a text ends as some pattern with a wildcard for subdomains says, at least one character before it."""
        scheme, _, rest = origin.partition("://")
        suffixes = self._suffixes.get(scheme, _NOTHING)
        any_port_suffixes = self._any_port_suffixes.get(scheme, _NOTHING)
        if not (suffixes or any_port_suffixes):
            return False
        host = rest.partition(":")[0]
        # Suffixes keep their leading dot and come right to left; a dot at 0 has no label before it.
        dot = len(host)
        for occurs in self._depths:
            dot = host.rfind(".", 1, dot)
            if dot < 0:
                return False
            if occurs and (rest[dot:] in suffixes or host[dot:] in any_port_suffixes):
                return True
        return False

    def _remember(self, origin: str, match: Match) -> Match:
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[origin] = match
        return match


_NOTHING: frozenset[str] = frozenset()


def _by_scheme(patterns: Iterable[OriginPattern]) -> dict[str, frozenset[str]]:
    """Suffixes as they end an origin (".example.com", ".example.com:8443"), for each scheme."""
    found: dict[str, set[str]] = {}
    for pattern in patterns:
        scheme = pattern.origin.scheme
        found.setdefault(scheme, set()).add("." + str(pattern.origin).removeprefix(f"{scheme}://"))
    return {scheme: frozenset(suffixes) for scheme, suffixes in found.items()}
