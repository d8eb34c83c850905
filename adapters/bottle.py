"""CORS for Bottle.

    app.install(CORSPlugin(Policy(allow_origins=["https://app.example.com"])))

    @app.post("/payments", cors=Policy(allow_origins=["https://pay.example.com"], allow_credentials=True))
    def pay(): ...

    @app.get("/internal", cors=None)
    def internal(): ...

The nearest policy governs: the route's, else that of the mounted application, else that of the application around it. A
preflight follows the policy of the request that it asks for, and needs no OPTIONS route. Everything is carried out by
`CORSMiddleware` around `app.wsgi`, so that what routing never sees is covered as well: 404, 405, errors of hooks."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from bottle import Bottle, HTTPError, PluginError, Route  # type: ignore[import-untyped]

from corecors import Policy, PolicySource
from corecors.adapters.late import serve_late
from corecors.adapters.requests import governed_method
from corecors.adapters.wsgi import CORSMiddleware

OPTION = "cors"  # of a route: @app.route(..., cors=policy)
_MOUNTED_ON = "_mount.app"  # where Bottle notes in app.config what an application is mounted on


class CORSPlugin:
    """A Bottle plugin (API 2): `app.install(CORSPlugin(policy))`.

    policy: a `Policy`, `PathPolicies`, or None: only routes and mounted applications with a policy of their own have
        one. May be replaced while serving.
    options: those of `CORSMiddleware`: `on_decision`, `report_only`, `block_disallowed`, `rejections`.
    For one route: `cors=policy` or `cors=None`, `apply=[CORSPlugin(policy)]` or `skip=["cors"]`.
    """

    name = "cors"
    api = 2

    def __init__(self, policy: Policy | PolicySource | None, **options: Any) -> None:
        self.policy = policy
        self.options = options

    def setup(self, app: Any) -> None:
        if any(isinstance(plugin, CORSPlugin) for plugin in app.plugins):
            raise PluginError("this application has CORS already; to change its policy, set the plugin's")
        CORSMiddleware(app.wsgi, self.policy or Policy(), **self.options)  # raises for what is wrong with either
        _serve(app, self, adopt=True)

    def apply(self, callback: Callable[..., Any], route: Any) -> Callable[..., Any]:
        """Nothing: what a callback returns is only a part of the responses."""
        app = route.app
        while not isinstance(app.wsgi, RoutePolicies):
            app = app.config.get(_MOUNTED_ON)
            if app is None:
                raise PluginError("a route's CORSPlugin needs one that is installed, if need be CORSPlugin(None)")
        return callback


class _Current(NamedTuple):
    policy: Policy | PolicySource | None
    routes: int
    early: WSGIApplication
    late: WSGIApplication


class RoutePolicies:
    """One application's WSGI callable: tells its middleware which policy governs, by the route that is asked for."""

    def __init__(self, app: Any, plugin: CORSPlugin) -> None:
        self.plugin: CORSPlugin = plugin
        self._app, self._wsgi = app, app.wsgi
        self._current: _Current | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        policy = self._policy()
        current = self._current
        if current is None or current.policy is not policy or current.routes != len(self._app.routes):
            current = self._current = self._look(policy)
        serve = current.early if environ.get("REQUEST_METHOD") == "OPTIONS" else current.late
        return serve(environ, start_response)

    def _policy(self) -> Policy | PolicySource | None:
        return self.plugin.policy if self.plugin in self._app.plugins else None

    def adopt(self, plugin: CORSPlugin) -> None:
        """Serve under another plugin from now on."""
        self.plugin, self._current = plugin, None

    def _look(self, policy: Policy | PolicySource | None) -> _Current:
        """What to serve by. Only where routes have policies of their own are they looked for."""
        routes, options, own = list(self._app.routes), self.plugin.options, False
        for route in routes:
            nearest = self._nearest(route, policy)
            CORSMiddleware(self._wsgi, nearest or Policy())  # raises for what is no policy
            own = own or nearest is not policy or route.app is not self._app or bool(route.plugins + route.skiplist)
        source = self if own or policy is None else policy
        early: WSGIApplication = CORSMiddleware(self._wsgi, source, **options)
        at_once = source is not self or options.get("block_disallowed")
        late = early if at_once else serve_late(self._wsgi, self, **options)  # Bottle will have matched the URL
        return _Current(policy, len(routes), early, late)

    def for_environ(self, environ: Mapping[str, Any]) -> Policy | None:
        """The policy that governs a request: the nearest one."""
        policy = self._policy()
        try:
            matched = environ.get("bottle.route") if environ.get("bottle.app") is self._app else None
            route = matched or self._match(environ, governed_method(dict(environ)))
        except Exception:
            return None  # A filter of the application failed. It will again when Bottle matches, which then answers.
        if route is not None:
            policy = self._nearest(route, policy)
        return policy if policy is None or isinstance(policy, Policy) else policy.for_environ(environ)

    def _match(self, environ: Mapping[str, Any], method: str) -> Route | None:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "ignore")  # as Bottle does first
        try:
            return self._app.router.match({"REQUEST_METHOD": method, "PATH_INFO": path})[0]
        except HTTPError as error:
            allowed = error.get_header("Allow")  # of a 405; the first method that the path has speaks for it
            return self._match(environ, allowed.partition(",")[0]) if allowed else None

    def _nearest(self, route: Route, policy: Policy | PolicySource | None) -> Any:
        """The policy of `route`, where the one of this application is `policy`."""
        if OPTION in route.config:
            return route.config[OPTION]
        target = route.config.get("mountpoint.target")
        if isinstance(getattr(target, "wsgi", None), RoutePolicies):
            return None  # the mounted application answers for itself
        plugins = [plugin for plugin in route.app.plugins + route.plugins if isinstance(plugin, CORSPlugin)]
        skipped = route.skiplist if target is None else []  # of a mount everything is
        if skipped and any(each in skipped for each in (True, CORSPlugin.name, CORSPlugin, *plugins)):
            return None
        return plugins[-1].policy if plugins else policy


def _serve(app: Bottle | None, plugin: CORSPlugin, *, adopt: bool = False) -> None:
    """Serve `app`, and what it is mounted on: a mounted Bottle's routes are served by the application around it."""
    if app is None:
        return
    served = app.wsgi
    if not isinstance(served, RoutePolicies):
        vars(app)["wsgi"] = RoutePolicies(app, plugin)  # setattr would refuse the next plugin that does this
        app.add_hook("config", lambda _, key, value: _serve(value if key == _MOUNTED_ON else None, plugin))
    elif adopt:
        served.adopt(plugin)
    _serve(app.config.get(_MOUNTED_ON), plugin)
