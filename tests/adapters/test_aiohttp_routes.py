"""Handlers and sub-applications with policies of their own in aiohttp: which one governs; preflights follow it."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import aiohttp_routing
import pytest
from aiohttp import web
from aiohttp.abc import AbstractView
from aiohttp_client import Request, send_all
from asgi_client import values

from corecors import PathPolicies, Policy
from corecors.adapters.aiohttp import cross_origin, setup_cors

BASE_ORIGIN, OWN_ORIGIN, METHOD_ORIGIN = "https://base.test", "https://own.test", "https://method.test"
BASE, OWN, METHOD = (
    Policy(allow_origins=[origin], allow_methods=["*"]) for origin in (BASE_ORIGIN, OWN_ORIGIN, METHOD_ORIGIN)
)
NAMES = {BASE_ORIGIN: "base", OWN_ORIGIN: "own", METHOD_ORIGIN: "method"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def governs(
    app: web.Application, path: str, method: str = "GET", *headers: tuple[str, str]
) -> tuple[set[str], set[str]]:
    """Whose policy governs a request, and whose its preflight."""
    asks = ("Access-Control-Request-Method", method)
    requests = [Request(method, path, [("Origin", origin), *headers]) for origin in NAMES]
    preflights = [Request("OPTIONS", path, [("Origin", origin), asks, *headers]) for origin in NAMES]
    answers = send_all(app, [*requests, *preflights])
    by_origin = list(zip([*NAMES.items()] * 2, answers, strict=True))
    by_request = {name for (origin, name), answer in by_origin[:3] if allowed(answer) == [origin]}
    by_preflight = {name for (_, name), answer in by_origin[3:] if answer.status == 204}
    return by_request, by_preflight


def allowed(answer: Any) -> list[str]:
    return values(answer, "access-control-allow-origin")


async def plain(request: web.Request) -> web.Response:
    return web.Response(text="plain")


@cross_origin(OWN)
async def own(request: web.Request) -> web.Response:
    return web.Response(text="own")


@cross_origin(OWN)
class OwnView(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="get")

    @cross_origin(METHOD)
    async def put(self) -> web.Response:
        return web.Response(text="put")


class Inherits(OwnView): ...


class OnlyAMethod(web.View):
    @cross_origin(METHOD)
    async def get(self) -> web.Response:
        return web.Response()

    async def put(self) -> web.Response:
        return web.Response()


@cross_origin(OWN)
class AnotherKindOfView(AbstractView):
    def __await__(self) -> Any:
        return plain(self.request).__await__()


class Holder:
    @cross_origin(OWN)
    async def method(self, request: web.Request) -> web.Response:
        return web.Response()


def decorated(handler: Handler) -> Handler:
    @wraps(handler)
    async def within(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    return within


def hidden(handler: Handler) -> Handler:
    async def within(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    return within


def sub_application(*, policy: Policy | None = None) -> web.Application:
    app = web.Application()
    if policy is not None:
        setup_cors(app, policy)
    app.router.add_get("/plain", plain)
    app.router.add_get("/own", own)
    return app


table = web.RouteTableDef()


@table.get("/table")
@cross_origin(OWN)
async def in_a_table(request: web.Request) -> web.Response:
    return web.Response()


@cross_origin(OWN)
@table.get("/table-below")
async def below_a_table(request: web.Request) -> web.Response:
    return web.Response()


@table.view("/table-view")
class InATable(OwnView): ...


def application(**options: Any) -> web.Application:
    app = web.Application()
    setup_cors(app, BASE, **options)
    routes = [
        web.get("/plain", plain),
        web.get("/own", own),
        web.view("/view", OwnView),
        web.view("/inherits", Inherits),
        web.view("/only-a-method", OnlyAMethod),
        web.get("/another-view", AnotherKindOfView),
        web.get("/partial", partial(own)),
        web.get("/bound", Holder().method),
        web.get("/decorated", decorated(own)),
        web.get("/by-method", plain),
        web.put("/by-method", own),
        web.get(r"/items/{number:\d+}", own),
        web.get("/items/{name}", plain),
        web.get("/files/{path:.*}", own),
        web.get("/caf\u00e9", own),
        web.get("/no-head", own, allow_head=False),
        web.route("*", "/any", own),
        web.static("/static", Path(__file__).parent),
    ]
    app.add_routes(routes)
    app.add_routes(table)
    nested, outer = sub_application(), web.Application()
    outer.add_subapp("/inner", nested)
    outer.add_subapp("/with-cors", sub_application(policy=METHOD))
    app.add_subapp("/outer", outer)
    app.add_domain("own.example.com", domain(own))
    app.add_domain("*.example.com", domain(plain))
    return app


def domain(handler: Handler) -> web.Application:
    app = web.Application()
    app.router.add_get("/host", handler)
    return app


TABLE = [
    pytest.param("GET", "/plain", "base", id="a handler without a policy of its own"),
    pytest.param("GET", "/own", "own", id="a function"),
    pytest.param("HEAD", "/own", "own", id="HEAD of a function"),
    pytest.param("PUT", "/own", "base", id="405"),
    pytest.param("GET", "/view", "own", id="a class of views"),
    pytest.param("PUT", "/view", "method", id="a method of it"),
    pytest.param("DELETE", "/view", "own", id="a method that it does not have"),
    pytest.param("GET", "/inherits", "own", id="a class below it"),
    pytest.param("PUT", "/inherits", "method", id="a method of a class below it"),
    pytest.param("GET", "/only-a-method", "method", id="a method alone"),
    pytest.param("PUT", "/only-a-method", "base", id="another method of that class"),
    pytest.param("GET", "/another-view", "own", id="a class of views of another kind"),
    pytest.param("GET", "/partial", "own", id="a partial function"),
    pytest.param("GET", "/bound", "own", id="a method of an object"),
    pytest.param("GET", "/decorated", "own", id="decorated once more"),
    pytest.param("GET", "/by-method", "base", id="one method of a path"),
    pytest.param("PUT", "/by-method", "own", id="another method of that path"),
    pytest.param("DELETE", "/by-method", "base", id="no method of that path"),
    pytest.param("GET", "/items/7", "own", id="a pattern that matches"),
    pytest.param("GET", "/items/seven", "base", id="a pattern that does not"),
    pytest.param("GET", "/files/a/b", "own", id="the rest of a path"),
    pytest.param("GET", "/caf%C3%A9", "own", id="not ASCII"),
    pytest.param("GET", "/%6Fwn", "own", id="encoded without need"),
    pytest.param("HEAD", "/no-head", "base", id="HEAD where there is none"),
    pytest.param("PATCH", "/any", "own", id="any method"),
    pytest.param("GET", "/static/file.txt", "base", id="static files"),
    pytest.param("GET", "/table", "own", id="in a table of routes"),
    pytest.param("GET", "/table-below", "own", id="above the table's own decorator"),
    pytest.param("PUT", "/table-view", "method", id="a class of views in a table"),
    pytest.param("GET", "/nowhere", "base", id="no such path"),
    pytest.param("GET", "/outer/inner/own", "own", id="in a sub-application of a sub-application"),
    pytest.param("GET", "/outer/inner/plain", "base", id="there, without a policy"),
    pytest.param("GET", "/outer/inner/nowhere", "base", id="no such path there"),
    pytest.param("GET", "/outer/with-cors/plain", "method", id="in a sub-application with CORS"),
    pytest.param("GET", "/outer/with-cors/own", "own", id="there, with a policy of its own"),
    pytest.param("GET", "/outer/with-cors/nowhere", "method", id="no such path there, with CORS"),
    pytest.param("PUT", "/outer/with-cors/own", "method", id="405 there"),
]


@pytest.mark.parametrize(("method", "path", "expected"), TABLE)
@pytest.mark.parametrize("blocking", [False, True], ids=["open", "blocking"])
def test_the_handler_that_runs_governs_and_preflights_follow_it(
    method: str, path: str, expected: str, blocking: bool
) -> None:
    assert governs(application(block_disallowed=blocking), path, method) == ({expected}, {expected})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("own.example.com", "own", id="a domain"),
        pytest.param("OWN.example.com:8000", "own", id="in upper case, with a port"),
        pytest.param("x.example.com", "base", id="a domain by a mask"),
        pytest.param("example.org", "base", id="another domain"),
    ],
)
def test_domains_are_routed(host: str, expected: str) -> None:
    assert governs(application(), "/host", "GET", ("Host", host)) == ({expected}, {expected})


def test_the_options_of_the_innermost_application_count() -> None:
    told: list[str] = []
    app, inner = web.Application(), web.Application()
    setup_cors(app, BASE, block_disallowed=True, on_decision=lambda decision, request: told.append("outer"))
    setup_cors(inner, OWN, on_decision=lambda decision, request: told.append("inner"))
    inner.router.add_get("/x", plain)
    app.router.add_get("/x", plain)
    app.add_subapp("/inner", inner)
    stranger = [("Origin", "https://stranger.test")]
    answers = send_all(app, [Request("GET", path, stranger) for path in ("/inner/x", "/x")])
    assert [answer.status for answer in answers] == [200, 403]
    assert told == ["inner", "outer"]


def test_a_sub_application_has_cors_though_the_one_around_it_has_none() -> None:
    @web.middleware
    async def refuses(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPUnauthorized

    app = web.Application(middlewares=[refuses])
    app.add_subapp("/inner", sub_application(policy=BASE))
    app.router.add_get("/plain", plain)
    assert governs(app, "/inner/plain") == ({"base"}, {"base"})


def test_outside_of_a_sub_application_with_cors_nothing_changes() -> None:
    app = web.Application()
    app.add_subapp("/inner", sub_application(policy=BASE))
    app.router.add_get("/plain", plain)
    assert governs(app, "/plain") == (set(), set())


def test_policies_of_handlers_go_before_those_by_path() -> None:
    app = web.Application()
    setup_cors(app, PathPolicies({"/a": BASE}, default=METHOD))
    app.add_routes([web.get("/a/own", own), web.get("/a/plain", plain), web.get("/b", plain)])
    answers = send_all(
        app, [Request("GET", path, [("Origin", origin)]) for path in ("/a/own", "/a/plain", "/b") for origin in NAMES]
    )
    assert [bool(allowed(answer)) for answer in answers] == [False, True, False, True, False, False, False, False, True]


def test_a_handler_may_opt_out() -> None:
    @cross_origin(None)
    async def out(request: web.Request) -> web.Response:
        return web.Response(headers={"Access-Control-Allow-Origin": "https://its-own.test"})

    app = web.Application()
    setup_cors(app, BASE)
    app.router.add_get("/out", out)
    actual, preflight = send_all(
        app,
        [
            Request("GET", "/out", [("Origin", BASE_ORIGIN)]),
            Request("OPTIONS", "/out", [("Origin", BASE_ORIGIN), ("Access-Control-Request-Method", "GET")]),
        ],
    )
    assert (allowed(actual), values(actual, "vary")) == (["https://its-own.test"], [])
    assert (preflight.status, allowed(preflight)) == (405, [])


# What middleware does to a request


def overriding(place: str) -> web.Application:
    """A middleware that takes the method or the path from a header and routes again, in an application or below it."""

    @web.middleware
    async def override(request: web.Request, handler: Handler) -> web.StreamResponse:
        method, path = request.headers.get("X-HTTP-Method-Override"), request.headers.get("X-Path")
        if method is None and path is None:
            return await handler(request)
        clone = request.clone(method=method or request.method, rel_url=path or request.rel_url)
        found = await request.app.router.resolve(clone)
        clone._match_info = found
        return await found.handler(clone)

    @web.middleware
    async def passes(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    app, inner = web.Application(), web.Application()
    setup_cors(app, BASE)
    (app if place == "application" else inner).middlewares.append(override)
    app.middlewares.append(passes)
    for each, prefix in ((app, "/x"), (inner, "")):
        each.add_routes(
            [web.post(prefix + "/item", plain), web.put(prefix + "/item", own), web.put(prefix + "/it", plain)]
        )
    app.add_subapp("/inner", inner)
    return app


@pytest.mark.parametrize("place", ["application", "sub-application"])
@pytest.mark.parametrize(
    ("method", "path", "header", "expected"),
    [
        pytest.param("POST", "/item", ("X-HTTP-Method-Override", "PUT"), set(), id="another method, another policy"),
        pytest.param("PUT", "/item", ("X-HTTP-Method-Override", "POST"), set(), id="the other way round"),
        pytest.param("PUT", "/it", ("X-HTTP-Method-Override", "PATCH"), {"base"}, id="nothing runs"),
        pytest.param("PUT", "/it", ("X-Path", "{}/item"), set(), id="another path, another policy"),
        pytest.param("POST", "/item", ("X-Path", "{}/item"), {"base"}, id="the same path"),
        pytest.param("PUT", "/nowhere", ("X-Path", "{}/item"), {"own"}, id="a path, where nothing would have run"),
    ],
)
def test_a_response_is_granted_by_nobody_but_the_policy_of_what_ran(
    place: str, method: str, path: str, header: tuple[str, str], expected: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    prefix = "/x" if place == "application" else "/inner"
    name, value = header
    by_request, _ = governs(overriding(place), prefix + path, method, (name, value.format(prefix)))
    assert by_request == expected


@pytest.mark.parametrize(
    ("path", "status"), [pytest.param("/item", 403, id="two policies"), pytest.param("/it", 204, id="one")]
)
def test_a_preflight_for_a_method_in_lower_case_passes_where_upper_case_changes_no_policy(
    path: str, status: int
) -> None:
    """One of aiohttp's parsers hands `put` on as PUT, and the preflight names what the page wrote."""
    app = web.Application()
    setup_cors(app, BASE)
    app.add_routes([web.post("/item", plain), web.put("/item", own), web.post("/it", plain), web.put("/it", plain)])
    asks = ("Access-Control-Request-Method", "put")
    [answer] = send_all(app, [Request("OPTIONS", path, [("Origin", BASE_ORIGIN), asks])])
    assert answer.status == status


