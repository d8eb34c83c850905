"""cross_origin: a view's own policy, wherever the view hides, and the preflight that goes with it."""

import asyncio
import functools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.urls.converters import register_converter
from django.utils.decorators import method_decorator
from django.utils.functional import lazy
from django.utils.translation import get_language
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django_site import APP, CLIENTS, INNER, OURS, VIEW, admitted, by_client, values
from ninja import NinjaAPI, Router
from ninja.decorators import decorate_view
from rest_framework.decorators import action, api_view
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from scenarios import Answer

from corecors import PathPolicies, Policy
from corecors.adapters.django import cross_origin
from corecors.adapters.django.marks import AMBIGUOUS, mark_of

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]
APP_POLICY = Policy(allow_origins=[APP], allow_methods=METHODS)
VIEW_POLICY = Policy(allow_origins=[VIEW], allow_methods=METHODS)
INNER_POLICY = Policy(allow_origins=[INNER], allow_methods=METHODS)
by_view, by_inner, opted_out = cross_origin(VIEW_POLICY), cross_origin(INNER_POLICY), cross_origin(None)

Send = Callable[..., Answer]


@pytest.fixture(params=CLIENTS)
def send(request: pytest.FixtureRequest) -> Send:
    return CLIENTS[request.param]


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    with override_settings(CORS_POLICY=APP_POLICY, MIDDLEWARE=[OURS]):
        yield


