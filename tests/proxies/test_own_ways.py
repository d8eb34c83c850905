"""What proxies do by themselves, next to what they were told."""

from __future__ import annotations

import pytest

from corecors import PathPolicies, Policy
from proxies.kinds import KINDS, ProxyKind
from proxies.upstream import Response, Upstream
from proxies.verdicts import elements

ORIGIN = ("Origin", "https://app.example.com")
EVIL = ("Origin", "https://evil.example")
POLICY = Policy(allow_origins=[ORIGIN[1]], allow_methods=["QUERY"], allow_credentials=True)
ENVOY, CADDY, APACHE = (kind for name in ("envoy", "caddy", "apache") for kind in KINDS if kind.name == name)


def test_envoy_carries_query_with_a_content_type(upstream: Upstream) -> None:
    with ENVOY.insisted().with_policies([POLICY], upstream.port) as proxy:
        preflight = proxy.ask(0, "OPTIONS", "/", [ORIGIN, ("Access-Control-Request-Method", "QUERY")])
        assert preflight.status == 204
        answer = proxy.ask(0, "QUERY", "/", [ORIGIN, ("Content-Type", "text/plain")], b"x")
        assert (answer.status, answer.header("Access-Control-Allow-Origin")) == (200, ORIGIN[1])
        bare = proxy.ask(0, "QUERY", "/", [ORIGIN], b"x")
        assert (bare.status, bare.header("Access-Control-Allow-Origin")) in ((400, None), (200, ORIGIN[1]))  # new, old


@pytest.mark.parametrize("target", ["x", "//[", "http://"])
def test_what_envoy_refuses_before_its_filters_is_readable_by_nobody(upstream: Upstream, target: str) -> None:
    with ENVOY.insisted().with_policies([POLICY], upstream.port) as proxy:
        answer = proxy.ask(0, "GET", target, [EVIL])
        assert answer.header("Access-Control-Allow-Origin") is None
        assert answer.header("Access-Control-Allow-Credentials") is None


def test_a_103_of_the_application_changes_nothing(kind: ProxyKind, upstream: Upstream) -> None:
    words = (("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "*"))
    path = upstream.add(Response(200, words, hints=(("Link", "</a.css>; rel=preload"), *words)))

    def with_a_location(text: str) -> str:  # of nginx, which speaks to the application as nobody told it to
        return (
            text
            if kind.name != "nginx" or "map " in text
            else f"{text}location /case {{ proxy_pass http://application; }}"
        )

    with kind.with_policies([POLICY], upstream.port, with_a_location) as proxy:
        for origin, allowed in ((ORIGIN, [ORIGIN[1]]), (EVIL, [])):
            answer = proxy.ask(0, "GET", path, [origin])
            assert (answer.status, answer.body) == (200, Response().body)
            assert answer.lines("Access-Control-Allow-Origin") == allowed
            assert elements(answer.headers, "Access-Control-Expose-Headers") == set()


@pytest.mark.parametrize(
    ("target", "path", "allowed"),
    [("//inner", "/inner", EVIL), ("///inner", "/inner", EVIL), ("//h/inner", "/h/inner", ORIGIN)],
)
def test_slashes_that_apache_makes_one_are_one_to_the_policies_and_to_the_application(
    upstream: Upstream, target: str, path: str, allowed: tuple[str, str]
) -> None:
    policies = PathPolicies({"/inner": Policy(allow_origins=[EVIL[1]])}, default=POLICY)
    with APACHE.insisted().with_policies([policies], upstream.port) as proxy:
        upstream.seen.clear()
        for origin in (ORIGIN, EVIL):
            answer = proxy.ask(0, "GET", target, [origin])
            assert answer.lines("Access-Control-Allow-Origin") == ([origin[1]] if origin == allowed else [])
        assert upstream.seen == [("GET", path)] * 2


def test_caddy_refuses_a_long_method_by_itself(upstream: Upstream) -> None:
    with CADDY.insisted().with_policies([POLICY], upstream.port) as proxy:
        assert proxy.ask(0, "M" * 32, "/", [ORIGIN]).status == 200
        assert proxy.ask(0, "M" * 33, "/", [ORIGIN]).status == 405


@pytest.mark.parametrize("value", ["{env.PATH}", "{http.request.method}", "https://{http.request.host}"])
def test_what_a_client_sends_is_no_placeholder_to_caddy(upstream: Upstream, value: str) -> None:
    policy = Policy(allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    echoing = Policy(allow_origins=[ORIGIN[1]], allow_methods=["*"], allow_headers=["*"], allow_credentials=True)
    with CADDY.insisted().with_policies([policy, echoing], upstream.port) as proxy:
        assert proxy.ask(0, "GET", "/", [("Origin", value)]).header("Access-Control-Allow-Origin") == "*"
        assert proxy.ask(1, "GET", "/", [("Origin", value)]).header("Access-Control-Allow-Origin") is None
        asked = [ORIGIN, ("Access-Control-Request-Method", value)]
        assert proxy.ask(1, "OPTIONS", "/", asked).status == 403
