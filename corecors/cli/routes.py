"""An application's routes, compared with the policies that govern them: what a route has and its policy lacks."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from corecors import Policy, Problem
from corecors._decisions.headers import ALLOW_ORIGIN, ORIGIN, PREFLIGHT_METHOD, REQUEST_METHOD, SAFELISTED_METHODS
from corecors.browser import HeaderLines, SentRequest
from corecors.cli.applications import HOST, Application

MAX_ROUTES = 2_000
SOME_SITE = "https://some-site.example"  # what `*` allows

# Places in a path that stand for something: <int:number>, <name:re:...>, {name}, {name:int}, {name:\d+}.
_PLACE = re.compile(r"<([^<>]*)>|\{([^{}]*)\}")
_EXAMPLES = {"int": "1", "float": "1.5", "uuid": "00000000-0000-4000-8000-000000000000", r"\d+": "1", "[0-9]+": "1"}


class Route(NamedTuple):
    """A path, with examples in its places, and a method that a page needs a preflight for."""

    path: str
    method: str


def routes_of(app: Any) -> list[Route]:
    """The routes of a Flask, Bottle, Starlette, FastAPI or aiohttp application that need a preflight; else none."""
    found = dict.fromkeys(
        Route(_example(path), method)
        for path, methods in _listed(app)
        for method in sorted(methods)
        if method not in SAFELISTED_METHODS and method not in (PREFLIGHT_METHOD, "ANY", "*")
    )
    return list(found)[:MAX_ROUTES]


def _listed(app: Any, above: str = "") -> Iterator[tuple[str, Iterable[str]]]:
    if hasattr(app, "url_map"):  # Flask, Quart
        for rule in app.url_map.iter_rules():
            yield rule.rule, rule.methods or ()
    elif hasattr(getattr(app, "router", None), "resources"):  # aiohttp
        for route in app.router.routes():
            if route.resource is not None:
                yield route.resource.canonical, [route.method]
    else:
        for route in getattr(app, "routes", None) or ():  # Bottle; Starlette and FastAPI
            path = getattr(route, "rule", None) or getattr(route, "path", None)
            if not isinstance(path, str):
                continue
            if getattr(route, "routes", None):
                yield from _listed(route, above + path)
            else:
                method = getattr(route, "method", None)
                yield above + path, [method] if isinstance(method, str) else getattr(route, "methods", None) or ()


def _example(path: str) -> str:
    def example(place: re.Match[str]) -> str:
        # Flask writes the kind first, <int:number>; the others write it last.
        kinds = (part.partition("(")[0] for part in (place[1] or place[2] or "").split(":", 1))
        return next((_EXAMPLES[kind] for kind in kinds if kind in _EXAMPLES), "x")

    return _PLACE.sub(example, path)


def findings_about_routes(application: Application, policies: Iterable[Policy]) -> Iterator[Problem]:
    """Methods that a route has, and that the policy which governs it keeps from the very pages that it allows."""
    origins = list(dict.fromkeys(_some_origin(policy) for policy in policies))
    for route in routes_of(application.app):
        known = [origin for origin in origins if origin and _passes(application, route.path, origin, "GET")]
        if known and not any(_passes(application, route.path, origin, route.method) for origin in known):
            yield Problem(
                f"{route.method} {route.path}",
                known[0],
                "method-of-route",
                f"may read this route and not use {route.method}, which it has: the policy that governs it does "
                "not list "
                "the method",
                severity="warning",
            )


def _some_origin(policy: Policy) -> str | None:
    exact = (text for text in policy.allow_origins if "*" not in text)
    return next(exact, SOME_SITE if policy.allows_any_origin else None)


def _passes(application: Application, path: str, origin: str, method: str) -> bool:
    lines = HeaderLines([(ORIGIN, origin), (REQUEST_METHOD, method)])
    sent = SentRequest(method=PREFLIGHT_METHOD, url=f"https://{HOST}{path}", headers=lines, preflight=True)
    received = application.answer(sent, path)
    return 200 <= received.status <= 299 and received.get(ALLOW_ORIGIN) is not None
