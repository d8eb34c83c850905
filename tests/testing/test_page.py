"""Page: every kind of application, asked as a browser would ask it, and judged alike."""

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from orders_api import KINDS

from corecors import Policy
from corecors.browser import Step, Verdict
from corecors.testing import Page, Unreachable

APP, STRANGER = "https://app.example.com", "https://stranger.example.net"
POLICY = Policy(
    allow_origins=[APP],
    allow_methods=["GET", "PUT"],
    allow_headers=["Content-Type"],
    expose_headers=["X-Total"],
    allow_credentials=True,
    max_age=600,
)
ADDRESS = "https://testserver"


@pytest.fixture(params=KINDS)
def app(request: pytest.FixtureRequest) -> Iterator[Any]:
    before = set(threading.enumerate())
    with KINDS[request.param](POLICY) as made:
        yield made
    for thread in set(threading.enumerate()) - before:  # some that frameworks start are still on their way out
        thread.join(10)
        assert not thread.is_alive(), "a thread is left"


@pytest.fixture(params=["fetch", "fetch_async"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


def fetched(app: Any, way: str, path: str, origin: str = APP, **options: Any) -> Verdict:
    """The verdict, by one of the two methods, of a page of its own."""
    if way == "fetch":
        with Page(origin, app) as page:
            return page.fetch(path, **options)

    async def fetch() -> Verdict:
        async with Page(origin, app) as page:
            return await page.fetch_async(path, **options)

    return asyncio.run(fetch())


# What is asked, and what becomes of it: readable, preflights, the status that the script sees.
CASES = [
    pytest.param("/orders", {}, Step.READ, 0, 200, id="a plain GET"),
    pytest.param("/orders", {"credentials": "include"}, Step.READ, 0, 200, id="with credentials"),
    pytest.param("/orders", {"method": "PUT", "json": {"count": 2}}, Step.READ, 1, 200, id="a PUT with JSON"),
    pytest.param("/orders", {"method": "POST", "body": "count=2"}, Step.READ, 0, 200, id="a POST of text"),
    pytest.param("/orders", {"method": "DELETE"}, Step.PREFLIGHT_ORIGIN, 1, None, id="a method that is not allowed"),
    pytest.param("/orders", {"headers": {"X-Token": "1"}}, Step.PREFLIGHT_ORIGIN, 1, None, id="such a header"),
    pytest.param("/moved", {}, Step.READ, 0, 200, id="a redirect"),
    pytest.param("/fails", {}, Step.READ, 0, 500, id="a view that fails"),
    pytest.param("/stream", {}, Step.READ, 0, 200, id="a stream without an end"),
    pytest.param("/orders", {"origin": STRANGER}, Step.RESPONSE_ORIGIN, 0, None, id="a foreign page"),
    pytest.param("/orders", {"origin": "null"}, Step.RESPONSE_ORIGIN, 0, None, id="a sandboxed frame"),
    pytest.param("/orders", {"method": "GET", "json": 1}, Step.REQUEST, 0, None, id="a GET with a body"),
]


@pytest.mark.parametrize(("path", "options", "step", "preflights", "status"), CASES)
def test_every_kind_of_application_is_judged_alike(
    app: Any, way: str, path: str, options: dict[str, Any], step: Step, preflights: int, status: int | None
) -> None:
    verdict = fetched(app, way, path, **options)
    assert (verdict.step, verdict.preflights, verdict.status) == (step, preflights, status)
    assert verdict.readable is (step is Step.READ)
    if path == "/orders" and verdict.readable:
        assert verdict.readable_headers.get("x-total") == "3"
        assert "x-seen" in verdict.hidden_headers


@pytest.mark.parametrize(
    ("origin", "relation"),
    [
        pytest.param(STRANGER, "cross-site", id="another site"),
        pytest.param(ADDRESS, "same-origin", id="its own"),
        pytest.param("http://testserver", "cross-site", id="its own, without TLS"),
        pytest.param("null", "cross-site", id="nobody's"),
    ],
)
def test_the_application_sees_what_a_browser_sends(origin: str, relation: str) -> None:
    with KINDS["wsgi"](POLICY) as app:
        page = Page(origin, app)
        verdict = page.fetch("/or%64ers?x=1#fragment", method="POST", body="text")
        [exchange] = verdict.exchanges
        assert exchange.sent.url == f"{ADDRESS}/or%64ers?x=1"
        seen = exchange.received.headers.lines("X-Seen")
        assert seen == [f"POST /orders {relation}", "POST /orders text/plain;charset=UTF-8"]


@pytest.mark.parametrize(
    ("page", "address", "relation"),
    [
        pytest.param("https://app.example.com", "https://api.example.com", "same-site", id="two subdomains"),
        pytest.param("https://example.com:8443", "https://api.example.com", "same-site", id="another port"),
        pytest.param("https://a.github.io", "https://b.github.io", "cross-site", id="two sites of one host"),
        pytest.param("https://a.github.dev", "https://b.github.dev", "same-site", id="two that no browser tells apart"),
        pytest.param("https://a.test", "https://b.test", "cross-site", id="two domains"),
        pytest.param("http://localhost:3000", "http://localhost:8000", "same-site", id="this machine"),
        pytest.param("http://127.0.0.1:3000", "http://127.0.0.2:8000", "cross-site", id="two addresses"),
    ],
)
def test_the_site_is_the_domain_that_somebody_has_registered(page: str, address: str, relation: str) -> None:
    with KINDS["wsgi"](POLICY) as app:
        verdict = Page(page, app, address=address).fetch("/orders")
        assert verdict.exchanges[0].received.headers.lines("X-Seen")[0].endswith(relation)


def test_the_preflight_cache_counts_until_the_test_lets_time_pass(app: Any) -> None:
    with Page(APP, app) as page:
        preflights = []
        for passed in (0, 599, 1):
            page.now += passed
            preflights.append(page.fetch("/orders", method="PUT").preflights)
        assert preflights == [1, 0, 1]


def test_a_redirect_to_another_server_is_said_to_be_out_of_reach(app: Any, way: str) -> None:
    with pytest.raises(Unreachable, match=r"to https://login\.example\.net/, where nothing answers.*401"):
        fetched(app, way, "/away")


def test_what_an_application_raises_before_its_answer_is_a_bare_500_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ZeroDivisionError

    async def fails_too(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    for app in (fails, fails_too):
        caplog.clear()
        with Page(APP, app) as page:
            verdict = page.fetch("/orders")
        assert not verdict.readable
        assert verdict.exchanges[0].received.status == 500
        [record] = caplog.records
        assert (record.name, record.exc_info[0]) == ("corecors.testing", ZeroDivisionError)  # type: ignore[index]


ALLOWED = [("Access-Control-Allow-Origin", APP)]


def raises_after_its_start(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", ALLOWED)
    raise ZeroDivisionError


def raises_before_its_body(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", ALLOWED)
    yield b""
    raise ZeroDivisionError


def starts_again_in_its_body(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield b"begun"
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        start_response("500 Oh", ALLOWED, sys.exc_info())


def writes_and_starts_again(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])(b"begun")
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        start_response("500 Oh", ALLOWED, sys.exc_info())
    return []


def has_a_line_feed(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Access-Control-Allow-Origin", f"{APP}\n")])
    return [b""]


def has_a_blank_in_a_name(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [*ALLOWED, ("X Total", "3")])
    return [b""]


def has_another_alphabet(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [*ALLOWED, ("X-Total", "\u0663")])
    return [b""]


async def has_a_line_feed_too(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"access-control-allow-origin", APP.encode() + b"\n")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body"})


async def starts_twice(scope: Any, receive: Any, send: Any) -> None:
    for headers in ([], [(b"access-control-allow-origin", APP.encode())]):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize(
    "app",
    [
        raises_after_its_start,
        raises_before_its_body,
        starts_again_in_its_body,
        writes_and_starts_again,
        has_a_line_feed,
        has_a_blank_in_a_name,
        has_another_alphabet,
        has_a_line_feed_too,
        starts_twice,
    ],
)
def test_what_no_server_sends_no_page_reads(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Each was asked for behind gunicorn, waitress or uvicorn: without `Access-Control-Allow-Origin`, or with 500."""
    with Page(APP, app) as page:
        verdict = page.fetch("/")
    assert not verdict.readable
    assert verdict.exchanges[0].received.get("Access-Control-Allow-Origin") is None
    assert [record.name for record in caplog.records] == ["corecors.testing"]


def test_what_a_server_sends_is_an_answer_however_it_is_written() -> None:
    def writes(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])  # nothing has left yet
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            start_response("503 Later", [*ALLOWED, ("X-Total", "\xe4\t3")], sys.exc_info())(b"")
        yield b""

    assert Page(APP, writes).fetch("/").status == 503


def test_lines_that_stand_twice_are_kept() -> None:
    def doubled(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Access-Control-Allow-Origin", APP)] * 2)
        return [b""]

    assert "2 Access-Control-Allow-Origin headers" in Page(APP, doubled).fetch("/").explanation


def wsgi_of_anything(*arguments: Any) -> list[bytes]:
    arguments[1]("200 OK", [("Access-Control-Allow-Origin", "*")])
    return [b""]


async def asgi_of_anything(*arguments: Any) -> None:
    headers = [(b"access-control-allow-origin", b"*")]
    await arguments[2]({"type": "http.response.start", "status": 200, "headers": headers})
    await arguments[2]({"type": "http.response.body", "body": b""})


class Compiled:
    """Of a compiled class `inspect` finds nothing out."""

    __call__ = staticmethod(wsgi_of_anything)

    @property
    def __signature__(self) -> Any:
        raise ValueError("no signature found")


class CompiledForASGI(Compiled):
    async def __call__(self, *arguments: Any) -> None:
        await asgi_of_anything(*arguments)


@pytest.mark.parametrize("app", [wsgi_of_anything, asgi_of_anything, Compiled(), CompiledForASGI()])
def test_an_application_may_show_nothing_of_what_it_takes(app: Any, way: str) -> None:
    assert fetched(app, way, "/").readable


# What is refused at once


class Neither:
    """Not callable."""


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(Neither(), id="not callable"),
        pytest.param(Neither, id="a class"),
        pytest.param(lambda: None, id="a function of nothing"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_not_an_application_is_refused(app: Any) -> None:
    with pytest.raises(TypeError, match="WSGI, ASGI or aiohttp, or the address of a running server"):
        Page(APP, app)


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        pytest.param("https://app.example.com/", ADDRESS, id="a page with a slash"),
        pytest.param("app.example.com", ADDRESS, id="a page without a scheme"),
        pytest.param(APP, "https://api.example.com/v1", id="an address with a path"),
        pytest.param(APP, "https://user@api.example.com", id="an address with a user"),
        pytest.param(APP, "ftp://api.example.com", id="another protocol"),
        pytest.param(APP, "api.example.com", id="an address without a scheme"),
    ],
)
def test_an_origin_or_address_that_is_not_one_is_refused(origin: str, address: str) -> None:
    with pytest.raises(ValueError, match="is not an"):
        Page(origin, lambda environ, start_response: [], address=address)
    if origin == APP:
        with pytest.raises(ValueError, match="is not an"):
            Page(origin, address)


@pytest.mark.parametrize("path", ["orders", "//evil.test/", "/\\evil.test/", "https://evil.test/", ""])
def test_a_path_of_another_server_is_refused(path: str) -> None:
    page = Page(APP, lambda environ, start_response: [])
    with pytest.raises(ValueError, match="neither a path that begins with a slash nor a URL"):
        page.fetch(path)


def test_two_bodies_and_unknown_credentials_are_refused() -> None:
    page = Page(APP, lambda environ, start_response: [])
    with pytest.raises(TypeError, match="one body"):
        page.fetch("/", json={}, body="x")
    for unknown in ("always", True):
        said = f"credentials are one of 'omit', 'same-origin', 'include', not {unknown!r}"
        with pytest.raises(ValueError, match=re.escape(said)):
            page.fetch("/", credentials=unknown)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="headers are a mapping, or pairs"):
        page.fetch("/", headers=["X-A"])  # type: ignore[list-item]


def test_an_application_that_is_given_as_the_origin_is_refused() -> None:
    with pytest.raises(TypeError, match="a page begins with its origin"):
        Page(lambda environ, start_response: [], APP)  # type: ignore[arg-type]


def test_a_server_that_is_not_there_is_an_error_of_the_network() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            Page(APP, f"http://127.0.0.1:{taken.getsockname()[1]}").fetch("/")
