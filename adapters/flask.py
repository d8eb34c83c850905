"""CORS for Flask.

    CORS(app, Policy(allow_origins=["https://app.example.com"]))

    @app.post("/payments")
    @cross_origin(Policy(allow_origins=["https://pay.example.com"], allow_credentials=True))
    def pay(): ...

The nearest policy governs: the view's, else its blueprint's (an inner one before an outer one), else the application's.
A preflight follows the policy of the request that it asks for. Everything is carried out around `app.wsgi_app`, so
every response is covered.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from inspect import isbuiltin, isfunction, ismethod
from typing import Any, NamedTuple, TypeVar, Unpack
from urllib.parse import unquote, urlsplit
from weakref import WeakSet, ref
from wsgiref.types import WSGIEnvironment

from flask import Blueprint, Flask, current_app, has_app_context, has_request_context, request
from flask.views import MethodView
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import MapAdapter, RequestRedirect

from corecors import Door, Policy, PolicySource, policy_from_env
from corecors.adapters.routed import (
    LOGGER,
    Asked,
    DoorOptions,
    Governing,
    RoutePolicies,
    check_options,
    was_asked,
    wrong_call,
)

MAX_LAYERS = 100  # of wrappers around a view; more are a mistake
MAX_HELD = 1000  # things that are looked at for what one view may hide
MAX_REDIRECTS = 3  # of one path by the URL map: merged slashes, a slash at the end, a default

_MISSING: Any = object()
_UNMARKED: Any = object()
_Owner = TypeVar("_Owner")


class CrossOrigin:
    """What `cross_origin(policy)` returns."""

    def __init__(self, policy: Policy | PolicySource | None) -> None:
        self.policy = policy
        _decorators.add(self)

    def __call__(self, owner: _Owner) -> _Owner:
        _marks.give(owner, self.policy)
        return owner


def cross_origin(policy: Policy | PolicySource | None = _MISSING, /, *more: Any, **unknown: Any) -> CrossOrigin:
    """Give a view, a class of views, a method of one, or a `Blueprint` a policy of its own; None: no CORS at all.

    It takes effect in applications that `CORS` serves, and returns what it is given, so its place among decorators does
    not matter, as long as those above it say what they wrap (`functools.wraps`). In flask-restful it may stand in
    `method_decorators`. Raises `TypeError` for what is neither a policy nor a source of policies, and when it is given
    to something that cannot be told again.
    """
    if unknown or more or policy is _MISSING or (policy is not None and not _is_governing(policy)):
        given = ", ".join([*("..." for _ in more), *unknown]) or (
            "nothing" if policy is _MISSING else type(policy).__name__
        )
        raise wrong_call("cross_origin", f"write @cross_origin(policy): a Policy or None belongs there, not {given}")
    return CrossOrigin(policy)


class CORS:
    """The extension: `CORS(app, policy)`; or `cors = CORS()` and later `cors.init_app(app, policy)`, for several too.

    policy: a `Policy`, what chooses one for each request, such as `PathPolicies`, or None: the policy in `app.config`,
        in the keys that `policy_from_env` reads (`CORS_ALLOW_ORIGINS` and so on); without these, only views and
        blueprints with a policy of their own have one.
    options: those of `corecors.adapters.wsgi.CORSMiddleware`: `on_decision`, `report_only`, `block_disallowed`,
        `check_websockets`, `own_origins`, `rejections`.
    `app.extensions["cors"].policy` is the application's policy, and may be replaced while serving.
    """

    def __init__(
        self, app: Flask | None = None, policy: Policy | PolicySource | None = None, **options: Unpack[DoorOptions]
    ) -> None:
        check_options("CORS(app, policy)", options)
        if policy is not None:
            Door().check_policy(policy)
        self._policy = policy
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, policy: Policy | PolicySource | None = None) -> None:
        """Serve `app`. Raises `PolicyError` for what is wrong in `app.config`, `RuntimeError` for a second time, and
        `TypeError` for what is not a Flask application."""
        _require_flask(app)
        if "cors" in app.extensions:
            raise RuntimeError("this application has CORS already; set the policy of app.extensions['cors'] instead")
        if policy is None:
            policy = self._policy
        if policy is None and any(key.startswith("CORS_") for key in app.config):
            policy = policy_from_env(app.config)
        served = FlaskPolicies(app, policy, self._options)
        app.extensions["cors"] = served
        app.wsgi_app = served  # type: ignore[method-assign]

    def __call__(self, *arguments: Any) -> Any:
        raise wrong_call(
            "CORS", "CORS(app, policy) serves the application where it is: do not write app = CORS(app, policy)"
        )

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(Flask, name):
            self()
        raise AttributeError(f"CORS has no attribute {name!r}")


class Endpoint(NamedTuple):
    """What Flask runs for a request: `app.view_functions[name]`, and a method in upper case."""

    name: str
    method: str


class FlaskPolicies(RoutePolicies[Endpoint]):
    """One Flask application's WSGI callable: tells which policy governs, by the view that is asked for."""

    def __init__(self, app: Flask, policy: Policy | PolicySource | None, options: DoorOptions) -> None:
        door = Door(**options, ask=self._in_context)
        super().__init__(app.wsgi_app, door, blocks=options.get("block_disallowed", False))
        self.app = app
        self._checked: tuple[int, int] | None = None
        self._views: Mapping[str, Callable[..., Any]] = {}
        self._lost: tuple[int, Mapping[str, Callable[..., Any]], str] | None = None
        self.policy = policy
        _served.add(self)

    @property
    def policy(self) -> Policy | PolicySource | None:
        """The application's policy; None: only what has one of its own is governed."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy | PolicySource | None) -> None:
        if policy is not None:
            self._door.check_policy(policy)
        self._plain = policy if isinstance(policy, Policy) and self._door.is_silent(policy) else None
        self._policy = policy

    # What is run

    def plain(self) -> Policy | None:
        return None if _is_used() else self._plain

    def match(self, environ: WSGIEnvironment) -> Endpoint | None:
        if not _is_used():
            return None  # the application's policy, wherever it leads
        try:
            adapter = self.app.create_url_adapter(self.app.request_class(environ))
        except HTTPException:
            return None  # the host is not trusted: no view runs
        assert adapter is not None  # there is a request
        method = environ["REQUEST_METHOD"].upper()  # as Werkzeug does, both when it matches and in `request.method`
        try:
            return _match(adapter, method)
        except RuntimeError:  # "Working outside of application context": a converter of URL parts uses it
            return self._in_context(_match, adapter, method)  # type: ignore[no-any-return]

    def matched(self, environ: WSGIEnvironment, asked: Asked) -> Endpoint | None:
        # The request in the context is that of this application and this very request, or it is not looked at: an
        # application may answer without one, or be called within another request.
        if not _is_used() or not has_request_context() or _current(current_app) is not self.app:
            return None
        answered = _current(request)
        rule = answered.url_rule
        return (
            Endpoint(rule.endpoint, answered.method)
            if rule is not None and was_asked(answered.environ, asked)
            else None
        )

    def policy_of(self, route: Endpoint | None) -> Governing:
        if route is None or not _is_used():
            return self._policy
        view = self.app.view_functions.get(route.name)
        if view is not self._views.get(route.name):
            self.check_routes()  # it was replaced, and what replaces it may hide a policy
        own = _own_policy(view, route.method)
        if own is not _UNMARKED:
            return own  # type: ignore[no-any-return]
        name, _, _ = route.name.rpartition(".")
        while name:
            own = _marks.of(self.app.blueprints.get(name))
            if own is not _UNMARKED:
                return own  # type: ignore[no-any-return]
            name, _, _ = name.rpartition(".")
        return self._policy

    def _in_context(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call something of the application's that may use `current_app`. What its teardown raises changes nothing."""
        if has_app_context() and current_app == self.app:
            return function(*arguments)
        context = self.app.app_context()
        context.push()
        try:
            return function(*arguments)
        finally:
            try:
                context.pop()
            except Exception:
                self.failed("a teardown of the application failed after something was asked in its context")

    # What has policies

    def routes_changed(self) -> bool:
        return self._checked != (_marks.version, len(self.app.view_functions))

    def check_routes(self) -> None:
        version, views = _marks.version, dict(self.app.view_functions)
        if self._lost is None or self._lost[:2] != (version, views):
            lost = _marks.lost(self.app)
            self._lost = (version, views, ", ".join(lost)) if lost else None
        if self._lost is not None:
            raise RuntimeError(
                f"cross_origin was given to {self._lost[2]}, but no view leads there, so the policy would be lost:"
                " either it is not registered, or a decorator above it hides it. Write that decorator with"
                " functools.wraps, or put cross_origin above it"
            )
        owners = [owner for view in views.values() for owner in _owners(view)]
        found = [_marks.of(owner) for owner in (*owners, *self.app.blueprints.values())]
        for policy in found:
            if policy is not _UNMARKED and policy is not None:
                self._door.check_policy(policy)
        if self._checked is None and self._policy is None and all(each is _UNMARKED for each in found):
            LOGGER.warning(
                "CORS: the application %r has no policy, and neither has any of its views: it sends no CORS headers."
                " Write CORS(app, policy), or set CORS_ALLOW_ORIGINS in its configuration",
                self.app.name,
            )
        self._views = views
        self._checked = version, len(views)


