"""What each option of the WSGI adapter costs: a policy for each path, a hook, a trial policy, a predicate, blocking."""

from collections.abc import Callable
from typing import Any

from benchmarks.results import Results
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import BARE, check_wsgi_answer, policy_for, wsgi_candidate
from benchmarks.tables import Table, cost
from benchmarks.targets import Measured, Target
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
        "on_decision": wrap(policy, on_decision=lambda decision, request: None),
        "report_only": wrap(policy, report_only=policy),
        "block_disallowed": wrap(policy, block_disallowed=True),
        "no check_websockets": wrap(policy, check_websockets=False),
    }


def measure(results: Results, seconds: float) -> None:
    """Add the group "options": every variant in the same rounds, for each thing that can happen."""
    by_family = {scenario.family: scenario for scenario in with_exact_origins(SIZE)}
    apps = variants(by_family["allowed"].rules)
    for family in FAMILIES:
        scenario = by_family[family]
        candidates = {BARE.name: wsgi_candidate(app_with_2_headers, scenario)}
        for name, app in apps.items():
            check_wsgi_answer(app, scenario, name)
            candidates[name] = wsgi_candidate(app, scenario)
        samples = measure_interleaved(candidates, rounds=1000, max_seconds=seconds * 2)
        for name in apps:
            less = None if scenario.outcome.is_preflight else samples[BARE.name]
            results.add_timed("options", family, name, samples[name], less=less, size=SIZE)


def table(results: Results) -> Table:
    """A row for each option, a column for each thing that can happen."""
    figures = results.group("options")
    families = list(dict.fromkeys(figure.scenario for figure in figures))
    rows = [["", *families]]
    for subject in dict.fromkeys(figure.subject for figure in figures):
        rows.append([subject, *(cost(results.value("options", family, subject)) for family in families)])
    return rows


def _against_plain(option: str) -> Callable[[Results], Measured]:
    def measure(results: Results) -> Measured:
        for family in FAMILIES:
            plain, ours = results.value("options", family, "plain"), results.value("options", family, option)
            if plain and ours is not None:
                yield family, ours / plain

    return measure


TABLES = {
    "options": ("Options of the WSGI adapter", table),
    "options_compiled": ("Options of the WSGI adapter, compiled", lambda results: table(results.compiled())),
}

TARGETS = (
    *(
        Target(option, "≤", 2, " × plain", _against_plain(option))
        for option in ("on_decision", "block_disallowed", "a policy for each path", "no check_websockets")
    ),
    *(Target(option, "≤", 4, " × plain", _against_plain(option)) for option in ("report_only", "a predicate")),
)
