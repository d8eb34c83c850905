"""How other CORS code was broken, each way once, where a user would meet it: through the WSGI adapter or in a policy.

A test is named after the advisory that tells of it.
"""

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from wsgi_exchange import Application, asked, environ_of

from corecors import (
    PathPolicies,
    Policy,
    PolicyError,
    RejectionLog,
    evaluate,
    parse_pattern,
    preflight_headers,
    response_headers,
)
from corecors.adapters.wsgi import CORSMiddleware

APP = "https://app.example.com"
EVIL = "https://evil.test"


def serving(policy: Policy | PathPolicies, application: Any = None, **options: Any) -> CORSMiddleware:
    return CORSMiddleware(application or Application(), policy, **{"rejections": RejectionLog(), **options})


def get(app: Any, path: str = "/", **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of a GET; `origin="..."` stands for the header Origin, `a_b` for A-B."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    status, answer = asked(app, environ_of("GET", path, named))
    return status, dict(answer)


def preflight(app: Any, origin: str, method: str = "GET", names: str | None = None, path: str = "/") -> tuple[int, Any]:
    headers = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if names is not None:
        headers.append(("Access-Control-Request-Headers", names))
    status, answer = asked(app, environ_of("OPTIONS", path, headers))
    return status, dict(answer)


def lets_in(app: Any, origin: str, path: str = "/") -> bool:
    allowed = get(app, path, origin=origin)[1].get("Access-Control-Allow-Origin") in (origin, "*")
    assert (preflight(app, origin, path=path)[0] == 204) is allowed or path != "/"
    return allowed


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


PATHS = PathPolicies(
    {
        "/public": Policy(allow_origins=["*"]),
        "/public/internal": Policy(allow_origins=[APP]),
        "/admin": Policy(),
    }
)


@pytest.mark.parametrize(
    "path",
    ["/public/../admin", "/public/%2e%2e/admin", "/public//../admin", "/public\\..\\admin", "/public/..", "//public"],
)
def test_cve_2020_25032_a_path_that_is_not_canonical_never_gets_another_paths_policy(path: str) -> None:
    app = serving(PATHS)
    assert lets_in(app, EVIL, "/public/x")
    assert not lets_in(app, EVIL, path)
    assert not lets_in(app, EVIL, "/admin")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/x\r\nCORS refused GET /forged", {"origin": EVIL}, id="in the path"),
        pytest.param("/x", {"origin": f"{EVIL}\r\nCORS refused GET /forged"}, id="in the origin"),
        pytest.param("/x\x1b[2K\x85\x00", {"origin": "\x1b[2K\x85\x00"}, id="other control characters"),
    ],
)
def test_cve_2024_1681_line_breaks_in_a_request_make_one_line_in_the_log(
    path: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    get(serving(Policy(allow_origins=[APP])), path, **headers)
    (message,) = messages(caplog)
    assert message.isprintable()
    assert message.isascii()
    for value in vars(caplog.records[0]).values():
        assert not isinstance(value, str) or value.isprintable()


def test_cve_2024_6221_private_network_access_is_never_granted() -> None:
    app = serving(Policy(allow_origins=["*"]))
    headers = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Private-Network", "true"),
        ("Access-Control-Request-Local-Network", "true"),
    ]
    status, answer = asked(app, environ_of("OPTIONS", "/", headers))
    assert status == 204
    assert not any("network" in name.lower() for name, _ in answer)


def test_cve_2024_6839_the_most_specific_path_is_the_one_with_the_most_segments() -> None:
    policies = {
        "/a": Policy(allow_origins=["https://a.test"]),
        "/a/b": Policy(allow_origins=["https://b.test"]),
        "/averylongfirstsegmentwithoutanotherone": Policy(allow_origins=["https://long.test"]),
    }
    for order in (policies, dict(reversed(policies.items()))):
        app = serving(PathPolicies(order))
        assert [lets_in(app, f"https://{name}.test", "/a/b/c") for name in ("a", "b", "long")] == [False, True, False]
        assert [lets_in(app, f"https://{name}.test", "/a/c") for name in ("a", "b", "long")] == [True, False, False]
        assert not any(lets_in(app, f"https://{name}.test", "/ab") for name in ("a", "b", "long"))


def test_cve_2024_6844_a_plus_is_a_plus_and_a_path_is_decoded_once() -> None:
    app = serving(PathPolicies({"/a b": Policy(allow_origins=["*"]), "/c+d": Policy(allow_origins=["*"])}))
    assert lets_in(app, EVIL, "/a b")
    assert lets_in(app, EVIL, "/c+d")
    assert not lets_in(app, EVIL, "/a+b")
    assert not lets_in(app, EVIL, "/c d")
    assert not lets_in(app, EVIL, "/a%20b")  # what a server hands over when the client sent %2520


