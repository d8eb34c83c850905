"""What a request gets: DESIGN's "What it decides" as tables, one for each paragraph."""

from typing import Any

import pytest

from corecors import Decision, Kind, Policy, Reason, evaluate, preflight_headers, response_headers

APP = "https://app.example.com"
EVIL = "https://app.example.com.evil.test"
VARY_ACTUAL = {"Vary": "Origin"}
VARY_PREFLIGHT = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}

# What kind of request


@pytest.mark.parametrize(
    ("method", "origin", "request_method", "kind"),
    [
        pytest.param("GET", None, None, Kind.NOT_CORS, id="no Origin"),
        pytest.param("OPTIONS", None, "PUT", Kind.NOT_CORS, id="OPTIONS with a method and no Origin"),
        pytest.param("OPTIONS", APP, "PUT", Kind.PREFLIGHT, id="OPTIONS with Origin and a method"),
        pytest.param("OPTIONS", APP, "", Kind.PREFLIGHT, id="OPTIONS with Origin and an empty method"),
        pytest.param("OPTIONS", EVIL, "PUT", Kind.PREFLIGHT, id="OPTIONS from an origin that is not allowed"),
        pytest.param("OPTIONS", "", "PUT", Kind.PREFLIGHT, id="OPTIONS with an empty Origin"),
        pytest.param("OPTIONS", APP, None, Kind.ACTUAL, id="OPTIONS without a method"),
        pytest.param("options", APP, "PUT", Kind.ACTUAL, id="options in lower case"),
        pytest.param("GET", APP, None, Kind.ACTUAL, id="GET"),
        pytest.param("HEAD", APP, "PUT", Kind.ACTUAL, id="HEAD with a method"),
        pytest.param("POST", "", None, Kind.ACTUAL, id="an empty Origin"),
    ],
)
def test_a_request_is_a_preflight_by_its_method_and_two_headers_and_nothing_else(
    method: str, origin: str | None, request_method: str | None, kind: Kind
) -> None:
    for request_headers in (None, "", "x-foo"):
        decision = evaluate(Policy(allow_origins=[APP]), method, origin, request_method, request_headers)
        assert decision.kind is kind
        assert (decision.status is None) is (kind is not Kind.PREFLIGHT)
        assert (decision.reason is Reason.NOT_CORS) is (kind is Kind.NOT_CORS)
        assert decision.allowed or kind is not Kind.NOT_CORS  # there is nothing to refuse


# An actual response

FULL: dict[str, Any] = {"expose_headers": ["X-A", "X-B"], "allow_timing": True}
EXPOSED = {"Access-Control-Expose-Headers": "X-A, X-B"}
CREDENTIALED = {"Access-Control-Allow-Credentials": "true"}


