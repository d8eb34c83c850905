"""What a policy decides, and what it remembers of it. Nothing else in the program decides.

A comment at a decision names the section of the Fetch standard that it follows
(https://fetch.spec.whatwg.org/#http-cors-protocol).

Facts
-----
Answers are constants but for the origin, so what the policy's own text allows is remembered as whole header lines and
costs one look-up the next time. What is refused, or allowed by a predicate, never is: an attacker can fill nothing, and
a predicate may change its mind. Anyone who can make up origins below an allowed wildcard can empty the memory, which
costs the next request of each origin one ordinary evaluation.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from corecors._decisions import headers
from corecors._decisions.decision import FAILED_STATUS, VARY_ORIGIN, Decision, Kind, Reason
from corecors._decisions.merging import Line, Lines
from corecors._origins.matching import OriginMatcher
from corecors._origins.parsing import MAX_ORIGIN_LENGTH, is_serialised

if TYPE_CHECKING:
    from corecors._policy.policy import Policy

# An enum's member costs more to look up than the rest of a decision (CPython 3.11), so these are looked up once.
NOT_CORS: Final = Kind.NOT_CORS
ACTUAL: Final = Kind.ACTUAL
PREFLIGHT: Final = Kind.PREFLIGHT
_NO_ORIGIN = (Reason.NOT_CORS,)
MAX_REMEMBERED: Final = 1024  # answers of either kind, some 600 bytes each
MAX_REMEMBERED_LENGTH: Final = 512  # characters of a remembered preflight's header list; longer ones are rare
# No `Final`, which would let the compiler make another tuple of it each time: this one is known by its identity.
REFUSAL: Lines = (VARY_ORIGIN,)
VARY_PREFLIGHT: Line = (headers.VARY, ", ".join((headers.ORIGIN, headers.REQUEST_METHOD, headers.REQUEST_HEADERS)))
PREFLIGHT_REFUSAL: Lines = (VARY_PREFLIGHT,)


class Terms:
    """What a policy answers whatever its origins are. Policies that differ in those alone share it."""

    def __init__(self, policy: "Policy") -> None:
        """`policy`: one whose fields are set, and perhaps nothing else."""
        self.credentials: bool = policy.allow_credentials
        self.preflight_status: int = policy.preflight_status
        self.timing: bool = policy.allow_timing
        self.debug: bool = policy.debug
        self.any_method: bool = headers.WILDCARD in policy.allow_methods
        self.any_header: bool = headers.WILDCARD in policy.allow_headers
        self.lists_methods: bool = bool(policy.allow_methods) and not self.any_method
        self.method_names: frozenset[str] = headers.SAFELISTED_METHODS.union(policy.allow_methods)
        self.header_names: frozenset[str] = frozenset(name.lower() for name in policy.allow_headers)
        self.longest_names: int = headers.MAX_REQUEST_HEADERS_LENGTH
        if not self.any_header:
            self.longest_names = headers.longest_request_headers(self.header_names)

        # What follows the origin in every allowed answer of either kind, less what has to be echoed.
        granted: list[Line] = [(headers.ALLOW_CREDENTIALS, "true")] if self.credentials else []
        self.actual: Lines = tuple(granted)
        if policy.expose_headers:
            self.actual += ((headers.EXPOSE_HEADERS, ", ".join(policy.expose_headers)),)
        if policy.allow_methods and not (self.any_method and self.credentials):
            granted.append((headers.ALLOW_METHODS, ", ".join(policy.allow_methods)))
        if policy.allow_headers and not (self.any_header and self.credentials):
            granted.append((headers.ALLOW_HEADERS, ", ".join(policy.allow_headers)))
        if policy.max_age is not None:
            granted.append((headers.MAX_AGE, str(policy.max_age)))
        self.preflight: Lines = tuple(granted)

    def failing(self, method_passes: bool) -> Lines:
        """In debug, what follows an allowed origin where a preflight fails, less what has to be echoed: just enough
        that the browser's console names the step that failed. Nothing where not even the origin may be told."""
        # What fails here may be a method all the same, such as one that is too long: `*` would let it pass. So would no
        # list at all, for an upload that a page listens to (Fetch, CORS-preflight fetch, step 7.3).
        if not (method_passes or self.lists_methods):
            return ()
        told = {headers.ALLOW_CREDENTIALS, headers.ALLOW_METHODS}
        # `*` fails for Authorization alone, and browsers, unlike the standard, let even that pass: so it is not sent.
        if method_passes and not self.any_header:
            told.add(headers.ALLOW_HEADERS)
        return tuple(line for line in self.preflight if line[0] in told)


