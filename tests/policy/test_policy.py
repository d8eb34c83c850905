"""What a policy refuses to be, clause by clause, and what it is once it was made."""

import copy
import gc
import pickle
import re
import threading
import weakref
from collections.abc import Callable
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from applied_fixes import applied

from corecors import Policy, PolicyError, Problem
from corecors._policy.policy import DEFAULTS, FIELDS


def problems_of(**arguments: Any) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        Policy(**arguments)
    return list(caught.value.problems)


def refused(*values: object, id: str) -> Any:
    return pytest.param(*values, id=id)


CREDENTIALS = {"allow_credentials": True}
APP = "https://app.example.com"

# The field, what is given, a piece of what is wrong, the fix, and what else the policy has.
REFUSED = [
    # A bare string where a list belongs
    refused("allow_origins", APP, "one string where a list", [APP], {}, id="a bare origin"),
    refused("allow_origins", "*", "one string where a list", ["*"], {}, id="a bare star"),
    refused("allow_origins", "", "one string where a list", [], {}, id="an empty string"),
    refused(
        "allow_origins",
        "https://a.com, https://b.com",
        "one string",
        ["https://a.com", "https://b.com"],
        {},
        id="a list in one string",
    ),
    refused("allow_origins", b"https://a.com", "one string", None, {}, id="bytes for a list"),
    refused("allow_origins", bytearray(b"x"), "one string", None, {}, id="a bytearray for a list"),
    refused("allow_origins", None, "is not a list", None, {}, id="None for a list"),
    refused("allow_origins", {APP: True}, "mapping", None, {}, id="a mapping for a list"),
    refused("allow_origins", 5, "of type int", None, {}, id="a number for a list"),
    refused("allow_origins", True, "of type bool", None, {}, id="True for a list"),
    refused("allow_origins", len, "allow_origin_predicate", None, {}, id="a function for a list"),
    refused("allow_methods", len, "of type builtin_function_or_method", None, {}, id="a function for methods"),
    refused("allow_origins", [[APP]], "list within the list", None, {}, id="a list within the list"),
    refused("allow_origins", [(APP,)], "list within the list", None, {}, id="a tuple within the list"),
    refused("allow_origins", [b"https://a.com"], "of type bytes", "https://a.com", {}, id="bytes in the list"),
    refused("allow_origins", [None], "None", None, {}, id="None in the list"),
    refused("allow_origins", [3000], "of type int", None, {}, id="a number in the list"),
    refused("allow_origins", [re.compile("x")], "allow_origin_regexes", None, {}, id="a compiled regex in the list"),
    refused("allow_methods", "GET", "one string", ["GET"], {}, id="a bare method"),
    refused("allow_headers", "X-A,X-B", "one string", ["X-A", "X-B"], {}, id="a bare list of headers"),
    refused("expose_headers", "X-A", "one string", ["X-A"], {}, id="a bare exposed header"),
    refused("allow_origin_regexes", r"https://a\.com", "one string", None, {}, id="a bare regex"),
    refused("allow_origin_regexes", re.compile("x"), "one regular expression", None, {}, id="a bare compiled regex"),
    refused(
        "allow_origin_regexes", [5], "not a regular expression but of type int", None, {}, id="a number for a regex"
    ),
    # `*` and credentials
    refused("allow_origins", ["*"], "any site", None, CREDENTIALS, id="any origin with credentials"),
    refused("allow_origins", ["*", APP], "write it alone", ["*"], {}, id="a star beside an origin"),
    refused("dangerously_allow_null_origin", True, "every site", None, CREDENTIALS, id="null with credentials"),
    refused("expose_headers", ["*"], "literally", None, CREDENTIALS, id="an exposed star with credentials"),
    # Plain http with credentials
    refused("allow_origins", ["http://a.com"], "plain http", None, CREDENTIALS, id="http with credentials"),
    refused("allow_origins", ["http://*.a.com"], "plain http", None, CREDENTIALS, id="http subdomains"),
    refused("allow_origins", ["http://a.com:*"], "plain http", None, CREDENTIALS, id="http, any port"),
    refused("allow_origins", ["http://10.0.0.1"], "plain http", None, CREDENTIALS, id="http on a private address"),
    # Methods
    refused("allow_methods", ["TRACE"], "no browser lets script send", None, {}, id="TRACE"),
    refused("allow_methods", ["Connect"], "no browser lets script send", None, {}, id="CONNECT in another case"),
    refused("allow_methods", ["track"], "no browser lets script send", None, {}, id="TRACK in lower case"),
    refused("allow_methods", ["get"], "case-sensitive", "GET", {}, id="get"),
    refused("allow_methods", ["Delete"], "case-sensitive", "DELETE", {}, id="Delete"),
    refused("allow_methods", ["GET, PUT"], "several methods", ("GET", "PUT"), {}, id="two methods in one string"),
    refused("allow_methods", [""], "is empty", (), {}, id="an empty method"),
    refused("allow_methods", ["PUT "], "not a method name", "PUT", {}, id="white space after a method"),
    refused("allow_methods", ["PUT\r\nX: 1"], "not a method name", None, {}, id="CR LF in a method"),
    refused("allow_methods", ["P\u00dcT"], "not a method name", None, {}, id="a letter beyond ASCII in a method"),
    refused("allow_methods", ["*", "PUT"], "write it alone", ["*"], {}, id="a star beside a method"),
    refused("allow_methods", ["X" * 65], "longer than 64", None, {}, id="a method of 65 characters"),
    # Request headers
    refused("allow_headers", ["Cookie"], "script can never set", None, {}, id="Cookie"),
    refused("allow_headers", ["origin"], "script can never set", None, {}, id="origin"),
    refused("allow_headers", ["Sec-Fetch-Mode"], "script can never set", None, {}, id="a Sec- header"),
    refused("allow_headers", ["proxy-auth"], "script can never set", None, {}, id="a Proxy- header"),
    refused("allow_headers", ["Access-Control-Allow-Origin"], "itself", None, {}, id="a response header of CORS"),
    refused("allow_headers", ["access-control-request-method"], "itself", None, {}, id="a request header of CORS"),
    refused("allow_headers", ["X Foo"], "without white space", None, {}, id="a space in a name"),
    refused("allow_headers", ["X-Foo:"], "not a header name", "X-Foo", {}, id="a colon after a name"),
    refused("allow_headers", ["X-Foo\n"], "not a header name", "X-Foo", {}, id="a line feed after a name"),
    refused("allow_headers", [""], "is empty", (), {}, id="an empty name"),
    refused("allow_headers", ["X-F\u00f6\u00f6"], "not a header name", None, {}, id="a letter beyond ASCII in a name"),
    refused("allow_headers", ["*", "X-Foo"], "name no others", None, {}, id="a star beside a name"),
    refused("allow_headers", ["*", "Authorization", "X-Foo"], "name no others", None, {}, id="and beside two"),
    # Exposed headers
    refused("expose_headers", ["Set-Cookie"], "never readable", None, {}, id="Set-Cookie exposed"),
    refused("expose_headers", ["set-cookie2"], "never readable", None, {}, id="Set-Cookie2 exposed"),
    refused("expose_headers", ["X Foo"], "without white space", None, {}, id="a space in an exposed name"),
    refused("expose_headers", ["*", "X-Foo"], "write it alone", ["*"], {}, id="an exposed star beside a name"),
    # max_age
    refused("max_age", -1, "outside 0..86400", 0, {}, id="a negative max_age"),
    refused("max_age", 86_401, "outside 0..86400", 86400, {}, id="a max_age above a day"),
    refused("max_age", timedelta(days=2), "outside 0..86400", 86400, {}, id="a timedelta above a day"),
    refused("max_age", timedelta(seconds=-1), "outside 0..86400", 0, {}, id="a negative timedelta"),
    refused("max_age", timedelta(milliseconds=1500), "whole number", 1, {}, id="a fraction in a timedelta"),
    refused("max_age", 600.0, "of type float", 600, {}, id="a float"),
    refused("max_age", "600", "of type str", 600, {}, id="a max_age in text"),
    refused("max_age", "1h", "of type str", None, {}, id="a max_age in words"),
    refused("max_age", True, "of type bool", None, {}, id="True for a max_age"),
    refused("max_age", float("nan"), "of type float", None, {}, id="no number at all"),
    # Flags
    refused("allow_credentials", "true", "True or False", True, {}, id="true in text"),
    refused("allow_credentials", "false", "True or False", False, {}, id="false in text"),
    refused("allow_credentials", 1, "True or False", True, {}, id="1 for a flag"),
    refused("allow_credentials", 0, "True or False", False, {}, id="0 for a flag"),
    refused("allow_credentials", None, "True or False", False, {}, id="None for a flag"),
    refused("debug", "perhaps", "True or False", None, {}, id="a word that is neither"),
    refused("debug", [], "True or False", None, {}, id="a list for a flag"),
    # The predicate
    refused("allow_origin_predicate", APP, "function of one origin", None, {}, id="an origin for a predicate"),
    refused("allow_origin_predicate", True, "function of one origin", None, {}, id="True for a predicate"),
]


