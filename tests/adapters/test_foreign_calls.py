"""Doors called in the words of another library say what to write."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
from aiohttp import web
from bottle import Bottle
from fastapi import FastAPI
from flask import Flask

from corecors import Policy, foreign_call_error
from corecors._policy.unknown_names import DOOR_OPTIONS
from corecors.adapters import aiohttp, asgi, bottle, flask, starlette, wsgi
from corecors.adapters.django import cross_origin as cross_origin_of_django


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
    pytest.param(lambda **options: wsgi.CORSMiddleware(Flask("x"), **options), "CORSMiddleware", id="WSGI"),
]
# These may be made without a policy, or say it in words of their own.
OTHERS: list[Any] = [
    pytest.param(lambda **options: flask.CORS(Flask("x"), **options), "CORS", id="Flask"),
    pytest.param(lambda **options: Bottle().install(bottle.CORSPlugin(**options)), "CORSPlugin", id="Bottle"),
]
MARKS: list[Any] = [
    pytest.param(flask.cross_origin, id="Flask"),
    pytest.param(starlette.cross_origin, id="Starlette"),
    pytest.param(aiohttp.cross_origin, id="aiohttp"),
    pytest.param(cross_origin_of_django, id="Django"),
]
POLICY = Policy(allow_origins=["https://app.example.com"])


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


@pytest.mark.parametrize(("door", "caller"), [*DOORS, *OTHERS])
def test_a_misspelt_option_is_told_with_the_nearest_and_without_a_policy_that_was_given(
    door: Callable[..., Any], caller: str
) -> None:
    with pytest.raises(TypeError) as caught:
        door(policy=POLICY, block_dissallowed=True)
    assert str(caught.value) == (
        f"block_dissallowed is not an argument of {caller}; the nearest is the option block_disallowed."
        " See docs/policy.md."
    )


@pytest.mark.parametrize(("door", "caller"), [*DOORS, *OTHERS])
def test_a_misspelt_argument_of_a_policy_belongs_in_a_policy(door: Callable[..., Any], caller: str) -> None:
    with pytest.raises(TypeError) as caught:
        door(policy=POLICY, allow_orgins=["*"], of_nobody=1)
    assert str(caught.value) == (
        f"{caller} takes a policy: write Policy(allow_origins=[...])."
        f" allow_orgins is not an argument of {caller}; the nearest is allow_origins, an argument of Policy."
        f" of_nobody is not an argument of {caller}. See docs/migrating.md, or run corecors migrate."
    )


def test_no_dangerous_argument_is_ever_named() -> None:
    assert "dangerously" not in str(foreign_call_error("CORS", ["allow_null_origins"]))


def test_the_options_of_every_door_are_known() -> None:
    parameters = signature(starlette.CORS).parameters.values()
    assert set(DOOR_OPTIONS) == {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}


@pytest.mark.parametrize("cross_origin", MARKS)
def test_a_mark_takes_its_policy_by_name(cross_origin: Callable[..., Any]) -> None:
    def view() -> None: ...

    assert callable(cross_origin(policy=POLICY)(view))


@pytest.mark.parametrize("cross_origin", MARKS)
@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param(lambda mark: mark(), r"^write @cross_origin\(.*\): a Policy or None belongs there", id="nothing"),
        pytest.param(lambda mark: mark(lambda: None), r"^write @cross_origin\(policy\): ", id="no parentheses"),
        pytest.param(lambda mark: mark(allow_origins="*"), "allow_origins is an argument of Policy", id="no policy"),
        pytest.param(
            lambda mark: mark(POLICY, block_disallowed=True),
            "^block_disallowed is an option for the whole application, not of cross_origin",
            id="an option",
        ),
    ],
)
def test_a_mark_says_how_it_is_written(cross_origin: Callable[..., Any], call: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        call(cross_origin)
