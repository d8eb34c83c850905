"""CORS for Starlette and FastAPI: what is covered, and how it is put on an application."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asgi_client import Scope, answering, handshake, run, scope_of, send, values
from fastapi import Depends, FastAPI, HTTPException
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from corecors import PathPolicies, Policy
from corecors.adapters.asgi import CORSMiddleware
from corecors.adapters.starlette import CORS, cross_origin

ORIGIN = "https://app.example.com"
STRANGER = "https://stranger.example.com"
FROM_ORIGIN = (("Origin", ORIGIN),)
PREFLIGHT = (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT"))
POLICY = Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_credentials=True)
OTHER = Policy(allow_origins=[STRANGER], allow_methods=["PUT"])


def readable_by(app: Any, path: str, origin: str = ORIGIN, method: str = "GET", body: bytes = b"") -> bool:
    """Whether a page of that origin may read the response."""
    return values(send(app, method, path, (("Origin", origin),), body), "access-control-allow-origin") == [origin]


# What is covered


def fine(request: Request) -> Response:
    return PlainTextResponse("fine")


async def fails(request: Request) -> Response:
    raise RuntimeError("the application failed")


async def breaks(request: Request) -> Response:
    async def pieces() -> Any:
        yield b"a part"
        raise RuntimeError("the application failed")

    return StreamingResponse(pieces())


async def reads(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def raises_http(request: Request) -> Response:
    raise HTTPException(418)


class Refuses(BaseHTTPMiddleware):
    """Authentication, in short."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        if "authorization" not in request.headers:
            return PlainTextResponse("who are you?", 401)
        response: Response = await call_next(request)
        return response


ROUTES = [
    Route("/fine", fine, methods=["GET", "PUT"]),
    Route("/fails", fails),
    Route("/breaks", breaks),
    Route("/reads", reads, methods=["POST"]),
    Route("/teapot", raises_http),
    Mount("/mounted", routes=[Route("/fine", fine), Route("/fails", fails)]),
    Mount("/app", app=Starlette(routes=[Route("/fine", fine), Route("/fails", fails)])),
]


def starlette(**more: Any) -> Starlette:
    return Starlette(routes=list(ROUTES), **more)


def fastapi(**more: Any) -> FastAPI:
    return FastAPI(routes=list(ROUTES), **more)


FRAMEWORKS = [pytest.param(starlette, id="starlette"), pytest.param(fastapi, id="fastapi")]


@pytest.mark.parametrize("make", FRAMEWORKS)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/fine", 200, id="a response"),
        pytest.param("GET", "/fine/", 307, id="a redirect for a slash"),
        pytest.param("GET", "/fails", 500, id="an exception that nothing handles"),
        pytest.param("GET", "/breaks", 200, id="a stream that breaks"),
        pytest.param("GET", "/teapot", 418, id="an HTTPException"),
        pytest.param("GET", "/nowhere", 404, id="no such path"),
        pytest.param("POST", "/fine", 405, id="no such method"),
        pytest.param("POST", "/reads", 413, id="a body that is too large"),
        pytest.param("GET", "/mounted/fine", 200, id="a mounted route"),
        pytest.param("GET", "/mounted/fails", 500, id="a mounted route that fails"),
        pytest.param("GET", "/mounted/nowhere", 404, id="no such path below a mount"),
        pytest.param("GET", "/app/fine", 200, id="a mounted application"),
        pytest.param("GET", "/app/fails", 500, id="a mounted application that fails"),
        pytest.param("GET", "/app/nowhere", 404, id="no such path in a mounted application"),
    ],
)
@pytest.mark.parametrize("observed", [False, True], ids=["silent", "observed"])
def test_every_response_is_covered(
    make: Callable[..., Starlette], method: str, path: str, status: int, observed: bool
) -> None:
    app = make(max_body_size=10)
    CORS(app, POLICY, on_decision=(lambda decision, request: None) if observed else None)
    for origin, allowed in ((ORIGIN, True), (STRANGER, False)):
        body = b"x" * 20 if path == "/reads" else b""
        answer = send(app, method, path, (("Origin", origin), ("Content-Length", str(len(body)))), body)
        assert answer.status == status
        assert values(answer, "access-control-allow-origin") == ([origin] if allowed else [])
        assert values(answer, "vary") == ["Origin"]
    assert send(app, "OPTIONS", path, PREFLIGHT).status == 204
    assert send(app, "OPTIONS", path, (("Origin", STRANGER), PREFLIGHT[1])).status == 403


