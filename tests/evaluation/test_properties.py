"""What holds for every policy and every request, whatever text the request is made of."""

from collections.abc import Callable
from functools import partial
from typing import Any

import naive_matcher
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from wsgi_exchange import environ_of

from corecors import Kind, Policy, evaluate, is_same_origin, preflight_headers, response_headers
from corecors._decisions.headers import is_token
from corecors.adapters.wsgi import CORSMiddleware

ENTRIES = [
    "https://app.example.com",
    "https://app.example.com:8443",
    "https://*.example.org",
    "https://*.a.example.org:8443",
    "https://*.example.net:*",
    "http://localhost:*",
    "http://127.0.0.1",
    "http://[::1]:*",
    "capacitor://localhost",
]
REGEXES = [r"https://pr-[0-9]+\.preview\.example\.com", r"https://([a-z]+\.)?staging\.test(:[0-9]+)?"]
METHODS = ["GET", "PUT", "DELETE", "PATCH", "patch", "X-LOCK"]
NAMES = ["Content-Type", "X-Foo", "X-Bar-Baz", "Authorization"]


def some(values: list[str], star: list[str] | None = None) -> st.SearchStrategy[list[str]]:
    lists = st.lists(st.sampled_from(values), max_size=4, unique=True)
    return lists if star is None else lists | st.just(star)


def starts_with_https(origin: str) -> bool:
    return origin.startswith("https://t")


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "allow_origins": some(ENTRIES),
        "allow_origin_regexes": some(REGEXES),
        "allow_origin_predicate": st.just(starts_with_https),
        "allow_methods": some(METHODS, ["*"]),
        "allow_headers": some(NAMES, ["*"]) | st.just(["*", "Authorization"]),
        "expose_headers": some(NAMES),
        "allow_credentials": st.booleans(),
        "max_age": st.integers(0, 86_400),
        "allow_timing": st.booleans(),
        "debug": st.booleans(),
    },
) | st.fixed_dictionaries({"allow_origins": st.just(["*"])}, optional={"allow_headers": some(NAMES, ["*"])})

ANY_TEXT = st.text(max_size=60) | st.sampled_from(["", "null", "*", "\r\n", "\ud800", "x" * 100_000, "," * 70_000])
AIMED_ORIGINS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http", "capacitor", "HTTPS"]),
    st.sampled_from(["", "a.", "b.a.", ".", "a..", "*.", "pr-1.preview.", "evil", "-.", "_."]),
    st.sampled_from(
        """app.example.com example.org a.example.org example.net localhost 127.0.0.1 [::1] example.com staging.test
        tenant.test preview.example.com app.example.com.evil.test""".split()
    ),
    st.sampled_from(["", ":8443", ":443", ":80", ":0", ":65536", ".", "/", ":", "@a"]),
)
ORIGINS = AIMED_ORIGINS | st.sampled_from([entry for entry in ENTRIES if "*" not in entry]) | ANY_TEXT
METHOD_TEXTS = st.sampled_from([*METHODS, "OPTIONS", "get", "PUT ", "TRACE"]) | ANY_TEXT
NAME_LISTS = st.lists(st.sampled_from([*NAMES, *map(str.lower, NAMES), "", " ", "x bar"]), max_size=5).map(",".join)
REQUESTS = st.tuples(METHOD_TEXTS, st.none() | ORIGINS, st.none() | METHOD_TEXTS, st.none() | NAME_LISTS | ANY_TEXT)
THOROUGH = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
Request = tuple[str, str | None, str | None, str | None]


