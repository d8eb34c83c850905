"""Doors called in the words of another library say what to write."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from fastapi import FastAPI

from corecors.adapters import aiohttp, asgi, starlette


def added(**options: Any) -> None:
    """As Starlette's own middleware is added: it is made with the first request."""
    app = FastAPI()
    app.add_middleware(asgi.CORSMiddleware, **options)
    app.build_middleware_stack()


DOORS: list[Any] = [
    pytest.param(lambda **options: starlette.CORS(FastAPI(), **options), "CORS", id="Starlette"),
    pytest.param(lambda **options: asgi.CORSMiddleware(FastAPI(), **options), "CORSMiddleware", id="ASGI"),
    pytest.param(added, "CORSMiddleware", id="add_middleware"),
    pytest.param(lambda **options: aiohttp.setup_cors(web.Application(), **options), "setup_cors", id="aiohttp"),
]


@pytest.mark.parametrize(("door", "caller"), DOORS)
def test_arguments_of_a_policy_belong_in_a_policy(door: Callable[..., Any], caller: str) -> None:
    with pytest.raises(TypeError) as caught:
        door(allow_origins=["*"], allow_origin_regex="x")
    said = str(caught.value)
    assert said.startswith(
        f"{caller} takes a policy: write Policy(allow_origins=[...]). allow_origins is an argument of"
    )
    assert "allow_origin_regex is a name of Starlette, FastAPI: write allow_origin_regexes, a list" in said


@pytest.mark.parametrize(("door", "caller"), DOORS)
def test_a_door_without_a_policy_says_how_one_is_given(door: Callable[..., Any], caller: str) -> None:
    with pytest.raises(TypeError, match=rf"{caller} needs a policy: write {caller}\(app, Policy"):
        door()