@pytest.mark.parametrize(
    ("arguments", "origin", "expected"),
    [
        pytest.param({}, None, VARY_ACTUAL, id="nobody is allowed: no Origin"),
        pytest.param({}, APP, VARY_ACTUAL, id="nobody is allowed: an origin"),
        pytest.param({"allow_origins": ["*"]}, None, {"Access-Control-Allow-Origin": "*"}, id="anybody: no Origin"),
        pytest.param({"allow_origins": ["*"]}, APP, {"Access-Control-Allow-Origin": "*"}, id="anybody: an origin"),
        pytest.param({"allow_origins": ["*"]}, "null", {"Access-Control-Allow-Origin": "*"}, id="anybody: null"),
        pytest.param({"allow_origins": ["*"]}, "\r\n", {"Access-Control-Allow-Origin": "*"}, id="anybody: nonsense"),
        pytest.param(
            {"allow_origins": ["*"], **FULL},
            APP,
            {"Access-Control-Allow-Origin": "*", **EXPOSED, "Timing-Allow-Origin": "*"},
            id="anybody: exposed names and timing",
        ),
        pytest.param({"allow_origins": [APP]}, None, VARY_ACTUAL, id="a list: no Origin"),
        pytest.param({"allow_origins": [APP]}, EVIL, VARY_ACTUAL, id="a list: refused"),
        pytest.param({"allow_origins": [APP]}, "null", VARY_ACTUAL, id="a list: null"),
        pytest.param({"allow_origins": [APP]}, "", VARY_ACTUAL, id="a list: an empty Origin"),
        pytest.param(
            {"allow_origins": [APP]}, APP, {"Access-Control-Allow-Origin": APP, **VARY_ACTUAL}, id="a list: allowed"
        ),
        pytest.param(
            {"allow_origins": [APP], "allow_credentials": True, **FULL},
            APP,
            {
                "Access-Control-Allow-Origin": APP,
                **CREDENTIALED,
                **EXPOSED,
                **VARY_ACTUAL,
                "Timing-Allow-Origin": APP,
            },
            id="a list: credentials, exposed names and timing",
        ),
        pytest.param({"allow_origins": [APP], "allow_credentials": True, **FULL}, EVIL, VARY_ACTUAL, id="and refused"),
        pytest.param(
            {"allow_origins": [APP], "allow_credentials": True, **FULL}, None, VARY_ACTUAL, id="and no Origin"
        ),
        pytest.param(
            {"allow_origins": ["https://*.example.com"]},
            "https://a.b.example.com",
            {"Access-Control-Allow-Origin": "https://a.b.example.com", **VARY_ACTUAL},
            id="a pattern: the origin is echoed, never the pattern",
        ),
        pytest.param(
            {"dangerously_allow_null_origin": True},
            "null",
            {"Access-Control-Allow-Origin": "null", **VARY_ACTUAL},
            id="null where it is allowed",
        ),
        pytest.param(
            {"allow_origins": [APP], "max_age": 60, "allow_methods": ["PUT"], "allow_headers": ["X-C"]},
            APP,
            {"Access-Control-Allow-Origin": APP, **VARY_ACTUAL},
            id="nothing that belongs to preflights",
        ),
        pytest.param(
            {"allow_origins": [APP], "expose_headers": ["*"]},
            APP,
            {"Access-Control-Allow-Origin": APP, "Access-Control-Expose-Headers": "*", **VARY_ACTUAL},
            id="everything exposed",
        ),
    ],
)
def test_an_actual_response_gets(arguments: dict[str, Any], origin: str | None, expected: dict[str, str]) -> None:
    policy = Policy(**arguments)
    assert response_headers(policy, origin) == expected
    for method in ("GET", "DELETE", "OPTIONS", "made-up", ""):
        decision = evaluate(policy, method, origin)
        assert decision.headers == expected
        assert decision.status is None


# A preflight

BASE: dict[str, Any] = {"allow_origins": [APP]}
LISTS: dict[str, Any] = {"allow_methods": ["PUT", "patch"], "allow_headers": ["X-Foo", "Content-Type"], "max_age": 60}
SENT_LISTS = {
    "Access-Control-Allow-Methods": "PUT, patch",
    "Access-Control-Allow-Headers": "X-Foo, Content-Type",
    "Access-Control-Max-Age": "60",
}
ORIGIN = {"Access-Control-Allow-Origin": APP}
ANY = {"Access-Control-Allow-Origin": "*"}
STARS: dict[str, Any] = {"allow_methods": ["*"], "allow_headers": ["*"]}
WITH: dict[str, Any] = {"allow_credentials": True}

