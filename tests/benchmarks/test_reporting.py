"""What a run found comes out as it went in: figures, verdicts, tables, the page."""

from pathlib import Path

import pytest

from benchmarks import growth, instructions, options, page, peers
from benchmarks.parts import PARTS, TARGETS, judge
from benchmarks.report import report, targets_table
from benchmarks.results import Figure, Results, Unit, human, results_from_json
from benchmarks.tables import aligned, number
from benchmarks.timing import Sample

MACHINE = {
    "python": "CPython 3.11.7",
    "processor": "a processor",
    "cores": "2",
    "day": "2026-11-22",
    "starlette": "1.0",
}


def results_of(*figures: Figure) -> Results:
    return Results(dict(MACHINE), list(figures))


def allowed(subject: str, value: float, around: str = "2 headers") -> Figure:
    return Figure(
        "wsgi", "allowed, 10 origins", subject, value, around=around, size=10, total=value + 70, median=2 * value
    )


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (314.4, "ns", "314 ns"),
        (1310, "ns", "1.31 µs"),
        (45_678, "ns", "45.7 µs"),
        (492e6, "ns", "492 ms"),
        (5.4e9, "ns", "5.40 s"),
        (-3.2, "ns", "-3 ns"),
        (0.0193, "s", "19.3 ms"),
        (34e6, "bytes", "34.0 MB"),
        (12, "bytes", "12 B"),
        (7380.1, "requests/s", "7,380 /s"),
    ],
)
def test_values_have_three_figures_and_a_unit_that_suits(value: float, unit: Unit, expected: str) -> None:
    assert human(value, unit) == expected


def test_ratios_have_as_many_digits_as_say_something() -> None:
    assert [number(value) for value in (None, 0.441, 1.5, 25.04, 3516.2)] == ["–", "0.44", "1.50", "25.0", "3,516"]


def test_a_timed_figure_is_the_minimum_less_the_minimum_of_the_bare_app() -> None:
    results = Results({})
    results.add_timed("wsgi", "allowed", "corecors", Sample((500.0, 480.0, 600.0)), less=Sample((70.0, 80.0)))
    found = results.figure("wsgi", "allowed", "corecors")
    assert found is not None
    assert (found.value, found.total, found.median) == (410, 480, 500)
    assert results.samples["wsgi, allowed, corecors"] == (500.0, 480.0, 600.0)


def test_figures_survive_json() -> None:
    results = results_of(allowed("corecors", 390.0), Figure("import", "beyond bare Python", "corecors", 0.0193, "s"))
    results.notes.append("a note")
    results.skipped.append("something was not there")
    again = results_from_json(results.to_json())
    assert again == Results(MACHINE, results.figures, ["something was not there"], ["a note"])


def test_figures_are_found_by_what_they_are_about() -> None:
    results = results_of(allowed("corecors", 390.0), allowed("corecors", 560.0, "10 headers"), allowed("floor", 220.0))
    assert results.value("wsgi", "allowed, 10 origins", "corecors", "10 headers") == 560
    assert results.value("wsgi", "allowed, 10 origins", "floor") == 220
    assert results.value("wsgi", "allowed, 10 origins", "starlette") is None


@pytest.mark.parametrize(
    ("ours", "met"), [pytest.param(330.0, True, id="just met"), pytest.param(332.0, False, id="just missed")]
)
def test_a_target_is_met_by_its_worst_case(ours: float, met: bool) -> None:
    results = results_of(
        allowed("corecors", ours),
        allowed("floor", 220.0),
        Figure("wsgi", "no Origin, 10 origins", "corecors", 100.0, around="2 headers"),
        Figure("wsgi", "no Origin, 10 origins", "floor", 150.0, around="2 headers"),
    )
    verdict = next(each for each in judge(results) if each.target.what == "WSGI, app with 2 headers")
    assert verdict.met is met
    assert verdict.case == "allowed, 10 origins"
    assert verdict.worst == pytest.approx(ours / 220)


def test_a_target_that_wants_at_least_something_takes_the_smallest_case() -> None:
    results = results_of(
        Figure("server", "ratio of requests per second", "wrapped", 0.99, "", "sync"),
        Figure("server", "ratio of requests per second", "wrapped", 0.97, "", "gthread"),
    )
    verdict = next(each for each in judge(results) if each.target.what == "whole server")
    assert (verdict.met, verdict.case) == (False, "gunicorn gthread")


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    verdicts = judge(results_of())
    assert len(verdicts) == len(TARGETS)
    assert {verdict.met for verdict in verdicts} == {None}
    assert {row[3] for row in targets_table(results_of())[1:]} == {"not measured"}


