"""What one request costs under the reader's own policy, and what of that dominates.

python -m benchmarks own-policy --policy my.toml [--table cors] [--origin https://app.example.com ...]
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from benchmarks.results import human
from benchmarks.subjects import BARE, PASS_THROUGH
from benchmarks.tables import aligned
from benchmarks.timing import Candidate, Sample, call_runner, measure_interleaved, wsgi_runner
from benchmarks.workload import KIB, Request, Rules, app_with_2_headers, fresh, long_origin_requests, wsgi_environ
from corecors import Policy, preflight_headers, response_headers

# The fields that let an origin in, each with what it is called in a sentence.
ORIGIN_FIELDS = {
    "allow_origins": "origins and patterns",
    "allow_origin_regexes": "regular expressions",
}

_LONG = 8 * KIB

Requests = Callable[[], Iterator[Request]]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that can happen under the policy. `allowed` is what the policy says about the first origin."""

    name: str
    requests: Requests
    is_preflight: bool = False
    allowed: bool = True


def cases_of(policy: Policy, given: Sequence[str] = ()) -> list[Case]:
    """A hit of each kind that the policy has, a miss, and their preflights; `given` are origins to try as well."""
    hits = hits_of(policy)
    hits.update({f"{origin} (given)": (lambda origin=origin: origin) for origin in given})
    method, names = _longest_preflight(policy)
    found = [Case("no Origin", lambda: _actual(lambda: None))]
    for name, make_origin in hits.items():
        allowed = policy.allows_origin(make_origin())
        found.append(Case(name, lambda make=make_origin: _actual(make), allowed=allowed))
    miss = _never_seen("https://x{}.not-allowed.invalid")
    found.append(Case("miss, never seen", lambda: _actual(miss), allowed=policy.allows_origin(miss())))
    found.append(
        Case("miss, 8 KiB", lambda: long_origin_requests(8 * KIB), allowed=policy.allows_origin("x" * 8 * KIB))
    )
    first = next((make for make in hits.values() if policy.allows_origin(make())), None)
    if first is not None:
        found.append(Case(f"preflight, {method} {names}".rstrip(), lambda: _preflight(first, method, names), True))
    found.append(Case("preflight, miss", lambda: _preflight(miss, method, names), True, policy.allows_origin(miss())))
    return found


def hits_of(policy: Policy) -> dict[str, Callable[[], str | None]]:
    """What the policy's own entries let in, by a name for it. What a regex lets in has to be given by the reader."""
    hits: dict[str, Callable[[], str | None]] = {}
    exact = [entry for entry in policy.allow_origins if "*" not in entry]
    if policy.allow_origins == ("*",):
        hits["hit, any origin"] = _never_seen("https://x{}.example.com")
    if exact:
        last = exact[-1]
        hits["hit, exact"] = lambda: last
    subdomains = [entry for entry in policy.allow_origins if "//*." in entry]
    if subdomains:
        entry = subdomains[-1].replace(":*", ":8443")
        hits["hit, pattern"] = lambda: entry.replace("*", "app")
        hits["hit, pattern, never seen"] = _never_seen(entry.replace("*", "x{}"))
    any_port = [entry for entry in policy.allow_origins if entry.endswith(":*") and "//*." not in entry]
    if any_port:
        port = any_port[-1].removesuffix("*") + "8443"
        hits["hit, any port"] = lambda: port
    return hits


def measure_policy(policy: Policy, given: Sequence[str] = (), *, max_seconds: float = 1.0) -> str:
    """A table of what each case costs, and sentences about what dominates."""
    from corecors.adapters.wsgi import CORSMiddleware

    wrapped = CORSMiddleware(app_with_2_headers, policy)
    rows = [["", "answer", "× pass-through", "adapter adds", "of it: matching", "headers", "the rest"]]
    costs: dict[str, float] = {}
    for case in cases_of(policy, given):
        samples = _measure(policy, wrapped, case, max_seconds)
        bare, nothing = samples[BARE.name].minimum, samples[PASS_THROUGH.name].minimum
        added = samples["adapter"].minimum - (0 if case.is_preflight else bare)
        costs[case.name] = added
        matching = max(0.0, samples["matching"].minimum - samples["nothing"].minimum) if "matching" in samples else 0.0
        headers = max(0.0, samples["headers"].minimum - samples["nothing"].minimum - matching)
        rows.append(
            [
                case.name,
                "allowed" if case.allowed else "refused",
                f"{added / max(nothing - bare, 1):.1f}",
                human(added),
                _share(matching, added),
                _share(headers, added),
                human(added - matching - headers) if added > matching + headers else "remembered",
            ]
        )
    return "\n".join([*aligned(rows), "", *_explain(policy, costs, max_seconds)])


