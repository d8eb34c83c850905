"""The log of rejected requests: what was refused, to whom, and what to change, bounded whatever an attacker sends.

Each new kind of rejection is one WARNING line of the logger `corecors`. A kind is an origin (for a preflight that fails
by its method or a header: that as well); everything malformed is one kind. Repeats are counted, and summed up in one
line a minute. No line ever holds a control character or anything beyond ASCII, so none can be forged.
"""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from corecors import Decision, Kind, Policy, Reason
from corecors.adapters.requests import decide, is_from_own_origin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LOGGER = logging.getLogger("corecors")
PERIOD = 60.0  # seconds between two summaries
LINES_PER_PERIOD = 20  # enough to see a roll-out gone wrong, too few to fill a disk: 30,000 lines a day at the most
REMEMBERED = 1000  # kinds, some 200 bytes each
NAMED_IN_SUMMARY = 5  # the kinds that were repeated most
_OVERLONG = Reason.ORIGIN_MALFORMED.value
# Fetch, "append a request `Origin` header": browsers send none with these to a page's own origin, and preflight nothing
# there. Any other request may come from there although another host refused its origin: so it is looked at.
_NEVER_FROM_OWN_ORIGIN = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_SHOWN_LENGTH = 320  # characters of a path or an origin; no origin is longer


class RejectionLog:
    """Reports rejections to `logger`, at most `lines` new kinds and one summary in each `period` of seconds.

    `clock` gives seconds that never go backwards; `subject` is what a summary calls what it counts. Repeats are counted
    without a lock, so that counting costs next to nothing: with several threads a few can be missed.
    """

    def __init__(
        self,
        logger: logging.Logger = LOGGER,
        *,
        lines: int = LINES_PER_PERIOD,
        period: float = PERIOD,
        clock: Callable[[], float] = time.monotonic,
        subject: str = "rejections",
    ) -> None:
        self._logger = logger
        self._subject = subject
        self._lines = lines
        self._period = period
        self._clock = clock
        self._lock = Lock()
        self._repeats: dict[str, int] = {}
        self._unnamed = 0
        self._written = 0
        self._due = clock() + period

    def refused(self, policy: Policy, environ: "WSGIEnvironment", origin: str) -> None:
        """Report a request with this `Origin` that `policy` refuses, unless it comes from the server's own origin."""
        kind = origin if len(origin) <= MAX_SHOWN_LENGTH else _OVERLONG
        repeats = self._repeats
        try:
            is_known = kind in repeats and environ["REQUEST_METHOD"] in _NEVER_FROM_OWN_ORIGIN
        except KeyError:  # a server that leaves the method out
            is_known = False
        if is_known and self._clock() < self._due:
            repeats[kind] += 1  # all that a rejection costs when it is not the first of its kind
        elif is_from_own_origin(environ):
            return
        elif kind not in repeats and self._written >= self._lines and self._clock() < self._due:
            self._overflow(printable(kind))  # and all that one of a new kind costs in a flood
        else:
            self.report(decide(policy, environ), environ)

    def report(self, decision: Decision, environ: "WSGIEnvironment", prefix: str = "CORS refused") -> None:
        """Report a decision: one line for a kind that is new, else one more repeat."""
        kind = _kind(decision)
        with self._lock:
            now = self._clock()
            if now >= self._due:
                self._sum_up(now)
            if kind in self._repeats:
                self._repeats[kind] += 1
                return
            if self._written >= self._lines:
                self._overflow(kind)
                return
            if len(self._repeats) < REMEMBERED:
                self._repeats[kind] = 0
            self._written += 1
        fields = _fields(decision, environ)
        self._logger.warning("%s %s: %s", prefix, fields["cors_request"], decision.explain(), extra=fields)

    def _overflow(self, kind: str) -> None:
        """Count a kind that gets no line of its own in this period."""
        if len(self._repeats) < REMEMBERED:
            self._repeats[kind] = 1
        else:
            self._unnamed += 1

    def sum_up(self) -> None:
        """Write the summary of what was repeated since the last one, if anything was."""
        with self._lock:
            self._sum_up(self._clock())

    def _sum_up(self, now: float) -> None:
        repeated = sorted(((count, kind) for kind, count in self._repeats.items() if count), reverse=True)
        if repeated or self._unnamed:
            total = sum(count for count, _ in repeated) + self._unnamed
            named = ", ".join(f"{kind} ({count:,})" for count, kind in repeated[:NAMED_IN_SUMMARY])
            others = total - sum(count for count, _ in repeated[:NAMED_IN_SUMMARY])
            rest = f"{others:,} others" if others else ""
            what = " and ".join(part for part in (named, rest) if part)
            self._logger.warning("CORS: %s more %s like those before: %s", f"{total:,}", self._subject, what)
        if self._written >= self._lines or len(self._repeats) >= REMEMBERED:
            self._repeats = {}  # so that what got no line in the flood gets one after it
        else:
            self._repeats = dict.fromkeys(self._repeats, 0)
        self._unnamed = self._written = 0
        self._due = now + self._period


def _kind(decision: Decision) -> str:
    """What makes two rejections the same, as it may stand in a line."""
    if decision.reason.value.endswith("malformed"):
        return decision.reason.value
    origin = printable(decision.origin or "")
    if decision.reason is Reason.METHOD_NOT_ALLOWED or decision.reason is Reason.HEADER_NOT_ALLOWED:
        return f"{origin} with {printable(decision.name or decision.method or '')}"
    return origin


def _fields(decision: Decision, environ: "WSGIEnvironment") -> dict[str, str]:
    """The structured fields of a line, all of them as safe as the line itself."""
    method = printable(decision.method or "")
    path = printable(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
    preflight = "the preflight for " if decision.kind is Kind.PREFLIGHT else ""
    return {
        "cors_request": f"{preflight}{method} {path}",
        "cors_kind": decision.kind.value,
        "cors_reason": decision.reason.value,
        "cors_origin": printable(decision.origin or ""),
        "cors_method": method,
        "cors_header": printable(decision.name or ""),
        "cors_path": path,
    }


def printable(text: str) -> str:
    """`text` in printable ASCII, everything else escaped, and cut where it is long."""
    cut = text if len(text) <= MAX_SHOWN_LENGTH else text[:MAX_SHOWN_LENGTH] + "..."
    return ascii(cut)[1:-1]
