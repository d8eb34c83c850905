"""The same small application in Flask and in Bottle: routes with and without policies of their own."""

from collections.abc import Callable
from typing import Any, NamedTuple

from readers import VIEW_POLICY
from wsgi_client import Application

from corecors import Policy, PolicySource

OWN_HEADERS = {"Access-Control-Allow-Origin": "*", "X-Own": "1"}
METHODS = ["GET", "PUT", "POST"]


class Small(NamedTuple):
    app: Application
    ran: list[str]  # the paths of the routes that ran
    set_policy: Callable[[Policy | PolicySource | None], None]


def small_flask(policy: Policy | PolicySource | None, **options: Any) -> Small:
    import flask
    from werkzeug.routing import BaseConverter

    from corecors.adapters.flask import CORS, cross_origin

    class Row(BaseConverter):
        def to_python(self, value: str) -> str:
            return looked_up(value)

    app = flask.Flask("small", static_folder=None)
    app.logger.disabled = True  # failing views are meant
    app.url_map.converters["row"] = Row
    ran: list[str] = []

    def answer(row: str = "") -> Any:
        ran.append(flask.request.path)
        return "ok", 200, OWN_HEADERS

    for rule in ("/", "/api/transfer", "/row/<row:row>"):
        app.add_url_rule(rule, rule.strip("/") or "root", answer, methods=METHODS)
    for rule, own in (("/own", VIEW_POLICY), ("/none", None), ("/own/row/<row:row>", VIEW_POLICY)):
        view = cross_origin(own)(lambda row="": answer())
        app.add_url_rule(rule, rule.strip("/"), view, methods=METHODS)
    CORS(app, policy, **options)

    def set_policy(policy: Policy | PolicySource | None) -> None:
        app.extensions["cors"].policy = policy

    return Small(app, ran, set_policy)


def small_bottle(policy: Policy | PolicySource | None, **options: Any) -> Small:
    import bottle

    from corecors.adapters.bottle import CORSPlugin

    app = bottle.Bottle()
    app.router.add_filter("row", lambda config: ("[^/]+", looked_up, str))
    ran: list[str] = []

    def answer(row: str = "") -> Any:
        ran.append(bottle.request.path)
        return bottle.HTTPResponse("ok", 200, dict(OWN_HEADERS))

    for rule in ("/", "/api/transfer", "/row/<row:row>"):
        app.route(rule, METHODS, answer)
    for rule, own in (("/own", VIEW_POLICY), ("/none", None), ("/own/row/<row:row>", VIEW_POLICY)):
        app.route(rule, METHODS, answer, cors=own)
    plugin = app.install(CORSPlugin(policy, **options))

    def set_policy(policy: Policy | PolicySource | None) -> None:
        plugin.policy = policy

    return Small(app, ran, set_policy)


def looked_up(value: str) -> str:
    """What converts a part of the URL; it fails for one value."""
    if value == "missing":
        raise LookupError("no database")
    return value


SMALL: dict[str, Callable[..., Small]] = {"flask": small_flask, "bottle": small_bottle}