def plain(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("ok")


async def plain_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def without_wraps(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A home-made decorator that forgets what it wraps."""
    return lambda request, **kwargs: view(request, **kwargs)


def asking_first(is_open: Callable[[], bool]) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Another, that knows two functions and calls one of them as the view."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        return lambda request: view(request) if is_open() else HttpResponse(status=403)

    return decorate


class Decorating:
    """A decorator that is a class."""

    def __init__(self, view: Callable[..., HttpResponse]) -> None:
        self.view = view

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.view(request)


class ByMethod(View):
    @by_view
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")

    def put(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")

    @opted_out
    def delete(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")


@by_view
class ByClass(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")

    @by_inner
    def put(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")


class Inheriting(ByClass):
    pass


@method_decorator(by_view, name="dispatch")
class ByDispatch(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")

    async def put(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")


class DispatchingAnew(ByDispatch):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)


@by_inner
class MarkedAnew(ByDispatch):
    pass


@method_decorator(by_view, name="get")
class ByNamedMethod(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")

    def put(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")


class Bound:
    def view(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok")


class News(Feed):
    title, link, description = "news", "/", "news"

    def items(self) -> list[str]:
        return []


# REST framework and Ninja


@api_view(["GET", "PUT"])
@by_view
def below_api_view(request: Any) -> Response:
    return Response("ok")


@by_view
@api_view(["GET", "PUT"])
def above_api_view(request: Any) -> Response:
    return Response("ok")


@by_view
class AnAPIView(APIView):
    def get(self, request: Any) -> Response:
        return Response("ok")

    @by_inner
    def put(self, request: Any) -> Response:
        return Response("ok")


class Things(ViewSet):
    @by_view
    def list(self, request: Any) -> Response:
        return Response("ok")

    def create(self, request: Any) -> Response:
        return Response("ok")

    @action(detail=False, methods=["get"])
    @by_inner
    def below(self, request: Any) -> Response:
        return Response("ok")

    @by_inner
    @action(detail=False, methods=["get", "put"])
    def above(self, request: Any) -> Response:
        return Response("ok")


@by_view
class AllThings(ViewSet):
    def list(self, request: Any) -> Response:
        return Response("ok")

    @action(detail=False)
    @opted_out
    def none(self, request: Any) -> Response:
        return Response("ok")


things = SimpleRouter(trailing_slash=False)
things.register("things", Things, basename="things")
things.register("all", AllThings, basename="all")


def ninja_api(**options: Any) -> NinjaAPI:
    api = NinjaAPI(**options)
    router = Router()

    @api.get("/both")
    @by_view
    def read(request: HttpRequest) -> str:
        return "ok"

    @api.put("/both")
    def write(request: HttpRequest) -> str:
        return "ok"

    @by_view
    @api.get("/above")
    def above(request: HttpRequest) -> str:
        return "ok"

    @api.get("/decorated")
    @decorate_view(by_view)
    def decorated(request: HttpRequest) -> str:
        return "ok"

    @api.get("/async")
    @by_view
    async def asynchronous(request: HttpRequest, number: "int" = 1) -> str:
        return "ok"

    @router.get("/routed")
    @by_view
    def routed(request: HttpRequest) -> str:
        return "ok"

    api.add_router("/router", router)
    return api


both = [path("a", by_view(plain)), path("b", by_inner(plain)), path("c", plain), path("d", opted_out(plain))]
URLS = (
    path("plain", plain),
    path("view", by_view(plain)),
    path("async", by_view(plain_async)),
    path("none", opted_out(plain)),
    path("number/<int:number>", by_view(plain)),
    path("number/<slug:number>", plain),
    path("wrapped", never_cache(csrf_exempt(by_view(plain)))),
    path("unwrapped", without_wraps(by_view(plain))),
    path("unwrapped-twice", without_wraps(without_wraps(by_view(plain)))),
    path("mixed", never_cache(without_wraps(by_view(plain)))),
    path("class-decorator", Decorating(by_view(plain))),
    path("partial", functools.partial(by_view(plain))),
    path("bound", by_view(Bound().view)),
    path("as-view", by_view(ByMethod.as_view())),
    path("by-method", ByMethod.as_view()),
    path("by-class", ByClass.as_view()),
    path("inherited", Inheriting.as_view()),
    path("class-in-a-decorator", without_wraps(ByClass.as_view())),
    path("by-dispatch", ByDispatch.as_view()),
    path("dispatching-anew", DispatchingAnew.as_view()),
    path("marked-anew", MarkedAnew.as_view()),
    path("by-named-method", ByNamedMethod.as_view()),
    path("feed", by_view(News())),
    path("marked-feed", by_view(News)()),
    path("below-api-view", below_api_view),
    path("above-api-view", above_api_view),
    path("api-view", AnAPIView.as_view()),
    path("slash/", by_view(plain)),
    path("both/", include(both)),
    path("drf/", include(things.urls)),
    path("ninja/", ninja_api(urls_namespace="views").urls),
)

NEAREST = [
    pytest.param("/plain", "GET", [APP], id="the project's"),
    pytest.param("/nowhere", "GET", [APP], id="the project's, for 404"),
    pytest.param("/view", "PUT", [VIEW], id="the view's"),
    pytest.param("/async", "GET", [VIEW], id="an async view's"),
    pytest.param("/none", "GET", [], id="none, for the view says so"),
    pytest.param("/number/7", "GET", [VIEW], id="the view's, with a variable"),
    pytest.param("/number/x", "GET", [APP], id="that of the view that the converter leads to"),
    pytest.param("/wrapped", "GET", [VIEW], id="under Django's decorators"),
    pytest.param("/unwrapped", "GET", [VIEW], id="under a decorator without functools.wraps"),
    pytest.param("/unwrapped-twice", "GET", [VIEW], id="under two of them"),
    pytest.param("/mixed", "GET", [VIEW], id="under one with functools.wraps above one without"),
    pytest.param("/class-decorator", "GET", [VIEW], id="under a decorator that is a class"),
    pytest.param("/partial", "GET", [VIEW], id="in a partial"),
    pytest.param("/bound", "GET", [VIEW], id="a bound method"),
    pytest.param("/both/a", "GET", [VIEW], id="one function at several URLs: the first"),
    pytest.param("/both/b", "GET", [INNER], id="one function at several URLs: the second"),
    pytest.param("/both/c", "GET", [APP], id="one function at several URLs: without a policy"),
    pytest.param("/both/d", "GET", [], id="one function at several URLs: opted out"),
    pytest.param("/slash", "PUT", [VIEW], id="a redirect by what it leads to"),
    pytest.param("/by-method", "GET", [VIEW], id="a method's"),
    pytest.param("/by-method", "HEAD", [VIEW], id="HEAD is answered by get"),
    pytest.param("/by-method", "PUT", [APP], id="another method's"),
    pytest.param("/by-method", "DELETE", [], id="a method opted out"),
    pytest.param("/by-method", "POST", [APP], id="405"),
    pytest.param("/as-view", "PUT", [VIEW], id="as_view()'s"),
    pytest.param("/as-view", "DELETE", [], id="a method's rather than as_view()'s"),
    pytest.param("/by-class", "GET", [VIEW], id="a class's"),
    pytest.param("/by-class", "POST", [VIEW], id="a class's, for 405"),
    pytest.param("/by-class", "PUT", [INNER], id="a method's rather than its class's"),
    pytest.param("/inherited", "GET", [VIEW], id="an inherited one"),
    pytest.param("/class-in-a-decorator", "PUT", [INNER], id="a class under a decorator without functools.wraps"),
    pytest.param("/by-dispatch", "PUT", [VIEW], id="by method_decorator(name='dispatch')"),
    pytest.param("/dispatching-anew", "GET", [VIEW], id="where dispatch is overridden"),
    pytest.param("/marked-anew", "GET", [INNER], id="a class's rather than its base's"),
    pytest.param("/by-named-method", "GET", [VIEW], id="by method_decorator(name='get')"),
    pytest.param("/by-named-method", "PUT", [APP], id="by method_decorator(name='get'), another method"),
    pytest.param("/feed", "GET", [VIEW], id="a callable object"),
    pytest.param("/marked-feed", "GET", [VIEW], id="the class of a callable object"),
    pytest.param("/below-api-view", "PUT", [VIEW], id="REST framework: below api_view"),
    pytest.param("/above-api-view", "PUT", [VIEW], id="REST framework: above api_view"),
    pytest.param("/api-view", "GET", [VIEW], id="REST framework: an APIView"),
    pytest.param("/api-view", "PUT", [INNER], id="REST framework: a method of an APIView"),
    pytest.param("/drf/things", "GET", [VIEW], id="REST framework: list of a ViewSet"),
    pytest.param("/drf/things", "HEAD", [VIEW], id="REST framework: HEAD of a list"),
    pytest.param("/drf/things", "POST", [APP], id="REST framework: create of a ViewSet"),
    pytest.param("/drf/things/below", "GET", [INNER], id="REST framework: below @action"),
    pytest.param("/drf/things/above", "PUT", [INNER], id="REST framework: above @action"),
    pytest.param("/drf/all", "GET", [VIEW], id="REST framework: a ViewSet"),
    pytest.param("/drf/all/none", "GET", [], id="REST framework: an action opted out of a ViewSet's"),
    pytest.param("/ninja/both", "GET", [VIEW], id="Ninja: an operation"),
    pytest.param("/ninja/both", "PUT", [APP], id="Ninja: another operation at its path"),
    pytest.param("/ninja/both", "DELETE", [APP], id="Ninja: 405"),
    pytest.param("/ninja/above", "GET", [VIEW], id="Ninja: above api.get"),
    pytest.param("/ninja/decorated", "GET", [VIEW], id="Ninja: decorate_view"),
    pytest.param("/ninja/async", "GET", [VIEW], id="Ninja: an async operation"),
    pytest.param("/ninja/router/routed", "GET", [VIEW], id="Ninja: a router's operation"),
]


@pytest.mark.parametrize("block", [False, True], ids=["", "blocking"])
@pytest.mark.parametrize(("target", "method", "readers"), NEAREST)
def test_the_nearest_policy_governs_a_request_and_its_preflight(
    send: Send, target: str, method: str, readers: list[str], block: bool
) -> None:
    with override_settings(ROOT_URLCONF=URLS, CORS_OPTIONS={"block_disallowed": block, "rejections": None}):
        assert admitted(send, target, method) == readers


def test_blocking_keeps_a_view_from_running() -> None:
    ran = []

    @by_view
    def view(request: HttpRequest) -> HttpResponse:
        ran.append(request.method)
        return HttpResponse("ok")

    with override_settings(ROOT_URLCONF=(path("", view),), CORS_OPTIONS={"block_disallowed": True}):
        assert by_client("GET", "/", (("Origin", APP),)).status == 403
        assert by_client("GET", "/", (("Origin", VIEW),)).status == 200
    assert ran == ["GET"]


@pytest.mark.parametrize("kind", ["Django", "Ninja"])
def test_a_preflight_names_a_method_as_django_reads_it(send: Send, kind: str) -> None:
    """Django upper-cases methods, so `patch` would run the view for PATCH."""
    api = NinjaAPI(urls_namespace=f"patch-{send.__name__}-{kind}")

    @api.patch("")
    @by_view
    def ninja_patch(request: HttpRequest) -> str:
        return "patched"

    class ByPatch(View):
        @by_view
        def patch(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("patched")

    anything = Policy(allow_origins=[APP], allow_methods=["*"])
    asked = (("Origin", APP), ("Access-Control-Request-Method", "patch"))
    view = path("", ByPatch.as_view()) if kind == "Django" else path("", api.urls)
    with override_settings(ROOT_URLCONF=(view,), CORS_POLICY=anything):
        assert send("OPTIONS", "/", asked).status == 403


def test_a_preflight_that_asks_to_override_the_method_passes_where_that_changes_no_policy(send: Send) -> None:
    """Middleware below may take the method from a header; the preflight names POST."""

    class ByPatch(View):
        def post(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("posted")

        @by_view
        def patch(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("patched")

    anything = Policy(allow_origins=[APP], allow_headers=["*"])
    names = ("Access-Control-Request-Headers", "x-http-method-override")
    asked = (("Origin", APP), ("Access-Control-Request-Method", "POST"))
    urls = (path("", ByPatch.as_view()), path("plain", plain))
    with override_settings(ROOT_URLCONF=urls, CORS_POLICY=anything):
        assert send("OPTIONS", "/", asked).status == 204
        assert send("OPTIONS", "/", (*asked, names)).status == 403
        assert send("OPTIONS", "/plain", (*asked, names)).status == 204


def test_head_of_a_viewset_is_its_lists_before_its_first_request_too() -> None:
    """The view itself adds HEAD to its actions, at its first request."""
    assert mark_of(Things.as_view({"get": "list"}), "HEAD").policy is VIEW_POLICY


LOCALE = "django.middleware.locale.LocaleMiddleware"
in_words = lazy(lambda: "zahlen" if get_language() == "de" else "pay", str)


@pytest.mark.parametrize(
    ("target", "prefixed"),
    [
        pytest.param("/de/pay", True, id="a language"),
        pytest.param("/en/pay", True, id="the default language"),
        pytest.param("/pay", False, id="the default language, not in the path"),
        pytest.param("/de/pay", False, id="a language, where the default is not in the path"),
    ],
)
def test_a_preflight_follows_a_language_in_the_path(send: Send, target: str, prefixed: bool) -> None:
    urls = (*i18n_patterns(path("pay", by_view(plain)), prefix_default_language=prefixed),)
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[OURS, LOCALE], LANGUAGE_CODE="en"):
        assert admitted(send, target) == [VIEW]


def test_a_project_in_one_language_has_views_with_policies(send: Send) -> None:
    with override_settings(ROOT_URLCONF=URLS, USE_I18N=False):
        assert admitted(send, "/view") == [VIEW]
        assert admitted(send, "/nowhere") == [APP]


def test_a_method_that_no_view_has_is_governed_by_the_view() -> None:
    assert mark_of(ByClass.as_view(), "PROPFIND").policy is VIEW_POLICY
    assert mark_of(ByMethod.as_view(), "PROPFIND") is None


def test_a_preflight_follows_a_translated_route_though_it_has_no_cookie(send: Send) -> None:
    languages = [("en", "English"), ("de", "German")]
    german = (("Origin", VIEW), ("Cookie", "django_language=de"))
    with override_settings(
        ROOT_URLCONF=(path(in_words(), by_view(plain)),), MIDDLEWARE=[OURS, LOCALE], LANGUAGES=languages
    ):
        assert values(send("GET", "/zahlen", german), "Access-Control-Allow-Origin") == [VIEW]
        for origin, status in ((VIEW, 204), (APP, 403)):
            asked = (("Origin", origin), ("Access-Control-Request-Method", "PUT"))
            assert send("OPTIONS", "/zahlen", asked).status == status


def test_paths_and_views_go_together(send: Send) -> None:
    with override_settings(ROOT_URLCONF=URLS, CORS_POLICY=PathPolicies({"/view": APP_POLICY, "/plain": INNER_POLICY})):
        assert admitted(send, "/view") == [VIEW]
        assert admitted(send, "/plain") == [INNER]
        assert admitted(send, "/nowhere") == []


def test_a_view_may_have_a_source_of_policies(send: Send) -> None:
    view = cross_origin(PathPolicies({"/a/": VIEW_POLICY, "/b/": None}))(plain)
    urls = (path("a/", view), path("b/", view), path("c/", view))
    with override_settings(ROOT_URLCONF=urls):
        assert [admitted(send, target) for target in ("/a/", "/b/", "/c/")] == [[VIEW], [], []]


def test_a_project_without_a_policy_has_views_with_one(send: Send) -> None:
    with override_settings(ROOT_URLCONF=URLS, CORS_POLICY=None):
        assert admitted(send, "/view") == [VIEW]
        assert admitted(send, "/plain") == []
        assert values(send("GET", "/plain"), "Vary") == []


def test_the_first_request_of_a_process_is_a_preflight(tmp_path: Path) -> None:
    """Views are imported by the first request that is resolved; a preflight must not be answered before that."""
    (tmp_path / "urls.py").write_text(URLS_MODULE)
    (tmp_path / "run.py").write_text(
        "from django.conf import settings\n"
        "settings.configure(ROOT_URLCONF='urls', ALLOWED_HOSTS=['*'], CORS_POLICY={'allow_origins': ['*']},\n"
        "    MIDDLEWARE=['corecors.adapters.django.CORSMiddleware'])\n"
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "asked = {'Origin': 'https://app.example.com', 'Access-Control-Request-Method': 'GET'}\n"
        "print(dict(Client().options('/', headers=asked).headers))\n"
    )
    printed = run_there(tmp_path)
    assert "Access-Control" not in printed


def run_there(folder: Path) -> str:
    """What `run.py` of a folder prints, with the folder's own modules."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "run.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


URLS_MODULE = """
from django.http import HttpResponse
from django.urls import path
from corecors.adapters.django import cross_origin
urlpatterns = [path('', cross_origin(None)(lambda request: HttpResponse('ok')))]
"""
LATE = """
from django.conf import settings

def tenant(get_response):
    def change(request):
        request.urlconf = 'urls'
        return get_response(request)
    return change

settings.configure(ROOT_URLCONF=(), ALLOWED_HOSTS=['*'], CORS_POLICY={policy},
    MIDDLEWARE=['corecors.adapters.django.CORSMiddleware', '__main__.tenant'])
import asyncio, django
django.setup()
from django.test import AsyncClient, Client
asked = {{'Origin': 'https://app.example.com'}}
response = {ask}
print(response.content, dict(response.headers))
"""


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param("Client().get('/', headers=asked)", id="Client"),
        pytest.param("asyncio.run(AsyncClient().get('/', headers=asked))", id="AsyncClient"),
    ],
)
@pytest.mark.parametrize(
    "policy",
    [
        pytest.param("{'allow_origins': ['*']}", id="a policy"),
        pytest.param(
            "__import__('corecors').PathPolicies({'/': __import__('corecors').Policy(allow_origins=['*'])})", id="paths"
        ),
    ],
)
def test_a_request_that_has_its_view_imported_is_governed_by_it(tmp_path: Path, policy: str, ask: str) -> None:
    """Where a middleware below chooses the URLs, nobody can know of their views before."""
    (tmp_path / "urls.py").write_text(URLS_MODULE)
    (tmp_path / "run.py").write_text(LATE.format(policy=policy, ask=ask))
    printed = run_there(tmp_path)
    assert printed.startswith("b'ok'")
    assert "Access-Control" not in printed


