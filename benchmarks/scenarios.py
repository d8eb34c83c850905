"""The situations that are measured: a policy, an endless supply of requests, and what the right answer to them is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from benchmarks.workload import (
    KIB,
    PREFLIGHT_NAMES,
    Request,
    Rules,
    all_allowed_requests,
    allowed_requests,
    domains,
    exact_origins,
    long_origin_requests,
    names_of_length,
    never_seen_requests,
    new_subdomain_requests,
    no_origin_requests,
    preflight_requests,
    refused_requests,
)


class Outcome(Enum):
    NO_ORIGIN = "no Origin"
    ALLOWED = "allowed"
    REFUSED = "refused"
    PREFLIGHT_ALLOWED = "preflight allowed"
    PREFLIGHT_REFUSED = "preflight refused"

    @property
    def grants(self) -> bool:
        return self in (Outcome.ALLOWED, Outcome.PREFLIGHT_ALLOWED)

    @property
    def is_preflight(self) -> bool:
        return self in (Outcome.PREFLIGHT_ALLOWED, Outcome.PREFLIGHT_REFUSED)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`family` is what happens, whatever the size; `size` counts the `kind`: origins, patterns, regexes, bytes."""

    family: str
    rules: Rules
    requests: Callable[[], Iterator[Request]]
    outcome: Outcome
    kind: str
    size: int

    @property
    def name(self) -> str:
        if self.kind == "bytes":
            return f"{self.family}, {length(self.size)}" if self.size else self.family
        return f"{self.family}, {self.size:,} {self.kind if self.size != 1 else self.kind[:-1].replace('xe', 'x')}"


def length(size: int) -> str:
    return f"{size // KIB} KiB" if size < KIB * KIB else f"{size // KIB // KIB} MiB"


Supply = Callable[[Rules], Iterator[Request]]


def with_exact_origins(number: int) -> list[Scenario]:
    """What can happen under a list of `number` exact origins."""
    rules = Rules(origins=tuple(exact_origins(number)))

    def scenario(family: str, supply: Supply, outcome: Outcome) -> Scenario:
        return Scenario(family, rules, lambda: supply(rules), outcome, "origins", number)

    return [
        scenario("no Origin", no_origin_requests, Outcome.NO_ORIGIN),
        scenario("allowed", allowed_requests, Outcome.ALLOWED),
        scenario("allowed, all in turn", all_allowed_requests, Outcome.ALLOWED),
        scenario("refused", refused_requests, Outcome.REFUSED),
        scenario("refused, never seen", never_seen_requests, Outcome.REFUSED),
        scenario(
            "preflight allowed", lambda rules: preflight_requests(allowed_requests(rules)), Outcome.PREFLIGHT_ALLOWED
        ),
        scenario(
            "preflight refused", lambda rules: preflight_requests(refused_requests(rules)), Outcome.PREFLIGHT_REFUSED
        ),
    ]


def with_patterns(number: int) -> list[Scenario]:
    """What can happen under `number` patterns of the form `https://*.domain`."""
    rules = Rules(domains=tuple(domains(number)))

    def scenario(family: str, supply: Supply, outcome: Outcome) -> Scenario:
        return Scenario(family, rules, lambda: supply(rules), outcome, "patterns", number)

    return [
        scenario("subdomain", allowed_requests, Outcome.ALLOWED),
        scenario("new subdomain", new_subdomain_requests, Outcome.ALLOWED),
        scenario("no match", refused_requests, Outcome.REFUSED),
    ]


PREVIEW_REGEX = r"https://pr-\d+\.preview\.example\.com"


def with_regex() -> list[Scenario]:
    rules = Rules(regexes=(PREVIEW_REGEX,))
    return [
        Scenario("regex matches", rules, lambda: allowed_requests(rules), Outcome.ALLOWED, "regexes", 1),
        Scenario("regex does not match", rules, lambda: refused_requests(rules), Outcome.REFUSED, "regexes", 1),
    ]


_TEN_ORIGINS = Rules(origins=tuple(exact_origins(10)))
_ONE_PATTERN = Rules(domains=tuple(domains(1)))


def ordinary_refusals() -> dict[Outcome, Scenario]:
    """What hostile values are held against: an origin, or a header name, that is simply not allowed."""
    return {
        Outcome.REFUSED: Scenario(
            "ordinary refusal", _TEN_ORIGINS, lambda: refused_requests(_TEN_ORIGINS), Outcome.REFUSED, "bytes", 0
        ),
        Outcome.PREFLIGHT_REFUSED: Scenario(
            "ordinary refusal of a header",
            _TEN_ORIGINS,
            lambda: preflight_requests(allowed_requests(_TEN_ORIGINS), "authorization,x-unknown"),
            Outcome.PREFLIGHT_REFUSED,
            "bytes",
            0,
        ),
    }


def hostile(size: int = 8 * KIB) -> list[Scenario]:
    """Values of `size` bytes that were made to be expensive."""

    def long_origin(family: str, rules: Rules) -> Scenario:
        return Scenario(family, rules, lambda: long_origin_requests(size), Outcome.REFUSED, "bytes", size)

    def long_list(family: str, names: str) -> Scenario:
        return Scenario(
            family,
            _TEN_ORIGINS,
            lambda: preflight_requests(allowed_requests(_TEN_ORIGINS), names),
            Outcome.PREFLIGHT_REFUSED,
            "bytes",
            size,
        )

    return [
        long_origin("long Origin", _TEN_ORIGINS),
        long_origin("long Origin against a pattern", _ONE_PATTERN),
        long_list("commas", "," * size),
        long_list("blanks", PREFLIGHT_NAMES + " " * (size - len(PREFLIGHT_NAMES) - 1) + ","),
        long_list("names", names_of_length(size)),
    ]