@pytest.mark.parametrize("make", FRAMEWORKS)
@pytest.mark.parametrize("first", [False, True], ids=["middleware first", "CORS first"])
def test_the_order_of_other_middleware_does_not_matter(make: Callable[..., Starlette], first: bool) -> None:
    app = make()
    if first:
        CORS(app, POLICY)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(Refuses)
    if not first:
        CORS(app, POLICY)
    assert send(app, "OPTIONS", "/fine", PREFLIGHT).status == 204
    answer = send(app, "GET", "/fine", FROM_ORIGIN)
    assert (answer.status, values(answer, "access-control-allow-origin")) == (401, [ORIGIN])
    zipped = send(app, "GET", "/fine", (*FROM_ORIGIN, ("Authorization", "x"), ("Accept-Encoding", "gzip")))
    assert values(zipped, "vary") == ["Accept-Encoding, Origin"]


def test_what_fastapi_answers_by_itself_is_covered() -> None:
    app = FastAPI()
    CORS(app, POLICY)

    def dependency() -> None:
        raise HTTPException(403, "not you")

    @app.get("/items/{number}")
    def item(number: int) -> int:
        return number

    @app.get("/secret", dependencies=[Depends(dependency)])
    def secret() -> str:
        return "secret"

    for path, status in (
        ("/items/7", 200),
        ("/items/seven", 422),
        ("/secret", 403),
        ("/openapi.json", 200),
        ("/docs", 200),
    ):
        answer = send(app, "GET", path, FROM_ORIGIN)
        assert (answer.status, values(answer, "access-control-allow-origin")) == (status, [ORIGIN])


