"""Applications of Starlette and FastAPI made up at random, and requests to them: the policy of the endpoint that ran
governs, and the preflight follows it.

Every endpoint with a policy of its own, and every application with CORS, allows one origin that nobody else does. So
who may read a response tells whose policy governed, and each endpoint notes that it ran.
"""

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from asgi_client import Message, Scope, answer_of, scope_of, values
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router

from corecors import Policy
from corecors.adapters.starlette import CORS, cross_origin

SEGMENTS = ("a", "b", "A", "a.b", "é", "7", "{p}", "{n:int}", "{f:float}")
VALUES = {"{p}": ("a", "x", "7", "é"), "{n:int}": ("7", "07", "x"), "{f:float}": ("1.5", "7", "x")}
METHODS = ("GET", "PUT", "DELETE", "POST", "HEAD", "PATCH")
HOSTS = ("one.test", "two.test:8000", "ONE.test", "other.test")
MAX_DEPTH = 4


class Finding(NamedTuple):
    """A request, whose policies governed it and its preflight, and whose should have."""

    request: str
    governed: frozenset[str]
    preflight: frozenset[str]
    expected: str | None


class Override:
    """A method that a header names, a path that a header names: as frameworks and proxies have them."""

    def __init__(self, app: Any, copies: bool) -> None:
        self.app, self.copies = app, copies

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            scope = dict(scope) if self.copies else scope
            scope["method"] = headers.get(b"x-method", scope["method"].encode()).decode()
            scope["path"] = headers.get(b"x-path", scope["path"].encode()).decode()
        await self.app(scope, receive, send)


