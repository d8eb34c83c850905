"""Policies by path on real proxies: a path that can be read in more than one way has none of them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import pytest

from corecors import UNDECIDED, CORSRequest, PathPolicies, Policy, admission, path_is_ambiguous
from corecors._decisions.request import MOVING
from proxies.kinds import KINDS, Proxy, ProxyKind
from proxies.upstream import Upstream
from proxies.verdicts import said

ORIGIN = "https://app.example.com"
OTHER = "https://other.example.com"
POLICIES = PathPolicies(
    {
        "/api": Policy(allow_origins=[ORIGIN], allow_credentials=True, expose_headers=["X-Api"], allow_timing=True),
        "/api/public/": Policy(allow_origins=["*"], preflight_status=200),
        "/told": Policy(
            allow_origins=[ORIGIN],
            allow_methods=["*"],
            allow_headers=["X-A"],
            allow_credentials=True,
            max_age=1,
            preflight_status=200,
            debug=True,
        ),
        "/any": Policy(allow_origins=[ORIGIN], allow_headers=["*"], allow_credentials=True),
        "/own": None,
        '/a "quoted" $1;\'%/ü': Policy(allow_origins=[OTHER]),
    },
    default=Policy(allow_origins=[OTHER], allow_methods=["PUT"]),
)

TARGETS = [
    "/", "/api", "/api/", "/api/users", "/apiary", "/API", "/api?x=/../y", "/api/public", "/api/public/x", "/own",
    "/own/x", "/owned", "/%61pi", "/api%2fpublic", "/api//public", "/api/./public", "/api/../own", "/api/%2e%2e/own",
    "/api/public/..", "/api/public/.", "/api/..%2fown", "/api/.hidden", "/api/a..b", "/api/%5c..%5cown", "/api/%00",
    "/api/%0a", "/api/%7f", "/api/%c3%bc", "/api/%ff", "/api/%c3", "/api/%ed%a0%80", "/api/%ef%bf%bd",
    "/api/%f0%9f%98%80", "/api/%252e%252e/own", "/api/%25", "/%6Fwn", "/own;x", "/api;x/y", "/api/%3f",
    "/a%20%22quoted%22%20$1;'%25/%C3%BC", "/a%20%22quoted%22%20$1;'%25/%c3%bc/below",
    "/a%20%22quoted%22%20$1;'%25/u", "/api/%252%65", "/api/%25%32e/own", "/api/%255%43", "/api/%25%35c", "/api/%2561",
    *(LONE := ["/api/%zz", "/api/%", "/%/own", "/%%61pi", "/api/%2%65", "/own%2", "/api/%%32e"]),
]  # fmt: skip


@pytest.fixture(scope="module", params=[pytest.param(kind, id=kind.name) for kind in KINDS if kind.takes_paths])
def kind(request: pytest.FixtureRequest) -> ProxyKind:
    found: ProxyKind = request.param
    return found.insisted()


@pytest.fixture(scope="module")
def proxy(kind: ProxyKind, upstream: Upstream) -> Iterator[Proxy]:
    with kind.with_policies([POLICIES], upstream.port) as running:
        yield running


def governing(target: str) -> object:
    raw = target.partition("?")[0]
    path = unquote_to_bytes(raw).decode(errors="surrogateescape")
    return UNDECIDED if path_is_ambiguous(path, target) else POLICIES.for_path(path)


@pytest.mark.parametrize("target", [pytest.param(target, id=target) for target in TARGETS])
@pytest.mark.parametrize("origin", [ORIGIN, OTHER, "https://evil.example"])
def test_the_policy_of_the_path_answers(kind: ProxyKind, proxy: Proxy, target: str, origin: str) -> None:
    governor = governing(target)
    if target in LONE and kind.name != "haproxy":  # a percent sign that begins no escape is no request to the others
        assert proxy.ask(0, "GET", target, [("Origin", origin)]).status == 400
        return
    for method in ("GET", "OPTIONS"):
        asked = [("Access-Control-Request-Method", "GET")] if method == "OPTIONS" else []
        answer = proxy.ask(0, method, target, [("Origin", origin), *asked])
        got = answer.header("Access-Control-Allow-Origin")
        if not isinstance(governor, Policy):
            assert got is None
            if governor is UNDECIDED and method == "OPTIONS":
                assert answer.status in (400, 403, 404)
            continue
        decision = governor.preflight(origin, "GET", None) if asked else governor.actual(origin)
        assert got == decision.headers.get("Access-Control-Allow-Origin")
        if asked:
            assert answer.status == decision.status
        for name in ("Access-Control-Allow-Credentials", "Access-Control-Expose-Headers", "Timing-Allow-Origin"):
            assert answer.header(name) == decision.headers.get(name)


@pytest.mark.parametrize("target", ["/any", "/told", "/api/public", "/own", "/"])
@pytest.mark.parametrize(
    "names",
    [*MOVING, "DAPHNE-Root-Path", "x-a,script_name", "x-a, path_info\t,x-b", "a" * 4079 + ",daphne-root-path"],
)
def test_a_preflight_for_a_header_that_takes_the_place_of_the_path_is_refused(
    proxy: Proxy, target: str, names: str
) -> None:
    asked = [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", names)]
    answer = proxy.ask(0, "OPTIONS", target, [("Origin", ORIGIN), *asked])
    assert path_is_ambiguous(target, target, names)
    assert said(answer) == said(admission(UNDECIDED, CORSRequest("OPTIONS", target, True, "http", "", ORIGIN, "GET")))


@pytest.mark.parametrize("names", ["x-script-name-too", "script-name", "x-script_name", ""])
def test_a_preflight_for_any_other_header_is_governed_by_the_path(proxy: Proxy, names: str) -> None:
    asked = [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", names)]
    answer = proxy.ask(0, "OPTIONS", "/any", [("Origin", ORIGIN), *asked])
    policy = POLICIES.for_path("/any")
    assert isinstance(policy, Policy)
    assert said(answer) == said(policy.preflight(ORIGIN, "GET", names))


def test_where_every_path_opted_out_only_what_is_ambiguous_is_answered(kind: ProxyKind, upstream: Upstream) -> None:
    asked = [("Origin", ORIGIN), ("Access-Control-Request-Method", "GET")]
    with kind.with_policies([PathPolicies({"/own": None})], upstream.port) as proxy:
        assert proxy.ask(0, "OPTIONS", "/own", asked).status == 404  # the application's own word
        assert proxy.ask(0, "OPTIONS", "/own/%2e%2e/x", asked).status == 403


@pytest.mark.parametrize("target", ["/told", "/api", "/api/public", "/"])
@pytest.mark.parametrize("origin", [ORIGIN, OTHER])
def test_the_policy_of_the_path_tells_why_a_preflight_fails_where_it_has_debug(
    proxy: Proxy, target: str, origin: str
) -> None:
    governor = governing(target)
    assert isinstance(governor, Policy)
    for method, names in (("PATCH", "x-a"), ("PATCH", "x-b"), ("PATCH", ""), ("PA TCH", "x-a"), ("GET", "x-a;")):
        asked = [("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", names)]
        answer = proxy.ask(0, "OPTIONS", target, [("Origin", origin), *asked])
        assert said(answer) == said(governor.preflight(origin, method, names))
