"""What the project set itself, as ratios within one run, and whether a run met it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from benchmarks.results import Figure, Results
from benchmarks.subjects import BARE, FLOOR, OURS
from benchmarks.wsgi import TEN_HEADERS, TWO_HEADERS

Measured = Iterator[tuple[str, float]]

GROWTH_UNIT = " × one"

ACTUAL = ("no Origin", "allowed", "refused")
PREFLIGHTS = ("preflight allowed", "preflight refused")


@dataclass(frozen=True, slots=True)
class Target:
    """`measure` gives a name and a number for each case; all of them have to be at most, or at least, the limit."""

    what: str
    sense: Literal["≤", "≥"]
    limit: float
    unit: str
    measure: Callable[[Results], Measured]

    def judge(self, results: Results) -> "Verdict":
        cases = dict(self.measure(results))
        if not cases:
            return Verdict(self, None, "", None)
        pick = max if self.sense == "≤" else min
        worst = pick(cases, key=lambda name: cases[name])
        value = cases[worst]
        return Verdict(self, value, worst, value <= self.limit if self.sense == "≤" else value >= self.limit)

    @property
    def demand(self) -> str:
        return f"{self.sense} {self.limit:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst case of a target, by its name, and whether it is good enough; None where nothing was measured."""

    target: Target
    worst: float | None
    case: str
    met: bool | None

    @property
    def word(self) -> str:
        return {True: "met", False: "missed", None: "not measured"}[self.met]


def _against_floor(families: tuple[str, ...], ending: str, around: str) -> Callable[[Results], Measured]:
    def measure(results: Results) -> Measured:
        for family in families:
            name = f"{family}, {ending}"
            ours = results.value("wsgi", name, OURS.name, around)
            floor = results.value("wsgi", name, FLOOR.name, around)
            if ours is not None and floor:
                yield name, ours / floor

    return measure


def _growth(families: tuple[str, ...]) -> Callable[[Results], Measured]:
    """The largest size against one."""

    def measure(results: Results) -> Measured:
        for family in families:
            sizes = _by_size(results, "growth", family)
            if len(sizes) > 1:
                largest = max(sizes)
                yield f"{family}, {largest:,} {sizes[largest].around}", sizes[largest].value / sizes[min(sizes)].value

    return measure


def _hostile_ratio(results: Results) -> Measured:
    """8 KiB against the ordinary refusal."""
    for family in _families(results, "hostile"):
        sizes = _by_size(results, "hostile", family)
        smallest = min(size for size in sizes if size)
        yield f"{family}, {smallest // 1024} KiB", sizes[smallest].value / sizes[0].value


def _hostile_excess(results: Results) -> Measured:
    """64 KiB and 1 MiB beyond the ordinary refusal, in microseconds."""
    for family in _families(results, "hostile"):
        sizes = _by_size(results, "hostile", family)
        for size in sorted(sizes)[2:]:
            yield f"{family}, {size // 1024} KiB", (sizes[size].value - sizes[0].value) / 1000


def _families(results: Results, group: str) -> list[str]:
    return list(dict.fromkeys(figure.scenario for figure in results.group(group)))


def _by_size(results: Results, group: str, family: str) -> dict[int, Figure]:
    return {figure.size: figure for figure in results.group(group) if figure.scenario == family}


def _cheaper_than(peer: str, scenario: str = "allowed, 10 origins") -> Callable[[Results], Measured]:
    def measure(results: Results) -> Measured:
        ours, theirs = results.value("peers", scenario, OURS.name), results.value("peers", scenario, peer)
        if ours and theirs is not None:
            yield scenario, theirs / ours

    return measure


def _response_headers(results: Results) -> Measured:
    for family in ("allowed", "refused"):
        name = f"response_headers: {family}"
        ours, floor = results.value("functions", name, OURS.name), results.value("functions", name, FLOOR.name)
        if ours is not None and floor:
            yield family, ours / floor


def _frameworks(results: Results) -> Measured:
    """Percent of the bare framework's time for a minimal view."""
    for figure in results.group("frameworks"):
        if figure.subject == "bare" and figure.scenario in ACTUAL:
            ours = results.value("frameworks", figure.scenario, OURS.name, figure.around)
            if ours is not None:
                yield f"{figure.around}, {figure.scenario}", 100 * ours / figure.value