def test_background_tasks_lifespan_and_the_test_client_work() -> None:
    done: list[str] = []

    async def later(request: Request) -> Response:
        return PlainTextResponse("ok", background=BackgroundTask(done.append, "background"))

    class Lifespan:
        def __init__(self, app: Any) -> None: ...

        async def __aenter__(self) -> dict[str, str]:
            done.append("started")
            return {"name": "state"}

        async def __aexit__(self, *_: object) -> None:
            done.append("ended")

    app = Starlette(routes=[Route("/later", later)], lifespan=Lifespan)
    CORS(app, POLICY)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.example.com") as client:
            return await client.get("/later", headers={"Origin": ORIGIN})

    assert asyncio.run(ask()).headers["access-control-allow-origin"] == ORIGIN
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return events.pop(0)

    async def keep(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan", "state": {}}, receive, keep))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert done == ["background", "started", "ended"]


def test_an_application_whose_stack_is_built_in_another_way_is_covered() -> None:
    """As instrumentation replaces it, before or after."""

    class Own(Starlette):
        def build_middleware_stack(self) -> Any:
            return Refuses(super().build_middleware_stack())

    app = Own(routes=list(ROUTES))
    CORS(app, POLICY)
    answer = send(app, "GET", "/fine", FROM_ORIGIN)
    assert (answer.status, values(answer, "access-control-allow-origin")) == (401, [ORIGIN])


# Endpoints' own policies


@cross_origin(OTHER)
async def marked(request: Request) -> Response:
    return PlainTextResponse("marked")


def test_a_policy_is_replaced_while_serving() -> None:
    app = Starlette(routes=[*ROUTES, Route("/marked", marked)])
    CORS(app, POLICY)
    assert readable_by(app, "/fine")
    app.state.cors.policy = OTHER
    assert app.state.cors.policy is OTHER
    assert not readable_by(app, "/fine")
    assert readable_by(app, "/fine", STRANGER)
    app.state.cors.policy = PathPolicies({"/fine": POLICY})
    assert readable_by(app, "/fine")
    assert not readable_by(app, "/teapot")
    app.state.cors.policy = None
    assert not readable_by(app, "/fine")
    assert readable_by(app, "/marked", STRANGER)
    with pytest.raises(TypeError, match="policy must be a Policy"):
        app.state.cors.policy = "*"


@pytest.mark.parametrize("block_disallowed", [False, True])
def test_a_request_sees_one_policy_only_though_it_is_replaced_within(block_disallowed: bool) -> None:
    async def replacing(request: Request) -> Response:
        app.state.cors.policy = OTHER
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/", replacing)])
    CORS(app, POLICY, block_disallowed=block_disallowed)
    answer = send(app, "GET", "/", FROM_ORIGIN)
    assert values(answer, "access-control-allow-origin") == [ORIGIN]
    assert values(answer, "access-control-allow-credentials") == ["true"]


def test_a_policy_that_is_none_leaves_responses_untouched() -> None:
    async def own(request: Request) -> Response:
        return PlainTextResponse("ok", headers={"Access-Control-Allow-Origin": "*", "Vary": "Accept"})

    app = Starlette(routes=[Route("/", cross_origin(None)(own), methods=["GET", "OPTIONS"])])
    CORS(app, POLICY)
    for method, headers in (
        ("GET", FROM_ORIGIN),
        ("OPTIONS", (*FROM_ORIGIN, ("Access-Control-Request-Method", "GET"))),
    ):
        answer = send(app, method, "/", headers)
        assert values(answer, "access-control-allow-origin") == ["*"]
        assert values(answer, "vary") == ["Accept"]


def test_a_method_override_is_governed_by_the_endpoint_that_ran() -> None:
    class Override:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["method"] == "POST":
                scope["method"] = "PUT"
            await self.app(scope, receive, send)

    routes = [Route("/x", fine, methods=["POST"]), Route("/x", marked, methods=["PUT"])]
    app = Starlette(routes=routes, middleware=[Middleware(Override)])
    CORS(app, POLICY)
    assert not readable_by(app, "/x", ORIGIN, "POST")
    assert readable_by(app, "/x", STRANGER, "POST")


class Elsewhere:
    """Sends every request to another path: in the scope that it got, or in a copy."""

    def __init__(self, app: Any, path: str, copies: bool) -> None:
        self.app, self.path, self.copies = app, path, copies

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            scope = dict(scope) if self.copies else scope
            scope["path"] = self.path
        await self.app(scope, receive, send)


@pytest.mark.parametrize("copies", [False, True], ids=["in place", "in a copy"])
@pytest.mark.parametrize("make", FRAMEWORKS)
def test_a_path_that_is_rewritten_is_governed_by_the_endpoint_that_ran(
    make: Callable[..., Starlette], copies: bool
) -> None:
    app = make()
    app.router.routes.append(Route("/marked", marked))
    CORS(app, POLICY)
    app.add_middleware(Elsewhere, path="/marked", copies=copies)
    assert readable_by(app, "/fine", STRANGER)
    assert not readable_by(app, "/fine", ORIGIN)


@pytest.mark.parametrize("copies", [False, True], ids=["in place", "in a copy"])
def test_another_endpoint_than_was_decided_about_does_not_run(copies: bool, caplog: pytest.LogCaptureFixture) -> None:
    app = Starlette(routes=[*ROUTES, Route("/marked", marked)])
    CORS(app, POLICY, block_disallowed=True)
    app.add_middleware(Elsewhere, path="/marked", copies=copies)
    for _ in range(2):
        answer = send(app, "GET", "/fine", FROM_ORIGIN)
        assert (answer.status, answer.body) == (403, b"")
        assert values(answer, "access-control-allow-origin") == []
        assert values(answer, "vary") == ["Origin"]
    assert caplog.text.count("the policy of one endpoint") == 1


@pytest.mark.parametrize("copies", [False, True], ids=["in place", "in a copy"])
def test_a_handshake_is_not_accepted_by_another_endpoint_than_it_was_admitted_for(copies: bool) -> None:
    async def own(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("secret")

    app = Starlette(routes=[WebSocketRoute("/ws", echo), WebSocketRoute("/own", cross_origin(OTHER)(own))])
    CORS(app, POLICY)
    app.add_middleware(Elsewhere, path="/own", copies=copies)
    messages = run(app, handshake("/ws", FROM_ORIGIN)).messages
    assert [message["type"] for message in messages] == ["websocket.close"]


def test_what_a_predicate_raises_is_raised_and_it_is_asked_once() -> None:
    asked: list[str] = []

    async def ask(origin: str) -> bool:
        asked.append(origin)
        raise LookupError("no database")

    app = starlette()
    CORS(app, Policy(allow_origin_predicate=ask))
    with pytest.raises(LookupError, match="no database"):
        send(app, "GET", "/fine", FROM_ORIGIN)
    assert asked == [ORIGIN]


def test_what_catches_a_failing_predicate_grants_nothing_and_asks_nobody_again() -> None:
    asked: list[str] = []

    async def ask(origin: str) -> bool:
        asked.append(origin)
        raise LookupError("no database")

    class Catches:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
            try:
                await self.app(scope, receive, send)
            except LookupError:
                await answering(503, ("access-control-allow-origin", "*"))(scope, receive, send)

    app = Starlette(routes=list(ROUTES), middleware=[Middleware(Catches)])
    CORS(app, Policy(allow_origin_predicate=ask))
    answer = send(app, "GET", "/fine", FROM_ORIGIN)
    assert (answer.status, dict(answer.headers)) == (503, {"vary": "Origin"})
    assert asked == [ORIGIN]


def test_an_async_predicate_is_awaited_once() -> None:
    asked: list[str] = []

    async def ask(origin: str) -> bool:
        asked.append(origin)
        await asyncio.sleep(0)
        return True

    app = starlette()
    CORS(app, Policy(allow_origin_predicate=ask))
    assert readable_by(app, "/fine")
    assert asked == [ORIGIN]


def test_blocking_reaches_no_middleware_and_no_endpoint() -> None:
    ran: list[str] = []

    async def endpoint(request: Request) -> Response:
        ran.append(request.method)
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    CORS(app, POLICY, block_disallowed=True)
    assert send(app, "POST", "/", (("Origin", STRANGER),)).status == 403
    assert ran == []
    assert readable_by(app, "/", ORIGIN, "POST")
    assert ran == ["POST"]


# WebSockets


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@pytest.mark.parametrize(
    ("path", "origin", "accepted"),
    [
        pytest.param("/ws", ORIGIN, True, id="allowed"),
        pytest.param("/ws", STRANGER, False, id="foreign"),
        pytest.param("/ws", None, True, id="no origin"),
        pytest.param("/own", STRANGER, True, id="allowed by the endpoint's own policy"),
        pytest.param("/own", ORIGIN, False, id="foreign by the endpoint's own policy"),
        pytest.param("/mounted/own", ORIGIN, False, id="the same below a mount"),
    ],
)
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_a_handshake_is_admitted_by_the_policy_of_its_endpoint(
    kind: type[Starlette], path: str, origin: str | None, accepted: bool
) -> None:
    async def own(websocket: WebSocket) -> None:
        await echo(websocket)

    cross_origin(OTHER)(own)
    routes = [WebSocketRoute("/ws", echo), WebSocketRoute("/own", own)]
    app = kind(routes=[*routes, Mount("/mounted", routes=list(routes))])
    CORS(app, POLICY)
    headers = () if origin is None else (("Origin", origin),)
    kinds = [message["type"] for message in run(app, handshake(path, headers)).messages]
    assert kinds[0] == ("websocket.accept" if accepted else "websocket.http.response.start")


# What it can be given


def test_a_second_cors_and_one_that_comes_too_late_are_refused() -> None:
    app = starlette()
    CORS(app, POLICY)
    with pytest.raises(RuntimeError, match=r"app\.state\.cors"):
        CORS(app, POLICY)
    serving = starlette()
    send(serving, "GET", "/fine")
    with pytest.raises(RuntimeError, match="before its first request"):
        CORS(serving, POLICY)


def test_an_application_of_another_kind_is_refused_with_the_door_to_use() -> None:
    import flask

    for app, advice in (
        (flask.Flask("one"), r"corecors\.adapters\.flask\.CORS"),
        (lambda environ, start_response: [], r"corecors\.adapters\.wsgi\.CORSMiddleware"),
        (answering(200), r"corecors\.adapters\.asgi\.CORSMiddleware"),
        (CORSMiddleware(starlette(), POLICY), r"corecors\.adapters\.asgi\.CORSMiddleware"),
        (None, "NoneType is not an ASGI application"),
    ):
        with pytest.raises(TypeError, match=advice):
            CORS(app, POLICY)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="policy must be a Policy"):
        CORS(starlette(), "*")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="block_disallowed"):
        CORS(starlette(), POLICY, block_disallowed="yes")  # type: ignore[arg-type]


