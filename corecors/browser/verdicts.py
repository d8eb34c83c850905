"""How a request is judged: the checks that a browser makes, each a step of the Fetch standard, and how it ended."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Never

from corecors.browser.header_lines import HeaderLines
from corecors.browser.messages import Exchange
from corecors.browser.preflight_cache import PreflightCache

FETCH = "https://fetch.spec.whatwg.org/"
LONGEST_REPR = 240  # characters: pytest shows no more of a value, and cuts what is longer in its middle


class Step(StrEnum):
    """The steps at which a cross-origin request can fail, in the order in which a browser comes to them."""

    REQUEST = "request"  # the page's own call: fetch() throws before anything is sent
    TARGET = "target"  # an address that browsers do not let pages reach: scheme, port, mixed content
    PREFLIGHT_DUE = "preflight due"  # a decision, never a failure
    PREFLIGHT_ORIGIN = "preflight: origin"
    PREFLIGHT_CREDENTIALS = "preflight: credentials"
    PREFLIGHT_STATUS = "preflight: status"
    PREFLIGHT_SYNTAX = "preflight: syntax"
    PREFLIGHT_METHOD = "preflight: method"
    PREFLIGHT_AUTHORIZATION = "preflight: authorization"
    PREFLIGHT_HEADER = "preflight: header"
    RESPONSE_ORIGIN = "response: origin"
    RESPONSE_CREDENTIALS = "response: credentials"
    REDIRECT = "redirect"
    READ = "read"  # no failure: the script has the response in its hands


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the browser looked at.

    `section`: the anchor in the Fetch standard.
    `explanation`: one sentence on what was found.
    `header`: the response header that decided, None if none did; `value`: what it said, None if it was absent.
    `fix`: what to change; empty if and only if the check passed.
    `only_by_the_standard`: a check that failed passes in today's Chromium, Firefox and WebKit, which are laxer in one
        known case (`Step.PREFLIGHT_AUTHORIZATION`).
    `exchange`: the index, in `Verdict.exchanges`, of the exchange whose response was looked at; None where it was about
        what to send.
    """

    step: Step
    section: str
    explanation: str
    header: str | None = None
    value: str | None = None
    fix: str = ""
    only_by_the_standard: bool = False
    exchange: int | None = None

    @property
    def passed(self) -> bool:
        """Whether it went well by the standard."""
        return not self.fix

    @property
    def passed_in_practice(self) -> bool:
        """Whether it went well in today's browsers."""
        return self.passed or self.only_by_the_standard

    @property
    def url(self) -> str:
        """The address of the section in the Fetch standard."""
        return f"{FETCH}#{self.section}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How it ended for the page.

    `readable`: by the standard, the script can read the response. `readable_in_practice`: it can in today's browsers;
        where they are laxer than the standard, the exchanges include what they go on to send.
    `checks`: all that was looked at, in order. `exchanges`: all that was sent, in order.
    `status`, `readable_headers`: what the script gets to see; None and () unless it can read the response in practice.
        The headers are sorted, in lower case, lines of one name joined, as `response.headers` yields them.
    `hidden_headers`: lower-case names of response headers that came and that the script cannot see.
    `timing_readable`: the script sees detailed timings of the response (`Timing-Allow-Origin`).
    `cache`: the preflight cache afterwards.
    """

    readable: bool
    readable_in_practice: bool
    checks: tuple[Check, ...]
    exchanges: tuple[Exchange, ...]
    status: int | None = None
    readable_headers: HeaderLines = field(default_factory=HeaderLines)
    hidden_headers: tuple[str, ...] = ()
    timing_readable: bool = False
    cache: PreflightCache

    def __bool__(self) -> Never:
        """Raise `TypeError`: `assert page.fetch("/orders")` would hold for a response that no page can read."""
        raise TypeError("a Verdict is neither true nor false: ask whether it is .readable")

    def __repr__(self) -> str:
        """How it ended and, where the script cannot read the response, why and the fix: what a failing test shows."""
        if self.readable:
            asked = {0: "", 1: " after a preflight"}.get(self.preflights, f" after {self.preflights} preflights")
            return f"<Verdict: readable, {self.status}{asked}>"
        fix = f" Fix: {self.fix}>"
        why = f"<Verdict: {self.explanation}"
        room = LONGEST_REPR - len(fix)
        if len(why) > room:
            why = f"{why[: max(room - 3, 0)]}..."
        return why + fix if len(fix) < LONGEST_REPR - 3 else f"{(why + fix)[: LONGEST_REPR - 4]}...>"

    @property
    def decisive(self) -> Check:
        """The check that decided: the first that failed by the standard, else the last one."""
        return next((check for check in self.checks if not check.passed), self.checks[-1])

    @property
    def step(self) -> Step:
        """The step that failed, or `Step.READ`."""
        return self.decisive.step

    @property
    def section(self) -> str:
        """The anchor, in the Fetch standard, of the rule that decided."""
        return self.decisive.section

    @property
    def explanation(self) -> str:
        """One sentence for a person: what the browser found."""
        return self.decisive.explanation

    @property
    def fix(self) -> str:
        """What the server, or the page, should do instead; empty if nothing."""
        return self.decisive.fix

    @property
    def preflights(self) -> int:
        """How many preflights were sent."""
        return sum(exchange.sent.preflight for exchange in self.exchanges)
