"""One small API in every kind of application, each behind the door of its framework: what a page can be given."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Any

from broken_servers import serving

from corecors import Policy

Lines = list[tuple[str, str]]
STREAM = [("Content-Type", "text/event-stream")]


def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, Lines]:
    """What the API says, names of `headers` in lower case; raises for one path, as a view that fails."""
    match method, path:
        case "GET", "/moved":
            return 302, [("Location", "/orders")]
        case "GET", "/away":
            return 302, [("Location", "https://login.example.net/")]
        case "GET", "/fails":
            raise RuntimeError("the view failed")
        case "POST", "/login":
            kept = ("Set-Cookie", "session=1; Path=/; HttpOnly; Secure; SameSite=None")
            return 200, [kept, ("Set-Cookie", "home=1; Path=/; SameSite=Lax")]
        case "GET", "/me":
            return (200 if "session=1" in headers.get("cookie", "") else 401), []
        case _:
            echoed = [("X-Seen", f"{method} {path} {headers.get(name)}") for name in ("sec-fetch-site", "content-type")]
            return 200, [("X-Total", "3"), *echoed]


def wsgi(policy: Policy) -> Any:
    from corecors.adapters.wsgi import CORSMiddleware

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        named = {key.removeprefix("HTTP_").replace("_", "-").lower(): value for key, value in environ.items()}
        try:
            status, lines = answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], named)
        except RuntimeError:
            status, lines = 500, []  # the door of WSGI cannot cover what its server makes up
        endless = environ["PATH_INFO"] == "/stream"
        start_response(f"{status} Whatever", [*lines, *(STREAM if endless else [])])
        return iter(lambda: b"data: 1\n\n", b"") if endless else iter([b"{}"])

    return CORSMiddleware(app, policy)


def flask(policy: Policy) -> Any:
    from flask import Flask, Response, request

    from corecors.adapters.flask import CORS

    app = Flask("orders")
    CORS(app, policy)

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
    def view(path: str) -> Any:
        status, lines = answer(request.method, f"/{path}", {name.lower(): value for name, value in request.headers})
        endless = iter(lambda: b"data: 1\n\n", b"")
        body = endless if path == "stream" else b"{}"
        return Response(body, status, [*lines, *(STREAM if path == "stream" else [])])

    return app


def bottle(policy: Policy) -> Any:
    from bottle import Bottle, HTTPResponse, request

    from corecors.adapters.bottle import CORSPlugin

    app = Bottle()
    app.install(CORSPlugin(policy))

    @app.route("/<path:path>", method=["GET", "POST", "PUT", "DELETE"])
    def view(path: str) -> Any:
        status, lines = answer(
            request.method, f"/{path}", {name.lower(): value for name, value in request.headers.items()}
        )
        body = iter(lambda: b"data: 1\n\n", b"") if path == "stream" else b"{}"
        made = HTTPResponse(body, status)
        for name, value in [*lines, *(STREAM if path == "stream" else [])]:
            made.add_header(name, value)
        return made

    return app


def asgi(policy: Policy) -> Any:
    from corecors.adapters.asgi import CORSMiddleware

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "it knows no lifespan"
        await receive()
        named = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, lines = answer(scope["method"], scope["path"], named) if scope["path"] != "/fails" else (500, [])
        endless = scope["path"] == "/stream"
        lines = [*lines, *(STREAM if endless else [])]
        encoded = [(name.lower().encode(), value.encode()) for name, value in lines]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        while endless:
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await send({"type": "http.response.body", "body": b"{}"})

    return CORSMiddleware(app, policy)


def fastapi(policy: Policy) -> Any:
    from fastapi import FastAPI, Request, Response
    from fastapi.responses import StreamingResponse

    from corecors.adapters.starlette import CORS

    app = FastAPI()
    CORS(app, policy)

    async def endless() -> Any:
        while True:
            yield b"data: 1\n\n"

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"], response_model=None)
    async def view(path: str, request: Request) -> Response:
        if path == "stream":
            return StreamingResponse(endless(), media_type="text/event-stream")
        status, lines = answer(request.method, f"/{path}", dict(request.headers))
        made = Response(b"{}", status)
        for name, value in lines:
            made.headers.append(name, value)
        return made

    return app


def aiohttp(policy: Policy) -> Any:
    from aiohttp import web

    from corecors.adapters.aiohttp import setup_cors

    async def view(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, lines = answer(request.method, request.path, headers)
        made = web.StreamResponse(status=status) if request.path == "/stream" else web.Response(status=status)
        for name, value in [*lines, *(STREAM if request.path == "/stream" else [])]:
            made.headers.add(name, value)
        if request.path == "/stream":
            await made.prepare(request)
            while True:
                await made.write(b"data: 1\n\n")
        return made

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", view)
    setup_cors(app, policy)
    return app


@contextmanager
def _django(policy: Policy, kind: str) -> Iterator[Any]:
    import django_site  # which sets Django up
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
    from django.test import override_settings
    from django.urls import re_path

    async def endless() -> Any:
        while True:
            yield b"data: 1\n\n"

    def view(request: HttpRequest) -> Any:
        if request.path == "/stream":
            parts = iter(lambda: b"data: 1\n\n", b"") if kind == "wsgi" else endless()
            return StreamingHttpResponse(parts, headers=dict(STREAM))
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, lines = answer(str(request.method), request.path, headers)
        made = HttpResponse(b"{}", status=status)
        for name, value in lines:
            if name == "Set-Cookie":
                made.cookies.load(value)
            else:  # Django keeps one line of a name
                made[name] = f"{made[name]}, {value}" if name in made else value
        return made

    urls = ModuleType("urls_of_orders")
    urls.urlpatterns = [re_path("", view)]  # type: ignore[attr-defined]
    with override_settings(ROOT_URLCONF=urls, CORS_POLICY=policy, MIDDLEWARE=[django_site.OURS]):
        yield get_wsgi_application() if kind == "wsgi" else get_asgi_application()


@contextmanager
def running(policy: Policy) -> Iterator[str]:
    with serving(wsgi(policy)) as address:
        yield address.rstrip("/")


KINDS: dict[str, Callable[[Policy], AbstractContextManager[Any]]] = {
    **{made.__name__: (lambda policy, made=made: nullcontext(made(policy))) for made in (wsgi, flask, bottle)},
    **{made.__name__: (lambda policy, made=made: nullcontext(made(policy))) for made in (asgi, fastapi, aiohttp)},
    "django_wsgi": lambda policy: _django(policy, "wsgi"),
    "django_asgi": lambda policy: _django(policy, "asgi"),
    "running": running,
}
