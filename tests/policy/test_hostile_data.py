"""Whatever a mapping, document or environment holds, it is a policy or a `PolicyError`, told in printable ASCII."""

import enum
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corecors import Policy, PolicyError, Problem
from corecors._policy import unknown_names
from corecors._policy.loading import (
    origin_policies_from_toml,
    path_policies_from_toml,
    policy_from_env,
    policy_from_mapping,
    policy_from_toml,
    source_from_env,
    source_from_mapping,
    source_from_toml,
)
from corecors._policy.policy import FIELDS

HUGE = 10**5000  # more digits than Python turns into text


def refused(load: Callable[[], object]) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load()
    assert caught.value.problems
    return caught.value


def judge(load: Callable[[], object]) -> None:
    """What is loaded is a policy, or is refused in words that a terminal and a log can show."""
    try:
        load()
    except PolicyError as refused:
        error = refused
    else:
        return
    for problem in error.problems:
        assert str(problem).isprintable()
        assert str(problem).isascii()
        assert problem.message.isascii()
        assert re.fullmatch("[a-z]+(-[a-z]+)*", problem.code)
    assert len(str(error)) < 100_000


def cycle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


class Unshowable:
    def __repr__(self) -> str:
        raise ZeroDivisionError

    __str__ = __repr__


class Ambiguous:
    """As an array of numpy, which is neither true nor false and equal to nothing in particular."""

    def __bool__(self) -> bool:
        raise ValueError

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]


class Word(enum.StrEnum):
    STAR = "*"


@pytest.mark.parametrize("field", [*FIELDS, "origins", "\x1b[31mname"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(HUGE, id="a number of 5,000 digits"),
        pytest.param([HUGE], id="one in a list"),
        pytest.param({HUGE}, id="one in a set"),
        pytest.param({"a", 1, None, HUGE}, id="a set of everything"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(float("inf"), id="infinity"),
        pytest.param(Decimal("NaN"), id="a decimal that is not a number"),
        pytest.param("9" * 5000, id="5,000 digits in text"),
        pytest.param("x" * 1_000_000, id="a megabyte of text"),
        pytest.param(["\ud800"], id="half a surrogate pair"),
        pytest.param(["https://\ud800.test"], id="half a pair in a host"),
        pytest.param(["\x1b]0;title\x07"], id="an escape sequence"),
        pytest.param(["\0", "\r\n", "\u2028"], id="control characters"),
        pytest.param(cycle(), id="a list that holds itself"),
        pytest.param(nested(50_000), id="a list nested 50,000 deep"),
        pytest.param([nested(50_000)], id="and in a list"),
        pytest.param(Unshowable(), id="an object that cannot be shown"),
        pytest.param([Unshowable()], id="and in a list"),
        pytest.param(Ambiguous(), id="an object that is neither true nor false"),
        pytest.param([Ambiguous()], id="and in a list"),
        pytest.param(date(2026, 1, 1), id="a date"),
        pytest.param([datetime(2026, 1, 1), time(1)], id="times"),
        pytest.param(timedelta(days=999_999_999), id="three million years"),
        pytest.param({"a": {"b": []}}, id="tables"),
        pytest.param(b"\xff", id="bytes"),
        pytest.param(memoryview(b"x"), id="a view of bytes"),
        pytest.param([Word.STAR], id="text of a class of its own"),
    ],
)
def test_a_strange_value_is_never_an_error_of_the_host(field: str, value: Any) -> None:
    judge(lambda: Policy(**{field: value}))
    judge(lambda: Policy(**{field: value, "allow_credentials": True}))
    judge(lambda: policy_from_mapping({field: value}))
    judge(lambda: source_from_mapping({"/": {field: value}, "tiers": value, field: value}))
    judge(lambda: policy_from_env({f"CORS_{field.upper()}": value}))
    judge(lambda: source_from_env({"CORS_PATHS": value}))
    judge(lambda: source_from_env({"CORS_TIERS": value}))


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(lambda: policy_from_mapping({"max_age": HUGE}), id="a number of 5,000 digits"),
        pytest.param(lambda: policy_from_mapping({HUGE: 1}), id="as a name"),  # type: ignore[dict-item]
        pytest.param(lambda: policy_from_mapping({None: 1, 1: 2, (): 3}), id="names that are not text"),  # type: ignore[dict-item]
        pytest.param(lambda: policy_from_mapping({Unshowable(): 1}), id="a name that cannot be shown"),  # type: ignore[dict-item]
        pytest.param(lambda: policy_from_env({1: "x"}), id="a variable whose name is a number"),  # type: ignore[dict-item]
        pytest.param(lambda: policy_from_env([("CORS_MAX_AGE", "1")]), id="pairs"),  # type: ignore[arg-type]
        pytest.param(lambda: policy_from_env({"CORS_MAX_AGE": "9" * 5000}), id="5,000 digits in a variable"),
        pytest.param(lambda: policy_from_env({"CORS_ALLOW_ORIGINS": "[" * 100_000}), id="brackets in a variable"),
        pytest.param(lambda: source_from_env({"CORS_TIERS": "[" * 100_000}), id="brackets in the variable of tiers"),
        pytest.param(lambda: source_from_env({"CORS_PATHS": "9" * 5000}), id="a number in the variable of paths"),
        pytest.param(lambda: policy_from_toml("max_age = " + "9" * 5000), id="5,000 digits in TOML"),
        pytest.param(lambda: policy_from_toml("x = " + "[" * 20_000 + "]" * 20_000), id="TOML nested 20,000 deep"),
        pytest.param(lambda: policy_from_toml("x = " + "{a=" * 20_000 + "1" + "}" * 20_000), id="tables in tables"),
        pytest.param(lambda: policy_from_toml("a." * 2_000 + "a = 1"), id="a name of 2,000 parts"),
        pytest.param(lambda: policy_from_toml("\0"), id="a null character"),
        pytest.param(lambda: policy_from_toml(b"max_age = 1"), id="bytes for text"),  # type: ignore[arg-type]
        pytest.param(lambda: policy_from_toml("max_age = 2026-13-45"), id="a date that never was"),
    ],
)
def test_what_is_beyond_the_host_is_refused_as_any_other_mistake(load: Callable[[], object]) -> None:
    error = refused(load)
    assert str(error).isascii()
    assert str(error).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a." * 100 + "a.b=1", id="a name of few enough parts"),
        pytest.param("# " + "a." * 100, id="a remark"),
    ],
)
def test_names_of_some_parts_are_read(text: str) -> None:
    assert "a key has more than" not in str(refused(lambda: policy_from_toml(text)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a." * 201 + "b = 1", id="a name"),
        pytest.param("[" + "a." * 201 + "b]", id="a table"),
        pytest.param("x = {" + "a." * 201 + "b = 1}", id="within a value"),
        pytest.param('"a" . ' * 201 + "b = 1", id="quoted, with blanks"),
        pytest.param("a." * 500_000 + "b = 1", id="a megabyte, for which the standard library takes hours"),
        pytest.param("'a'." * 201 + "b = 1", id="quoted in the other way"),
    ],
)
def test_a_name_of_very_many_parts_is_refused_unread(text: str) -> None:
    assert "is not valid TOML: a key has more than 200 parts" in str(refused(lambda: policy_from_toml(text)))


