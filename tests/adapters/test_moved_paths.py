"""Two paths that lead to one view: a mount that a path may begin with or not, and headers that take a path's place.

Each ran on a real server: POST /x/api/transfer of any page under `hypercorn --root-path /x` and a policy for /api.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from aiohttp_client import send as send_to_aiohttp
from asgi_client import call, scope_of, send, values
from bottle import Bottle  # type: ignore[import-untyped]
from bottle import request as bottle_request
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django_site import by_async_client, by_client, set_up
from fastapi import FastAPI
from flask import Flask
from scenarios import Answer, Headers
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from werkzeug.middleware.proxy_fix import ProxyFix
from wsgi_client import answering, environ_of
from wsgi_client import call as call_wsgi
from wsgi_client import send as send_to_wsgi

from corecors import PathPolicies, Policy
from corecors.adapters.aiohttp import cross_origin as aiohttp_cross_origin
from corecors.adapters.aiohttp import setup_cors
from corecors.adapters.asgi import CORSMiddleware
from corecors.adapters.bottle import CORSPlugin
from corecors.adapters.django import cross_origin as django_cross_origin
from corecors.adapters.flask import CORS as FlaskCORS
from corecors.adapters.flask import cross_origin as flask_cross_origin
from corecors.adapters.starlette import CORS, cross_origin
from corecors.adapters.wsgi import CORSMiddleware as WSGIMiddleware

set_up()

ADMIN, FORUM = "https://admin.example.com", "https://forum.example.com"
STRICT = Policy(allow_origins=[ADMIN], allow_credentials=True)
WIDE = Policy(allow_origins=[FORUM], allow_credentials=True, allow_headers=["*"])


def secret(request: Request) -> Response:
    return PlainTextResponse("secret")


def starlette(cls: type[Starlette] = Starlette) -> Starlette:
    return cls(routes=[Route("/ok", secret, methods=["GET", "POST"])])


def around(policies: PathPolicies, cls: type[Starlette] = Starlette, **options: Any) -> Any:
    return CORSMiddleware(starlette(cls), policies, **options)


def within(policies: PathPolicies, cls: type[Starlette] = Starlette, **options: Any) -> Any:
    app = starlette(cls)
    CORS(app, policies, **options)
    return app


@pytest.mark.parametrize("door", [around, within])
@pytest.mark.parametrize("prefix", ["/ok", "/x/ok"])
def test_no_spelling_of_a_path_has_the_policy_of_another_path(door: Callable[..., Any], prefix: str) -> None:
    app = door(PathPolicies({prefix: STRICT}, default=WIDE))
    for target in ("/ok", "/x/ok"):
        answers = [call(app, scope_of("GET", target, (("Origin", each),), root_path="/x")) for each in (FORUM, ADMIN)]
        assert [answer.body for answer in answers] == [b"secret"] * 2, "both spellings lead to the view"
        assert values(answers[0], "access-control-allow-origin") == []
        assert values(answers[1], "access-control-allow-origin") == ([ADMIN] if target == prefix else [])


@pytest.mark.parametrize("door", [around, within])
def test_no_spelling_of_a_path_passes_by_what_blocks(door: Callable[..., Any]) -> None:
    app = door(PathPolicies({"/ok": STRICT}), block_disallowed=True)
    for target in ("/ok", "/x/ok"):
        scope = scope_of("POST", target, (("Origin", "https://stranger.example"),), root_path="/x")
        assert call(app, scope).status == 403


@pytest.mark.parametrize("door", [around, within])
def test_a_mount_that_fastapi_is_told_itself_counts(door: Callable[..., Any]) -> None:
    app = door(PathPolicies({"/ok": STRICT}, default=WIDE), FastAPI)
    getattr(app, "app", app).root_path = "/x"  # as the deprecated argument
    for target in ("/ok", "/x/ok"):
        answer = send(app, "GET", target, (("Origin", FORUM),))
        assert (answer.body, values(answer, "access-control-allow-origin")) == (b"secret", [])


def test_what_else_is_called_root_path_is_no_mount() -> None:
    class WithADirectory:
        root_path = "/srv"

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await starlette()(scope, receive, send)

    app = CORSMiddleware(WithADirectory(), PathPolicies({"/ok": STRICT}, default=WIDE))
    assert values(send(app, "GET", "/srv/ok", (("Origin", FORUM),)), "access-control-allow-origin") == [FORUM]


def test_a_mount_of_djangos_counts() -> None:
    policies = PathPolicies({"/ok": STRICT}, default=WIDE)
    urls = (path("ok", lambda request: HttpResponse()),)
    with override_settings(CORS_POLICY=policies, FORCE_SCRIPT_NAME="/x", ROOT_URLCONF=urls):
        for target in ("/ok", "/x/ok"):
            answer = by_async_client("GET", target, (("Origin", FORUM),))
            assert (answer.status, values(answer, "access-control-allow-origin")) == (200, [])


# Headers that take a path's place


def by_wsgi(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    return send_to_wsgi(WSGIMiddleware(answering(200), policies), "OPTIONS", target, headers)


def by_wsgi_with_hooks(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    app = WSGIMiddleware(answering(200), policies, on_decision=lambda decision, request: None)
    return send_to_wsgi(app, "OPTIONS", target, headers)


def by_flask(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    app = Flask(__name__)
    FlaskCORS(app, policies)
    return send_to_wsgi(app, "OPTIONS", target, headers)


def by_bottle(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    app = Bottle()
    app.install(CORSPlugin(policies))
    return send_to_wsgi(app, "OPTIONS", target, headers)


def by_asgi(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    return send(around(policies), "OPTIONS", target, headers)


def by_starlette(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    return send(within(policies), "OPTIONS", target, headers)


def by_django(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    with override_settings(CORS_POLICY=policies):
        return by_client("OPTIONS", target, headers)


def by_async_django(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    with override_settings(CORS_POLICY=policies):
        return by_async_client("OPTIONS", target, headers)


def by_aiohttp(policies: PathPolicies, target: str, headers: Headers) -> Answer:
    app = web.Application()
    setup_cors(app, policies)
    return send_to_aiohttp(app, "OPTIONS", target, headers)


DOORS = [
    by_wsgi,
    by_wsgi_with_hooks,
    by_flask,
    by_bottle,
    by_asgi,
    by_starlette,
    by_django,
    by_async_django,
    by_aiohttp,
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("names", "status"),
    [
        pytest.param("x-token", 204, id="any other header"),
        pytest.param("daphne-root-path", 403, id="Daphne, from anybody"),
        pytest.param("accept, Script_Name ,x-token", 403, id="gunicorn"),
        pytest.param("path_info", 403, id="gunicorn, too"),
        pytest.param("x-forwarded-prefix", 403, id="middleware"),
        pytest.param("x-script_name", 204, id="a name that only contains one"),
    ],
)
def test_a_preflight_for_what_takes_a_paths_place_asks_for_any_path(
    door: Callable[..., Answer], names: str, status: int
) -> None:
    policies = PathPolicies({"/admin": STRICT}, default=WIDE)
    asked = (("Origin", FORUM), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", names))
    assert door(policies, "/ok", asked).status == status


def flask_of_views() -> Any:
    app = Flask(__name__)
    app.add_url_rule("/ok", "ok", lambda: "")
    app.add_url_rule("/admin", "admin", flask_cross_origin(STRICT)(lambda: ""))
    FlaskCORS(app, WIDE)
    return partial(send_to_wsgi, app)


def bottle_of_views() -> Any:
    app = Bottle()
    app.get("/ok", callback=lambda: "")
    app.get("/admin", callback=lambda: "", cors=STRICT)
    app.install(CORSPlugin(WIDE))
    return partial(send_to_wsgi, app)


def starlette_of_views() -> Any:
    app = Starlette(
        routes=[Route("/ok", secret), Route("/admin", cross_origin(STRICT)(lambda request: secret(request)))]
    )
    CORS(app, WIDE)
    return partial(send, app)


def django_of_views() -> Any:
    urls = (
        path("ok", lambda request: HttpResponse()),
        path("admin", django_cross_origin(STRICT)(lambda request: HttpResponse())),
    )

    def ask(*asked: Any) -> Answer:
        with override_settings(CORS_POLICY=WIDE, ROOT_URLCONF=urls):
            return by_client(*asked)

    return ask


def aiohttp_of_views() -> Any:
    async def ok(request: web.Request) -> web.Response:
        return web.Response()

    @aiohttp_cross_origin(STRICT)
    async def admin(request: web.Request) -> web.Response:
        return web.Response()

    def ask(*asked: Any) -> Answer:
        app = web.Application()
        app.router.add_get("/ok", ok)
        app.router.add_get("/admin", admin)
        setup_cors(app, WIDE)
        return send_to_aiohttp(app, *asked)

    return ask


@pytest.mark.parametrize(
    "make", [flask_of_views, bottle_of_views, starlette_of_views, django_of_views, aiohttp_of_views]
)
def test_where_views_have_policies_too(make: Callable[[], Callable[..., Answer]]) -> None:
    ask = make()
    for names, status in (("x-token", 204), ("x-token, daphne-root-path", 403), ("script_name", 403)):
        asked = (("Origin", FORUM), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", names))
        assert ask("OPTIONS", "/ok", asked).status == status


# A mount that ends within a segment


@pytest.mark.parametrize("door", ["around", "within"])
def test_a_mount_that_a_server_cuts_off_within_a_segment_leads_to_no_other_policy(door: str) -> None:
    """gunicorn with SCRIPT_NAME=/x hands /xadmin on as "admin", which Flask routes as /admin."""
    cases: list[tuple[Policy | None, dict[str, Any], str]] = [
        (WIDE, {}, FORUM),
        (None, {"block_disallowed": True}, "https://stranger.example"),
    ]
    for default, options, origin in cases:
        app: Any = Flask(__name__)
        app.add_url_rule("/admin", view_func=lambda: "secret", methods=["GET", "POST"])
        policies = PathPolicies({"/x/admin": STRICT}, default=default)
        if door == "around":
            app = WSGIMiddleware(app, policies, **options)
        else:
            FlaskCORS(app, policies, **options)
        for info in ("/admin", "admin"):
            environ = environ_of("POST", "/", (("Origin", origin),))
            answer = call_wsgi(app, {**environ, "SCRIPT_NAME": "/x", "PATH_INFO": info})
            assert values(answer, "Access-Control-Allow-Origin") == []
            assert (answer.status == 403) is bool(options)


# A host that a proxy tells


@pytest.mark.parametrize("subdomains", [False, True])
def test_a_preflight_follows_the_host_that_werkzeugs_proxy_fix_writes_below(subdomains: bool) -> None:
    app = Flask(__name__, host_matching=not subdomains, subdomain_matching=subdomains, static_folder=None)
    app.config["SERVER_NAME"] = "example.com" if subdomains else None
    for host, policy in (("admin", STRICT), ("forum", WIDE)):
        where = {"subdomain": host} if subdomains else {"host": f"{host}.example.com"}
        app.add_url_rule("/", host, flask_cross_origin(policy)(lambda host=host: host), methods=["GET"], **where)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1)  # type: ignore[method-assign]
    FlaskCORS(app, WIDE)
    for host, allowed in (("admin", ADMIN), ("forum", FORUM)):
        for origin in (ADMIN, FORUM):
            hosts = (("Host", "10.0.0.1:8000"), ("X-Forwarded-Host", f"{host}.example.com"), ("Origin", origin))
            answer = send_to_wsgi(app, "GET", "/", hosts)
            assert answer.body == host.encode()
            granted = [origin] if origin == allowed else []
            assert values(answer, "Access-Control-Allow-Origin") == granted
            preflight = send_to_wsgi(app, "OPTIONS", "/", (*hosts, ("Access-Control-Request-Method", "GET")))
            assert values(preflight, "Access-Control-Allow-Origin") == granted


# A request that the application leads to another view after it was let in to one


class Moving:
    """Middleware of the application's, below CORS: /forum/... goes to /admin."""

    def __init__(self, app: Any, path: str = "path") -> None:
        self.app, self.path = app, path

    def __call__(self, scope: Any, *more: Any) -> Any:
        if scope.get(self.path, "").startswith("/forum/"):
            scope = {**scope, self.path: "/admin"}
        return self.app(scope, *more)


