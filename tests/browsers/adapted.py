"""The API behind each of our adapters, served for all cases of a setup."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bottle  # type: ignore[import-untyped]
import flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from corecors import PathPolicies, Policy
from corecors.adapters import asgi, starlette, wsgi
from corecors.adapters.bottle import CORSPlugin
from corecors.adapters.flask import CORS

from . import asgi_sites
from .api import answer, api
from .case import ENGINE_NAMES, Addresses, Case, filled
from .prediction import MODEL
from .sites import ApiServer, Journal, fixed_answers, serving

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PUBLISH"]
VISITORS = (*(name.lower() for name in ENGINE_NAMES), MODEL)


@dataclass(frozen=True, slots=True)
class Api:
    """What the API's server has to serve. `addresses`: those that policies name, the API's own not among them.
    `failures`: for the tracebacks of what applications raise. `tls`: None over http."""

    cases: Sequence[Case]
    addresses: Addresses
    journal: Journal
    failures: list[str]
    tls: ssl.SSLContext | None

    def policy(self, case: Case) -> Policy:
        assert case.policy is not None
        return Policy(**{name: filled(value, self.addresses.in_policy()) for name, value in case.policy.items()})

    def policies(self) -> PathPolicies:
        """All of them, for a framework of which one application serves all cases."""
        return PathPolicies(
            {f"/{visitor}/{case.slug}/": self.policy(case) for case in self.cases for visitor in VISITORS}
        )


Serve = Callable[[Api], AbstractContextManager[int]]


def in_wsgi(protect: Callable[[Policy], WSGIApplication]) -> Serve:
    """An application for each case, on werkzeug's server."""

    @contextmanager
    def serve(the: Api) -> Iterator[int]:
        server = ApiServer(the.journal)
        for case in the.cases:
            fixed = case.policy is None
            server.apps[case.slug] = fixed_answers(case, the.addresses, api) if fixed else protect(the.policy(case))
        with serving(server, the.failures, the.tls) as port:
            yield port

    return serve


def in_asgi(protect: Callable[[Policy], asgi_sites.Application]) -> Serve:
    """An application for each case, on uvicorn."""

    @contextmanager
    def serve(the: Api) -> Iterator[int]:
        server = asgi_sites.AsgiApiServer(the.journal)
        for case in the.cases:
            fixed = case.policy is None
            server.apps[case.slug] = (
                asgi_sites.fixed_answers(case, the.addresses, asgi_sites.api) if fixed else protect(the.policy(case))
            )
        with asgi_sites.serving_asgi(server, the.failures, the.tls) as port:
            yield port

    return serve


def wrapped(policy: Policy) -> WSGIApplication:
    return wsgi.CORSMiddleware(api, policy)


def wrapped_by_path(policy: Policy) -> WSGIApplication:
    """The same, but with a decision for each request instead of remembered lines."""
    return wsgi.CORSMiddleware(api, PathPolicies({"/": policy}))


def wrapped_asgi(policy: Policy) -> asgi_sites.Application:
    return asgi.CORSMiddleware(asgi_sites.api, policy)


def wrapped_asgi_by_path(policy: Policy) -> asgi_sites.Application:
    return asgi.CORSMiddleware(asgi_sites.api, PathPolicies({"/": policy}))


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


def starlette_application(policy: Policy) -> asgi_sites.Application:
    async def answering(request: Request) -> Response:
        status, headers, parts = answer(asgi_sites.environ_of(request.scope, await request.body()))
        response = StreamingResponse(parts, int(status[:3]))
        response.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return response

    app = Starlette(routes=[Route("/{resource:path}", answering, methods=METHODS)])
    starlette.CORS(app, policy)
    return app


def in_django(the: Api) -> AbstractContextManager[int]:
    from .django_api import serving_django

    return serving_django(the)


def in_aiohttp(the: Api) -> AbstractContextManager[int]:
    from .aiohttp_api import serving_aiohttp

    return serving_aiohttp(the)


ADAPTERS: dict[str, Serve] = {
    "WSGI": in_wsgi(wrapped),
    "WSGI by path": in_wsgi(wrapped_by_path),
    "ASGI": in_asgi(wrapped_asgi),
    "ASGI by path": in_asgi(wrapped_asgi_by_path),
    "Flask": in_wsgi(flask_application),
    "Bottle": in_wsgi(bottle_application),
    "Starlette": in_asgi(starlette_application),
    "Django": in_django,
    "aiohttp": in_aiohttp,
}
