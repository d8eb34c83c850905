"""Growth: ours alone, by the size of the policy and by the length of hostile values."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from wsgiref.types import WSGIApplication

from benchmarks.results import Results, human
from benchmarks.scenarios import Scenario, hostile, length, ordinary_refusals, with_exact_origins, with_patterns
from benchmarks.subjects import BARE, OURS, check_wsgi_answer, wsgi_candidate
from benchmarks.tables import Table, number
from benchmarks.targets import ACTUAL, PREFLIGHTS, Measured, Target, by_size, families
from benchmarks.timing import measure_interleaved
from benchmarks.workload import KIB, app_with_2_headers

SIZES_OF_ORIGINS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
SIZES_OF_PATTERNS = (1, 10, 100, 1_000, 10_000)
SIZES_OF_HOSTILE_VALUES = (8 * KIB, 64 * KIB, 1024 * KIB)

GROWTH_UNIT = " × one"


def measure(results: Results, seconds: float) -> None:
    measure_growth(results, max_seconds=seconds * 2)
    measure_hostile_values(results, max_seconds=seconds * 2)


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


def growth_table(results: Results) -> Table:
    return _rows(results, "growth")


def hostile_table(results: Results) -> Table:
    return _rows(results, "hostile")


def _rows(results: Results, group: str) -> Table:
    """A row for each family of scenarios, a column for each size: the cost of the smallest, then multiples of it."""
    figures, others = results.group(group), results.compiled().group(group)
    sizes = sorted({figure.size for figure in figures})
    heads = [_size(size, group) for size in sizes]
    rows = [["", *heads]]
    for family in dict.fromkeys(figure.scenario for figure in figures):
        for of, name in ((figures, family), (others, f"{family}, compiled")):
            costs = {figure.size: figure.value for figure in of if figure.scenario == family}
            if not costs:
                continue
            smallest = costs[min(costs)]
            cells = [f"× {number(costs[size] / smallest)}" if size in costs else "–" for size in sizes]
            cells[sizes.index(min(costs))] = human(smallest)
            rows.append([name, *cells])
    return rows


def _size(size: int, group: str) -> str:
    if group == "hostile":
        return length(size) if size else "ordinary"
    return f"{size:,}"


def _growth(names: tuple[str, ...]) -> Callable[[Results], Measured]:
    """The largest size against one."""

    def measure(results: Results) -> Measured:
        for family in names:
            sizes = by_size(results, "growth", family)
            if len(sizes) > 1:
                largest = max(sizes)
                yield f"{family}, {largest:,} {sizes[largest].around}", sizes[largest].value / sizes[min(sizes)].value

    return measure


def _hostile_ratio(results: Results) -> Measured:
    """8 KiB against the ordinary refusal."""
    for family in families(results, "hostile"):
        sizes = by_size(results, "hostile", family)
        smallest = min(size for size in sizes if size)
        yield f"{family}, {smallest // 1024} KiB", sizes[smallest].value / sizes[0].value


def _hostile_excess(results: Results) -> Measured:
    """64 KiB and 1 MiB beyond the ordinary refusal, in microseconds."""
    for family in families(results, "hostile"):
        sizes = by_size(results, "hostile", family)
        for size in sorted(sizes)[2:]:
            yield f"{family}, {size // 1024} KiB", (sizes[size].value - sizes[0].value) / 1000


TABLES = {
    "growth": ("Growth with the number of entries, ours", growth_table),
    "hostile": ("Hostile values, ours", hostile_table),
}

TARGETS = (
    Target("1,000,000 exact origins, warm", "≤", 1.2, GROWTH_UNIT, _growth((*ACTUAL, *PREFLIGHTS))),
    Target("10,000 patterns, warm", "≤", 1.2, GROWTH_UNIT, _growth(("subdomain", "no match"))),
    Target("8 KiB Origin or list of names", "≤", 1.2, " × ordinary refusal", _hostile_ratio),
    Target("64 KiB and 1 MiB of the same", "≤", 20, " µs beyond it", _hostile_excess),
)