class Passes:
    """A middleware that does nothing."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Site:
    """One application, made up from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.origins: list[str] = []
        self.paths: list[str] = []
        self.has_nested_cors = False
        self.ran: list[str | None] = []
        """The origins that those who ran allow; None for one that opted out."""
        base = self._origin()
        make = self.random.choice([self._fastapi, lambda *at: Starlette(routes=self._routes(*at))])
        app = make("", base, 0)
        app.router.redirect_slashes = self.random.random() < 0.8
        if self.random.random() < 0.4:
            app.add_middleware(Override, copies=self.random.random() < 0.5)
        self.cors = CORS(app, self._policy(base), rejections=None)
        self.app = app
        self.root_path = self.random.choice(["", "", "/root"])

    def _origin(self) -> str:
        self.origins.append(f"https://p{len(self.origins)}.test")
        return self.origins[-1]

    def _policy(self, origin: str) -> Policy:
        return Policy(allow_origins=[origin], allow_methods=["PUT", "DELETE", "PATCH"])

    def _path(self) -> str:
        path = "".join("/" + self.random.choice(SEGMENTS) for _ in range(self.random.choice([1, 1, 2])))
        seen: dict[str, int] = {}
        parts = []
        for part in path.split("/"):  # a name may stand once in a path
            seen[part] = seen.get(part, 0) + 1
            parts.append("a" if part.startswith("{") and seen[part] > 1 else part)
        return "/".join(parts)

    def _methods(self) -> list[str]:
        return self.random.sample(["GET", "PUT", "DELETE", "POST"], self.random.choice([1, 1, 2]))

    # Endpoints

    def _mark(self, nearest: str | None) -> tuple[Any, str | None]:
        """A decorator and the origin that is allowed under it."""
        choice = self.random.random()
        if choice < 0.5:
            return (lambda endpoint: endpoint), nearest
        if choice < 0.6:
            return cross_origin(None), None
        origin = self._origin()
        return cross_origin(self._policy(origin)), origin

    def _endpoint(self, nearest: str | None, *, for_fastapi: bool = False) -> Any:
        mark, origin = self._mark(nearest)
        if for_fastapi:

            def item() -> str:
                self.ran.append(origin)
                return "ran"

            return mark(item)

        def function(request: Request) -> Response:
            self.ran.append(origin)
            return PlainTextResponse("ran")

        async def coroutine(request: Request) -> Response:
            self.ran.append(origin)
            return PlainTextResponse("ran")

        kind = self.random.choice(["function", "coroutine", "partial", "class"])
        if kind == "function":
            # Starlette runs it in a thread, which takes a thousand times as long: rarely.
            return mark(function if self.random.random() < 0.05 else coroutine)
        if kind == "partial":
            return partial(mark(coroutine))
        if kind == "coroutine":
            return mark(coroutine)
        put_mark, put_origin = self._mark(origin)

        class Endpoint(HTTPEndpoint):
            async def get(inner, request: Request) -> Response:
                self.ran.append(origin)
                return PlainTextResponse("ran")

            @put_mark
            async def put(inner, request: Request) -> Response:
                self.ran.append(put_origin)
                return PlainTextResponse("ran")

        return mark(Endpoint)

    # Routes

    def _routes(self, prefix: str, nearest: str | None, depth: int) -> list[BaseRoute]:
        return [self._route(prefix, nearest, depth) for _ in range(self.random.randint(1, 5))]

    def _route(self, prefix: str, nearest: str | None, depth: int) -> BaseRoute:
        kind = self.random.random()
        path = self._path() + self.random.choice(["", "", "/"])
        if depth >= MAX_DEPTH or kind < 0.6:
            self.paths.append(prefix + path)
            endpoint = self._endpoint(nearest)
            methods = None if isinstance(endpoint, type) else self._methods()
            middleware = [Middleware(Passes)] if self.random.random() < 0.1 else None
            return Route(path, endpoint, methods=methods, middleware=middleware)
        path = self.random.choice(["", path.rstrip("/")])
        within, below = prefix + path, depth + 1
        if kind < 0.7:
            return Mount(path, routes=self._routes(within, nearest, below))
        if kind < 0.75:
            return Mount(path, routes=self._routes(within, nearest, below), middleware=[Middleware(Passes)])
        if kind < 0.85:
            return Mount(path, app=self._within(self._starlette(within, nearest, below)))
        if kind < 0.93:
            return Mount(path, app=self._within(self._fastapi(within, nearest, below)))
        return Host(self.random.choice(["one.test", "{name}.test"]), app=Router(self._routes(prefix, nearest, below)))

    def _within(self, app: Any) -> Any:
        return Passes(app) if self.random.random() < 0.2 else app

    def _starlette(self, prefix: str, nearest: str | None, depth: int) -> Starlette:
        own = self._origin() if self.random.random() < 0.3 else None
        app = Starlette(routes=self._routes(prefix, own or nearest, depth))
        if own:
            CORS(app, self._policy(own), rejections=None)
            self.has_nested_cors = True
        return app

    def _fastapi(self, prefix: str, nearest: str | None, depth: int) -> FastAPI:
        app = FastAPI(openapi_url=None, routes=self._routes(prefix, nearest, depth + 1))
        for _ in range(self.random.randint(1, 3)):
            inner = self.random.choice(["", "/a", "/b", "/{p}"])
            router = self._router(prefix + inner, nearest, depth + 1)
            app.include_router(router, prefix=inner)
            if self.random.random() < 0.2:
                app.include_router(router, prefix="/again")
        return app

    def _router(self, prefix: str, nearest: str | None, depth: int) -> APIRouter:
        router = APIRouter(prefix=(own := self.random.choice(["", "/v1"])))
        for _ in range(self.random.randint(1, 3)):
            path = "/" + self.random.choice(["a", "b", "{q}", "7"])
            self.paths.append(prefix + own + path)
            router.add_api_route(path, self._endpoint(nearest, for_fastapi=True), methods=self._methods())
        if depth < MAX_DEPTH and self.random.random() < 0.3:
            inner = self.random.choice(["", "/c"])
            router.include_router(self._router(prefix + own + inner, nearest, depth + 1), prefix=inner)
        if self.random.random() < 0.3:
            router.routes.append(Mount("/m", routes=self._routes(prefix + own + "/m", nearest, depth + 1)))
        return router

    # Requests

    def requests(self, number: int) -> Iterator[Scope]:
        for _ in range(number):
            path = self._filled(self.random.choice(self.paths))
            change = self.random.random()
            if change < 0.15:
                path = path.rstrip("/") if path.endswith("/") else path + "/"
            elif change < 0.2:
                path = path.replace("/", "//", 1)
            elif change < 0.25:
                path += "/x"
            headers = [("Host", self.random.choice(HOSTS))]
            if self.random.random() < 0.2:
                headers.append(("X-Method", self.random.choice(METHODS)))
            if self.random.random() < 0.1:
                headers.append(("X-Path", "/a"))
            root = self.root_path
            yield scope_of(self.random.choice(METHODS), root + path, tuple(headers), root_path=root)

    def _filled(self, path: str) -> str:
        for name, values_ in VALUES.items():
            path = path.replace(name, self.random.choice(values_))
        return path.replace("{q}", "x") or "/"

    async def findings(self, number: int) -> list[Finding]:
        """What is wrong with that many requests."""
        found = []
        for scope in self.requests(number):
            governed, preflight, ran = set(), set(), set()
            overridden = {b"x-method", b"x-path"} & dict(scope["headers"]).keys()
            for origin in self.origins:
                self.ran.clear()
                answer = await self._ask(scope, ("origin", origin))
                # A redirect is governed like the endpoint that it leads to; that of a mounted application with CORS
                # like the one that this application would find, so there the two only have to agree.
                if answer.status == 307 and not self.has_nested_cors:
                    await self._ask({**scope, "path": unquote(urlsplit(values(answer, "location")[0]).path)})
                ran.update(self.ran)
                if values(answer, "access-control-allow-origin") == [origin]:
                    governed.add(origin)
                asked = {**scope, "method": "OPTIONS"}
                answer = await self._ask(asked, ("origin", origin), ("access-control-request-method", scope["method"]))
                if answer.status == 204 and values(answer, "access-control-allow-origin") == [origin]:
                    preflight.add(origin)
            assert len(ran) <= 1
            [expected] = ran or [next(iter(governed), None)]  # where nothing ran, the two have to agree
            wrong = governed != ({expected} if expected else set())
            # A preflight cannot know what something changes on the way, nor pass for a method that no policy allows.
            if not overridden:
                wrong |= preflight != governed
            if wrong:
                request = f"{scope['method']} {scope['path']} {scope['headers']}"
                found.append(Finding(request, frozenset(governed), frozenset(preflight), expected))
        return found

    async def _ask(self, scope: Scope, *headers: tuple[str, str]) -> Any:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def keep(message: Message) -> None:
            sent.append(message)

        more = [(name.encode(), value.encode()) for name, value in headers]
        await self.app({**scope, "headers": [*scope["headers"], *more]}, receive, keep)
        return answer_of(sent)


def findings(seed: int, number: int) -> list[Finding]:
    return asyncio.run(Site(seed).findings(number))
