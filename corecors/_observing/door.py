"""What every door does with a request, whatever its framework: ask which policy governs, decide, and tell who listens.

A door makes a `CORSRequest`, hands it to `Door.decide`, and carries out what it gets. It decides nothing.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from types import EllipsisType
from typing import Any, TypeGuard

from corecors._decisions.admission import admission, decided, is_own, is_withheld, undecided, withheld
from corecors._decisions.decision import Decision, bounded
from corecors._decisions.request import CORSRequest, Place
from corecors._decisions.rules import REFUSAL
from corecors._decisions.sources import UNDECIDED, PolicySource, Undecided
from corecors._observing.rejections import LOGGER, UNKNOWN, Asked, Rejected, RejectionLog
from corecors._origins.errors import OriginError
from corecors._origins.parsing import parse_origin
from corecors._policy.paths import PathPolicies, varies_by_origin
from corecors._policy.policy import Policy

DecisionHook = Callable[[Decision, CORSRequest], object]
AskPredicate = Callable[[Callable[[str], Any], str], Any]
ReadRequest = Callable[[Any], CORSRequest]  # from what a framework gives
_Governing = Policy | Undecided | None  # what a source says


class Door:
    """The options of a door, and all that it does but for speaking its framework's language.

    on_decision: called with each `Decision` and its `CORSRequest`, for metrics. What it raises is logged (the first
        time, the second, the fourth and so on) and goes no further.
    report_only: a policy, or a source of policies, that decides nothing; what a browser would notice of it is logged.
    block_disallowed: answer a cross-origin request from an origin that is not allowed with 403, instead of letting the
        application run and leaving it to the browser to withhold the response. See `admission`.
    check_websockets: refuse WebSocket handshakes of origins that are neither allowed nor the server's own.
    own_origins: the server's own origins, where a proxy rewrites `Host`.
    rejections: the log of rejected requests; `...` for one of its own, None for no log.
    asks_async: whether the door can await a predicate.
    ask: how a predicate is called with an origin, where a framework needs something around it.

    Raises `TypeError` for an option of the wrong type, naming it.
    """

    def __init__(
        self,
        *,
        on_decision: DecisionHook | None = None,
        report_only: Policy | PolicySource | None = None,
        block_disallowed: object = False,  # a bool; a compiled class would refuse all else without saying which it was
        check_websockets: object = True,
        own_origins: Iterable[str] = (),
        rejections: RejectionLog | EllipsisType | None = ...,
        asks_async: bool = False,
        ask: AskPredicate | None = None,
    ) -> None:
        if on_decision is not None and not callable(on_decision):
            raise TypeError(
                f"on_decision must be a function of a decision and a request, not {_shown_type(on_decision)}"
            )
        for name, flag in (("block_disallowed", block_disallowed), ("check_websockets", check_websockets)):
            if not isinstance(flag, bool):
                raise TypeError(f"{name} must be True or False, not {_shown_type(flag)}")
        if rejections is ...:
            rejections = RejectionLog()
        elif rejections is not None and not isinstance(rejections, RejectionLog):
            raise TypeError(f"rejections must be a RejectionLog or None, not {_shown_type(rejections)}")
        self._asks_async = asks_async
        if report_only is not None:
            self.check_policy(report_only, "report_only")
        self._on_decision = on_decision
        self._report_only = report_only
        self._tells = on_decision is not None or report_only is not None  # of each decision
        self._differences = RejectionLog(subject="differences of report-only") if report_only is not None else None
        self.blocks: bool = block_disallowed is True
        self.check_websockets: bool = check_websockets is True
        self._own_origins = _own_origins(own_origins)
        self.rejections: RejectionLog | None = rejections
        # Counts a refusal that was answered by shared lines, by its origin and the request's method. False where it has
        # to be told whole, by `refused`.
        self.counts: Callable[[Any, str], bool] = _counts if rejections is None else rejections.counts
        # The kind of what was told already, for doors that count by themselves where some are `left`; else `unknown`.
        # Not for an origin of more than 512 characters, which `counts` does not hash.
        self.known: Callable[[Asked, Rejected], Rejected] = _known if rejections is None else rejections.known
        self.unknown: Rejected = UNKNOWN
        self._ask = ask if ask is not None else _call
        self._failures: dict[str, int] = {}

    def check_policy(self, policy: object, name: str = "policy") -> None:
        """Raise `TypeError` for what is neither a `Policy` nor a source of policies, or has a predicate that this door
        cannot await."""
        if isinstance(policy, Policy):
            if policy.has_async_predicate and not self._asks_async:
                raise TypeError(
                    f"{name} has an asynchronous allow_origin_predicate, which this door cannot await; the doors for"
                    " ASGI, Starlette, Django and aiohttp can"
                )
        elif not callable(getattr(policy, "policy_for", None)) or isinstance(policy, type):
            instead = "; policy_from_mapping makes a policy of it" if isinstance(policy, dict) else ""
            raise TypeError(
                f"{name} must be a Policy, PathPolicies or anything with policy_for(request), not {_shown_type(policy)}"
                f"{instead}"
            )

    def is_quiet(self, policy: object) -> bool:
        """Whether requests that are allowed may be answered by the shared lines of `policy`, or of those that a
        `PathPolicies` names: they are plain policies without a predicate and `debug`, and nobody listens to each
        decision.

        Where the door `blocks`, what is refused, and what has `Sec-Fetch-Site` and no `Origin`, is for `decide`.
        """
        if self._tells:
            return False
        if type(policy) is PathPolicies:  # a subclass may choose otherwise
            return all(each is None or _is_plain(each) for each in (*policy.policies.values(), policy.default))
        return _is_plain(policy)

    def asks_quietly(self, policy: object) -> TypeGuard[PolicySource]:
        """Whether `chosen` may be asked, and a plain policy that it finds be served by its shared lines: for a source
        that never looks at `Origin`, where nobody listens to each decision."""
        return not (self._tells or isinstance(policy, Policy) or varies_by_origin(policy))  # type: ignore[arg-type]

    def takes_place(self, policy: object) -> bool:
        """Whether `chosen` may be asked with a `Place`: for a source whose own class says `needs_request`, not for one
        that passes on the attributes of another and may look at more."""
        return hasattr(type(policy), "needs_request") and policy.needs_request is False  # type: ignore[attr-defined]

    def is_silent(self, policy: object) -> TypeGuard[Policy]:
        """Whether all requests under a plain policy may be answered so: nothing is blocked either."""
        return isinstance(policy, Policy) and policy.is_plain and not (self._tells or self.blocks)

    def refused(self, policy: Policy, asked: Any, request: CORSRequest) -> None:
        """Take note of a refusal that was answered by shared lines and is not counted yet.

        asked: the origin, as it was handed to `counts`.
        """
        decision = decided(policy, request, own_origins=self._own_origins)
        if not decision.allowed and self.rejections is not None:
            self.rejections.report(decision, request, asked)

    def refused_preflight(
        self, policy: Policy, origin: str, method: str, names: str | None, read: ReadRequest, given: Any
    ) -> None:
        """Take note of a preflight, by its three values, that was refused by shared lines. `read(given)`, the request,
        is made only where it is not counted yet."""
        # Policies differ in what they refuse it by.
        asked = origin if policy.lines(origin) is REFUSAL else (bounded(origin, method, names), id(policy))
        if self.rejections is not None and not self.rejections.counts(asked, "OPTIONS"):
            self.refused(policy, asked, read(given))

    def came_with_cookies(self, policy: Policy, request: CORSRequest) -> None:
        """Take note of a request that was answered by shared lines without credentials although cookies came along:
        where a browser keeps the answer from the page, that is told."""
        self._note_withheld(decided(policy, request, own_origins=self._own_origins), request)

    def _note_withheld(self, decision: Decision, request: CORSRequest) -> None:
        log = self.rejections
        if log is None or not is_withheld(decision, request):
            return
        told = withheld(decision)
        if not log.counts(told.asked, request.method):
            log.report(told, request, told.asked, prefix="CORS: a browser withholds the answer to")

    def decide(self, policy: PolicySource | _Governing, request: CORSRequest) -> Decision | None:
        """What becomes of a request: None where the response is to stay untouched. Who listens is told.

        policy: a policy, what chooses one, or what a source says instead of one: None or `UNDECIDED`.
        A decision with a `status` is the whole answer; otherwise the application answers, and `Decision.merge` makes
        the headers of its response.
        """
        governing, varies = (policy, False) if isinstance(policy, Policy) else self._governing(policy, request)
        decision = self._decide(governing, varies, request)
        if decision is None:
            return None
        if self._report_only is not None:
            self._compare(decision, request)
        return decision if governing is None else self._told(decision, request)

    async def decide_async(self, policy: PolicySource | _Governing, request: CORSRequest) -> Decision | None:
        """The same, where the predicate's answer may have to be awaited: once a request at most, and only for an origin
        that nothing else allows."""
        governing, varies = self._governing(policy, request)
        answer = await self._answer_async(governing, request) if _has_to_ask(governing, request) else None
        decision = self._decide(governing, varies, request, answer)
        if decision is None:
            return None
        if self._report_only is not None:
            await self._compare_async(decision, request)
        return decision if governing is None else self._told(decision, request)

    # Which policy

    def _governing(self, policy: PolicySource | _Governing, request: CORSRequest) -> tuple[_Governing, bool]:
        """What governs a request, and whether that depends on its `Origin`."""
        if isinstance(policy, Policy) or policy is None or policy is UNDECIDED:
            return policy, False
        varies = varies_by_origin(policy)
        return self.chosen(policy, request), varies

    def chosen(self, source: PolicySource, request: CORSRequest | Place) -> _Governing:
        """What `source` chooses for `request`; `UNDECIDED` where it fails, which is logged."""
        try:
            found: object = source.policy_for(request)  # type: ignore[arg-type]  # a Place where it `takes_place`
        except Exception:
            self.failed("policy_for failed")
            return UNDECIDED
        if isinstance(found, Policy):
            if found.has_async_predicate and not self._asks_async:
                what = "policy_for chose a policy whose predicate is asynchronous, which this door cannot await"
                self.failed(what, exc_info=False)
                return UNDECIDED
            return found
        if found is None or found is UNDECIDED:
            return found
        self.failed(
            f"policy_for returned {_type(found)}, which is neither a Policy, None nor UNDECIDED", exc_info=False
        )
        return UNDECIDED

    # What is decided

    def _decide(
        self, governing: _Governing, varies: bool, request: CORSRequest, answer: object = None
    ) -> Decision | None:
        """`answer`: the predicate's, where it was asked before; else it is asked if nothing else can tell."""
        is_websocket = request.is_websocket
        if is_websocket and not self.check_websockets:
            return None
        if governing is None:
            return admission(None, request).varied() if varies else None
        if answer is None and isinstance(governing, Policy):
            predicate = governing.allow_origin_predicate
            answer = None if predicate is None else partial(self._asked, predicate)
        if is_websocket or self.blocks:
            decision = admission(governing, request, own_origins=self._own_origins, predicate=answer)
        elif isinstance(governing, Policy):
            decision = decided(governing, request, own_origins=self._own_origins, predicate=answer)
        else:
            decision = undecided(request, self._own_origins)
        return decision.varied() if varies else decision

    def _asked(self, predicate: Callable[[str], Any], origin: str) -> bool:
        """The predicate's answer, got in this door's way."""
        return self._answer(self._ask(predicate, origin))

    def _answer(self, answer: Any) -> bool:
        """The predicate's answer: only True itself lets in."""
        if answer is not True and answer:
            close = getattr(answer, "close", None)
            if close is not None:
                close()  # a coroutine that nobody is going to await
            what = f"allow_origin_predicate answered {_type(answer)}, which lets nobody in: only True does"
            self.failed(what, exc_info=False)
        return answer is True

    async def _answer_async(self, policy: Policy, request: CORSRequest) -> bool:
        answer = self._ask(policy.allow_origin_predicate, request.origin or "")  # type: ignore[arg-type]
        return self._answer(await answer if isinstance(answer, Awaitable) else answer)

    # Who is told

    def _told(self, decision: Decision, request: CORSRequest) -> Decision:
        if self._on_decision is not None:
            try:
                self._on_decision(decision, request)
            except Exception:
                self.failed("on_decision failed")
        log = self.rejections
        if not decision.allowed and log is not None:
            asked = decision.asked
            if not log.counts(asked, request.method):
                log.report(decision, request, asked)
        elif request.asks_with_cookies:
            self._note_withheld(decision, request)
        return decision

    def _compare(self, decision: Decision, request: CORSRequest) -> None:
        """Report what a browser would notice if the policy to be tried governed. Whatever fails in it harms nobody."""
        try:
            governing, varies = self._governing(self._report_only, request)
            self._report_difference(decision, self._decide(governing, varies, request), request)
        except Exception:
            self.failed("report_only failed")

    async def _compare_async(self, decision: Decision, request: CORSRequest) -> None:
        try:
            governing, varies = self._governing(self._report_only, request)
            answer = await self._answer_async(governing, request) if _has_to_ask(governing, request) else None
            self._report_difference(decision, self._decide(governing, varies, request, answer), request)
        except Exception:
            self.failed("report_only failed")

    def _report_difference(self, decision: Decision, other: Decision | None, request: CORSRequest) -> None:
        if other is None:
            other = admission(None, request)
        if other.answers_like(decision) or is_own(request, self._own_origins):
            return
        asked = other.asked
        assert self._differences is not None
        if self._differences.counts(asked, request.method):
            return
        if other.allowed != decision.allowed:
            prefix = "CORS report-only: would refuse" if decision.allowed else "CORS report-only: would allow"
        else:
            prefix = f"CORS report-only: would answer {_difference(decision, other)} to"
        self._differences.report(other, request, asked, prefix=prefix)

    def failed(self, what: str, *, exc_info: bool = True) -> None:
        """Log a failure of the application's own code: the first, the second, the fourth and so on of its kind.

        what: the kind, told by types and no values, which a request may have chosen. exc_info: with the traceback of
        the exception that is being handled.
        """
        failures = self._failures[what] = self._failures.get(what, 0) + 1
        if failures & (failures - 1) == 0:
            LOGGER.error("CORS: %s, %d times so far", what, failures, exc_info=exc_info)