def _is_used() -> bool:
    """Whether anything anywhere may have a policy of its own."""
    return bool(_marks or _decorators)


def _current(proxy: Any) -> Any:
    """What a proxy of Flask's stands for at this moment; the proxy itself takes that look at every use."""
    return proxy._get_current_object()


def _match(adapter: MapAdapter, method: str, path: str | None = None) -> Endpoint | None:
    """The endpoint that the URL map leads to. A redirect is governed like what it leads to, and a path that has not the
    method like the first one that it has."""
    for _ in range(MAX_REDIRECTS):
        try:
            rule, _arguments = adapter.match(path, method, return_rule=True)
            return Endpoint(rule.endpoint, method)
        except RequestRedirect as redirect:
            target = urlsplit(redirect.new_url)
            if target.netloc != adapter.get_host(None):
                return None
            path = "/" + unquote(target.path).removeprefix(adapter.script_name).lstrip("/")
        except MethodNotAllowed as failure:
            method = min(failure.valid_methods or ("",))
        except HTTPException:
            return None
    return None


# What is marked


class _Mark(NamedTuple):
    owner: ref[Any]  # of a bound method, the object that it is bound to
    module: str
    name: str
    policy: Policy | PolicySource | None
    may_be_lost: bool  # whether no harm is done where no view leads to it


