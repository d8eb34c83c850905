"""What a run found comes out as it went in: figures, verdicts, tables, the page."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import asgi, builds, earlier, frameworks, growth, instructions, options, page, peers, servers, threads
from benchmarks.parts import PARTS, TARGETS, judge
from benchmarks.report import report, targets_table
from benchmarks.results import COMPILED, EARLIER, Figure, Results, Unit, human, results_from_json
from benchmarks.subjects import AGAIN
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
    results = results_of(
        allowed("corecors", 390.0),
        Figure("import", "beyond bare Python", "corecors", 0.0193, "s"),
        Figure("instructions", "allowed", "corecors", 5700.0, ""),
    )
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
    ("ours", "met"), [pytest.param(440.0, True, id="just met"), pytest.param(442.0, False, id="just missed")]
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
        Figure("server", "ratio of requests per second", "wrapped", 0.99, "", "gunicorn sync"),
        Figure("server", "ratio of requests per second", "wrapped", 0.97, "", "gunicorn gthread"),
    )
    verdict = next(each for each in judge(results) if each.target.what == "whole server")
    assert (verdict.met, verdict.case) == (False, "gunicorn gthread")


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    verdicts = judge(results_of())
    assert len(verdicts) == len(TARGETS)
    assert {verdict.met for verdict in verdicts} == {None}
    words = {row[3] for row in targets_table(results_of())[1:] if row[2] != "–"}
    assert words == {"not measured"}
    assert {row[7] for row in targets_table(results_of())[1:]} == {"not measured"}


def compiled(figure: Figure) -> Figure:
    return replace(figure, build=COMPILED)


def test_a_target_of_the_compiled_build_is_met_by_its_own_figures() -> None:
    results = results_of(
        allowed("corecors", 440.0),
        allowed("floor", 220.0),
        compiled(allowed("corecors", 200.0)),
        compiled(allowed("floor", 200.0)),
    )
    [row] = [row for row in targets_table(results) if row[0] == "WSGI, app with 2 headers"]
    assert row[1:4] == ["2.00", "≤ 2 × floor", "met"]
    assert row[5:8] == ["1.00", "≤ 0.8 × floor", "missed"]


def test_a_target_of_one_build_is_none_of_the_other() -> None:
    figures = allowed("corecors", 440.0), allowed("floor", 200.0)
    results = results_of(*figures, *(compiled(replace(each, value=200.0)) for each in figures))
    [row] = [row for row in targets_table(results) if row[0].startswith("Go's jub0bs/cors")]
    assert row[1:4] == ["0.39", "–", "no target"]
    assert row[5:8] == ["0.85", "≥ 1 × ours", "missed"]


def test_an_earlier_version_is_what_both_builds_are_held_against() -> None:
    both = [
        Figure(group, "evaluate: allowed", "corecors", value, unit)
        for group, value, unit in (("functions", 1000.0, "ns"), ("function instructions", 9000.0, ""))
    ]
    results = results_of(
        *both,
        *(compiled(replace(each, value=each.value / 2)) for each in both),
        *(replace(each, value=each.value * 2, build=EARLIER) for each in both),
        Figure("functions", "parse_origin: allowed", "corecors", 900.0),
        Figure("functions", "parse_origin: allowed", "corecors", 900.0, build=EARLIER),
    )
    assert earlier.table(results)[1:] == [["evaluate: allowed", "0.50", "0.25", "0.50", "0.25"]]
    rows = [row for row in targets_table(results) if row[0].startswith("response_headers, ")]
    assert [[row[1], row[5], row[4]] for row in rows] == [["0.50", "0.25", "evaluate: allowed"]] * 2


def test_what_was_never_seen_is_held_against_the_plain_refusal() -> None:
    names = {"refused, 10 origins": 600.0, "refused, never seen, 10 origins": 900.0, "new subdomain, 1 pattern": 2400.0}
    results = results_of(
        *(Figure("wsgi", name, "corecors", value, around="2 headers") for name, value in names.items())
    )
    verdict = next(each for each in judge(results) if each.target.what.startswith("never seen"))
    assert (verdict.worst, verdict.case, verdict.met) == (4, "new subdomain, 1 pattern", False)


def test_a_wrong_answer_below_the_floor_is_no_target_for_a_right_one() -> None:
    def figure(subject: str, value: float, fault: str = "") -> Figure:
        return Figure("asgi", "no Origin, 10 origins", subject, value, fault=fault)

    results = results_of(
        *(figure(name, value) for name, value in (("floor", 780.0), ("corecors", 1100.0), ("starlette", 5060.0))),
        *(figure(name, value, "no Vary") for name, value in (("falcon", 570.0), ("asgi-cors", 1000.0))),
    )
    text = asgi.below_the_floor(results)
    assert "falcon, no Origin, 10 origins: 570 ns, of the floor 780 (no Vary)" in text
    assert "asgi-cors" not in text
    assert "Of the 1 answers that are right, 1 cost more than ours; the cheapest of them is starlette" in text
    verdict = next(each for each in judge(results) if each.target.what == "every ASGI peer with a right answer")
    assert (verdict.worst, verdict.met) == (4.6, True)


def test_what_is_no_difference_is_measured_beside_the_differences() -> None:
    results = results_of(
        *(
            Figure("threads", "allowed", subject, value * size, around="Python 3.11", size=size)
            for subject, value in (("bare app", 100.0), (AGAIN, 100.0), ("corecors", 600.0))
            for size in (1, 4)
        ),
        *(
            Figure("frameworks", "refused", subject, value, around="bottle")
            for subject, value in (("bare", 8000.0), ("corecors", 1600.0), ("floor", 480.0), (AGAIN, 80.0))
        ),
        Figure("server", "processor time", "bare", 30e-6, "s", "uvicorn"),
        Figure("asgi", "allowed, 10 origins", "corecors", 1500.0),
        Figure("server", servers.RATIO, "wrapped", 0.97, "", "uvicorn"),
        Figure("server", servers.RATIO, AGAIN, 0.9, "", "uvicorn"),
    )
    assert "1.00 to 1.00 against itself" in threads.noise(results)
    assert frameworks.floors_share(results).endswith("bottle, refused 6.0 % (a second bare app 1.0 %).")
    assert servers.foreseen(results).endswith("uvicorn (30.0 µs a bare request): ours 0.952.")
    verdict = next(each for each in judge(results) if each.target.what == "whole server")
    assert verdict.worst == 0.97  # not that of the second bare app


def test_both_builds_stand_beside_the_floor() -> None:
    results = results_of(
        allowed("corecors", 440.0),
        allowed("floor", 220.0),
        compiled(allowed("corecors", 200.0)),
        compiled(allowed("floor", 200.0)),
    )
    assert builds.table(results)[1:] == [
        ["WSGI, allowed, 10 origins, 2 headers", "2.00", "1.00", "440 ns", "200 ns", "220 ns"]
    ]


def test_figures_of_another_process_are_told_in_the_time_of_this_one() -> None:
    ours = results_of(allowed("floor", 220.0))
    theirs = results_of(allowed("floor", 440.0), allowed("corecors", 400.0))
    assert builds.floors_ratio(ours, theirs) == 0.5
    again = builds.in_our_time(theirs.figures[1], 0.5)
    assert (again.value, again.total, again.build) == (200.0, 235.0, COMPILED)


def test_a_peer_whose_answer_is_wrong_is_marked_and_says_why() -> None:
    right, wrong = (Figure("peers", "allowed, 10 origins", name, 800.0, size=10) for name in ("starlette", "falcon"))
    results = results_of(
        Figure("peers", "allowed, 10 origins", "corecors", 400.0, size=10), right, replace(wrong, fault="no Vary")
    )
    assert peers.table(results)[1] == ["allowed, 10 origins", "400 ns", "2.00", "2.00†"]
    assert peers.faults(results) == "† A wrong answer, which is cheap: falcon: no Vary (allowed)."
    verdict = next(each for each in judge(results) if each.target.what.startswith("every Python peer"))
    assert verdict.case == "starlette, allowed, 10 origins"


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
    assert "| allowed, 10 origins | 2 headers | 1.77 | – | 390 ns | – | 220 ns | – |" in text
    assert "1 of 1 met." in text
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
    assert instructions.table(results)[1:] == [["allowed", "1.50", "–", "5,700", "–", "3,800"]]
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
