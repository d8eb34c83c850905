"""What the benchmarks measure is what they say: batches, minima, differences, and answers that are right."""

import runpy
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import pytest

from benchmarks import functions, options, wsgi
from benchmarks.floors import exact_floor, pattern_floor, response_headers_floor
from benchmarks.results import Results
from benchmarks.scenarios import Scenario, hostile, ordinary_refusals, with_exact_origins, with_patterns, with_regex
from benchmarks.subjects import BARE, FLOOR, OURS, WrongAnswer, check_wsgi_answer, policy_for
from benchmarks.timing import Candidate, measure_interleaved
from benchmarks.workload import (
    APPS,
    Request,
    all_allowed_requests,
    app_with_2_headers,
    asgi_scope,
    fresh,
    refused_requests,
    wsgi_environ,
)
from corecors import evaluate, response_headers

SCENARIOS = [
    *with_exact_origins(1),
    *with_exact_origins(10),
    *with_exact_origins(1_000),
    *with_patterns(1),
    *with_patterns(100),
    *with_regex(),
    *hostile(),
    *ordinary_refusals().values(),
]


def scripted(times: Iterable[int], log: list[str], name: str) -> Candidate:
    """A candidate that takes the given nanoseconds for each batch, and writes down when it ran."""
    left = iter(times)

    def run(inputs: Any) -> int:
        log.append(name)
        return next(left) * max(1, len(inputs))

    return Candidate(lambda number: [None] * number, run, most=1)


def test_candidates_take_turns_and_the_first_rounds_do_not_count() -> None:
    log: list[str] = []
    # Two calls find the size of a batch; then each round is a warm-up and a batch.
    calibration, thrown_away = [9, 9], [1, 1, 1, 1]
    candidates = {
        "a": scripted([*calibration, *thrown_away, 9, 30, 9, 20, 9, 40], log, "a"),
        "b": scripted([*calibration, *thrown_away, 9, 60, 9, 70, 9, 50], log, "b"),
    }
    samples = measure_interleaved(candidates, rounds=3)
    assert samples["a"].values == (30, 20, 40)
    assert (samples["a"].minimum, samples["a"].median) == (20, 30)
    assert (samples["b"].minimum, samples["b"].median) == (50, 60)
    assert log[4:] == ["a", "a", "b", "b"] * 5


def test_a_slow_candidate_gets_a_small_batch_and_a_fast_one_no_more_than_its_most() -> None:
    def taking(nanoseconds: int) -> Candidate:
        return Candidate(lambda number: [None] * number, lambda inputs: nanoseconds * len(inputs), most=50)

    assert taking(100_000).batch_for(2_000_000) == 20
    assert taking(10).batch_for(2_000_000) == 50
    assert taking(10**9).batch_for(2_000_000) == 1


def test_the_time_limit_still_leaves_three_rounds() -> None:
    candidates = {"a": Candidate(lambda number: [None] * number, len)}
    assert len(measure_interleaved(candidates, rounds=100, max_seconds=0)["a"].values) == 3


def test_a_fresh_value_is_equal_and_another_object() -> None:
    text = "https://app.example.com"
    assert fresh(text) == text
    assert fresh(text) is not text


def test_requests_carry_the_cors_headers_in_the_form_of_each_protocol() -> None:
    request = Request("OPTIONS", "https://app.example.com", "PUT", "x-a,x-b")
    environ = wsgi_environ(request)
    assert environ["REQUEST_METHOD"] == "OPTIONS"
    assert environ["HTTP_ORIGIN"] == "https://app.example.com"
    assert environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"] == "PUT"
    assert environ["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"] == "x-a,x-b"
    headers = asgi_scope(request)["headers"]
    assert isinstance(headers, list)
    assert (b"origin", b"https://app.example.com") in headers
    assert "HTTP_ORIGIN" not in wsgi_environ(Request("GET"))


def test_all_origins_come_in_turn() -> None:
    rules = with_exact_origins(100)[0].rules
    assert {request.origin for request in islice(all_allowed_requests(rules), 100)} == set(rules.origins)


