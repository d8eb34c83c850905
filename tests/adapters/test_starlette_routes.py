"""Endpoints with policies of their own in Starlette and FastAPI: which one governs, and that preflights follow it."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
import starlette_routing
from asgi_client import Scope, answering, send, values
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from corecors import CORSRequest, PathPolicies, Policy
from corecors.adapters.asgi import CORSMiddleware
from corecors.adapters.starlette import CORS, cross_origin

BASE_ORIGIN, OWN_ORIGIN, METHOD_ORIGIN = "https://base.test", "https://own.test", "https://method.test"
BASE, OWN, METHOD = (
    Policy(allow_origins=[origin], allow_methods=["*"]) for origin in (BASE_ORIGIN, OWN_ORIGIN, METHOD_ORIGIN)
)
NAMES = {BASE_ORIGIN: "base", OWN_ORIGIN: "own", METHOD_ORIGIN: "method"}


def governs(app: Any, path: str, method: str = "GET", **more: Any) -> set[str]:
    """Whose policy governs a request; and that its preflight is governed by the same."""
    by_request, by_preflight = set(), set()
    for origin, name in NAMES.items():
        headers = (("Origin", origin), *more.get("headers", ()))
        if values(send(app, method, path, headers), "access-control-allow-origin") == [origin]:
            by_request.add(name)
        if send(app, "OPTIONS", path, (*headers, ("Access-Control-Request-Method", method))).status == 204:
            by_preflight.add(name)
    assert by_request == by_preflight
    return by_request


def plain(request: Request) -> Response:
    return PlainTextResponse("plain")


@cross_origin(OWN)
def own(request: Request) -> Response:
    return PlainTextResponse("own")


@cross_origin(OWN)
async def own_async(request: Request) -> Response:
    return PlainTextResponse("own")


@cross_origin(OWN)
class OwnEndpoint(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("get")

    @cross_origin(METHOD)
    async def put(self, request: Request) -> Response:
        return PlainTextResponse("put")


class Inherits(OwnEndpoint): ...


def unmarked_decorator(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(endpoint)
    def decorated(request: Request) -> Any:
        return endpoint(request)

    return decorated


class DoubleConvertor(Convertor[str]):
    regex = "[a-z]+"

    def convert(self, value: str) -> str:
        if value == "fails":
            raise RuntimeError("the converter failed")
        return value * 2

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("double", DoubleConvertor())


class AnyMiddleware:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def routes() -> list[BaseRoute]:
    return [
        Route("/plain", plain),
        Route("/own", own),
        Route("/async", own_async),
        Route("/class", OwnEndpoint),
        Route("/inherits", Inherits),
        Route("/partial", partial(own)),
        Route("/decorated", unmarked_decorator(own)),
        Route("/by-method", plain, methods=["GET"]),
        Route("/by-method", own, methods=["PUT"]),
        Route("/slash/", own),
        Route("/items/{number:int}", own),
        Route("/items/{name}", plain),
        Route("/double/{name:double}", own),
        Route("/files/{path:path}", own),
        Route("/wrapped", own, middleware=[Middleware(AnyMiddleware)]),
        Mount("/static", app=StaticFiles(directory=".")),
        Mount("/opaque", app=answering(200)),
        Mount("/mount", routes=[Route("/own", own), Route("/plain", plain), Route("/slash/", own)]),
        Mount("/behind", routes=[Route("/own", own)], middleware=[Middleware(AnyMiddleware)]),
        Mount("/app", app=Starlette(routes=[Route("/own", own)], middleware=[Middleware(AnyMiddleware)])),
        Mount("/around", app=AnyMiddleware(Starlette(routes=[Route("/own", own)]))),
        Mount("/deep", routes=[Mount("/{tenant}", routes=[Route("/own/{number:int}", own)])]),
        Mount("/fastapi", app=included()),
        Host("own.example.com", app=Router([Route("/host", own)])),
        Host("{tenant}.example.com", app=Router([Route("/host", plain)])),
    ]


def included() -> FastAPI:
    """FastAPI with routers in routers, as projects have them."""
    app = FastAPI()
    inner = APIRouter(prefix="/inner")
    outer = APIRouter(prefix="/outer")

    @inner.get("/own/{number}")
    @cross_origin(OWN)
    def own_item(number: int) -> int:
        return number

    @cross_origin(METHOD)
    @inner.put("/own/{number}")
    async def put_item(number: int) -> int:
        return number

    @inner.get("/plain")
    def plain_item() -> int:
        return 1

    outer.include_router(inner, prefix="/v1")
    outer.include_router(inner, prefix="/v2")
    outer.mount("/mount", Router([Route("/own", own)]))
    app.include_router(outer)
    return app


def starlette() -> Starlette:
    return Starlette(routes=routes())


def fastapi() -> FastAPI:
    return FastAPI(routes=routes())


TABLE = [
    pytest.param("GET", "/plain", "base", id="an endpoint without a policy of its own"),
    pytest.param("GET", "/own", "own", id="a function"),
    pytest.param("HEAD", "/own", "own", id="HEAD of a function"),
    pytest.param("GET", "/async", "own", id="an async function"),
    pytest.param("GET", "/class", "own", id="a class"),
    pytest.param("PUT", "/class", "method", id="a method of a class"),
    pytest.param("DELETE", "/class", "own", id="a method that the class does not have"),
    pytest.param("GET", "/inherits", "own", id="a class below it"),
    pytest.param("GET", "/partial", "own", id="a partial function"),
    pytest.param("GET", "/decorated", "own", id="decorated once more"),
    pytest.param("GET", "/by-method", "base", id="one method of a path"),
    pytest.param("PUT", "/by-method", "own", id="another method of that path"),
    pytest.param("DELETE", "/by-method", "base", id="405: the first route of the path"),
    pytest.param("GET", "/slash/", "own", id="a slash at the end"),
    pytest.param("GET", "/slash", "own", id="a redirect to the slash"),
    pytest.param("GET", "/own/", "own", id="a redirect from the slash"),
    pytest.param("GET", "/items/7", "own", id="a converter that matches"),
    pytest.param("GET", "/items/seven", "base", id="a converter that does not"),
    pytest.param("GET", "/double/x", "own", id="a converter of one's own"),
    pytest.param("GET", "/files/a/b", "own", id="a path converter"),
    pytest.param("GET", "/wrapped", "own", id="a route with middleware"),
    pytest.param("GET", "/static/nothing", "base", id="static files"),
    pytest.param("GET", "/opaque/x", "base", id="any ASGI application, mounted"),
    pytest.param("GET", "/nowhere", "base", id="no such path"),
    pytest.param("GET", "/mount/own", "own", id="a mounted route"),
    pytest.param("GET", "/mount/plain", "base", id="a mounted route without a policy"),
    pytest.param("GET", "/mount/slash", "own", id="a redirect below a mount"),
    pytest.param("GET", "/mount/nowhere", "base", id="no such path below a mount"),
    pytest.param("GET", "/mount", "base", id="a mount itself"),
    pytest.param("GET", "/behind/own", "own", id="a mount with middleware"),
    pytest.param("GET", "/app/own", "own", id="a mounted application"),
    pytest.param("GET", "/around/own", "own", id="a mounted application with something around it"),
    pytest.param("GET", "/deep/x/own/7", "own", id="mounts in mounts"),
    pytest.param("GET", "/deep/x/own/seven", "base", id="mounts in mounts, no such path"),
    pytest.param("GET", "/fastapi/outer/v1/inner/own/7", "own", id="a router in a router in FastAPI, mounted"),
    pytest.param("PUT", "/fastapi/outer/v2/inner/own/7", "method", id="the same router once more, another method"),
    pytest.param("GET", "/fastapi/outer/v2/inner/own/seven", "own", id="a validation error"),
    pytest.param("GET", "/fastapi/outer/v1/inner/plain", "base", id="an included route without a policy"),
    pytest.param("GET", "/fastapi/outer/v1/inner/plain/", "base", id="a redirect to an included route"),
    pytest.param("GET", "/fastapi/outer/v2/inner/own/7/", "own", id="a redirect to an included endpoint"),
    pytest.param("GET", "/fastapi/mount/own", "own", id="a mount in an included router"),
    pytest.param("GET", "/fastapi/docs", "base", id="FastAPI's own pages"),
]


@pytest.mark.parametrize(("method", "path", "expected"), TABLE)
@pytest.mark.parametrize("make", [starlette, fastapi])
@pytest.mark.parametrize("observed", [False, True], ids=["silent", "observed"])
def test_the_endpoint_that_runs_governs_and_preflights_follow_it(
    make: Callable[[], Starlette], method: str, path: str, expected: str, observed: bool
) -> None:
    app = make()
    CORS(app, BASE, on_decision=(lambda decision, request: None) if observed else None)
    assert governs(app, path, method) == {expected}


@pytest.mark.parametrize("make", [starlette, fastapi])
@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        pytest.param("/by-method", "put", set(), id="another policy in upper case"),
        pytest.param("/class", "put", {"method"}, id="a class, which may take either"),
        pytest.param("/plain", "put", {"base"}, id="one policy for all methods"),
        pytest.param("/nowhere", "put", {"base"}, id="no such path"),
    ],
)
def test_a_preflight_for_a_method_in_lower_case_passes_where_upper_case_changes_no_policy(
    make: Callable[[], Starlette], path: str, method: str, expected: set[str]
) -> None:
    """hypercorn hands `put` on as PUT, other servers as it is, and the preflight names what the page wrote."""
    app = make()
    CORS(app, BASE)
    asks = ("Access-Control-Request-Method", method)
    passed = {
        name for origin, name in NAMES.items() if send(app, "OPTIONS", path, (("Origin", origin), asks)).status == 204
    }
    assert passed == expected


@pytest.mark.parametrize("make", [starlette, fastapi])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/by-method", set(), id="another method, another policy"),
        pytest.param("/plain", {"base"}, id="one policy for all methods"),
    ],
)
@pytest.mark.parametrize("name", ["x-http-method-override", "X-HTTP-Method", "x-method-override"])
def test_a_preflight_that_asks_to_override_the_method_passes_where_that_changes_no_policy(
    make: Callable[[], Starlette], path: str, expected: set[str], name: str
) -> None:
    app = make()
    CORS(app, BASE.replace(allow_headers=["*"]))
    asks = (("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", name))
    passed = {
        known
        for origin, known in NAMES.items()
        if send(app, "OPTIONS", path, (("Origin", origin), *asks)).status == 204
    }
    assert passed == expected


def test_a_preflight_for_an_endpoint_without_cors_is_not_answered_by_a_mounted_application() -> None:
    """Routes are tried by the method OPTIONS, so a preflight that is left alone reaches what is mounted behind."""

    @cross_origin(None)
    async def opted_out(request: Request) -> Response:
        return PlainTextResponse("ran")

    mounted = Starlette(routes=[Route("/{item}", plain, methods=["PUT"])])
    CORS(mounted, Policy(allow_origins=[OWN_ORIGIN], allow_methods=["PUT"]))
    app = Starlette(routes=[Route("/a", opted_out, methods=["PUT"]), Mount("", app=mounted)])
    CORS(app, BASE)
    asks = (("Origin", OWN_ORIGIN), ("Access-Control-Request-Method", "PUT"))
    assert send(app, "OPTIONS", "/b", asks).status == 204
    answer = send(app, "OPTIONS", "/a", asks)
    assert answer.status != 204
    assert values(answer, "access-control-allow-origin") == []
    assert send(app, "PUT", "/a", asks[:1]).status == 200


def test_a_method_in_lower_case_is_governed_like_the_handler_of_that_name() -> None:
    """Starlette before 1.0 lets the class run it."""
    app = starlette()
    CORS(app, BASE)
    answer = send(app, "put", "/class", (("Origin", OWN_ORIGIN),))
    assert values(answer, "access-control-allow-origin") == []


@pytest.mark.parametrize("make", [starlette, fastapi])
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("own.example.com", "own", id="a host"),
        pytest.param("OWN.example.com:8000", "own", id="in upper case, with a port"),
        pytest.param("x.example.com", "base", id="a host by a pattern"),
        pytest.param("example.org", "base", id="another host"),
    ],
)
def test_hosts_are_routed(make: Callable[[], Starlette], host: str, expected: str) -> None:
    app = make()
    CORS(app, BASE)
    assert governs(app, "/host", headers=(("Host", host),)) == {expected}


@pytest.mark.parametrize("root_path", ["", "/api", "/api/v1"])
def test_an_application_behind_a_prefix_is_routed_below_it(root_path: str) -> None:
    """uvicorn and others put `root_path` in front of the path."""
    app = FastAPI(routes=routes())
    app.root_path = root_path  # as the server's root path, and the deprecated argument
    CORS(app, BASE)
    for path, expected in (("/own", "own"), ("/plain", "base"), ("/mount/own", "own"), ("/slash", "own")):
        assert governs(app, root_path + path) == {expected}


def test_routes_that_are_added_while_serving_are_found() -> None:
    app = starlette()
    CORS(app, BASE)
    assert governs(app, "/late") == {"base"}
    app.router.routes.insert(0, Route("/late", own))
    assert governs(app, "/late") == {"own"}


def test_no_redirect_where_the_application_makes_none() -> None:
    app = starlette()
    app.router.redirect_slashes = False
    CORS(app, BASE)
    assert governs(app, "/own/") == {"base"}


def test_a_mounted_application_with_a_root_path_is_routed_as_it_routes_itself() -> None:
    mounted = FastAPI(routes=[Route("/own", own)])
    mounted.root_path = "/elsewhere"  # which hides its mount from its own routes
    app = Starlette(routes=[Mount("/mounted", app=mounted)])
    CORS(app, BASE)
    assert send(app, "GET", "/mounted/own").status == 404
    assert governs(app, "/mounted/own") == {"base"}


def test_an_application_below_another_one_is_asked_what_it_would_route() -> None:
    """What stands around it has put an endpoint of its own into the scope."""

    class Refuses(AnyMiddleware):
        async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
            await answering(401)(scope, receive, send)

    app = Starlette(routes=[Route("/own", own)], middleware=[Middleware(Refuses)])
    CORS(app, BASE)

    async def around(scope: Scope, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    assert governs(Starlette(routes=[Mount("/below", app=around)]), "/below/own") == {"own"}


def test_who_opts_out_answers_preflights_by_another_endpoint() -> None:
    headers = {"Access-Control-Allow-Origin": "https://mine.test", "Access-Control-Allow-Methods": "PUT"}

    async def answers(request: Request) -> Response:
        return Response(status_code=204, headers=headers)

    async def opted_out(request: Request) -> Response:
        return PlainTextResponse("out")

    routes = [
        Route("/x", cross_origin(None)(opted_out), methods=["PUT"]),
        Route("/x", answers, methods=["OPTIONS"]),
    ]
    app = Starlette(routes=routes)
    CORS(app, BASE)
    asked = (("Origin", "https://mine.test"), ("Access-Control-Request-Method", "PUT"))
    answer = send(app, "OPTIONS", "/x", asked)
    assert {name: values(answer, name) for name in headers} == {name: [value] for name, value in headers.items()}


# Mounted applications with CORS of their own


def nested() -> Starlette:
    inner = Starlette(
        routes=[Route("/plain", plain), Route("/marked", cross_origin(METHOD)(lambda request: plain(request)))]
    )
    CORS(inner, OWN)
    middle = Starlette(routes=[Mount("/inner", app=inner), Route("/plain", plain)])
    app = Starlette(routes=[Mount("/middle", app=middle), Route("/plain", plain)])
    CORS(app, BASE)
    return app


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/plain", "base", id="the outer one"),
        pytest.param("/middle/plain", "base", id="a mounted one without"),
        pytest.param("/middle/inner/plain", "own", id="a mounted one with its own"),
        pytest.param("/middle/inner/nowhere", "own", id="no such path there"),
        pytest.param("/middle/inner/marked", "method", id="an endpoint of it"),
        pytest.param("/middle/inner/plain/", "own", id="a redirect of it"),
        pytest.param("/middle/inner/marked/", "method", id="a redirect to an endpoint of it"),
    ],
)
@pytest.mark.parametrize("refuses", [False, True], ids=["it answers", "something before it answers"])
def test_the_nearest_application_governs(path: str, expected: str, refuses: bool) -> None:
    app = nested()
    if refuses:

        class Refuses(AnyMiddleware):
            async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
                await answering(401)(scope, receive, send)

        app.add_middleware(Refuses)
    assert governs(app, path) == {expected}


def test_the_plain_middleware_around_a_mounted_application_gives_way() -> None:
    app = Starlette(routes=[Mount("/x", app=CORSMiddleware(Starlette(routes=[Route("/plain", plain)]), OWN))])
    CORS(app, BASE)
    assert governs(app, "/x/plain") == {"base"}


# Where it cannot be told


class OwnWay(Router):
    async def app(self, scope: Scope, receive: Any, send: Any) -> None:
        await answering(200)(scope, receive, send)


class Hidden(BaseRoute):
    def matches(self, scope: Any) -> Any:
        return (Match.FULL, {}) if scope["path"] == "/hidden" else (Match.NONE, {})

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        await answering(200)(scope, receive, send)


@pytest.mark.parametrize(
    ("route", "path"),
    [
        pytest.param(Route("/double/{name:double}", plain), "/double/fails", id="a converter fails"),
        pytest.param(Mount("/own-way", app=OwnWay()), "/own-way/x", id="a router with a way of its own"),
        pytest.param(Hidden(), "/hidden", id="a route of an unknown kind"),
    ],
)
def test_where_it_cannot_be_told_nobody_is_let_in_and_it_is_logged_once(
    route: BaseRoute, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = Starlette(routes=[route, Route("/plain", plain)])
    CORS(app, BASE)
    asked = (("Origin", BASE_ORIGIN), ("Access-Control-Request-Method", "GET"))
    for _ in range(3):
        assert send(app, "OPTIONS", path, asked).status == 403
    assert caplog.text.count("cannot be told which endpoint") == 1
    answer = send(app, "GET", path, asked[:1])
    assert values(answer, "access-control-allow-origin") == []
    assert values(answer, "vary") == ["Origin"]
    assert governs(app, "/plain") == {"base"}


def test_a_router_that_leads_back_to_itself_ends() -> None:
    router = Router()
    router.mount("/again", app=router)
    app = Starlette(routes=[Mount("/", app=router)])
    CORS(app, BASE)
    asked = (("Origin", BASE_ORIGIN), ("Access-Control-Request-Method", "GET"))
    assert send(app, "OPTIONS", "/again" * 20, asked).status == 204
    assert send(app, "OPTIONS", "/again" * 200, asked).status == 403


# Nothing runs for a preflight


def test_a_preflight_runs_nothing_of_the_application() -> None:
    ran: list[str] = []

    class Notes(AnyMiddleware):
        async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
            ran.append(scope["path"])
            await self.app(scope, receive, send)

    app = Starlette(
        routes=[Mount("/mount", routes=[Route("/own", own)], middleware=[Middleware(Notes)])],
        middleware=[Middleware(Notes)],
    )
    CORS(app, BASE)
    asked = (("Origin", OWN_ORIGIN), ("Access-Control-Request-Method", "GET"))
    assert send(app, "OPTIONS", "/mount/own", asked).status == 204
    assert ran == []
    assert send(app, "GET", "/mount/own", asked[:1]).status == 200
    assert ran == ["/mount/own", "/mount/own"]


@pytest.mark.parametrize("seed", range(25))
def test_in_made_up_applications_the_endpoint_that_ran_governs(seed: int) -> None:
    """A few of what `tests/fuzz/routing_in_starlette.py` makes without end."""
    assert starlette_routing.findings(seed, 10) == []


# Sources, and what can be marked


@pytest.mark.parametrize("make", [starlette, fastapi])
def test_a_path_with_a_line_feed_at_its_end_is_governed_by_nobody_and_not_by_the_default(
    make: Callable[[], Starlette],
) -> None:
    """Starlette ends its patterns with `$`, so that /plain%0A runs the endpoint of /plain."""
    app = make()
    CORS(app, PathPolicies({"/plain": OWN}, default=BASE))
    answer = send(app, "GET", "/plain\n", (("Origin", BASE_ORIGIN),))
    assert (answer.body, values(answer, "access-control-allow-origin")) == (b"plain", [])


def test_an_endpoint_may_have_a_source_of_policies() -> None:
    class ByHost:
        varies_by_origin = False

        def policy_for(self, request: CORSRequest) -> Policy:
            return OWN if request.host == "own.example.com" else METHOD

    app = Starlette(routes=[Route("/x", cross_origin(ByHost())(lambda request: plain(request)))])
    CORS(app, PathPolicies({"/": BASE}))
    assert governs(app, "/x", headers=(("Host", "own.example.com"),)) == {"own"}
    assert governs(app, "/x") == {"method"}
    assert governs(app, "/y") == {"base"}


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(APIRouter(), id="a router"),
        pytest.param(FastAPI(), id="an application"),
        pytest.param(Mount("/x", routes=[]), id="a mount"),
        pytest.param(Route("/x", plain), id="a route"),
        pytest.param(partial(plain), id="a partial function"),
        pytest.param(OwnEndpoint.get.__get__(object()), id="a bound method"),
        pytest.param("/x", id="a path"),
    ],
)
def test_only_endpoints_can_be_marked(subject: Any) -> None:
    with pytest.raises(TypeError, match="PathPolicies"):
        cross_origin(OWN)(subject)


@pytest.mark.parametrize("policy", ["*", {}, ["https://a.test"], Policy])
def test_only_policies_can_be_given(policy: Any) -> None:
    with pytest.raises(TypeError, match="policy must be a Policy"):
        cross_origin(policy)


def test_an_endpoint_is_returned_as_it_is() -> None:
    def endpoint() -> None: ...

    assert cross_origin(OWN)(endpoint) is endpoint


# Policies that are hidden


def hiding(endpoint: Any) -> Any:
    """A decorator without `functools.wraps`."""

    def hidden(request: Request) -> Response:
        response: Response = endpoint(request)
        return response

    return hidden


def wrapping(endpoint: Any) -> Any:
    @wraps(endpoint)
    def wrapped(request: Request) -> Response:
        response: Response = endpoint(request)
        return response

    return wrapped


class Calling:
    def __init__(self, endpoint: Any) -> None:
        self.endpoint = endpoint

    def method(self, request: Request) -> Response:
        response: Response = self.endpoint(request)
        return response


def hiding_method(endpoint: Any) -> Any:
    def hidden(self: Any, request: Request) -> Response:
        response: Response = endpoint(request)
        return response

    return hidden


class HidingEndpoint(HTTPEndpoint):
    get = hiding_method(own)


@cross_origin(None)
def opted_out(request: Request) -> Response:
    return PlainTextResponse("opted out")


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param(plain, {"base"}, id="nothing is hidden"),
        pytest.param(hiding(plain), {"base"}, id="nothing with a policy is hidden"),
        pytest.param(wrapping(own), {"own"}, id="nothing is hidden by wraps"),
        pytest.param(hiding(own), set(), id="a policy"),
        pytest.param(hiding(hiding(own)), set(), id="a policy, twice"),
        pytest.param(hiding(opted_out), set(), id="an endpoint without CORS"),
        pytest.param(hiding(partial(own)), set(), id="in a partial"),
        pytest.param(Calling(own).method, set(), id="in an object"),
        pytest.param(cross_origin(METHOD)(hiding(own)), {"method"}, id="and another one is above it"),
    ],
)
def test_a_policy_that_a_decorator_hides_is_never_the_applications(
    endpoint: Any, expected: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    app = Starlette(routes=[Route("/hidden", endpoint)])
    CORS(app, BASE)
    for _ in range(2):
        assert governs(app, "/hidden") == expected
    assert caplog.text.count("is hidden in it") == (not expected)


def test_a_policy_that_a_method_hides_is_never_the_applications() -> None:
    app = Starlette(routes=[Route("/hidden", HidingEndpoint)])
    CORS(app, BASE)
    for _ in range(2):
        answer = send(app, "GET", "/hidden", (("Origin", BASE_ORIGIN),))
        assert (answer.body, values(answer, "access-control-allow-origin")) == (b"own", [])
