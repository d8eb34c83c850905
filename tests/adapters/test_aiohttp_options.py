"""The options of the aiohttp door: hooks, logs, blocking, predicates."""

import asyncio
import logging
from typing import Any

import pytest
from aiohttp import web
from aiohttp_client import Request, send, send_all
from asgi_client import values

from corecors import CORSRequest, Decision, Kind, Policy
from corecors.adapters.aiohttp import setup_cors

ORIGIN = "https://app.example.com"
STRANGER = "https://stranger.example.com"
POLICY = Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_credentials=True)
FROM_ORIGIN, FROM_STRANGER = ("Origin", ORIGIN), ("Origin", STRANGER)
ASKS_TO_PUT = ("Access-Control-Request-Method", "PUT")


async def ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def never(request: web.Request) -> web.Response:
    raise AssertionError("the application was called")


def application(handler: Any = ok, policy: Any = POLICY, *, path: str = "/", **options: Any) -> web.Application:
    app = web.Application()
    setup_cors(app, policy, **options)
    app.router.add_route("*", path, handler)
    return app


def allowed(answer: Any) -> list[str]:
    return values(answer, "access-control-allow-origin")


def test_a_hook_is_told_of_each_request_and_a_source_is_given_it() -> None:
    told: list[tuple[Decision, CORSRequest]] = []
    asked: list[CORSRequest] = []

    class Source:
        varies_by_origin = False

        def policy_for(self, request: CORSRequest) -> Policy:
            asked.append(request)
            return POLICY

    app = application(policy=Source(), path="/{tail:.*}", on_decision=lambda *both: told.append(both))
    lines = [
        ("Host", "api.example.com"),
        FROM_ORIGIN,
        ASKS_TO_PUT,
        ("Access-Control-Request-Headers", "x-one"),
        ("Access-Control-Request-Headers", "x-two"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Cookie", "a=1"),
    ]
    send_all(app, [Request("OPTIONS", "/caf%C3%A9?q=%2F", lines), Request("GET", "/", [("Host", "h")])])
    first = CORSRequest(
        method="OPTIONS",
        path="/café",
        host="api.example.com",
        origin=ORIGIN,
        request_method="PUT",
        request_headers="x-one,x-two",
        fetch_site="cross-site",
        has_credentials=True,
    )
    assert asked == [first, CORSRequest("GET", "/", host="h")]
    assert [request for _, request in told] == asked
    assert [(decision.kind, decision.status) for decision, _ in told] == [(Kind.PREFLIGHT, 403), (Kind.NOT_CORS, None)]


def test_origins_are_read_as_latin_1_as_everywhere_else() -> None:
    seen: list[str | None] = []
    app = application(on_decision=lambda decision, request: seen.append(request.origin))
    send_all(app, [Request("GET", "/", [("Origin", value)]) for value in (b"https://\xc3\xa4.test", b"\xff")])
    assert seen == ["https://Ã¤.test", "ÿ"]


def test_report_only_decides_nothing_and_logs_the_difference(caplog: pytest.LogCaptureFixture) -> None:
    app = application(report_only=Policy())
    assert allowed(send(app, "GET", "/", [FROM_ORIGIN])) == [ORIGIN]
    [record] = caplog.records
    assert "report-only: would refuse" in record.getMessage()


def test_refusals_are_logged_or_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "corecors")
    send_all(application(), [Request("GET", "/", [FROM_STRANGER])] * 3)
    assert [STRANGER in record.getMessage() for record in caplog.records] == [True]
    caplog.clear()
    send(application(rejections=None), "GET", "/", [FROM_STRANGER])
    assert caplog.records == []


@pytest.mark.parametrize(
    ("method", "lines", "reaches"),
    [
        pytest.param("GET", [FROM_ORIGIN], True, id="allowed"),
        pytest.param("GET", [FROM_STRANGER], False, id="GET of a stranger"),
        pytest.param("POST", [FROM_STRANGER], False, id="POST of a stranger"),
        pytest.param("POST", [("Sec-Fetch-Site", "cross-site")], False, id="cross-site without an origin"),
        pytest.param("GET", [("Sec-Fetch-Site", "cross-site")], True, id="a navigation"),
        pytest.param("POST", [("Origin", "http://127.0.0.1")], True, id="the server's own"),
        pytest.param("POST", [("Origin", "https://own.example.com")], True, id="an own origin"),
        pytest.param("POST", [], True, id="no browser"),
    ],
)
def test_what_is_blocked_reaches_no_middleware_and_no_handler(method: str, lines: list[Any], reaches: bool) -> None:
    reached: list[str] = []

    @web.middleware
    async def notes(request: web.Request, handler: Any) -> web.StreamResponse:
        reached.append("middleware")
        return await handler(request)

    app = application(block_disallowed=True, own_origins=["https://own.example.com"])
    app.middlewares.append(notes)
    answer = send(app, method, "/", lines)
    assert (answer.status, reached) == ((200, ["middleware"]) if reaches else (403, []))
    assert values(answer, "vary") == ["Origin"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_predicate_is_asked_once_and_only_where_nothing_else_tells(is_async: bool) -> None:
    asked: list[str] = []

    def predicate(origin: str) -> Any:
        asked.append(origin)
        return origin == STRANGER

    async def awaited(origin: str) -> Any:
        await asyncio.sleep(0)
        return predicate(origin)

    policy = Policy(allow_origins=[ORIGIN], allow_origin_predicate=awaited if is_async else predicate)
    other = "https://other.example.com"
    answers = send_all(
        application(policy=policy),
        [Request("GET", "/", [("Origin", each)]) for each in (ORIGIN, STRANGER, other, "null")],
    )
    assert [allowed(answer) for answer in answers] == [[ORIGIN], [STRANGER], [], []]
    assert asked == [STRANGER, other]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_where_a_predicate_raises_the_application_does_not_run_and_the_500_grants_nothing(is_async: bool) -> None:
    asked: list[str] = []

    def fails(origin: str) -> bool:
        asked.append(origin)
        raise RuntimeError("the predicate failed")

    async def fails_later(origin: str) -> bool:
        return fails(origin)

    policy = Policy(allow_origins=[ORIGIN], allow_origin_predicate=fails_later if is_async else fails)
    answer = send(application(never, policy), "GET", "/", [FROM_STRANGER])
    assert (answer.status, allowed(answer), values(answer, "vary")) == (500, [], ["Origin"])
    assert asked == [STRANGER]
