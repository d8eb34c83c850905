"""Applications of aiohttp made up at random, and requests to them: the policy of the handler that ran governs, and the
preflight follows it.

Every handler with a policy of its own, and every application with CORS, allows one origin that nobody else does. So who
may read a response tells whose policy governed, and each handler notes that it ran.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp_client import Request, Served, serving
from asgi_client import values

from corecors import Policy
from corecors.adapters.aiohttp import cross_origin, setup_cors

SEGMENTS = ("a", "b", "A", "a.b", "é", "7", "{p}", r"{n:\d+}", "{p}-x", "x{tail:.*}")
FILLED = {"{p}": ("a", "x", "7", "é"), r"{n:\d+}": ("7", "07", "x"), "{tail:.*}": ("", "/a/b", "y")}
METHODS = ("GET", "PUT", "DELETE", "POST", "HEAD", "PATCH")
HOSTS = ("one.test", "two.test:8000", "ONE.test", "other.test")
DOMAINS = ("one.test", "*.test", "two.test:8000")
MAX_DEPTH = 3
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Finding(NamedTuple):
    """A request, whose policies governed it and its preflight, and whose should have."""

    request: str
    governed: frozenset[str]
    preflight: frozenset[str]
    expected: str | None


@web.middleware
async def override(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A method that a header names, a path that a header names: routed again."""
    method, path = request.headers.get("X-Method", request.method), request.headers.get("X-Path")
    if method == request.method and path is None:
        return await handler(request)
    clone = request.clone(method=method, rel_url=path or request.rel_url)
    found = await request.app.router.resolve(clone)
    clone._match_info = found
    return await found.handler(clone)


