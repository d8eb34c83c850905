"""The preflight cache as the Fetch standard writes it down: a mutable list and its steps in order, nothing clever.

`Course` plays the same requests against this cache and against `corecors.browser.simulate`.
https://fetch.spec.whatwg.org/#cors-preflight-cache and #cors-preflight-fetch, step 7
"""

import random
from dataclasses import dataclass, field

from corecors.browser import Credentials, PreflightCache, Received, Request, SentRequest, simulate


@dataclass
class Entry:
    """A cache entry; `stored`: when its max-age was last set. The network partition is always the same one."""

    origin: str
    url: str
    max_age: int
    credentials: bool
    method: str | None
    header_name: str | None
    stored: float


@dataclass
class Ask:
    """One request of a page, and what the server would list in answer to a preflight."""

    origin: str
    url: str
    credentials: Credentials
    method: str
    header_names: list[str]
    allow_methods: list[str]
    allow_headers: list[str]
    max_age: int | None
    seconds_later: float

    @property
    def include(self) -> bool:
        return self.credentials is Credentials.INCLUDE


@dataclass
class NaiveCache:
    entries: list[Entry] = field(default_factory=list[Entry])
    now: float = 0.0

    def remove_expired(self) -> None:
        """ "Cache entries must be removed after the seconds specified in their max-age field have passed"."""
        for entry in list(self.entries):
            if entry.stored + entry.max_age <= self.now:
                self.entries.remove(entry)

    def cache_entry_match(self, entry: Entry, ask: Ask) -> bool:
        if entry.origin != ask.origin:
            return False
        if entry.url != ask.url:
            return False
        if entry.credentials:
            return True
        return not entry.credentials and not ask.include

    def method_matches(self, method: str, ask: Ask) -> list[Entry]:
        found = []
        for entry in self.entries:
            if self.cache_entry_match(entry, ask) and (entry.method == method or entry.method == "*"):
                found.append(entry)
        return found

    def header_name_matches(self, name: str, ask: Ask) -> list[Entry]:
        found = []
        for entry in self.entries:
            if not self.cache_entry_match(entry, ask) or entry.header_name is None:
                continue
            if entry.header_name.lower() == name.lower() or (
                entry.header_name == "*" and name.lower() != "authorization"
            ):
                found.append(entry)
        return found

    def clear(self, ask: Ask) -> None:
        for entry in list(self.entries):
            if entry.origin == ask.origin and entry.url == ask.url:
                self.entries.remove(entry)

    def create(self, ask: Ask, max_age: int, method: str | None, name: str | None) -> None:
        self.entries.append(Entry(ask.origin, ask.url, max_age, ask.include, method, name, self.now))

    def fetch(self, ask: Ask) -> tuple[bool, bool]:
        """Whether a preflight is sent, and whether the request succeeds; the response to it always passes."""
        self.now += ask.seconds_later
        self.remove_expired()
        # main fetch: the unsafe-request flag is set. HTTP fetch, the step on the CORS-preflight flag:
        safelisted = ask.method in ("GET", "HEAD", "POST")
        if safelisted and not ask.header_names:
            return False, True
        method_is_unknown = not self.method_matches(ask.method, ask) and not safelisted
        a_name_is_unknown = False
        for name in ask.header_names:
            if not self.header_name_matches(name, ask):
                a_name_is_unknown = True
        if not method_is_unknown and not a_name_is_unknown:
            return False, True
        succeeds = self.preflight(ask)
        if not succeeds:
            self.clear(ask)  # main fetch, last step of "CORS-with-preflight"
        return True, succeeds

    def preflight(self, ask: Ask) -> bool:
        methods, names = ask.allow_methods, ask.allow_headers
        lowered = [name.lower() for name in names]
        if (
            ask.method not in methods
            and ask.method not in ("GET", "HEAD", "POST")
            and (ask.include or "*" not in methods)
        ):
            return False
        for name in ask.header_names:
            if name.lower() == "authorization" and name.lower() not in lowered:
                return False
        for name in ask.header_names:
            if name.lower() not in lowered and (ask.include or "*" not in names):
                return False
        max_age = 5 if ask.max_age is None else ask.max_age
        for method in methods:
            for entry in self.method_matches(method, ask):
                entry.max_age, entry.stored = max_age, self.now
        for method in methods:
            if not self.method_matches(method, ask):
                self.create(ask, max_age, method, None)
        for name in names:
            for entry in self.header_name_matches(name, ask):
                entry.max_age, entry.stored = max_age, self.now
        for name in names:
            if not self.header_name_matches(name, ask):
                self.create(ask, max_age, None, name)
        self.remove_expired()
        return True


@dataclass
class Course:
    """The same requests, one after the other, to both caches."""

    naive: NaiveCache = field(default_factory=NaiveCache)
    ours: PreflightCache = field(default_factory=PreflightCache)

    def difference(self, ask: Ask) -> str | None:
        """In what the two differ about the next request; None if in nothing."""
        asked, succeeds = self.naive.fetch(ask)
        request = Request(
            url=ask.url,
            origin=ask.origin,
            method=ask.method,
            headers=tuple((name, "1") for name in ask.header_names),
            credentials=ask.credentials,
        )
        verdict = simulate(request, lambda sent: _answer(sent, ask), cache=self.ours, now=self.naive.now)
        self.ours = verdict.cache
        if (verdict.preflights, verdict.readable) != (int(asked), succeeds):
            return f"{verdict.preflights} preflights, readable {verdict.readable}; the standard: {asked}, {succeeds}"
        theirs = sorted(
            (
                one.origin,
                one.url,
                one.credentials,
                one.method or "",
                (one.header_name or "").lower(),
                one.stored + one.max_age,
            )
            for one in self.naive.entries
        )
        mine = sorted(
            (one.key.origin, one.key.url, one.key.credentials, one.method or "", one.header or "", one.expires)
            for one in self.ours.entries
            if one.expires > self.naive.now
        )
        return None if mine == theirs else f"remembered {mine}; the standard: {theirs}"


def _answer(sent: SentRequest, ask: Ask) -> Received:
    lines = [("Access-Control-Allow-Origin", ask.origin), ("Access-Control-Allow-Credentials", "true")]
    if sent.preflight:
        lines.append(("Access-Control-Allow-Methods", ", ".join(ask.allow_methods)))
        lines += [("Access-Control-Allow-Headers", name) for name in ask.allow_headers]
        lines += [] if ask.max_age is None else [("Access-Control-Max-Age", str(ask.max_age))]
    return Received(204, lines)


def random_ask(source: random.Random) -> Ask:
    """A request that has much in common with others, since entries are only met by what resembles them."""

    def some(choices: str) -> list[str]:
        return source.choices(choices.split(), k=source.choice((0, 1, 1, 2, 3)))

    return Ask(
        origin=source.choice(("https://a.example", "https://a.example", "https://b.example", "null")),
        url=source.choice(
            ("https://api.example/", "https://api.example/", "https://api.example/?q", "https://api.example:8443/")
        ),
        credentials=source.choice((Credentials.OMIT, Credentials.SAME_ORIGIN, Credentials.INCLUDE)),
        method=source.choice(("GET", "POST", "PUT", "PUT", "DELETE", "patch", "*")),
        header_names=some("X-A x-a X-B Authorization *"),
        allow_methods=some("PUT PUT DELETE patch * * GET put"),
        allow_headers=some("X-A x-b authorization * * x-a"),
        max_age=source.choice((None, 0, 1, 3, 10, 600)),
        seconds_later=source.choice((0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0)),
    )