# What cannot be told


def test_a_view_that_cannot_be_told_has_no_policy(send: Send) -> None:
    hidden = asking_first(lambda: True)(by_view(plain))
    with override_settings(ROOT_URLCONF=(path("hidden", hidden),), CORS_OPTIONS={"rejections": None}):
        assert admitted(send, "/hidden") == []
        answer = send("GET", "/hidden", (("Origin", APP),))
    assert answer.body == b"ok"
    assert values(answer, "Vary") == ["Origin"]


def test_the_log_says_why_once(caplog: pytest.LogCaptureFixture) -> None:
    hidden = asking_first(lambda: True)(by_view(plain))
    with override_settings(ROOT_URLCONF=(path("said-once", hidden),), CORS_OPTIONS={"rejections": None}):
        for _ in range(3):
            by_client("GET", "/said-once", (("Origin", APP),))
    (line,) = [record.getMessage() for record in caplog.records if "said-once" in record.getMessage()]
    assert "functools.wraps" in line


def test_a_view_with_thousands_of_layers_is_not_followed_for_ever() -> None:
    def layered(depth: int) -> Callable[..., HttpResponse]:
        view = by_view(plain)
        for _ in range(depth):
            view = without_wraps(view)
        return view

    assert mark_of(layered(100), "GET") is not AMBIGUOUS
    assert mark_of(layered(300), "GET") is AMBIGUOUS