@pytest.mark.parametrize(("field", "value", "wrong", "fix", "others"), REFUSED)
def test_a_policy_refuses_to_be(field: str, value: object, wrong: str, fix: object, others: dict[str, Any]) -> None:
    (problem,) = problems_of(**{field: value, **others})
    assert problem.field == field
    assert wrong in problem.message
    if fix is not None:
        assert (problem.fix, type(problem.fix)) == (fix, type(fix))
        Policy(**applied({field: value, **others}, [problem]))
    text = str(problem)
    assert text.isascii()
    assert text.isprintable()
    assert text.startswith(f"{field}: ")
    assert problem.message in text


@pytest.mark.parametrize("text", ["no", "true", "yes"])
def test_a_flag_that_is_not_a_flag_never_counts_as_true(text: str) -> None:
    field = "dangerously_allow_insecure_origins"
    found = problems_of(allow_origins=["http://a.com"], allow_credentials=True, **{field: text})
    assert {problem.field for problem in found} == {field, "allow_origins"}


async def _asynchronous(origin: str) -> bool:
    return True


class _AsynchronousObject:
    async def __call__(self, origin: str) -> bool:
        return True


def test_a_policy_knows_whether_its_predicate_is_asynchronous() -> None:
    assert Policy(allow_origin_predicate=_asynchronous).has_async_predicate
    assert Policy(allow_origin_predicate=_AsynchronousObject()).has_async_predicate
    assert not Policy(allow_origin_predicate=len).has_async_predicate
    assert not Policy().has_async_predicate