@THOROUGH
@given(ARGUMENTS, REQUESTS)
@example({"debug": True, "allow_methods": ["*"], "allow_credentials": True}, ("OPTIONS", "null", "P\r\nUT", "a\r\nb"))
def test_every_request_gets_a_decision_and_the_same_one_again(arguments: dict[str, Any], request: Request) -> None:
    policy = Policy(**arguments)
    decision = evaluate(policy, *request)
    assert evaluate(policy, *request) == decision
    assert evaluate(Policy(**arguments), *request) == decision
    assert decision.explain().isprintable()
    _, origin, request_method, request_headers = request
    if decision.kind is Kind.PREFLIGHT:
        assert origin is not None
        assert preflight_headers(policy, origin, request_method or "", request_headers or "") == decision.headers
        assert decision.status == (204 if decision.allowed or policy.debug else 403)
    else:
        assert response_headers(policy, origin) == decision.headers
        assert decision.status is None
    if decision.kind is Kind.ACTUAL:
        assert origin is not None
        assert decision.allowed is policy.allows_origin(origin)


@THOROUGH
@given(ARGUMENTS, REQUESTS)
def test_nothing_leaves_that_was_not_configured_or_is_well_formed(arguments: dict[str, Any], request: Request) -> None:
    policy = Policy(**arguments)
    _, origin, request_method, request_headers = request
    decision = evaluate(policy, *request)
    answer = decision.headers
    for name, value in answer.items():
        assert is_token(name)
        assert value
        assert value.isascii()
        assert value.isprintable()
    allowed = answer.get("Access-Control-Allow-Origin")
    if allowed == "*":
        assert policy.allows_any_origin
        assert "Access-Control-Allow-Credentials" not in answer
    elif allowed is not None:
        assert allowed == origin
        assert policy.allows_origin(origin)
    assert answer.get("Timing-Allow-Origin") in (None, allowed)
    assert answer.get("Access-Control-Allow-Credentials") in (None, "true" if policy.allow_credentials else None)
    methods = set(filter(None, answer.get("Access-Control-Allow-Methods", "").split(", ")))
    names = set(filter(None, answer.get("Access-Control-Allow-Headers", "").split(", ")))
    asked_names = {name.strip(" \t").lower() for name in (request_headers or "").split(",")}
    if policy.allow_credentials and "*" in policy.allow_methods:
        assert methods <= {request_method}
    else:
        assert methods <= set(policy.allow_methods)
    if policy.allow_credentials and "*" in policy.allow_headers:
        assert names <= asked_names
    else:
        assert names <= set(policy.allow_headers)
    assert all(map(is_token, methods | names))
    assert (answer.get("Vary") is None) is (policy.allows_any_origin and decision.kind is not Kind.PREFLIGHT)
    if allowed is None:
        assert set(answer) == {"Vary"}


@THOROUGH
@given(ARGUMENTS, st.lists(ORIGINS, max_size=8))
def test_a_policy_lets_in_whom_the_naive_matcher_does(arguments: dict[str, Any], origins: list[str]) -> None:
    policy = Policy(**arguments)
    for origin in [*origins, *ENTRIES]:
        expected = naive_matcher.matches(
            origin, policy.allow_origins, arguments.get("allow_origin_regexes", []), policy.allow_origin_predicate
        )
        assert policy.allows_origin(origin) is expected
        assert ("Access-Control-Allow-Origin" in response_headers(policy, origin)) is expected
        assert evaluate(policy, "OPTIONS", origin, "GET").allowed is expected


@THOROUGH
@given(ARGUMENTS, st.sampled_from(ENTRIES), REQUESTS)
def test_allowing_more_never_refuses_what_was_allowed(arguments: dict[str, Any], added: str, request: Request) -> None:
    if arguments.get("allow_origins") == ["*"]:
        return
    more = arguments | {"allow_origins": [*arguments.get("allow_origins", []), added]}
    insecure = {"dangerously_allow_insecure_origins": True}
    before, after = Policy(**arguments), Policy(**more, **insecure)
    assert evaluate(after, *request).allowed >= evaluate(before, *request).allowed
    for field, wider in (("allow_methods", ["*"]), ("allow_headers", ["*", "Authorization"])):
        widened = Policy(**(arguments | {field: wider}))
        assert evaluate(widened, *request).allowed >= evaluate(before, *request).allowed


