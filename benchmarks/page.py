"""docs/performance.md from a run's results: the prose is in page.md beside this file, the numbers go into it."""

import statistics
from pathlib import Path
from string import Template

from benchmarks import asgi, frameworks, peers, servers, threads, wsgi
from benchmarks.growth import GROWTH_UNIT
from benchmarks.parts import PARTS, judge, judge_compiled
from benchmarks.plots import write_plots
from benchmarks.report import targets_table
from benchmarks.results import Results, human
from benchmarks.subjects import OURS
from benchmarks.tables import markdown, number

TEMPLATE = Path(__file__).with_name("page.md")


def write_page(results: Results, docs: Path) -> None:
    """Write `performance.md` into the folder `docs`, the figures and plots below it."""
    folder = docs / "performance"
    write_plots(results, folder)
    (folder / "results.json").write_text(results.to_json() + "\n")
    (docs / "performance.md").write_text(page(results))


def page(results: Results) -> str:
    verdicts = [(each, "") for each in judge(results)] + [(each, ", compiled") for each in judge_compiled(results)]
    measured = [(verdict, build) for verdict, build in verdicts if verdict.met is not None]
    missed = [(verdict, build) for verdict, build in measured if not verdict.met]
    machine = results.machine
    libraries = [
        f"{name} {version}" if version[:1].isdigit() else version
        for name, version in machine.items()
        if name not in ("build", "python", "system", "processor", "cores", "day", "against")
    ]
    return Template(TEMPLATE.read_text()).substitute(
        {name: machine.get(name, "unknown") for name in ("build", "day", "python", "processor", "cores")},
        against=machine.get("against", "an earlier version"),
        why_new_subdomain=wsgi.under_one_policy(results),
        why_frameworks=frameworks.floors_share(results),
        why_servers=servers.foreseen(results),
        why_threads=threads.noise(results),
        asgi_below=asgi.below_the_floor(results),
        headline=_headline(results),
        matters=_matters(results),
        compiled_headline=_compiled_headline(results),
        peer_faults=peers.faults(results),
        targets=markdown(targets_table(results)),
        missed=(
            f"{len(measured) - len(missed)} of {len(measured)} met."
            + "".join(
                f"\n- Missed: {each.target.what}{build}, {each.case}: {number(each.worst)}." for each, build in missed
            )
        ),
        versions=", ".join(libraries),
        peer_notes=" ".join(note for note in results.notes if "is not compared" in note or "not tried" in note),
        growth_worst=_growth_worst(results),
        server_notes=" ".join(note for note in results.notes if note.startswith(tuple(servers.SERVERS))),
        **{name: markdown(make(results)) for part in PARTS.values() for name, (_, make) in part.TABLES.items()},
        import_notes=" ".join(note for note in results.notes if note.startswith("Most of the time of `import")),
        million_kept=_million(results, "memory kept"),
        million_time=_million(results, "time"),
        median_factor=number(_median_factor(results)),
        skipped="\n".join(f"- {line}" for line in results.skipped),
    )


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


REQUEST = 100_000  # nanoseconds: what a small view of a framework takes


def _matters(results: Results) -> str:
    cost = results.value("wsgi", "allowed, 10 origins", OURS.name, "2 headers")
    if cost is None:
        return ""
    return f"At {human(REQUEST)} a request, which is a fast view, an allowed one is {100 * cost / REQUEST:.1f} % of it."


def _compiled_headline(results: Results) -> str:
    pure, compiled = (
        each.value("wsgi", "allowed, 10 origins", OURS.name, "2 headers") for each in (results, results.compiled())
    )
    if not pure or not compiled:
        return ""
    return f"It makes {human(compiled)} of those {human(pure)}."


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


def _million(results: Results, scenario: str) -> str:
    for figure in results.group("building"):
        if (figure.scenario, figure.subject, figure.size) == (scenario, OURS.name, 1_000_000):
            return human(figure.value, figure.unit)
    return "an unknown amount"


def _median_factor(results: Results) -> float:
    factors = [figure.median / figure.total for figure in results.group("wsgi") if figure.total]
    return statistics.median(factors) if factors else 1.0
