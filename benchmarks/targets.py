"""What a part of the benchmarks set itself, as ratios within one run, and whether a run met it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.results import Figure, Results

Measured = Iterator[tuple[str, float]]

ACTUAL = ("no Origin", "allowed", "refused")
PREFLIGHTS = ("preflight allowed", "preflight refused")


@dataclass(frozen=True, slots=True)
class Target:
    """`measure` gives a name and a number for each case; all of them have to be at most, or at least, the limit.
    Where that is None, there is no target."""

    what: str
    sense: Literal["≤", "≥"]
    limit: float | None
    unit: str
    measure: Callable[[Results], Measured]
    compiled: float | None = None
    """The limit for the compiled build, where it has one of its own."""

    def for_compiled(self) -> "Target":
        return replace(self, limit=self.limit if self.compiled is None else self.compiled)

    def judge(self, results: Results) -> "Verdict":
        cases = dict(self.measure(results))
        if not cases:
            return Verdict(self, None, "", None)
        pick = max if self.sense == "≤" else min
        worst = pick(cases, key=lambda name: cases[name])
        value = cases[worst]
        if self.limit is None:
            return Verdict(self, value, worst, None)
        return Verdict(self, value, worst, value <= self.limit if self.sense == "≤" else value >= self.limit)

    @property
    def demand(self) -> str:
        return "–" if self.limit is None else f"{self.sense} {self.limit:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst case of a target, by its name, and whether it is good enough; None where nothing was measured, or
    where there is no target."""

    target: Target
    worst: float | None
    case: str
    met: bool | None

    @property
    def word(self) -> str:
        if self.target.limit is None:
            return "no target"
        return {True: "met", False: "missed", None: "not measured"}[self.met]


def by_size(results: Results, group: str, family: str) -> dict[int, Figure]:
    return {figure.size: figure for figure in results.group(group) if figure.scenario == family}


def families(results: Results, group: str) -> list[str]:
    return list(dict.fromkeys(figure.scenario for figure in results.group(group)))
