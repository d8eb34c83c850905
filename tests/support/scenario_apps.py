"""The application of the scenarios, once for each framework, under one policy: a WSGI callable that servers can serve.

`gunicorn "scenario_apps:application('flask', 'listed')"` serves one of them.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

from scenarios import POLICIES, RESPONSES, Response

from corecors import Policy, PolicySource
from corecors.adapters.wsgi import CORSMiddleware

FILE = Path(__file__).with_name("file.txt")
CHUNKS = (b"one", b"two", b"three")
PLAIN = [("Content-Type", "text/plain")]

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class HandledError(Exception):
    """What the application has an error handler for."""


def application(adapter: str, policy: str) -> Application:
    """The application for `adapter` ("wsgi", "flask" or "bottle") under the scenarios' policy of that name."""
    return BUILDERS[adapter](POLICIES[policy])


def wsgi(policy: Policy | PolicySource, within: Callable[[Application], Application] = lambda app: app) -> Application:
    """Plain WSGI; `within` wraps the application itself, inside the middleware."""
    return CORSMiddleware(within(plain_application), policy)


def plain_application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The application in nothing but WSGI."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    response = _BY_PATH.get(path)
    status = 404 if response is None else response.status
    if response is not None and path not in _REACHABLE_BY_GET_ONLY and method == "POST":
        body: Iterable[bytes] = [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]
    elif method == "OPTIONS":
        status, response, body = 204, None, []
    elif method not in ("GET", "HEAD"):
        status, response, body = 405, None, [b"method not allowed"]
    elif path == "/stream":
        body = iter(CHUNKS)
    elif path == "/file":
        body = environ.get("wsgi.file_wrapper", FileWrapper)(FILE.open("rb"))
    else:
        body = [b"not found" if response is None else response.body if response.body is not None else b"an error"]
    headers = list(response.headers) if response is not None else []
    exc_info = None
    if path == "/error":
        try:
            raise RuntimeError("the application failed")
        except RuntimeError as error:
            exc_info = (type(error), error, error.__traceback__)
    if path == "/redirect":
        headers.append(("Location", "/text"))
    start_response(STATUS_LINES[status], headers + (PLAIN if status not in (204, 304) else []), exc_info)
    return [] if method == "HEAD" or status in (204, 304) else body


def flask(policy: Policy | PolicySource) -> Application:
    import flask

    from corecors.adapters.flask import CORS

    app = flask.Flask("scenarios")
    app.logger.disabled = True  # the failing view is meant
    CORS(app, policy)

    @app.before_request
    def answer_early() -> Any:
        return flask.Response("early", 503) if flask.request.path == "/early" else None

    @app.errorhandler(HandledError)
    def handle(error: HandledError) -> Any:
        return "handled", 422

    def view(response: Response) -> Callable[[], Any]:
        def answer() -> Any:
            if response.path == "/redirect":
                return flask.redirect("/text")
            if response.path == "/abort":
                flask.abort(403)
            if response.path == "/handled":
                raise HandledError
            if response.path == "/error":
                raise RuntimeError("the application failed")
            if response.path == "/file":
                return flask.send_file(FILE)
            posted = flask.request.get_data() if flask.request.method == "POST" else None
            body = posted or (iter(CHUNKS) if response.path == "/stream" else response.body)
            made = flask.Response(body, response.status, mimetype="text/plain")
            if response.status in (204, 304):
                del made.headers["Content-Type"]
            for name, value in response.headers:
                made.headers.add(name, value)
            return made

        return answer

    for response in _ROUTED:
        methods = ["GET"] if response.path in _REACHABLE_BY_GET_ONLY else ["GET", "POST"]
        app.add_url_rule(response.path, response.path.strip("/"), view(response), methods=methods)
    return app


def bottle(policy: Policy | PolicySource) -> Application:
    import bottle

    from corecors.adapters.bottle import CORSPlugin

    app = bottle.Bottle()
    app.install(CORSPlugin(policy))

    @app.hook("before_request")
    def answer_early() -> None:
        if bottle.request.path == "/early":
            raise bottle.HTTPResponse("early", 503)

    @app.error(422)
    def handle(error: Any) -> bytes:
        return b"handled"

    def view(response: Response) -> Callable[[], Any]:
        def answer() -> Any:
            if response.path == "/redirect":
                bottle.redirect("/text", 302)
            if response.path == "/abort":
                bottle.abort(403)
            if response.path == "/handled":
                raise bottle.HTTPError(422)
            if response.path == "/error":
                raise RuntimeError("the application failed")
            if response.path == "/file":
                return bottle.static_file(FILE.name, FILE.parent, mimetype="text/plain")
            posted = bottle.request.body.read() if bottle.request.method == "POST" else None
            body = posted or (stream() if response.path == "/stream" else response.body)
            made = bottle.HTTPResponse(body, response.status)
            for name, value in response.headers:
                made.add_header(name, value)
            return made

        return answer

    for response in _ROUTED:
        methods = ["GET"] if response.path in _REACHABLE_BY_GET_ONLY else ["GET", "POST"]
        app.route(response.path, methods, view(response))
    return app


def stream() -> Iterator[bytes]:
    yield from CHUNKS


BUILDERS: dict[str, Callable[[Policy | PolicySource], Application]] = {"wsgi": wsgi, "flask": flask, "bottle": bottle}
STATUS_LINES = {
    200: "200 OK",
    201: "201 Created",
    204: "204 No Content",
    302: "302 Found",
    304: "304 Not Modified",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    422: "422 Unprocessable Content",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}
_ROUTED = [response for response in RESPONSES.values() if response.name != "no such path"]
_BY_PATH = {response.path: response for response in _ROUTED}
_REACHABLE_BY_GET_ONLY = {"/get-only"}

if "CORECORS_SCENARIO" in os.environ:  # for servers that take a name and no call: "flask:listed"
    app = application(*os.environ["CORECORS_SCENARIO"].split(":", 1))
