"""What each option of the WSGI adapter costs: a policy for each path, a hook, a trial policy, a predicate, blocking."""

from typing import Any

from benchmarks.results import Results
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import BARE, check_wsgi_answer, policy_for, wsgi_candidate
from benchmarks.timing import measure_interleaved
from benchmarks.workload import ALLOWED_HEADERS, ALLOWED_METHODS, EXPOSED_HEADERS, MAX_AGE, Rules, app_with_2_headers

SIZE = 10
FAMILIES = ("no Origin", "allowed", "refused", "refused, never seen", "preflight allowed", "preflight refused")


def variants(rules: Rules) -> dict[str, Any]:
    """Our adapter, plain and with one option each, around the app with two headers."""
    from corecors import PathPolicies, Policy
    from corecors.adapters.wsgi import CORSMiddleware

    policy = policy_for(rules)
    by_path = PathPolicies({"/api": None, "/public/files": None}, default=policy)
    listed = frozenset(rules.origins)
    by_predicate = Policy(
        allow_origin_predicate=lambda origin: origin in listed,
        allow_methods=ALLOWED_METHODS,
        allow_headers=ALLOWED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        allow_credentials=True,
        max_age=MAX_AGE,
    )

    def wrap(chosen: Any, **options: Any) -> Any:
        return CORSMiddleware(app_with_2_headers, chosen, **options)

    return {
        "plain": wrap(policy),
        "without the log": wrap(policy, rejections=None),
        "a policy for each path": wrap(by_path),
        "a predicate": wrap(by_predicate),
        "on_decision": wrap(policy, on_decision=lambda decision, environ: None),
        "report_only": wrap(policy, report_only=policy),
        "block_disallowed": wrap(policy, block_disallowed=True),
    }


def measure_options(results: Results, *, max_seconds: float) -> None:
    """Add the group "options": every variant in the same rounds, for each thing that can happen."""
    by_family = {scenario.family: scenario for scenario in with_exact_origins(SIZE)}
    apps = variants(by_family["allowed"].rules)
    for family in FAMILIES:
        scenario = by_family[family]
        candidates = {BARE.name: wsgi_candidate(app_with_2_headers, scenario)}
        for name, app in apps.items():
            check_wsgi_answer(app, scenario, name)
            candidates[name] = wsgi_candidate(app, scenario)
        samples = measure_interleaved(candidates, rounds=1000, max_seconds=max_seconds)
        for name in apps:
            less = None if scenario.outcome.is_preflight else samples[BARE.name]
            results.add_timed("options", family, name, samples[name], less=less, size=SIZE)