# What data can be made of: what JSON and TOML know, and what Python adds

texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "*",
            "null",
            "https://a.test",
            "http://a.test/",
            "https://*.com",
            "GET",
            "Patch",
            "GET|PUT",
            "X-*",
            "true",
            "[",
            "-",
        ]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.binary(max_size=4))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
keys = st.one_of(
    st.sampled_from([*FIELDS, "origins", "CORS_ALLOW_ALL_ORIGINS", "/api/", "default", "tiers", "resources"]),
    st.text(max_size=20),
    st.integers(),
    st.none(),
)
mappings = st.dictionaries(keys, values, max_size=5)


@settings(max_examples=200)
@given(mappings)
@example({"tiers": [{"tiers": []}]})
@example({"/\xfc": {}, "/\xfc/": {}})
@example({"/": {"/": {}}, "default": {"default": {}}})
def test_any_mapping_is_a_policy_or_refused(mapping: dict[Any, Any]) -> None:
    judge(lambda: policy_from_mapping(mapping))
    judge(lambda: source_from_mapping(mapping))


@settings(max_examples=200)
@given(
    st.dictionaries(st.one_of(st.sampled_from([*FIELDS, "paths", "tiers", "origins"]), texts), st.one_of(texts, values))
)
def test_any_environment_is_a_policy_or_refused(settings: dict[str, Any]) -> None:
    judge(lambda: policy_from_env({f"CORS_{name.upper()}": value for name, value in settings.items()}))
    judge(lambda: source_from_env({f"CORS_{name.upper()}": value for name, value in settings.items()}))


LINES = [
    "[cors]",
    '[cors."/api/"]',
    "[[cors.tiers]]",
    "[[tiers]]",
    "[default]",
    "allow_origins = ",
    "max_age = ",
    "= [",
]


@settings(max_examples=200)
@given(st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=20)), max_size=6).map("\n".join))
def test_any_document_is_a_policy_or_refused(text: str) -> None:
    for load in (policy_from_toml, source_from_toml, path_policies_from_toml, origin_policies_from_toml):
        judge(lambda load=load: load(text))  # type: ignore[misc]


def test_only_so_many_names_are_looked_up_and_every_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[object] = []

    def counted(name: object, value: object, **options: Any) -> Problem:
        looked_up.append(name)
        return Problem(str(name), value, "unknown-name", "is counted")

    monkeypatch.setattr(unknown_names, "unknown_name", counted)
    for build in (policy_from_mapping, lambda given: Policy(**given)):
        looked_up.clear()
        with pytest.raises(PolicyError) as caught:
            build({f"name_{number}": number for number in range(500)})
        assert len(caught.value.problems) == 500
        assert len(looked_up) == unknown_names.MAX_EXPLAINED
