"""The API behind each of our adapters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bottle  # type: ignore[import-untyped]
import flask

from corecors import PathPolicies, Policy
from corecors.adapters.bottle import CORSPlugin
from corecors.adapters.flask import CORS
from corecors.adapters.wsgi import CORSMiddleware

from .api import answer, api

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PUBLISH"]


def wrapped(policy: Policy) -> WSGIApplication:
    return CORSMiddleware(api, policy)


def wrapped_by_path(policy: Policy) -> WSGIApplication:
    """The same, but with a decision for each request in place of remembered answers."""
    return CORSMiddleware(api, PathPolicies({"/": policy}))


def flask_application(policy: Policy) -> WSGIApplication:
    app = flask.Flask("api")
    CORS(app, policy)

    @app.route("/<path:resource>", methods=METHODS, provide_automatic_options=False)
    def answering(resource: str) -> flask.Response:
        status, headers, body = answer(flask.request.environ)
        return flask.Response(body, status, headers)

    return app


def bottle_application(policy: Policy) -> WSGIApplication:
    app = bottle.Bottle()
    app.install(CORSPlugin(policy))

    def answering(resource: str) -> bottle.HTTPResponse:
        status, headers, parts = answer(bottle.request.environ)
        body: Any = parts  # more than the type of the parameter, which is guessed from its default, tells
        return bottle.HTTPResponse(body, status, headers)

    for method in METHODS:
        app.route("/<resource:path>", method, answering)
    serve: WSGIApplication = app
    return serve


ADAPTERS: dict[str, Callable[[Policy], WSGIApplication]] = {
    "CORSMiddleware": wrapped,
    "CORSMiddleware by path": wrapped_by_path,
    "Flask": flask_application,
    "Bottle": bottle_application,
}
