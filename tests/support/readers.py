"""Who may read an application's answers: for tests of adapters whose views and routes have policies."""

from typing import Any

from scenarios import Answer
from wsgi_client import send, values

from corecors import Policy

APP = "https://app.example.com"
VIEW = "https://view.example.com"
ROUTE = "https://route.example.com"
INNER = "https://inner.example.com"
OUTER = "https://outer.example.com"
CHILD = "https://child.example.com"
STRANGER = "https://stranger.example.com"
EVERYBODY = (APP, VIEW, ROUTE, INNER, OUTER, CHILD, STRANGER)
METHODS = ["GET", "PUT", "DELETE"]
APP_POLICY = Policy(allow_origins=[APP], allow_methods=METHODS)
VIEW_POLICY = Policy(allow_origins=[VIEW], allow_methods=METHODS)
ROUTE_POLICY = Policy(allow_origins=[ROUTE], allow_methods=METHODS)
INNER_POLICY = Policy(allow_origins=[INNER], allow_methods=METHODS)
OUTER_POLICY = Policy(allow_origins=[OUTER], allow_methods=METHODS)
CHILD_POLICY = Policy(allow_origins=[CHILD], allow_methods=METHODS)


def get(app: Any, path: str, origin: str = APP, method: str = "GET") -> Answer:
    return send(app, method, path, (("Origin", origin),))


def preflight(app: Any, path: str, origin: str = APP, method: str = "PUT") -> Answer:
    return send(app, "OPTIONS", path, (("Origin", origin), ("Access-Control-Request-Method", method)))


def admitted(app: Any, path: str, method: str = "GET") -> list[str]:
    """Who may read the answer at `path`. Asserts that the preflight for the request says the same."""
    readers = []
    for origin in EVERYBODY:
        lines = values(get(app, path, origin, method), "Access-Control-Allow-Origin")
        assert lines in ([], [origin])
        passed = preflight(app, path, origin, method)
        assert (values(passed, "Access-Control-Allow-Origin") == [origin]) == (lines == [origin])
        readers += [origin] if lines else []
    return readers