@pytest.mark.parametrize("field", ["allow_origins", "allow_methods", "allow_headers", "expose_headers"])
@pytest.mark.parametrize(
    "collect",
    [
        pytest.param(list, id="a list"),
        pytest.param(tuple, id="a tuple"),
        pytest.param(set, id="a set"),
        pytest.param(frozenset, id="a frozenset"),
        pytest.param(iter, id="an iterator"),
        pytest.param(lambda values: (value for value in values), id="a generator"),
        pytest.param(lambda values: dict.fromkeys(values).keys(), id="the keys of a dict"),
    ],
)
def test_any_collection_of_entries_will_do(field: str, collect: Callable[[list[str]], Any]) -> None:
    value = APP if field == "allow_origins" else "X-Foo"
    assert getattr(Policy(**{field: collect([value])}), field) == (value,)


def test_every_problem_is_told_at_once_in_the_order_of_the_arguments() -> None:
    found = problems_of(
        debug="yes",
        max_age=-1,
        allow_headers=["X Foo", "Cookie"],
        allow_origins=["https://a.com/", "b.com"],
        allow_methods=["get"],
        allow_credentials=True,
        dangerously_allow_null_origin=True,
    )
    fields = [problem.field for problem in found]
    assert fields == [
        *["allow_origins"] * 2,
        "allow_methods",
        *["allow_headers"] * 2,
        "max_age",
        "debug",
        "dangerously_allow_null_origin",
    ]


def test_the_error_reads_as_a_list_of_problems() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(allow_origins=["https://a.com/"], max_age=-1)
    assert str(caught.value) == (
        "2 problems in this CORS policy:\n"
        "  - allow_origins: 'https://a.com/' has a trailing slash; write 'https://a.com'\n"
        "  - max_age: -1 is outside 0..86400 seconds; 0 forbids keeping the answer; write 0"
    )
    with pytest.raises(PolicyError, match=r"^1 problem in"):
        Policy(debug="x")  # type: ignore[arg-type]


def test_the_error_survives_pickling_and_copying() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(allow_origins=["https://a.com/", "b"], max_age="x")  # type: ignore[arg-type]
    for error in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value), copy.deepcopy(caught.value)):
        assert isinstance(error, PolicyError)
        assert error.problems == caught.value.problems
        assert str(error) == str(caught.value)


def test_the_error_of_a_long_list_stays_readable_and_complete() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(allow_origins=[f"n{number}" for number in range(10_000)])
    assert len(caught.value.problems) == 10_000
    assert len(str(caught.value)) < 20_000
    assert str(caught.value).startswith("10000 problems in this CORS policy:")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("https://a.com/\x1b[31m\r\n\u202e\ud800", id="control characters and surrogates"),
        pytest.param("https://a.com/" + "x" * 1_000_000, id="a million characters"),
        pytest.param(["\x1b[31m" * 100_000], id="a nested list of nonsense"),
        pytest.param(b"\xff\x1b" * 100_000, id="bytes"),
        pytest.param(10**4000, id="a huge number"),
    ],
)
def test_a_hostile_value_is_shown_printable_and_short(value: object) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(allow_origins=[value])  # type: ignore[list-item]
    text = str(caught.value)
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert len(text) < 1000