def flask_with_two_views(ran: list[str]) -> Any:
    app = Flask(__name__)
    app.add_url_rule("/forum", "forum", flask_cross_origin(WIDE)(lambda: ran.append("forum") or ""), methods=["POST"])
    app.add_url_rule("/forum/x", "x", app.view_functions["forum"], methods=["POST"])
    app.add_url_rule("/admin", "admin", flask_cross_origin(STRICT)(lambda: ran.append("admin") or ""), methods=["POST"])
    app.wsgi_app = Moving(app.wsgi_app, "PATH_INFO")  # type: ignore[method-assign]
    FlaskCORS(app, block_disallowed=True)
    return app


def bottle_with_two_views(ran: list[str]) -> Any:
    app = Bottle()
    for path_of_view, policy in (("/forum", WIDE), ("/forum/x", WIDE), ("/admin", STRICT)):
        name = path_of_view[1:6]
        app.post(path_of_view, callback=lambda name=name: ran.append(name), cors=policy)

    @app.hook("before_request")  # type: ignore[untyped-decorator]
    def move() -> None:
        if bottle_request.path.startswith("/forum/"):
            bottle_request.environ["PATH_INFO"] = "/admin"

    app.install(CORSPlugin(None, block_disallowed=True))
    return app


def starlette_with_two_views(ran: list[str]) -> Any:
    def view(name: str, policy: Policy) -> Any:
        def run(request: Request) -> Response:
            ran.append(name)
            return PlainTextResponse("")

        return cross_origin(policy)(run)

    forum, admin = view("forum", WIDE), view("admin", STRICT)
    paths = {"/forum": forum, "/forum/x": forum, "/admin": admin}
    app = Starlette(routes=[Route(each, endpoint, methods=["POST"]) for each, endpoint in paths.items()])
    app.add_middleware(Moving)
    CORS(app, None, block_disallowed=True)
    return app


