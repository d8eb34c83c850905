"""The parts of a run. A part is one file: what it measures, its tables, its targets."""

from collections.abc import Callable, Mapping
from typing import Protocol

from benchmarks import (
    asgi,
    building,
    builds,
    earlier,
    frameworks,
    functions,
    growth,
    importing,
    instructions,
    options,
    peers,
    servers,
    steps,
    threads,
    wsgi,
)
from benchmarks.results import Results
from benchmarks.tables import Table
from benchmarks.targets import Target, Verdict


class Part(Protocol):
    """TABLES: by name, a title and what makes the rows, the head first."""

    @property
    def TABLES(self) -> Mapping[str, tuple[str, Callable[[Results], Table]]]: ...

    @property
    def TARGETS(self) -> tuple[Target, ...]: ...

    def measure(self, results: Results, seconds: float) -> None:
        """Add figures; `seconds` is about what one comparison may take."""


# In the order in which a reader wants to know, and in which they run.
PARTS: dict[str, Part] = {
    "wsgi": wsgi,
    "steps": steps,
    "options": options,
    "asgi": asgi,
    "growth": growth,
    "functions": functions,
    "peers": peers,
    "frameworks": frameworks,
    "building": building,
    "import": importing,
    "threads": threads,
    "instructions": instructions,
    "earlier": earlier,
    "servers": servers,
    "builds": builds,  # the last, for it measures the parts before it again, under the compiled build
}

TARGETS = tuple(target for part in PARTS.values() for target in part.TARGETS)


def judge(results: Results) -> list[Verdict]:
    return [target.judge(results) for target in TARGETS]


def judge_compiled(results: Results) -> list[Verdict]:
    """The same targets, in the same order, held against the compiled build."""
    compiled = results.compiled()
    return [target.for_compiled().judge(compiled) for target in TARGETS]
