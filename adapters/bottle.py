"""CORS for Bottle.

    app.install(CORSPlugin(Policy(allow_origins=["https://app.example.com"])))

    @app.post("/payments", cors=Policy(allow_origins=["https://pay.example.com"], allow_credentials=True))
    def pay(): ...

    @app.get("/internal", cors=None)
    def internal(): ...

The nearest policy governs: the route's, else that of the mounted application, else that of the application around it. A
preflight follows the policy of the request that it asks for, and needs no OPTIONS route. Everything is carried out
around `app.wsgi`, so that what routing never sees is covered as well: 404, 405, errors of hooks."""

from collections.abc import Callable
from typing import Any, Unpack, overload
from wsgiref.types import WSGIEnvironment

from bottle import Bottle, HTTPError, PluginError, request  # type: ignore[import-untyped]

from corecors import Door, Policy, PolicySource
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

OPTION = "cors"  # of a route: @app.route(..., cors=policy)
_MOUNTED_ON = "_mount.app"  # where Bottle notes in app.config what an application is mounted on
_TARGET = "mountpoint.target"  # where it notes in route.config what WSGI application is mounted there

_MISSING: Any = object()


class CORSPlugin:
    """A Bottle plugin (API 2): `app.install(CORSPlugin(policy))`.

    policy: a `Policy`, what chooses one for each request, such as `PathPolicies`, or None: only routes and mounted
        applications with a policy of their own have one. May be replaced while serving.
    options: those of `corecors.adapters.wsgi.CORSMiddleware`: `on_decision`, `report_only`, `block_disallowed`,
        `check_websockets`, `own_origins`, `rejections`. They hold for the whole application, and for what is mounted in
        it.
    For one route: `cors=policy` or `cors=None`, `apply=[CORSPlugin(policy)]` or `skip=["cors"]`.
    """

    name = "cors"
    api = 2

    # For type checkers, which flag what is said in words when it runs: a policy is missing.
    @overload
    def __init__(self, policy: Policy | PolicySource, **options: Unpack[DoorOptions]) -> None: ...
    @overload
    def __init__(self, policy: None, **options: Unpack[DoorOptions]) -> None: ...
    def __init__(self, policy: Policy | PolicySource | None = _MISSING, **options: Unpack[DoorOptions]) -> None:
        check_options("CORSPlugin", options)
        if policy is _MISSING:
            raise wrong_call("write CORSPlugin(policy): it needs a Policy, or None")
        if isinstance(policy, Bottle):
            raise wrong_call("write app.install(CORSPlugin(policy)): a plugin is installed, not wrapped around")
        self.options = options
        self.policy = policy

    @property
    def policy(self) -> Policy | PolicySource | None:
        """The policy in force."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy | PolicySource | None) -> None:
        if policy is not None:
            Door().check_policy(policy)
        self._policy = policy

    def setup(self, app: Any = None) -> None:
        if app is None:  # the class was installed, so that what is called `self` is the application
            raise wrong_call("write app.install(CORSPlugin(policy)): a plugin, not its class")
        if any(isinstance(plugin, CORSPlugin) for plugin in app.plugins):
            raise PluginError("this application has CORS already; to change its policy, set the plugin's")
        for route in app.routes:
            _check_route(route)
        _serve(app, self, adopt=True)

    def apply(self, callback: Callable[..., Any], route: Any) -> Callable[..., Any]:
        """Nothing: what a callback returns is only a part of the responses."""
        app = route.app
        while not isinstance(app.wsgi, BottlePolicies):
            app = app.config.get(_MOUNTED_ON)
            if app is None:
                raise PluginError("a route's CORSPlugin needs one that is installed, if need be CORSPlugin(None)")
        return callback


class BottlePolicies(RoutePolicies[Any]):
    """One Bottle application's WSGI callable: tells which policy governs, by the route that is asked for."""

    def __init__(self, app: Any, plugin: CORSPlugin) -> None:
        super().__init__(app.wsgi, Door(**plugin.options), blocks=plugin.options.get("block_disallowed", False))
        self._app = app
        self._plugin = plugin
        self._checked: int | None = None

    def adopt(self, plugin: CORSPlugin) -> None:
        """Serve under another plugin from now on."""
        self._door, self._blocks = Door(**plugin.options), plugin.options.get("block_disallowed", False)
        self._plugin, self._checked, self._silent = plugin, None, None  # what is silent depends on the options

    # What is run

    def match(self, environ: WSGIEnvironment) -> Any:
        # As Bottle._handle does first; the verb is upper-cased by the router.
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "ignore")
        asked = {**environ, "PATH_INFO": path}
        while True:
            try:
                return self._app.router.match(asked)[0]
            except HTTPError as error:
                allowed = error.get_header("Allow")  # of a 405; the first method that the path has speaks for it
                if not allowed:
                    return None
                asked["REQUEST_METHOD"] = allowed.partition(",")[0]

    def matched(self, environ: WSGIEnvironment, asked: Asked) -> Any:
        if environ.get("bottle.app") is not self._app:
            environ = request.environ  # in this thread: a copy, where the application made one
            if not was_asked(environ, asked) or environ.get("bottle.app") is not self._app:
                return None
        route = environ.get("bottle.route")
        return None if route is asked.route else route

    def policy_of(self, route: Any) -> Governing:
        policy = self._plugin.policy if self._plugin in self._app.plugins else None
        if route is None:
            return policy
        config = route.config
        if OPTION in config:
            found = config[OPTION]
            if found is not None and not isinstance(found, Policy):
                _check_route(route)
            return found  # type: ignore[no-any-return]
        if route.app is self._app and not route.plugins and not route.skiplist and _TARGET not in config:
            return policy
        target = config.get(_TARGET)
        if _answers_for_itself(target):
            return None
        plugins = [plugin for plugin in route.app.plugins + route.plugins if isinstance(plugin, CORSPlugin)]
        skipped = route.skiplist if target is None else []  # of a mount everything is
        if skipped and any(each in skipped for each in (True, CORSPlugin.name, CORSPlugin, *plugins)):
            return None
        return plugins[-1].policy if plugins else policy

    # What has policies

    def routes_changed(self) -> bool:
        return self._checked != len(self._app.routes)

    def check_routes(self) -> None:
        routes = list(self._app.routes)
        for route in routes:
            _check_route(route)
        governed = any(self.policy_of(route) is not None for route in (None, *routes))
        if (
            self._checked is None
            and not governed
            and not any(_answers_for_itself(r.config.get(_TARGET)) for r in routes)
        ):
            LOGGER.warning(
                "CORS: CORSPlugin(None) is installed, and no route has a policy either: no CORS headers are sent."
                " Write CORSPlugin(policy), or cors=policy at a route"
            )
        self._checked = len(routes)


