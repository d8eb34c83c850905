"""What a run found, as text for a terminal: ratios and targets first, then the numbers behind them."""

from benchmarks.parts import PARTS, judge, judge_compiled
from benchmarks.results import Results
from benchmarks.tables import Table, aligned, number


def report(results: Results) -> str:
    """The whole report."""
    sections = [("Targets", targets_table(results))]
    sections += [(title, make(results)) for part in PARTS.values() for title, make in part.TABLES.values()]
    lines = [f"{name}: {value}" for name, value in results.machine.items()]
    for title, rows in sections:
        if len(rows) > 1:
            lines += ["", title, "-" * len(title), *aligned(rows)]
    if results.notes or results.skipped:
        lines += ["", "Notes", "-----", *results.notes, *results.skipped]
    return "\n".join(lines)


def targets_table(results: Results) -> Table:
    """A row for each target: the worst case of each build, next to its limit."""
    head = ["what"]
    for build in ("pure", "compiled"):
        head += [f"{build}: worst", "target", "", "where"]
    rows = [head]
    for pure, compiled in zip(judge(results), judge_compiled(results), strict=True):
        row = [pure.target.what]
        for verdict in (pure, compiled):
            row += [number(verdict.worst), verdict.target.demand, verdict.word, verdict.case]
        rows.append(row)
    return rows