PASSING = [
    pytest.param(BASE | LISTS, "PUT", "x-foo", {**ORIGIN, **SENT_LISTS}, id="a listed method and name"),
    pytest.param(BASE | LISTS, "PUT", "", {**ORIGIN, **SENT_LISTS}, id="no names"),
    pytest.param(BASE | LISTS, "patch", "CONTENT-TYPE , x-foo", {**ORIGIN, **SENT_LISTS}, id="names in any case"),
    pytest.param(BASE | LISTS, "GET", "", {**ORIGIN, **SENT_LISTS}, id="GET, which is not listed"),
    pytest.param(BASE | LISTS, "HEAD", "", {**ORIGIN, **SENT_LISTS}, id="HEAD, which is not listed"),
    pytest.param(BASE | LISTS, "POST", "", {**ORIGIN, **SENT_LISTS}, id="POST, which is not listed"),
    pytest.param(BASE | {"allow_methods": []}, "POST", "", ORIGIN, id="POST, and no list at all"),
    pytest.param(
        BASE | LISTS | WITH, "PUT", "x-foo", {**ORIGIN, **CREDENTIALED, **SENT_LISTS}, id="lists beside credentials"
    ),
    pytest.param(
        BASE | STARS,
        "LOCK",
        "x-any,x-other",
        {**ORIGIN, "Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*"},
        id="wildcards are sent as wildcards",
    ),
    pytest.param(
        BASE | {"allow_headers": ["*", "Authorization"]},
        "GET",
        "authorization,x-any",
        {
            **ORIGIN,
            "Access-Control-Allow-Methods": "GET, HEAD, POST",
            "Access-Control-Allow-Headers": "*, Authorization",
        },
        id="Authorization beside a wildcard",
    ),
    pytest.param(
        BASE | STARS | WITH,
        "LOCK",
        "X-Any, authorization",
        {
            **ORIGIN,
            **CREDENTIALED,
            "Access-Control-Allow-Methods": "LOCK",
            "Access-Control-Allow-Headers": "x-any, authorization",
        },
        id="wildcards beside credentials: the request's own method and names",
    ),
    pytest.param(
        BASE | STARS | WITH,
        "GET",
        "",
        {**ORIGIN, **CREDENTIALED, "Access-Control-Allow-Methods": "GET"},
        id="wildcards beside credentials: no names",
    ),
    pytest.param({"allow_origins": ["*"]} | LISTS, "PUT", "x-foo", {**ANY, **SENT_LISTS}, id="any origin"),
    pytest.param(
        BASE | {"max_age": 0},
        "GET",
        "",
        {**ORIGIN, "Access-Control-Allow-Methods": "GET, HEAD, POST", "Access-Control-Max-Age": "0"},
        id="a max_age of 0 is sent",
    ),
    pytest.param(
        BASE | {"expose_headers": ["X-A"], "allow_timing": True},
        "GET",
        "",
        {**ORIGIN, "Access-Control-Allow-Methods": "GET, HEAD, POST"},
        id="nothing that belongs to actual responses",
    ),
]


@pytest.mark.parametrize(("arguments", "method", "names", "expected"), PASSING)
def test_a_preflight_that_passes_gets(
    arguments: dict[str, Any], method: str, names: str, expected: dict[str, str]
) -> None:
    for debug in (False, True):
        policy = Policy(**arguments, debug=debug)
        decision = evaluate(policy, "OPTIONS", APP, method, names)
        assert decision.kind is Kind.PREFLIGHT
        assert decision.allowed
        assert decision.reason is Reason.PREFLIGHT_PASSED
        assert decision.status == 204
        assert decision.headers == {**expected, **VARY_PREFLIGHT}
        assert preflight_headers(policy, APP, method, names) == decision.headers


