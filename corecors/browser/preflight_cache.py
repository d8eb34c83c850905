"""The preflight cache: what a browser remembers of a preflight, and for how long.

Facts
-----
An entry belongs to the page's origin, the exact URL and whether credentials went along, and holds one method or one
header name. A passed preflight stores all that the server listed, not only what was asked. `Vary` plays no part, and
this is not the HTTP cache. https://fetch.spec.whatwg.org/#cors-preflight-cache
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from corecors._decisions.headers import NON_WILDCARD_REQUEST_HEADER, WILDCARD

DEFAULT_MAX_AGE = 5  # seconds, where Access-Control-Max-Age is missing or unreadable (#cors-preflight-fetch)

_DELTA_SECONDS = re.compile(r"[0-9]+")


class Engine(StrEnum):
    """A browser engine."""

    CHROMIUM = "chromium"
    FIREFOX = "firefox"
    WEBKIT = "webkit"

    @property
    def max_age(self) -> int:
        """The longest time, in seconds, for which it keeps a preflight."""
        return _LONGEST[self]


# The standard leaves the limit to the browser. These stand in each engine's source, unchanged for years. They are not
# the members' values, for two engines with the same limit would be one member.
_LONGEST = {Engine.CHROMIUM: 7200, Engine.FIREFOX: 86400, Engine.WEBKIT: 600}


def preflight_max_age(values: list[str], engine: Engine | None = None) -> int:
    """For how many seconds a preflight is kept.

    `values`: one for each `Access-Control-Max-Age` line. Two lines, or anything but digits, count as none at all.
    `engine`: None for the standard, which sets no limit. With an engine its limit holds, and a negative number means no
    caching, as the web platform tests expect, while by the standard's text it is merely unreadable.
    Source: https://fetch.spec.whatwg.org/#cors-preflight-fetch
    """
    if len(values) != 1:
        return DEFAULT_MAX_AGE
    value = values[0]
    if engine is not None and value.startswith("-") and _DELTA_SECONDS.fullmatch(value[1:]):
        return 0
    if _DELTA_SECONDS.fullmatch(value) is None:
        return DEFAULT_MAX_AGE
    seconds = int(value[:4000])  # int() refuses more than 4,300 digits, and no limit is anywhere near
    return seconds if engine is None else min(seconds, engine.max_age)


@dataclass(frozen=True, slots=True)
class Key:
    """To which requests an entry applies."""

    origin: str
    url: str
    credentials: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One remembered method, or one remembered header name in lower case; either may be `*`.

    `expires`: in seconds, on the clock that `simulate` was given.
    """

    key: Key
    expires: float
    method: str | None = None
    header: str | None = None

    def applies(self, key: Key, now: float) -> bool:
        """Whether the entry speaks about such requests at all (https://fetch.spec.whatwg.org/#concept-cache-match)."""
        same = (self.key.origin, self.key.url) == (key.origin, key.url)
        return same and self.expires > now and (self.key.credentials or not key.credentials)


@dataclass(frozen=True, slots=True)
class PreflightCache:
    """An immutable preflight cache; every change yields a new one.

    `engine`: whose limit and laxity it has; None for the standard's.
    """

    entries: tuple[Entry, ...] = ()
    engine: Engine | None = None

    def has_method(self, key: Key, method: str, now: float) -> bool:
        """Whether this method need not be asked for (https://fetch.spec.whatwg.org/#concept-cache-match-method)."""
        return any(entry.applies(key, now) and entry.method in (method, WILDCARD) for entry in self.entries)

    def has_header(self, key: Key, name: str, now: float) -> bool:
        """Whether this header, in lower case, need not be asked for.

        Source: https://fetch.spec.whatwg.org/#concept-cache-match-header
        """
        names = self._headers_that_cover(name)
        return any(entry.applies(key, now) and entry.header in names for entry in self.entries)

    def _headers_that_cover(self, name: str) -> tuple[str, ...]:
        # Every engine lets `*` stand for Authorization; the standard does not.
        return (name,) if name == NON_WILDCARD_REQUEST_HEADER and self.engine is None else (name, WILDCARD)

    def with_answer(
        self, key: Key, methods: Iterable[str], headers: Iterable[str], max_age: int, now: float
    ) -> "PreflightCache":
        """The cache after a passed preflight that listed these methods and headers.

        Each entry that covers a listed name gets the new time, `*` among them; only what none covers is stored.
        Source: https://fetch.spec.whatwg.org/#cors-preflight-fetch, the last four steps
        """
        # "Since storing the entry" is read as "since its max-age was last set": what a response says holds from that
        # response on, as it does in every engine.
        expires = now + max_age
        entries = [entry for entry in self.entries if entry.expires > now]
        places: dict[tuple[str | None, str | None], list[int]] = {}  # of the entries that apply, by what they hold
        for place, entry in enumerate(entries):
            if entry.applies(key, now):
                places.setdefault((entry.method, entry.header), []).append(place)
        listed: list[Sequence[tuple[str | None, str | None]]] = []  # each name as all that covers it, itself first
        listed += [[(held, None) for held in (method, WILDCARD)] for method in methods]
        listed += [[(None, held) for held in self._headers_that_cover(name.lower())] for name in headers]
        for covered_by in listed:
            matching = [place for held in covered_by for place in places.get(held, ())]
            for place in matching:
                entries[place] = replace(entries[place], expires=expires)
            if not matching:
                method, header = covered_by[0]
                places[covered_by[0]] = [len(entries)]
                entries.append(Entry(key, expires, method=method, header=header))
        return PreflightCache(tuple(entry for entry in entries if entry.expires > now), self.engine)

    def without(self, origin: str, url: str) -> "PreflightCache":
        """The cache after a request from this origin to this URL failed.

        Source: https://fetch.spec.whatwg.org/#concept-cache-clear
        """
        left = tuple(entry for entry in self.entries if (entry.key.origin, entry.key.url) != (origin, url))
        return PreflightCache(left, self.engine)
