"""CORS for Flask.

    CORS(app, Policy(allow_origins=["https://app.example.com"]))

    @app.post("/payments")
    @cross_origin(Policy(allow_origins=["https://pay.example.com"], allow_credentials=True))
    def pay(): ...

The nearest policy governs: the view's, else its blueprint's (an inner one before an outer one), else the application's.
A preflight follows the policy of the request that it asks for. Everything is carried out around `app.wsgi_app`, so
every response is covered.
"""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, NamedTuple, Unpack, overload
from urllib.parse import unquote, urlsplit
from weakref import WeakSet
from wsgiref.types import WSGIEnvironment

from flask import Blueprint, Flask, current_app, has_app_context, has_request_context, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter, RequestRedirect

from corecors import Door, Policy, PolicySource, foreign_call_error, policy_from_env
from corecors.adapters.flask_marks import MARKS, UNMARKED, CrossOrigin, own_policy, owners_of
from corecors.adapters.routed import LOGGER, Asked, DoorOptions, RoutePolicies, check_options, was_asked, wrong_call
from corecors.adapters.wsgi import Governing

MAX_REDIRECTS = 3  # of one path by the URL map: merged slashes, a slash at the end, a default

_MISSING: Any = object()


# For type checkers, which flag what is said in words when it runs: a policy is missing, or another library's call.
@overload
def cross_origin(policy: Policy | PolicySource) -> CrossOrigin: ...
@overload
def cross_origin(policy: None) -> CrossOrigin: ...
def cross_origin(policy: Policy | PolicySource | None = _MISSING, *more: Any, **unknown: Any) -> CrossOrigin:
    """Give a view, a class of views, a method of one, or a `Blueprint` a policy of its own; None: no CORS at all.

    It takes effect in applications that `CORS` serves, and returns what it is given, so its place among decorators does
    not matter, as long as those above it say what they wrap (`functools.wraps`). In flask-restful it may stand in
    `method_decorators`. Raises `TypeError` for what is neither a policy nor a source of policies, and when it is given
    to something that cannot be told again.
    """
    if unknown:
        raise foreign_call_error("cross_origin", unknown)
    if more or policy is _MISSING or (policy is not None and not _is_governing(policy)):
        given = "nothing" if policy is _MISSING else "several" if more else type(policy).__name__
        raise wrong_call(f"write @cross_origin(policy): a Policy or None belongs there, not {given}")
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
        check_options("CORS", options)
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
        app.extensions["cors"] = app.wsgi_app = FlaskPolicies(app, policy, self._options)  # type: ignore[method-assign]

    def __call__(self, *arguments: Any) -> Any:
        raise wrong_call("CORS(app, policy) serves the application where it is: do not write app = CORS(app, policy)")

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
        super().__init__(app.wsgi_app, Door(**options, ask=self._in_context))
        self.app = app
        self._checked = -1, 0  # what was marked by then, and how many views there were
        self._views: Mapping[str, Callable[..., Any]] = {}
        self._lost: tuple[int, Mapping[str, Callable[..., Any]], str] | None = None
        self.policy = policy
        if self._door.blocks:
            app.before_request_funcs.setdefault(None, []).insert(0, self._look_again)
        _served.add(self)

    @property
    def policy(self) -> Policy | PolicySource | None:
        """The application's policy; None: only what has one of its own is governed."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy | PolicySource | None) -> None:
        if policy is not None:
            self._door.check_policy(policy)
        self._plain = policy if self._door.is_silent(policy) else None
        self._policy = policy

    # What is run

    def plain(self) -> Policy | None:
        return None if MARKS.by_key or MARKS.decorators else self._plain  # nothing anywhere has a policy of its own

    def has_own(self) -> bool:
        return bool(MARKS.by_key or MARKS.decorators)

    def has_own_now(self, environ: WSGIEnvironment) -> bool:
        return bool(MARKS.by_key or MARKS.decorators)  # a view that is imported when it is first called

    def match(self, environ: WSGIEnvironment, method: str) -> Endpoint | None:
        if not (MARKS.by_key or MARKS.decorators):
            return None  # the application's policy, wherever it leads
        asked = {**environ, "REQUEST_METHOD": method}
        if self.app.url_map.host_matching or self.app.subdomain_matching:
            self._fix_host(asked)
        try:
            adapter = self.app.create_url_adapter(self.app.request_class(asked))
        except HTTPException:
            return None  # the host is not trusted: no view runs
        assert adapter is not None  # there is a request
        method = method.upper()  # as Werkzeug does, both when it matches and in `request.method`
        try:
            return _match(adapter, method)
        except RuntimeError:  # "Working outside of application context": a converter of URL parts uses it
            return self._in_context(_match, adapter, method)  # type: ignore[no-any-return]

    def _fix_host(self, environ: WSGIEnvironment) -> None:
        """Write the host as it will be when Flask routes: where Werkzeug's ProxyFix stands below, it is a proxy's."""
        layer: Any = self._wsgi
        while callable(getattr(layer, "app", None)):
            if isinstance(layer, ProxyFix):
                fixing = copy(layer)
                fixing.app = lambda environ, start_response: ()
                fixing(environ, lambda *_: lambda _: None)
            layer = layer.app

    def matched(self, environ: WSGIEnvironment, asked: Asked) -> Endpoint | None:
        # The request in the context is that of this application and this very request, or it is not looked at: an
        # application may answer without one, or be called within another request.
        # A proxy looks up what it stands for at every use: once is enough.
        if not has_request_context() or current_app._get_current_object() is not self.app:  # type: ignore[attr-defined]
            return None
        answered = request._get_current_object()  # type: ignore[attr-defined]
        rule = answered.url_rule
        if rule is None or not was_asked(answered.environ, asked):
            return None
        return Endpoint(rule.endpoint, answered.method)

    def _look_again(self) -> tuple[str, int] | None:
        """What Flask calls when it has routed a request: the application may have led it to another view."""
        return ("", 403) if self.is_kept_out(request.environ) else None

    def policy_of(self, route: Endpoint | None) -> Governing:
        if route is None:
            return self._policy
        view = self.app.view_functions.get(route.name)
        if view is not self._views.get(route.name) or self._checked[0] != MARKS.version:
            self.check_routes()  # it was replaced, or something was marked since: it may hide a policy
        own, name = own_policy(view, route.method), route.name
        while own is UNMARKED and "." in name:  # what it belongs to, from the inside to the outside
            name = name.rpartition(".")[0]
            own = MARKS.of(self.app.blueprints.get(name))
        return self._policy if own is UNMARKED else own

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
                self._door.failed("a teardown of the application failed after something was asked in its context")

    # What has policies

    def routes_changed(self) -> bool:
        version, views = self._checked
        return version != MARKS.version or views != len(self.app.view_functions)

    def check_routes(self) -> None:
        version, views = MARKS.version, dict(self.app.view_functions)
        if self._lost is None or self._lost[:2] != (version, views):
            lost = MARKS.lost(self.app, [each.app for each in list(_served)])
            self._lost = (version, views, ", ".join(lost)) if lost else None
        if self._lost is not None:
            raise RuntimeError(
                f"cross_origin was given to {self._lost[2]}, but no view leads there, so the policy would be lost:"
                " either it is not registered, or a decorator above it hides it. Write that decorator with"
                " functools.wraps, or put cross_origin above it"
            )
        owners = [owner for view in views.values() for owner in owners_of(view)]
        found = [MARKS.of(owner) for owner in (*owners, *self.app.blueprints.values())]
        for policy in found:
            if policy is not UNMARKED and policy is not None:
                self._door.check_policy(policy)
        if self._checked[0] < 0 and self._policy is None and all(each is UNMARKED for each in found):
            LOGGER.warning(
                "CORS: the application %r has no policy, and neither has any of its views: it sends no CORS headers."
                " Write CORS(app, policy), or set CORS_ALLOW_ORIGINS in its configuration",
                self.app.name,
            )
        self._views = views
        self._checked = version, len(views)


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
    raise wrong_call(f"CORS(app, policy) is for Flask applications, not for {type(app).__name__}: {instead}")


_served: WeakSet[FlaskPolicies] = WeakSet()