# What is allowed

ACCEPTED = [
    pytest.param({}, id="nothing at all"),
    pytest.param({"allow_origins": ["*"]}, id="any origin"),
    pytest.param({"allow_origins": ["*", "*"]}, id="any origin twice"),
    pytest.param({"allow_origins": ["http://a.com"]}, id="http without credentials"),
    pytest.param({"allow_origins": ["http://localhost:*"], **CREDENTIALS}, id="loopback with credentials"),
    pytest.param({"allow_origins": ["http://127.0.0.1:3000"], **CREDENTIALS}, id="127.0.0.1 with credentials"),
    pytest.param({"allow_origins": ["http://*.localhost"], **CREDENTIALS}, id="below localhost with credentials"),
    pytest.param(
        {"allow_origins": ["http://a.com"], "dangerously_allow_insecure_origins": True, **CREDENTIALS},
        id="http by name",
    ),
    pytest.param({"dangerously_allow_null_origin": True}, id="null without credentials"),
    pytest.param(
        {"dangerously_allow_null_origin": True, "allow_origin_predicate": bool, **CREDENTIALS}, id="null by predicate"
    ),
    pytest.param({"allow_methods": ["*"], **CREDENTIALS}, id="any method with credentials"),
    pytest.param({"allow_headers": ["*"], **CREDENTIALS}, id="any header with credentials"),
    pytest.param({"allow_headers": ["*", "authorization"]}, id="any header and Authorization"),
    pytest.param({"expose_headers": ["*"]}, id="all exposed without credentials"),
    pytest.param({"allow_methods": ["patch", "X-METHOD"]}, id="methods that nobody knows"),
    pytest.param({"allow_methods": []}, id="no methods"),
    pytest.param({"max_age": 0}, id="a max_age of 0"),
    pytest.param({"max_age": 86_400}, id="a max_age of a day"),
    pytest.param({"allow_origins": [APP, APP]}, id="an origin twice"),
]


@pytest.mark.parametrize("arguments", ACCEPTED)
def test_a_policy_may_be(arguments: dict[str, Any]) -> None:
    Policy(**arguments)


def test_arguments_are_keywords_and_unknown_ones_are_errors() -> None:
    with pytest.raises(TypeError):
        Policy([APP])  # type: ignore[misc]
    with pytest.raises(PolicyError, match="allow_origin: "):
        Policy(allow_origin=[APP])  # type: ignore[arg-type]


def test_every_argument_is_an_attribute_with_its_value_made_canonical() -> None:
    policy = Policy(
        allow_origins=(origin for origin in [APP]),
        allow_methods={"PUT", "DELETE", "PATCH"},
        allow_headers=["X-A", "x-a", "X-B"],
        max_age=timedelta(minutes=10),
    )
    assert policy.allow_origins == (APP,)
    assert policy.allow_methods == ("DELETE", "PATCH", "PUT")
    assert policy.allow_headers == ("X-A", "X-B")
    assert policy.max_age == 600
    assert type(policy.max_age) is int
    assert Policy().allow_methods == DEFAULTS["allow_methods"]
    assert all(hasattr(policy, field) for field in FIELDS)


class Word(StrEnum):
    ORIGIN = APP
    METHOD = "PUT"
    HEADER = "X-Foo"


class Seconds(IntEnum):
    TEN = 10


def test_what_is_kept_and_sent_is_plain_text_and_plain_numbers_whatever_was_given() -> None:
    from corecors import preflight_headers, response_headers

    policy = Policy(
        allow_origins=[Word.ORIGIN],
        allow_methods=[Word.METHOD],
        allow_headers=[Word.HEADER],
        expose_headers=[Word.HEADER],
        max_age=Seconds.TEN,
    )
    answers = [response_headers(policy, APP), preflight_headers(policy, APP, "PUT", "x-foo")]
    for answer in answers:
        assert {type(value) for value in answer.values()} == {str}
    assert answers[1]["Access-Control-Allow-Methods"] == "PUT"
    assert answers[1]["Access-Control-Max-Age"] == "10"
    kept = [*policy.allow_origins, *policy.allow_methods, *policy.allow_headers, *policy.expose_headers]
    assert {type(value) for value in kept} == {str}
    assert type(policy.max_age) is int


