"""Policies and requests at random, and what each policy means, worked out naively from its lists.

The law that `tests/evaluation/test_law.py` holds the library to: a script can read the answer if and only if the policy
allows its origin, method, headers and credentials. `allows` says what the policy allows without a line of the library,
by comparing parts and looking into lists. The strategies aim at the edges: the page's origin is some entry of the
policy with one thing changed, the method is a listed one in another case, a header's value has one byte too many.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from corecors import Policy
from corecors.browser import Credentials, Request

DEFAULT_PORT = {"http": 80, "https": 443}
ANY = "any"
UPPER_CASED = ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")
FORM_METHODS = ("GET", "HEAD", "POST")
ALWAYS_READABLE = "cache-control content-language content-length content-type expires last-modified pragma".split()
NEVER_READABLE = ["set-cookie", "set-cookie2"]


# --- Origins ---


@dataclass(frozen=True)
class Site:
    """Where a page comes from. `port` None: the scheme's default. A host of None is an opaque origin, `null`."""

    scheme: str
    host: str | None
    port: int | None = None

    @property
    def origin(self) -> str:
        if self.host is None:
            return "null"
        port = None if self.port == DEFAULT_PORT.get(self.scheme) else self.port
        return f"{self.scheme}://{self.host}" + (f":{port}" if port else "")


@dataclass(frozen=True)
class Entry:
    """One entry of `allow_origins`, taken apart."""

    site: Site
    below: bool = False  # any subdomain
    any_port: bool = False
    label: tuple[str, str] | None = None  # or one label below, with anything between these two

    @property
    def text(self) -> str:
        scheme, host = self.site.scheme, self.site.host
        port = ":*" if self.any_port else f":{self.site.port}" if self.site.port else ""
        below = "*." if self.below else f"{'*'.join(self.label)}." if self.label else ""
        return f"{scheme}://{below}{host}{port}"

    def means(self, page: Site) -> bool:
        if page.host is None or page.scheme != self.site.scheme:
            return False
        if not self.any_port and page.port != self.site.port:
            return False
        if self.label:
            before, after = self.label
            label, _, parent = page.host.partition(".")
            between = label[len(before) : len(label) - len(after)]
            ends = label == f"{before}{between}{after}" and not label.startswith("xn--")
            return ends and between != "" and "_" not in between and parent == self.site.host and is_ordinary(page.host)
        if not self.below:
            return page.host == self.site.host
        return page.host.endswith(f".{self.site.host}") and is_ordinary(page.host)


def is_ordinary(host: str) -> bool:
    """Whether a name can stand in DNS (underscores included); browsers go further, policies do not."""
    labels = host.split(".")
    fits = len(host) <= 253 and all(1 <= len(label) <= 63 for label in labels)
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    return fits and all(set(label) <= letters and label[0] != "-" and label[-1] != "-" for label in labels)


def _is_preview(page: Site) -> bool:
    host = page.host or ""
    number = host.removeprefix("pr-").removesuffix(".preview.example.com")
    whole = host == f"pr-{number}.preview.example.com"
    return (page.scheme, page.port) == ("https", None) and whole and number.isascii() and number.isdigit()


def _is_greek(page: Site) -> bool:
    return page.scheme == "https" and page.host in ("alpha.example", "beta.example") and page.port in (None, 8443)


REGEXES: dict[str, Callable[[Site], bool]] = {
    r"https://pr-[0-9]+\.preview\.example\.com": _is_preview,
    r"https://(?:alpha|beta)\.example(?::8443)?": _is_greek,
}
TENANTS = frozenset({"https://tenant.example", "https://api.example", "http://localhost:3000"})


# --- The policy, and what it means ---


