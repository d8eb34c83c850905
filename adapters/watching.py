"""What adapters do about a decision besides carrying it out: report, count, compare, block. Shared by all of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from corecors import Decision, Kind, Policy
from corecors.adapters.rejections import LOGGER, RejectionLog
from corecors.adapters.requests import decide, is_from_own_origin

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

DecisionHook = Callable[[Decision, dict[str, Any]], object]


class Watch:
    """Looks at each decision before it is carried out.

    on_decision: called with the decision and the request's environ. An error in it is logged (the first, the second,
        the fourth and so on) and goes no further.
    report_only: a policy that decides nothing; where it would have decided otherwise, that is logged.
    block_disallowed: whether a cross-origin request from an origin that is not allowed is to be refused outright.
    rejections: where rejections are logged; None for nowhere.
    """

    def __init__(
        self,
        on_decision: DecisionHook | None = None,
        report_only: Policy | None = None,
        block_disallowed: bool = False,
        rejections: RejectionLog | None = None,
    ) -> None:
        self._on_decision = on_decision
        self._report_only = report_only
        self._block_disallowed = block_disallowed
        self._rejections = rejections
        self._differences = RejectionLog(subject="differences of report-only") if report_only else None
        self._errors = 0

    def leaves_to_answers(self, policy: Policy) -> bool:
        """Whether requests under `policy` may be served from remembered answers: nothing has to see each decision, no
        predicate has to be asked, and what fails does so with 403 (in debug it does not)."""
        observed = self._on_decision or self._report_only or self._block_disallowed
        return not (observed or policy.allow_origin_predicate or policy.debug)

    def blocks(self, decision: Decision, environ: "WSGIEnvironment") -> bool:
        """Take note of a decision. Whether the request is to be answered with 403 and kept from the application."""
        if self._on_decision is not None:
            self._tell(decision, environ)
        if self._differences is not None and self._report_only is not None:
            other = decide(self._report_only, environ)
            if other.allowed != decision.allowed and not is_from_own_origin(environ):
                verb = "CORS report-only: would refuse" if decision.allowed else "CORS report-only: would allow"
                self._differences.report(other, environ, verb)
        if decision.allowed or is_from_own_origin(environ):
            return False
        if self._rejections is not None:
            self._rejections.report(decision, environ)
        return self._block_disallowed and decision.kind is Kind.ACTUAL

    def _tell(self, decision: Decision, environ: "WSGIEnvironment") -> None:
        try:
            assert self._on_decision is not None
            self._on_decision(decision, environ)
        except Exception:
            self._errors += 1
            if self._errors & (self._errors - 1) == 0:
                LOGGER.exception("CORS: on_decision failed, %d times so far", self._errors)
