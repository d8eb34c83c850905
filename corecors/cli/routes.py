"""An application's routes, compared with the policies that govern them: what a route has and its policy lacks, what
answers instead of it, and marks that no route leads to."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from corecors import Policy, Problem
from corecors._decisions.headers import (
    ALLOW_ORIGIN,
    ORIGIN,
    PREFLIGHT_METHOD,
    REQUEST_HEADERS,
    REQUEST_METHOD,
    SAFELISTED_METHODS,
    VARY,
    WILDCARD,
)
from corecors.browser import HeaderLines, Received, SentRequest
from corecors.cli.applications import HOST, Application
from corecors.cli.marked_views import UNMARKED, below, marked_views, policy_of
from corecors.cli.terminal import Unusable

MAX_ROUTES = 2_000
SOME_SITE = "https://some-site.example"  # what `*` allows
_REFUSAL = (403, dict(Policy.preflight_refusal)[VARY])  # what a door answers a preflight with that it refuses

# Places in a path that stand for something: <int:number>, <name:re:...>, {name}, {name:int}, {name:\d+}.
_PLACE = re.compile(r"<([^<>]*)>|\{([^{}]*)\}")
_EXAMPLES = {"int": "1", "float": "1.5", "uuid": "00000000-0000-4000-8000-000000000000", r"\d+": "1", "[0-9]+": "1"}
_ANYTHING = frozenset({"str", "string", "path", "slug", "convertor"})  # which "x" is an example of
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    """A path, with examples in its places, a method, and what answers it there.

    is_sure: whether the examples are known to fit. given: the policy that is written at the route itself, as Bottle has
    it, or `UNMARKED`.
    """

    path: str
    method: str
    view: Any = None
    is_sure: bool = True
    given: Any = UNMARKED


class _Listed(NamedTuple):
    path: str
    methods: Iterable[str]
    view: Any
    given: Any = UNMARKED


def routes_of(app: Any) -> list[Route]:
    """The routes of a Flask, Bottle, Starlette, FastAPI, Django or aiohttp application; else none."""
    found: dict[tuple[str, str, int], Route] = {}
    for listed in _listed(app):
        path, is_sure = _example(listed.path)
        for method in sorted(set(listed.methods) or _methods_of(listed.view)):
            if method in ("ANY", "*"):
                method = next(iter(_methods_of(listed.view)))
            if method != PREFLIGHT_METHOD:
                route = Route(path, method, listed.view, is_sure, listed.given)
                found.setdefault((path, method, id(listed.view)), route)
    return list(found.values())[:MAX_ROUTES]


def _listed(app: Any, above: str = "") -> Iterator[_Listed]:
    if hasattr(app, "url_map"):  # Flask, Quart
        for rule in app.url_map.iter_rules():
            view = app.view_functions.get(rule.endpoint)
            yield _Listed(rule.rule, rule.methods or (), view, _of_blueprint(app, rule.endpoint, view))
    elif hasattr(getattr(app, "router", None), "resources"):  # aiohttp
        for route in app.router.routes():
            if route.resource is not None:
                yield _Listed(route.resource.canonical, [route.method], route.handler)
    elif any(each.__module__.startswith("django.core.handlers.") for each in type(app).__mro__):
        from django.urls import get_resolver

        yield from _of_django(get_resolver(), "/")
    else:
        for route in getattr(app, "routes", None) or ():  # Bottle; Starlette and FastAPI
            path = getattr(route, "rule", None) or getattr(route, "path", None)
            included = getattr(route, "original_router", None)  # FastAPI's, which has no path of its own
            if included is not None:
                yield from _listed(included, above + getattr(route.include_context, "prefix", ""))
            if not isinstance(path, str):
                continue
            if getattr(route, "routes", None):
                yield from _listed(route, above + path)
                continue
            method = getattr(route, "method", None)
            methods = [method] if isinstance(method, str) else getattr(route, "methods", None) or ()
            config = getattr(route, "config", None) or {}
            view = getattr(route, "endpoint", None) or getattr(route, "callback", None)
            yield _Listed(above + path, methods, view, config.get("cors", UNMARKED))


def _of_blueprint(app: Any, endpoint: str, view: Any) -> Any:
    """The policy of the innermost marked blueprint of a view that is not marked itself."""
    if any(policy_of(each) is not UNMARKED for each in below(view)):
        return UNMARKED
    while "." in endpoint:
        endpoint = endpoint.rpartition(".")[0]
        own = policy_of(app.blueprints.get(endpoint))
        if own is not UNMARKED:
            return own
    return UNMARKED


def _of_django(resolver: Any, above: str) -> Iterator[_Listed]:
    for pattern in resolver.url_patterns:
        # Regular expressions: their groups are places that nobody knows an example of.
        text = re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<\1:re>", str(pattern.pattern).removeprefix("^").removesuffix("$"))
        if hasattr(pattern, "url_patterns"):
            yield from _of_django(pattern, above + text)
        else:
            yield _Listed(above + text, _methods_of(pattern.callback), pattern.callback)


def _methods_of(view: Any) -> list[str]:
    """The methods that a view answers, where the route does not say; GET where nothing does."""
    cells = getattr(view, "__closure__", None) or ()
    names = getattr(getattr(view, "__code__", None), "co_freevars", ())
    held: dict[str, Any] = dict(zip(names, cells, strict=False))
    if "request_method_list" in held:  # Django's `require_http_methods`
        return [str(each) for each in held["request_method_list"].cell_contents]
    if isinstance(actions := getattr(view, "actions", None), dict):  # a ViewSet of REST framework
        return [str(name).upper() for name in actions]
    of_class = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    return [each for each in _METHODS if isinstance(of_class, type) and hasattr(of_class, each.lower())] or ["GET"]


def _example(path: str) -> tuple[str, bool]:
    is_sure = True

    def example(place: re.Match[str]) -> str:
        nonlocal is_sure
        # Flask and Django write the kind first, <int:number>; the others write it last.
        kinds = (place[1] or place[2] or "").split(":", 1)
        known = [_EXAMPLES[name] for kind in kinds if (name := kind.partition("(")[0]) in _EXAMPLES]
        has_rules = any("(" in kind for kind in kinds)  # <string(length=2):x>
        is_sure &= not has_rules and (bool(known) or len(kinds) == 1 or any(kind in _ANYTHING for kind in kinds))
        return known[0] if known else "x"

    return _PLACE.sub(example, path), is_sure


def findings_about_routes(application: Application, policies: Iterable[Policy]) -> Iterator[Problem]:
    """What a route has and its policy keeps from the very pages that it allows, and where another policy than its own
    answers a preflight for it."""
    origins = list(dict.fromkeys(_some_origin(policy) for policy in policies))
    routes = routes_of(application.app)
    yield from _marks_without_a_route(application.app, routes)
    try:
        for route in routes:
            yield from _lacking_methods(application, route, origins)
            yield from _answered_by_another(application, route, origins)
    except Unusable as error:
        # Some doors refuse to serve where a policy would be lost, and say which.
        yield Problem("routes", getattr(application.app, "name", "application"), "application-fails", str(error), None)


def _lacking_methods(application: Application, route: Route, origins: list[str | None]) -> Iterator[Problem]:
    if route.method in SAFELISTED_METHODS or not route.is_sure:
        return
    known = [origin for origin in origins if origin and _passes(application, route.path, origin, "GET")]
    if known and not any(_passes(application, route.path, origin, route.method) for origin in known):
        yield Problem(
            f"{route.method} {route.path}",
            known[0],
            "method-of-route",
            f"may read this route and not use {route.method}, which it has: the policy that governs it does not list "
            "the method",
            severity="warning",
        )


def _marks_without_a_route(app: Any, routes: list[Route]) -> Iterator[Problem]:
    if not routes:
        return
    reached = {id(each) for route in routes for each in below(route.view)}
    reached |= {id(each) for each in getattr(app, "blueprints", {}).values()}
    for marked in marked_views():
        if id(marked.owner) not in reached and not any(id(each) in reached for each in below(marked.owner)):
            yield Problem(
                marked.name,
                "cross_origin",
                "mark-without-route",
                "gives this a policy of its own, and no route of the application leads to it",
                severity="warning",
            )


def _answered_by_another(application: Application, route: Route, origins: list[str | None]) -> Iterator[Problem]:
    policy = _own_policy(route)
    if not route.is_sure or not (policy is None or isinstance(policy, Policy)):
        return
    for origin in [_some_origin(policy)] if policy is not None else origins:
        if origin is None:
            continue
        names = [] if policy is None else sorted(name.lower() for name in policy.allow_headers if name != WILDCARD)[:1]
        received = _preflight(application, route.path, origin, route.method, names)
        # Where the method is not listed there is nothing to compare: that is the other finding.
        expected = None if policy is None else policy.preflight(origin, route.method, names[0] if names else None)
        if expected is not None and not expected.allowed:
            continue
        # Where the owner opted out, the application answers, and not the door.
        is_refused = expected is None and (received.status, received.get(VARY)) == _REFUSAL
        if is_refused or _cors_lines(received.headers) != _cors_lines(expected.lines if expected is not None else ()):
            yield Problem(
                f"{route.method} {route.path}",
                origin,
                "preflight-of-another",
                "asks for a route that has a policy of its own, and something else answers the preflight: a route "
                "before it, another CORS layer, or a decorator that hides the mark (without functools.wraps)",
                severity="warning",
            )
            return


def _own_policy(route: Route) -> Any:
    """The policy that a route was given, `UNMARKED` where it was given none, or several by its methods."""
    if route.given is not UNMARKED:
        return route.given
    found = [own for each in below(route.view) if (own := policy_of(each)) is not UNMARKED]
    return found[0] if found and all(each is found[0] for each in found) else UNMARKED


def _cors_lines(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in lines if name.lower().startswith("access-control-"))


def _some_origin(policy: Policy) -> str | None:
    exact = (text for text in policy.allow_origins if "*" not in text)
    return next(exact, SOME_SITE if policy.allows_any_origin else None)


def _passes(application: Application, path: str, origin: str, method: str) -> bool:
    received = _preflight(application, path, origin, method)
    return 200 <= received.status <= 299 and received.get(ALLOW_ORIGIN) is not None


def _preflight(application: Application, path: str, origin: str, method: str, names: Iterable[str] = ()) -> Received:
    lines = [(ORIGIN, origin), (REQUEST_METHOD, method), *((REQUEST_HEADERS, name) for name in names)]
    sent = SentRequest(method=PREFLIGHT_METHOD, url=f"https://{HOST}{path}", headers=HeaderLines(lines), preflight=True)
    return application.answer(sent, path)