def test_origins_that_are_refused_are_not_among_those_that_are_allowed() -> None:
    rules = with_exact_origins(1_000)[0].rules
    assert not {request.origin for request in islice(refused_requests(rules), 100)} & set(rules.origins)


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in SCENARIOS])
def test_every_scenario_gets_the_answer_that_it_expects_from_ours(scenario: Scenario) -> None:
    for app in APPS.values():
        wrapped = OURS.wrap(app, scenario.rules)
        assert wrapped is not None
        check_wsgi_answer(wrapped, scenario, OURS.name)


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in SCENARIOS])
def test_the_floor_decides_as_the_library_does(scenario: Scenario) -> None:
    wrapped = FLOOR.wrap(app_with_2_headers, scenario.rules)
    if wrapped is None:
        assert scenario.rules.regexes
        return
    policy = policy_for(scenario.rules)
    for request in islice(scenario.requests(), 20):
        decision = evaluate(policy, request.method, request.origin, request.request_method, request.request_headers)
        assert granted_by(wrapped, request) == decision.headers.get("Access-Control-Allow-Origin")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param("authorization", id="one name"),
        pytest.param("Authorization,X-Request-ID", id="upper case"),
        pytest.param("authorization, content-type", id="a blank"),
        pytest.param("content-type,authorization", id="another order"),
        pytest.param("authorization,x-unknown", id="a name that is not allowed"),
        pytest.param(",", id="empty elements"),
    ],
)
@pytest.mark.parametrize("build", [exact_floor, pattern_floor])
def test_the_floor_reads_names_that_its_table_does_not_hold(build: Callable[..., Any], names: str) -> None:
    if build is exact_floor:
        scenario, floor = (
            with_exact_origins(10)[0],
            exact_floor(app_with_2_headers, with_exact_origins(10)[0].rules.origins),
        )
        origin = scenario.rules.origins[3]
    else:
        scenario, floor = with_patterns(10)[0], pattern_floor(app_with_2_headers, with_patterns(10)[0].rules.domains)
        origin = "https://app.example.com"
    request = Request("OPTIONS", origin, "DELETE", names)
    decision = evaluate(policy_for(scenario.rules), "OPTIONS", origin, "DELETE", names)
    assert granted_by(floor, request) == decision.headers.get("Access-Control-Allow-Origin")


def test_the_floor_of_response_headers_gives_the_same_headers() -> None:
    rules = with_exact_origins(10)[0].rules
    floor, policy = response_headers_floor(rules.origins), policy_for(rules)
    for origin in (*rules.origins, "https://other.example"):
        assert floor(origin) == response_headers(policy, origin)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda app: app, id="sends nothing"),
        pytest.param(lambda app: exact_floor(app, ["https://elsewhere.example"]), id="allows another origin"),
    ],
)
def test_a_wrapper_that_answers_wrongly_is_not_measured(wrong: Callable[..., Any]) -> None:
    scenario = next(each for each in with_exact_origins(10) if each.family == "allowed")
    with pytest.raises(WrongAnswer, match="allowed, 10 origins"):
        check_wsgi_answer(wrong(app_with_2_headers), scenario, "wrong")


def test_a_wrapper_that_grants_what_is_refused_is_not_measured() -> None:
    scenario = next(each for each in with_exact_origins(10) if each.family == "refused")
    everyone = exact_floor(app_with_2_headers, [request.origin or "" for request in islice(scenario.requests(), 10)])
    with pytest.raises(WrongAnswer, match="refused, 10 origins"):
        check_wsgi_answer(everyone, scenario, "wrong")


def test_a_run_against_the_floor_has_every_subject_around_every_app() -> None:
    results = Results({})
    scenarios = [each for each in with_exact_origins(10) if each.family in ("allowed", "preflight refused")]
    plan: wsgi.Plan = [(scenarios[0], ["2 headers", "own CORS"]), (scenarios[1], ["2 headers"])]
    wsgi.measure_against_the_floor(results, plan, rounds=3, max_seconds=0)
    for around in ("2 headers", "own CORS"):
        ours = results.figure("wsgi", "allowed, 10 origins", OURS.name, around)
        assert ours is not None
        assert ours.value < ours.total  # less the bare app
    preflight = results.figure("wsgi", "preflight refused, 10 origins", FLOOR.name)
    assert preflight is not None
    assert preflight.value == preflight.total  # a bare app does not answer preflights
    assert all(figure.subject != BARE.name for figure in results.figures)


def test_functions_are_measured_beside_their_floor() -> None:
    results = Results({})
    functions.measure(results, 0)
    for subject in (OURS.name, FLOOR.name):
        assert results.value("functions", "response_headers: allowed", subject) is not None
    assert results.value("functions", "evaluate: regex does not match", OURS.name) is not None


def granted_by(app: Any, request: Request) -> str | None:
    seen: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        seen.update(headers)
        return len

    app(wsgi_environ(request), start_response)
    return seen.get("Access-Control-Allow-Origin")


def test_options_are_measured_under_everything_that_can_happen() -> None:
    results = Results({})
    options.measure(results, 0)
    assert {figure.scenario for figure in results.figures} == set(options.FAMILIES)
    assert {figure.subject for figure in results.figures} == set(options.variants(with_exact_origins(10)[0].rules))


def test_a_server_that_serves_another_build_than_that_which_measures_is_not_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BENCHMARKED", "elsewhere/corecors/__init__.py")
    with pytest.raises(AssertionError, match="another build"):
        runpy.run_module("benchmarks.served")
