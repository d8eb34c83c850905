"""How many preflights the model of the browser sends: #cors-preflight-cache."""

import random

import naive_preflight_cache
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corecors.browser import Credentials, Engine, PreflightCache, Received, Request, SentRequest, Verdict, simulate
from corecors.browser.preflight_cache import _LONGEST, Key, preflight_max_age

PAGE = "https://app.example"
API = "https://api.example/item"
INCLUDE = Credentials.INCLUDE


class Server:
    """Answers every request alike, and counts nothing: the verdict does."""

    def __init__(
        self, max_age: str | None, methods: str = "PUT, DELETE", headers: str = "X-A, X-B", origin: str = PAGE
    ) -> None:
        self.headers = [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", headers),
        ]
        if max_age is not None:
            self.headers.append(("Access-Control-Max-Age", max_age))

    def __call__(self, sent: SentRequest) -> Received:
        return Received(204, tuple(self.headers))


class Browser:
    """Remembers the cache from one request to the next, on a clock of its own."""

    def __init__(self, server: Server, engine: Engine | None = None) -> None:
        self.server = server
        self.cache = PreflightCache(engine=engine)
        self.now = 1000.0

    def ask(
        self,
        method: str = "PUT",
        *names: str,
        url: str = API,
        origin: str = PAGE,
        credentials: Credentials = Credentials.OMIT,
    ) -> Verdict:
        headers = tuple((name, "1") for name in names)
        request = Request(url=url, origin=origin, method=method, headers=headers, credentials=credentials)
        verdict = simulate(request, self.server, cache=self.cache, now=self.now)
        self.cache = verdict.cache
        return verdict


@pytest.mark.parametrize("credentials", [Credentials.OMIT, INCLUDE])
def test_one_preflight_serves_all_that_was_listed(credentials: Credentials) -> None:
    browser = Browser(Server("600"))
    courses = [("PUT",), ("PUT",), ("PUT", "X-A"), ("DELETE",), ("DELETE", "x-b"), ("GET", "X-B"), ("POST", "X-A")]
    verdicts = [browser.ask(*course, credentials=credentials) for course in courses]
    assert [verdict.preflights for verdict in verdicts] == [1, 0, 0, 0, 0, 0, 0]
    assert all(verdict.readable for verdict in verdicts)
    assert "an earlier one is remembered" in verdicts[1].checks[0].explanation


def test_what_was_not_listed_is_asked_for() -> None:
    browser = Browser(Server("600"))
    assert browser.ask("PUT").preflights == 1
    assert browser.ask("PUT", "X-C").preflights == 1
    assert browser.ask("PATCH").preflights == 1


@pytest.mark.parametrize("max_age", ["0", "00"])
def test_zero_means_a_preflight_each_time(max_age: str) -> None:
    browser = Browser(Server(max_age))
    assert [browser.ask().preflights for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("max_age", "seconds"), [("1", 1), ("600", 600), (None, 5), ("x", 5), ("-1", 5), ("99999999", 99999999)]
)
def test_an_entry_lasts_as_long_as_it_may(max_age: str | None, seconds: int) -> None:
    browser = Browser(Server(max_age))
    assert browser.ask().preflights == 1
    browser.now += seconds - 0.5
    assert browser.ask().preflights == 0
    browser.now += 0.5
    assert browser.ask().preflights == 1


def test_another_url_origin_or_credentials_is_another_entry() -> None:
    browser = Browser(Server("600", origin="*"))
    assert browser.ask().preflights == 1
    assert browser.ask(url=f"{API}?q").preflights == 1
    assert browser.ask(url=f"{API}#fragment").preflights == 0
    assert browser.ask(origin="https://b.example").preflights == 1
    assert browser.ask().preflights == 0


