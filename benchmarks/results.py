"""What a run found: flat figures that the table, the JSON, the plots and the page are all made from."""

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import corecors
from benchmarks.timing import Sample

Unit = Literal["ns", "s", "bytes", "requests/s", ""]  # "": a ratio


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    `group` names the part of the run; `scenario` what happened; `around` the app or framework that it happened around;
    `subject` what was measured. `value` is what comparisons use: nanoseconds beyond the bare app, or in all where there
    is no bare app to subtract (preflights, functions). `total` is the smallest and `median` the median of what was
    timed. `size` is the number of origins, patterns or bytes. `fault` says what is wrong with the answer that was
    measured, for a wrong answer is cheap. `build`: `COMPILED` or `EARLIER` where the compiled build or an earlier
    version was measured.
    """

    group: str
    scenario: str
    subject: str
    value: float
    unit: Unit = "ns"
    around: str = ""
    size: int = 0
    total: float = 0.0
    median: float = 0.0
    fault: str = ""
    build: str = ""


COMPILED = "compiled"
EARLIER = "earlier"


@dataclass(slots=True)
class Results:
    """Everything that one run found. `skipped` has a sentence for each thing that could not be measured.

    What is asked for here are figures of the build that runs; `compiled` has those of the other one. `against` is the
    clone of an earlier version to measure beside it.
    """

    machine: dict[str, str]
    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # Every single value in nanoseconds, by the name of its benchmark; for pyperf's file, not for ours.
    samples: dict[str, tuple[float, ...]] = field(default_factory=dict)
    against: Path | None = None

    def figure(self, group: str, scenario: str, subject: str, around: str = "") -> Figure | None:
        for candidate in self.group(group):
            if (candidate.scenario, candidate.subject) == (scenario, subject) and around in ("", candidate.around):
                return candidate
        return None

    def value(self, group: str, scenario: str, subject: str, around: str = "") -> float | None:
        found = self.figure(group, scenario, subject, around)
        return None if found is None else found.value

    def group(self, name: str) -> list[Figure]:
        return [figure for figure in self.figures if figure.group == name and not figure.build]

    def compiled(self) -> "Results":
        """The same of the compiled build, where it was measured beside a pure one."""
        return self.of(COMPILED)

    def of(self, build: str) -> "Results":
        # What an earlier version took stays beside either build.
        kept = [each for each in self.figures if each.build == EARLIER != build]
        return Results(
            self.machine, [*kept, *(replace(each, build="") for each in self.figures if each.build == build)]
        )

    def add_timed(
        self,
        group: str,
        scenario: str,
        subject: str,
        sample: Sample,
        *,
        less: Sample | None = None,
        around: str = "",
        size: int = 0,
        fault: str = "",
    ) -> None:
        """Record a sample, less what the bare app cost in the same rounds."""
        value = sample.minimum - (less.minimum if less is not None else 0.0)
        self.figures.append(
            Figure(group, scenario, subject, value, "ns", around, size, sample.minimum, sample.median, fault)
        )
        name = ", ".join(part for part in (group, scenario, around, subject) if part)
        self.samples[name] = sample.values

    def to_json(self) -> str:
        return json.dumps(
            {
                "machine": self.machine,
                "skipped": self.skipped,
                "notes": self.notes,
                "figures": [_rounded(asdict(figure)) for figure in self.figures],
            },
            indent=1,
            ensure_ascii=False,
        )


def results_from_json(text: str) -> Results:
    """The inverse of `Results.to_json`; single samples are not in there."""
    data: dict[str, Any] = json.loads(text)
    return Results(data["machine"], [Figure(**figure) for figure in data["figures"]], data["skipped"], data["notes"])


def _rounded(figure: dict[str, Any]) -> dict[str, Any]:
    """Four figures are more than any clock here can tell; fields that say nothing are left out. No unit says much."""
    kept = {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in figure.items()}
    return {name: value for name, value in kept.items() if value not in ("", 0) or name in ("value", "unit")}


def describe_machine() -> dict[str, str]:
    """What a reader needs to know to compare: which build, Python, processor, day."""
    return {
        "build": "compiled" if corecors.__compiled__ else "pure Python",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "day": datetime.now(UTC).date().isoformat(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def write_pyperf(samples: dict[str, tuple[float, ...]], path: Path) -> None:
    """Every value in pyperf's own format, for `pyperf compare_to before.json after.json` and `pyperf hist`."""
    import pyperf

    benchmarks = [
        pyperf.Benchmark(
            [
                pyperf.Run(
                    [max(value, 0.001) * 1e-9 for value in values],
                    metadata={"name": name, "unit": "second"},
                    collect_metadata=number == 0,
                )
            ]
        )
        for number, (name, values) in enumerate(samples.items())
    ]
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), replace=True)


def geometric_mean(ratios: Iterable[float]) -> float:
    return statistics.geometric_mean(ratios)


def human(value: float, unit: Unit = "ns") -> str:
    """A value with three figures and the unit that suits it: `1.31 µs`, `34.0 MB`."""
    scales: dict[Unit, Sequence[tuple[float, str]]] = {
        "ns": [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")],
        "s": [(1, "s"), (1e-3, "ms"), (1e-6, "µs")],
        "bytes": [(1e6, "MB"), (1e3, "kB"), (1, "B")],
        "requests/s": [(1, "/s")],
        "": [(1, "")],
    }
    scale, name = next((step for step in scales[unit] if abs(value) >= step[0]), scales[unit][-1])
    scaled = value / scale
    digits = 0 if abs(scaled) >= 100 or name in ("ns", "B", "/s") else 1 if abs(scaled) >= 10 else 2
    return f"{scaled:,.{digits}f} {name}".rstrip()
