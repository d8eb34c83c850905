"""The Flask and Bottle adapters around a minimal view, as a share of what the bare framework takes for it."""

import importlib.util
from collections.abc import Callable
from typing import Any

from benchmarks.floors import exact_floor
from benchmarks.results import Results, human
from benchmarks.scenarios import with_exact_origins
from benchmarks.subjects import AGAIN, FLOOR, OURS, check_wsgi_answer, policy_for, wsgi_candidate
from benchmarks.tables import Table, cost
from benchmarks.targets import ACTUAL, Measured, Target
from benchmarks.timing import measure_interleaved
from benchmarks.workload import Rules

SIZE = 10


def flask_app(rules: Rules | None) -> Any:
    """A Flask app with one view; under our adapter if there are rules."""
    from flask import Flask

    app = Flask("benchmark")
    app.add_url_rule("/", view_func=lambda: "ok", methods=["GET", "PUT", "DELETE"])
    if rules is not None:
        from corecors.adapters.flask import CORS

        CORS(app, policy_for(rules))
    return app


def bottle_app(rules: Rules | None) -> Any:
    """A Bottle app with one view; under our adapter if there are rules."""
    from bottle import Bottle

    app = Bottle()
    app.route("/", callback=lambda: "ok")
    if rules is not None:
        from corecors.adapters.bottle import CORSPlugin

        app.install(CORSPlugin(policy_for(rules)))
    return app


FRAMEWORKS: dict[str, Callable[[Rules | None], Any]] = {"flask": flask_app, "bottle": bottle_app}


def measure(results: Results, seconds: float) -> None:
    """Add the group "frameworks": the bare framework's time, and what the adapter adds to it."""
    for framework, make in FRAMEWORKS.items():
        if importlib.util.find_spec(framework) is None:
            results.skipped.append(f"The {framework} adapter was not measured: {framework} is not installed.")
            continue
        for scenario in with_exact_origins(SIZE):
            if scenario.family == "allowed, all in turn":
                continue
            wrapped = make(scenario.rules)
            check_wsgi_answer(wrapped, scenario, framework)
            # A bare framework's answer to OPTIONS costs something else, so preflights stand alone.
            candidates = {OURS.name: wsgi_candidate(wrapped, scenario)}
            if not scenario.outcome.is_preflight:
                candidates["bare"] = wsgi_candidate(make(None), scenario)
                candidates[AGAIN] = wsgi_candidate(make(None), scenario)
                candidates[FLOOR.name] = wsgi_candidate(exact_floor(make(None), scenario.rules.origins), scenario)
            samples = measure_interleaved(candidates, rounds=600, max_seconds=seconds * 2)
            bare = samples.get("bare")
            for name, sample in samples.items():
                less = bare if name != "bare" else None
                results.add_timed("frameworks", scenario.family, name, sample, less=less, around=framework, size=SIZE)


def table(results: Results) -> Table:
    rows = [["framework", "scenario", "share", "adapter adds", "floor around it", "bare again", "bare framework"]]
    for bare in results.group("frameworks"):
        ours = results.value("frameworks", bare.scenario, OURS.name, bare.around)
        if bare.subject == "bare" and ours is not None:
            share = f"{100 * ours / bare.value:.1f} %"
            floor, again = (
                cost(results.value("frameworks", bare.scenario, subject, bare.around))
                for subject in (FLOOR.name, AGAIN)
            )
            rows.append([bare.around, bare.scenario, share, human(ours), floor, again, human(bare.value)])
    return rows


def _share(results: Results, subject: str = OURS.name) -> Measured:
    """Percent of the bare framework's time for a minimal view."""
    for figure in results.group("frameworks"):
        if figure.subject == "bare" and figure.scenario in ACTUAL:
            added = results.value("frameworks", figure.scenario, subject, figure.around)
            if added is not None:
                yield f"{figure.around}, {figure.scenario}", 100 * added / figure.value


def floors_share(results: Results) -> str:
    """What share the floor has, and what a second bare app comes to, which ought to be nothing."""
    told = []
    for name, share in _share(results, FLOOR.name):
        again = dict(_share(results, AGAIN)).get(name)
        told.append(f"{name} {share:.1f} %" + (f" (a second bare app {again:.1f} %)" if again is not None else ""))
    return f"The floor around them takes, in this run: {'; '.join(told)}." if told else ""


TABLES = {"frameworks": ("Flask and Bottle adapters", table)}

TARGETS = (Target("Flask and Bottle adapters", "≤", 5, " % of a minimal view", _share),)