# Origin, method, names, the reason, and with debug what the browser's console needs to name the step.
FAILING = [
    pytest.param(EVIL, "PUT", "", Reason.ORIGIN_NOT_ALLOWED, {}, id="an origin that is not listed"),
    pytest.param(APP + "/", "PUT", "", Reason.ORIGIN_MALFORMED, {}, id="no serialised origin"),
    pytest.param("", "PUT", "", Reason.ORIGIN_MALFORMED, {}, id="an empty origin"),
    pytest.param("null", "PUT", "", Reason.ORIGIN_NULL, {}, id="null"),
    pytest.param(EVIL, "P UT", "x foo", Reason.ORIGIN_NOT_ALLOWED, {}, id="everything wrong at once"),
    pytest.param(APP, "DELETE", "", Reason.METHOD_NOT_ALLOWED, {"M"}, id="a method that is not listed"),
    pytest.param(APP, "put", "", Reason.METHOD_NOT_ALLOWED, {"M"}, id="put for PUT"),
    pytest.param(APP, "PATCH", "", Reason.METHOD_NOT_ALLOWED, {"M"}, id="PATCH for patch"),
    pytest.param(APP, "PU", "", Reason.METHOD_NOT_ALLOWED, {"M"}, id="part of a method"),
    pytest.param(APP, "get", "", Reason.METHOD_NOT_ALLOWED, {"M"}, id="get is not safelisted"),
    pytest.param(APP, "*", "", Reason.METHOD_NOT_ALLOWED, {"M"}, id="a star for a method"),
    pytest.param(APP, "", "", Reason.METHOD_MALFORMED, {"M"}, id="an empty method"),
    pytest.param(APP, "PUT ", "", Reason.METHOD_MALFORMED, {"M"}, id="white space after the method"),
    pytest.param(APP, "PUT\n", "", Reason.METHOD_MALFORMED, {"M"}, id="a line feed after the method"),
    pytest.param(APP, "PUT,DELETE", "", Reason.METHOD_MALFORMED, {"M"}, id="two methods"),
    pytest.param(APP, "X" * 65, "", Reason.METHOD_MALFORMED, {"M"}, id="a method of 65 characters"),
    pytest.param(APP, "PUT", "x-bar", Reason.HEADER_NOT_ALLOWED, {"M", "H"}, id="a name that is not listed"),
    pytest.param(APP, "PUT", "x-foo,x-bar", Reason.HEADER_NOT_ALLOWED, {"M", "H"}, id="one of two"),
    pytest.param(APP, "PUT", "x-fo", Reason.HEADER_NOT_ALLOWED, {"M", "H"}, id="part of a name"),
    pytest.param(APP, "PUT", "*", Reason.HEADER_NOT_ALLOWED, {"M", "H"}, id="a star for a name"),
    pytest.param(APP, "GET", "authorization", Reason.HEADER_NOT_ALLOWED, {"M", "H"}, id="authorization"),
    pytest.param(APP, "PUT", "accept", Reason.HEADER_NOT_ALLOWED, {"M", "H"}, id="a safelisted name"),
    pytest.param(APP, "PUT", "x foo", Reason.HEADERS_MALFORMED, {"M", "H"}, id="no token"),
    pytest.param(APP, "PUT", "x-foo;x-bar", Reason.HEADERS_MALFORMED, {"M", "H"}, id="another separator"),
    pytest.param(APP, "PUT", "x-foo\r\nX: 1", Reason.HEADERS_MALFORMED, {"M", "H"}, id="a header after CR LF"),
    pytest.param(APP, "PUT", "x-foo,   x-foo", Reason.HEADERS_MALFORMED, {"M", "H"}, id="three bytes of white space"),
    pytest.param(APP, "PUT", "," * 17, Reason.HEADERS_MALFORMED, {"M", "H"}, id="too many empty elements"),
    pytest.param(APP, "PUT", "x-foo," * 12, Reason.HEADERS_MALFORMED, {"M", "H"}, id="longer than the names can be"),
    pytest.param(APP, "PUT", "," * 65536, Reason.HEADERS_MALFORMED, {"M", "H"}, id="64 KiB of commas"),
    pytest.param(APP, "PUT", "x-bar" * 20, Reason.HEADER_NOT_ALLOWED, {"M", "H"}, id="a long name that is not listed"),
    pytest.param(APP, "PUT", "x" * 5000, Reason.HEADERS_MALFORMED, {"M", "H"}, id="a name longer than is read"),
]