def test_functions_that_know_each_other_are_followed_once() -> None:
    def first(request: HttpRequest) -> HttpResponse:
        return second(request)

    def second(request: HttpRequest) -> HttpResponse:
        return first(request)

    assert mark_of(first, "GET") is None


def changing(attribute: str, value: Any) -> Callable[..., Any]:
    def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
        def change(request: HttpRequest) -> HttpResponse:
            setattr(request, attribute, value)
            return get_response(request)

        return change

    return middleware


TENANT_URLS = (path("", by_view(lambda request: HttpResponse("the tenant's"))),)
to_tenant = changing("urlconf", TENANT_URLS)
to_put = changing("method", "PUT")
to_other_path = changing("path_info", "/other")
METHOD_URLS = (path("", ByClass.as_view()), path("other", by_inner(plain)))


@pytest.mark.parametrize("place", ["above", "below"])
@pytest.mark.parametrize(
    ("middleware", "urls", "method", "readers"),
    [
        pytest.param("to_tenant", (path("", plain),), "GET", [VIEW], id="request.urlconf"),
        pytest.param("to_put", METHOD_URLS, "POST", [], id="request.method"),
        pytest.param("to_other_path", METHOD_URLS, "GET", [INNER], id="request.path_info"),
    ],
)
def test_a_middleware_that_changes_the_view_stands_above_or_the_headers_are_withheld(
    middleware: str, urls: Any, method: str, readers: list[str], place: str, caplog: pytest.LogCaptureFixture
) -> None:
    """`request.method` never counts: the browser asked about the method that it sends."""
    other = f"{__name__}.{middleware}"
    stack = [other, OURS] if place == "above" else [OURS, other]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=stack, CORS_OPTIONS={"rejections": None}):
        got = [
            origin
            for origin in (APP, VIEW, INNER)
            if values(by_client(method, "/", (("Origin", origin),)), "Access-Control-Allow-Origin")
        ]
        if place == "above" and readers:
            assert admitted(by_client, "/", method) == readers
    assert got == (readers if place == "above" else [])


