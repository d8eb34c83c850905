"""`Policy.replace`: what was validated is not validated again, and nothing else is different by it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecors import Policy, PolicyError
from corecors._origins.patterns import OriginPattern, parse_pattern
from corecors._policy import arguments
from corecors._policy.policy import validated_origins

APP = "https://app.example.com"


def test_a_field_is_replaced_and_the_others_stay() -> None:
    policy = Policy(allow_origins=[APP], allow_credentials=True, max_age=5)
    assert policy.replace(max_age=7) == Policy(allow_origins=[APP], allow_credentials=True, max_age=7)
    assert policy.replace(allow_origins=[APP, "https://b.test"]).allows_origin("https://b.test")
    assert policy.replace() == policy
    with pytest.raises(PolicyError, match="trailing slash"):
        policy.replace(allow_origins=[APP, "https://b.test/"])
    with pytest.raises(PolicyError, match="nothing: "):
        policy.replace(nothing=1)


def test_what_depends_on_another_field_is_validated_again() -> None:
    policy = Policy(allow_origins=["http://a.test"])
    with pytest.raises(PolicyError, match="plain http"):
        policy.replace(allow_credentials=True)


def test_origins_that_a_policy_has_are_not_validated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy(allow_origins=["http://localhost:3000", "http://localhost:4000"])
    read: list[str] = []

    def reading(text: str) -> OriginPattern:
        read.append(text)
        return parse_pattern(text)

    monkeypatch.setattr(arguments, "parse_pattern", reading)
    changed = policy.replace(allow_origins=[*policy.allow_origins, "http://localhost:5000"])
    assert read == ["http://localhost:5000"]
    assert changed.allows_origin("http://localhost:3000")


def test_what_another_field_has_is_not_validated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand tenants of one base: what they share was validated once."""
    base = Policy(allow_methods=["PUT"], allow_headers=["X-A"], expose_headers=["X-B"], allow_origin_regexes=["a://b"])

    def fail(*given: object) -> None:
        raise AssertionError(f"{given} was validated before")

    for name in ("methods", "request_headers", "exposed_headers", "regexes", "max_age", "preflight_status", "flag"):
        monkeypatch.setattr(arguments.Validation, name, fail)
    assert base.replace(allow_origins=[APP]).allows_origin(APP)


GOOD: dict[str, list[Any]] = {  # each of them by itself, without credentials
    "allow_origins": [
        (),
        (APP,),
        (APP, "http://a.test", "https://*.b.test"),
        ("*",),
        ("http://localhost:*", "https://github.io"),
        ("https://*.github.io",),
        ("https://pr-*.example.com", APP, APP),
    ],
    "allow_origin_regexes": [(), (r"https://[a-z]+\.example\.com",), (".*",), (r"http://[a-z]+\.test",)],
    "allow_methods": [(), ("GET", "PUT"), ("*",)],
    "allow_headers": [(), ("X-A", "x-a"), ("*", "Authorization")],
    "expose_headers": [(), ("X-B",), ("*",)],
    "allow_credentials": [False, True],
    "max_age": [None, 600],
    "preflight_status": [204, 200],
    "allow_timing": [False, True],
    "debug": [False, True],
    "dangerously_allow_null_origin": [False, True],
    "dangerously_allow_insecure_origins": [False, True],
    "dangerously_allow_public_suffix_subdomains": [False, True],
    "dangerously_allow_open_regexes": [False, True],
}
BAD: dict[str, list[Any]] = {
    "allow_origins": [("*", APP), ("https://app.example.com/", 7), APP, ("null",)],
    "allow_origin_regexes": [("(",), ("https://x.example.com",)],
    "allow_methods": [("put", "all"), ("GET", "*")],
    "allow_headers": [("Sec-Fetch-Site",)],
    "expose_headers": [("Set-Cookie",)],
    "allow_credentials": [1, "yes"],
    "max_age": [-1, True],
    "preflight_status": [201],
    "debug": [0],
    "unknown": [1],
}
BEFORE = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in GOOD.items()})
CHANGES = st.one_of(
    *(st.sampled_from(values).map(lambda value, name=name: {name: value}) for name, values in GOOD.items()),  # type: ignore[misc]
    st.fixed_dictionaries(
        {}, optional={name: st.sampled_from([*GOOD.get(name, ()), *values]) for name, values in BAD.items()}
    ),
)
ENTRIES = st.sampled_from(GOOD["allow_origins"] + BAD["allow_origins"]) | st.lists(st.text(max_size=12), max_size=3)
ORIGINS = [None, "", "null", APP, "http://a.test", "https://x.b.test", "http://localhost:8", "https://evil.example"]


def made(make: Any, **given: Any) -> Any:
    """A policy as what can be seen of it: its text, and its answers; or its problems."""
    try:
        policy = make(**given)
    except PolicyError as error:
        return [(*problem[:1], repr(problem[1]), *problem[2:]) for problem in error.problems]
    asked = [(origin, method) for origin in ORIGINS for method in ("GET", "PUT", "DELETE", "put")]
    answers = [policy.lines(origin) for origin in ORIGINS]
    preflights = [policy.preflight(origin or "", method, "x-a") for origin, method in asked]
    return policy.to_mapping(), answers, [(each.lines, each.status, each.reasons) for each in preflights]


@settings(max_examples=1000)
@given(before=BEFORE, changes=CHANGES)
def test_a_policy_that_was_replaced_is_the_one_that_is_made_anew(before: Any, changes: Any) -> None:
    try:
        base = Policy(**before)
    except PolicyError:
        base = Policy()
        before = {}
    assert made(base.replace, **changes) == made(Policy, **{**before, **changes})


@given(
    before=BEFORE,
    value=st.sampled_from([*GOOD["allow_origins"], *BAD["allow_origins"]]) | st.lists(st.text(max_size=12), max_size=3),
)
def test_origins_that_are_validated_alone_are_judged_as_in_a_policy(before: Any, value: Any) -> None:
    try:
        base = Policy(**before)
    except PolicyError:
        base = Policy(allow_credentials=True)
    judged = made(lambda **given: Policy(allow_origins=validated_origins(base, given["value"])), value=value)
    expected = made(base.replace, allow_origins=value)
    assert isinstance(judged, list) == isinstance(expected, list)
    if isinstance(expected, list):
        assert judged == expected
