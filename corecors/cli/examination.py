"""What the doctor finds out: the course of the request as far as it goes without harm, and where it ended."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from corecors._decisions.headers import ORIGIN
from corecors.browser import Exchange, HeaderLines, Received, Request, SentRequest, Verdict, simulate
from corecors.browser.cors_check import cors_checks
from corecors.cli.unanswered import OtherHostError, TooManyRequestsError, UnreachableError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1; a preflight is OPTIONS

Send = Callable[[SentRequest], Received]


class End(StrEnum):
    """Why a request was not sent, or not answered."""

    NOT_SENT = "not-sent"  # it may change something, and nobody said --send
    OTHER_HOST = "other-host"
    NO_ANSWER = "no-answer"
    TOO_MANY = "too-many-requests"


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the course ended before its end: the request that was due, and why it got no answer.

    code: of no answer, what kind ("refused", "timeout"); words: the same for people.
    """

    end: End
    request: SentRequest
    code: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """What is known about one request of a page.

    verdict: the model's, of what was really sent and answered. stop: None where it came to its end.
    plain: the response to a GET from the page's origin without anything else, None if there is none.
    port_speaks_tls: whether the port that was asked over http speaks TLS.
    """

    request: Request
    verdict: Verdict
    stop: Stop | None = None
    plain: Received | None = None
    port_speaks_tls: bool = False

    @property
    def works(self) -> bool | None:
        """Whether the page gets the response in today's browsers; None where that cannot be told from what was sent."""
        if self.stop is not None:
            return None
        return self.verdict.readable_in_practice

    @property
    def plain_is_readable(self) -> bool:
        """Whether the page could read the response to that GET."""
        if self.plain is None:
            return False
        return all(check.passed for check in cors_checks(self.plain, self.request.origin, self.request.credentials))

    @property
    def last(self) -> Exchange | None:
        """The last exchange."""
        return self.verdict.exchanges[-1] if self.verdict.exchanges else None


def examine(request: Request, send: Send, *, send_unsafe: bool) -> Examination:
    """Follow `request` as a browser would. A method that may change something is sent only with `send_unsafe`."""
    stopped: list[Stop] = []

    def carefully(sent: SentRequest) -> Received:
        if sent.method not in SAFE_METHODS and not send_unsafe:
            stopped.append(Stop(End.NOT_SENT, sent))
        else:
            try:
                return send(sent)
            except OtherHostError:
                stopped.append(Stop(End.OTHER_HOST, sent))
            except TooManyRequestsError as error:
                stopped.append(Stop(End.TOO_MANY, sent, words=str(error)))
            except UnreachableError as error:
                stopped.append(Stop(End.NO_ANSWER, sent, error.code, str(error)))
        return Received(0)  # ends the course at once; what the model says of it is taken out again

    verdict = simulate(request, carefully)
    if not stopped:
        return Examination(request, verdict)
    ended = len(verdict.exchanges) - 1
    verdict = replace(
        verdict,
        exchanges=verdict.exchanges[:ended],
        checks=tuple(check for check in verdict.checks if check.exchange != ended),
        readable=False,
        readable_in_practice=False,
        status=None,
        readable_headers=HeaderLines(),
        hidden_headers=(),
    )
    return Examination(request, verdict, stopped[0])


def plain_get(examination: Examination, send: Send) -> Received:
    """The response to a GET from the page's origin, at the address where the course ended."""
    last = examination.last
    url = examination.request.url
    if last is not None:
        plain = last.sent.method == "GET" and last.sent.get(ORIGIN) == examination.request.origin
        if plain and not any(name.lower() not in ("accept", "origin") for name, _ in last.sent.headers):
            return last.received
        url = last.sent.url
    elif examination.stop is not None:
        url = examination.stop.request.url
    lines = HeaderLines((("Accept", "*/*"), (ORIGIN, examination.request.origin)))
    return send(SentRequest(method="GET", url=url, headers=lines))
