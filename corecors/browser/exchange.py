"""What passes between a browser and a server, and how it is judged.

Facts
-----
A page asks for something (`Request`). The browser turns that into one or several HTTP requests (`SentRequest`), a
preflight or a redirect's next hop among them; each brings a response (`Received`), and the two together are an
`Exchange`. On the way the browser makes checks (`Check`), each a `Step` of the Fetch standard. The outcome for the page
is a `Verdict`.

Header values are text decoded as latin-1, one pair for each header line, so that nothing that stood on the wire is
lost: a doubled `Access-Control-Allow-Origin` fails in every browser, and a mapping would hide it.
"""

import enum
import re
from dataclasses import dataclass

from corecors.browser.preflight_cache import PreflightCache

FETCH = "https://fetch.spec.whatwg.org/"

HeaderLines = tuple[tuple[str, str], ...]

# Looser than `corecors._origins.parsing` on purpose: browsers send hosts that a policy refuses ("$", empty labels), and
# extensions and apps have schemes of their own ("chrome-extension://...", "capacitor://localhost").
_SERIALISED_ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:]+\]|[^\x00-\x20\x7f-\U0010ffffA-Z/?#@:\[\]\\]+)(:[0-9]{1,5})?"
)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Credentials(enum.Enum):
    """A request's credentials mode: whether cookies, HTTP authentication and TLS client certificates go along.

    Source: https://fetch.spec.whatwg.org/#concept-request-credentials-mode
    """

    OMIT = "omit"
    SAME_ORIGIN = "same-origin"  # what fetch() and XMLHttpRequest do unless told otherwise
    INCLUDE = "include"  # fetch's credentials: "include", xhr.withCredentials, crossorigin="use-credentials"


