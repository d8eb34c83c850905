"""A FastAPI application with whatever can go wrong in one, behind CORS or behind Starlette's own middleware; and what a
page asks of it. tests/adapters asks the model of the browser, tests/browsers asks browsers."""

from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware as Starlettes
from starlette.responses import PlainTextResponse

from corecors import Policy
from corecors.adapters.starlette import CORS


class Item(BaseModel):
    name: str


class Authenticates:
    """What is added after CORS, as authentication often is."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/secret" and b"authorization" not in dict(scope["headers"]):
            await PlainTextResponse("who are you?", 401)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def application(door: str, page: str) -> FastAPI:
    """`door`: "ours" or "starlette"; `page`: the origin that may read."""
    app = FastAPI(max_body_size=100)

    def fails() -> None:
        raise RuntimeError("the dependency failed")

    def refuses() -> None:
        raise HTTPException(403, "not you")

    @app.get("/raises")
    def raises() -> None:
        raise RuntimeError("the view failed")

    @app.get("/dependency", dependencies=[Depends(fails)])
    def dependency() -> None: ...

    @app.get("/refused", dependencies=[Depends(refuses)])
    def refused() -> None: ...

    @app.get("/secret")
    def secret() -> str:
        return "secret"

    @app.post("/items")
    def items(item: Item) -> Item:
        return item

    @app.post("/large")
    async def large(request: Request) -> int:
        return len(await request.body())

    mounted = FastAPI()

    @mounted.get("/fine")
    def fine() -> str:
        return "fine"

    app.mount("/mounted", mounted)
    if door == "starlette":
        app.add_middleware(
            Starlettes, allow_origins=[page], allow_methods=["*"], allow_headers=["*"], allow_credentials=True
        )
    else:
        policy = Policy(allow_origins=[page], allow_methods=["*"], allow_headers=["*"], allow_credentials=True)
        CORS(app, policy, rejections=None)
    app.add_middleware(Authenticates)
    return app


CASES = {
    "a view that raises: the 500": ("GET", "/raises", {}, b""),
    "a dependency that raises: the 500": ("GET", "/dependency", {}, b""),
    "authentication added after it: the 401, and the preflight that it refused": ("GET", "/secret", {}, b""),
    "the same with a preflight": ("GET", "/secret", {"Authorization": "Bearer x"}, b""),
    "a body beyond `max_body_size`: the 413": ("POST", "/large", {"Content-Type": "text/plain"}, b"x" * 200),
    "a mounted application": ("GET", "/mounted/fine", {}, b""),
    "a validation error": ("POST", "/items", {"Content-Type": "application/json"}, b"{}"),
    "an HTTPException": ("GET", "/refused", {}, b""),
}
