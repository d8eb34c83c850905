"""The WSGI adapter around a minimal app, against the floor in the same rounds."""

from collections.abc import Callable, Sequence

from benchmarks.results import Results, human
from benchmarks.scenarios import Scenario, hostile, with_exact_origins, with_patterns, with_regex
from benchmarks.subjects import BARE, FLOOR, OURS, PASS_THROUGH, WSGI_SUBJECTS, check_wsgi_answer, wsgi_candidate
from benchmarks.tables import Table, cost, number
from benchmarks.targets import ACTUAL, PREFLIGHTS, Measured, Target
from benchmarks.timing import measure_interleaved
from benchmarks.workload import APPS

Plan = list[tuple[Scenario, Sequence[str]]]

TWO_HEADERS, TEN_HEADERS = "2 headers", "10 headers"


def measure(results: Results, seconds: float) -> None:
    measure_against_the_floor(results, against_the_floor(), rounds=1000, max_seconds=seconds)


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
    for size in (1, 10_000):
        subdomain, *others = with_patterns(size)
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


def table(results: Results) -> Table:
    compiled = results.compiled()
    rows = [["scenario", "app", "× floor", "compiled, × floor", "ours", "compiled", "floor", "pass-through"]]
    for ours in results.group("wsgi"):
        if ours.subject == OURS.name:
            floor = results.value("wsgi", ours.scenario, FLOOR.name, ours.around)
            nothing = results.value("wsgi", ours.scenario, PASS_THROUGH.name, ours.around)
            ratio = number(ours.value / floor if floor else None)
            theirs, their_floor = (
                compiled.value("wsgi", ours.scenario, subject.name, ours.around) for subject in (OURS, FLOOR)
            )
            other = number(theirs / their_floor if theirs is not None and their_floor else None)
            costs = [human(ours.value), cost(theirs), cost(floor), cost(nothing)]
            rows.append([ours.scenario, ours.around, ratio, other, *costs])
    return rows


def _against_floor(families: tuple[str, ...], ending: str, around: str) -> Callable[[Results], Measured]:
    def measure(results: Results) -> Measured:
        for family in families:
            name = f"{family}, {ending}"
            ours = results.value("wsgi", name, OURS.name, around)
            floor = results.value("wsgi", name, FLOOR.name, around)
            if ours is not None and floor:
                yield name, ours / floor

    return measure


PLAIN_REFUSAL = "refused, 10 origins"
NEVER_SEEN = ("refused, never seen, 10 origins", "new subdomain, 1 pattern")


def _never_seen(results: Results) -> Measured:
    plain = results.value("wsgi", PLAIN_REFUSAL, OURS.name, TWO_HEADERS)
    for name in NEVER_SEEN:
        ours = results.value("wsgi", name, OURS.name, TWO_HEADERS)
        if ours is not None and plain:
            yield name, ours / plain


def under_one_policy(results: Results) -> str:
    """A subdomain that was never seen, against a refusal under the same pattern."""
    refusal = results.value("wsgi", "no match, 1 pattern", OURS.name, TWO_HEADERS)
    new = results.value("wsgi", "new subdomain, 1 pattern", OURS.name, TWO_HEADERS)
    if not refusal or new is None:
        return ""
    return (
        f"Against a refusal under the same pattern ({human(refusal)}) it costs {number(new / refusal)} times as much."
    )


# Go's jub0bs/cors needs a newer Go than Debian's. Elsewhere, beside this floor, an allowed request took it 330 ns where
# the floor took 390.
JUB0BS = 0.85


def _jub0bs(results: Results) -> Measured:
    for name, ratio in _against_floor(("allowed",), "10 origins", TWO_HEADERS)(results):
        yield name, JUB0BS / ratio


TABLES = {"wsgi": ("WSGI adapter, beyond the bare app (preflights: in all)", table)}

TARGETS = (
    Target("WSGI, app with 2 headers", "≤", 2.0, " × floor", _against_floor(ACTUAL, "10 origins", TWO_HEADERS), 0.8),
    Target("WSGI, app with 10 headers", "≤", 2.6, " × floor", _against_floor(ACTUAL, "10 origins", TEN_HEADERS), 1.25),
    Target("preflight", "≤", 1.9, " × floor", _against_floor(PREFLIGHTS, "10 origins", TWO_HEADERS), 1.2),
    Target("subdomain of one pattern", "≤", 1.3, " × floor", _against_floor(("subdomain",), "1 pattern", TWO_HEADERS)),
    Target(
        "subdomain of 10,000 patterns",
        "≤",
        1.3,
        " × floor",
        _against_floor(("subdomain",), "10,000 patterns", TWO_HEADERS),
    ),
    Target("never seen: a subdomain, a refused origin", "≤", 3, " × the plain refusal", _never_seen),
    Target(f"Go's jub0bs/cors, published: {JUB0BS} × floor", "≥", None, " × ours", _jub0bs, compiled=1),
)