@pytest.mark.parametrize(
    ("path", "status"), [pytest.param("/inner/item", 403, id="two policies"), pytest.param("/inner/it", 204, id="one")]
)
def test_a_preflight_that_asks_to_override_the_method_passes_where_that_changes_no_policy(
    path: str, status: int
) -> None:
    app, inner = web.Application(), web.Application()
    setup_cors(app, BASE.replace(allow_headers=["*"]))
    inner.add_routes([web.post("/item", plain), web.put("/item", own), web.post("/it", plain)])
    app.add_subapp("/inner", inner)
    asks = [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-http-method-override")]
    [answer] = send_all(app, [Request("OPTIONS", path, [("Origin", BASE_ORIGIN), *asks])])
    assert answer.status == status


@pytest.mark.parametrize(("path", "expected"), [("/own", "own"), ("/plain", "base")])
def test_a_redirect_to_the_slash_is_governed_like_what_it_leads_to(path: str, expected: str) -> None:
    app = web.Application(middlewares=[web.normalize_path_middleware()])
    setup_cors(app, BASE)
    app.add_routes([web.get("/own/", own), web.get("/plain/", plain)])
    answers = send_all(app, [Request("GET", path, [("Origin", origin)]) for origin in NAMES])
    assert {answer.status for answer in answers} == {308}
    assert {NAMES[origin] for origin, answer in zip(NAMES, answers, strict=True) if allowed(answer)} == {expected}


@pytest.mark.parametrize("seed", range(12))
def test_in_made_up_applications_the_handler_that_ran_governs(seed: int) -> None:
    """A few of what `tests/fuzz/routing_in_aiohttp.py` makes without end."""
    assert aiohttp_routing.findings(seed, 6) == []


# Routing of the application's own


class ByVersion(web.PlainResource):
    """Chooses by a header, which a preflight does not have."""

    async def resolve(self, request: web.Request) -> Any:
        return await super().resolve(request) if "X-Version" in request.headers else (None, set())


@pytest.mark.parametrize(
    ("handler", "preflight"),
    [
        pytest.param(own, set(), id="and there are two policies"),
        pytest.param(plain, {"base"}, id="and there is one policy"),
    ],
)
def test_where_routing_may_go_by_what_a_preflight_lacks_nobody_passes(handler: Handler, preflight: set[str]) -> None:
    app = web.Application()
    setup_cors(app, BASE)
    resource = ByVersion("/versioned")
    app.router.register_resource(resource)
    resource.add_route("GET", handler)
    other = web.PlainResource("/versioned")
    app.router.register_resource(other)
    other.add_route("GET", plain)
    assert governs(app, "/versioned", "GET") == ({"base"}, preflight)


# Policies that would be lost


class LosesAMethod(web.View):
    @cross_origin(OWN)
    async def fetch(self) -> web.Response:
        return web.Response()


class HidesAMethod(web.View):
    get = hidden(cross_origin(OWN)(plain.__class__(plain.__code__, globals())))


class Wraps:
    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        return await self.handler(request)


class AbstractLoses(AbstractView):
    @cross_origin(OWN)
    async def get(self) -> web.Response:
        return web.Response()

    def __await__(self) -> Any:
        return self.get().__await__()


@pytest.mark.parametrize(
    ("handler", "named"),
    [
        pytest.param(hidden(own), "own", id="a decorator without functools.wraps"),
        pytest.param(hidden(hidden(own)), "own", id="two of them"),
        pytest.param(partial(hidden(own)), "own", id="within a partial function"),
        pytest.param(Wraps(own).__call__, "own", id="an object around it"),
        pytest.param(LosesAMethod, "LosesAMethod.fetch", id="a method that answers nothing"),
        pytest.param(HidesAMethod, "plain", id="a method that is hidden"),
        pytest.param(AbstractLoses, "AbstractLoses.get", id="a method of another kind of view"),
    ],
)
@pytest.mark.parametrize("place", ["application", "sub-application"])
def test_a_policy_that_would_be_lost_is_an_error_when_the_application_starts(
    handler: Any, named: str, place: str
) -> None:
    app, inner = web.Application(), web.Application()
    setup_cors(app, BASE)
    (app if place == "application" else inner).router.add_route("*", "/x", handler)
    app.add_subapp("/inner", inner)
    with pytest.raises(RuntimeError, match=f"cross_origin was given to .*{named}.*would be lost"):
        send_all(app, [])


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(decorated(own), id="a decorator with functools.wraps"),
        pytest.param(cross_origin(OWN)(hidden(plain)), id="above the decorator"),
        pytest.param(cross_origin(METHOD)(hidden(own)), id="a policy of its own for what calls it"),
        pytest.param(hidden(plain), id="no policy below"),
    ],
)
def test_what_is_not_lost_is_served(handler: Any) -> None:
    app = web.Application()
    setup_cors(app, BASE)
    app.router.add_get("/x", handler)
    assert send_all(app, [Request("GET", "/x")])[0].status == 200