def test_added_as_middleware_it_works_and_says_once_what_it_cannot_cover(caplog: pytest.LogCaptureFixture) -> None:
    app = starlette()
    app.add_middleware(CORSMiddleware, policy=POLICY)
    for _ in range(3):
        assert readable_by(app, "/fine")
        assert send(app, "OPTIONS", "/fine", PREFLIGHT).status == 204
        assert not readable_by(app, "/fails")
    [record] = [record for record in caplog.records if "add_middleware" in record.getMessage()]
    assert (record.name, record.levelno) == ("corecors", logging.WARNING)
    assert "corecors.adapters.starlette.CORS" in record.getMessage()


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda app: CORSMiddleware(app, POLICY), id="around the application"),
        pytest.param(
            lambda app: Starlette(routes=[Mount("/", app=CORSMiddleware(app, POLICY))]), id="mounted in another one"
        ),
    ],
)
def test_around_a_whole_application_there_is_nothing_to_say(wrap: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = wrap(starlette())
    assert readable_by(app, "/fine")
    assert readable_by(app, "/fails")
    assert "add_middleware" not in caplog.text


def test_applications_side_by_side_do_not_share_anything() -> None:
    one, other = starlette(), starlette()
    CORS(one, POLICY)
    CORS(other, OTHER)
    results: list[bool] = []

    def serve(app: Starlette, origin: str) -> None:
        results.extend(readable_by(app, "/fine", origin) for _ in range(50))

    threads = [threading.Thread(target=serve, args=pair) for pair in ((one, ORIGIN), (other, STRANGER))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 100
    assert not readable_by(one, "/fine", STRANGER)
    assert scope_of("GET", "/")["headers"] == []