@web.middleware
async def passes(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


class Site:
    """One application, made up from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.origins: list[str] = []
        self.paths: list[str] = []
        self.ran: list[str | None] = []
        """The origins that those who ran allow; None for one that opted out, or without CORS."""
        self.overrides = self.random.random() < 0.4
        self.normalizes = self.random.random() < 0.3
        # What an application without CORS does to a request for one below it cannot be seen from there.
        base = self._origin() if self.overrides or self.random.random() < 0.8 else None
        self.app = self._application("", base, 0, has_cors=base is not None)

    def _origin(self) -> str:
        self.origins.append(f"https://p{len(self.origins)}.test")
        return self.origins[-1]

    def _policy(self, origin: str) -> Policy:
        return Policy(allow_origins=[origin], allow_methods=["PUT", "DELETE", "PATCH"])

    # Applications

    def _application(self, prefix: str, nearest: str | None, depth: int, *, has_cors: bool) -> web.Application:
        app = web.Application(middlewares=self._middlewares())
        if has_cors and nearest is not None:
            blocking = self.random.random() < 0.2
            setup_cors(app, self._policy(nearest), rejections=None, block_disallowed=blocking)
        for _ in range(self.random.randint(1, 5)):
            self._add_routes(app, prefix, nearest)
        for _ in range(self.random.randint(0, 2) if depth < MAX_DEPTH else 0):
            own = self._origin() if self.random.random() < 0.3 else None
            if not prefix and self.random.random() < 0.3:  # aiohttp has no domains below a prefix
                inner = self._application(prefix, own or nearest, depth + 1, has_cors=own is not None)
                app.add_domain(self.random.choice(DOMAINS), inner)
            else:
                path = "/" + self.random.choice(["a", "b", "é", "c"])
                inner = self._application(prefix + path, own or nearest, depth + 1, has_cors=own is not None)
                app.add_subapp(path, inner)
        return app

    def _middlewares(self) -> list[Any]:
        found: list[Any] = [passes] if self.random.random() < 0.3 else []
        if self.overrides and self.random.random() < 0.8:
            found.append(override)
        if self.normalizes:
            found.append(web.normalize_path_middleware())
        return found

    def _add_routes(self, app: web.Application, prefix: str, nearest: str | None) -> None:
        path = self._path()
        resource = app.router.add_resource(path)
        self.paths.append(prefix + path)
        kinds = self.random.choices(["function", "partial", "stream", "class"], [3, 1, 1, 3], k=3)
        for kind, method in zip(kinds, self.random.sample(METHODS, 3), strict=True):
            try:
                resource.add_route("*" if kind == "class" else method, self._handler(kind, nearest))
            except RuntimeError:  # the path is there already, with this method
                continue

    def _path(self) -> str:
        parts = [self.random.choice(SEGMENTS)]
        if self.random.random() < 0.4:
            parts.append(self.random.choice([each for each in SEGMENTS if "{" not in each]))
        return "/" + "/".join(parts) + self.random.choice(["", "", "", "/"])

    # Handlers

    def _mark(self, nearest: str | None) -> tuple[Any, str | None]:
        """A decorator and the origin that is allowed under it. Without any CORS around it a mark means nothing."""
        choice = self.random.random()
        if choice < 0.5 or nearest is None:
            return (lambda handler: handler), nearest
        if choice < 0.6:
            return cross_origin(None), None
        origin = self._origin()
        return cross_origin(self._policy(origin)), origin

    def _handler(self, kind: str, nearest: str | None) -> Any:
        mark, origin = self._mark(nearest)

        async def handler(request: web.Request) -> web.Response:
            self.ran.append(origin)
            return web.Response(text="ran")

        if kind == "function":
            return mark(handler)
        if kind == "partial":
            return partial(mark(handler))
        if kind == "stream":

            async def stream(request: web.Request) -> web.StreamResponse:
                self.ran.append(origin)
                response = web.StreamResponse()
                await response.prepare(request)
                return response

            return mark(stream)
        put_mark, put_origin = self._mark(origin if origin is not None else nearest)
        if put_origin == nearest:
            put_origin = origin

        class View(web.View):
            async def get(inner) -> web.Response:
                self.ran.append(origin)
                return web.Response(text="ran")

            @put_mark
            async def put(inner) -> web.Response:
                self.ran.append(put_origin)
                return web.Response(text="ran")

        return mark(View)

    # Requests

    def requests(self, number: int) -> Iterator[Request]:
        for _ in range(number):
            path = self._filled(self.random.choice(self.paths))
            change = 2 * self.random.random()
            if change < 0.15:
                path = path.rstrip("/") if path.endswith("/") else path + "/"
            elif change < 0.2:
                path = path.replace("/", "//", 1)
            elif change < 0.25:
                path += "/x"
            elif change < 0.3:
                path = path.replace("a", "%61")
            elif change < 0.35:
                path = path.replace("/a", "/b/../a", 1)
            elif change < 0.4:
                path = path[0] + path[1:].replace("/", "%2F", 1)
            headers = [("Host", self.random.choice(HOSTS))]
            if self.overrides and self.random.random() < 0.5:
                headers.append(("X-Method", self.random.choice(METHODS)))
            if self.overrides and self.random.random() < 0.3:
                headers.append(("X-Path", self._filled(self.random.choice(self.paths)).replace("é", "%C3%A9")))
            yield Request(self.random.choice(METHODS), path.replace("é", "%C3%A9"), headers)

    def _filled(self, path: str) -> str:
        for name, filled in FILLED.items():
            path = path.replace(name, self.random.choice(filled))
        return path

    async def findings(self, number: int) -> list[Finding]:
        """What is wrong with that many requests."""
        found = []
        async with serving(self.app) as served:
            for request in self.requests(number):
                finding = await self._finding(served, request)
                if finding is not None:
                    found.append(finding)
        return found

    async def _finding(self, served: Served, request: Request) -> Finding | None:
        governed, preflight, ran = set(), set(), set()
        is_rewritten = any(name.startswith("X-") for name, _ in request.headers) or self.normalizes
        for origin in self.origins:
            self.ran.clear()
            answer = await served.ask(request.method, request.target, [*request.headers, ("Origin", origin)])
            ran.update(self.ran)
            assert len(self.ran) <= 1
            if values(answer, "access-control-allow-origin") == [origin]:
                governed.add(origin)
            asked = [*request.headers, ("Origin", origin), ("Access-Control-Request-Method", request.method)]
            answer = await served.ask("OPTIONS", request.target, asked)
            if answer.status == 204 and values(answer, "access-control-allow-origin") == [origin]:
                preflight.add(origin)
        if len(ran) > 1:
            return Finding(f"{request}: {ran} ran", frozenset(governed), frozenset(preflight), None)
        [expected] = ran or [next(iter(governed), None)]  # where nothing ran, the two have to agree
        right = {expected} if expected else set()
        # What was rewritten to something with another policy is granted by nobody, and no preflight can know of it.
        wrong = not governed <= right if is_rewritten else governed != right or preflight != governed
        if not wrong:
            return None
        return Finding(str(request), frozenset(governed), frozenset(preflight), expected)


def findings(seed: int, number: int) -> list[Finding]:
    """What is wrong with that many requests to the application of a seed."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # who is refused, and what fails to be routed, is meant
    try:
        return asyncio.run(Site(seed).findings(number))
    finally:
        logging.disable(before)
