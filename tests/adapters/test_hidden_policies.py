"""A policy that lies hidden in what is routed is never replaced by the application's: nobody is let in, or it is an
error. It may lie wherever a decorator keeps what it decorates, and in what is mounted."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from aiohttp import web
from aiohttp_client import send as send_to_aiohttp
from asgi_client import handshake, run, send, values
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django_site import by_async_client, by_client, set_up
from flask import Flask
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from wsgi_client import send as send_to_wsgi

from corecors import Policy
from corecors.adapters import aiohttp, django, flask, starlette

set_up()

ADMIN, FORUM = "https://admin.example.com", "https://forum.example.com"
METHODS = ["GET", "PUT"]
STRICT = Policy(allow_origins=[ADMIN], allow_methods=METHODS, allow_credentials=True)
WIDE = Policy(allow_origins=[FORUM], allow_methods=METHODS, allow_credentials=True)
PREFLIGHT = (("Origin", FORUM), ("Access-Control-Request-Method", "GET"))
ORIGIN = PREFLIGHT[:1]


# Where a decorator may keep what it decorates. What is made hands on what is returned, so it works for async functions.


def in_a_closure(view: Any) -> Any:
    def run(request: Any) -> Any:
        return view(request)

    return run


def in_a_default(view: Any) -> Any:
    def run(request: Any, view: Any = view) -> Any:
        return view(request)

    return run


def in_a_default_by_name(view: Any) -> Any:
    def run(request: Any, *, view: Any = view) -> Any:
        return view(request)

    return run


def in_a_list(view: Any) -> Any:
    steps = [view]

    def run(request: Any) -> Any:
        return steps[0](request)

    return run


def in_a_mapping(view: Any) -> Any:
    by_method = {"GET": view}

    def run(request: Any) -> Any:
        return by_method["GET"](request)

    return run


def in_an_attribute_of_a_function(view: Any) -> Any:
    def run(request: Any) -> Any:
        return run.view(request)  # type: ignore[attr-defined]

    run.view = view  # type: ignore[attr-defined]
    return run


def call(view: Any, request: Any) -> Any:
    return view(request)


def call_named(request: Any, view: Any) -> Any:
    return view(request)


class Object:
    def __init__(self, view: Any) -> None:
        self.view = view

    def run(self, request: Any) -> Any:
        return self.view(request)


class Registry:
    def __init__(self, view: Any) -> None:
        self.views = {"GET": view}

    def run(self, request: Any) -> Any:
        return self.views["GET"](request)


class Slots:
    __slots__ = ("empty", "view")

    def __init__(self, view: Any) -> None:
        self.view = view

    def run(self, request: Any) -> Any:
        return self.view(request)


HIDING = [
    pytest.param(in_a_closure, id="a closure"),
    pytest.param(in_a_default, id="a default"),
    pytest.param(in_a_default_by_name, id="a default by name"),
    pytest.param(in_a_list, id="a list"),
    pytest.param(in_a_mapping, id="a mapping"),
    pytest.param(in_an_attribute_of_a_function, id="an attribute of a function"),
    pytest.param(lambda view: partial(call, view), id="an argument of a partial function"),
    pytest.param(lambda view: partial(call_named, view=view), id="a named argument of a partial function"),
    pytest.param(lambda view: Object(view).run, id="an object"),
    pytest.param(lambda view: Registry(view).run, id="a mapping of an object"),
    pytest.param(lambda view: Slots(view).run, id="a slot of an object"),
    pytest.param(lambda view: in_a_default(in_a_mapping(view)), id="two decorators"),
]


@pytest.mark.parametrize("hide", HIDING)
def test_starlette_lets_nobody_in(hide: Callable[[Any], Any]) -> None:
    def view(request: Any) -> Any:
        return PlainTextResponse("secret")

    for own, status in ((None, 204), (STRICT, 403)):
        app = Starlette(routes=[Route("/", hide(view if own is None else starlette.cross_origin(own)(view)))])
        starlette.CORS(app, WIDE)
        answer = send(app, "GET", "/", ORIGIN)
        assert answer.body == b"secret"
        assert values(answer, "access-control-allow-origin") == ([] if own else [FORUM])
        assert send(app, "OPTIONS", "/", PREFLIGHT).status == status


@pytest.mark.parametrize("hide", HIDING)
@pytest.mark.parametrize("ask", [by_client, by_async_client])
def test_django_lets_nobody_in_whom_the_hidden_policy_does_not_let_in(ask: Any, hide: Callable[[Any], Any]) -> None:
    def view(request: Any) -> Any:
        return HttpResponse("secret")

    for own, status in ((None, 204), (STRICT, 403)):
        view_or_copy = view if own is None else django.cross_origin(own)(view)
        with override_settings(CORS_POLICY=WIDE, ROOT_URLCONF=(path("", hide(view_or_copy)),)):
            answer = ask("GET", "/", ORIGIN)
            assert answer.body == b"secret"
            assert values(answer, "access-control-allow-origin") == ([] if own else [FORUM])
            assert ask("OPTIONS", "/", PREFLIGHT).status == status


@pytest.mark.parametrize("hide", HIDING)
def test_aiohttp_does_not_start(hide: Callable[[Any], Any]) -> None:
    async def view(request: Any) -> Any:
        return web.Response(text="secret")

    def application() -> web.Application:
        app = web.Application()
        hidden = hide(view)

        async def handle(request: web.Request) -> Any:
            return await hidden(request)

        app.router.add_get("/", handle)
        aiohttp.setup_cors(app, WIDE)
        return app

    assert values(send_to_aiohttp(application(), "GET", "/", ORIGIN), "Access-Control-Allow-Origin") == [FORUM]
    aiohttp.cross_origin(STRICT)(view)
    with pytest.raises(RuntimeError, match="is hidden in"):
        send_to_aiohttp(application(), "GET", "/", ORIGIN)


def flask_application(hidden: Any) -> Flask:
    app = Flask("shop")
    app.add_url_rule("/<request>", "view", hidden)
    flask.CORS(app, WIDE)
    return app


def flask_view() -> Any:
    def view(request: Any) -> Any:
        return "secret"

    view.__module__ = "another_module"  # a mark in one of the application's own modules is missed at any rate
    return view


@pytest.mark.parametrize("hide", HIDING)
def test_flask_answers_nothing(hide: Callable[[Any], Any]) -> None:
    answer = send_to_wsgi(flask_application(hide(flask_view())), "GET", "/1", ORIGIN)
    assert values(answer, "Access-Control-Allow-Origin") == [FORUM]
    marked = flask.cross_origin(STRICT)(flask_view())
    with pytest.raises(RuntimeError, match="no view leads there"):
        send_to_wsgi(flask_application(hide(marked)), "GET", "/1", ORIGIN)


def test_flask_answers_nothing_where_two_applications_hide_it() -> None:
    """As a factory makes them."""
    marked = flask.cross_origin(STRICT)(flask_view())
    for app in [flask_application(in_a_closure(marked)) for _ in range(2)]:
        with pytest.raises(RuntimeError, match="no view leads there"):
            send_to_wsgi(app, "GET", "/1", ORIGIN)


def test_flask_answers_nothing_where_another_application_does_not_hide_it() -> None:
    marked = flask.cross_origin(STRICT)(flask_view())
    open_app, hiding_app = flask_application(marked), flask_application(in_a_closure(marked))
    assert values(send_to_wsgi(open_app, "GET", "/1", ORIGIN), "Access-Control-Allow-Origin") == []
    with pytest.raises(RuntimeError, match="no view leads there"):
        send_to_wsgi(hiding_app, "GET", "/1", ORIGIN)


# One view with two policies


@pytest.mark.parametrize("cross_origin", [starlette.cross_origin, aiohttp.cross_origin, flask.cross_origin])
def test_a_second_policy_does_not_take_the_place_of_the_first_where_the_view_is_routed_already(
    cross_origin: Callable[[Any], Callable[[Any], Any]],
) -> None:
    def view(request: Any) -> Any:
        return None

    @wraps(view)
    def another(request: Any) -> Any:
        return view(request)

    assert cross_origin(STRICT)(view) is view
    assert cross_origin(STRICT)(view) is view
    for policy in (WIDE, None):
        with pytest.raises(RuntimeError, match="view has a policy already"):
            cross_origin(policy)(view)
    assert cross_origin(WIDE)(wraps(view)(another)) is another


def test_django_gives_each_place_a_copy() -> None:
    def view(request: Any) -> Any:
        return HttpResponse("secret")

    urls = (path("strict", django.cross_origin(STRICT)(view)), path("wide", django.cross_origin(WIDE)(view)))
    with override_settings(CORS_POLICY=None, ROOT_URLCONF=urls):
        granted = [
            values(by_client("GET", each, ORIGIN), "access-control-allow-origin") for each in ("/strict", "/wide")
        ]
    assert granted == [[], [FORUM]]


# What Starlette mounts


@starlette.cross_origin(STRICT)
def secret(request: Any) -> Any:
    return PlainTextResponse("secret")


def nothing_special(request: Any) -> Any:
    return PlainTextResponse("secret")


@starlette.cross_origin(STRICT)
async def marked_application(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("secret")(scope, receive, send)


@starlette.cross_origin(STRICT)
class MarkedApplication:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("secret")(scope, receive, send)


def routing(endpoint: Any, mount: str = "/in") -> Starlette:
    return Starlette(routes=[Mount(mount, routes=[Route("/it", endpoint, methods=METHODS)])])


def calling(app: Any) -> Any:
    async def call(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return call


class Around:
    def __init__(self, app: Any, *, copies: bool = False) -> None:
        self.within = app
        self.copies = copies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.within({**scope} if self.copies else scope, receive, send)


def falling_back(app: Any) -> Router:
    router = Router()
    router.default = app
    return router


def with_cors(app: Starlette) -> Starlette:
    starlette.CORS(app, STRICT)
    return app


class Dispatching(HTTPEndpoint):
    @starlette.cross_origin(STRICT)
    async def dispatch(self) -> None:
        await PlainTextResponse("secret")(self.scope, self.receive, self.send)


@starlette.cross_origin(STRICT)
class Group:
    async def put(self, request: Any) -> Any:
        return PlainTextResponse("secret")


def governing(*routes: Any) -> list[bool]:
    """Whether a page of ADMIN, and one of FORUM, may read a response; may ask for a PUT; and is let in to do so."""
    found = []
    for blocks in (False, True):
        app = Starlette(routes=routes)
        starlette.CORS(app, WIDE, block_disallowed=blocks)
        for origin in (ADMIN, FORUM):
            asked = (("Host", "x"), ("Origin", origin), ("Access-Control-Request-Method", "PUT"))
            answer = send(app, "PUT", "/x/in/it", asked[:2])
            if blocks:
                found.append(answer.status == 200)
            else:
                assert answer.body == b"secret"
                found.append(values(answer, "access-control-allow-origin") == [origin])
                found.append(send(app, "OPTIONS", "/x/in/it", asked).status == 204)
    return found


BY_STRICT, BY_WIDE = [True, True, False, False, True, False], [False, False, True, True, False, True]
BY_NOBODY = [False] * 6
RESPONSES_ALONE = [True, *BY_NOBODY[1:]]  # its policy governs the response, for what ran is known by then


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        pytest.param(Mount("/x", routing(secret)), BY_STRICT, id="an application"),
        pytest.param(Mount("/x", marked_application), BY_STRICT, id="a function with a policy"),
        pytest.param(Mount("/x", MarkedApplication()), BY_STRICT, id="an object of a class with a policy"),
        pytest.param(Mount("/x", falling_back(routing(secret))), BY_STRICT, id="where a router has no route"),
        pytest.param(Mount("/x", falling_back(marked_application)), BY_STRICT, id="a function, where it has none"),
        pytest.param(Mount("/x", calling(routing(secret))), RESPONSES_ALONE, id="a function that calls an application"),
        pytest.param(Mount("/x", calling(marked_application)), BY_NOBODY, id="a function that calls a function"),
        pytest.param(Mount("/x", partial(routing(secret))), RESPONSES_ALONE, id="a partial application"),
        pytest.param(Mount("/x", routing(secret).__call__), RESPONSES_ALONE, id="a method of an application"),
        pytest.param(Mount("/x", Around(routing(secret))), RESPONSES_ALONE, id="an object around an application"),
        pytest.param(Mount("/x", Around(routing(secret), copies=True)), BY_NOBODY, id="one that copies the scope"),
        pytest.param(Mount("/x", calling(falling_back(routing(secret)))), RESPONSES_ALONE, id="two layers"),
        pytest.param(Mount("/x", calling(routing(Dispatching))), BY_NOBODY, id="a class below"),
        pytest.param(Mount("/x", calling(routing(in_a_default(secret)))), BY_NOBODY, id="hidden in what is hidden"),
        pytest.param(Host("{host}", calling(routing(secret, "/x/in"))), RESPONSES_ALONE, id="at a host"),
        pytest.param(Mount("/x", routing(Dispatching)), BY_NOBODY, id="a method that answers no method"),
        pytest.param(Mount("/x", calling(routing(nothing_special))), BY_WIDE, id="no policy, in a function"),
        pytest.param(
            Mount("/x", falling_back(routing(nothing_special))), BY_WIDE, id="no policy, where there is no route"
        ),
    ],
)
def test_what_is_mounted_has_its_policy_or_nobody_is_let_in(route: Any, expected: list[bool]) -> None:
    assert governing(route) == expected


def test_an_application_with_cors_that_is_hidden_answers_for_itself_and_nobody_for_it() -> None:
    app = Starlette(routes=[Mount("/x", calling(with_cors(routing(nothing_special))))])
    starlette.CORS(app, WIDE)
    for origin in (ADMIN, FORUM):
        asked = (("Origin", origin), ("Access-Control-Request-Method", "PUT"))
        assert send(app, "OPTIONS", "/x/in/it", asked).status == 403


def test_a_method_of_an_object_whose_class_has_a_policy_is_not_the_applications() -> None:
    assert governing(Route("/x/in/it", Group().put, methods=METHODS)) == BY_NOBODY


def test_a_handshake_is_not_let_in_by_the_applications_policy_where_a_method_of_the_endpoint_has_one() -> None:
    class Endpoint(WebSocketEndpoint):
        @starlette.cross_origin(STRICT)
        async def on_connect(self, websocket: Any) -> None:
            await websocket.accept()

    app = Starlette(routes=[WebSocketRoute("/", Endpoint)])
    starlette.CORS(app, WIDE)
    messages = run(app, handshake("/", ORIGIN, can_deny=False)).messages
    assert [message["type"] for message in messages] == ["websocket.close"]
