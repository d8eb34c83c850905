"""docs/performance.md from a run's results: the prose is in page.md beside this file, the numbers go into it."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from string import Template

from benchmarks.plots import write_plots
from benchmarks.report import (
    functions_table,
    growth_rows,
    instructions_table,
    number,
    options_table,
    peers_table,
    targets_table,
    wsgi_table,
)
from benchmarks.results import Results, human
from benchmarks.subjects import FLOOR, OURS
from benchmarks.targets import GROWTH_UNIT, judge

TEMPLATE = Path(__file__).with_name("page.md")

_STEPS = {
    "pass-through": "a wrapper that does nothing: one more call",
    "decision only": "reads `Origin` and looks it up",
    "floor": "stands between the app and `start_response`, adds the headers",
    "corecors": "guards, and looks at the app's own headers",
}


def write_page(results: Results, docs: Path) -> None:
    """Write `performance.md` into the folder `docs`, the figures and plots below it."""
    folder = docs / "performance"
    write_plots(results, folder)
    (folder / "results.json").write_text(results.to_json() + "\n")
    (docs / "performance.md").write_text(page(results))


def page(results: Results) -> str:
    verdicts = judge(results)
    measured = [verdict for verdict in verdicts if verdict.met is not None]
    missed = [verdict for verdict in measured if not verdict.met]
    machine = results.machine
    libraries = [
        f"{name} {version}" if version[:1].isdigit() else version
        for name, version in machine.items()
        if name not in ("python", "system", "processor", "cores", "day")
    ]
    return Template(TEMPLATE.read_text()).substitute(
        {name: machine.get(name, "unknown") for name in ("day", "python", "processor", "cores")},
        headline=_headline(results),
        targets=table(targets_table(results)),
        missed=(
            f"{len(measured) - len(missed)} of {len(measured)} met."
            + "".join(f"\n- Missed: {each.target.what}, {each.case}: {number(each.worst)}." for each in missed)
        ),
        peers=table(peers_table(results)),
        versions=", ".join(libraries),
        peer_notes=" ".join(note for note in results.notes if "is not compared" in note or "not tried" in note),
        growth_worst=_growth_worst(results),
        growth=table(growth_rows(results, "growth")),
        hostile=table(growth_rows(results, "hostile")),
        steps=table(_steps_table(results)),
        wsgi=table(wsgi_table(results)),
        options=table(options_table(results)),
        instructions=table(instructions_table(results)),
        functions=table(functions_table(results)),
        frameworks=table(_frameworks_table(results)),
        servers=table(_servers_table(results)),
        server_notes=" ".join(note for note in results.notes if note.startswith("gunicorn")),
        threads=table(_threads_table(results)),
        building=table(_building_table(results)),
        **{"import": table(_import_table(results))},
        import_notes=" ".join(note for note in results.notes if note.startswith("Most of the time of `import")),
        million_kept=_million(results, "memory kept"),
        million_time=_million(results, "time"),
        median_factor=number(_median_factor(results)),
        skipped="\n".join(f"- {line}" for line in results.skipped),
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first of them its head; numbers to the right."""
    if len(rows) < 2:
        return "*Not measured in this run.*"
    columns = range(len(rows[0]))
    numeric = [all(_is_numeric(row[column]) for row in rows[1:]) for column in columns]
    rule = ["---:" if right else "---" for right in numeric]
    return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:]))


