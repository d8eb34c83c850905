"""CORS behind a real cache: nobody ever gets the answer that was made for another origin.

Two allowed origins, a refused one and a client without CORS take turns on one URL that may be cached. Each test also
counts how often the application was asked, since a cache that keeps nothing would pass every other check.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from time import monotonic, sleep

import pytest

from corecors import evaluate
from servers.availability import leave_out
from servers.caches import CACHES, CacheKind
from servers.http_connection import Answer, Connection, ask, request
from servers.processes import Server
from servers.served_cached import FIRST, POLICIES, SECOND
from servers.truth import cors_headers, expected_headers, expected_vary, vary
from servers.wsgi_servers import SERVERS

REFUSED = "https://refused.example"
VISITORS = (FIRST, SECOND, None, REFUSED)
ROUNDS = 3
STALE_SECONDS = 30.0  # until an answer that is stale after one second must have been revalidated

ORDERS = [
    pytest.param(VISITORS[turn:] + VISITORS[:turn], id=f"{first} first")
    for turn, first in enumerate(("an origin", "the other origin", "no origin", "a refused origin"))
]
LISTED = [pytest.param("list", id="listed origins"), pytest.param("credentials", id="listed origins with credentials")]

number = count()


@pytest.fixture(scope="module", params=[pytest.param(kind, id=kind.name) for kind in CACHES])
def cache_kind(request: pytest.FixtureRequest) -> CacheKind:
    kind: CacheKind = request.param
    if kind.path() is None:
        leave_out(f"{kind.name} is not installed: apt-get install {kind.package}")
    return kind


def origin_server(application: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    waitress = next(kind for kind in SERVERS if kind.name == "waitress")
    if missing := waitress.missing():
        leave_out(f"the server behind the cache, {missing}, is not installed")
    with waitress.serving(application, tmp_path_factory.mktemp("behind")) as server:
        yield server


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from origin_server("servers.served_cached:application", tmp_path_factory)


@pytest.fixture(scope="module")
def behind_without_vary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from origin_server("servers.served_cached:without_vary", tmp_path_factory)


@pytest.fixture(scope="module")
def cache(cache_kind: CacheKind, behind: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with cache_kind.before(behind.port, tmp_path_factory.mktemp(cache_kind.name)) as server:
        yield server


@pytest.fixture(scope="module")
def cache_without_vary(
    cache_kind: CacheKind, behind_without_vary: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with cache_kind.before(behind_without_vary.port, tmp_path_factory.mktemp(cache_kind.name)) as server:
        yield server


def new_url(policy: str, *more: str) -> str:
    """A path that no other test asks for."""
    return "/".join(("", policy, *more, str(next(number))))


def visit(cache: Server, url: str, visitor: str | None, method: str = "GET") -> Answer:
    return ask(cache.port, request(method, url, [("Origin", visitor)] if visitor else []))


def take_turns(cache: Server, url: str, order: tuple[str | None, ...]) -> list[tuple[str | None, Answer]]:
    """Every visitor asks for the URL, again and again."""
    return [(visitor, visit(cache, url, visitor)) for _ in range(ROUNDS) for visitor in order]


def wrong_answers(policy: str, answers: list[tuple[str | None, Answer]]) -> list[str]:
    """Each answer whose CORS headers are not those that its visitor is to get, in words."""
    found = []
    for visitor, answer in answers:
        expected = expected_headers(evaluate(POLICIES[policy], "GET", visitor))
        if cors_headers(answer) != expected:
            found.append(f"{visitor} got {cors_headers(answer)} instead of {expected}")
    return found


def calls(server: Server, url: str) -> tuple[int, int]:
    """How often the application made this page, and how often it said that it hasn't changed."""
    made, unchanged = ask(server.port, request("GET", f"/count{url}")).body.split()
    return int(made), int(unchanged)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("policy", LISTED)
