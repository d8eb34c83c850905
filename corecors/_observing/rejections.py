"""The log of rejected requests: what was refused, to whom, and what to change, bounded whatever an attacker sends.

Each new kind of rejection is one WARNING line of the logger `corecors`. A kind is an origin (for a preflight that fails
by its method or a header: that as well); everything malformed is one kind. Repeats are counted, and summed up in one
line a minute. No line ever holds a control character or anything beyond ASCII, so none can be forged.
"""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from corecors._decisions.admission import SAFE_METHODS
from corecors._decisions.decision import MAX_ASKED_LENGTH, TOO_LONG, Decision, Kind, Reason
from corecors._decisions.request import CORSRequest
from corecors._origins.showing import printable

LOGGER = logging.getLogger("corecors")
PERIOD = 60.0  # seconds between two summaries
LINES_PER_PERIOD = 20  # enough to see a roll-out gone wrong, too few to fill a disk: 30,000 lines a day at the most
REMEMBERED: Final = 1000  # kinds, some 200 bytes each
NAMED_IN_SUMMARY: Final = 5  # the kinds that were repeated most
MAX_SHOWN_LENGTH: Final = 320  # characters of a path or an origin; no origin is longer
CLOCK_EVERY: Final = 64  # repeats of one kind between two looks at the clock, so that a flood costs no clock a request
FEW: Final = 16  # repeats in a period, before which each one looks at the clock

Asked = str | bytes | tuple[Any, ...]

_MALFORMED = frozenset({Reason.ORIGIN_MALFORMED, Reason.METHOD_MALFORMED, Reason.HEADERS_MALFORMED})
_OF_AN_ORIGIN = frozenset({Reason.ORIGIN_NULL, Reason.ORIGIN_NOT_ALLOWED})
_BY_ORIGIN = frozenset({Reason.CROSS_SITE_BLOCKED, Reason.CREDENTIALS_NOT_ALLOWED})
_BY_REQUEST = frozenset({Reason.METHOD_NOT_ALLOWED, Reason.HEADER_NOT_ALLOWED})


class Rejected:
    """One kind of rejection: its name, as it may stand in a line, and how often it was repeated since the last summary.
    What was asked leads to it by one look-up.

    left: how many of those repeats are yet to come. Taking one off is all that `RejectionLog.counts` does with it, so a
        door may do so itself, for a GET.
    """

    __slots__ = ("left", "name", "repeats")

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.repeats: int = 0
        self.left: int = 0


UNKNOWN = Rejected("")  # of nothing, so that nothing is counted


