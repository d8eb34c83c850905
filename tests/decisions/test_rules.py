"""What rules remember says what they would decide anew, is forgotten where it must be, and never grows."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corecors import Policy, evaluate, preflight_headers, response_headers
from corecors._decisions.rules import MAX_REMEMBERED

APP = "https://app.example.com"
SUB = "https://a.example.org"
EVIL = "https://evil.test"

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


def lines_of(policy: Policy, origin: str | None) -> dict[str, str]:
    """The headers of an actual response, as a door gets them: from the shared lines, or by a decision."""
    lines = policy.lines(origin)
    return dict(policy.actual(origin).lines if lines is None else lines)


def preflight(policy: Policy, origin: str, method: str, names: str | None) -> tuple[int, dict[str, str]]:
    """Status and headers of a preflight's answer, as a door gets them."""
    lines = policy.preflight_lines(origin, method, names)
    if lines is not None:
        return 204, dict(lines)
    decision = policy.preflight(origin, method, names)
    assert decision.status is not None
    return decision.status, decision.headers


def afresh(policy: Policy) -> Policy:
    """The same policy, nothing remembered."""
    return policy.replace()


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
def test_what_is_remembered_is_what_is_decided_anew_however_often_and_in_whatever_order_it_is_asked_for(
    arguments: dict[str, Any], asked: Sequence[tuple[str, str, str | None]], which: int
) -> None:
    policy = Policy(**arguments, allow_origin_predicate=predicates()[which])
    assert lines_of(policy, None) == response_headers(afresh(policy), None)
    for origin, method, names in [*asked, *asked]:
        assert lines_of(policy, origin) == response_headers(policy, origin) == afresh(policy).actual(origin).headers
        decision = evaluate(afresh(policy), "OPTIONS", origin, method, names)
        assert preflight(policy, origin, method, names) == (decision.status, decision.headers)
        assert evaluate(policy, "OPTIONS", origin, method, names) == decision