@dataclass(frozen=True)
class Config:
    """A policy's arguments, taken apart."""

    entries: tuple[Entry, ...] = ()
    any_origin: bool = False
    regexes: tuple[str, ...] = ()
    tenants: frozenset[str] | None = None  # the predicate is true for these
    null: bool = False
    methods: tuple[str, ...] = FORM_METHODS
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int | None = None
    preflight_status: int = 204
    timing: bool = False
    debug: bool = False

    def policy(self) -> Policy:
        tenants = self.tenants
        return Policy(
            allow_origins=["*"] if self.any_origin else [entry.text for entry in self.entries],
            allow_origin_regexes=self.regexes,
            allow_origin_predicate=None if tenants is None else lambda origin: origin in tenants,
            dangerously_allow_null_origin=self.null,
            allow_methods=self.methods,
            allow_headers=self.headers,
            expose_headers=self.expose,
            allow_credentials=self.credentials,
            max_age=self.max_age,
            preflight_status=self.preflight_status,
            allow_timing=self.timing,
            debug=self.debug,
            dangerously_allow_insecure_origins=self.credentials,
            dangerously_allow_public_suffix_subdomains=self.credentials,
        )

    def means_origin(self, page: Site) -> bool:
        if self.any_origin:
            return True
        named = self.tenants is not None and page.origin in self.tenants
        if page.host is None:
            return self.null and (named or not self.credentials)
        by_entry = any(entry.means(page) for entry in self.entries)
        return by_entry or any(REGEXES[regex](page) for regex in self.regexes) or (named and is_ordinary(page.host))

    def means_method(self, method: str) -> bool:
        # `*` is any method of up to 64 characters: no real one has 20.
        return method in FORM_METHODS or method in self.methods or ("*" in self.methods and len(method) <= 64)

    def means_headers(self, names: set[str]) -> bool:
        listed = {name.lower() for name in self.headers}
        if "*" not in listed:
            return names <= listed
        # `*` is any name but Authorization, and any at all beside credentials; up to 4,096 bytes of names.
        within = len(",".join(names)) <= 4096
        return within and (self.credentials or "authorization" in listed or "authorization" not in names)


# --- The request ---


@dataclass(frozen=True)
class Header:
    """A request header, and what becomes of it: sent as it is, asked for first, or dropped by the browser."""

    name: str
    value: str
    fate: str  # "safe", "asks" or "dropped"


@dataclass(frozen=True)
class Ask:
    """What a page asks for."""

    page: Site
    method: str
    headers: tuple[Header, ...]
    credentials: Credentials
    url: str = "https://api.example/item"
    watched: bool = False  # whether the page listens to the upload

    @property
    def request(self) -> Request:
        return Request(
            url=self.url,
            origin=self.page.origin,
            method=self.method,
            headers=tuple((header.name, header.value) for header in self.headers),
            credentials=self.credentials,
            body=None if self.sent_method in ("GET", "HEAD") else b"data",
            upload_listeners=self.watched,
        )

    @property
    def sent_method(self) -> str:
        return self.method.upper() if self.method.upper() in UPPER_CASED else self.method

    @property
    def asked_names(self) -> set[str]:
        """The names that need the server's leave."""
        safe = [header for header in self.headers if header.fate == "safe"]
        asks = [header for header in self.headers if header.fate == "asks"]
        if sum(len(header.value) for header in safe) > 1024:
            asks += safe
        return {header.name.lower() for header in asks}

    @property
    def is_own(self) -> bool:
        return self.page == OWN

    @property
    def needs_leave(self) -> bool:
        asks = self.watched or self.sent_method not in FORM_METHODS or bool(self.asked_names)
        return asks and not self.is_own


def allows(config: Config, ask: Ask) -> bool:
    """What the policy means for this request."""
    if ask.is_own:
        return True  # no CORS, whatever the policy says
    if ask.credentials is Credentials.INCLUDE and not config.credentials:
        return False
    if not config.means_origin(ask.page):
        return False
    return config.means_method(ask.sent_method) and config.means_headers(ask.asked_names)


def readable(config: Config, ask: Ask, application: "Application", *, merges: bool) -> dict[str, str]:
    """Which of the application's own headers the script sees in a response that it can read.

    `merges`: whether what the application exposes itself is merged with what the policy exposes.
    """
    exposed = {name.lower() for name in config.expose}
    if merges:
        lines = [value for name, value in application.meddling if name.lower() == "access-control-expose-headers"]
        own = {element.strip().lower() for line in lines for element in line.split(",")}
        exposed |= own - ({"*"} if config.credentials else set())
    values: dict[str, list[str]] = {}
    for name, value in application.headers:
        lowered = name.lower()
        wanted = ask.is_own or "*" in exposed or lowered in exposed or lowered in ALWAYS_READABLE
        if wanted and lowered not in NEVER_READABLE:
            values.setdefault(lowered, []).append(value)
    return {name: ", ".join(lines) for name, lines in values.items()}


