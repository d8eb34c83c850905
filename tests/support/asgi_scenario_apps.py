"""The application of the scenarios for each ASGI framework, under one policy."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from scenarios import POLICIES, RESPONSES, Response

from corecors import Policy, PolicySource
from corecors.adapters.asgi import CORSMiddleware

FILE = Path(__file__).with_name("file.txt")
CHUNKS = (b"one", b"two", b"three")

Scope = Any
Application = Callable[..., Awaitable[None]]


class HandledError(Exception):
    """What the application has an error handler for."""


def application(adapter: str, policy: str) -> Application:
    """The application of a framework under the scenarios' policy of that name."""
    return BUILDERS[adapter](POLICIES[policy])


async def stream() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        yield chunk


def methods_of(response: Response) -> list[str]:
    return ["GET"] if response.path in _REACHABLE_BY_GET_ONLY else ["GET", "POST"]


# Plain ASGI


def asgi(policy: Policy | PolicySource) -> Application:
    return CORSMiddleware(plain_application, policy)


async def plain_application(scope: Scope, receive: Any, send: Any) -> None:
    """The application in nothing but ASGI."""
    if scope["type"] != "http":
        return
    method, path = scope["method"], scope["path"]
    response = _BY_PATH.get(path)
    status = 404 if response is None else response.status
    bodies = [b"not found" if response is None else response.body if response.body is not None else b"an error"]
    if response is not None and method == "POST" and path not in _REACHABLE_BY_GET_ONLY:
        bodies = [(await receive())["body"]]
    elif method == "OPTIONS":
        status, response, bodies = 204, None, [b""]
    elif method not in ("GET", "HEAD"):
        status, response, bodies = 405, None, [b"method not allowed"]
    elif path == "/stream":
        bodies = list(CHUNKS)
    elif path == "/file":
        bodies = [FILE.read_bytes()]
    headers = [(name.encode(), value.encode()) for name, value in (response.headers if response is not None else ())]
    if path == "/redirect":
        headers.append((b"location", b"/text"))
    if status not in (204, 304):
        headers.append((b"content-type", b"text/plain"))
    if method == "HEAD" or status in (204, 304):
        bodies = [b""]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for number, body in enumerate(bodies, start=1):
        await send({"type": "http.response.body", "body": body, "more_body": number < len(bodies)})


# Starlette and FastAPI


def starlette(policy: Policy | PolicySource) -> Application:
    from starlette.applications import Starlette

    return _starlette(Starlette(), policy)


def fastapi(policy: Policy | PolicySource) -> Application:
    from fastapi import FastAPI

    return _starlette(FastAPI(openapi_url=None), policy)


