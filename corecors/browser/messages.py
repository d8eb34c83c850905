"""What passes between a page, its browser and a server.

Facts
-----
A page asks for something (`Request`). The browser turns that into one or several HTTP requests (`SentRequest`), a
preflight or a redirect's next hop among them; each brings a response (`Received`), and the two together are an
`Exchange`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from corecors._origins.addresses import DEFAULT_PORTS
from corecors.browser.header_lines import HeaderLines

# Looser than `corecors._origins.parsing` on purpose: browsers send hosts that a policy refuses ("$", empty labels), and
# extensions and apps have schemes of their own ("chrome-extension://...", "capacitor://localhost").
_SERIALISED_ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:]+\]|[^\x00-\x20\x7f-\U0010ffffA-Z/?#@:\[\]\\]+)(:[0-9]{1,5})?"
)


class Credentials(StrEnum):
    """A request's credentials mode: whether cookies, HTTP authentication and TLS client certificates go along.

    Source: https://fetch.spec.whatwg.org/#concept-request-credentials-mode
    """

    OMIT = "omit"
    SAME_ORIGIN = "same-origin"  # what fetch() and XMLHttpRequest do unless told otherwise
    INCLUDE = "include"  # fetch's credentials: "include", xhr.withCredentials, crossorigin="use-credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a page asks for, in mode "cors": fetch(), XMLHttpRequest, EventSource, `crossorigin`, a font, a module.

    `url`: absolute. A fragment is never sent.
    `origin`: the page's origin as browsers serialise it, or "null" for a sandboxed frame, a `data:` page or a file.
    `method`, `headers`: as the script wrote them, one pair of name and value a header; what the browser changes or
        drops (`get`, `Cookie`) is the model's job.
    `body`: None for no body. Its Content-Type must stand among the headers: fetch() adds `text/plain;charset=UTF-8` to
        a string by itself.
    `upload_listeners`: an XMLHttpRequest with a listener on `upload`: always preflighted.
    Raises `ValueError` for an `origin` that no page can have.
    """

    url: str
    origin: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    credentials: Credentials = Credentials.SAME_ORIGIN
    body: bytes | None = None
    upload_listeners: bool = False

    def __post_init__(self) -> None:
        if self.origin == "null":
            return
        match = _SERIALISED_ORIGIN.fullmatch(self.origin)
        if match is None or match[3] == f":{DEFAULT_PORTS.get(match[1])}":
            raise ValueError(
                f"{self.origin!r} is not an origin as a browser writes it: scheme://host or scheme://host:port, in "
                "lower case, without the scheme's default port, without a trailing slash; or null"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """One HTTP request as the browser sends it.

    `headers` are those that the protocol decides: `Accept`, `Origin`, the two `Access-Control-Request-*`, and the
    script's own. What performs the request adds Host, Content-Length, User-Agent and the like.
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
        """`headers.get(name)`."""
        return self.headers.get(name)


@dataclass(frozen=True, slots=True, init=False)
class Received:
    """What came back: the status code, and the header lines in order, one pair for each line.

    `headers` may be given as any iterable of pairs.
    """

    status: int
    headers: HeaderLines

    def __init__(self, status: int, headers: Iterable[tuple[str, str]] = ()) -> None:
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "headers", HeaderLines(headers))

    def get(self, name: str) -> str | None:
        """`headers.get(name)`."""
        return self.headers.get(name)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and its response."""

    sent: SentRequest
    received: Received