def test_cve_2024_6866_paths_are_compared_with_regard_to_case() -> None:
    app = serving(PATHS)
    assert lets_in(app, EVIL, "/public")
    for path in ("/Public", "/PUBLIC", "/\u0070ublic".upper()):
        assert not lets_in(app, EVIL, path)
    governed = PathPolicies({"/Admin": Policy(allow_origins=["*"])})
    assert not lets_in(serving(governed), EVIL, "/admin")


def test_cve_2026_37737_and_cve_2026_40110_a_regex_is_matched_to_the_end() -> None:
    app = serving(Policy(allow_origin_regexes=[r"https://ok\.com", r"https://pr-[0-9]+\.example\.com"]))
    assert lets_in(app, "https://ok.com")
    for origin in ["https://ok.com.evil.io", "https://ok.com:8443", "https://pr-1.example.com.evil.io"]:
        assert not lets_in(app, origin)


def test_cve_2017_11173_and_cve_2022_1996_a_literal_is_never_a_regex() -> None:
    app = serving(Policy(allow_origins=["https://example.com"]))
    for origin in ["https://example.com.evil.io", "https://evil.io/https://example.com", "https://exampleXcom.io"]:
        assert not lets_in(app, origin)
    with pytest.raises(PolicyError, match="allow_origin_regexes"):
        Policy(allow_origins=[r"https://example\.com"])


def test_cve_2026_25478_a_dot_is_a_dot() -> None:
    app = serving(Policy(allow_origins=["https://app.example.com", "https://*.example.com"]))
    for origin in ["https://appXexample.com", "https://appxexample.com", "https://app.exampleXcom"]:
        assert not lets_in(app, origin)
        assert not lets_in(app, origin.lower())
    with pytest.raises(PolicyError, match=r"https://app\\\.example\\\.com"):
        Policy(allow_origin_regexes=["https://app.example.com"])


def test_cve_2024_27302_and_cve_2023_36829_a_suffix_ends_at_a_label() -> None:
    app = serving(Policy(allow_origins=["https://victim.com", "https://*.victim.com"]))
    assert lets_in(app, "https://a.victim.com")
    for origin in ["https://evil-victim.com", "https://evilvictim.com", "https://xvictim.com:443"]:
        assert not lets_in(app, origin)


def test_cve_2025_50864_no_substring_in_either_direction_matches() -> None:
    app = serving(Policy(allow_origins=["https://example.com"]))
    for origin in ["https://example.co", "https://notexample.com", "example.com", "https://example.com.evil.test", "h"]:
        assert not lets_in(app, origin)
    with pytest.raises(PolicyError, match="one string where a list belongs"):
        Policy(allow_origins="https://example.com")


def test_cve_2019_25211_a_star_at_the_end_is_refused() -> None:
    for entry in ["https://example.com*", "https://example.*", "example.com*"]:
        with pytest.raises(PolicyError):
            Policy(allow_origins=[entry])
    assert not lets_in(serving(Policy(allow_origins=["https://example.com"])), "https://example.community")


def test_ghsa_vhxv_fg4m_p2w8_two_entries_admit_no_mixture_of_them() -> None:
    app = serving(Policy(allow_origins=["https://foo.com", "https://bar.com"]))
    assert not lets_in(app, "https://barfoo.com")
    assert not lets_in(app, "https://foobar.com")
    app = serving(Policy(allow_origins=["https://*.foo.com", "https://*.bar.com"]))
    assert not lets_in(app, "https://barfoo.com")
    assert not lets_in(app, "https://a.barfoo.com")


def test_fiber_pr_4438_and_rs_cors_pr_222_a_wildcard_never_matches_raw_text() -> None:
    app = serving(Policy(allow_origins=["https://*.example.com", "http://localhost:*"]))
    for origin in [
        "https://evil.com:any.example.com",
        "https://evil.com,https://a.example.com",
        "https://a.example.com,https://evil.com",
        "https://evil.com, https://a.example.com",
        "https://evil.com/.example.com",
        "https://evil.com?.example.com",
        "https://evil.com#.example.com",
        "https://evil.com@a.example.com",
        "http://localhost:evil.com",
        "http://localhost:1,https://evil.com",
    ]:
        assert not lets_in(app, origin)


