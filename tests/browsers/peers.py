"""Applications protected by other CORS libraries, each as its documentation shows, with our page as the origin named.

They all have the same routes: `/items` for any method, `/crash`, which raises, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from .sites import serving

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Serving = AbstractContextManager[str]


class Crash(Exception):
    """What the route `/crash` raises."""


@dataclass(frozen=True, slots=True)
class Peer:
    """`serve(page)` serves the application, with `page` where its documentation names an origin; yields its URL."""

    name: str
    serve: Callable[[str], Serving]


@contextmanager
def over_wsgi(app: Any) -> Iterator[str]:
    with serving(app, []) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def over_asgi(app: Any) -> Iterator[str]:
    from .asgi_sites import serving_asgi

    with serving_asgi(app, []) as port:
        yield f"http://127.0.0.1:{port}"


def flask_app(protect: Callable[[Any], object]) -> Serving:
    from flask import Flask

    app = Flask(__name__)
    protect(app)

    @app.route("/items", methods=METHODS)
    def items() -> Any:
        return {"items": []}, {"X-Total": "0"}

    @app.route("/crash")
    def crash() -> Any:
        raise Crash

    return over_wsgi(app)


def flask_simple(page: str) -> Serving:
    from flask_cors import CORS

    return flask_app(CORS)


def flask_resources(page: str) -> Serving:
    from flask_cors import CORS

    return flask_app(lambda app: CORS(app, resources={r"/items": {"origins": [page]}}))


def flask_credentials(page: str) -> Serving:
    from flask_cors import CORS

    return flask_app(lambda app: CORS(app, origins=[page], supports_credentials=True, expose_headers=["X-Total"]))


def flask_decorated(page: str) -> Serving:
    from flask import Flask
    from flask_cors import cross_origin

    app = Flask(__name__)

    @app.route("/items", methods=METHODS)
    @cross_origin()
    def items() -> Any:
        return {"items": []}, {"X-Total": "0"}

    @app.route("/crash")
    @cross_origin()
    def crash() -> Any:
        raise Crash

    return over_wsgi(app)


def starlette_app(**options: Any) -> Serving:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def items(request: object) -> JSONResponse:
        return JSONResponse({"items": []}, headers={"X-Total": "0"})

    def crash(request: object) -> JSONResponse:
        raise Crash

    routes = [Route("/items", items, methods=METHODS), Route("/crash", crash)]
    return over_asgi(Starlette(routes=routes, middleware=[Middleware(CORSMiddleware, **options)]))


def starlette_simple(page: str) -> Serving:
    return starlette_app(allow_origins=["*"])


def starlette_credentials(page: str) -> Serving:
    return starlette_app(allow_origins=[page], allow_credentials=True, allow_methods=["*"], allow_headers=["*"])


def starlette_any(page: str) -> Serving:
    return starlette_app(allow_origins=["*"], allow_credentials=True, allow_methods=["*"], allow_headers=["*"])


def django_app(**options: Any) -> Serving:
    """Django knows one configuration a process: what CORS options there are is set for the time of each request."""
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, JsonResponse
    from django.test import override_settings
    from django.urls import path

    from .django_api import alone, set_up

    def items(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"items": []}, headers={"X-Total": "0"})

    def crash(request: HttpRequest) -> JsonResponse:
        raise Crash

    set_up()
    ours = override_settings(
        ALLOWED_HOSTS=["127.0.0.1"],
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware", "django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF=(path("items", items), path("crash", crash)),
        **options,
    )
    with alone, ours:
        answer = get_wsgi_application()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with alone, ours:
            whole: Iterable[bytes] = answer(environ, start_response)
            return whole

    return over_wsgi(app)


def django_listed(page: str) -> Serving:
    return django_app(CORS_ALLOWED_ORIGINS=["https://example.com", "http://localhost:8080", page])


def django_regex(page: str) -> Serving:
    scheme, _, rest = page.partition("://")
    regex = rf"^{scheme}://\w+\.{rest.partition('.')[2]}$"
    return django_app(CORS_ALLOWED_ORIGIN_REGEXES=[regex], CORS_ALLOW_CREDENTIALS=True, CORS_EXPOSE_HEADERS=["X-Total"])


def django_any(page: str) -> Serving:
    return django_app(CORS_ALLOW_ALL_ORIGINS=True, CORS_URLS_REGEX=r"^/items.*$")


def plain(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/crash":
        raise Crash
    status = "200 OK" if environ["PATH_INFO"] == "/items" else "404 Not Found"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", "2"), ("X-Total", "0")])
    return [b"{}"]


def wsgicors_simple(page: str) -> Serving:
    from wsgicors import CORS

    return over_wsgi(CORS(plain, headers="*", methods="*", maxage="180", origin="*"))


def wsgicors_policies(page: str) -> Serving:
    from wsgicors import CORS

    free = {
        "free_origin": "copy",
        "free_headers": "*",
        "free_expose_headers": "*",
        "free_methods": "HEAD, OPTIONS, GET",
    }
    named = {
        "subdom_origin": f"http://example.com https://*.example.com {page}",
        "subdom_headers": "*",
        "subdom_methods": "HEAD, OPTIONS, GET, POST, PUT, DELETE",
        "subdom_expose_headers": "Foo, Doom",
        "subdom_credentials": "true",
        "subdom_maxage": "180",
    }
    return over_wsgi(CORS(plain, policy="subdom,free", **free, **named))


PEERS = (
    Peer("flask-cors, the simple usage", flask_simple),
    Peer("flask-cors, by resource", flask_resources),
    Peer("flask-cors, with credentials", flask_credentials),
    Peer("flask-cors, the decorator", flask_decorated),
    Peer("starlette, any origin", starlette_simple),
    Peer("starlette, with credentials", starlette_credentials),
    Peer("starlette, any origin with credentials", starlette_any),
    Peer("django-cors-headers, a list", django_listed),
    Peer("django-cors-headers, a regex with credentials", django_regex),
    Peer("django-cors-headers, any origin for some paths", django_any),
    Peer("wsgicors, the simple usage", wsgicors_simple),
    Peer("wsgicors, two policies", wsgicors_policies),
)
PACKAGES = ("corsheaders", "django", "flask", "flask_cors", "starlette", "uvicorn", "wsgicors")


def missing_packages() -> list[str]:
    """What has to be installed first, if anything."""
    return [name for name in PACKAGES if find_spec(name) is None]
