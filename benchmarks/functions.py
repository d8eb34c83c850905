"""The pure functions, called as a framework, gateway or test would call them."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from benchmarks.floors import response_headers_floor
from benchmarks.results import Results, human
from benchmarks.scenarios import Outcome, Scenario, with_exact_origins, with_patterns, with_regex
from benchmarks.subjects import FLOOR, OURS, WrongAnswer, policy_for
from benchmarks.tables import Table, cost, number
from benchmarks.targets import Measured, Target
from benchmarks.timing import Candidate, call_runner, measure_interleaved
from benchmarks.workload import Request, fresh

SIZE = 10

ArgumentsOf = Callable[[Request], tuple[Any, ...]]


Comparisons = dict[str, dict[str, Candidate]]


def measure(results: Results, seconds: float) -> None:
    """Add the group "functions". `response_headers` stands beside one set look-up and one dict display."""
    for name, candidates in comparisons().items():
        for subject, sample in measure_interleaved(candidates, rounds=300, max_seconds=seconds / 2).items():
            results.add_timed("functions", name, subject, sample)


def comparisons() -> Comparisons:
    """By function and what happens: ours, and the floor where there is one."""
    import corecors

    by_family = {
        scenario.family: scenario for scenario in (*with_exact_origins(SIZE), *with_patterns(1), *with_regex())
    }
    policies = {
        "origins": policy_for(by_family["allowed"].rules),
        "patterns": policy_for(by_family["subdomain"].rules),
        "regexes": policy_for(by_family["regex matches"].rules),
    }
    floor = response_headers_floor(by_family["allowed"].rules.origins)
    found: Comparisons = {}

    def add(scenario: Scenario, label: str, subject: str, function: Callable[..., Any], arguments: ArgumentsOf) -> None:
        _check(function, arguments, scenario)
        name = f"{label}: {scenario.family}"
        found.setdefault(name, {})[subject] = _candidate(function, arguments, scenario.requests())

    for family in ("allowed", "refused"):
        scenario = by_family[family]
        add(scenario, "response_headers", FLOOR.name, floor, lambda request: (fresh(request.origin or ""),))
    for family, scenario in by_family.items():
        policy = policies[scenario.kind]
        if family in ("no Origin", "allowed, all in turn"):
            continue
        if scenario.outcome.is_preflight:
            add(scenario, "preflight_headers", OURS.name, corecors.preflight_headers, _preflight_arguments(policy))
        else:
            add(scenario, "policy.allows_origin", OURS.name, policy.allows_origin, _origin_only)
            add(scenario, "response_headers", OURS.name, corecors.response_headers, _actual_arguments(policy))
        add(scenario, "evaluate", OURS.name, corecors.evaluate, _evaluate_arguments(policy))
    add(by_family["allowed"], "parse_origin", OURS.name, corecors.parse_origin, _origin_only)
    return found


def _candidate(function: Callable[..., Any], arguments: ArgumentsOf, requests: Iterator[Request]) -> Candidate:
    return Candidate(lambda number: [arguments(request) for request in islice(requests, number)], call_runner(function))


def _origin_only(request: Request) -> tuple[Any, ...]:
    return (fresh(request.origin or ""),)


def _actual_arguments(policy: Any) -> ArgumentsOf:
    return lambda request: (policy, fresh(request.origin or ""))


def _preflight_arguments(policy: Any) -> ArgumentsOf:
    return lambda request: (
        policy,
        fresh(request.origin or ""),
        fresh(request.request_method or ""),
        fresh(request.request_headers or ""),
    )


def _evaluate_arguments(policy: Any) -> ArgumentsOf:
    def arguments(request: Request) -> tuple[Any, ...]:
        asked = (request.request_method, request.request_headers)
        values = [None if value is None else fresh(value) for value in asked]
        return (policy, fresh(request.method), fresh(request.origin or ""), *values)

    return arguments


def _check(function: Callable[..., Any], arguments: ArgumentsOf, scenario: Scenario) -> None:
    """What is timed gives the answer that the scenario expects."""
    request = next(scenario.requests())
    answer = function(*arguments(request))
    if isinstance(answer, dict):
        granted = answer.get("Access-Control-Allow-Origin") == request.origin
    elif isinstance(answer, bool):
        granted = answer
    else:
        granted = getattr(answer, "allowed", scenario.outcome is Outcome.ALLOWED)
    if granted != scenario.outcome.grants:
        raise WrongAnswer(f"{function} under {scenario.name!r} answered {answer}")


def table(results: Results) -> Table:
    compiled = results.compiled()
    rows = [["function", "× floor", "ours", "compiled", "floor"]]
    for ours in results.group("functions"):
        if ours.subject == OURS.name:
            floor = results.value("functions", ours.scenario, FLOOR.name)
            rows.append(
                [
                    ours.scenario,
                    number(ours.value / floor if floor else None),
                    human(ours.value),
                    cost(compiled.value("functions", ours.scenario, OURS.name)),
                    cost(floor),
                ]
            )
    return rows


def _response_headers(results: Results) -> Measured:
    for family in ("allowed", "refused"):
        name = f"response_headers: {family}"
        ours, floor = results.value("functions", name, OURS.name), results.value("functions", name, FLOOR.name)
        if ours is not None and floor:
            yield family, ours / floor


TABLES = {"functions": ("Pure functions", table)}

TARGETS = (Target("response_headers", "≤", 2.5, " × look-up and dict display", _response_headers),)