@THOROUGH
@given(ARGUMENTS, st.randoms(use_true_random=False), REQUESTS)
def test_the_order_of_a_list_never_matters(arguments: dict[str, Any], random: Any, request: Request) -> None:
    shuffled = dict(arguments)
    for field, value in arguments.items():
        if isinstance(value, list):
            shuffled[field] = random.sample(value, len(value))
    one, other = evaluate(Policy(**arguments), *request), evaluate(Policy(**shuffled), *request)
    assert (one.kind, one.allowed, one.reason, one.status) == (other.kind, other.allowed, other.reason, other.status)
    assert {name: set(value.split(", ")) for name, value in one.headers.items()} == {
        name: set(value.split(", ")) for name, value in other.headers.items()
    }


def latin_1(texts: st.SearchStrategy[str | None]) -> st.SearchStrategy[str | None]:
    return texts.filter(lambda text: text is None or all(ord(character) < 256 for character in text))


@settings(THOROUGH, max_examples=100)
@given(
    ARGUMENTS,
    st.lists(
        st.tuples(METHOD_TEXTS, latin_1(st.none() | ORIGINS), latin_1(st.none() | METHOD_TEXTS), latin_1(NAME_LISTS)),
        max_size=6,
    ),
)
def test_the_adapter_answers_what_the_pure_functions_say(arguments: dict[str, Any], requests: list[Request]) -> None:
    policy = Policy(**arguments)

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    def keep(got: list[Any], status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        got.append((status, headers))

    app = CORSMiddleware(application, policy, rejections=None)
    for method, origin, request_method, request_headers in [*requests, *requests]:
        decision = evaluate(policy, method, origin, request_method, request_headers)
        given = {
            "Origin": origin,
            "Access-Control-Request-Method": request_method,
            "Access-Control-Request-Headers": request_headers,
        }
        got: list[tuple[str, list[tuple[str, str]]]] = []
        environ = environ_of(method, "/", [(name, value) for name, value in given.items() if value is not None])
        list(app(environ, partial(keep, got)))
        ((status, headers),) = got
        assert int(status[:3]) == (200 if decision.status is None else decision.status)
        answer = {name: value for name, value in headers if name not in ("Content-Type", "Content-Length")}
        assert answer == decision.headers
        assert len(headers) == len(dict(headers))


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "fetch_site", "expected"),
    [
        pytest.param("https://a.com", "https", "a.com", None, True, id="the same"),
        pytest.param("https://a.com", "https", "a.com:443", None, True, id="the default port in Host"),
        pytest.param("http://a.com", "http", "a.com:80", None, True, id="the default port of http in Host"),
        pytest.param("https://a.com:8443", "https", "a.com:8443", None, True, id="another port"),
        pytest.param("https://a.com", "http", "a.com", None, True, id="TLS that ended before"),
        pytest.param("http://a.com", "https", "a.com", None, False, id="a page on http"),
        pytest.param("https://a.com", "https", "b.com", None, False, id="another host"),
        pytest.param("https://a.com:8443", "https", "a.com", None, False, id="another port than the page's"),
        pytest.param("https://a.com", "https", "a.com:80", None, False, id="the default port of the other scheme"),
        pytest.param("http://a.com", "http", "a.com:443", None, False, id="and the other way round"),
        pytest.param("null", "https", "a.com", None, False, id="null"),
        pytest.param("https://b.com", "https", "a.com", "same-origin", True, id="the browser says so"),
        pytest.param("https://a.com", "https", "a.com", "same-site", False, id="the browser says same-site"),
        pytest.param("https://a.com", "https", "a.com", "cross-site", False, id="the browser says cross-site"),
        pytest.param("https://a.com", "https", "a.com", "", False, id="an empty header"),
    ],
)
def test_a_request_from_the_servers_own_origin_is_told(
    origin: str, scheme: str, host: str, fetch_site: str | None, expected: bool
) -> None:
    assert is_same_origin(origin, scheme, host, fetch_site) is expected
