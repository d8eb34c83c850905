"""The plots of docs/performance.md: SVG, readable on a light and on a dark page."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.results import Results, human
from benchmarks.subjects import OURS
from benchmarks.tables import number

OUR_COLOUR, PEER_COLOUR, FLOOR_COLOUR, TEXT_COLOUR = "#0b7a75", "#9aa3ab", "#d18f00", "#374151"
GROWTH_COLOURS = ("#0b7a75", "#c2410c", "#6d28d9", "#2563eb", "#64748b", "#be185d", "#a16207", "#15803d")

_STYLE = {
    "font.size": 11,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "svg.fonttype": "none",  # text stays text: searchable, and small
    "svg.hashsalt": "corecors",  # the same run gives the same file
    "figure.facecolor": "white",  # a dark page would swallow the labels otherwise
}


def write_plots(results: Results, folder: Path) -> list[Path]:
    """Every plot that the results have figures for; gives the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, Callable[[Results, Any], bool]] = {
        "peers": _draw_peers,
        "growth": _draw_growth,
        "origins": _draw_peer_growth,
    }
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    written = []
    for name, draw in drawings.items():
        with pyplot.rc_context(_STYLE):
            figure, axes = pyplot.subplots(figsize=(9, 5), layout="constrained")
            if draw(results, axes):
                path = folder / f"{name}.svg"
                figure.savefig(path, metadata={"Date": None, "Creator": None})
                # Matplotlib ends lines with blanks, which a repository that checks for them would not take.
                path.write_text("".join(line.rstrip() + "\n" for line in path.read_text().splitlines()))
                written.append(path)
            pyplot.close(figure)
    return written


def _draw_peers(results: Results, axes: Any) -> bool:
    """A row for each, cheapest on top: an allowed request under ten origins."""
    scenario = "allowed, 10 origins"
    costs = {figure.subject: figure.value for figure in results.group("peers") if figure.scenario == scenario}
    if OURS.name not in costs:
        return False
    names = sorted(costs, key=lambda name: -costs[name])
    values = [costs[name] for name in names]
    colours = [_colour(name) for name in names]
    left = min(values) / 2
    # Dots, not bars: on a logarithmic axis the length of a bar says nothing.
    axes.hlines(names, left, values, color=colours, linewidth=1.5, alpha=0.5)
    axes.scatter(values, names, color=colours, s=[140 if name == OURS.name else 70 for name in names], zorder=3)
    for name, value in zip(names, values, strict=True):
        ratio = "" if name == OURS.name else f"  =  {number(value / costs[OURS.name])} × ours"
        weight = "bold" if name == OURS.name else "normal"
        axes.annotate(
            human(value) + ratio, (value, name), (11, 0), textcoords="offset points", va="center", fontweight=weight
        )
    axes.set_xscale("log")
    axes.set_xlim(left, max(values) * 10)
    axes.xaxis.set_major_formatter(lambda value, position: human(value))
    axes.set_xlabel("beyond the bare app (logarithmic)")
    axes.set_title("What CORS adds to an allowed request, ten origins in the policy")
    axes.tick_params(axis="y", length=0)
    for label in axes.get_yticklabels():
        if label.get_text() == OURS.name:
            label.set_fontweight("bold")
    return True


def _draw_growth(results: Results, axes: Any) -> bool:
    """Ours alone: a line for each thing that can happen, which should be level."""
    families = dict.fromkeys(figure.scenario for figure in results.group("growth"))
    drawn = [name for name in families if name not in ("allowed, all in turn", "refused, never seen", "new subdomain")]
    if not drawn:
        return False
    ends = []
    for index, family in enumerate(drawn):
        figures = [figure for figure in results.group("growth") if figure.scenario == family]
        colour = GROWTH_COLOURS[index % len(GROWTH_COLOURS)]
        patterns = figures[0].around == "patterns"
        sizes, costs = [figure.size for figure in figures], [figure.value for figure in figures]
        axes.plot(sizes, costs, "--" if patterns else "-", marker="o", markersize=4, color=colour)
        label = f"{family} (patterns)" if patterns else family
        ends.append((costs[-1], sizes[-1], f"{label}  × {number(costs[-1] / costs[0])}", colour, False))
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    highest = axes.get_ylim()[1]
    _label_ends(axes, ends, lambda height: height + highest * 0.055)
    axes.set_xlabel("exact origins, or patterns, in the policy (logarithmic)")
    axes.xaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
    axes.set_ylabel("nanoseconds")
    axes.set_title("What a request costs, by the size of the policy; × the cost at one")
    axes.grid(axis="y", alpha=0.25)
    return True


def _draw_peer_growth(results: Results, axes: Any) -> bool:
    """Ours and each peer against the number of exact origins."""
    lines: dict[str, dict[int, float]] = {}
    for figure in results.group("peers"):
        if re.fullmatch(r"allowed, [\d,]+ origins?", figure.scenario):
            lines.setdefault(figure.subject, {})[figure.size] = figure.value
    if OURS.name not in lines:
        return False
    ends = []
    for name, costs in lines.items():
        sizes = sorted(costs)
        if len(sizes) < 2:
            continue
        values, ours = [costs[size] for size in sizes], name == OURS.name
        width = 3.5 if ours else 1.5
        axes.plot(
            sizes, values, color=_colour(name), linewidth=width, marker="o", markersize=3, zorder=3 if ours else 2
        )
        ends.append((values[-1], sizes[-1], f"{name}  {human(values[-1])}", _colour(name), ours))
    axes.set_xscale("log")
    axes.set_yscale("log")
    _label_ends(axes, ends, lambda height: height * 2.1)
    axes.set_xlabel("exact origins in the policy (logarithmic)")
    axes.xaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, position: human(value))
    axes.set_ylabel("beyond the bare app (logarithmic)")
    axes.set_title("What CORS adds to an allowed request, as the list grows")
    return True


def _colour(name: str) -> str:
    return {OURS.name: OUR_COLOUR, "floor": FLOOR_COLOUR}.get(name, PEER_COLOUR)


def _label_ends(axes: Any, ends: list[tuple[float, int, str, str, bool]], above: Callable[[float], float]) -> None:
    """Name each line at its right end (height, size, text, colour, bold), pushed up where lines end close together."""
    lowest = None
    for height, size, text, colour, bold in sorted(ends):
        place = height if lowest is None else max(height, above(lowest))
        lowest = place
        axes.annotate(
            text,
            (size, height),
            (1.03, place),
            textcoords=("axes fraction", "data"),
            color=TEXT_COLOUR if colour == PEER_COLOUR else colour,
            fontweight="bold" if bold else "normal",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#d1d5db", "linewidth": 0.8},
        )
