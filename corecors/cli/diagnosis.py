"""All that the doctor has to say about one origin, and the same as data, in a documented form with a version."""

from dataclasses import dataclass
from typing import Any

from corecors.browser import Credentials
from corecors.cli.case import Cause
from corecors.cli.causes import find_cause, software_of
from corecors.cli.examination import End, Examination
from corecors.cli.hazards import Hazard
from corecors.cli.masking import Masker
from corecors.cli.servers import Software

SCHEMA = "corecors.doctor/1"  # the number changes where a key changes its meaning or goes away


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One request of a page, examined.

    cause: why it fails, None where nothing does. software: what answered, where it says so.
    unfinished: why not every danger was looked for. requests: how many were sent.
    entry: the number in a recording, None where the server was asked.
    """

    examination: Examination
    cause: Cause | None
    software: Software | None
    hazards: tuple[Hazard, ...] = ()
    unfinished: str | None = None
    requests: int = 0
    entry: int | None = None

    @property
    def origin(self) -> str:
        return self.examination.request.origin

    @property
    def answered(self) -> bool:
        """Whether there is an answer to judge, or the browser would send nothing: else nothing is known."""
        stop = self.examination.stop
        if stop is None or self.examination.verdict.exchanges:
            return stop is None or stop.end is not End.NO_ANSWER
        return stop.end is End.NOT_SENT

    def exit_code(self, *, strict: bool) -> int:
        """0: works, as far as it was sent; 1: fails; 2: it cannot be told."""
        if not self.answered:
            return 2
        by_browsers = self.cause is not None and not self.only_by_the_standard
        if by_browsers or (strict and any(hazard.serious for hazard in self.hazards)):
            return 1
        stop = self.examination.stop
        if stop is None:
            return 0
        # A request that was not sent: its preflight passed, or a GET of the same page gets the header.
        passed = bool(self.examination.verdict.exchanges) or self.examination.plain_is_readable
        return 0 if stop.end is End.NOT_SENT and passed else 2

    @property
    def only_by_the_standard(self) -> bool:
        """Whether today's browsers let pass what fails."""
        return self.examination.verdict.readable_in_practice and not self.examination.verdict.readable

    def secrets(self) -> Masker:
        """What has to be masked wherever the diagnosis is shown."""
        masker = Masker()
        request = self.examination.request
        masker.learn(request.url, request.headers)
        for exchange in self.examination.verdict.exchanges:
            masker.learn(exchange.sent.url, exchange.sent.headers)
            masker.learn("", exchange.received.headers)
        if self.examination.stop is not None:
            masker.learn(self.examination.stop.request.url, self.examination.stop.request.headers)
        return masker


def diagnose(
    examination: Examination, hazards: tuple[Hazard, ...] = (), unfinished: str | None = None, requests: int = 0
) -> Diagnosis:
    """Find the cause."""
    return Diagnosis(examination, find_cause(examination), software_of(examination), hazards, unfinished, requests)


def as_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as data, without the secrets in it."""
    masker = diagnosis.secrets()
    examination = diagnosis.examination
    verdict, stop = examination.verdict, examination.stop

    def headers(lines: Any) -> list[list[str]]:
        return [[name, masker.header(name, value)] for name, value in lines]

    data: dict[str, Any] = {
        "origin": diagnosis.origin,
        "method": examination.request.method,
        "url": examination.request.url,
        "entry": diagnosis.entry,
        "credentials": examination.request.credentials is Credentials.INCLUDE,
        "works": examination.works,
        "works_by_the_standard": None if stop is not None else verdict.readable,
        "cause": _cause_as_data(diagnosis),
        "stopped": None
        if stop is None
        else {
            "end": stop.end.value,
            "method": stop.request.method,
            "url": stop.request.url,
            "code": stop.code,
            "says": stop.words,
        },
        "checks": [
            {
                "step": check.step.value,
                "passed": check.passed,
                "passed_in_practice": check.passed_in_practice,
                "says": check.explanation,
                "fix": check.fix,
                "header": check.header,
                "value": check.value,
                "section": check.url,
                "exchange": check.exchange,
            }
            for check in verdict.checks
        ],
        "status": verdict.status,
        "readable_headers": [name for name, _ in verdict.readable_headers],
        "hidden_headers": list(verdict.hidden_headers),
        "dangers": [
            {
                "name": hazard.name,
                "serious": hazard.serious,
                "says": hazard.says,
                "fix": hazard.fix,
                "header": hazard.header,
                "value": hazard.value,
            }
            for hazard in diagnosis.hazards
        ],
        "unfinished": diagnosis.unfinished,
        "requests": diagnosis.requests,
    }
    masked: dict[str, Any] = masker.data(data)
    masked["exchanges"] = [
        {
            "method": exchange.sent.method,
            "url": masker.text(exchange.sent.url),
            "preflight": exchange.sent.preflight,
            "request_headers": headers(exchange.sent.headers),
            "status": exchange.received.status,
            "response_headers": headers(exchange.received.headers),
        }
        for exchange in verdict.exchanges
    ]
    return masked


def _cause_as_data(diagnosis: Diagnosis) -> dict[str, Any] | None:
    cause = diagnosis.cause
    if cause is None:
        return None
    return {
        "code": cause.code,
        "says": cause.says,
        "fix": cause.fix,
        "lines": [list(line) for line in cause.lines],
        "topic": cause.topic,
        "server": None if diagnosis.software is None else diagnosis.software.name,
    }
