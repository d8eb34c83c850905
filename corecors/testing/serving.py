"""What stands between a page and an application: where the application is, and the two kinds of those who answer."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from corecors import CORSError
from corecors._decisions.headers import is_token
from corecors.browser import Received, SentRequest
from corecors.browser.urls import WEB_PORTS, Address, parse_url

Lines = Sequence[tuple[str, str]]
EVENT_STREAM = "text/event-stream"  # which has no end that a page could wait for
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")  # RFC 9110, 5.5


def answered(status: int, headers: Iterable[tuple[str, str]]) -> Received:
    """What a server makes of the start of a response. Raises `ValueError` for a header that servers refuse to send:
    were it read here as a browser would read it, a page could have what no page ever gets."""
    received = Received(status, headers)
    for name, value in received.headers:
        if not is_token(name) or _VALUE.fullmatch(value) is None:
            raise ValueError(f"no server sends this header: {name!a}: {value!a}")
    return received


class Unreachable(CORSError, LookupError):
    """A redirect leads to an address at which only a network could answer, and none is asked."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the browser takes the application to be."""

    address: Address

    @classmethod
    def at(cls, text: str) -> "Site":
        """The site of that address. Raises `ValueError` for anything but scheme, host and port."""
        address = parse_url(text)
        if address is None or address.scheme not in WEB_PORTS or address.path != "/" or address.has_userinfo:
            raise ValueError(f"{text!r} is not an address as this is one: https://api.example.com, without a path")
        return cls(address)

    @property
    def origin(self) -> str:
        """The application's own origin."""
        return self.address.origin

    @property
    def host(self) -> str:
        """The value of `Host`."""
        return self.origin.partition("://")[2]

    @property
    def port(self) -> int:
        """The port, which may go without saying in the address."""
        return WEB_PORTS[self.address.scheme] if self.address.port is None else self.address.port

    def url_of(self, path: str) -> str:
        """The URL that a script would write for `path`."""
        if path.startswith("/") and not path.startswith(("//", "/\\")):
            return self.origin + path
        address = parse_url(path)
        if address is None or address.origin != self.origin:
            raise ValueError(f"{path!r} is neither a path that begins with a slash nor a URL of {self.origin}")
        return path

    def covers(self, url: str) -> bool:
        """Whether an absolute URL, as the browser writes it, is the application's."""
        return url == self.origin or url.startswith(self.origin + "/")

    def target(self, sent: SentRequest) -> str:
        """The path and the query, as they are sent. Raises `Unreachable` for an address that is another server's."""
        if not self.covers(sent.url):
            raise Unreachable(
                f"a redirect leads from {self.origin} to {sent.url}, where nothing answers in a test. If a page is "
                "not to be sent there (to a login page, say), let the API answer 401 instead"
            )
        return sent.url[len(self.origin) :]


class Synchronous:
    """Answers at once. `name`: what it is, for people."""

    name: str

    def ask(self, sent: SentRequest, lines: Lines) -> Received:
        """The answer to one request; `lines`: all that it has, `Host` and `Cookie` included."""
        raise NotImplementedError


class Asynchronous:
    """Answers in the event loop in which it was started. `name`: what it is, for people."""

    name: str

    async def start(self) -> None:
        """Begin its lifespan. Raises what it raises, and `RuntimeError` where it says that it failed."""
        raise NotImplementedError

    async def stop(self) -> None:
        """End its lifespan."""
        raise NotImplementedError

    async def ask(self, sent: SentRequest, lines: Lines) -> Received:
        """The answer to one request; `lines`: all that it has, `Host` and `Cookie` included."""
        raise NotImplementedError