class _Marks:
    """The policies that `cross_origin` was given, kept beside their owners.

    An attribute of the owner would do it for functions. But bound methods take none, and `functools.wraps` copies
    attributes to what it wraps around, where they go stale.
    """

    def __init__(self) -> None:
        self._by_key: dict[tuple[int, int], _Mark] = {}
        self.version = 0  # how often something was marked

    def __len__(self) -> int:
        return len(self._by_key)

    def give(self, owner: Any, policy: Policy | PolicySource | None) -> None:
        owner = owner.__func__ if isinstance(owner, staticmethod | classmethod) else owner
        if not (callable(owner) or isinstance(owner, Blueprint)):
            raise wrong_call(
                "cross_origin", f"cross_origin is for views, classes of views and blueprints, not for {owner!r}"
            )
        if isinstance(owner, Flask):
            raise wrong_call(
                "cross_origin",
                "cross_origin is for views and blueprints; for an application write CORS(app, policy)",
            )
        key = _key(owner)
        try:
            held = ref(owner.__self__ if ismethod(owner) else owner, lambda _: self._by_key.pop(key, None))
        except TypeError:
            raise wrong_call(
                "cross_origin", f"{owner!r} cannot be given a policy: put cross_origin on the function that it calls"
            ) from None
        # A blueprint has no wrappers that could hide it. flask-restful decorates methods anew at each request.
        passing = ismethod(owner) and has_request_context()
        self._by_key[key] = _Mark(held, owner.__module__, _name(owner), policy, isinstance(owner, Blueprint) or passing)
        self.version += not passing

    def of(self, owner: Any) -> Any:
        """The policy that an owner was given, or `_UNMARKED`."""
        mark = self._by_key.get(_key(owner))
        return _UNMARKED if mark is None else mark.policy

    def lost(self, app: Flask) -> list[str]:
        """What was marked for an application, as far as can be told, and is reached by no view: the marked things that
        its views hide, and those in its own modules."""
        views = app.view_functions
        lost = self._without({_key(owner) for served in list(_served) for owner in _owners_in(served.app.view_functions)})
        if lost:
            hidden = {_key(each) for view in list(views.values()) for each in _held_by(view)}
            modules = {app.import_name, *(each.import_name for each in app.blueprints.values())}
            modules |= {getattr(layer, "__module__", None) or "" for view in list(views.values()) for layer in _layers(view)}
            lost = {key: mark for key, mark in lost.items() if key in hidden or mark.module in modules}
        if lost:
            # Perhaps it belongs to an application without CORS, or to a blueprint that is registered nowhere, or it is
            # garbage. Only a search among all objects tells: it takes its time, on the way to an error alone.
            gc.collect()
            others = [_owners_elsewhere(each) for each in gc.get_objects()]
            known = {_key(owner) for owners in others for owner in owners}
            lost = {key: mark for key, mark in lost.items() if key not in known and key in self._by_key}
        return sorted(mark.name for mark in lost.values())

    def _without(self, reached: set[tuple[int, int]]) -> dict[tuple[int, int], _Mark]:
        marks = self._by_key.copy()
        return {key: mark for key, mark in marks.items() if key not in reached and not mark.may_be_lost}