@pytest.mark.parametrize(
    "anyone",
    [
        pytest.param({"allow_origins": ["*"]}, id="a star"),
        pytest.param({"allow_origins": ["*", APP]}, id="a star beside an origin"),
        pytest.param({"allow_origins": ["h*"]}, id="a near-wildcard"),
        pytest.param({"allow_origins": ["http*"]}, id="another"),
        pytest.param({"allow_origins": ["https://*"]}, id="any host"),
        pytest.param({"allow_origins": ["*://*"]}, id="any scheme and host"),
        pytest.param({"allow_origins": ["https://*.*"]}, id="any label below any label"),
        pytest.param({"allow_origin_regexes": [".*"]}, id="the regex .*"),
        pytest.param({"allow_origin_regexes": ["^.*$"]}, id="the regex ^.*$"),
        pytest.param({"allow_origin_regexes": [".+"]}, id="the regex .+"),
        pytest.param({"allow_origin_regexes": ["https?://.*"]}, id="the regex https?://.*"),
        pytest.param({"allow_origin_regexes": ["https://.+"]}, id="the regex https://.+"),
        pytest.param({"allow_origin_regexes": [r"https://[\w.-]+"]}, id="a regex for any host name"),
        pytest.param({"allow_origin_regexes": ["(a|.)*"]}, id="a regex that takes a detour"),
    ],
)
def test_cve_2018_20744_2024_25124_2026_54290_2023_49803_2021_39185_2018_8014_nobody_reflects_anyone(
    anyone: dict[str, Any],
) -> None:
    with pytest.raises(PolicyError):
        Policy(**anyone, allow_credentials=True)


def test_the_same_advisories_a_star_without_credentials_stays_a_star() -> None:
    for policy in [Policy(allow_origins=["*"]), Policy(allow_origin_regexes=[".*"])]:
        for origin in [APP, "null", EVIL]:
            answer = get(serving(policy), origin=origin)[1]
            assert answer["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(Policy(allow_origins=[APP], allow_credentials=True), id="a list"),
        pytest.param(Policy(allow_origins=["https://*.example.com", "http://localhost:*"]), id="patterns"),
        pytest.param(Policy(allow_origin_regexes=[r"https://[a-z]+\.example\.com"]), id="a regex"),
        pytest.param(Policy(allow_origin_predicate=lambda origin: True), id="a predicate that says yes"),
    ],
)
def test_cve_2024_47165_and_cve_2019_9580_null_is_never_accepted_unless_it_is_named(policy: Policy) -> None:
    for origin in ["null", "Null", "NULL"]:
        assert not lets_in(serving(policy), origin)
    for entry in ["null", "file://", "data:", "about:blank"]:
        with pytest.raises(PolicyError):
            Policy(allow_origins=[entry])


