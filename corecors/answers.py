"""A policy's answers as the header lists that servers take, remembered where that is safe.

An adapter serves each request with one look-up in here. Nothing is decided: what is not remembered comes from
`response_headers` and `evaluate`, and is remembered only where the origin was accepted by the policy's own text. What
is refused is never remembered, so an attacker can fill nothing; who can make up origins below an allowed wildcard can
empty the memory, which costs the next request of each origin one ordinary evaluation.
"""

from corecors._decisions.headers import ALLOW_ORIGIN, MAX_METHOD_LENGTH, PREFLIGHT_METHOD, VARY
from corecors._policy.policy import Policy
from corecors.evaluation import FAILED_STATUS, PASSED_STATUS, VARY_ACTUAL, VARY_PREFLIGHT, evaluate, response_headers

HeaderList = list[tuple[str, str]]

# With 403; a 204 has no body and says nothing of its length (RFC 9110 8.6). wsgiref.validate demands a type of every
# response that may have a body.
NO_BODY = (("Content-Type", "text/plain"), ("Content-Length", "0"))

MAX_REMEMBERED = 1024  # answers of either kind, some 600 bytes each
MAX_REMEMBERED_LENGTH = 512  # characters of a remembered preflight's header list; longer ones are rare


class Answers:
    """What a policy answers, as lists of header names and values.

    `for_origin` and `preflight` are all that an adapter needs. One that counts nanoseconds may do the steps of
    `for_origin` itself. The lists belong to this object: to add them to a response, make a new list, as
    `merge_headers` does.

    policy: what the answers follow.
    without_origin: the answer to a request that has no `Origin`.
    refused: the answer to an origin that is not allowed.
    longest: the answer to an origin that is longer is `overlong`; asking first spares hashing it. -1 where every origin
        gets the same answer.
    overlong: `refused`, or what every origin gets.
    remembered: answers by origin.
    unknown: the answer to an origin that is not remembered: `refused` where all that are allowed are remembered, else
        None: it has to be worked out.
    """

    __slots__ = (
        "_asks_once",
        "_listed",
        "_listed_only",
        "_longest_names",
        "_longest_origin",
        "_matches",
        "_preflight_refused",
        "_preflights",
        "_refused_status",
        "longest",
        "overlong",
        "policy",
        "refused",
        "remembered",
        "unknown",
        "without_origin",
    )

    def __init__(self, policy: Policy) -> None:
        matcher = policy._matcher
        self.policy: Policy = policy
        self.without_origin: HeaderList = list(response_headers(policy, None).items())
        self.refused: HeaderList = [(VARY, VARY_ACTUAL)]
        self.longest: int = -1 if matcher.any_origin else matcher.longest
        self.overlong: HeaderList = self.without_origin if matcher.any_origin else self.refused
        self.remembered: dict[str, HeaderList] = {}
        self.unknown: HeaderList | None = None
        # A predicate is asked once for each request, and may change its mind: beside one, only origins that are listed
        # whole are remembered, and nothing is asked beforehand.
        self._asks_once = policy.allow_origin_predicate is not None
        self._listed = matcher.exact
        self._listed_only = matcher.exact_only
        self._matches = matcher.matches
        self._preflights: dict[tuple[str, str, str | None], HeaderList] = {}
        self._preflight_refused: HeaderList = [(VARY, VARY_PREFLIGHT)]
        self._refused_status = PASSED_STATUS
        if not policy.debug:
            self._preflight_refused.extend(NO_BODY)
            self._refused_status = FAILED_STATUS
        self._longest_origin = matcher.longest
        self._longest_names = min(policy._longest_request_headers, MAX_REMEMBERED_LENGTH)
        if matcher.exact_only and len(matcher.exact) <= MAX_REMEMBERED:
            for origin in matcher.exact:
                self.work_out(origin)
            self.unknown = self.refused

    def for_origin(self, origin: str) -> HeaderList:
        """The headers of an actual response to `origin`, the value of an `Origin` header."""
        if len(origin) > self.longest:
            return self.overlong
        answer = self.remembered.get(origin, self.unknown)
        return self.work_out(origin) if answer is None else answer

    def work_out(self, origin: str) -> HeaderList:
        """The same for an origin that is not remembered."""
        if self._listed_only and origin not in self._listed:
            return self.refused
        if not (self._asks_once or self._matches(origin)):
            return self.refused
        headers = response_headers(self.policy, origin)
        if ALLOW_ORIGIN not in headers:
            return self.refused
        answer = list(headers.items())
        if not self._asks_once or origin in self._listed:
            if len(self.remembered) >= MAX_REMEMBERED:
                self.remembered.clear()
            self.remembered[origin] = answer
        return answer

    def preflight(self, origin: str, request_method: str, request_headers: str | None) -> tuple[int, HeaderList]:
        """Status and headers of the answer to a preflight with these header values. The list is new."""
        key = None
        if (
            len(origin) <= self._longest_origin
            and len(request_method) <= MAX_METHOD_LENGTH
            and (request_headers is None or len(request_headers) <= self._longest_names)
        ):
            key = origin, request_method, request_headers
            answer = self._preflights.get(key)
            if answer is not None:
                return PASSED_STATUS, answer[:]
        if not (self._asks_once or self._matches(origin)) or self._is_overlong(request_headers):
            return self._refused_status, self._preflight_refused[:]
        return self._work_out_preflight(origin, request_method, request_headers, key)

    def _is_overlong(self, request_headers: str | None) -> bool:
        # Without debug every refusal is the same answer, and this one needs no reading.
        policy = self.policy
        return (
            request_headers is not None
            and len(request_headers) > policy._longest_request_headers
            and not (policy.debug or self._asks_once)
        )

    def _work_out_preflight(
        self, origin: str, request_method: str, request_headers: str | None, key: tuple[str, str, str | None] | None
    ) -> tuple[int, HeaderList]:
        decision = evaluate(self.policy, PREFLIGHT_METHOD, origin, request_method, request_headers)
        answer = list(decision.headers.items())
        if not decision.allowed:
            if decision.status == FAILED_STATUS:
                answer.extend(NO_BODY)
        elif key is not None and (not self._asks_once or origin in self._listed):
            if len(self._preflights) >= MAX_REMEMBERED:
                self._preflights.clear()
            self._preflights[key] = answer[:]
        return decision.status or PASSED_STATUS, answer
