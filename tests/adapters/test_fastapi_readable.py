"""What a page can read of a FastAPI application, by the model of the browser: with CORS, and with Starlette's own
middleware. What the latter keeps from the page is listed in docs/migrating.md."""

import re
from typing import Any

import pytest
from asgi_client import send
from doc_examples import MIGRATING
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware as Starlettes
from starlette.responses import PlainTextResponse

from corecors import Policy
from corecors.adapters.starlette import CORS
from corecors.browser import Credentials, Received, SentRequest, simulate
from corecors.browser import Request as PageRequest

PAGE = "https://app.example.com"
API = "https://api.example.com"


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


def application(door: str) -> FastAPI:
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
            Starlettes, allow_origins=[PAGE], allow_methods=["*"], allow_headers=["*"], allow_credentials=True
        )
    else:
        policy = Policy(allow_origins=[PAGE], allow_methods=["*"], allow_headers=["*"], allow_credentials=True)
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


def is_readable(app: FastAPI, case: str) -> bool:
    method, path, headers, body = CASES[case]

    def ask(sent: SentRequest) -> Received:
        length = (("Content-Length", str(len(body))),) if body and not sent.preflight else ()
        answer = send(app, sent.method, path, (*sent.headers, *length), b"" if sent.preflight else body)
        return Received(answer.status, answer.headers)

    request = PageRequest(
        url=API + path,
        origin=PAGE,
        method=method,
        headers=tuple(headers.items()),
        credentials=Credentials.INCLUDE,
        body=body or None,
    )
    return simulate(request, ask).readable


@pytest.mark.parametrize("case", CASES)
def test_the_page_can_read_every_one_of_them(case: str) -> None:
    assert is_readable(application("ours"), case)


def test_what_starlettes_own_middleware_keeps_from_the_page_is_listed() -> None:
    kept = {case for case in CASES if not is_readable(application("starlette"), case)}
    section = MIGRATING.partition("## Starlette, FastAPI")[2].partition("\n## ")[0]
    assert set(re.findall(r"^- (.*)$", section, re.MULTILINE)) == kept - {"the same with a preflight"}
    assert "the same with a preflight" in kept