def _is_numeric(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[0] in "–-×"


def _headline(results: Results) -> str:
    parts = []
    for around in ("2 headers", "10 headers"):
        found = results.figure("wsgi", "allowed, 10 origins", OURS.name, around)
        if found is not None:
            parts.append(f"{human(found.value)} around an app with {around}")
    if not parts:
        return ""
    text = f"**An allowed request costs {' and '.join(parts)}.**"
    ours = results.value("peers", "allowed, 10 origins", OURS.name)
    ratios = []
    for peer in ("wsgicors", "starlette", "flask-cors", "django-cors-headers"):
        theirs = results.value("peers", "allowed, 10 origins", peer)
        if ours and theirs:
            ratios.append(f"{peer} {number(theirs / ours)}")
    return text + (f" As multiples of ours: {', '.join(ratios)}." if ratios else "")


def _growth_worst(results: Results) -> str:
    cases = {
        verdict.case: verdict.worst
        for verdict in judge(results)
        if verdict.worst is not None and verdict.target.unit == GROWTH_UNIT
    }
    if not cases:
        return ""
    worst = max(cases, key=lambda name: cases[name])
    return f"The worst case of this run, {worst}, costs {number(cases[worst])} times what it costs under one entry."


def _steps_table(results: Results) -> list[list[str]]:
    rows = [["what", "app with 2 headers", "app with 10 headers"]]
    for subject, what in _STEPS.items():
        costs = [results.value("steps", "allowed", subject, around) for around in ("2 headers", "10 headers")]
        if None not in costs:
            rows.append([what, *(human(cost) for cost in costs if cost is not None)])
    return rows


def _frameworks_table(results: Results) -> list[list[str]]:
    rows = [["framework", "scenario", "share", "adapter adds", "floor around it", "bare framework"]]
    for bare in results.group("frameworks"):
        ours = results.value("frameworks", bare.scenario, OURS.name, bare.around)
        if bare.subject == "bare" and ours is not None:
            share = f"{100 * ours / bare.value:.1f} %"
            floor = results.value("frameworks", bare.scenario, FLOOR.name, bare.around)
            least = human(floor) if floor is not None else "–"
            rows.append([bare.around, bare.scenario, share, human(ours), least, human(bare.value)])
    return rows


def _servers_table(results: Results) -> list[list[str]]:
    rows = [["gunicorn", "", "ratio", "wrapped", "bare"]]
    for bare in results.group("server"):
        wrapped = results.value("server", bare.scenario, "wrapped", bare.around)
        if bare.subject == "bare" and wrapped is not None:
            ratio = wrapped / bare.value
            if bare.scenario == "requests per second":
                ratio = results.value("server", "ratio of requests per second", "wrapped", bare.around) or ratio
            rows.append(
                [bare.around, bare.scenario, f"{ratio:.3f}", human(wrapped, bare.unit), human(bare.value, bare.unit)]
            )
    return rows


def _threads_table(results: Results) -> list[list[str]]:
    """A row for each interpreter, scenario and subject: one thread, four, and what four cost against one."""
    rows = [["interpreter", "scenario", "", "1 thread", "4 threads", "× 1"]]
    for one in results.group("threads"):
        for four in results.group("threads"):
            same = (one.around, one.scenario, one.subject) == (four.around, four.scenario, four.subject)
            if same and one.size < four.size:
                ratio = number(four.value / one.value)
                rows.append([one.around, one.scenario, one.subject, human(one.value), human(four.value), ratio])
    return rows


def _building_table(results: Results) -> list[list[str]]:
    rows = [["origins", "time", "memory kept", "bytes an origin", "at its peak", "a frozenset keeps"]]
    for time in results.group("building"):
        if (time.scenario, time.subject) != ("time", OURS.name):
            continue
        memory = {
            (figure.scenario, figure.subject): figure.value
            for figure in results.group("building")
            if figure.size == time.size
        }
        kept, peak = memory["memory kept", OURS.name], memory["memory at its peak", OURS.name]
        yardstick = memory["memory kept", "frozenset"]
        rows.append(
            [
                f"{time.size:,}",
                human(time.value, "s"),
                human(kept, "bytes"),
                f"{kept / time.size:.0f}",
                human(peak, "bytes"),
                human(yardstick, "bytes"),
            ]
        )
    return rows


def _import_table(results: Results) -> list[list[str]]:
    rows = [["import", "beyond bare Python"]]
    rows += [[figure.subject, human(figure.value, "s")] for figure in results.group("import")]
    return rows


def _million(results: Results, scenario: str) -> str:
    for figure in results.group("building"):
        if (figure.scenario, figure.subject, figure.size) == (scenario, OURS.name, 1_000_000):
            return human(figure.value, figure.unit)
    return "an unknown amount"


def _median_factor(results: Results) -> float:
    factors = [figure.median / figure.total for figure in results.group("wsgi") if figure.total]
    return statistics.median(factors) if factors else 1.0