def _share(part: float, whole: float) -> str:
    """A part of the cost, or what it would be if the adapter did not remember the answer."""
    return f"{human(part)}" if part <= whole else f"({human(part)})"


def _measure(policy: Policy, wrapped: Any, case: Case, max_seconds: float) -> dict[str, Sample]:
    def wsgi(app: Any) -> Candidate:
        requests = case.requests()
        return Candidate(lambda number: [wsgi_environ(each) for each in islice(requests, number)], wsgi_runner(app))

    def call(function: Callable[..., Any]) -> Candidate:
        requests = case.requests()
        return Candidate(
            lambda number: [
                (
                    None if each.origin is None else fresh(each.origin),
                    each.request_method or "",
                    each.request_headers or "",
                )
                for each in islice(requests, number)
            ],
            call_runner(function),
        )

    has_origin = next(case.requests()).origin is not None
    candidates = {
        BARE.name: wsgi(app_with_2_headers),
        PASS_THROUGH.name: wsgi(PASS_THROUGH.wrap(app_with_2_headers, Rules())),
        "adapter": wsgi(wrapped),
        "nothing": call(lambda origin, method, names: None),
    }
    if has_origin:
        candidates["matching"] = call(lambda origin, method, names: policy.allows_origin(origin))
    if case.is_preflight:
        candidates["headers"] = call(lambda origin, method, names: preflight_headers(policy, origin, method, names))
    else:
        candidates["headers"] = call(lambda origin, method, names: response_headers(policy, origin))
    return measure_interleaved(candidates, rounds=400, max_seconds=max_seconds)


def _explain(policy: Policy, costs: dict[str, float], max_seconds: float) -> Iterator[str]:
    """Which part of the policy a miss, the most expensive ordinary request, spends its time on."""
    from corecors import policy_from_mapping

    exact = sum("*" not in entry for entry in policy.allow_origins)
    yield (
        f"The policy lists {exact:,} exact origins, {len(policy.allow_origins) - exact:,} patterns and "
        f"{len(policy.allow_origin_regexes):,} regular expressions."
    )
    miss = costs["miss, never seen"]
    mapping = policy.to_mapping()
    for field, what in ORIGIN_FIELDS.items():
        rest = {name: value for name, value in mapping.items() if name != field}
        if not mapping.get(field) or not any(rest.get(other) for other in ORIGIN_FIELDS):
            continue
        without = _miss_cost(policy_from_mapping(rest), max_seconds)
        share = (miss - without) / miss
        yield f"Without its {what} a miss costs {human(without)}: {max(0.0, share):.0%} of {human(miss)} is theirs."
    costliest = max(costs, key=lambda name: costs[name])
    rate = 1e9 / costs[costliest]
    cost = human(costs[costliest])
    yield f"The most expensive case is {costliest!r}: {cost}, {rate:,.0f} of them a second on one core."
    cheapest = min(costs, key=lambda name: costs[name])
    yield f"The cheapest is {cheapest!r}: {human(costs[cheapest])}."
    yield "In parentheses: the cost of working out an answer that the adapter remembers, and so works out once."


def _miss_cost(policy: Policy, max_seconds: float) -> float:
    from corecors.adapters.wsgi import CORSMiddleware

    miss = next(case for case in cases_of(policy) if case.name == "miss, never seen")
    samples = _measure(policy, CORSMiddleware(app_with_2_headers, policy), miss, max_seconds)
    return samples["adapter"].minimum - samples[BARE.name].minimum


def _longest_preflight(policy: Policy) -> tuple[str, str]:
    """The method and the names, as a browser writes them, of a preflight that asks for everything that is allowed."""
    method = next((name for name in policy.allow_methods if name not in ("GET", "HEAD", "POST", "*")), "PUT")
    names = sorted(name.lower() for name in policy.allow_headers if name != "*")
    return method, ",".join(names or (["x-any"] if "*" in policy.allow_headers else []))


def _actual(make_origin: Callable[[], str | None]) -> Iterator[Request]:
    while True:
        yield Request("GET", make_origin())


def _preflight(make_origin: Callable[[], str | None], method: str, names: str) -> Iterator[Request]:
    while True:
        yield Request("OPTIONS", make_origin(), method, names or None)


def _never_seen(template: str) -> Callable[[], str]:
    numbers = count()
    return lambda: template.format(f"{next(numbers):07d}")
