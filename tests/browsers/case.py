"""The terms in which the table of cases is written.

Addresses are templates, because ports are chosen when the servers start. In policies and answers `{app}`, `{sub}` and
`{stranger}` are the origins of the three pages, and in fixed answers `{origin}` is that of the request; in URLs
`{api}`, `{other}` and `{near}` are the addresses of the case on the API's server, under three hosts; `{own}` is the
page's own server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

BLOCKED = "blocked"
SCHEMES = ("http", "https")


class Setup(NamedTuple):
    """What the API is served by: over which scheme, and which of our adapters protects it.

    `every_case`: whether all cases are run, or only those that touch transport. What is decided is decided in one
        place, whatever the door: so it takes all cases once in WSGI and once in ASGI, and in a framework those in
        which the framework itself has a hand.
    """

    scheme: str
    adapter: str
    every_case: bool = False

    def __str__(self) -> str:
        return f"{self.adapter} over {self.scheme}"

    def runs(self, case: Case) -> bool:
        return self.every_case or case.transport


SETUPS = (
    Setup("http", "WSGI", every_case=True),
    Setup("https", "WSGI by path", every_case=True),
    Setup("http", "ASGI", every_case=True),
    Setup("https", "ASGI by path", every_case=True),
    Setup("http", "Flask"),
    Setup("https", "Bottle"),
    Setup("https", "Starlette"),
    Setup("http", "Django"),
    Setup("https", "aiohttp"),
)
ENGINE_NAMES = ("Chromium", "Firefox", "WebKitGTK")

PAGE_HOSTS = {"app": "app.localhost", "sub": "sub.app.localhost", "stranger": "stranger.localhost"}
API_HOSTS = {
    "api": "api.localhost",
    "other": "other.localhost",
    # The page's own host at another port: another origin, but the same site, so cookies are first-party ones.
    "near": "app.localhost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that a page does, and what its script must see of it.

    `do`: the name of a function in pages/acts.js. `place`: where it runs: "page", "sandbox" (a frame whose origin is
        null), "worker", "data worker" (origin null).
    `method`, `headers`, `credentials`, `body`: as for fetch(). `options`: what else the act takes, see pages/acts.js.
    `read`: response headers that the script tries to read.
    `sees`: the outcome, as pages/acts.js writes it.
    `predicted`: whether the model of the browser knows this kind of request; it has no modes but "cors".
    """

    sees: str
    do: str = "fetch"
    url: str = "{api}/data"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: str = "same-origin"
    body: str | None = None
    read: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    page: str = "app"
    place: str = "page"
    predicted: bool = True

    @property
    def origin_is_null(self) -> bool:
        return self.place in ("sandbox", "data worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An answer that no policy of ours would give: what browsers do with it is a fact that the model must know."""

    actual: tuple[tuple[str, str], ...] = ()
    preflight: tuple[tuple[str, str], ...] = ()
    preflight_status: int = 204


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the table.

    `name`: what a reader would call it; `group`: the heading it stands under.
    `transport`: whether it touches what servers and frameworks do to a request or a response, and so runs through every
        door: preflights, bodies, streams, errors, cookies, caches, and several lines of one header.
    `policy`: the arguments of a Policy; or `fixed`: the answers of a server that has none.
    `acts`: in the order in which they run; those of the page `app` before those of `sub` before those of `stranger`.
    `preflights`: how many the server must have seen. `requests`: how many others must have reached the server; None
        where an engine's cache may answer.
    `console`: fragments that stand in Chromium's console. `console_lacks`: fragments that do not.
    `unlike_the_standard`: why the engines and the standard differ, where they do; `sees` then tells what engines do.
    `unlike_the_others`: an engine's name, or "NAME over SCHEME" -> what it sees, act by act, where it goes its own way,
        be it only in what it sends. `why_unlike`: the reason, for the reader.
    """

    name: str
    group: str
    acts: tuple[Act, ...]
    transport: bool = False
    policy: Mapping[str, Any] | None = None
    fixed: Fixed | None = None
    preflights: int = 0
    requests: int | None = None
    console: tuple[str, ...] = ()
    console_lacks: tuple[str, ...] = ()
    unlike_the_standard: str = ""
    unlike_the_others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    why_unlike: str = ""

    def __post_init__(self) -> None:
        if (self.policy is None) == (self.fixed is None):
            raise ValueError(f"{self.name}: either a policy or fixed answers")
        if self.transport and self.policy is None:
            raise ValueError(f"{self.name}: fixed answers come through no door")
        order = [list(PAGE_HOSTS).index(act.page) for act in self.acts]
        if order != sorted(order):
            raise ValueError(f"{self.name}: pages run in the order {list(PAGE_HOSTS)}")

    @property
    def slug(self) -> str:
        """The name as it stands in URLs."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())

    @property
    def meant(self) -> tuple[str, ...]:
        """What the scripts must see, act by act, in an engine that is like the others."""
        return tuple(act.sees for act in self.acts)

    @property
    def requests_predicted(self) -> bool:
        """Whether the model has a word on every request of this case."""
        return self.requests is not None and all(act.predicted for act in self.acts)

    def own_way(self, engine: str, scheme: str) -> tuple[str, ...] | None:
        """What the scripts must see in that engine if it goes its own way; None if it is like the others."""
        return self.unlike_the_others.get(engine, self.unlike_the_others.get(f"{engine} over {scheme}"))


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the API's server saw it: what the protocol decides, not what engines are free to choose."""

    method: str
    target: str
    origin: str | None
    requested_method: str | None = None
    requested_headers: str | None = None
    cookie: bool = False

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and self.requested_method is not None

    def __str__(self) -> str:
        asked = [f"{name}: {value}" for name, value in self._shown() if value]
        return f"{self.method} {self.target} ({', '.join(asked)})"

    def _shown(self) -> list[tuple[str, str | None]]:
        return [
            ("Origin", self.origin),
            ("ACRM", self.requested_method),
            ("ACRH", self.requested_headers),
            ("Cookie", "yes" if self.cookie else None),
        ]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers of one scheme listen."""

    scheme: str
    pages_port: int
    api_port: int

    def page(self, name: str) -> str:
        """The origin of a page."""
        return f"{self.scheme}://{PAGE_HOSTS[name]}:{self.pages_port}"

    def in_policy(self) -> dict[str, str]:
        """What a template in a policy or a fixed answer may name."""
        return {name: self.page(name) for name in PAGE_HOSTS} | {
            "scheme": self.scheme,
            "other_scheme": next(scheme for scheme in SCHEMES if scheme != self.scheme),
            "port": str(self.pages_port),
        }

    def in_urls(self, visitor: str, case: Case, page: str) -> dict[str, str]:
        """What a template in a URL may name, for one visitor: an engine or the model, in lower case."""
        return {
            name: f"{self.scheme}://{host}:{self.api_port}/{visitor}/{case.slug}" for name, host in API_HOSTS.items()
        } | {"own": self.page(page)}


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """A template with its addresses: in text, and in lists of text; anything else stays as it is."""
    if isinstance(template, str):
        return template.format_map(values)
    if isinstance(template, (list, tuple)):
        return type(template)(filled(item, values) for item in template)
    return template
