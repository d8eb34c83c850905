"""Why a request got no answer, in words, and with a code that stays the same."""

from typing import NamedTuple

MAX_REQUESTS = 30  # that go out for one origin


class Failure(NamedTuple):
    """What went wrong. `code` is one of the keys of `ADVICE`; `words` has no names of classes and objects in it."""

    code: str
    words: str


# What to do about each; {origin} is that of the address, {other} the same with the other scheme.
ADVICE = {
    "dns": "Look at the host's name in the address; the browser finds no server either.",
    "refused": "Start the server, and look at the port. Browsers show this as a CORS error too (Firefox: CORS "
    "request did "
    "not succeed).",
    "timeout": "The server accepts the connection and does not answer: look at its log, or give it longer with "
    "--timeout.",
    "certificate": "The browser refuses it too and blames CORS: open the address in a tab to see. Install a "
    "certificate "
    "that browsers trust (for development: mkcert); --insecure shows what comes after it.",
    "no-tls": "Write {other}, or let the server speak TLS.",
    "tls": "Look at the server's TLS settings; the browser gets no further either.",
    "closed": "The server's log says why; a port that expects TLS does so too: try {other}.",
    "not-http": "Another program listens at this port; or it expects TLS: try {other}.",
    "blocked": "Something in the browser keeps the request back, an ad blocker mostly: try again without extensions.",
    "not-recorded": "Record it again with the preflights in it, or ask the server: corecors doctor.",
    "request": "That cannot be sent.",
    "network": "Look at the network between here and there.",
}


class OtherHostError(Exception):
    """A redirect leads away from the host that was named."""


class TooManyRequestsError(Exception):
    """The bound on requests is reached."""

    def __init__(self, bound: int) -> None:
        super().__init__(f"more than {bound} requests would be needed")


class UnreachableError(Exception):
    """No answer came. The message says why, in a few words; `code` says it for programs."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.code: str = failure.code
