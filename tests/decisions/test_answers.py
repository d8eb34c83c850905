"""The memory that adapters use says what the pure functions say, forgets what it must, and never grows."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecors import Answers, Policy, evaluate, response_headers
from corecors.answers import MAX_REMEMBERED

APP = "https://app.example.com"
SUB = "https://a.example.org"
EVIL = "https://evil.test"
NO_BODY = [("Content-Type", "text/plain"), ("Content-Length", "0")]

POLICIES: list[dict[str, Any]] = [
    {},
    {"allow_origins": ["*"]},
    {"allow_origins": ["*"], "allow_methods": ["*"], "allow_headers": ["*"], "allow_timing": True},
    {"allow_origins": [APP]},
    {"allow_origins": [APP], "allow_credentials": True, "expose_headers": ["X-A"], "allow_timing": True},
    {"allow_origins": [APP, "https://*.example.org"], "allow_methods": ["PUT"], "allow_headers": ["X-Foo"]},
    {"allow_origins": ["https://*.example.org"], "allow_methods": ["*"], "allow_headers": ["*"], "max_age": 5},
    {
        "allow_origins": [APP, "http://localhost:*"],
        "allow_methods": ["*"],
        "allow_headers": ["*"],
        "allow_credentials": True,
    },
    {"allow_origin_regexes": [r"https://[a-z]\.example\.org"], "allow_headers": ["X-Foo"]},
    {"allow_origins": [APP], "dangerously_allow_null_origin": True},
    {"allow_origins": [f"https://n{number}.example.com" for number in range(MAX_REMEMBERED + 1)] + [APP]},
]
DEBUGGING = [*POLICIES, *({**arguments, "debug": True} for arguments in POLICIES)]


def predicates() -> list[Callable[[str], bool] | None]:
    return [None, lambda origin: origin == SUB, lambda origin: origin in ("null", APP)]


def expected_preflight(
    policy: Policy, origin: str, method: str, names: str | None
) -> tuple[int, list[tuple[str, str]]]:
    decision = evaluate(policy, "OPTIONS", origin, method, names)
    assert decision.status is not None
    return decision.status, [*decision.headers.items(), *(NO_BODY if decision.status == 403 else [])]


ORIGINS = st.sampled_from(
    [APP, SUB, EVIL, "null", "", "*", APP + "/", "https://n7.example.com", "http://localhost:3000", "x" * 2000, "\r\n"]
)
METHODS = st.sampled_from(["GET", "PUT", "put", "P UT", "", "LOCK", "*", "X" * 65, "PUT\r\n"])
NAMES = st.sampled_from(
    [None, "", "x-foo", "X-Foo, x-foo", "authorization", "x bar", "," * 17, "x" * 600, ",".join(["x-foo"] * 700), "*"]
)


@pytest.mark.parametrize("arguments", DEBUGGING)
@settings(max_examples=25)  # of each policy
@given(asked=st.lists(st.tuples(ORIGINS, METHODS, NAMES), min_size=1, max_size=12), which=st.integers(0, 2))
def test_answers_are_those_of_the_pure_functions_however_often_and_in_whatever_order_they_are_asked_for(
    arguments: dict[str, Any], asked: Sequence[tuple[str, str, str | None]], which: int
) -> None:
    policy = Policy(**arguments, allow_origin_predicate=predicates()[which])
    answers = Answers(policy)
    assert answers.without_origin == list(response_headers(policy, None).items())
    for origin, method, names in [*asked, *asked]:
        assert answers.for_origin(origin) == list(response_headers(policy, origin).items())
        assert answers.preflight(origin, method, names) == expected_preflight(policy, origin, method, names)


@pytest.mark.parametrize("debug", [False, True])
def test_a_predicate_is_asked_exactly_once_for_each_request_that_reaches_it(debug: bool) -> None:
    asked: list[str] = []

    def predicate(origin: str) -> bool:
        asked.append(origin)
        return origin == SUB

    policy = Policy(
        allow_origins=[APP], allow_origin_predicate=predicate, allow_methods=["PUT"], allow_headers=["X-A"], debug=debug
    )
    answers = Answers(policy)
    requests: list[Callable[[str], object]] = [
        answers.for_origin,
        lambda origin: answers.preflight(origin, "PUT", "x-a"),
        lambda origin: answers.preflight(origin, "PUT", None),
        lambda origin: answers.preflight(origin, "DELETE", "x-a"),
        lambda origin: answers.preflight(origin, "PUT", "," * 100_000),
        lambda origin: response_headers(policy, origin),
        lambda origin: evaluate(policy, "GET", origin),
        lambda origin: evaluate(policy, "OPTIONS", origin, "PUT", "x-a"),
        policy.allows_origin,
    ]
    for request in requests:
        for origin in (SUB, EVIL):
            for _ in range(3):
                asked.clear()
                request(origin)
                assert asked == [origin]
        asked.clear()
        for origin in (APP, "null", "", APP + "/", "x" * 2000):
            request(origin)
        assert asked == []


def test_a_predicate_that_changes_its_mind_is_heard_at_once() -> None:
    allowed = {SUB}
    answers = Answers(Policy(allow_origin_predicate=allowed.__contains__))
    assert dict(answers.for_origin(SUB))["Access-Control-Allow-Origin"] == SUB
    assert answers.preflight(SUB, "GET", None)[0] == 204
    allowed.clear()
    assert "Access-Control-Allow-Origin" not in dict(answers.for_origin(SUB))
    assert answers.preflight(SUB, "GET", None)[0] == 403


def test_what_a_predicate_raises_is_passed_on() -> None:
    def predicate(origin: str) -> bool:
        raise LookupError("the tenant table is away")

    answers = Answers(Policy(allow_origins=[APP], allow_origin_predicate=predicate))
    assert answers.for_origin(APP)
    with pytest.raises(LookupError):
        answers.for_origin(SUB)
    with pytest.raises(LookupError):
        answers.preflight(SUB, "GET", None)


def remembered(answers: Answers) -> int:
    return len(answers.remembered) + len(answers._preflights)


@pytest.mark.parametrize("arguments", POLICIES)
def test_what_is_refused_is_never_remembered(arguments: dict[str, Any]) -> None:
    answers = Answers(Policy(**arguments))
    before = remembered(answers)
    if answers.policy.allows_any_origin:
        refusals = [(f"https://n{number}.test", "P UT", None) for number in range(200)]
    else:
        refusals = [(f"https://n{number}.test", "GET", None) for number in range(200)]
        refusals += [(APP, f"P UT{number}", None) for number in range(200)]
    for origin, method, names in refusals:
        if origin != APP:
            answers.for_origin(origin)
        assert answers.preflight(origin, method, names)[0] == 403
    assert remembered(answers) == before


def test_what_is_accepted_is_remembered_up_to_a_bound() -> None:
    policy = Policy(allow_origins=["https://*.example.org"], allow_methods=["*"], allow_headers=["*"])
    answers = Answers(policy)
    for number in range(2 * MAX_REMEMBERED + 10):
        answers.for_origin(f"https://n{number}.example.org")
        answers.preflight(SUB, f"M{number}", None)
        answers.preflight(SUB, "GET", f"x-{number}")
        assert len(answers.remembered) <= MAX_REMEMBERED
        assert len(answers._preflights) <= MAX_REMEMBERED
    assert answers.remembered
    assert answers._preflights


def test_a_long_list_of_names_is_answered_and_not_remembered() -> None:
    answers = Answers(Policy(allow_origins=[APP], allow_headers=["*"]))
    assert answers.preflight(APP, "GET", "x" * 4000)[0] == 204
    assert remembered(answers) == 1  # the one origin, since the start


def test_a_list_of_more_origins_than_are_remembered_is_answered_whole() -> None:
    origins = [f"https://n{number}.example.com" for number in range(MAX_REMEMBERED + 1)]
    answers = Answers(Policy(allow_origins=origins))
    for origin in [*origins, *origins]:
        assert dict(answers.for_origin(origin)) == {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    assert len(answers.remembered) <= MAX_REMEMBERED


def test_a_preflights_answer_is_a_new_list_each_time() -> None:
    answers = Answers(Policy(allow_origins=[APP]))
    for origin in (APP, EVIL):
        for names in (None, "," * 100_000):
            before = answers.preflight(origin, "GET", names)[1][:]
            answers.preflight(origin, "GET", names)[1].append(("X", "1"))
            answers.preflight(origin, "GET", names)[1].clear()
            assert answers.preflight(origin, "GET", names)[1] == before


class Unhashed(str):
    """Text that must be refused before anything looks at its characters."""

    def __hash__(self) -> int:
        raise AssertionError("a text of this length was hashed")

    def split(self, *arguments: object) -> list[str]:
        raise AssertionError("a text of this length was read")


@pytest.mark.parametrize("arguments", POLICIES)
def test_overlong_values_are_answered_without_being_hashed_or_read(arguments: dict[str, Any]) -> None:
    answers = Answers(Policy(**arguments))
    huge = Unhashed("x" * 2**20)
    commas = Unhashed("," * 2**16)
    for _ in range(2):
        assert answers.for_origin(huge) == list(response_headers(answers.policy, str(huge)).items())
        origin = (
            "null"
            if arguments.get("dangerously_allow_null_origin")
            else SUB
            if answers.policy.allows_origin(SUB)
            else APP
        )
        if not answers.policy.allows_any_origin:
            assert answers.preflight(huge, "GET", None)[0] == 403
        assert answers.preflight(origin, "GET", commas)[0] == 403
        assert answers.preflight(origin, huge, None)[0] == 403
        assert answers.preflight(origin, huge, commas)[0] == 403