def test_an_answer_with_credentials_serves_requests_without_and_not_the_reverse() -> None:
    browser = Browser(Server("600"))
    assert browser.ask(credentials=INCLUDE).preflights == 1
    assert browser.ask(credentials=Credentials.OMIT).preflights == 0
    browser = Browser(Server("600"))
    assert browser.ask(credentials=Credentials.OMIT).preflights == 1
    assert browser.ask(credentials=INCLUDE).preflights == 1


def test_the_star_is_remembered_as_any_method_and_any_header_but_authorization() -> None:
    browser = Browser(Server("600", methods="*", headers="*, Authorization"))
    assert browser.ask("PUT", "X-A").preflights == 1
    assert browser.ask("CHICKEN", "X-Z", "Authorization").preflights == 0
    browser = Browser(Server("600", methods="*", headers="*"))
    assert browser.ask("PUT", "X-A").preflights == 1
    assert browser.ask("PUT", "Authorization").preflights == 1


def test_in_every_engine_the_star_covers_authorization_in_the_cache_too() -> None:
    browser = Browser(Server("600", headers="*"), Engine.FIREFOX)
    verdicts = [browser.ask("PUT", "Authorization") for _ in range(2)]
    assert [verdict.preflights for verdict in verdicts] == [1, 0]
    assert [verdict.readable_in_practice for verdict in verdicts] == [True, True]


def test_by_the_standard_a_failed_preflight_is_forgotten() -> None:
    browser = Browser(Server("600", headers="*"))
    assert [browser.ask("PUT", "Authorization").preflights for _ in range(2)] == [1, 1]


def test_a_failure_after_the_preflight_empties_the_cache_for_that_url() -> None:
    browser = Browser(Server("600"))
    browser.ask()
    browser.ask(url=f"{API}?other")
    good, browser.server = browser.server, Server("600", origin="https://wrong.example")
    assert (browser.ask().readable, browser.ask("PUT").preflights) == (False, 1)
    browser.server = good
    assert browser.ask().preflights == 1
    assert browser.ask(url=f"{API}?other").preflights == 0


def test_a_failed_request_without_preflight_leaves_the_cache_alone() -> None:
    browser = Browser(Server("600"))
    browser.ask()
    good, browser.server = browser.server, Server("600", origin="https://wrong.example")
    assert browser.ask("GET").readable is False
    browser.server = good
    assert browser.ask().preflights == 0


def test_a_later_preflight_sets_the_time_anew() -> None:
    browser = Browser(Server("600"))
    browser.ask("PUT")
    browser.server = Server("0", headers="X-A, X-B, X-C")
    assert browser.ask("PUT", "X-C").preflights == 1
    assert browser.ask("PUT").preflights == 1


@pytest.mark.parametrize(
    ("remembered", "listed", "left"),
    [
        pytest.param("*", "PUT, DELETE", {"*": 1}, id="the star covers what is listed: it gets the new time"),
        pytest.param("PUT", "*", {"PUT": 600, "*": 1}, id="a name does not cover the star"),
        pytest.param("PUT, *", "DELETE", {"PUT": 600, "*": 1}, id="only the star covers another name"),
        pytest.param("PUT, *", "PUT", {"PUT": 1, "*": 1}, id="both cover it: both get the new time"),
        pytest.param("*", "put", {"*": 1}, id="in any case of letters"),
        pytest.param("PUT", "put", {"PUT": 600, "put": 1}, id="a method in another case is another method"),
        pytest.param("*", "", {"*": 600}, id="nothing listed"),
    ],
)
def test_what_covers_a_listed_method_gets_the_new_time(remembered: str, listed: str, left: dict[str, float]) -> None:
    key = Key(PAGE, API, credentials=False)
    cache = PreflightCache().with_answer(key, remembered.split(", "), [], 600, 0)
    cache = cache.with_answer(key, [name for name in listed.split(", ") if name], [], 1, 0)
    assert {entry.method: entry.expires for entry in cache.entries} == left