@pytest.mark.parametrize(("origin", "method", "names", "reason", "told"), FAILING)
def test_a_preflight_that_fails_gets_403_and_nothing_or_with_debug_204_and_the_lists_up_to_the_step_that_failed(
    origin: str, method: str, names: str, reason: Reason, told: set[str]
) -> None:
    for credentials in ({}, WITH):
        policy = Policy(**BASE, **LISTS, **credentials)
        decision = evaluate(policy, "OPTIONS", origin, method, names)
        assert (decision.kind, decision.allowed, decision.reason) == (Kind.PREFLIGHT, False, reason)
        assert decision.status == 403
        assert decision.headers == VARY_PREFLIGHT
        assert preflight_headers(policy, origin, method, names) == VARY_PREFLIGHT

        debugging = evaluate(Policy(**BASE, **LISTS, **credentials, debug=True), "OPTIONS", origin, method, names)
        assert (debugging.kind, debugging.allowed, debugging.reason) == (Kind.PREFLIGHT, False, reason)
        assert debugging.status == 204
        expected = dict(VARY_PREFLIGHT)
        if told:
            expected |= ORIGIN | (CREDENTIALED if credentials else {})
            expected["Access-Control-Allow-Methods"] = "PUT, patch"
        if "H" in told:
            expected["Access-Control-Allow-Headers"] = "X-Foo, Content-Type"
        assert debugging.headers == expected


@pytest.mark.parametrize(
    ("arguments", "method", "names", "reason", "told"),
    [
        pytest.param(STARS, "GET", "authorization", Reason.HEADER_NOT_ALLOWED, ("*", None), id="not Authorization"),
        pytest.param(STARS, "GET", "x-a,Authorization", Reason.HEADER_NOT_ALLOWED, ("*", None), id="in any case"),
        pytest.param(STARS, "P UT", "", Reason.METHOD_MALFORMED, (None, None), id="any method, but a token"),
        pytest.param(STARS, "M" * 65, "", Reason.METHOD_MALFORMED, (None, None), id="and bounded, in debug too"),
        pytest.param(STARS | WITH, "P UT", "", Reason.METHOD_MALFORMED, (None, None), id="and never echoed"),
        pytest.param(STARS | WITH, "PUT", "x foo", Reason.HEADERS_MALFORMED, ("PUT", None), id="any names, but tokens"),
        pytest.param(STARS | WITH, "PUT", "x" * 4097, Reason.HEADERS_MALFORMED, ("PUT", None), id="and bounded"),
        pytest.param(STARS | WITH, "*", "", None, ("*", None), id="a star is a token"),
    ],
)
def test_a_wildcard_stands_for_what_is_well_formed(
    arguments: dict[str, Any], method: str, names: str, reason: Reason | None, told: tuple[str | None, str | None]
) -> None:
    decision = evaluate(Policy(**BASE, **arguments), "OPTIONS", APP, method, names)
    assert decision.allowed is (reason is None)
    assert reason is None or decision.reason is reason
    debugging = evaluate(Policy(**BASE, **arguments, debug=True), "OPTIONS", APP, method, names)
    sent = (
        debugging.headers.get("Access-Control-Allow-Methods"),
        debugging.headers.get("Access-Control-Allow-Headers"),
    )
    assert sent == told


def test_a_failing_preflight_shows_no_list_of_headers_where_there_is_none() -> None:
    policy = Policy(**BASE, debug=True)
    answer = evaluate(policy, "OPTIONS", APP, "GET", "x-foo").headers
    assert answer == {**ORIGIN, "Access-Control-Allow-Methods": "GET, HEAD, POST", **VARY_PREFLIGHT}


def test_what_was_asked_is_carried() -> None:
    policy = Policy(**BASE)
    for origin in (APP, EVIL):
        decision = evaluate(policy, "DELETE", origin)
        assert (decision.origin, decision.method, decision.disallowed_headers) == (origin, "DELETE", ())
        decision = evaluate(policy, "OPTIONS", origin, "DELETE")
        assert (decision.origin, decision.method, decision.disallowed_headers) == (origin, "DELETE", ())