class Rules:
    """One policy's decisions.

    predicate: asked last, with a well-formed origin; `null_by_predicate`: about `null` too.
    """

    def __init__(
        self, matcher: OriginMatcher, predicate: Callable[[str], Any] | None, terms: Terms, *, null_by_predicate: bool
    ) -> None:
        self.terms: Terms = terms
        self._matcher = matcher
        self._predicate = predicate
        self._null_by_predicate = null_by_predicate and predicate is not None
        self._longest_remembered_names = min(terms.longest_names, MAX_REMEMBERED_LENGTH)
        self._preflights: dict[tuple[str, str, str | None], Lines] = {}
        self._remembered: dict[str, Lines] = {}
        self.unremembered_lines: Lines | None = None
        self._longest = matcher.longest if predicate is None else MAX_ORIGIN_LENGTH
        self.without_origin: Lines = REFUSAL
        if matcher.any_origin:
            self.without_origin = self._allowing(headers.WILDCARD)
            self._longest = -1  # every origin gets the same answer
        if matcher.exact_only and predicate is None and len(matcher.exact) <= MAX_REMEMBERED:
            self._remembered = {origin: self._allowing(origin) for origin in matcher.exact}
            self.unremembered_lines = REFUSAL
        self.remembered_lines: Callable[[str, Lines | None], Lines | None] = self._remembered.get

    # Actual requests

    def lines(self, origin: str | None) -> Lines | None:
        """The lines of the response to an actual request, shared between requests; `REFUSAL` itself where the origin is
        not allowed, None where only the predicate can tell."""
        # The length first: what is longer than any origin is not even hashed.
        if origin is None or len(origin) > self._longest:
            return self.without_origin
        found = self._remembered.get(origin, self.unremembered_lines)
        return self._work_out(origin) if found is None else found

    def _work_out(self, origin: str) -> Lines | None:
        if self._matcher.matches(origin):
            lines = self._allowing(origin)
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[origin] = lines
            return lines
        if self._predicate is None:
            return REFUSAL
        is_asked = self._null_by_predicate if origin == headers.NULL_ORIGIN else is_serialised(origin)
        return None if is_asked else REFUSAL

    def _allowing(self, origin: str) -> Lines:
        lines: Lines = ((headers.ALLOW_ORIGIN, origin), *self.terms.actual)
        # Fetch, "CORS protocol and HTTP caches": an answer that depends on the origin says so to every client, or a
        # cache hands it to another origin; one that is the same for everybody is always sent, and without Vary.
        if not self._matcher.any_origin:
            lines += (VARY_ORIGIN,)
        if self.terms.timing:
            lines += ((headers.TIMING_ALLOW_ORIGIN, origin),)
        return lines

    def actual(self, origin: str | None, method: str | None = None, *, predicate: object = None) -> Decision:
        """Decide about a request that is not a preflight. `predicate`: the answer of the predicate, got elsewhere, or
        what is asked instead of it."""
        lines = self.lines(origin)
        if origin is None:
            assert lines is not None
            return Decision.__new__(Decision, NOT_CORS, True, lines, None, None, method, _NO_ORIGIN, None, None, False)
        if lines is None:
            lines = self._allowing(origin) if self._asks(origin, predicate) else REFUSAL
        allowed = lines is not REFUSAL
        return Decision.__new__(Decision, ACTUAL, allowed, lines, None, origin, method, (), self, None, allowed)

    def _asks(self, origin: str, answer: object) -> bool:
        """The predicate's answer. Only True itself lets in: a coroutine that nobody awaited is truthy too."""
        if answer is None:
            answer = self._predicate
        if callable(answer):
            answer = answer(origin)
            if not isinstance(answer, bool) and hasattr(answer, "__await__"):
                close: Any = getattr(answer, "close", None)
                if close is not None:  # of a coroutine, which would complain that nobody awaits it
                    close()
                raise TypeError("allow_origin_predicate is asynchronous: await it, and give its answer as predicate=")
        return answer is True

    def allows(self, origin: str) -> bool:
        """Whether an actual request from `origin` is allowed; the predicate is asked."""
        lines = self.lines(origin)
        return self._asks(origin, None) if lines is None else lines is not REFUSAL

    # Preflights

    def preflight_lines(self, origin: str, method: str, names: str | None) -> Lines | None:
        """The lines of the answer to a preflight that passes by the policy's text, shared between requests; else None.

        `names` is the value of `Access-Control-Request-Headers`.
        """
        key = None
        if (
            len(origin) <= MAX_ORIGIN_LENGTH
            and len(method) <= headers.MAX_METHOD_LENGTH
            and (names is None or len(names) <= self._longest_remembered_names)
        ):
            key = origin, method, names
            found = self._preflights.get(key)
            if found is not None:
                return found
        # Where everything is remembered, a look-up is the same without the price of a call.
        lines = self.lines(origin) if key is None or self.unremembered_lines is None else self._remembered.get(origin)
        if lines is None or lines is REFUSAL:
            return None
        passing = self._passing(origin, method, names)
        if passing is not None and key is not None:
            if len(self._preflights) >= MAX_REMEMBERED:
                self._preflights.clear()
            self._preflights[key] = passing
        return passing

    def preflight(self, origin: str, method: str, names: str | None, *, predicate: object = None) -> Decision:
        """Decide about a preflight. `predicate` as in `actual`."""
        lines, origin_allowed = self.preflight_lines(origin, method, names), True
        if lines is None:
            found = self.lines(origin)
            origin_allowed = self._asks(origin, predicate) if found is None else found is not REFUSAL
            lines = self._passing(origin, method, names) if found is None and origin_allowed else None
        allowed = lines is not None
        terms = self.terms
        if lines is None:
            lines = self._failing(origin, method) if terms.debug and origin_allowed else PREFLIGHT_REFUSAL
        status = terms.preflight_status if allowed or terms.debug else FAILED_STATUS
        return Decision.__new__(
            Decision, PREFLIGHT, allowed, lines, status, origin, method, (), self, names, origin_allowed
        )

    def _passing(self, origin: str, method: str, names: str | None) -> Lines | None:
        """The answer to a preflight from an origin that is allowed, None where its method or a header is not."""
        if self._method_reason(method) is not None:
            return None
        terms = self.terms
        parsed = headers.parse_request_headers(names, terms.longest_names) if names else []
        if parsed is None or self._disallowed(parsed):
            return None
        lines: Lines = (self._allow_origin(origin), *terms.preflight)
        if terms.credentials:
            # CORS protocol and credentials: `*` would be taken literally. What is echoed was checked to be tokens.
            if terms.any_method:
                lines += ((headers.ALLOW_METHODS, method),)
            if terms.any_header and parsed:
                lines += ((headers.ALLOW_HEADERS, ", ".join(parsed)),)
        return (*lines, VARY_PREFLIGHT)

    def _failing(self, origin: str, method: str) -> Lines:
        terms = self.terms
        method_passes = self._method_reason(method) is None
        if not (method_passes or terms.lists_methods):
            return PREFLIGHT_REFUSAL
        lines: Lines = (self._allow_origin(origin), *terms.failing(method_passes))
        if terms.any_method and terms.credentials:
            lines += ((headers.ALLOW_METHODS, method),)
        return (*lines, VARY_PREFLIGHT)

    def _allow_origin(self, origin: str) -> Line:
        return headers.ALLOW_ORIGIN, headers.WILDCARD if self._matcher.any_origin else origin

    def _method_reason(self, method: str) -> Reason | None:
        """Why a preflight fails by its method, if it does."""
        # CORS-preflight fetch, step 7: a safelisted method passes whatever the list says; names are case-sensitive.
        if len(method) > headers.MAX_METHOD_LENGTH:
            return Reason.METHOD_MALFORMED
        if method in self.terms.method_names and method != headers.WILDCARD:
            return None
        if not headers.is_token(method):
            return Reason.METHOD_MALFORMED
        return None if self.terms.any_method else Reason.METHOD_NOT_ALLOWED

    def _disallowed(self, names: list[str]) -> tuple[str, ...]:
        terms = self.terms
        if terms.any_header:
            # Fetch, "CORS non-wildcard request-header name": without credentials `*` is sent, and does not cover it.
            if terms.credentials or headers.NON_WILDCARD_REQUEST_HEADER in terms.header_names:
                return ()
            return tuple(name for name in names if name == headers.NON_WILDCARD_REQUEST_HEADER)[:1]
        return tuple(dict.fromkeys([name for name in names if name not in terms.header_names]))

    # Why

    def disallowed_headers(self, names: str | None) -> tuple[str, ...]:
        """The names in `names` that are not allowed, in lower case, each once."""
        return self._disallowed(headers.parse_request_headers(names or "") or [])

    def reasons(
        self, kind: Kind, origin: str | None, origin_allowed: bool, method: str | None, names: str | None
    ) -> tuple[Reason, ...]:
        """Why a request is decided as it was, by the policy's text. The predicate is not asked again."""
        found: list[Reason] = []
        if not origin_allowed:
            found.append(self._origin_reason(origin or ""))
        if kind is not PREFLIGHT:
            return tuple(found) or (Reason.ORIGIN_ALLOWED,)
        reason = self._method_reason(method or "")
        if reason is not None:
            found.append(reason)
        parsed = headers.parse_request_headers(names or "", self.terms.longest_names)
        if parsed is not None:
            if self._disallowed(parsed):
                found.append(Reason.HEADER_NOT_ALLOWED)
        # A list that is too long for the configured names has one that is not among them, or is malformed.
        elif not self.terms.any_header and self.disallowed_headers(names):
            found.append(Reason.HEADER_NOT_ALLOWED)
        else:
            found.append(Reason.HEADERS_MALFORMED)
        return tuple(found) or (Reason.PREFLIGHT_PASSED,)

    def _origin_reason(self, origin: str) -> Reason:
        if origin == headers.NULL_ORIGIN:
            return Reason.ORIGIN_NOT_ALLOWED if self._null_by_predicate else Reason.ORIGIN_NULL
        return Reason.ORIGIN_NOT_ALLOWED if is_serialised(origin) else Reason.ORIGIN_MALFORMED