@pytest.mark.parametrize("engine", [None, Engine.CHROMIUM])
def test_the_star_covers_listed_headers_but_authorization_by_the_standard(engine: Engine | None) -> None:
    key = Key(PAGE, API, credentials=False)
    cache = PreflightCache(engine=engine).with_answer(key, [], ["*"], 600, 0)
    cache = cache.with_answer(key, [], ["Authorization"], 5, 0)
    standard = {"*": 600, "authorization": 5}
    assert {entry.header: entry.expires for entry in cache.entries} == (standard if engine is None else {"*": 5})
    cache = cache.with_answer(key, [], ["X-A"], 1, 0)
    assert {entry.header: entry.expires for entry in cache.entries} == (
        {**standard, "*": 1} if engine is None else {"*": 1}
    )


def test_a_star_that_is_reset_is_asked_for_again() -> None:
    browser = Browser(Server("600", methods="*"))
    assert browser.ask("PUT").preflights == 1
    browser.server = Server("1", methods="PUT, DELETE", headers="X-C")
    assert browser.ask("PUT", "X-C").preflights == 1
    browser.now += 2
    assert browser.ask("PATCH").preflights == 1


@given(st.integers(0, 2**32))
def test_the_cache_does_as_the_steps_of_the_standard(seed: int) -> None:
    source, course = random.Random(seed), naive_preflight_cache.Course()
    for _ in range(15):
        ask = naive_preflight_cache.random_ask(source)
        assert course.difference(ask) is None, ask


def test_a_list_of_thousands_of_names_is_stored_in_time() -> None:
    names = [f"x-{number}" for number in range(5000)]
    key = Key(PAGE, API, credentials=False)
    cache = PreflightCache().with_answer(key, names, names, 600, 0).with_answer(key, names, names, 60, 0)
    assert len(cache.entries) == 10_000
    assert {entry.expires for entry in cache.entries} == {60}


def test_old_entries_are_thrown_away() -> None:
    browser = Browser(Server("1"))
    for _ in range(3):
        browser.ask()
        browser.now += 2
    assert len(browser.cache.entries) == 4


@pytest.mark.parametrize(
    ("values", "standard", "chromium", "firefox", "webkit"),
    [
        ([], 5, 5, 5, 5),
        (["0"], 0, 0, 0, 0),
        (["600"], 600, 600, 600, 600),
        (["601"], 601, 601, 601, 600),
        (["7200"], 7200, 7200, 7200, 600),
        (["7201"], 7201, 7200, 7201, 600),
        (["86401"], 86401, 7200, 86400, 600),
        (["-1"], 5, 0, 0, 0),
        (["-"], 5, 5, 5, 5),
        (["1.5"], 5, 5, 5, 5),
        (["+1"], 5, 5, 5, 5),
        (["1e3"], 5, 5, 5, 5),
        ([""], 5, 5, 5, 5),
        (["٣"], 5, 5, 5, 5),
        (["600, 600"], 5, 5, 5, 5),
        (["600", "600"], 5, 5, 5, 5),
    ],
)
def test_max_age_by_engine(values: list[str], standard: int, chromium: int, firefox: int, webkit: int) -> None:
    assert preflight_max_age(values) == standard
    assert preflight_max_age(values, Engine.CHROMIUM) == chromium
    assert preflight_max_age(values, Engine.FIREFOX) == firefox
    assert preflight_max_age(values, Engine.WEBKIT) == webkit


def test_engines_with_the_same_limit_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_LONGEST, Engine.WEBKIT, Engine.CHROMIUM.max_age)
    assert Engine.WEBKIT.max_age == Engine.CHROMIUM.max_age
    assert Engine.WEBKIT is not Engine.CHROMIUM
    assert len(Engine) == len(_LONGEST) == 3


def test_a_max_age_of_ten_thousand_digits_is_read() -> None:
    assert preflight_max_age(["9" * 10_000], Engine.CHROMIUM) == 7200
    assert preflight_max_age(["9" * 10_000]) > 10**3999
