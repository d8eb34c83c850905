"""What the rules of `corecors.cli.causes` look at, and what they say."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from corecors._decisions.headers import ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, SAFELISTED_METHODS, WILDCARD
from corecors.browser import Check, Credentials, Exchange, Received, Request, Step, Verdict
from corecors.browser.safelist import is_forbidden_header, normalize_method, unsafe_headers
from corecors.cli.examination import Examination
from corecors.cli.servers import Needs

USUAL_METHODS = ("PUT", "PATCH", "DELETE")  # lists hold much else that means nothing there: ALL, CONNECT, get
ORIGIN_STEPS = (Step.PREFLIGHT_ORIGIN, Step.RESPONSE_ORIGIN)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it fails, and the one thing to do.

    code: what it is, in a word that stays the same. says, fix: a sentence each.
    topic: of `corecors explain`, the section of docs/errors.md; "" for none.
    lines: whole header lines that the server should send, to copy. at_server: whether the server's CORS configuration
    is what has to change, so that its own syntax helps.
    """

    code: str
    says: str
    fix: str
    topic: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    at_server: bool = False


class Case:
    """What the rules look at: an examination, and what can be read off it."""

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.request: Request = examination.request
        self.verdict: Verdict = examination.verdict
        self.failed: Check | None = deciding(examination)
        index = None if self.failed is None else self.failed.exchange
        self.exchange: Exchange | None = None if index is None else self.verdict.exchanges[index]
        self.received: Received | None = None if self.exchange is None else self.exchange.received
        self.status: int = 0 if self.received is None else self.received.status
        self.on_preflight: bool = self.exchange is not None and self.exchange.sent.preflight
        self.what = "preflight" if self.on_preflight else "request"
        self.credentials: bool = self.request.credentials is Credentials.INCLUDE

    @property
    def lacks_header(self) -> bool:
        """Whether what failed may be a mere consequence of what answered: no CORS header, or a preflight's status."""
        if self.failed is None:
            return False
        return (self.failed.step in ORIGIN_STEPS and self.failed.value is None) or (
            self.failed.step is Step.PREFLIGHT_STATUS
        )

    @property
    def origin(self) -> str:
        """The origin as it was sent where it failed."""
        sent = None if self.exchange is None else self.exchange.sent.get("Origin")
        return self.request.origin if sent is None else sent

    @property
    def needs(self) -> Needs:
        """What the page needs of the server."""
        method = normalize_method(self.request.method)
        if method.upper() in USUAL_METHODS:
            method = method.upper()  # of `patch`, which fetch() sends as it is, the page is what has to change
        return Needs(
            origin=self.request.origin,
            path=urlsplit(self.request.url).path or "/",
            methods=() if method in SAFELISTED_METHODS else (method,),
            names=tuple(unsafe_headers(self.request.headers)),
            credentials=self.credentials,
        )

    @property
    def to_allow(self) -> Needs:
        """The same, and what the server lists already: who writes a fix down there takes nothing away."""
        needs = self.needs
        if not self.on_preflight or self.received is None:
            return needs
        methods = [each for each in self.received.headers.tokens(ALLOW_METHODS)[0] if each in USUAL_METHODS]
        names = [name.lower() for name in self.received.headers.tokens(ALLOW_HEADERS)[0]]
        sent = [name for name in names if name != WILDCARD and not name.startswith("access-control-")]
        sent = [name for name in sent if not is_forbidden_header(name, "")]
        return replace(
            needs,
            methods=tuple(dict.fromkeys([*methods, *needs.methods])),
            names=tuple(dict.fromkeys([*sent, *needs.names])),
        )

    @property
    def plain_has_header(self) -> bool | None:
        """Whether a GET from the same origin is answered with the header; None where that is not known."""
        plain = self.examination.plain
        return None if plain is None else plain.get(ALLOW_ORIGIN) in (WILDCARD, self.request.origin)


Rule = Callable[[Case], Cause | None]


def deciding(examination: Examination) -> Check | None:
    """The check that failed first in today's browsers; where none did, by the standard; else None."""
    failed = [check for check in examination.verdict.checks if not check.passed]
    return next((check for check in failed if not check.passed_in_practice), failed[0] if failed else None)
