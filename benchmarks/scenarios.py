"""The situations that are measured: a policy, an endless supply of requests, and what the right answer to them is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from benchmarks.workload import (
    KIB,
    PREFLIGHT_NAMES,
    Request,
    Rules,
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
    """`size` is the number of origins, patterns or regexes in the policy, `kind` says which of them."""

    name: str
    rules: Rules
    requests: Callable[[], Iterator[Request]]
    outcome: Outcome
    kind: str
    size: int


def _scenario(
    name: str, rules: Rules, requests: Callable[[Rules], Iterator[Request]], outcome: Outcome, kind: str, size: int
) -> Scenario:
    return Scenario(name, rules, lambda: requests(rules), outcome, kind, size)


def with_exact_origins(number: int) -> list[Scenario]:
    """The things that can happen under a list of `number` exact origins."""
    rules = Rules(origins=tuple(exact_origins(number)))
    suffix = f", {number:,} origin{'s' * (number != 1)}"

    def scenario(name: str, requests: Callable[[Rules], Iterator[Request]], outcome: Outcome) -> Scenario:
        return _scenario(name + suffix, rules, requests, outcome, "origins", number)

    return [
        scenario("no Origin", no_origin_requests, Outcome.NO_ORIGIN),
        scenario("allowed", allowed_requests, Outcome.ALLOWED),
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
    suffix = f", {number:,} pattern{'s' * (number != 1)}"
    return [
        _scenario("subdomain" + suffix, rules, allowed_requests, Outcome.ALLOWED, "patterns", number),
        _scenario("new subdomain" + suffix, rules, new_subdomain_requests, Outcome.ALLOWED, "patterns", number),
        _scenario("no match" + suffix, rules, refused_requests, Outcome.REFUSED, "patterns", number),
    ]


PREVIEW_REGEX = r"https://pr-\d+\.preview\.example\.com"


def with_regex() -> list[Scenario]:
    rules = Rules(regexes=(PREVIEW_REGEX,))
    return [
        _scenario("regex matches", rules, allowed_requests, Outcome.ALLOWED, "regexes", 1),
        _scenario("regex does not match", rules, refused_requests, Outcome.REFUSED, "regexes", 1),
    ]


def hostile(*, origin_bytes: int = 8 * KIB, list_bytes: int = 8 * KIB) -> list[Scenario]:
    """Values that were made to be expensive, of the given lengths."""
    rules = Rules(origins=tuple(exact_origins(10)))
    patterns = Rules(domains=tuple(domains(1)))

    def long_names(names: str) -> Callable[[Rules], Iterator[Request]]:
        return lambda rules: preflight_requests(allowed_requests(rules), names)

    def length(size: int) -> str:
        return f"{size // KIB} KiB" if size < KIB * KIB else f"{size // KIB // KIB} MiB"

    return [
        _scenario(
            f"{length(origin_bytes)} Origin, exact",
            rules,
            lambda rules: long_origin_requests(origin_bytes),
            Outcome.REFUSED,
            "hostile",
            origin_bytes,
        ),
        _scenario(
            f"{length(origin_bytes)} Origin, pattern",
            patterns,
            lambda rules: long_origin_requests(origin_bytes),
            Outcome.REFUSED,
            "hostile",
            origin_bytes,
        ),
        _scenario(
            f"{length(list_bytes)} of commas",
            rules,
            long_names("," * list_bytes),
            Outcome.PREFLIGHT_REFUSED,
            "hostile",
            list_bytes,
        ),
        _scenario(
            f"{length(list_bytes)} of blanks",
            rules,
            long_names(PREFLIGHT_NAMES + " " * (list_bytes - len(PREFLIGHT_NAMES) - 1) + ","),
            Outcome.PREFLIGHT_REFUSED,
            "hostile",
            list_bytes,
        ),
        _scenario(
            f"{length(list_bytes)} of names",
            rules,
            long_names(names_of_length(list_bytes)),
            Outcome.PREFLIGHT_REFUSED,
            "hostile",
            list_bytes,
        ),
    ]
