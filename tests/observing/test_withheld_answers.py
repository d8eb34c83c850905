"""Cookies that a page sends to a policy without credentials: the browser keeps the answer, and one line says so."""

from collections.abc import Callable
from functools import partial

import aiohttp_client
import bottle
import django_site  # noqa: F401  # sets Django up
import pytest
from aiohttp import web
from asgi_client import answering, send
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from flask import Flask
from watched_requests import application, request

from corecors import CORSRequest, Door, PathPolicies, Policy, RejectionLog
from corecors.adapters import asgi
from corecors.adapters.aiohttp import setup_cors
from corecors.adapters.bottle import CORSPlugin
from corecors.adapters.django import CORSMiddleware as DjangoMiddleware
from corecors.adapters.flask import CORS, cross_origin
from corecors.adapters.wsgi import CORSMiddleware

PAGE = "https://page.test"
ANYONE = Policy(allow_origins=["*"])
COOKIES = {
    "HTTP_ORIGIN": PAGE,
    "HTTP_COOKIE": "session=1",
    "HTTP_SEC_FETCH_MODE": "cors",
    "HTTP_SEC_FETCH_SITE": "cross-site",
}
LINE = (
    "CORS: a browser withholds the answer to GET /orders: The page at 'https://page.test' sent cookies (credentials:"
    " 'include'), and the policy does not allow credentials. Leave credentials out in the page, or name its origin in a"
    " policy with allow_credentials."
)
Asks = Callable[[dict[str, str]], None]


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What our own log says; other tests may have turned on that of a server."""
    return [record.getMessage() for record in caplog.records if record.name == "corecors"]


def wsgi_door(policy: object, **options: object) -> Asks:
    app = CORSMiddleware(application, policy, **options)
    return lambda environ: request(app, **environ) and None


def asgi_door(policy: object, **options: object) -> Asks:
    app = asgi.CORSMiddleware(answering(200), policy, **options)

    def ask(environ: dict[str, str]) -> None:
        fields = {name.removeprefix("HTTP_").replace("_", "-"): value for name, value in environ.items()}
        method = fields.pop("REQUEST-METHOD", "GET")
        send(app, method, "/orders", (("Host", "api.example.com"), *fields.items()))

    return ask


def aiohttp_door(policy: object, **options: object) -> Asks:
    async def ok(request: web.Request) -> web.Response:
        return web.Response()

    options = {"rejections": RejectionLog(), **options}

    def ask(environ: dict[str, str]) -> None:
        app = web.Application()
        setup_cors(app, policy, **options)
        app.router.add_route("*", "/orders", ok)
        fields = [(name.removeprefix("HTTP_").replace("_", "-"), value) for name, value in environ.items()]
        aiohttp_client.send(app, "GET", "/orders", [("Host", "api.example.com"), *fields])

    return ask


def django_door(policy: object, **options: object) -> Asks:
    options = {"rejections": RejectionLog(), **options}

    def ask(environ: dict[str, str]) -> None:
        with override_settings(CORS_POLICY=policy, CORS_OPTIONS=options):
            DjangoMiddleware(lambda request: HttpResponse())(RequestFactory().get("/orders", **environ))

    return ask


def flask_door(policy: object, *, has_own: bool = False, **options: object) -> Asks:
    app = Flask(__name__)
    CORS(app, policy, **options)
    app.add_url_rule("/orders", view_func=lambda: "ok", endpoint="orders")
    if has_own:  # so that the policy is looked up when the response starts
        app.add_url_rule("/other", view_func=cross_origin(None)(lambda: "ok"), endpoint="other")

    def ask(environ: dict[str, str]) -> None:
        request(app.wsgi_app, **environ)

    return ask


def bottle_door(policy: object, **options: object) -> Asks:
    app = bottle.Bottle()
    app.install(CORSPlugin(policy, **options))
    app.route("/orders", callback=lambda: "ok")

    def ask(environ: dict[str, str]) -> None:
        request(app.wsgi, **environ)

    return ask


DOORS = [
    pytest.param(wsgi_door, id="WSGI"),
    pytest.param(asgi_door, id="ASGI"),
    pytest.param(aiohttp_door, id="aiohttp"),
    pytest.param(django_door, id="Django"),
    pytest.param(flask_door, id="Flask"),
    pytest.param(partial(flask_door, has_own=True), id="Flask, views with policies of their own"),
    pytest.param(bottle_door, id="Bottle"),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("policy", "options"),
    [
        pytest.param(ANYONE, {}, id="any origin, from remembered lines"),
        pytest.param(ANYONE, {"on_decision": lambda decision, request: None}, id="any origin, somebody listens"),
        pytest.param(PathPolicies({"/": ANYONE}), {}, id="any origin, by path"),
        pytest.param(PathPolicies({"/": Policy(allow_origins=[PAGE])}), {}, id="listed, without credentials"),
    ],
)
def test_an_answer_that_browsers_withhold_is_one_line(door, policy, options, caplog):
    ask = door(policy, **options)
    for _ in range(3):
        ask(COOKIES)
    assert messages(caplog) == [LINE]
    assert caplog.records[0].cors_reason == "credentials_not_allowed"


def test_wsgi_looks_under_a_policy_that_names_origins_too(caplog):
    wsgi_door(Policy(allow_origins=[PAGE]))(COOKIES)
    assert messages(caplog) == [LINE]


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in COOKIES.items() if name not in names}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("policy", "environ"),
    [
        pytest.param(ANYONE, without("HTTP_COOKIE"), id="no cookies"),
        pytest.param(ANYONE, without("HTTP_COOKIE") | {"HTTP_AUTHORIZATION": "Bearer x"}, id="a token that script set"),
        pytest.param(ANYONE, COOKIES | {"HTTP_SEC_FETCH_MODE": "no-cors"}, id="an image, which nobody reads"),
        pytest.param(ANYONE, COOKIES | {"HTTP_SEC_FETCH_MODE": "navigate"}, id="a form"),
        pytest.param(ANYONE, without("HTTP_SEC_FETCH_MODE"), id="a browser that does not tell, or none"),
        pytest.param(ANYONE, without("HTTP_SEC_FETCH_SITE"), id="a site that is not told"),
        pytest.param(ANYONE, COOKIES | {"HTTP_SEC_FETCH_SITE": "same-origin"}, id="the server's own page"),
        pytest.param(ANYONE, COOKIES | {"HTTP_SEC_FETCH_SITE": "none"}, id="nobody's page"),
        pytest.param(ANYONE, COOKIES | {"HTTP_ORIGIN": "chrome-extension://" + "a" * 32}, id="an extension"),
        pytest.param(ANYONE, without("HTTP_ORIGIN"), id="no origin"),
        pytest.param(Policy(allow_origins=[PAGE], allow_credentials=True), COOKIES, id="credentials are allowed"),
    ],
)
@pytest.mark.parametrize("by_path", [False, True], ids=["alone", "by path"])
def test_a_request_whose_answer_is_read_or_may_be_is_no_line(door, policy, environ, by_path, caplog):
    door(PathPolicies({"/": policy}) if by_path else policy)(environ)
    assert messages(caplog) == []


@pytest.mark.parametrize("door", DOORS)
def test_without_a_log_nothing_is_told(door, caplog):
    door(ANYONE, rejections=None)(COOKIES)
    assert messages(caplog) == []


def test_many_pages_with_cookies_stay_within_the_quota_of_the_log(caplog):
    door = Door(rejections=RejectionLog(lines=3))
    for number in range(50):
        page = CORSRequest("GET", origin=f"https://p{number}.test", fetch_site="cross-site", asks_with_cookies=True)
        door.came_with_cookies(ANYONE, page)
    assert len(caplog.records) == 3


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(
            "//orders",
            "CORS refused GET //orders: The path can be read in more than one way, as sent or as decoded (an empty"
            " segment, a dot segment, a backslash, an encoded slash, a control character, bytes that are not UTF-8), or"
            " a preflight asks for a header that takes its place (Daphne-Root-Path, SCRIPT_NAME), so"
            " no policy governs it and nobody is let in.",
            id="ambiguous",
        ),
        pytest.param(
            "*",
            "CORS refused GET *: The policy source cannot tell which policy governs this request (UNDECIDED), so nobody"
            " is let in.",
            id="not a path",
        ),
    ],
)
def test_a_step_aside_of_path_policies_is_one_line_that_says_which_path_and_why(path, expected, caplog):
    app = CORSMiddleware(application, PathPolicies({"/": ANYONE}, default=ANYONE))
    for _ in range(3):
        request(app, PATH_INFO=path, HTTP_ORIGIN=PAGE)
    assert messages(caplog) == [expected]