def test_growth_is_told_in_multiples_of_the_smallest() -> None:
    figures = [
        Figure("growth", "allowed", "corecors", value, around="origins", size=size)
        for size, value in ((1, 400.0), (1_000, 420.0), (1_000_000, 480.0))
    ]
    assert growth.growth_table(results_of(*figures)) == [
        ["", "1", "1,000", "1,000,000"],
        ["allowed", "400 ns", "× 1.05", "× 1.20"],
    ]


def test_peers_are_told_in_multiples_of_ours() -> None:
    figures = [
        Figure("peers", "allowed, 10 origins", name, value, around="origins", size=10)
        for name, value in (("corecors", 400.0), ("starlette", 9_800.0))
    ]
    assert peers.table(results_of(*figures)) == [
        ["scenario, × ours", "ours", "starlette"],
        ["allowed, 10 origins", "400 ns", "24.5"],
    ]


def test_columns_line_up() -> None:
    assert list(aligned([["what", "ratio"], ["allowed", "1.5"]])) == ["what     ratio", "allowed    1.5"]


def test_a_report_of_nothing_still_names_the_machine_and_what_was_skipped() -> None:
    results = results_of()
    results.skipped.append("wrk is missing")
    text = report(results)
    assert "python: CPython 3.11.7" in text
    assert "wrk is missing" in text


def test_the_page_has_every_number_and_no_placeholder() -> None:
    results = results_of(allowed("corecors", 390.0), allowed("floor", 220.0))
    text = page.page(results)
    assert "$" not in text
    assert "| allowed, 10 origins | 2 headers | 1.77 | 390 ns | 220 ns | – |" in text
    assert "- Missed: WSGI, app with 2 headers, allowed, 10 origins: 1.77." in text
    assert "starlette 1.0" in text


def test_the_page_and_its_plots_are_written_where_they_belong(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figures = [
        Figure("peers", f"allowed, {size} origins", name, value * size, around="origins", size=size)
        for name, value in (("corecors", 400.0), ("floor", 230.0), ("starlette", 9_800.0))
        for size in (10, 100)
    ]
    figures += [
        Figure("growth", "allowed", "corecors", 400.0, around="origins", size=size) for size in (1, 1_000, 1_000_000)
    ]
    page.write_page(results_of(*figures), tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    plots = {"performance/peers.svg", "performance/growth.svg", "performance/origins.svg"}
    assert written == {"performance.md", "performance/results.json", *plots}
    assert all(f"({plot})" in (tmp_path / "performance.md").read_text() for plot in plots)
    assert "corecors" in (tmp_path / "performance/peers.svg").read_text()


def test_instructions_and_options_are_told_in_tables_of_their_own() -> None:
    results = results_of(
        Figure("instructions", "allowed", "floor", 3800.0, ""),
        Figure("instructions", "allowed", "corecors", 5700.0, ""),
        Figure("options", "allowed", "plain", 390.0),
        Figure("options", "allowed", "a predicate", 3800.0),
    )
    assert instructions.table(results)[1:] == [["allowed", "1.50", "5,700", "3,800"]]
    assert options.table(results) == [["", "allowed"], ["plain", "390 ns"], ["a predicate", "3.80 µs"]]


def test_an_option_is_told_in_instructions_and_in_multiples_of_a_plain_request() -> None:
    results = results_of(
        *(
            Figure("option instructions", family, subject, value, "")
            for family, plain in (("allowed", 4000.0), ("refused", 5000.0))
            for subject, value in (("plain", plain), ("on_decision", 3 * plain))
        )
    )
    assert instructions.options_table(results) == [
        ["", "allowed", "refused", "allowed, × plain", "refused, × plain"],
        ["plain", "4,000", "5,000", "1.00", "1.00"],
        ["on_decision", "12,000", "15,000", "3.00", "3.00"],
    ]


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_a_table_that_the_page_shows(name: str) -> None:
    template = page.TEMPLATE.read_text()
    assert PARTS[name].TABLES
    for table in PARTS[name].TABLES:
        assert f"\n${table}\n" in template