def _answers_for_itself(mounted: object) -> bool:
    return isinstance(getattr(mounted, "wsgi", None), BottlePolicies)


def _check_route(route: Any) -> None:
    """Raise `TypeError` for a route whose policy is not one, naming it."""
    written = f"the route {route.method} {route.rule}"
    nested = [key for key in route.config if key.startswith(f"{OPTION}.")]
    if nested:  # Bottle takes a dict apart into keys of its own
        raise wrong_call(f"{written} has {OPTION}={{...}}, a dict: write {OPTION}=Policy(...) or {OPTION}=None")
    policy = route.config.get(OPTION)
    if policy is not None:
        try:
            Door().check_policy(policy)
        except TypeError as error:
            raise wrong_call(f"{written} has a {OPTION} that is not a policy: {error}") from None
    for plugin in route.plugins:
        if plugin is CORSPlugin:
            raise wrong_call(f"{written} applies a plugin's class: write apply=[CORSPlugin(policy)]")
        if isinstance(plugin, CORSPlugin) and plugin.options:
            names = ", ".join(plugin.options)
            raise TypeError(f"{written} applies a CORSPlugin with {names}: options belong to the one that is installed")


def _serve(app: Bottle | None, plugin: CORSPlugin, *, adopt: bool = False) -> None:
    """Serve `app`, and what it is mounted on: a mounted Bottle's routes are served by the application around it."""
    if app is None:
        return
    served = app.wsgi
    if not isinstance(served, BottlePolicies):
        vars(app)["wsgi"] = BottlePolicies(app, plugin)  # setattr would refuse the next plugin that does this
        app.add_hook("config", lambda _, key, value: _serve(value if key == _MOUNTED_ON else None, plugin))
    elif adopt:
        served.adopt(plugin)
    _serve(app.config.get(_MOUNTED_ON), plugin)
