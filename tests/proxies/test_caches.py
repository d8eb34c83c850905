"""Caches in front of a proxy that a policy was exported to, and behind it: nobody gets another's answer.

Two allowed origins, a refused one and a client without CORS take turns on one URL that may be cached, under policies
that differ by path. How often the application was asked is counted, for a cache that keeps nothing would pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from time import monotonic, sleep

import pytest

from corecors import PathPolicies, Policy
from proxies.kinds import ProxyKind
from proxies.upstream import Response, Upstream, answering
from servers.availability import leave_out
from servers.caches import CACHES, CacheKind
from servers.http_connection import Answer, ask, request
from servers.truth import cors_headers, expected_headers, vary

FIRST = "https://first.example"
SECOND = "https://second.example"
REFUSED = "https://refused.example"
VISITORS = (FIRST, SECOND, None, REFUSED)
ROUNDS = 3
STALE_SECONDS = 30.0  # until an answer that is stale after one second must have been revalidated
POLICIES = {
    "list": Policy(allow_origins=[FIRST, SECOND], allow_methods=["GET", "PUT"], expose_headers=["ETag"]),
    "credentials": Policy(allow_origins=[FIRST, SECOND], allow_credentials=True, max_age=600),
    "any": Policy(allow_origins=["*"]),
}
BY_PATH = PathPolicies({f"/{name}": policy for name, policy in POLICIES.items()})
FRESH = (("Cache-Control", "public, max-age=3600"), ("ETag", '"x"'), ("Vary", "Accept-Encoding"))
STALE_SOON = (("Cache-Control", "public, max-age=1"), ("ETag", '"x"'), ("Vary", "Accept-Encoding"))
EVERY_POLICY = [pytest.param(name, id=name) for name in POLICIES]
LISTED = EVERY_POLICY[:2]
ORDERS = [pytest.param(VISITORS[turn:] + VISITORS[:turn], id=f"turn {turn}") for turn in range(len(VISITORS))]

number = count()


@pytest.fixture(scope="module", params=[pytest.param(kind, id=kind.name) for kind in CACHES])
def cache_kind(request: pytest.FixtureRequest) -> CacheKind:
    kind: CacheKind = request.param
    if kind.path() is None:
        leave_out(f"{kind.name} is not installed: apt-get install {kind.package}")
    return kind


@pytest.fixture(scope="module")
def application() -> Iterator[Upstream]:
    with answering() as server:
        yield server


def served(kind: ProxyKind) -> list[tuple[list[str], Policy | PathPolicies]]:
    """What a proxy is told: all policies at once by path, or each by itself."""
    if kind.takes_paths:
        return [(list(POLICIES), BY_PATH)]
    return [([name], policy) for name, policy in POLICIES.items()]


@pytest.fixture(scope="module")
def in_front(
    kind: ProxyKind, cache_kind: CacheKind, application: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """The cache, then the proxy, then the application: for each policy a port."""
    ports: dict[str, int] = {}
    with ExitStack() as stack:
        for names, policy in served(kind):
            proxy = stack.enter_context(kind.with_policies([policy], application.port))
            folder = tmp_path_factory.mktemp(cache_kind.name)
            ports |= dict.fromkeys(names, stack.enter_context(cache_kind.before(proxy.server.port, folder)).port)
        yield ports


@pytest.fixture(scope="module")
def behind(
    kind: ProxyKind, cache_kind: CacheKind, application: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """The proxy, then the cache, then the application: for each policy a port."""
    ports: dict[str, int] = {}
    with ExitStack() as stack:
        cache = stack.enter_context(cache_kind.before(application.port, tmp_path_factory.mktemp(cache_kind.name)))
        for names, policy in served(kind):
            ports |= dict.fromkeys(names, stack.enter_context(kind.with_policies([policy], cache.port)).server.port)
        yield ports


def new_page(application: Upstream, policy: str, headers: tuple[tuple[str, str], ...] = FRESH) -> str:
    path = f"/{policy}/{next(number)}"
    application.responses[path] = Response(200, headers, path.encode())
    return path


def visit(port: int, url: str, visitor: str | None, method: str = "GET") -> Answer:
    return ask(port, request(method, url, [("Origin", visitor)] if visitor else []))


def wrong_answers(policy: str, answers: list[tuple[str | None, Answer]]) -> list[str]:
    """Each answer whose CORS headers are not those that its visitor is to get, in words."""
    found = []
    for visitor, answer in answers:
        expected = expected_headers(POLICIES[policy].actual(visitor))
        if cors_headers(answer) != expected:
            found.append(f"{visitor} got {cors_headers(answer)} instead of {expected}")
    return found


def take_turns(port: int, url: str, order: tuple[str | None, ...]) -> list[tuple[str | None, Answer]]:
    return [(visitor, visit(port, url, visitor)) for _ in range(ROUNDS) for visitor in order]


def calls(application: Upstream, url: str) -> int:
    return sum(path == url for _, path in application.seen)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_behind_a_cache_every_visitor_gets_their_own_answer(
    in_front: dict[str, int], application: Upstream, policy: str, order: tuple[str | None, ...]
) -> None:
    url = new_page(application, policy)
    answers = take_turns(in_front[policy], url, order)
    assert wrong_answers(policy, answers) == []
    assert all(answer.status == 200 and answer.body.decode() == url for _, answer in answers)
    assert calls(application, url) == (1 if policy == "any" else len(VISITORS))
    assert all("accept-encoding" in vary(answer) for _, answer in answers)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_before_a_cache_every_visitor_gets_their_own_answer(
    behind: dict[str, int], application: Upstream, policy: str, order: tuple[str | None, ...]
) -> None:
    url = new_page(application, policy)
    answers = take_turns(behind[policy], url, order)
    assert wrong_answers(policy, answers) == []
    assert all(answer.status == 200 and answer.body.decode() == url for _, answer in answers)
    assert calls(application, url) == 1


@pytest.mark.parametrize("policy", LISTED)
def test_a_copy_that_is_confirmed_stays_the_visitors_own(
    in_front: dict[str, int], application: Upstream, policy: str
) -> None:
    url = new_page(application, policy, STALE_SOON)
    deadline = monotonic() + STALE_SECONDS
    while calls(application, url) < 2 * len(VISITORS):
        assert monotonic() < deadline, "no stale copy was ever confirmed"
        assert wrong_answers(policy, take_turns(in_front[policy], url, VISITORS)) == []
        sleep(0.05)
    assert wrong_answers(policy, take_turns(in_front[policy], url, VISITORS)) == []
    assert ("GET", f"{url} not modified") in application.seen


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_no_preflight_is_answered_from_a_cache(in_front: dict[str, int], application: Upstream, policy: str) -> None:
    url = new_page(application, policy)
    for visitor in (REFUSED, FIRST, SECOND, REFUSED, FIRST):
        for method in ("PUT", "GET"):
            decision = POLICIES[policy].preflight(visitor, method, None)
            headers = [("Origin", visitor), ("Access-Control-Request-Method", method)]
            answer = ask(in_front[policy], request("OPTIONS", url, headers))
            assert answer.status == decision.status
            assert cors_headers(answer) == expected_headers(decision)
    assert calls(application, url) == 0


def test_without_vary_these_checks_find_the_wrong_answers(
    kind: ProxyKind, cache_kind: CacheKind, application: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        kind.with_policies([served(kind)[0][1]], application.port, rewrite=without_vary) as proxy,
        cache_kind.before(proxy.server.port, tmp_path_factory.mktemp(cache_kind.name)) as cache,
    ):
        url = new_page(application, "list")
        assert wrong_answers("list", take_turns(cache.port, url, VISITORS)) != []


def without_vary(text: str) -> str:
    """The configuration with the mistake that the tests must be able to see."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if "vary" not in line.lower() or line.lstrip().startswith(("#", "map")))