def test_a_policy_is_immutable() -> None:
    policy = Policy(allow_origins=[APP])
    for name in [*FIELDS, "_matcher", "unknown"]:
        with pytest.raises(AttributeError, match="immutable"):
            setattr(policy, name, ())
        with pytest.raises(AttributeError, match="immutable"):
            delattr(policy, name)
    assert not hasattr(policy, "__dict__")


def test_a_list_that_changes_afterwards_changes_no_policy() -> None:
    origins = [APP]
    policy = Policy(allow_origins=origins)
    origins.append("https://evil.test")
    assert policy.allow_origins == (APP,)
    assert not policy.allows_origin("https://evil.test")


def test_policies_are_compared_and_hashed_by_their_fields() -> None:
    one, other = Policy(allow_origins=[APP]), Policy(allow_origins=[APP])
    assert one == other
    assert len({one, other, one}) == 1
    assert one != Policy(allow_origins=[APP], max_age=5)
    assert Policy(allow_origins=[APP, "https://b.test"]) != Policy(allow_origins=["https://b.test", APP])
    assert Policy(allow_origin_predicate=lambda _: True) != Policy(allow_origin_predicate=lambda _: True)
    assert one != APP
    assert weakref.ref(one)() is one


def test_a_copy_of_a_policy_is_the_policy() -> None:
    policy = Policy(allow_origins=[APP])
    assert copy.copy(policy) is policy
    assert copy.deepcopy({"policy": policy})["policy"] is policy


def test_a_policy_survives_pickling() -> None:
    policy = Policy(allow_origins=["https://*.example.com"], allow_credentials=True, max_age=60)
    restored = pickle.loads(pickle.dumps(policy))
    assert restored.to_mapping() == policy.to_mapping()
    assert restored.allows_origin("https://a.example.com")


def test_the_representation_names_what_differs_from_the_defaults_and_is_never_long() -> None:
    assert repr(Policy()) == "Policy()"
    assert repr(Policy(allow_origins=[APP], debug=True)) == f"Policy(allow_origins=('{APP}',), debug=True)"
    many = Policy(allow_origins=[f"https://n{number}.example.com" for number in range(100_000)])
    assert repr(many) == "Policy(allow_origins=<100000 entries>)"


def test_a_policy_as_data_is_what_differs_from_the_defaults() -> None:
    assert Policy().to_mapping() == {}
    arguments: dict[str, Any] = {
        "allow_origins": [APP],
        "allow_origin_regexes": [r"https://pr-[0-9]+\.example\.com"],
        "allow_methods": ["PUT"],
        "allow_headers": ["X-Foo"],
        "expose_headers": ["X-Bar"],
        "allow_credentials": True,
        "max_age": 60,
        "allow_timing": True,
        "debug": True,
    }
    assert Policy(**arguments).to_mapping() == arguments
    compiled = re.compile(r"https://pr-[0-9]+\.example\.com")
    assert Policy(allow_origin_regexes=[compiled]).to_mapping() == {"allow_origin_regexes": [compiled.pattern]}
    with pytest.raises(ValueError, match="allow_origin_predicate"):
        Policy(allow_origin_predicate=bool).to_mapping()


def test_a_policy_is_the_same_matcher_for_a_websocket_handshake() -> None:
    policy = Policy(allow_origins=["https://*.example.com"])
    assert policy.allows_origin("https://a.example.com")
    assert not policy.allows_origin("https://a.example.com.evil.test")
    assert not policy.allows_origin("")
    assert not policy.allows_any_origin
    assert Policy(allow_origins=["*"]).allows_any_origin


def test_an_allow_list_of_a_hundred_thousand_origins_is_a_policy() -> None:
    policy = Policy(allow_origins=(f"https://n{number}.example.com" for number in range(100_000)))
    assert policy.allows_origin("https://n99999.example.com")
    assert not policy.allows_origin("https://n100000.example.com")


def test_threads_may_share_a_policy() -> None:
    policy = Policy(allow_origins=["https://*.example.com"])
    wrong: list[str] = []

    def ask(thread: int) -> None:
        for number in range(2000):
            if not policy.allows_origin(f"https://t{thread}-{number}.example.com") or policy.allows_origin(
                f"https://t{thread}-{number}.example.org"
            ):
                wrong.append(f"{thread}-{number}")

    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


def test_a_policy_that_nobody_holds_is_freed() -> None:
    policy = Policy(allow_origins=["https://*.example.com"])
    assert policy.allows_origin("https://a.example.com")
    reference = weakref.ref(policy)
    del policy
    gc.collect()
    assert reference() is None