def test_every_visitor_gets_their_own_answer(
    cache: Server, behind: Server, policy: str, order: tuple[str | None, ...]
) -> None:
    url = new_url(policy)
    answers = take_turns(cache, url, order)
    assert wrong_answers(policy, answers) == []
    assert all(answer.status == 200 and answer.body.decode() == url for _, answer in answers)
    for visitor, answer in answers:
        assert vary(answer) == expected_vary(evaluate(POLICIES[policy], "GET", visitor), "Accept-Encoding")
    assert calls(behind, url) == (len(VISITORS), 0)  # one for each of them: the rest came from the cache
    assert [answer.lines("X-Cache") for _, answer in answers[len(order) :]] == [["HIT"]] * len(order) * (ROUNDS - 1)


@pytest.mark.parametrize("order", ORDERS)
def test_an_answer_for_any_origin_is_cached_once_for_everybody(
    cache: Server, behind: Server, order: tuple[str | None, ...]
) -> None:
    url = new_url("any")
    answers = take_turns(cache, url, order)
    assert wrong_answers("any", answers) == []
    assert calls(behind, url) == (1, 0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("policy", LISTED)
def test_without_vary_these_checks_find_the_wrong_answers(
    cache_without_vary: Server, behind_without_vary: Server, policy: str, order: tuple[str | None, ...]
) -> None:
    url = new_url(policy)
    answers = take_turns(cache_without_vary, url, order)
    assert calls(behind_without_vary, url) == (1, 0)
    first = order[0]
    harmless = (
        {None, REFUSED} if first in (None, REFUSED) else {first}
    )  # those whose own answer is the one that was kept
    assert len(wrong_answers(policy, answers)) == ROUNDS * sum(visitor not in harmless for visitor in order)


@pytest.mark.parametrize("policy", [*LISTED, pytest.param("any", id="any origin")])
def test_a_head_request_is_answered_from_the_right_copy(cache: Server, policy: str) -> None:
    url = new_url(policy)
    take_turns(cache, url, VISITORS)
    answers = [(visitor, visit(cache, url, visitor, "HEAD")) for visitor in VISITORS]
    assert wrong_answers(policy, answers) == []
    assert [answer.lines("X-Cache") for _, answer in answers] == [["HIT"]] * len(VISITORS)


@pytest.mark.parametrize("policy", LISTED)
def test_a_copy_that_is_confirmed_stays_the_visitors_own(cache: Server, behind: Server, policy: str) -> None:
    """The 304 that confirms a stale copy carries CORS headers of its own, which replace those of the copy."""
    url = new_url(policy, "short")
    deadline = monotonic() + STALE_SECONDS
    while calls(behind, url)[1] < len(VISITORS):
        assert monotonic() < deadline, "no stale copy was ever confirmed"
        assert wrong_answers(policy, take_turns(cache, url, VISITORS)) == []
        sleep(0.05)
    assert wrong_answers(policy, take_turns(cache, url, VISITORS)) == []
    assert calls(behind, url)[0] == len(VISITORS)


@pytest.mark.parametrize("policy", [*LISTED, pytest.param("any", id="any origin")])
def test_no_preflight_is_answered_from_the_cache(cache: Server, policy: str) -> None:
    """RFC 9110, 9.3.7: the answer to OPTIONS is not cacheable. Refused first, so that a copy would do harm."""
    url = new_url(policy)
    with Connection(cache.port) as connection:
        for visitor in (REFUSED, FIRST, SECOND, REFUSED, FIRST):
            for method in ("PUT", "GET"):
                decision = evaluate(POLICIES[policy], "OPTIONS", visitor, method)
                headers = [("Origin", visitor), ("Access-Control-Request-Method", method)]
                answer = connection.exchange(request("OPTIONS", url, headers))
                assert answer.status == decision.status
                assert cors_headers(answer) == expected_headers(decision)
                assert answer.header("X-Cache") in (None, "MISS", "")
