"""Tables of a run's figures: rows of text, the head first; as columns on a terminal, as Markdown on the page."""

from collections.abc import Iterator, Sequence

from benchmarks.results import human

Table = list[list[str]]


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first of them its head; numbers to the right."""
    if len(rows) < 2:
        return "*Not measured in this run.*"
    columns = range(len(rows[0]))
    numeric = [all(_is_numeric(row[column]) for row in rows[1:]) for column in columns]
    rule = ["---:" if right else "---" for right in numeric]
    return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:]))


def _is_numeric(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[0] in "–-×"


def number(value: float | None) -> str:
    """A ratio with as many digits as say something."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cost(value: float | None) -> str:
    return "–" if value is None else human(value)