@pytest.mark.parametrize(
    ("make", "send_to"),
    [
        pytest.param(flask_with_two_views, send_to_wsgi, id="Flask"),
        pytest.param(bottle_with_two_views, send_to_wsgi, id="Bottle"),
        pytest.param(starlette_with_two_views, send, id="Starlette"),
    ],
)
def test_what_blocks_lets_nobody_in_to_another_view_than_he_was_let_in_to(
    make: Callable[[list[str]], Any], send_to: Callable[..., Answer]
) -> None:
    ran: list[str] = []
    app = make(ran)
    cross_site = ("Sec-Fetch-Site", "cross-site")
    for headers, target, status, who in (
        ((("Origin", FORUM), cross_site), "/forum", 200, ["forum"]),
        ((("Origin", FORUM), cross_site), "/forum/x", 403, []),
        ((("Origin", FORUM), cross_site), "/admin", 403, []),
        ((("Origin", ADMIN), cross_site), "/admin", 200, ["admin"]),
        ((("Origin", FORUM), ("Sec-Fetch-Site", "same-origin")), "/forum/x", 200, ["admin"]),
        ((), "/forum/x", 200, ["admin"]),
    ):
        answer = send_to(app, "POST", target, headers)
        assert (answer.status, ran) == (status, who)
        if target == "/forum/x":
            assert values(answer, "Access-Control-Allow-Origin") == []
        ran.clear()