def _starlette(app: Any, policy: Policy | PolicySource) -> Application:
    from starlette.exceptions import HTTPException
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.requests import Request
    from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, StreamingResponse
    from starlette.responses import Response as Made
    from starlette.routing import Route

    from corecors.adapters.starlette import CORS

    class Early(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Any:
            return PlainTextResponse("early", 503) if request.url.path == "/early" else await call_next(request)

    async def handle(request: Request, error: Exception) -> Made:
        return PlainTextResponse("handled", 422)

    def view(response: Response) -> Callable[[Request], Awaitable[Made]]:
        async def answer(request: Request) -> Made:
            match response.path:
                case "/redirect":
                    return RedirectResponse("/text", 302)
                case "/abort":
                    raise HTTPException(403)
                case "/handled":
                    raise HandledError
                case "/error":
                    raise RuntimeError("the application failed")
                case "/file":
                    return FileResponse(FILE)
            made: Made
            if request.method == "POST":
                made = PlainTextResponse(await request.body(), response.status)
            elif response.path == "/stream":
                made = StreamingResponse(stream(), media_type="text/plain")
            else:
                made = Made(response.body, response.status, media_type=None if response.status > 203 else "text/plain")
            for name, value in response.headers:
                made.headers.append(name, value)
            return made

        return answer

    for response in ROUTED:
        app.router.routes.append(Route(response.path, view(response), methods=methods_of(response)))
    app.add_exception_handler(HandledError, handle)
    CORS(app, policy)
    app.add_middleware(Early)
    return app  # type: ignore[no-any-return]


# Frameworks that are wrapped


def adding(app: Any) -> Application:
    """For a framework that cannot send two lines of one name, or spells names in its own way: the application's own
    headers are added here, inside of the middleware."""

    async def added(scope: Scope, receive: Any, send: Any) -> None:
        response = _BY_PATH.get(scope.get("path")) if scope.get("method") != "OPTIONS" else None

        async def start(message: Any) -> None:
            if message["type"] == "http.response.start" and response and message["status"] == response.status:
                own = [(name.encode(), value.encode()) for name, value in response.headers]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        await app(scope, receive, start)

    return added


def litestar(policy: Policy | PolicySource) -> Application:
    from litestar import Litestar, Request, route
    from litestar import Response as Made
    from litestar.exceptions import HTTPException
    from litestar.response import File, Redirect, Stream

    def view(response: Response) -> Any:
        methods: Any = ["HEAD", *methods_of(response)]

        @route(response.path, http_method=methods, media_type="text/plain", status_code=200)
        async def answer(request: Request[Any, Any, Any]) -> Any:
            match response.path:
                case "/redirect":
                    return Redirect("/text", status_code=302)
                case "/abort":
                    raise HTTPException(status_code=403)
                case "/handled":
                    raise HandledError
                case "/error":
                    raise RuntimeError("the application failed")
                case "/file":
                    return File(FILE, content_disposition_type="inline")
            if request.method == "POST":
                return Made(await request.body(), status_code=response.status, media_type="text/plain")
            if response.path == "/stream":
                return Stream(stream(), media_type="text/plain")
            return Made(response.body, status_code=response.status, media_type="text/plain")

        return answer

    def early(request: Any) -> Any:
        return Made("early", status_code=503, media_type="text/plain") if request.url.path == "/early" else None

    def handle(request: Any, error: Exception) -> Any:
        return Made("handled", status_code=422, media_type="text/plain")

    app = Litestar(
        [view(response) for response in ROUTED],
        before_request=early,
        exception_handlers={HandledError: handle},
        openapi_config=None,
        logging_config=None,
    )
    return CORSMiddleware(adding(app), policy)


def quart(policy: Policy | PolicySource) -> Application:
    import quart

    app = quart.Quart("scenarios")
    app.logger.disabled = True  # the failing view is meant

    @app.before_request
    async def answer_early() -> Any:
        return quart.Response("early", 503) if quart.request.path == "/early" else None

    @app.errorhandler(HandledError)
    async def handle(error: HandledError) -> Any:
        return "handled", 422

    def view(response: Response) -> Callable[[], Any]:
        async def answer() -> Any:
            match response.path:
                case "/redirect":
                    return quart.redirect("/text")
                case "/abort":
                    quart.abort(403)
                case "/handled":
                    raise HandledError
                case "/error":
                    raise RuntimeError("the application failed")
                case "/file":
                    return await quart.send_file(FILE)
            if quart.request.method == "POST":
                body: Any = await quart.request.get_data()
            else:
                body = stream() if response.path == "/stream" else response.body
            made = quart.Response(body, response.status, mimetype="text/plain")
            for name, value in response.headers:
                made.headers.add(name, value)
            return made

        return answer

    for response in ROUTED:
        app.add_url_rule(response.path, response.path.strip("/"), view(response), methods=methods_of(response))
    app.asgi_app = CORSMiddleware(app.asgi_app, policy)  # type: ignore[arg-type, method-assign]
    return app  # type: ignore[return-value]


def falcon(policy: Policy | PolicySource) -> Application:
    import falcon
    import falcon.asgi

    class Early:
        async def process_request(self, request: Any, response: Any) -> None:
            if request.path == "/early":
                raise falcon.HTTPServiceUnavailable

    async def handle(request: Any, response: Any, error: Exception, params: Any) -> None:
        response.status, response.text = 422, "handled"

    async def early(request: Any, response: Any, error: Exception, params: Any) -> None:
        response.status, response.text = 503, "early"

    class View:
        def __init__(self, answered: Response) -> None:
            self.answered = answered
            if answered.path not in _REACHABLE_BY_GET_ONLY:
                self.on_post = self.on_get

        async def on_get(self, request: Any, response: Any) -> None:
            answered = self.answered
            match answered.path:
                case "/redirect":
                    raise falcon.HTTPFound("/text")
                case "/abort":
                    raise falcon.HTTPForbidden
                case "/handled":
                    raise HandledError
                case "/error":
                    raise RuntimeError("the application failed")
            response.status, response.content_type = answered.status, "text/plain"
            if request.method == "POST":
                response.data = await request.stream.read()
            elif answered.path == "/stream":
                response.stream = stream()
            elif answered.path == "/file":
                response.data = FILE.read_bytes()
            else:
                response.data = answered.body

        async def on_head(self, request: Any, response: Any) -> None:
            await self.on_get(request, response)

    app = falcon.asgi.App(middleware=[Early()])
    app.set_error_serializer(lambda request, response, error: None)  # the usual one varies by Accept
    app.add_error_handler(HandledError, handle)
    app.add_error_handler(falcon.HTTPServiceUnavailable, early)
    for response in ROUTED:
        app.add_route(response.path, View(response))
    return CORSMiddleware(adding(app), policy)


def blacksheep(policy: Policy | PolicySource) -> Application:
    from blacksheep import Application as BlackSheep
    from blacksheep import Content, Request, StreamedContent, redirect
    from blacksheep import Response as Made
    from blacksheep.exceptions import Forbidden

    app = BlackSheep()

    async def handle(app: Any, request: Request, error: Exception) -> Made:
        return Made(422, None, Content(b"text/plain", b"handled"))

    app.exceptions_handlers[HandledError] = handle

    async def early(request: Request, handler: Any) -> Made:
        if request.path == "/early":
            return Made(503, None, Content(b"text/plain", b"early"))
        made: Made = await handler(request)
        return made

    app.middlewares.append(early)

    def view(response: Response) -> Any:
        async def answer(request: Request) -> Made:
            match response.path:
                case "/redirect":
                    return redirect("/text")
                case "/abort":
                    raise Forbidden
                case "/handled":
                    raise HandledError
                case "/error":
                    raise RuntimeError("the application failed")
            if request.method == "POST":
                body: Any = Content(b"text/plain", await request.read() or b"")
            elif response.path == "/stream":
                body = StreamedContent(b"text/plain", stream)
            elif response.path == "/file":
                body = Content(b"text/plain", FILE.read_bytes())
            else:
                body = (
                    None
                    if response.status > 203 and not response.body
                    else Content(b"text/plain", response.body or b"")
                )
            headers = [(name.encode(), value.encode()) for name, value in response.headers]
            return Made(response.status, headers, body)

        return answer

    async def not_allowed(request: Request) -> Made:
        return Made(405, None, Content(b"text/plain", b"method not allowed"))

    for response in ROUTED:
        for method in [*methods_of(response), "HEAD"]:
            app.router.add(method, response.path, view(response))
        for method in {"POST", "DELETE"}.difference(methods_of(response)):  # the framework's own answer is 404
            app.router.add(method, response.path, not_allowed)
    return CORSMiddleware(app, policy)


BUILDERS: dict[str, Callable[[Policy | PolicySource], Application]] = {
    "asgi": asgi,
    "starlette": starlette,
    "fastapi": fastapi,
    "litestar": litestar,
    "quart": quart,
    "falcon": falcon,
    "blacksheep": blacksheep,
}
ROUTED = [response for response in RESPONSES.values() if response.name != "no such path"]
_BY_PATH = {response.path: response for response in ROUTED}
_REACHABLE_BY_GET_ONLY = {"/get-only"}
