"""The course of one request of a page: what is asked, what is answered to it, and how it ends for the page."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from corecors import CORSRequest, Decision, path_is_ambiguous
from corecors._decisions.headers import ORIGIN, REQUEST_HEADERS, REQUEST_METHOD
from corecors.browser import Credentials, Received, Request, SentRequest, Verdict, simulate
from corecors.cli.page_request import page_origin

# A header's value decides whether it needs permission; where only a name is given, one that does.
USUAL_VALUES = {"content-type": "application/json", "range": "bytes=0-1,2-3"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one request that the browser sends. `decision`: None where an application was asked."""

    sent: SentRequest
    received: Received
    allowed: bool
    explanation: str
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What became of one request. `verdict`: None where no browser sends such an origin."""

    origin: str
    allowed: bool
    answers: list[Answer]
    verdict: Verdict | None

    @property
    def explanation(self) -> str:
        """The policy's own words where it refuses, all reasons at once; the browser's where it sends nothing, or keeps
        the answer to itself."""
        last = self.answers[-1] if self.answers else None
        if self.verdict is not None and (last is None or last.decision is None or (last.allowed and not self.allowed)):
            by_browser = f"{self.verdict.explanation} {self.verdict.fix}".strip()
            said = "" if last is None or last.allowed else last.explanation
            return said or by_browser
        return "" if last is None else last.explanation

    def as_data(self) -> dict[str, Any]:
        """The course as data."""
        return {
            "origin": self.origin,
            "allowed": self.allowed,
            "explanation": self.explanation,
            "answers": [
                {
                    "method": answer.sent.method,
                    "preflight": answer.sent.preflight,
                    "allowed": answer.allowed,
                    "reasons": [] if answer.decision is None else [str(reason) for reason in answer.decision.reasons],
                    "status": answer.received.status,
                    "headers": [list(line) for line in answer.received.headers],
                    "explanation": answer.explanation,
                }
                for answer in self.answers
            ],
        }


def follow(
    ask: Callable[[SentRequest], Answer],
    url: str,
    origin: str,
    method: str,
    headers: Iterable[tuple[str, str]],
    credentials: Credentials,
) -> Course:
    """Put a page's request together as a browser does, `ask` for the answer to each that it sends, and judge them."""
    answers: list[Answer] = []

    def send(sent: SentRequest) -> Received:
        answers.append(ask(sent))
        return answers[-1].received

    try:
        request = Request(url=url, origin=origin, method=method, headers=tuple(headers), credentials=credentials)
    except ValueError:
        # No browser sends this as an origin, so there is no course to follow: the decision alone is worth showing.
        send(SentRequest(method=method, url=url, headers=Received(0, [(ORIGIN, origin)]).headers))
        return Course(origin, answers[0].allowed, answers, None)
    verdict = simulate(request, send)
    return Course(origin, verdict.readable, answers, verdict)


def asked(sent: SentRequest, path: str) -> CORSRequest:
    """A request of the browser as a door hands it to a policy; `path`: of the address as it was written."""
    address = urlsplit(sent.url)
    return CORSRequest(
        sent.method,
        path,
        path_is_ambiguous(path),
        address.scheme,
        address.netloc,
        sent.get(ORIGIN),
        sent.get(REQUEST_METHOD),
        sent.get(REQUEST_HEADERS),
    )


def answer_of(decision: Decision | None, sent: SentRequest, path: str) -> Answer:
    """What a door sends by `decision`; None: no policy governs `path`."""
    if decision is None:
        text = f"No policy governs {path}: that was configured, and the response stays as it is."
        return Answer(sent, Received(200), False, text)
    received = Received(decision.status or 200, decision.lines)
    return Answer(sent, received, decision.allowed, decision.explain(), decision)


def header_of(text: str) -> tuple[str, str]:
    """A header that a page sets: "X-Name: value", or a name alone, with a value that decides as most do."""
    name, colon, value = text.partition(":")
    return name.strip(), value.strip() if colon else USUAL_VALUES.get(name.strip().lower(), "x" * 129)


def origin_of(text: str) -> str:
    """The origin of a page, where `text` is the address of one: a lone slash is an origin misspelt, and told so."""
    return page_origin(text) if re.match(r"[^/?#]+://[^/?#]*(?:/[^?#]|/?[?#])", text) else text