def _key(owner: Any) -> tuple[int, int]:
    """Identifies an owner: every access to a method makes a new bound method."""
    return (id(owner.__self__), id(owner.__func__)) if ismethod(owner) else (id(owner), 0)


def _own_policy(view: Any, method: str) -> Any:
    """The policy of a view for a method, or `_UNMARKED`: the handler's, else the view's, else its class's."""
    view_class: Any = None
    layers = list(_layers(view))
    for layer in layers:
        view_class = getattr(layer, "view_class", None)
        if isinstance(view_class, type):
            break
    else:
        view_class = None
    owners = layers
    if view_class is not None:
        handler = None
        if issubclass(view_class, MethodView):
            handler = getattr(view_class, method.lower(), None)
            if handler is None and method == "HEAD":  # as MethodView.dispatch_request does
                handler = getattr(view_class, "get", None)
        for owner in _layers(handler):
            if (own := _marks.of(owner)) is not _UNMARKED:
                return own
        if (own := _by_method_decorators(view_class, method)) is not _UNMARKED:
            return own
        owners = [*_layers(view_class.dispatch_request), *layers, *view_class.__mro__]
    for owner in owners:
        if (own := _marks.of(owner)) is not _UNMARKED:
            return own
    return _UNMARKED


def _by_method_decorators(view_class: Any, method: str) -> Any:
    """The policy in the `method_decorators` of a class of flask-restful's: a list, or a list for each method."""
    decorators = getattr(view_class, "method_decorators", ())
    if isinstance(decorators, Mapping):
        decorators = decorators.get(method.lower(), ())
    found = [decorator.policy for decorator in decorators if isinstance(decorator, CrossOrigin)]
    return found[-1] if found else _UNMARKED


def _layers(view: Any) -> Iterator[Any]:
    """A view and what it wraps, as far as it tells, from the outside to the inside."""
    for _ in range(MAX_LAYERS):
        if view is None:
            return
        yield view
        if ismethod(view):
            view = view.__func__
        elif isinstance(view, partial):
            view = view.func
        elif (wrapped := getattr(view, "__wrapped__", None)) is not None:
            view = wrapped
        elif isfunction(view) or isbuiltin(view) or isinstance(view, type):
            return
        else:
            call = getattr(type(view), "__call__", None)  # noqa: B004  # of the class, as the interpreter looks it up
            view = call if isfunction(call) else None