class Step(enum.Enum):
    """The steps at which a cross-origin request can fail, in the order in which a browser comes to them."""

    REQUEST = "request"  # the page's own call: fetch() throws before anything is sent
    TARGET = "target"  # an address that browsers do not let pages reach: scheme, port, mixed content
    PREFLIGHT_DUE = "preflight due"  # a decision, never a failure
    PREFLIGHT_ORIGIN = "preflight: origin"
    PREFLIGHT_CREDENTIALS = "preflight: credentials"
    PREFLIGHT_STATUS = "preflight: status"
    PREFLIGHT_SYNTAX = "preflight: syntax"
    PREFLIGHT_METHOD = "preflight: method"
    PREFLIGHT_AUTHORIZATION = "preflight: authorization"
    PREFLIGHT_HEADER = "preflight: header"
    RESPONSE_ORIGIN = "response: origin"
    RESPONSE_CREDENTIALS = "response: credentials"
    REDIRECT = "redirect"
    READ = "read"  # no failure: the script has the response in its hands


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a page asks for, in mode "cors": fetch(), XMLHttpRequest, EventSource, `crossorigin`, a font, a module.

    `url`: absolute. A fragment is never sent.
    `origin`: the page's origin as browsers serialise it, or "null" for a sandboxed frame, a `data:` page or a file.
    `method`, `headers`: as the script wrote them; what the browser changes or drops (`get`, `Cookie`) is the
        model's job.
    `body`: None for no body. Its Content-Type must stand among the headers: fetch() adds `text/plain;charset=UTF-8` to
        a string by itself.
    `upload_listeners`: an XMLHttpRequest with a listener on `upload`: always preflighted.
    Raises `ValueError` for an `origin` that no page can have.
    """

    url: str
    origin: str
    method: str = "GET"
    headers: HeaderLines = ()
    credentials: Credentials = Credentials.SAME_ORIGIN
    body: bytes | None = None
    upload_listeners: bool = False

    def __post_init__(self) -> None:
        if self.origin == "null":
            return
        match = _SERIALISED_ORIGIN.fullmatch(self.origin)
        if match is None or match[3] == _DEFAULT_PORTS.get(match[1], ""):
            raise ValueError(
                f"{self.origin!r} is no origin as a browser writes it: scheme://host or scheme://host:port, in lower "
                "case, without the scheme's default port, without a trailing slash; or null"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """One HTTP request as the browser sends it.

    `headers` are those that the protocol decides: `Accept`, `Origin`, the two `Access-Control-Request-*`, and the
    script's own. Whoever sends it adds Host, Content-Length, User-Agent and the like.
    `credentials`: whether cookies and the like go along, if there are any.
    `preflight`: whether the browser, and not the page, asks.
    """

    method: str
    url: str
    headers: HeaderLines
    credentials: bool = False
    body: bytes | None = None
    preflight: bool = False

    def get(self, name: str) -> str | None:
        """The value of the header `name`, lines joined with ", "; None if it is absent."""
        return get(self.headers, name)


@dataclass(frozen=True, slots=True)
class Received:
    """What came back: the status code, and the header lines in order, one pair for each line."""

    status: int
    headers: HeaderLines = ()

    def get(self, name: str) -> str | None:
        """The value of the header `name` as a browser reads it, lines joined with ", "; None if it is absent."""
        return get(self.headers, name)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and its response."""

    sent: SentRequest
    received: Received


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that the browser looked at.

    `passed`: by the standard. `passed_in_practice`: in today's Chromium, Firefox and WebKit, which are laxer in one
        known case (see `Step.PREFLIGHT_AUTHORIZATION` in `corecors.browser.response_checks`).
    `section`: the anchor in the Fetch standard.
    `explanation`: one sentence on what was found. `mend`: what to change, empty where nothing needs to be.
    `header`: the response header that decided, None if none did; `value`: what it said, None if it was absent.
    `exchange`: the index, in `Verdict.exchanges`, of the exchange whose response was looked at; None where it was about
        what to send.
    """

    step: Step
    passed: bool
    passed_in_practice: bool
    section: str
    explanation: str
    mend: str = ""
    header: str | None = None
    value: str | None = None
    exchange: int | None = None

    @property
    def url(self) -> str:
        """The address of the section in the Fetch standard."""
        return f"{FETCH}#{self.section}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How it ended for the page.

    `readable`: by the standard, the script can read the response. `readable_in_practice`: it can in today's browsers;
        where they are laxer than the standard, the exchanges include what they go on to send.
    `checks`: all that was looked at, in order. `exchanges`: all that was sent, in order.
    `status`, `readable_headers`: what the script gets to see; None and () unless it can read the response in practice.
        The headers are sorted, in lower case, lines of one name joined, as `response.headers` yields them.
    `hidden_headers`: lower-case names of response headers that came and that the script cannot see.
    `timing_readable`: the script sees detailed timings of the response (`Timing-Allow-Origin`).
    `cache`: the preflight cache afterwards.
    """

    readable: bool
    readable_in_practice: bool
    checks: tuple[Check, ...]
    exchanges: tuple[Exchange, ...]
    status: int | None = None
    readable_headers: HeaderLines = ()
    hidden_headers: tuple[str, ...] = ()
    timing_readable: bool = False
    cache: PreflightCache

    @property
    def decisive(self) -> Check:
        """The check that decided: the first that failed by the standard, else the last one."""
        return next((check for check in self.checks if not check.passed), self.checks[-1])

    @property
    def step(self) -> Step:
        """The step that failed, or `Step.READ`."""
        return self.decisive.step

    @property
    def section(self) -> str:
        """The anchor, in the Fetch standard, of the rule that decided."""
        return self.decisive.section

    @property
    def explanation(self) -> str:
        """One sentence for a person: what the browser found."""
        return self.decisive.explanation

    @property
    def mend(self) -> str:
        """What the server, or the page, should do instead; empty if nothing."""
        return self.decisive.mend

    @property
    def preflights(self) -> int:
        """How many preflights were sent."""
        return sum(exchange.sent.preflight for exchange in self.exchanges)


def get(headers: HeaderLines, name: str) -> str | None:
    """The value of the header `name` as a browser reads it: all lines of that name, joined with ", "; None if absent.

    Source: https://fetch.spec.whatwg.org/#concept-header-list-get
    """
    values = lines(headers, name)
    return ", ".join(values) if values else None


def lines(headers: HeaderLines, name: str) -> list[str]:
    """The values of all lines of that name, without the white space around them.

    Source: https://fetch.spec.whatwg.org/#concept-header-value-normalize
    """
    lowered = name.lower()
    return [value.strip("\t\n\r ") for key, value in headers if key.lower() == lowered]
