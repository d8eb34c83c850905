"""An allowed request, from a wrapper that does nothing to ours, one step at a time."""

from benchmarks.results import Results, human
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import BARE, DECISION_ONLY, FLOOR, OURS, PASS_THROUGH, wsgi_candidate
from benchmarks.tables import Table
from benchmarks.targets import Target
from benchmarks.timing import measure_interleaved
from benchmarks.workload import APPS
from benchmarks.wsgi import TEN_HEADERS, TWO_HEADERS

_STEPS = {
    "pass-through": "a wrapper that does nothing: one more call",
    "decision only": "reads `Origin` and looks it up",
    "floor": "stands between the app and `start_response`, adds the headers",
    "corecors": "guards, and looks at the app's own headers",
}


def measure(results: Results, seconds: float) -> None:
    """Add the group "steps": an allowed request, from a wrapper that does nothing to ours, one step at a time."""
    scenario = next(each for each in with_exact_origins(10) if each.family == "allowed")
    subjects = (BARE, PASS_THROUGH, DECISION_ONLY, FLOOR, OURS)
    for app_name in (TWO_HEADERS, TEN_HEADERS):
        candidates = {}
        for subject in subjects:
            app = subject.wrap(APPS[app_name], scenario.rules)
            assert app is not None, "every subject can express exact origins"
            candidates[subject.name] = wsgi_candidate(app, scenario)
        samples = measure_interleaved(candidates, rounds=1000, max_seconds=seconds * 2)
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


def table(results: Results) -> Table:
    rows = [["what", "app with 2 headers", "app with 10 headers"]]
    for subject, what in _STEPS.items():
        costs = [results.value("steps", "allowed", subject, around) for around in ("2 headers", "10 headers")]
        if None not in costs:
            rows.append([what, *(human(cost) for cost in costs if cost is not None)])
    return rows


TABLES = {"steps": ("An allowed request, step by step", table)}

TARGETS: tuple[Target, ...] = ()