@pytest.mark.parametrize("cookie", [None, "session=1", "a=b; " * 100])
@pytest.mark.parametrize("authorization", [None, "Basic eDp5"])
def test_cve_2024_47084_the_decision_does_not_look_at_cookies(cookie: str | None, authorization: str | None) -> None:
    app = serving(Policy(allow_origins=[APP], allow_credentials=True))
    given = {"cookie": cookie, "authorization": authorization}
    headers = {name: value for name, value in given.items() if value is not None}
    assert get(app, origin=EVIL, **headers)[1].get("Access-Control-Allow-Origin") is None
    assert get(app, origin=APP, **headers)[1]["Access-Control-Allow-Origin"] == APP
    assert get(app, host="app.example.com", origin=EVIL, **headers)[1].get("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize("names", ["," * 65536, " " * 65536, "\t," * 32768, "x-foo," * 10923, "a" * 65536])
@pytest.mark.parametrize("arguments", [{"allow_headers": ["X-Foo"]}, {"allow_headers": ["*"]}, {"debug": True}])
def test_cve_2025_47908_and_cve_2026_69207_a_hostile_list_of_names_costs_bounded_memory(
    names: str, arguments: dict[str, Any]
) -> None:
    policy = Policy(allow_origins=[APP], **arguments)
    calls: list[Callable[[], object]] = [
        lambda: preflight_headers(policy, APP, "GET", names),
        lambda: evaluate(policy, "OPTIONS", APP, "GET", names),
        lambda: policy.preflight_lines(APP, "GET", names),
    ]
    for call in calls:
        call()
        tracemalloc.start()
        try:
            call()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 8192  # bytes; the list itself would be a megabyte
    assert not evaluate(policy, "OPTIONS", APP, "GET", names).allowed


def test_cve_2025_71381_and_cve_2017_7674_vary_is_the_responses_own_and_always_there() -> None:
    app = serving(Policy(allow_origins=[APP]))
    for headers in ({}, {"origin": APP}, {"origin": EVIL}, {"origin": "null"}):
        assert get(app, vary="X-Injected, *", **headers)[1]["Vary"] == "Origin"
    for origin in (APP, EVIL):
        answer = preflight(app, origin)[1]
        assert answer["Vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def test_cve_2023_35943_the_origin_is_looked_at_once_and_the_decision_carried() -> None:
    def changing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["HTTP_ORIGIN"] = environ.pop("X-OTHER-ORIGIN")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    for policy in (Policy(allow_origins=[APP]), PathPolicies({"/": Policy(allow_origins=[APP])})):
        for first, other, expected in [(APP, EVIL, APP), (EVIL, APP, None)]:
            environ = environ_of("GET", "/", [("Origin", first)])
            environ["X-OTHER-ORIGIN"] = other
            _, headers = asked(serving(policy, changing), environ)
            assert dict(headers).get("Access-Control-Allow-Origin") == expected


def test_cve_2022_4147_with_blocking_on_a_refused_request_never_runs() -> None:
    application = Application()
    app = serving(Policy(allow_origins=[APP]), application, block_disallowed=True)
    for origin in [EVIL, "null", APP + "/", ""]:
        status, answer = get(app, origin=origin)
        assert status == 403
        assert not any(name.startswith("Access-Control-") for name in answer)
    assert application.calls == 0
    assert get(app, origin=APP)[0] == 200
    assert get(app)[0] == 200
    assert application.calls == 2


def test_cve_2019_13611_the_same_matcher_serves_a_websocket_handshake() -> None:
    policy = Policy(allow_origins=["https://*.example.com", "http://localhost:*"])
    app = serving(policy)
    for origin in ["https://a.example.com", "http://localhost:3000", EVIL, "null", "", "https://example.com"]:
        assert policy.allows_origin(origin) is lets_in(app, origin)


def test_cve_2015_9236_preflight_and_request_are_decided_by_the_same_policy() -> None:
    policies = {"/a": Policy(allow_origins=["https://a.test"]), "/b": Policy(allow_origins=["https://b.test"])}
    app = serving(PathPolicies(policies, default=Policy(allow_origins=["https://c.test"])))
    for path in ["/a", "/a/x", "/b", "/b/y/z", "/", "/ab"]:
        for name in "abc":
            allowed = "Access-Control-Allow-Origin" in get(app, path, origin=f"https://{name}.test")[1]
            assert (preflight(app, f"https://{name}.test", path=path)[0] == 204) is allowed
            assert allowed is (name == ("a" if path[:3] in ("/a", "/a/") else "b" if path[:2] == "/b" else "c"))


def test_cve_2026_41135_no_state_grows_with_requests() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return []

    policy = Policy(allow_origins=["https://*.example.com"], allow_methods=["*"], allow_headers=["*"])
    app = CORSMiddleware(application, policy, rejections=RejectionLog(lines=0))

    def flood(first: int, count: int) -> None:
        for number in range(first, first + count):
            for origin in (f"https://n{number}.example.com", f"https://n{number}.test", f"nonsense {number}"):
                for method, asks in (("GET", {}), ("OPTIONS", {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": f"M{number}"})):
                    environ = {"REQUEST_METHOD": method, "HTTP_ORIGIN": origin, "PATH_INFO": f"/{number}", **asks}
                    app(environ, lambda status, headers, exc_info=None: None)

    flood(0, 3000)  # until every memory has been full once
    tracemalloc.start()
    try:
        flood(10_000, 1100)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        flood(20_000, 3300)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 1_000_000  # bytes; 20,000 answers would be ten times that


def test_ghsa_vhxv_fg4m_p2w8_the_matcher_is_held_against_a_naive_one() -> None:
    import naive_matcher

    entries = [
        "https://foo.com",
        "https://bar.com",
        "https://*.foo.com",
        "https://*.oo.com:8443",
        "https://*.a.foo.com",
    ]
    policy = Policy(allow_origins=entries)
    hosts = [f"{prefix}{host}" for prefix in ("", "a.", "b.a.", "bar", "f", ".") for host in ("foo.com", "oo.com")]
    for host in hosts:
        for port in ("", ":8443"):
            origin = f"https://{host}{port}"
            assert policy.allows_origin(origin) is naive_matcher.matches(origin, entries)
            assert ("Access-Control-Allow-Origin" in response_headers(policy, origin)) is policy.allows_origin(origin)


def test_the_pattern_of_an_advisory_is_no_pattern_here() -> None:
    for text in ["*", "h*", "*.com*", "http://*"]:
        with pytest.raises(ValueError):
            parse_pattern(text)