@pytest.mark.parametrize("debug", [False, True])
def test_a_predicate_is_asked_exactly_once_for_each_request_that_reaches_it(debug: bool) -> None:
    asked: list[str] = []

    def predicate(origin: str) -> bool:
        asked.append(origin)
        return origin == SUB

    policy = Policy(
        allow_origins=[APP], allow_origin_predicate=predicate, allow_methods=["PUT"], allow_headers=["X-A"], debug=debug
    )
    requests: list[Callable[[str], object]] = [
        lambda origin: lines_of(policy, origin),
        lambda origin: preflight(policy, origin, "PUT", "x-a"),
        lambda origin: preflight(policy, origin, "PUT", None),
        lambda origin: preflight(policy, origin, "DELETE", "x-a"),
        lambda origin: preflight(policy, origin, "PUT", "," * 100_000),
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
    policy = Policy(allow_origin_predicate=allowed.__contains__)
    assert lines_of(policy, SUB)["Access-Control-Allow-Origin"] == SUB
    assert preflight(policy, SUB, "GET", None)[0] == 204
    allowed.clear()
    assert "Access-Control-Allow-Origin" not in lines_of(policy, SUB)
    assert preflight(policy, SUB, "GET", None)[0] == 403


def test_what_a_predicate_raises_is_passed_on() -> None:
    def predicate(origin: str) -> bool:
        raise LookupError("the tenant table is away")

    policy = Policy(allow_origins=[APP], allow_origin_predicate=predicate)
    assert lines_of(policy, APP)
    with pytest.raises(LookupError):
        lines_of(policy, SUB)
    with pytest.raises(LookupError):
        preflight(policy, SUB, "GET", None)


def remembered(policy: Policy) -> int:
    return len(policy._rules._remembered) + len(policy._rules._preflights)


@pytest.mark.parametrize("arguments", POLICIES)
def test_what_is_refused_is_never_remembered(arguments: dict[str, Any]) -> None:
    policy = Policy(**arguments)
    lines_of(policy, APP)
    before = remembered(policy)
    if policy.allows_any_origin:
        refusals = [(f"https://n{number}.test", "P UT", None) for number in range(200)]
    else:
        refusals = [(f"https://n{number}.test", "GET", None) for number in range(200)]
        refusals += [(APP, f"P UT{number}", None) for number in range(200)]
    for origin, method, names in refusals:
        if origin != APP:
            lines_of(policy, origin)
        assert preflight(policy, origin, method, names)[0] == 403
    assert remembered(policy) == before


def test_what_is_accepted_is_remembered_up_to_a_bound() -> None:
    policy = Policy(allow_origins=["https://*.example.org"], allow_methods=["*"], allow_headers=["*"])
    for number in range(2 * MAX_REMEMBERED + 10):
        lines_of(policy, f"https://n{number}.example.org")
        preflight(policy, SUB, f"M{number}", None)
        preflight(policy, SUB, "GET", f"x-{number}")
        assert len(policy._rules._remembered) <= MAX_REMEMBERED
        assert len(policy._rules._preflights) <= MAX_REMEMBERED
    assert policy._rules._remembered
    assert policy._rules._preflights


def test_a_long_list_of_names_is_answered_and_not_remembered() -> None:
    policy = Policy(allow_origins=[APP], allow_headers=["*"])
    assert preflight(policy, APP, "GET", "x" * 4000)[0] == 204
    assert remembered(policy) == 1  # the one origin, since the start


def test_a_list_of_more_origins_than_are_remembered_is_answered_whole() -> None:
    origins = [f"https://n{number}.example.com" for number in range(MAX_REMEMBERED + 1)]
    policy = Policy(allow_origins=origins)
    for origin in [*origins, *origins]:
        assert lines_of(policy, origin) == {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    assert len(policy._rules._remembered) <= MAX_REMEMBERED


def test_what_is_shared_between_requests_cannot_be_changed_by_one() -> None:
    policy = Policy(allow_origins=[APP, "https://*.example.org"])
    for origin in (APP, SUB):
        assert policy.lines(origin) is policy.lines(origin)
        assert isinstance(policy.lines(origin), tuple)
    assert policy.preflight_lines(APP, "GET", None) is policy.preflight_lines(APP, "GET", None)
    policy.actual(APP).headers.clear()
    assert policy.actual(APP).headers["Access-Control-Allow-Origin"] == APP


class Counted(str):
    """Text that counts how often it is looked up."""

    looked_up = 0

    def __hash__(self) -> int:
        self.looked_up += 1
        return super().__hash__()


LONGEST = f"{'s' * 64}://{'.'.join(['a' * 63] * 3 + ['a' * 61])}:65535"
FULL = ("M" * 64, "x" * 512)  # the longest method, and the longest list of headers that is remembered


@pytest.mark.parametrize(
    ("ask", "origin"),
    [
        pytest.param(lambda policy, origin: policy.lines(origin), LONGEST, id="a listed origin"),
        pytest.param(lambda policy, origin: policy.lines(origin), EVIL, id="one that is not listed"),
        pytest.param(response_headers, LONGEST, id="its headers"),
        pytest.param(lambda policy, origin: preflight_headers(policy, origin, *FULL), LONGEST, id="a preflight"),
    ],
)
def test_what_is_remembered_is_looked_up_once(ask: Callable[[Policy, str], object], origin: str) -> None:
    listed = [f"https://n{number}.example.com" for number in range(MAX_REMEMBERED - 1)]
    policy = Policy(allow_origins=[*listed, LONGEST], allow_methods=["*"], allow_headers=["*"])
    ask(policy, origin)
    again = Counted(origin)
    ask(policy, again)
    assert again.looked_up == 1
    assert policy.preflight_lines(LONGEST, *FULL) is policy.preflight_lines(LONGEST, *FULL)


def test_headers_are_those_of_the_shared_lines_and_no_decision_is_made() -> None:
    shared: Any = SimpleNamespace(lines=lambda origin: (("A", "1"),), preflight_lines=lambda *asked: (("B", "2"),))
    assert response_headers(shared, APP) == {"A": "1"}
    assert preflight_headers(shared, APP, "GET") == {"B": "2"}


def test_what_is_longer_than_every_listed_origin_is_not_looked_up() -> None:
    longer = Counted(f"{APP}m")
    assert Policy(allow_origins=[APP]).lines(longer) == (("Vary", "Origin"),)
    assert longer.looked_up == 0


def test_where_any_origin_is_allowed_all_get_the_same_lines() -> None:
    policy = Policy(allow_origins=["*"])
    assert all(policy.lines(origin) is policy.lines(None) for origin in ("", "x", "null", APP, "x" * 2000))


class Unhashed(str):
    """Text that must be refused before anything looks at its characters."""

    def __hash__(self) -> int:
        raise AssertionError("a text of this length was hashed")

    def split(self, *arguments: object) -> list[str]:
        raise AssertionError("a text of this length was read")


@pytest.mark.parametrize("arguments", POLICIES)
def test_overlong_values_are_answered_without_being_hashed_or_read(arguments: dict[str, Any]) -> None:
    policy = Policy(**arguments)
    huge = Unhashed("x" * 2**20)
    commas = Unhashed("," * 2**16)
    for _ in range(2):
        assert lines_of(policy, huge) == response_headers(policy, str(huge))
        origin = "null" if arguments.get("dangerously_allow_null_origin") else SUB if policy.allows_origin(SUB) else APP
        if not policy.allows_any_origin:
            assert preflight(policy, huge, "GET", None)[0] == 403
        assert preflight(policy, origin, "GET", commas)[0] == 403
        assert preflight(policy, origin, huge, None)[0] == 403
        assert preflight(policy, origin, huge, commas)[0] == 403


@pytest.mark.parametrize("arguments", [arguments for arguments in DEBUGGING if arguments.get("allow_origins") == [APP]])
def test_whom_a_predicate_lets_in_gets_what_a_listed_origin_does(arguments: dict[str, Any]) -> None:
    listed = Policy(**arguments)
    asking = Policy(**{**arguments, "allow_origins": []}, allow_origin_predicate=lambda origin: origin == APP)
    actual, passing, refused = ("GET", APP), ("OPTIONS", APP, "GET"), ("OPTIONS", EVIL, "GET")
    for asked in (actual, passing, refused, (*passing, "x-a"), ("OPTIONS", APP, "PUT", "x-a")):
        assert evaluate(asking, *asked) == evaluate(listed, *asked)


@pytest.mark.parametrize("answer", [1, "yes", APP, io.StringIO(), (True for _ in "x")])
def test_only_true_itself_lets_in(answer: Any) -> None:
    assert not evaluate(Policy(allow_origin_predicate=lambda origin: answer), "GET", APP).allowed


class Awaitable:
    """One that is no coroutine: a future, say."""

    def __await__(self) -> Iterator[None]:
        yield


@pytest.mark.parametrize("is_coroutine", [True, False])
def test_a_predicate_that_is_asynchronous_is_said_to_be(is_coroutine: bool) -> None:
    async def coroutine() -> bool:
        return True

    def answer() -> Any:
        return coroutine() if is_coroutine else Awaitable()

    said = "allow_origin_predicate is asynchronous: await it, and give its answer as predicate="
    with pytest.raises(TypeError, match=f"^{re.escape(said)}$"):
        evaluate(Policy(allow_origin_predicate=lambda origin: answer()), "GET", APP)
