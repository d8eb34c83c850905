"""Calls that another library would understand: an error at once, which says what to write here."""

import logging
import types
from typing import Any

import bottle
import flask
import pytest
from readers import APP_POLICY, get

from corecors import Policy
from corecors.adapters.flask import CORS, cross_origin


def of_package(name: str, *, callable_as: str = "application") -> Any:
    """An object whose class comes from that package, without the package."""
    kind = types.new_class(callable_as)
    kind.__module__ = f"{name}.applications"
    return kind()


def app() -> flask.Flask:
    return flask.Flask("called")


CALLS = [
    pytest.param(lambda: CORS(app(), origins="*"), "origins", id="origins"),
    pytest.param(lambda: CORS(app(), resources={r"/api/*": {}}), "resources", id="resources"),
    pytest.param(lambda: CORS(app(), supports_credentials=True), "supports_credentials", id="supports_credentials"),
    pytest.param(lambda: CORS(origins="*"), "origins", id="origins, without the application"),
    pytest.param(lambda: CORS(flask.Blueprint("shop", "x")), r"cross_origin\(policy\)\(blueprint\)", id="a blueprint"),
    pytest.param(lambda: CORS(Policy()), "the application comes first", id="a policy alone"),
    pytest.param(lambda: CORS("app", APP_POLICY), r"adapters\.wsgi\.CORSMiddleware", id="what is not an application"),
    pytest.param(lambda: CORS(bottle.Bottle(), APP_POLICY), r"CORSPlugin\(policy\)", id="a Bottle application"),
    pytest.param(lambda: CORS(of_package("fastapi"), APP_POLICY), r"adapters\.starlette\.CORS", id="FastAPI"),
    pytest.param(lambda: CORS(of_package("starlette"), APP_POLICY), r"adapters\.starlette\.CORS", id="Starlette"),
    pytest.param(lambda: CORS(of_package("connexion"), APP_POLICY), r"CORS\(app\.app, policy\)", id="connexion"),
    pytest.param(lambda: CORS(of_package("quart"), APP_POLICY), r"adapters\.asgi\.CORSMiddleware", id="Quart"),
    pytest.param(lambda: CORS(app(), APP_POLICY)({}, None), r"do not write app = CORS", id="app = CORS(app), served"),
    pytest.param(lambda: CORS(app(), APP_POLICY).run(), r"do not write app = CORS", id="app = CORS(app), run"),
    pytest.param(lambda: CORS(app(), APP_POLICY).route("/"), r"do not write app = CORS", id="app = CORS(app), a route"),
    pytest.param(lambda: cross_origin(), r"write @cross_origin\(policy\)", id="cross_origin()"),
    pytest.param(
        lambda: cross_origin(origins="*"), "cross_origin takes a policy: write Policy", id="cross_origin(origins=...)"
    ),
    pytest.param(lambda: cross_origin("*"), r"write @cross_origin\(policy\)", id="cross_origin('*')"),
    pytest.param(lambda: cross_origin(["https://a.test"]), r"write @cross_origin\(policy\)", id="cross_origin([...])"),
    pytest.param(lambda: cross_origin(lambda: "ok"), r"write @cross_origin\(policy\)", id="@cross_origin"),
    pytest.param(lambda: cross_origin(APP_POLICY, True), r"write @cross_origin\(policy\)", id="two arguments"),
]


@pytest.mark.parametrize(("call", "says"), CALLS)
def test_it_says_what_to_write_and_where_that_stands(call: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says) as caught:
        call()
    assert "docs/migrating.md" in str(caught.value)


def test_what_nobody_has_is_an_ordinary_error() -> None:
    cors = CORS(app(), APP_POLICY)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = cors.nonsense
    assert not hasattr(cors, "__wrapped__")


@pytest.mark.parametrize(
    ("marked", "configured", "warnings"),
    [(False, False, 1), (True, False, 0), (False, True, 0)],
    ids=["nothing", "a view", "a key"],
)
def test_an_application_without_any_policy_is_told_so_once(
    marked: bool, configured: bool, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    made = app()
    if configured:
        made.config["CORS_ALLOW_ORIGINS"] = "https://a.test"
    view = cross_origin(APP_POLICY)(lambda: "ok") if marked else lambda: "ok"
    made.add_url_rule("/", "root", view)
    CORS(made)
    with caplog.at_level(logging.WARNING, logger="corecors"):
        for _ in range(2):
            get(made, "/", "http://127.0.0.1")
        made.view_functions["late"] = lambda: "ok"
        get(made, "/", "http://127.0.0.1")
    assert ["has no policy" in record.getMessage() for record in caplog.records] == [True] * warnings
