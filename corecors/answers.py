"""A policy's answers as the header lists that servers take, remembered where that is safe.

An adapter serves each request with one look-up in here. Nothing is decided: what is not remembered comes from
`response_headers` and `preflight_headers`, and is remembered only where the origin was accepted by the policy's own
text. What is refused is never remembered, so an attacker can fill nothing; who can make up origins below an allowed
wildcard can empty the memory, which costs the next request of each origin one ordinary evaluation.
"""

from corecors.evaluation import FAILED_STATUS, PASSED_STATUS, VARY_PREFLIGHT, evaluate, response_headers
from corecors.headers import PREFLIGHT_METHOD, VARY
from corecors.policy import Policy

HeaderList = list[tuple[str, str]]

MAX_REMEMBERED = 1024  # answers of either kind, some 600 bytes each
MAX_REMEMBERED_LENGTH = 512  # characters of a remembered preflight's header list; longer ones are rare


class Answers(dict[str, HeaderList]):
    """Origin to the headers of an actual response, for every origin: `answers[origin]`.

    The lists belong to this object: to add them to a response, make a new list (`merge_headers` does).

    policy: what they follow.
    without_origin: the headers of a response to a request that has no `Origin`.
    refused: the headers of a response to an origin that is not allowed.
    longest: the answer to an origin that is longer is `refused`; asking first spares hashing it. (-1 where every
        origin gets the same answer, which then is all of the three.)
    """

    __slots__ = (
        "_fixed",
        "_listed",
        "_longest_names",
        "_longest_origin",
        "_preflight_refused",
        "_preflights",
        "_refused_status",
        "longest",
        "policy",
        "refused",
        "without_origin",
    )

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy
        self.without_origin: HeaderList = list(response_headers(policy, None).items())
        self.refused = self.without_origin
        matcher = policy._matcher
        self.longest = -1 if matcher.any_origin else matcher.longest
        self._longest_origin = matcher.longest
        self._preflights: dict[tuple[str, str, str | None], HeaderList] = {}
        self._longest_names = min(policy._longest_request_headers, MAX_REMEMBERED_LENGTH)
        self._preflight_refused: HeaderList = [(VARY, VARY_PREFLIGHT)]
        self._refused_status = PASSED_STATUS if policy.debug else FAILED_STATUS
        # A predicate is asked once for each request, and may change its mind: beside one, only origins that are listed
        # whole are remembered, and nothing is asked beforehand.
        self._fixed = policy.allow_origin_predicate is None
        self._listed = matcher.exact

    def __missing__(self, origin: str) -> HeaderList:
        if self._fixed and not self.policy.allows_origin(origin):
            return self.refused
        answer = list(response_headers(self.policy, origin).items())
        if self._fixed or origin in self._listed:
            if len(self) >= MAX_REMEMBERED:
                self.clear()
            self[origin] = answer
        return answer

    def preflight(self, origin: str, request_method: str, request_headers: str | None) -> tuple[int, HeaderList]:
        """Status and headers of the answer to a preflight with these header values. The list is new."""
        key = None
        if len(origin) <= self._longest_origin and (
            request_headers is None or len(request_headers) <= self._longest_names
        ):
            key = origin, request_method, request_headers
            answer = self._preflights.get(key)
            if answer is not None:
                return PASSED_STATUS, answer[:]
        if self._fixed and not self.policy.allows_origin(origin):
            return self._refused_status, self._preflight_refused[:]
        decision = evaluate(self.policy, PREFLIGHT_METHOD, origin, request_method, request_headers)
        answer = list(decision.headers.items())
        if decision.allowed and key is not None and (self._fixed or origin in self._listed):
            if len(self._preflights) >= MAX_REMEMBERED:
                self._preflights.clear()
            self._preflights[key] = answer[:]
        return decision.status or PASSED_STATUS, answer