def test_a_method_may_have_sixty_four_characters() -> None:
    for methods in (["*"], ["X" * 64]):
        assert evaluate(Policy(**BASE, allow_methods=methods), "OPTIONS", APP, "X" * 64).allowed


def test_a_preflight_without_a_list_of_names_asks_for_none() -> None:
    policy = Policy(**BASE, **LISTS)
    assert preflight_headers(policy, APP, "PUT") == preflight_headers(policy, APP, "PUT", "")
    assert evaluate(policy, "OPTIONS", APP, "PUT").headers == preflight_headers(policy, APP, "PUT")


def test_all_names_that_are_not_allowed_are_carried() -> None:
    policy = Policy(**BASE, allow_headers=["X-Foo"])
    assert evaluate(policy, "OPTIONS", APP, "GET", "x-foo,X-Bar,x-baz").disallowed_headers == ("x-bar", "x-baz")
    assert evaluate(Policy(**BASE, **STARS), "OPTIONS", APP, "GET", "x-a,Authorization").disallowed_headers == (
        "authorization",
    )
    assert evaluate(policy, "OPTIONS", APP, "GET", "x-foo").disallowed_headers == ()
    assert evaluate(policy, "OPTIONS", APP, "PUT", "x-bar,x-bar").disallowed_headers == ("x-bar",)
    assert evaluate(policy, "OPTIONS", APP, "GET", "x bar").disallowed_headers == ()
    assert evaluate(policy, "OPTIONS", EVIL, "GET", "x-bar").disallowed_headers == ("x-bar",)


def test_private_network_access_never_fails_a_preflight_and_is_never_answered() -> None:
    decision = evaluate(Policy(**BASE), "OPTIONS", APP, "GET", "")
    assert decision.allowed
    assert not any("Private-Network" in name for name in decision.headers)


def test_every_answer_is_new_and_changing_one_changes_no_other() -> None:
    policy = Policy(**BASE, **LISTS, expose_headers=["X-A"])
    makers = [
        lambda: response_headers(policy, APP),
        lambda: response_headers(policy, None),
        lambda: preflight_headers(policy, APP, "PUT", "x-foo"),
        lambda: preflight_headers(policy, EVIL, "PUT"),
        lambda: evaluate(policy, "GET", APP).headers,
        lambda: evaluate(policy, "OPTIONS", APP, "PUT").headers,
        lambda: evaluate(policy, "GET", None).headers,
    ]
    for make in makers:
        before = dict(make())
        make().clear()
        make()["X"] = "1"
        assert make() == before


# The explanation

SAID = [
    pytest.param(("GET", None), "not a CORS request", id="not CORS"),
    pytest.param(("GET", APP), "is allowed", id="allowed"),
    pytest.param(("OPTIONS", APP, "PUT"), "The preflight passes", id="a preflight that passes"),
    pytest.param(("GET", APP + "/"), "trailing slash", id="malformed"),
    pytest.param(("GET", "null"), "identifies nobody", id="null"),
    pytest.param(("GET", EVIL), "add it to allow_origins", id="an origin that is not allowed"),
    pytest.param(("OPTIONS", APP, "P UT"), "not a method name", id="a malformed method"),
    pytest.param(("OPTIONS", APP, "put"), "case-sensitive", id="a method that is not allowed"),
    pytest.param(("OPTIONS", APP, "PUT", "a b"), "not a list of header names", id="a malformed list"),
    pytest.param(("OPTIONS", APP, "PUT", "x-bar"), "'x-bar' is not allowed", id="a name that is not allowed"),
]


@pytest.mark.parametrize(("request_", "said"), SAID)
def test_a_decision_explains_itself(request_: tuple[Any, ...], said: str) -> None:
    assert said in evaluate(Policy(**BASE, **LISTS), *request_).explain()


