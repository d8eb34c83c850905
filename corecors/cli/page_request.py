"""The request that a page makes, put together from what people have: options, or a copied curl command."""

from dataclasses import dataclass

from corecors.browser import Credentials, Request
from corecors.browser.safelist import is_forbidden_header
from corecors.browser.urls import parse_url
from corecors.cli.curl_command import CurlCommand

Pairs = tuple[tuple[str, str], ...]

# What browsers add by themselves, and copy with the rest although no script set it. They are not forbidden to scripts,
# so they would count for a preflight that never was.
BY_THE_BROWSER = frozenset(
    "user-agent accept-language cache-control pragma priority if-none-match if-modified-since "
    "upgrade-insecure-requests "
    "x-client-data purpose".split()
)


class RequestError(ValueError):
    """What was given is not a request of a page. The message never shows a value that may be a secret."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a page asks for, apart from its origin.

    headers: those of the page. own: those that the browser adds, the cookie among them, for the request itself alone.
    origin: where the command that it comes from tells, else None.
    """

    url: str
    method: str
    headers: Pairs = ()
    body: bytes | None = None
    credentials: bool = False
    own: Pairs = ()
    origin: str | None = None
    insecure: bool = False

    def from_origin(self, origin: str) -> Request:
        """The request of a page of that origin. Raises `RequestError`."""
        try:
            return Request(
                url=self.url,
                origin=page_origin(origin),
                method=self.method,
                headers=self.headers,
                credentials=Credentials.INCLUDE if self.credentials else Credentials.SAME_ORIGIN,
                body=self.body,
            )
        except ValueError as error:
            raise RequestError(f"--origin: {error}") from None


def page_origin(text: str) -> str:
    """The origin that `text` names: an origin, or the address of a page as it stands in the address bar."""
    address = parse_url(text)
    # "https://app.example.com/" is the page as well as a common misspelling of its origin: both mean the same here.
    return text if address is None or address.origin == "null" or address.has_userinfo else address.origin


def from_options(
    url: str, method: str | None, headers: tuple[str, ...], data: tuple[str, ...], credentials: bool
) -> PageRequest:
    """From the options of the command line. Raises `RequestError`."""
    try:
        body = "&".join(data).encode() if data else None
    except UnicodeEncodeError:
        raise RequestError("--data: only text can be sent, and that is not text") from None
    pairs = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            shown = header.split()[0] if header.split() else ""
            raise RequestError(f'-H {shown!r} has no value: write "{shown}: value"; it may decide about the preflight')
        pairs.append((name.strip(), value.strip()))
    return PageRequest(url, method or ("GET" if body is None else "POST"), tuple(pairs), body, credentials)


def from_curl(command: CurlCommand, *, method: str | None = None, credentials: bool = False) -> PageRequest:
    """From a copied command: what the browser added is told apart from what the page set."""
    page: list[tuple[str, str]] = []
    own: list[tuple[str, str]] = []
    origin = referer = None
    for name, text in command.headers:
        value = text.encode("utf-8", "surrogateescape").decode("latin-1")
        lowered = name.lower()
        if lowered == "origin":
            origin = value
        elif lowered in ("host", "content-length", "connection", "transfer-encoding"):
            continue  # said again by what sends the request
        elif lowered in BY_THE_BROWSER or is_forbidden_header(name, value):
            own.append((name, value))
            referer = value if lowered == "referer" else referer
        else:
            page.append((name, value))
    if origin is None and referer is not None and parse_url(referer) is not None:
        origin = page_origin(referer)
    return PageRequest(
        command.url,
        method or command.method or "GET",
        tuple(page),
        command.body,
        credentials or any(name.lower() == "cookie" for name, _ in own),
        tuple(own),
        origin,
        command.insecure,
    )