def _owners(view: Any) -> Iterator[Any]:
    """All that may be marked for a view, whatever the method."""
    for layer in _layers(view):
        yield layer
        view_class = getattr(layer, "view_class", None)
        for each in view_class.__mro__ if isinstance(view_class, type) else ():
            yield each
            for attribute in list(vars(each).values()):
                if callable(attribute) or isinstance(attribute, staticmethod | classmethod):
                    yield from _layers(getattr(attribute, "__func__", attribute))


def _owners_in(views: Mapping[str, Any]) -> Iterator[Any]:
    for view in list(views.values()):
        yield from _owners(view)


def _owners_elsewhere(each: object) -> Iterator[Any]:
    """What may be marked for an object that is an application or a blueprint."""
    kind = type(each)  # isinstance would ask proxies what they stand for
    if issubclass(kind, Flask):
        yield from _owners_in(each.view_functions)  # type: ignore[attr-defined]
    elif issubclass(kind, Blueprint):
        for deferred in each.deferred_functions:  # type: ignore[attr-defined]
            for view in _held_by(deferred):
                yield from _owners(view)


def _held_by(view: Any) -> Iterator[Any]:
    """A view and what it may call without telling: what its closures, defaults and attributes hold."""
    found, waiting = {id(view)}, [view]
    while waiting and len(found) < MAX_HELD:
        each = waiting.pop()
        yield each
        held = [*_owners(each)]
        if isfunction(each):
            held += [*(each.__defaults__ or ()), *(each.__kwdefaults__ or {}).values()]
            for cell in each.__closure__ or ():
                with suppress(ValueError):  # it is empty
                    held.append(cell.cell_contents)
        elif not isinstance(each, type):
            held += getattr(each, "__dict__", {}).values()
        for thing in held:
            if callable(thing) and id(thing) not in found:
                found.add(id(thing))
                waiting.append(thing)


def _name(owner: Any) -> str:
    if isinstance(owner, Blueprint):
        return f"the blueprint {owner.name}"
    name = getattr(owner, "__qualname__", None)
    return f"{owner.__module__}.{name}" if name else repr(owner)


def _is_governing(policy: object) -> bool:
    try:
        Door(asks_async=True).check_policy(policy)
    except TypeError:
        return False
    return True


_ELSEWHERE = {
    "fastapi": "for FastAPI write corecors.adapters.starlette.CORS(app, policy)",
    "starlette": "for Starlette write corecors.adapters.starlette.CORS(app, policy)",
    "connexion": "for connexion 3 wrap it: corecors.adapters.asgi.CORSMiddleware(app, policy); for connexion 2 write"
    " CORS(app.app, policy)",
    "quart": "for Quart wrap app.asgi_app in corecors.adapters.asgi.CORSMiddleware",
    "bottle": "for Bottle write app.install(corecors.adapters.bottle.CORSPlugin(policy))",
    "django": "for Django see corecors.adapters.django",
    "aiohttp": "for aiohttp write corecors.adapters.aiohttp.setup_cors(app, policy)",
}


def _require_flask(app: object) -> None:
    if isinstance(app, Flask):
        return
    if isinstance(app, Blueprint):
        instead = "for a blueprint write cross_origin(policy)(blueprint), and CORS(app) for the application"
    elif isinstance(app, Policy):
        instead = "the application comes first"
    else:
        origins = [each.__module__.partition(".")[0] for each in type(app).__mro__]
        known = [_ELSEWHERE[name] for name in origins if name in _ELSEWHERE]
        instead = (
            known[0]
            if known
            else "for other WSGI applications there is corecors.adapters.wsgi.CORSMiddleware(app, policy)"
        )
    raise wrong_call("CORS", f"CORS(app, policy) is for Flask applications, not for {type(app).__name__}: {instead}")


_marks = _Marks()
_decorators: WeakSet[CrossOrigin] = WeakSet()  # those that are kept, as in `method_decorators`
_served: WeakSet[FlaskPolicies] = WeakSet()
