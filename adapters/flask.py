"""CORS for Flask.

    CORS(app, Policy(allow_origins=["https://app.example.com"]))

    @app.post("/payments")
    @cross_origin(Policy(allow_origins=["https://pay.example.com"], allow_credentials=True))
    def pay(): ...

The nearest policy governs: the view's, else its blueprint's (an inner one before an outer one), else the application's.
A preflight follows the policy of the request that it asks for. Everything is carried out by `CORSMiddleware` around
`app.wsgi_app`, so every response is covered; it is only told which policy governs."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Request, current_app, has_app_context

from corecors import Policy, PolicySource, policy_from_env
from corecors.adapters.late import serve_late
from corecors.adapters.requests import governed_method
from corecors.adapters.wsgi import CORSMiddleware

_OWN = "_cors_policy"
_Owner = TypeVar("_Owner")


def cross_origin(policy: Policy | None) -> Callable[[_Owner], _Owner]:
    """Give a view, a class of views, a method of one, or a `Blueprint` a policy of its own; None: no CORS at all.

    It takes effect in applications that `CORS` serves, and returns what it is given, so its place among decorators does
    not matter.
    """
    if policy is not None and not isinstance(policy, Policy):
        raise TypeError(f"write @cross_origin(policy): a Policy or None belongs there, not {type(policy).__name__}")

    def give(owner: _Owner) -> _Owner:
        setattr(owner, _OWN, policy)
        return owner

    return give


class CORS:
    """The extension: `CORS(app, policy)`; or `cors = CORS()` and later `cors.init_app(app, policy)`, for several too.

    policy: a `Policy`, `PathPolicies`, or None: the policy in `app.config`, in the keys that `policy_from_env` reads
        (`CORS_ALLOW_ORIGINS` and so on); without these, only views and blueprints with a policy of their own have one.
    options: those of `CORSMiddleware`: `on_decision`, `report_only`, `block_disallowed`, `rejections`.
    `app.extensions["cors"].policy` is the application's policy, and may be replaced while serving.
    """

    def __init__(self, app: Flask | None = None, policy: Policy | PolicySource | None = None, **options: Any) -> None:
        self._policy = policy
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, policy: Policy | PolicySource | None = None) -> None:
        """Serve `app`. Raises `PolicyError` for what is wrong in `app.config`, `RuntimeError` for a second time."""
        if "cors" in app.extensions:
            raise RuntimeError("this application has CORS already; set the policy of app.extensions['cors'] instead")
        policy = policy or self._policy
        if policy is None and any(key.startswith("CORS_") for key in app.config):
            policy = policy_from_env(app.config)
        app.extensions["cors"] = served = RoutePolicies(app, policy, self._options)
        app.wsgi_app = served  # type: ignore[method-assign]


class _Serving(NamedTuple):
    policy: Policy | PolicySource | None
    views: int
    own: dict[tuple[str, str], Policy | None]
    early: WSGIApplication
    late: WSGIApplication


class RoutePolicies:
    """One application's WSGI callable: tells the middleware which policy governs, by the view that is asked for."""

    def __init__(self, app: Flask, policy: Policy | PolicySource | None, options: dict[str, Any]) -> None:
        self.policy = policy
        self._app, self._wsgi_app, self._options = app, app.wsgi_app, options
        self._serving = self._look()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        serving = self._serving
        if serving.policy is not self.policy or serving.views != len(self._app.view_functions):
            serving = self._serving = self._look()
        serve = serving.early if environ.get("REQUEST_METHOD") == "OPTIONS" else serving.late
        return serve(environ, start_response)

    def _look(self) -> _Serving:
        """What to serve by. Only where views have policies of their own is it asked which one a request is for."""
        policy, options, own = self.policy, self._options, _own_policies(self._app)
        early: WSGIApplication = CORSMiddleware(self._wsgi_app, self if own or policy is None else policy, **options)
        late = serve_late(self._wsgi_app, self, **options) if own and not options.get("block_disallowed") else early
        return _Serving(policy, len(self._app.view_functions), own, early, late)

    def for_environ(self, environ: Mapping[str, Any]) -> Policy | None:
        """The policy that governs a request: the nearest one."""
        own = self._serving.own
        try:
            key = self._view(environ) if own else None
        except Exception:
            # A URL converter of the application failed. It will again when Flask matches, which then answers for it.
            self._app.logger.exception("CORS: no policy, for the request's URL could not be matched")
            return None
        if key in own:
            return own[key]
        policy = self.policy
        return policy if policy is None or isinstance(policy, Policy) else policy.for_environ(environ)

    def _view(self, environ: Mapping[str, Any]) -> tuple[str, str] | None:
        """Endpoint and method that answer a request, as Flask matched it if it has already."""
        matched = environ.get("werkzeug.request")
        if isinstance(matched, Request) and has_app_context() and current_app == self._app and matched.endpoint:
            return matched.endpoint, matched.method
        with self._app.app_context():
            return self._match(environ, governed_method(dict(environ)), environ.get("PATH_INFO", ""))

    def _match(self, environ: Mapping[str, Any], method: str, path: str) -> tuple[str, str] | None:
        context = self._app.request_context({**environ, "REQUEST_METHOD": method, "PATH_INFO": path})
        if context.request.routing_exception is None:  # else its host is not trusted
            context.match_request()
        failure = context.request.routing_exception
        if failure is None:
            return context.request.endpoint or "", method
        if hasattr(failure, "new_url") and not path.endswith("/"):
            return self._match(environ, method, path + "/")  # a redirect is governed like what it leads to
        allowed = sorted(getattr(failure, "valid_methods", None) or ())
        return self._match(environ, allowed[0], path) if allowed else None


def _own_policies(app: Flask) -> dict[tuple[str, str], Policy | None]:
    """The policies of views and blueprints, by endpoint and method."""
    found: dict[tuple[str, str], Policy | None] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions.get(rule.endpoint)
        view_class = getattr(view, "view_class", None)
        names = rule.endpoint.split(".")[:-1]
        blueprints = [app.blueprints.get(".".join(names[:depth])) for depth in range(len(names), 0, -1)]
        for method in rule.methods or ():
            handler = getattr(view_class, method.lower().replace("head", "get"), None)
            owners = [owner for owner in (handler, view, view_class, *blueprints) if hasattr(owner, _OWN)]
            if owners:
                found[rule.endpoint, method] = getattr(owners[0], _OWN)
    return found