def test_authorization_under_a_wildcard_has_an_explanation_of_its_own() -> None:
    said = evaluate(Policy(**BASE, **STARS), "OPTIONS", APP, "GET", "Authorization").explain()
    assert "['*', 'Authorization']" in said


def test_every_reason_has_its_explanation() -> None:
    for reason in Reason:
        assert len(Decision(Kind.ACTUAL, True, (), reasons=(reason,)).explain()) > 20


def test_all_reasons_are_told_at_once_with_the_line_that_the_browser_waits_for() -> None:
    decision = evaluate(Policy(**BASE), "OPTIONS", EVIL, "BREW", "authorization,content-type,x-token")
    assert decision.reason is Reason.ORIGIN_NOT_ALLOWED
    assert decision.reasons == (Reason.ORIGIN_NOT_ALLOWED, Reason.METHOD_NOT_ALLOWED, Reason.HEADER_NOT_ALLOWED)
    assert decision.disallowed_headers == ("authorization", "content-type", "x-token")
    said = decision.explain()
    assert EVIL in said
    assert "'BREW'" in said
    assert said.endswith("Access-Control-Allow-Headers: authorization, content-type, x-token")


def test_the_predicate_is_not_asked_again_when_somebody_asks_why() -> None:
    asked: list[str] = []
    policy = Policy(allow_origin_predicate=lambda origin: asked.append(origin) or True, allow_methods=["GET"])
    decision = evaluate(policy, "OPTIONS", EVIL, "BREW")
    assert decision.reasons == (Reason.METHOD_NOT_ALLOWED,)
    decision.explain()
    assert asked == [EVIL]


def test_a_decision_is_a_value() -> None:
    policy, same = Policy(**BASE), Policy(**BASE)
    one, other = evaluate(policy, "GET", APP), evaluate(same, "GET", APP)
    assert one == other
    assert len({one, other, evaluate(policy, "GET", EVIL)}) == 2
    assert one != evaluate(policy, "PUT", APP)
    for name in ("kind", "allowed", "status", "lines", "reason", "origin", "method"):
        with pytest.raises(AttributeError):
            setattr(one, name, None)


def test_a_predicates_answer_that_was_got_elsewhere_is_taken() -> None:
    async def allowed(origin: str) -> bool:
        return True

    policy = Policy(allow_origins=[APP], allow_origin_predicate=allowed)
    assert evaluate(policy, "GET", EVIL, predicate=True).allowed
    assert evaluate(policy, "OPTIONS", EVIL, "GET", predicate=True).allowed
    assert not evaluate(policy, "GET", EVIL, predicate=False).allowed
    assert evaluate(policy, "GET", APP, predicate=False).allowed
    for malformed in ("null", "x", "https://a.test/"):
        assert not evaluate(policy, "GET", malformed, predicate=True).allowed
    with pytest.raises(TypeError, match="asynchronous"):
        evaluate(policy, "GET", EVIL)


@pytest.mark.parametrize("status", [200, 204])
def test_a_preflight_that_passes_has_the_status_of_the_policy(status: int) -> None:
    policy = Policy(**BASE, preflight_status=status)
    assert evaluate(policy, "OPTIONS", APP, "GET").status == status
    assert evaluate(policy, "OPTIONS", EVIL, "GET").status == 403


@pytest.mark.parametrize("nasty", ["\r\n\x1b[31m\x00", "\ud800\u202e", "x" * 1_000_000, "'\"\\"])
def test_an_explanation_is_printable_and_short_whatever_was_received(nasty: str) -> None:
    policy = Policy(**BASE, debug=True)
    for decision in [
        evaluate(policy, nasty, nasty, nasty, nasty),
        evaluate(policy, "OPTIONS", APP, nasty, nasty),
        evaluate(policy, "OPTIONS", APP, "GET", nasty),
    ]:
        said = decision.explain()
        assert said.isascii()
        assert said.isprintable()
        assert len(said) < 500