class RejectionLog:
    """Reports rejections to `logger`, at most `lines` new kinds and one summary in each `period` of seconds.

    `clock` gives seconds that never go backwards; `subject` is what a summary calls what it counts. Repeats are counted
    without a lock, so that counting costs next to nothing: with several threads some can be missed.
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
        self._kinds: dict[str, Rejected] = {}
        self._asked: dict[Asked, Rejected] = {}  # what was reported, by what was asked
        self.known: Callable[[Asked, Rejected], Rejected] = self._asked.get
        self._repeats = 0
        self._unnamed = 0
        self._written = 0
        self._due = clock() + period

    def counts(self, asked: Asked, method: str) -> bool:
        """Count one more rejection of a kind that is known, or that gets no line in a flood: all that it costs then.

        `asked` is what was asked: the origin; where more than that makes the kind, a tuple of it, its parts `bounded`.
        `method` is the request's. False: it has to be reported.
        """
        # Any other method may come from the server's own pages although another host refused its origin. The first
        # comparison settles nearly all, and hashes nothing.
        if method != "GET" and method not in SAFE_METHODS:
            return False
        if len(asked) > MAX_ASKED_LENGTH:
            asked = TOO_LONG
        kind = self._asked.get(asked)
        if kind is not None:
            left = kind.left
            if not left:
                if self._clock() >= self._due:
                    return False
                # Some that are yet to come are counted with it: no more than have come, so that a summary is late by no
                # longer than those took; and none, as long as there are few.
                left = min(kind.repeats + 1, CLOCK_EVERY) if self._repeats >= FEW else 1
                self._repeats += left
                kind.repeats += left
            kind.left = left - 1
            return True
        # As long as there is a line left it may be a kind that nobody has read of: a flood of one kind hides no other.
        if self._written < self._lines or (len(self._asked) < REMEMBERED and len(self._kinds) < REMEMBERED):
            return False
        unnamed = self._unnamed + 1
        if not unnamed % CLOCK_EVERY and self._clock() >= self._due:
            return False
        self._unnamed = unnamed
        return True

    def report(
        self, decision: Decision, request: CORSRequest, asked: Asked | None = None, *, prefix: str = "CORS refused"
    ) -> None:
        """Report a decision about a request: one line for a kind that is new, else one more repeat.

        `asked` makes `counts` know the kind the next time.
        """
        name = _name(decision)
        with self._lock:
            now = self._clock()
            if now >= self._due:
                self._sum_up(now)
            kind = self._kinds.get(name)
            gets_line = kind is None and self._written < self._lines
            if kind is None and len(self._kinds) < REMEMBERED:
                kind = self._kinds[name] = Rejected(name)
            if kind is not None and asked is not None:
                if len(self._asked) >= REMEMBERED:
                    self._asked.clear()  # a name that is asked for again is one report, and no more memory
                self._asked[asked if len(asked) <= MAX_ASKED_LENGTH else TOO_LONG] = kind
            if not gets_line:
                if kind is None:
                    self._unnamed += 1
                else:
                    kind.repeats += 1
                return
            self._written += 1
        fields = _fields(decision, request)
        hint = _own_origins_hint(decision, request)
        self._logger.warning("%s %s: %s%s", prefix, fields["cors_request"], decision.explain(), hint, extra=fields)

    def sum_up(self) -> None:
        """Write the summary of what was repeated since the last one, if anything was."""
        with self._lock:
            self._sum_up(self._clock())

    def _sum_up(self, now: float) -> None:
        for kind in self._kinds.values():
            kind.repeats = max(kind.repeats - kind.left, 0)  # another thread may have taken one off meanwhile
            kind.left = 0
        repeated = sorted(((kind.repeats, kind.name) for kind in self._kinds.values() if kind.repeats), reverse=True)
        if repeated or self._unnamed:
            total = sum(count for count, _ in repeated) + self._unnamed
            named = ", ".join(f"{name} ({count:,})" for count, name in repeated[:NAMED_IN_SUMMARY])
            others = total - sum(count for count, _ in repeated[:NAMED_IN_SUMMARY])
            rest = f"{others:,} others" if others else ""
            what = " and ".join(part for part in (named, rest) if part)
            self._logger.warning("CORS: %s more %s like those before: %s", f"{total:,}", self._subject, what)
        if self._written >= self._lines or len(self._kinds) >= REMEMBERED:
            self._kinds = {}  # so that what got no line in the flood gets one after it
        else:
            for kind in self._kinds.values():
                kind.repeats = 0
        self._asked.clear()
        self._repeats = self._unnamed = self._written = 0
        self._due = now + self._period


def _name(decision: Decision) -> str:
    """What makes two rejections the same, as it may stand in a line."""
    reasons = decision.reasons
    malformed = _MALFORMED.intersection(reasons)
    if Reason.ORIGIN_MALFORMED in malformed:
        return Reason.ORIGIN_MALFORMED
    # The origin comes first: what a refused one may not ask for either is told with it (`Door.refused_preflight`).
    if malformed and not _OF_AN_ORIGIN.intersection(reasons):
        return min(malformed)
    if decision.kind is Kind.WEBSOCKET or decision.reason in _BY_ORIGIN:
        return f"{_shown(decision.origin or '')} ({decision.reason})"
    if Reason.UNDECIDED in reasons or Reason.PATH_AMBIGUOUS in reasons:
        return decision.reason
    origin = _shown(decision.origin or "")
    if reasons[0] not in _BY_REQUEST:
        return origin
    names = [_shown(name) for name in decision.disallowed_headers]
    method = [_shown(decision.method or "")] if Reason.METHOD_NOT_ALLOWED in reasons else []
    return f"{origin} with {', '.join([*method, *names])[:MAX_SHOWN_LENGTH]}"


def _fields(decision: Decision, request: CORSRequest) -> dict[str, str]:
    """The structured fields of a line, all of them as safe as the line itself."""
    method = _shown(decision.method or request.method)
    path = _shown(request.path)
    what = {Kind.PREFLIGHT: "the preflight for ", Kind.WEBSOCKET: "the WebSocket handshake "}.get(decision.kind, "")
    return {
        "cors_request": f"{what}{method} {path}",
        "cors_kind": decision.kind.value,
        "cors_reason": decision.reason.value,
        "cors_reasons": ", ".join(decision.reasons),
        "cors_origin": _shown(decision.origin or ""),
        "cors_method": method,
        "cors_header": _shown(", ".join(decision.disallowed_headers)),
        "cors_path": path,
    }


def _own_origins_hint(decision: Decision, request: CORSRequest) -> str:
    """What to do where the request may be the server's own: `Sec-Fetch-Site` is missing, and a proxy may have rewritten
    `Host`. Browsers send no `Origin` with GET and HEAD to a page's own origin, and no preflight."""
    may_be_own = decision.kind is Kind.WEBSOCKET or (
        decision.kind is Kind.ACTUAL and request.method not in SAFE_METHODS
    )
    if not may_be_own or request.fetch_site is not None or Reason.ORIGIN_NOT_ALLOWED not in decision.reasons:
        return ""
    return (
        f" If {_shown(decision.origin or '')} is this server's own origin and a proxy rewrites Host (here"
        f" {_shown(request.host)}), name it in own_origins."
    )


def _shown(text: str) -> str:
    return printable(text, MAX_SHOWN_LENGTH)
