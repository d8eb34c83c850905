"""The WSGI adapter around a minimal app, against the floor in the same run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.scenarios import Scenario, hostile, with_exact_origins, with_patterns, with_regex
from benchmarks.subjects import (
    BARE,
    FLOOR,
    OURS,
    PASS_THROUGH,
    Subject,
    check_wsgi_answer,
    ours_is_there,
    wsgi_candidate,
)
from benchmarks.timing import Sample, measure_interleaved
from benchmarks.workload import APPS


@dataclass(frozen=True, slots=True)
class Cell:
    """What one scenario cost around one app: samples by the name of the subject, the bare app among them."""

    scenario: Scenario
    app: str
    samples: dict[str, Sample]

    def cost(self, subject: str) -> float | None:
        """Nanoseconds: beyond the bare app, or for a preflight, which no bare app answers, in all."""
        if subject not in self.samples:
            return None
        total = self.samples[subject].minimum
        return total if self.scenario.outcome.is_preflight else total - self.samples[BARE.name].minimum

    def ratio(self, subject: str, against: str = FLOOR.name) -> float | None:
        mine, other = self.cost(subject), self.cost(against)
        return mine / other if mine is not None and other is not None and other > 0 else None


# Apps beside the one with two headers are measured where what the app sends is looked at.
_SMALL_EXACT = 10


def quick_scenarios() -> list[tuple[Scenario, list[str]]]:
    """The scenarios that the targets speak of, each with the apps that it is measured around."""
    plan: list[tuple[Scenario, list[str]]] = [
        (scenario, ["2 headers"] if scenario.outcome.is_preflight else list(APPS))
        for scenario in with_exact_origins(_SMALL_EXACT)
    ]
    plan += [(scenario, ["2 headers"]) for scenario in with_exact_origins(1_000) if scenario.outcome.grants]
    plan += [(scenario, ["2 headers", "10 headers"]) for scenario in with_exact_origins(100_000)[1:4]]
    for number in (1, 10_000):
        plan += [(scenario, ["2 headers", "10 headers"]) for scenario in with_patterns(number)[:1]]
        plan += [(scenario, ["2 headers"]) for scenario in with_patterns(number)[1:]]
    plan += [(scenario, ["2 headers"]) for scenario in hostile()]
    return plan


def whole_scenarios() -> list[tuple[Scenario, list[str]]]:
    """Everything: more sizes, a regex."""
    plan = [
        (scenario, ["2 headers"])
        for number in (1, 100, 10_000, 1_000_000)
        for scenario in with_exact_origins(number)
        if not scenario.name.startswith("no Origin")
    ]
    plan += [(scenario, ["2 headers"]) for number in (10, 100, 1_000) for scenario in with_patterns(number)]
    plan += [(scenario, ["2 headers"]) for scenario in with_regex()]
    return quick_scenarios() + plan


def measure(
    plan: Iterable[tuple[Scenario, Sequence[str]]],
    *,
    subjects: Sequence[Subject] = (BARE, PASS_THROUGH, FLOOR, OURS),
    rounds: int,
    batch: int,
    max_seconds: float,
) -> list[Cell]:
    """Measure every scenario around its apps, `max_seconds` at most for each pair of them."""
    if not ours_is_there():
        subjects = [subject for subject in subjects if subject is not OURS]
    cells = []
    for scenario, apps in plan:
        for app_name in apps:
            candidates = {}
            for subject in subjects:
                app = subject.wrap(APPS[app_name], scenario.rules)
                if app is None or (subject in (BARE, PASS_THROUGH) and scenario.outcome.is_preflight):
                    continue
                # The floor leaves the app's own headers alone, by its argument; nothing to check there.
                if subject not in (BARE, PASS_THROUGH) and not (app_name == "own CORS" and subject is FLOOR):
                    check_wsgi_answer(app, scenario, subject.name)
                candidates[subject.name] = wsgi_candidate(app, scenario.requests())
            samples = measure_interleaved(candidates, rounds=rounds, batch=batch, max_seconds=max_seconds)
            cells.append(Cell(scenario, app_name, samples))
    return cells