# --- Strategies ---

SITES = [
    Site("https", "app.example.com"),
    Site("https", "example.com"),
    Site("https", "app.example.com", 8443),
    Site("http", "app.example.com"),
    Site("http", "localhost", 3000),
    Site("http", "127.0.0.1", 8000),
    Site("http", "[::1]"),
    Site("https", "preview_1.example.com"),
    Site("https", "github.io"),
    Site("https", "xn--mnchen-3ya.example"),
    Site("capacitor", "localhost"),
    Site("https", "pr-12.preview.example.com"),
    Site("https", "alpha.example"),
    Site("https", "beta.example", 8443),
    Site("https", "tenant.example"),
    Site("https", "api.example", 8443),
]
OWN = Site("https", "api.example")  # where the requests go
OPAQUE = Site("", None)
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "patch", "QUERY", "X", "LOCK", "M" * 64]
NAMES = [
    "X-Alpha", "x-beta", "X_Gamma", "Content-Type", "Authorization", "Accept", "Range", "Accept-Language",
    "X-Http-Method", "Last-Event-ID", "x", "X-" + "L" * 60,
]  # fmt: skip
RESPONSE_NAMES = ["X-One", "X-Two", "ETag", "Content-Type", "Server", "x", "Vary-X"]


BOOLEANS = st.booleans()
ONE_IN_FOUR = st.sampled_from([False, False, False, True])
LABELS = st.sampled_from([None, None, ("pr-", ""), ("", "-preview"), ("x", "n")])
SITE_LISTS = st.lists(st.sampled_from(SITES), max_size=3)
TENANT_SETS = st.sampled_from([None, None, TENANTS, TENANTS | {"null"}, frozenset[str]()])
REGEX_LISTS = st.lists(st.sampled_from(sorted(REGEXES)), max_size=2, unique=True).map(tuple)
METHOD_LISTS = st.lists(st.sampled_from(METHODS), max_size=6, unique=True).map(tuple)
METHOD_LISTS = METHOD_LISTS | METHOD_LISTS | st.just(("*",))
NAME_LISTS = st.lists(st.sampled_from(NAMES), max_size=6, unique_by=str.lower).map(tuple)
HEADER_LISTS = NAME_LISTS | st.sampled_from([("*",), ("*", "Authorization"), ("authorization", "*")])
EXPOSED_LISTS = st.lists(st.sampled_from(RESPONSE_NAMES), max_size=4, unique_by=str.lower).map(tuple)
EXPOSED_OR_STAR = EXPOSED_LISTS | st.just(("*",))
PREFLIGHT_STATUSES = st.sampled_from([204, 200])
MAX_AGES = st.sampled_from([None, 0, 1, 600, 86400])
CREDENTIALS = {
    True: st.sampled_from([Credentials.INCLUDE, *Credentials]),
    False: st.sampled_from([Credentials.OMIT, Credentials.SAME_ORIGIN, *Credentials]),
}


@st.composite
def configs(draw: st.DrawFn) -> Config:
    credentials = draw(BOOLEANS)
    any_origin = not credentials and draw(ONE_IN_FOUR)
    null = draw(BOOLEANS)
    tenants = draw(TENANT_SETS)
    if null and credentials:  # without a predicate the policy is refused
        tenants = TENANTS | {"null"} if tenants is None else tenants
    return Config(
        entries=() if any_origin else tuple(dict.fromkeys(_entry(draw, site) for site in draw(SITE_LISTS))),
        any_origin=any_origin,
        regexes=draw(REGEX_LISTS),
        tenants=tenants,
        null=null,
        methods=draw(METHOD_LISTS),
        headers=draw(HEADER_LISTS),
        expose=draw(EXPOSED_LISTS if credentials else EXPOSED_OR_STAR),
        credentials=credentials,
        max_age=draw(MAX_AGES),
        preflight_status=draw(PREFLIGHT_STATUSES),
        timing=draw(BOOLEANS),
        debug=draw(BOOLEANS),
    )