def _is_plain(policy: object) -> bool:
    return isinstance(policy, Policy) and policy.is_plain


def _has_to_ask(governing: _Governing, request: CORSRequest) -> TypeGuard[Policy]:
    """Whether only the policy's predicate can tell about the request's origin."""
    return (
        isinstance(governing, Policy)
        and governing.allow_origin_predicate is not None
        and request.origin is not None
        and governing.lines(request.origin) is None
    )


def _counts(asked: Asked, method: str) -> bool:
    return True


def _known(asked: Asked, unknown: Rejected) -> Rejected:
    return unknown


def _call(predicate: Callable[[str], Any], origin: str) -> Any:
    return predicate(origin)


def _difference(decision: Decision, other: Decision) -> str:
    """The headers that differ, by name, with what the other decision answers."""
    ours, theirs = decision.headers, other.headers
    names = sorted({name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)})
    return ", ".join(f"{name}: {theirs[name]}" if name in theirs else f"no {name}" for name in names)


def _own_origins(origins: Iterable[str]) -> frozenset[str]:
    if isinstance(origins, str) or not isinstance(origins, Iterable):
        raise TypeError(f"own_origins must be a list of origins, not {_shown_type(origins)}")
    found: frozenset[Any] = frozenset(origins)  # whatever their types say
    for origin in found:
        try:
            parse_origin(origin)
        except OriginError as error:
            raise TypeError(f"own_origins: {origin!r} {error}") from None
    return found


def _type(value: object) -> str:
    return f"something of type {type(value).__name__}"


def _shown_type(value: object) -> str:
    return (
        "None" if value is None else f"{value!r:.80}" if isinstance(value, (str, bool, int)) else type(value).__name__
    )
