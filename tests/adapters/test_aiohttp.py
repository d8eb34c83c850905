"""The aiohttp door, served on loopback: every response covered, preflights before everything, which policy."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp_client import Request, answer_of, send, send_all, serving
from asgi_client import values

from corecors import UNDECIDED, CORSRequest, PathPolicies, Policy, Reason, RejectionLog
from corecors.adapters.aiohttp import CORS_KEY, cross_origin, setup_cors

ORIGIN = "https://app.example.com"
STRANGER = "https://stranger.example.com"
POLICY = Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_credentials=True, expose_headers=["X-Total"])
FROM_ORIGIN, FROM_STRANGER = ("Origin", ORIGIN), ("Origin", STRANGER)
ASKS_TO_PUT = ("Access-Control-Request-Method", "PUT")
PREFLIGHT = Request("OPTIONS", "/", (FROM_ORIGIN, ASKS_TO_PUT))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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


# Every response


async def raises(request: web.Request) -> web.Response:
    raise RuntimeError("the application failed")


async def raises_a_response(request: web.Request) -> web.Response:
    raise web.HTTPConflict(headers={"X-Total": "1"})


async def times_out(request: web.Request) -> web.Response:
    raise TimeoutError


async def returns_nothing(request: web.Request) -> None:
    return None


async def streams(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"one")
    return response


async def sends_a_file(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(Path(__file__))


async def sends_no_file(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(Path(__file__).with_name("missing"))


async def has_headers_of_its_own(request: web.Request) -> web.Response:
    lines = [("access-control-allow-origin", "*"), ("Access-Control-Allow-Origin", "x"), ("VARY", "Accept")]
    return web.Response(headers=lines)


@pytest.mark.parametrize("observed", [False, True], ids=["silent", "observed"])
@pytest.mark.parametrize(
    ("handler", "target", "status"),
    [
        pytest.param(ok, "/", 200, id="a response"),
        pytest.param(ok, "/nowhere", 404, id="no such path"),
        pytest.param(raises, "/", 500, id="an exception"),
        pytest.param(raises_a_response, "/", 409, id="a response that is raised"),
        pytest.param(times_out, "/", 504, id="a timeout"),
        pytest.param(returns_nothing, "/", 500, id="no response at all"),
        pytest.param(streams, "/", 200, id="a stream"),
        pytest.param(sends_a_file, "/", 200, id="a file"),
        pytest.param(sends_no_file, "/", 404, id="a file that is not there"),
        pytest.param(has_headers_of_its_own, "/", 200, id="headers of its own"),
    ],
)
def test_every_response_is_covered_exactly_once(handler: Any, target: str, status: int, observed: bool) -> None:
    app = application(handler, on_decision=(lambda decision, request: None) if observed else None)
    granted, refused, plain = send_all(
        app, [Request("GET", target, lines) for lines in ([FROM_ORIGIN], [FROM_STRANGER], [])]
    )
    assert granted.status == refused.status == plain.status == status
    assert (allowed(granted), allowed(refused), allowed(plain)) == ([ORIGIN], [], [])
    assert values(granted, "access-control-allow-credentials") == ["true"]
    assert values(granted, "access-control-expose-headers") == ["X-Total"]
    for answer in (granted, refused, plain):
        [vary] = values(answer, "vary")
        assert "Origin" in vary.split(", ")


def test_a_method_that_is_not_routed_is_covered() -> None:
    app = application(path="/other")
    app.router.add_get("/get", ok)
    answer = send(app, "PUT", "/get", [FROM_ORIGIN])
    assert (answer.status, allowed(answer)) == (405, [ORIGIN])


def test_the_applications_own_headers_object_is_not_changed() -> None:
    kept = web.Response(headers={"Vary": "Accept"})

    async def shared(request: web.Request) -> web.Response:
        return kept

    answer = send(application(shared), "GET", "/", [FROM_ORIGIN])
    assert values(answer, "vary") == ["Accept, Origin"]
    assert kept.headers["Vary"] == "Accept"
    assert "Access-Control-Allow-Origin" not in kept.headers


@pytest.mark.parametrize("place", ["outside", "inside", "sub-application"])
def test_signals_that_run_later_add_no_second_line(place: str) -> None:
    async def adds(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Access-Control-Allow-Origin"] = "*"

    app, inner = web.Application(), web.Application()
    if place == "outside":
        app.on_response_prepare.append(adds)
    setup_cors(app, POLICY)
    (inner if place == "sub-application" else app).on_response_prepare.append(adds)
    inner.router.add_get("/x", ok)
    app.add_subapp("/inner", inner)
    granted, refused = send_all(app, [Request("GET", "/inner/x", lines) for lines in ([FROM_ORIGIN], [FROM_STRANGER])])
    assert (allowed(granted), allowed(refused)) == ([ORIGIN], [])


def test_what_a_middleware_answers_or_makes_of_an_exception_is_covered() -> None:
    @web.middleware
    async def refuses(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            raise web.HTTPUnauthorized
        try:
            return await handler(request)
        except RuntimeError:
            return web.Response(status=502)

    app = application(raises)
    app.middlewares.append(refuses)
    without, given = send_all(
        app, [Request("GET", "/", [FROM_ORIGIN]), Request("GET", "/", [FROM_ORIGIN, ("Authorization", "x")])]
    )
    assert (without.status, allowed(without)) == (401, [ORIGIN])
    assert (given.status, allowed(given)) == (502, [ORIGIN])


def test_where_routing_fails_the_500_grants_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(web.PlainResource):
        async def resolve(self, request: web.Request) -> Any:
            raise RuntimeError("the resource failed")

    app = application()
    app.router.register_resource(Fails("/fails"))
    actual, preflight = send_all(app, [Request("GET", "/fails", [FROM_ORIGIN]), PREFLIGHT._replace(target="/fails")])
    assert (actual.status, allowed(actual), values(actual, "vary")) == (500, [], ["Origin"])
    assert (preflight.status, allowed(preflight)) == (403, [])
    told = [record for record in caplog.records if "cannot be told which handler" in record.getMessage()]
    assert len(told) == 1


def test_a_client_that_leaves_ends_the_stream_and_the_next_one_is_served() -> None:
    ended = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1024)
                await asyncio.sleep(0)
        finally:
            ended.set()

    async def leave() -> Any:
        app = application(endless, path="/endless")
        app.router.add_get("/", ok)
        async with serving(app) as served:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(Request("GET", "/endless", [FROM_ORIGIN]).encoded())
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"\r\nAccess-Control-Allow-Origin: https://app.example.com\r\n" in head
            writer.close()
            await asyncio.wait_for(ended.wait(), 10)
            return await served.ask("GET", "/", [FROM_ORIGIN])

    assert allowed(asyncio.run(leave())) == [ORIGIN]


def test_several_requests_on_one_connection_do_not_share_anything() -> None:
    async def talk() -> bytes:
        async with serving(application()) as served:
            first = Request("GET", "/", [FROM_ORIGIN]).encoded().replace(b"Connection: close\r\n", b"")
            return await served.send(first + Request("GET", "/", [FROM_STRANGER]).encoded())

    data = asyncio.run(talk())
    assert data.count(b"HTTP/1.1 200 OK") == 2
    assert data.count(b"Access-Control-Allow-Origin") == 1


# Preflights


@pytest.mark.parametrize("more", [(), (("Expect", "100-continue"),)], ids=["plain", "with Expect"])
def test_a_preflight_reaches_nothing_of_the_application(more: Any) -> None:
    async def ran(*_: Any, **__: Any) -> Any:
        raise AssertionError("something of the application ran")

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise AssertionError("a middleware ran")

    app = web.Application(middlewares=[middleware])
    setup_cors(app, POLICY)
    app.middlewares.insert(0, middleware)
    app.on_response_prepare.append(ran)
    app.router.add_route("*", "/", never, expect_handler=ran)

    async def talk() -> bytes:
        async with serving(app) as served:
            return await served.send(Request("OPTIONS", "/", [FROM_ORIGIN, ASKS_TO_PUT, *more]).encoded())

    data = asyncio.run(talk())
    assert data.startswith(b"HTTP/1.1 204 ")  # and no 100, for a body that nobody will read
    answer = answer_of(data)
    assert (allowed(answer), answer.body) == ([ORIGIN], b"")
    assert values(answer, "access-control-allow-methods") == ["PUT"]
    assert values(answer, "content-length") == []


@pytest.mark.parametrize(
    ("policy", "lines", "status"),
    [
        pytest.param(POLICY, [FROM_ORIGIN, ASKS_TO_PUT], 204, id="passes"),
        pytest.param(POLICY, [FROM_STRANGER, ASKS_TO_PUT], 403, id="a stranger"),
        pytest.param(POLICY, [FROM_ORIGIN, ("Access-Control-Request-Method", "PATCH")], 403, id="another method"),
        pytest.param(POLICY.replace(preflight_status=200), [FROM_ORIGIN, ASKS_TO_PUT], 200, id="for old clients"),
        pytest.param(POLICY, [("oRIGIN", ORIGIN), (b"ACCESS-CONTROL-request-METHOD", "PUT")], 204, id="odd case"),
        pytest.param(POLICY, [FROM_ORIGIN, FROM_ORIGIN, ASKS_TO_PUT], 403, id="two lines of Origin"),
    ],
)
def test_a_preflight_is_answered_without_a_body(policy: Policy, lines: list[Any], status: int) -> None:
    answer = send(application(never, policy), "OPTIONS", "/", lines)
    assert (answer.status, answer.body) == (status, b"")
    assert bool(allowed(answer)) is (status != 403)
    assert values(answer, "content-length") == ([] if status == 204 else ["0"])
    assert values(answer, "vary") != []


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Request("OPTIONS", "/", [FROM_ORIGIN]), id="OPTIONS without a method that is asked for"),
        pytest.param(Request("OPTIONS", "/", [ASKS_TO_PUT]), id="OPTIONS without an origin"),
        pytest.param(Request("GET", "/", [FROM_ORIGIN, ASKS_TO_PUT]), id="GET with a preflight's headers"),
    ],
)
def test_everything_else_reaches_the_application(request_: Request) -> None:
    assert send(application(), *request_).body == b"ok"


def test_two_lines_of_origin_are_one_malformed_origin() -> None:
    first, second = send_all(
        application(), [Request("GET", "/", lines) for lines in ([FROM_ORIGIN] * 2, [FROM_ORIGIN, FROM_STRANGER])]
    )
    assert allowed(first) == allowed(second) == []


# Which policy


def test_a_policy_is_replaced_while_serving_and_a_request_sees_one_only() -> None:
    async def replaces(request: web.Request) -> web.Response:
        request.app[CORS_KEY].policy = Policy(allow_origins=[STRANGER])
        return web.Response()

    app = application(replaces)
    assert app[CORS_KEY].policy is POLICY
    first, second = send_all(app, [Request("GET", "/", [FROM_ORIGIN])] * 2)
    assert (allowed(first), allowed(second)) == ([ORIGIN], [])
    with pytest.raises(TypeError, match="policy must be a Policy"):
        app[CORS_KEY].policy = "https://app.example.com"  # type: ignore[assignment]
    assert app[CORS_KEY].policy == Policy(allow_origins=[STRANGER])


def test_without_a_policy_responses_stay_untouched() -> None:
    answers = [
        send(application(has_headers_of_its_own, policy), method, "/", lines)
        for policy in (None, PathPolicies({"/": None}))
        for method, lines in (("GET", [FROM_ORIGIN]), ("OPTIONS", [FROM_ORIGIN, ASKS_TO_PUT]))
    ]
    for answer in answers:
        assert allowed(answer) == ["*", "x"]
        assert values(answer, "vary") == ["Accept"]


@pytest.mark.parametrize(
    ("target", "governed"),
    [
        pytest.param("/api/x", True, id="plain"),
        pytest.param("/api/caf%C3%A9", True, id="encoded UTF-8"),
        pytest.param("/api/x?a=/../b%2F", True, id="a query"),
        pytest.param("http://127.0.0.1/api/x", True, id="a whole URL"),
        pytest.param("/apix", False, id="another segment"),
        pytest.param("/api/../x", False, id="a dot segment"),
        pytest.param("/api/%2e%2E/x", False, id="an encoded dot segment"),
        pytest.param("/api%2Fx", False, id="an encoded slash"),
        pytest.param("/api/%252e%252e%252fx", False, id="encoded twice"),
        pytest.param("/api//x", False, id="an empty segment"),
        pytest.param("/api/\\x", False, id="a backslash"),
        pytest.param("/api/%5Cx", False, id="an encoded backslash"),
        pytest.param("/api/%FF", False, id="not UTF-8"),
        pytest.param("/api/x#y", False, id="a fragment"),
        pytest.param("/api/x#y?z", False, id="a fragment before the query"),
    ],
)
def test_a_path_that_can_be_read_in_two_ways_has_no_policy(target: str, governed: bool) -> None:
    app = application(policy=PathPolicies({"/api": POLICY}, default=Policy()), path="/{tail:.*}")
    actual, preflight = send_all(
        app, [Request("GET", target, [FROM_ORIGIN]), Request("OPTIONS", target, [FROM_ORIGIN, ASKS_TO_PUT])]
    )
    assert actual.status == 200
    assert allowed(actual) == ([ORIGIN] if governed else [])
    assert preflight.status == (204 if governed else 403)


def test_where_it_cannot_be_told_nobody_is_let_in() -> None:
    class Cannot:
        def policy_for(self, request: CORSRequest) -> Any:
            return UNDECIDED

    told: list[Reason] = []
    app = application(
        has_headers_of_its_own, Cannot(), on_decision=lambda decision, request: told.append(decision.reason)
    )
    actual, preflight = send_all(app, [Request("GET", "/", [FROM_ORIGIN]), PREFLIGHT])
    assert (actual.status, allowed(actual)) == (200, [])
    assert (preflight.status, allowed(preflight)) == (403, [])
    assert told == [Reason.UNDECIDED, Reason.UNDECIDED]


# Setting up


def test_a_second_cors_and_one_that_comes_too_late_are_refused() -> None:
    app = application()
    with pytest.raises(RuntimeError, match="has CORS already"):
        setup_cors(app, POLICY)
    inner = web.Application()
    web.Application().add_subapp("/inner", inner)
    with pytest.raises(RuntimeError, match="before add_subapp"):
        setup_cors(inner, POLICY)


def _asgi(scope: Any, receive: Any, send: Any) -> None: ...


def _elsewhere() -> list[Any]:
    import bottle
    import fastapi
    import flask

    return [
        pytest.param(flask.Flask("x"), "corecors.adapters.flask.CORS", id="Flask"),
        pytest.param(bottle.Bottle(), "corecors.adapters.bottle.CORSPlugin", id="Bottle"),
        pytest.param(fastapi.FastAPI(), "corecors.adapters.starlette.CORS", id="FastAPI"),
        pytest.param(_asgi, "corecors.adapters.asgi.CORSMiddleware", id="an ASGI function"),
        pytest.param(None, "corecors.adapters.wsgi.CORSMiddleware", id="nothing"),
        pytest.param(web.RouteTableDef(), "web.Application that it belongs to", id="a table of routes"),
        pytest.param(web.AppRunner(web.Application()), "web.Application that it belongs to", id="a runner"),
        pytest.param(web.Application, "web.Application that it belongs to", id="the class"),
        pytest.param(POLICY, "the application comes first", id="a policy"),
    ]


@pytest.mark.parametrize(("app", "advice"), _elsewhere())
def test_an_application_of_another_kind_is_refused_with_the_door_to_use(app: Any, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        setup_cors(app, POLICY)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("on_decision", 1, id="on_decision"),
        pytest.param("report_only", "x", id="report_only"),
        pytest.param("block_disallowed", 1, id="block_disallowed"),
        pytest.param("check_websockets", None, id="check_websockets"),
        pytest.param("own_origins", "https://own.example.com", id="own_origins"),
        pytest.param("rejections", True, id="rejections"),
        pytest.param("policy", ORIGIN, id="policy"),
    ],
)
def test_a_wrong_option_is_named_and_the_application_stays_as_it_is(option: str, value: Any) -> None:
    app = web.Application()
    with pytest.raises(TypeError, match=option):
        setup_cors(app, **{"policy": POLICY, option: value})
    assert CORS_KEY not in app
    assert "resolve" not in vars(app.router)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(web.Application(), id="an application"),
        pytest.param(web.RouteTableDef(), id="a table of routes"),
        pytest.param(web.get("/", ok), id="a route"),
        pytest.param(int, id="another class"),
        pytest.param(partial(ok), id="a partial function"),
    ],
)
def test_only_handlers_have_policies_of_their_own(given: Any) -> None:
    with pytest.raises(TypeError, match="PathPolicies"):
        cross_origin(POLICY)(given)


def test_a_policy_is_checked_where_it_is_given() -> None:
    with pytest.raises(TypeError, match="policy must be a Policy"):
        cross_origin([POLICY])  # type: ignore[call-overload]


def test_aiohttps_own_client_reads_what_is_sent() -> None:
    async def talk() -> str:
        async with serving(application()) as served, ClientSession(headers={"Origin": ORIGIN}) as session:
            response = await session.get(f"http://127.0.0.1:{served.port}/")
            assert await response.text() == "ok"
            return response.headers["Access-Control-Allow-Origin"]

    assert asyncio.run(talk()) == ORIGIN


def test_one_log_may_serve_several_applications() -> None:
    log = RejectionLog()
    assert application(rejections=log)[CORS_KEY].door.rejections is log
