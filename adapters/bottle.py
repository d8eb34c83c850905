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
from functools import wraps
from typing import Any, Unpack, overload
from wsgiref.types import WSGIEnvironment

from bottle import Bottle, HTTPError, PluginError, request  # type: ignore[import-untyped]

from corecors import Door, Policy, PolicySource
from corecors.adapters.routed import LOGGER, Asked, DoorOptions, RoutePolicies, check_options, was_asked, wrong_call
from corecors.adapters.wsgi import Governing

OPTION = "cors"  # of a route: @app.route(..., cors=policy)
_MOUNTED_ON = "_mount.app"  # where Bottle notes in app.config what an application is mounted on
_TARGET = "mountpoint.target"  # where it notes in route.config what WSGI application is mounted there

_MISSING: Any = object()
_UNCHECKED = -1, 0, None
_given: set[str] = set()  # not empty once a route's option was written, anywhere: Bottle does not tell which route's


class _Changes:
    """How often Bottle told that a route may be governed by another policy, whichever route and application it was."""

    told = 0


_changes = _Changes()


class CORSPlugin:
    """A Bottle plugin (API 2): `app.install(CORSPlugin(policy))`.

    policy: a `Policy`, what chooses one for each request, such as `PathPolicies`, or None: only routes and mounted
        applications with a policy of their own have one. May be replaced while serving.
    options: those of `corecors.adapters.wsgi.CORSMiddleware`: `on_decision`, `report_only`, `block_disallowed`,
        `check_websockets`, `own_origins`, `rejections`. They hold for the whole application, and for what is mounted in
        it.
    For one route: `cors=policy` or `cors=None`, `apply=[CORSPlugin(policy)]` or `skip=["cors"]`. What is written into
        `route.config["cors"]` while serving governs at once, and what changes in `route.plugins` and `route.skiplist`
        after `app.reset(route)`.
    """

    name = "cors"
    api = 2

    # For type checkers, which flag what is said in words when it runs: a policy is missing.
    @overload
    def __init__(self, policy: Policy | PolicySource, **options: Unpack[DoorOptions]) -> None: ...
    @overload
    def __init__(self, policy: None, **options: Unpack[DoorOptions]) -> None: ...
    def __init__(
        self, policy: Policy | PolicySource | None = _MISSING, *more: Any, **options: Unpack[DoorOptions]
    ) -> None:
        check_options("CORSPlugin", options)
        if policy is _MISSING:
            raise wrong_call("write CORSPlugin(policy): it needs a Policy, or None")
        if more or isinstance(policy, Bottle):
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
        """Nothing, unless requests are blocked: what a callback returns is only a part of the responses."""
        app = route.app
        while not isinstance(app.wsgi, BottlePolicies):
            app = app.config.get(_MOUNTED_ON)
            if app is None:
                raise PluginError("a route's CORSPlugin needs one that is installed, if need be CORSPlugin(None)")
        policies: BottlePolicies = app.wsgi
        if not policies.blocks:
            return callback

        @wraps(callback)
        def look_again(*arguments: Any, **named: Any) -> Any:
            # A hook may have led the request to another route than the one that it was let in to.
            return HTTPError(403, "") if policies.is_kept_out(request.environ) else callback(*arguments, **named)

        return look_again


class BottlePolicies(RoutePolicies[Any]):
    """One Bottle application's WSGI callable: tells which policy governs, by the route that is asked for."""

    def __init__(self, app: Any, plugin: CORSPlugin) -> None:
        super().__init__(app.wsgi, Door(**plugin.options))
        self._app = app
        self._plugin = plugin
        self._given = _given
        # One assignment: how many routes there were when they were checked, after how many changes, and the
        # application's policy, where no route had one of its own.
        self._checked: tuple[int, int, Policy | None] = _UNCHECKED
        if app.config.meta_get(OPTION, "filter") is None:
            app.config.meta_set(OPTION, "filter", _note_given)  # what is configured shares it, the routes too
        app.add_hook("app_reset", _note_reset)

    @property
    def blocks(self) -> bool:
        return self._door.blocks

    def adopt(self, plugin: CORSPlugin) -> None:
        """Serve under another plugin from now on."""
        self._door, self._plugin, self._checked = Door(**plugin.options), plugin, _UNCHECKED

    # What is run

    def plain(self) -> Policy | None:
        routes, changes, plain = self._checked
        if plain is not self._plugin._policy or routes != len(self._app.routes) or changes != _changes.told:
            return None
        return plain if self._plugin in self._app.plugins else None

    def has_own(self) -> bool:
        return any(self._has_own(route) for route in self._app.routes)

    def has_own_now(self, environ: WSGIEnvironment) -> bool:
        route = environ.get("bottle.route")
        # Where nothing was matched here it is the one of an application around this one, in which this one is mounted.
        if route is None or route.app is not self._app:
            return False
        if not (OPTION in route.config or route.plugins or route.skiplist):
            return False
        _check_route(route)
        self._checked = _UNCHECKED
        return True

    def match(self, environ: WSGIEnvironment, method: str) -> Any:
        # As Bottle._handle does first; the verb is upper-cased by the router.
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "ignore")
        asked = {**environ, "PATH_INFO": path, "REQUEST_METHOD": method}
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
        if not self._has_own(route):
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
        routes, changes, plain = self._checked
        # A plain policy that governed does not any more, or `plain` would have told.
        return routes != len(self._app.routes) or changes != _changes.told or plain is not None

    def check_routes(self) -> None:
        changes, routes = _changes.told, list(self._app.routes)
        for route in routes:
            _check_route(route)
        governed = any(self.policy_of(route) is not None for route in (None, *routes))
        if (
            self._checked is _UNCHECKED
            and not governed
            and not any(_answers_for_itself(r.config.get(_TARGET)) for r in routes)
        ):
            LOGGER.warning(
                "CORS: CORSPlugin(None) is installed, and no route has a policy either: no CORS headers are sent."
                " Write CORSPlugin(policy), or cors=policy at a route"
            )
        policy = self._plugin.policy
        has_own = any(self._has_own(route) or not _is_noted(route) for route in routes)
        self._checked = len(routes), changes, policy if self._door.is_silent(policy) and not has_own else None

    def _has_own(self, route: Any) -> bool:
        """Whether a route may be governed by something else than the application's policy."""
        config = route.config
        return (
            route.app is not self._app or OPTION in config or _TARGET in config or bool(route.plugins + route.skiplist)
        )


def _note_reset() -> None:
    """What Bottle calls where a route may have other plugins, or skip others. Of `route.reset()` it tells nobody: an
    actual request finds out."""
    _changes.told += 1


def _note_given(value: object) -> object:
    """What Bottle calls before it writes the option of a route; it writes what this returns. Of `route.config |= ...`
    it tells nobody: an actual request finds out."""
    _given.add(OPTION)
    _changes.told += 1
    return value


def _is_noted(route: Any) -> bool:
    return route.config.meta_get(OPTION, "filter") is _note_given


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
