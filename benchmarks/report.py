"""What a run found, as text for a terminal: ratios and targets first, then the numbers behind them."""

from collections.abc import Iterator, Sequence

from benchmarks.results import Results, human
from benchmarks.scenarios import length
from benchmarks.subjects import FLOOR, OURS, PASS_THROUGH
from benchmarks.targets import judge


def report(results: Results) -> str:
    """The whole report."""
    sections = [
        ("Targets", targets_table(results)),
        ("WSGI adapter, beyond the bare app (preflights: in all)", wsgi_table(results)),
        ("Peers, beyond their own bare app", peers_table(results)),
        ("Growth with the number of entries, ours", growth_rows(results, "growth")),
        ("Hostile values, ours", growth_rows(results, "hostile")),
        ("Options of the WSGI adapter", options_table(results)),
        ("Machine instructions instead of time", instructions_table(results)),
        ("Pure functions", functions_table(results)),
        ("Everything else", other_table(results)),
    ]
    lines = [f"{name}: {value}" for name, value in results.machine.items()]
    for title, rows in sections:
        if len(rows) > 1:
            lines += ["", title, "-" * len(title), *aligned(rows)]
    if results.notes or results.skipped:
        lines += ["", "Notes", "-----", *results.notes, *results.skipped]
    return "\n".join(lines)


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def number(value: float | None) -> str:
    """A ratio with as many digits as say something."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def targets_table(results: Results) -> list[list[str]]:
    rows = [["what", "worst", "target", "", "where"]]
    for verdict in judge(results):
        rows.append(
            [verdict.target.what, number(verdict.worst), verdict.target.demand, verdict.word, verdict.case],
        )
    return rows


def wsgi_table(results: Results) -> list[list[str]]:
    rows = [["scenario", "app", "× floor", "ours", "floor", "pass-through"]]
    for ours in results.group("wsgi"):
        if ours.subject == OURS.name:
            floor = results.value("wsgi", ours.scenario, FLOOR.name, ours.around)
            nothing = results.value("wsgi", ours.scenario, PASS_THROUGH.name, ours.around)
            ratio = number(ours.value / floor if floor else None)
            rows.append([ours.scenario, ours.around, ratio, human(ours.value), _cost(floor), _cost(nothing)])
    return rows


def peers_table(results: Results) -> list[list[str]]:
    """Every subject's cost as a multiple of ours."""
    figures = results.group("peers")
    subjects = [name for name in dict.fromkeys(figure.subject for figure in figures) if name != OURS.name]
    rows = [["scenario, × ours", "ours", *subjects]]
    for scenario in dict.fromkeys(figure.scenario for figure in figures if figure.subject == OURS.name):
        ours = results.value("peers", scenario, OURS.name)
        values = [results.value("peers", scenario, subject) for subject in subjects]
        ratios = [number(value / ours) if value is not None and ours else "–" for value in values]
        rows.append([scenario, _cost(ours), *ratios])
    return rows


def growth_rows(results: Results, group: str) -> list[list[str]]:
    """A row for each family of scenarios, a column for each size: the cost of the smallest, then multiples of it."""
    figures = results.group(group)
    sizes = sorted({figure.size for figure in figures})
    heads = [_size(size, group) for size in sizes]
    rows = [["", *heads]]
    for family in dict.fromkeys(figure.scenario for figure in figures):
        costs = {figure.size: figure.value for figure in figures if figure.scenario == family}
        smallest = costs[min(costs)]
        cells = [f"× {number(costs[size] / smallest)}" if size in costs else "–" for size in sizes]
        cells[sizes.index(min(costs))] = human(smallest)
        rows.append([family, *cells])
    return rows


def _size(size: int, group: str) -> str:
    if group == "hostile":
        return length(size) if size else "ordinary"
    return f"{size:,}"


def functions_table(results: Results) -> list[list[str]]:
    rows = [["function", "× floor", "ours", "floor"]]
    for ours in results.group("functions"):
        if ours.subject == OURS.name:
            floor = results.value("functions", ours.scenario, FLOOR.name)
            rows.append([ours.scenario, number(ours.value / floor if floor else None), human(ours.value), _cost(floor)])
    return rows


def options_table(results: Results) -> list[list[str]]:
    """A row for each option, a column for each thing that can happen."""
    figures = results.group("options")
    families = list(dict.fromkeys(figure.scenario for figure in figures))
    rows = [["", *families]]
    for subject in dict.fromkeys(figure.subject for figure in figures):
        rows.append([subject, *(_cost(results.value("options", family, subject)) for family in families)])
    return rows


def instructions_table(results: Results) -> list[list[str]]:
    rows = [["scenario", "× floor", "ours", "floor"]]
    for ours in results.group("instructions"):
        floor = results.value("instructions", ours.scenario, FLOOR.name)
        if ours.subject == OURS.name and floor:
            rows.append([ours.scenario, number(ours.value / floor), f"{ours.value:,.0f}", f"{floor:,.0f}"])
    return rows


def other_table(results: Results) -> list[list[str]]:
    rows = [["part", "what", "around", "size", "subject", "value"]]
    for group in ("frameworks", "building", "import", "server", "threads"):
        for figure in results.group(group):
            size = f"{figure.size:,}" if figure.size else ""
            value = human(figure.value, figure.unit) if figure.unit else number(figure.value)
            rows.append([group, figure.scenario, figure.around, size, figure.subject, value])
    return rows


def _cost(value: float | None) -> str:
    return "–" if value is None else human(value)