@pytest.mark.parametrize("client", CLIENTS)
def test_blocking_keeps_a_view_from_running_that_was_not_asked_for(client: str) -> None:
    ran = []

    def view(request: HttpRequest) -> HttpResponse:
        ran.append(request.headers.get("Origin"))
        return HttpResponse("ok")

    tenant = (path("", by_view(view)),)
    globals()["to_test_tenant"] = changing("urlconf", tenant)
    own = (("Origin", "https://testserver"), ("Sec-Fetch-Site", "same-origin"))
    with override_settings(
        ROOT_URLCONF=(path("", plain),),
        MIDDLEWARE=[OURS, f"{__name__}.to_test_tenant"],
        CORS_OPTIONS={"block_disallowed": True, "rejections": None},
    ):
        refused = CLIENTS[client]("POST", "/", (("Origin", APP),))
        assert refused.status == 403
        assert values(refused, "Access-Control-Allow-Origin") == []
        assert CLIENTS[client]("POST", "/", own).status == 200
    assert ran == ["https://testserver"]


class Failing:
    """A URL converter that looks something up that is not there any more."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        raise LookupError("no database")

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(Failing, "failing")


def test_a_url_converter_that_fails_is_djangos_to_answer_and_gets_no_policy(
    send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(ROOT_URLCONF=(path("<failing:row>", by_view(plain)),), CORS_OPTIONS={"rejections": None}):
        answer = send("GET", "/7", (("Origin", APP),))
        assert answer.status == 500
        assert values(answer, "Access-Control-Allow-Origin") == []
        asked = (("Origin", APP), ("Access-Control-Request-Method", "GET"))
        assert send("OPTIONS", "/7", asked).status == 403
    assert "could not be resolved" in caplog.text


def test_a_flood_of_requests_that_cannot_be_resolved_is_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(ROOT_URLCONF=(path("<failing:row>", by_view(plain)),), CORS_OPTIONS={"rejections": None}):
        client = Client()
        for _ in range(7):
            client.options("/7", headers={"Origin": APP, "Access-Control-Request-Method": "GET"})
    told = [record.getMessage() for record in caplog.records if record.name == "corecors"]
    assert told == [
        f"CORS: no policy, for the request's URL could not be resolved, {times} times so far" for times in (1, 2, 4)
    ]


# What cross_origin takes


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        pytest.param(plain, "write @cross_origin\\(policy\\)", id="the view"),
        pytest.param("*", "a Policy or None belongs there, not str", id="text"),
        pytest.param({}, "not dict", id="a mapping"),
        pytest.param(Policy, "write @cross_origin", id="the class"),
    ],
)
def test_what_is_not_a_policy_is_refused(policy: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        cross_origin(policy)


@pytest.mark.parametrize(
    ("called", "told"),
    [
        pytest.param(lambda: cross_origin(), "a Policy or None belongs there, not nothing", id="nothing"),
        pytest.param(lambda: cross_origin(origins="*"), "is a name of .*: write allow_origins", id="flask-cors"),
        pytest.param(lambda: cross_origin(allow_origins=["*"]), "is an argument of Policy", id="a policy's argument"),
        pytest.param(lambda: cross_origin(whatever=1), "is not an argument of cross_origin", id="anything"),
    ],
)
def test_a_call_as_elsewhere_says_what_to_write_here(called: Callable[[], object], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        called()


@pytest.mark.parametrize(
    "thing",
    [
        pytest.param(NinjaAPI(urls_namespace="refused"), id="a NinjaAPI"),
        pytest.param(Router(), id="a Ninja router"),
        pytest.param(things, id="a REST framework router"),
        pytest.param(include(both), id="an include"),
        pytest.param(path("", plain), id="a URL pattern"),
        pytest.param(Policy, id="a class that is not a view"),
    ],
)
def test_what_is_not_a_view_is_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match="for groups of URLs, routers and whole APIs write CORS_POLICY = PathPolicies"):
        by_view(thing)


def test_a_marked_function_is_the_same_function_in_everything_else() -> None:
    async def view(request: HttpRequest, *, number: int = 7) -> HttpResponse:
        return HttpResponse(str(number))

    marked = by_view(view)
    assert marked is not view
    assert (marked.__name__, marked.__kwdefaults__, marked.__module__) == ("view", {"number": 7}, __name__)
    assert asyncio.iscoroutinefunction(marked)
    assert asyncio.run(marked(HttpRequest())).content == b"7"