def _entry(draw: st.DrawFn, site: Site) -> Entry:
    named = site.host is not None and site.host[0] != "[" and site.host != "127.0.0.1"
    below, any_port = named and draw(BOOLEANS), draw(BOOLEANS)
    label = draw(LABELS) if named and not below else None
    return Entry(Site(site.scheme, site.host) if any_port else site, below, any_port, label)


@st.composite
def asks(draw: st.DrawFn, config: Config) -> Ask:
    headers = _headers(config)
    return Ask(
        page=draw(pages(config)),
        method=draw(_methods(config)),
        headers=tuple(draw(st.lists(headers, max_size=3))) + draw(FLOODS),
        credentials=draw(CREDENTIALS[config.credentials]),
        watched=draw(ONE_IN_FOUR),
    )


@st.composite
def pages(draw: st.DrawFn, config: Config) -> Site:
    """An origin that the policy means, or one that differs from such a one in one point."""
    meant = [entry.site for entry in config.entries]
    meant += [
        Site(entry.site.scheme, f"a.{entry.site.host}", entry.site.port) for entry in config.entries if entry.below
    ]
    meant += [
        Site(entry.site.scheme, f"{between.join(entry.label)}.{entry.site.host}", entry.site.port)
        for entry in config.entries
        for between in ("7", "p-r", "p_r")
        if entry.label
    ]
    meant += [site for site in SITES if any(REGEXES[regex](site) for regex in config.regexes)]
    meant += [site for site in SITES if config.tenants and site.origin in config.tenants]
    meant += [OPAQUE] * (1 + len(meant) // 3) if config.null else []
    site = draw(st.sampled_from(meant * 6 + [*SITES, OWN, OWN, OPAQUE]))
    return draw(st.sampled_from(_near(site))) if site not in (OWN, OPAQUE) and draw(ONE_IN_FOUR) else site


def _near(site: Site) -> list[Site]:
    scheme, host, port = site.scheme, site.host or "", site.port
    found = [Site(scheme, host, other) for other in (None, 1, 3000, 8443, 65535)]
    found += [Site(other, host, port) for other in ("http", "https", "capacitor")]
    if host[0] == "[" or host[-1].isdigit():
        return found
    long = ".".join(["a" * 49] * 4)  # 199 characters, so that a label of up to 63 fills up to the limit of 253
    hosts = [
        f"evil{host}", f"evil-{host}", f"{host}.evil.test", f"x.{host}", f"x.y.{host}", f"x_y.{host}", f"_.{host}",
        f"-x.{host}", f"x-.{host}", f"x..{host}", f".{host}", f"{host}.", f"a$b.{host}", f"a,{host}", f"{host}m",
        host.replace(".", "x"), host[:-1], host.partition(".")[2] or host, f"{'l' * 63}.{host}", f"{'l' * 64}.{host}",
        f"{long}.{'b' * (253 - 201 - len(host))}.{host}", f"{long}.{'b' * (254 - 201 - len(host))}.{host}",
    ]  # fmt: skip
    return found + [Site(scheme, name, port) for name in hosts]


def _methods(config: Config) -> st.SearchStrategy[str]:
    listed = [method for method in config.methods if method != "*"]
    near = [variant for method in listed for variant in (method, method.lower(), method.upper(), method.title())]
    near += [*near, *(f"{method}X" for method in listed)]
    unlisted = [*METHODS, "*", "gEt", *["M" * 65] * (4 if "*" in config.methods else 1)]
    return st.sampled_from([*listed * 6, *near, *unlisted])


def _headers(config: Config) -> st.SearchStrategy[Header]:
    listed = [name for name in config.headers if name != "*"]
    near = [variant for name in listed for variant in (name, name.upper(), name.lower(), f"{name}x", f"a{name}")]
    asking = [*near, *listed * 8, *NAMES, "*", "X-Other", "authorization"]
    asking += ["Authorization"] * (len(asking)) if "*" in config.headers else []
    always = [Header(name, UNSAFE_VALUES.get(name.lower(), "1"), "asks") for name in asking]
    return st.sampled_from([*always, *EDGES])


UNSAFE_VALUES = {"accept": '"', "accept-language": "a_b", "content-type": "application/json", "range": "bytes=-3"}
EDGES = [
    Header("Accept", "a" * 128, "safe"),
    Header("accept", "a" * 129, "asks"),
    Header("Accept", "text/html, */*;q=0.1", "safe"),
    Header("Accept", "text/html:", "asks"),
    Header("ACCEPT-LANGUAGE", "nn-NO, nn;q=0.9", "safe"),
    Header("Accept-Language", "nn/NO", "asks"),
    Header("Content-Language", "nn", "safe"),
    Header("Content-Type", "text/plain;charset=UTF-8", "safe"),
    Header("content-type", "Multipart/Form-Data; boundary=x", "safe"),
    Header("Content-Type", "application/x-www-form-urlencoded", "safe"),
    Header("Content-Type", "text/plain, text/plain", "asks"),
    Header("content-type", "application/json;charset=utf-8", "asks"),
    Header("Range", "bytes=0-", "safe"),
    Header("Range", "bytes=3-3", "safe"),
    Header("range", "bytes=4-3", "asks"),
    Header("Cookie", "a=b", "dropped"),
    Header("Origin", "https://app.example.com", "dropped"),
    Header("Access-Control-Request-Method", "GET", "dropped"),
    Header("access-control-request-headers", "x-alpha", "dropped"),
    Header("Sec-Fetch-Site", "same-origin", "dropped"),
    Header("X-HTTP-Method", "TRACE", "dropped"),
    Header("X-HTTP-Method", "PUT", "asks"),
]


def _many_names(total: int) -> tuple[Header, ...]:
    """Headers whose names, joined by commas, are `total` bytes long."""
    full = [Header(f"x-{number:02}-".ljust(64, "n"), "1", "asks") for number in range(62)]
    return (*full, Header("y".ljust(total - 62 * 65, "n"), "1", "asks"))


# Rarely, so many headers that a limit is met: 1,024 bytes of safelisted values, 4,096 bytes of names.
_ACCEPTS = (Header("Accept", "a" * 128, "safe"),) * 8
_LIMITS = [_ACCEPTS, (*_ACCEPTS, Header("Content-Language", "a", "safe")), _many_names(4096), _many_names(4097)]
FLOODS = st.sampled_from([*[()] * 28, *_LIMITS])

APPLICATION_HEADERS: list[tuple[str, str]] = [
    ("X-One", "1"),
    ("x-one", "again"),
    ("X-Two", "2"),
    ("ETag", '"x"'),
    ("Content-Type", "text/plain"),
    ("Cache-Control", "no-store"),
    ("Server", "test"),
    ("Set-Cookie", "a=b"),
    ("Location", "/elsewhere"),
]
# What an application might say about CORS itself, or about caches; none of it may count.
MEDDLING: list[tuple[str, str]] = [
    ("Access-Control-Allow-Origin", "*"),
    ("access-control-allow-origin", "https://app.example.com"),
    ("Access-Control-Allow-Origin", "null"),
    ("ACCESS-CONTROL-ALLOW-CREDENTIALS", "true"),
    ("Access-Control-Expose-Headers", "*, X-Two, Server, ETag"),
    ("Access-Control-Allow-Methods", "*"),
    ("Vary", "Accept-Encoding"),
    ("vary", "origin, Cookie"),
    ("Vary", "*"),
]


@dataclass(frozen=True)
class Application:
    """How the application answers whatever reaches it."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    meddling: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


applications = st.builds(
    Application,
    status=st.sampled_from([200, 204, 304, 400, 401, 404, 500, 503]),
    headers=st.lists(st.sampled_from(APPLICATION_HEADERS), max_size=5),
    meddling=st.lists(st.sampled_from(MEDDLING), max_size=3),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Config, Ask, Application]:
    config = draw(configs())
    return config, draw(asks(config)), draw(applications)


@st.composite
def sequences(draw: st.DrawFn) -> tuple[Config, Ask, Ask]:
    """Two requests of one page to one URL, with the same credentials."""
    config = draw(configs())
    first, second = draw(asks(config)), draw(asks(config))
    same: dict[str, Any] = {"page": first.page, "credentials": first.credentials}
    return config, first, Ask(method=second.method, headers=second.headers, **same)