def _building(scenario: str, scale: float) -> Callable[[Results], Measured]:
    def measure(results: Results) -> Measured:
        for figure in results.group("building"):
            if (figure.scenario, figure.subject, figure.size) == (scenario, OURS.name, 1_000_000):
                yield "1,000,000 origins", figure.value * scale

    return measure


def _import(results: Results) -> Measured:
    value = results.value("import", "beyond bare Python", OURS.name)
    if value is not None:
        yield "import corecors", value * 1000


def _server(results: Results) -> Measured:
    for figure in results.group("server"):
        if figure.scenario == "ratio of requests per second":
            yield f"gunicorn {figure.around}", figure.value


def _threads(results: Results) -> Measured:
    """What four threads cost against one, ours against the bare app, which has no lock for sure."""
    figures = results.group("threads")
    for family, python in dict.fromkeys((figure.scenario, figure.around) for figure in figures):
        times = {
            (each.subject, each.size): each.value
            for each in figures
            if (each.scenario, each.around) == (family, python)
        }
        ours = times[OURS.name, 4] / times[OURS.name, 1]
        yield f"{family}, {python}", ours / (times[BARE.name, 4] / times[BARE.name, 1])


TARGETS = (
    Target("WSGI, app with 2 headers", "≤", 1.5, " × floor", _against_floor(ACTUAL, "10 origins", TWO_HEADERS)),
    Target("WSGI, app with 10 headers", "≤", 2.0, " × floor", _against_floor(ACTUAL, "10 origins", TEN_HEADERS)),
    Target("preflight", "≤", 1.5, " × floor", _against_floor(PREFLIGHTS, "10 origins", TWO_HEADERS)),
    Target("1,000,000 exact origins, warm", "≤", 1.2, GROWTH_UNIT, _growth((*ACTUAL, *PREFLIGHTS))),
    Target("10,000 patterns, warm", "≤", 1.2, GROWTH_UNIT, _growth(("subdomain", "no match"))),
    Target("subdomain of one pattern", "≤", 1.3, " × floor", _against_floor(("subdomain",), "1 pattern", TWO_HEADERS)),
    Target(
        "subdomain of 10,000 patterns",
        "≤",
        1.3,
        " × floor",
        _against_floor(("subdomain",), "10,000 patterns", TWO_HEADERS),
    ),
    Target("8 KiB Origin or list of names", "≤", 1.2, " × ordinary refusal", _hostile_ratio),
    Target("64 KiB and 1 MiB of the same", "≤", 20, " µs beyond it", _hostile_excess),
    Target("cheaper than wsgicors", "≥", 2, " ×", _cheaper_than("wsgicors")),
    Target("cheaper than starlette", "≥", 15, " ×", _cheaper_than("starlette")),
    Target("cheaper than flask-cors", "≥", 60, " ×", _cheaper_than("flask-cors")),
    Target("cheaper than django-cors-headers", "≥", 100, " ×", _cheaper_than("django-cors-headers")),
    Target("cheaper than Go's rs/cors", "≥", 1, " ×", _cheaper_than("Go rs/cors", "allowed, 1,000 origins")),
    Target(
        "more expensive than Go's jub0bs/cors",
        "≥",
        0.5,
        " ×",
        _cheaper_than("Go jub0bs/cors", "allowed, 1,000 origins"),
    ),
    Target("response_headers", "≤", 2.5, " × look-up and dict display", _response_headers),
    Target("Flask and Bottle adapters", "≤", 5, " % of a minimal view", _frameworks),
    Target("building 1,000,000 origins", "≤", 3, " s", _building("time", 1)),
    Target("memory of 1,000,000 origins", "≤", 60, " MB beyond the list", _building("memory kept", 1e-6)),
    Target("import corecors", "≤", 30, " ms beyond bare Python", _import),
    Target("whole server", "≥", 0.98, " of the bare requests/s", _server),
    Target("4 threads against 1, next to the bare app", "≤", 1.1, " ×", _threads),
)


def judge(results: Results) -> list[Verdict]:
    return [target.judge(results) for target in TARGETS]
