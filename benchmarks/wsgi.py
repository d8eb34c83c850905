"""The WSGI adapter around a minimal app, against the floor in the same rounds."""

from collections.abc import Sequence
from dataclasses import replace
from wsgiref.types import WSGIApplication

from benchmarks.results import Results
from benchmarks.scenarios import Scenario, hostile, ordinary_refusals, with_exact_origins, with_patterns, with_regex
from benchmarks.subjects import (
    BARE,
    DECISION_ONLY,
    FLOOR,
    OURS,
    PASS_THROUGH,
    WSGI_SUBJECTS,
    check_wsgi_answer,
    wsgi_candidate,
)
from benchmarks.timing import measure_interleaved
from benchmarks.workload import APPS, KIB, app_with_2_headers

Plan = list[tuple[Scenario, Sequence[str]]]

SIZES_OF_ORIGINS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
SIZES_OF_PATTERNS = (1, 10, 100, 1_000, 10_000)
SIZES_OF_HOSTILE_VALUES = (8 * KIB, 64 * KIB, 1024 * KIB)

TWO_HEADERS, TEN_HEADERS = "2 headers", "10 headers"


def against_the_floor() -> Plan:
    """The scenarios that the targets speak of, each with the apps that it is measured around."""
    plan: Plan = [
        (scenario, [TWO_HEADERS] if scenario.outcome.is_preflight else list(APPS))
        for scenario in with_exact_origins(10)
    ]
    plan += [(scenario, [TWO_HEADERS]) for scenario in with_exact_origins(1_000) if scenario.outcome.grants]
    plan += [
        (scenario, [TWO_HEADERS, TEN_HEADERS])
        for scenario in with_exact_origins(100_000)
        if scenario.name.startswith(("allowed", "refused"))
    ]
    for number in (1, 10_000):
        subdomain, *others = with_patterns(number)
        plan += [(subdomain, [TWO_HEADERS, TEN_HEADERS])]
        plan += [(scenario, [TWO_HEADERS]) for scenario in others]
    plan += [(scenario, [TWO_HEADERS]) for scenario in with_regex()]
    plan += [(scenario, [TWO_HEADERS]) for scenario in hostile()]
    return plan


def measure_against_the_floor(results: Results, plan: Plan, *, rounds: int, max_seconds: float) -> None:
    """Add the group "wsgi": every scenario around its apps, `max_seconds` at most for each pair of them."""
    for scenario, apps in plan:
        for app_name in apps:
            candidates = {}
            for subject in WSGI_SUBJECTS:
                app = subject.wrap(APPS[app_name], scenario.rules)
                if app is None or (subject in (BARE, PASS_THROUGH) and scenario.outcome.is_preflight):
                    continue
                # By its argument the floor leaves the app's own headers alone, so it would fail that check.
                if subject not in (BARE, PASS_THROUGH) and not (app_name == "own CORS" and subject is FLOOR):
                    check_wsgi_answer(app, scenario, subject.name)
                candidates[subject.name] = wsgi_candidate(app, scenario)
            samples = measure_interleaved(candidates, rounds=rounds, max_seconds=max_seconds)
            for name, sample in samples.items():
                if name != BARE.name:
                    less = None if scenario.outcome.is_preflight else samples[BARE.name]
                    results.add_timed(
                        "wsgi", scenario.name, name, sample, less=less, around=app_name, size=scenario.size
                    )


def measure_steps(results: Results, *, max_seconds: float) -> None:
    """Add the group "steps": an allowed request, from a wrapper that does nothing to ours, one step at a time."""
    scenario = next(each for each in with_exact_origins(10) if each.family == "allowed")
    subjects = (BARE, PASS_THROUGH, DECISION_ONLY, FLOOR, OURS)
    for app_name in (TWO_HEADERS, TEN_HEADERS):
        candidates = {}
        for subject in subjects:
            app = subject.wrap(APPS[app_name], scenario.rules)
            assert app is not None, "every subject can express exact origins"
            candidates[subject.name] = wsgi_candidate(app, scenario)
        samples = measure_interleaved(candidates, rounds=1000, max_seconds=max_seconds)
        for subject in subjects[1:]:
            results.add_timed(
                "steps",
                scenario.family,
                subject.name,
                samples[subject.name],
                less=samples[BARE.name],
                around=app_name,
                size=scenario.size,
            )


def measure_growth(results: Results, *, max_seconds: float) -> None:
    """Add the group "growth": ours alone, all sizes of one family of scenarios in the same rounds."""
    for sizes, scenarios_of in ((SIZES_OF_ORIGINS, with_exact_origins), (SIZES_OF_PATTERNS, with_patterns)):
        by_size = {size: scenarios_of(size) for size in sizes}
        # Building a policy of a million origins takes seconds, so each is built once for all families.
        apps = {size: _ours(scenarios[0]) for size, scenarios in by_size.items()}
        for family in zip(*by_size.values(), strict=True):
            _compare(results, "growth", [(apps[scenario.size], scenario) for scenario in family], max_seconds)


def measure_hostile_values(results: Results, *, max_seconds: float) -> None:
    """Add the group "hostile": ours alone, an ordinary refusal and hostile values of all sizes in the same rounds."""
    by_size = [hostile(size) for size in SIZES_OF_HOSTILE_VALUES]
    for family in zip(*by_size, strict=True):
        ordinary = ordinary_refusals()[family[0].outcome]
        if family[0].rules.domains:
            ordinary = replace(ordinary, rules=family[0].rules)
        _compare(results, "hostile", [(_ours(scenario), scenario) for scenario in (ordinary, *family)], max_seconds)


def _ours(scenario: Scenario) -> WSGIApplication:
    app = OURS.wrap(app_with_2_headers, scenario.rules)
    assert app is not None, "ours can express every rule here"
    return app


def _compare(
    results: Results, group: str, pairs: Sequence[tuple[WSGIApplication, Scenario]], max_seconds: float
) -> None:
    """Measure our apps, one for each scenario, beside the bare app; they are recorded under the last one's family."""
    candidates = {BARE.name: wsgi_candidate(app_with_2_headers, pairs[-1][1])}
    for app, scenario in pairs:
        check_wsgi_answer(app, scenario, OURS.name)
        candidates[scenario.name] = wsgi_candidate(app, scenario)
    samples = measure_interleaved(candidates, rounds=1000, max_seconds=max_seconds)
    for _, scenario in pairs:
        less = None if scenario.outcome.is_preflight else samples[BARE.name]
        results.add_timed(
            group,
            pairs[-1][1].family,
            OURS.name,
            samples[scenario.name],
            less=less,
            around=scenario.kind,
            size=scenario.size,
        )
