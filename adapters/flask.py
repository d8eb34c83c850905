"""CORS for Flask.

    CORS(app, Policy(allow_origins=["https://app.example.com"]))

    @app.post("/payments")
    @cross_origin(Policy(allow_origins=["https://pay.example.com"], allow_credentials=True))
    def pay(): ...

The nearest policy governs: the view's, else its blueprint's (an inner one before an outer one), else the application's.
A preflight follows the policy of the request that it asks for. Everything is carried out by `CORSMiddleware` around
`app.wsgi_app`, so every response is covered; here it is only told which policy governs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from flask import Flask, Request

from corecors import Policy, PolicySource, policy_from_env
from corecors.adapters.requests import governed_method
from corecors.adapters.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SETTINGS = "CORS_"  # the prefix of the keys in app.config
_OWN = "_cors_policy"
_Owner = TypeVar("_Owner")


def cross_origin(policy: Policy | None) -> Callable[[_Owner], _Owner]:
    """Give a view, a class of views, a method of one, or a `Blueprint` a policy of its own; None: no CORS at all.

    The decorated object itself is returned, so that the order beside `@app.route` does not matter. Takes effect in
    applications that have been given to `CORS`.
    """
    if policy is not None and not isinstance(policy, Policy):
        raise TypeError(f"write @cross_origin(policy): a Policy or None belongs there, not {type(policy).__name__}")

    def give(owner: _Owner) -> _Owner:
        setattr(owner, _OWN, policy)
        return owner

    return give


class CORS:
    """The extension: `CORS(app, policy)`, or `cors = CORS()` and later `cors.init_app(app, policy)` for each application.

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
            raise RuntimeError(
                "this application has CORS already; to change its policy, set app.extensions['cors'].policy"
            )
        policy = policy or self._policy
        if policy is None and any(key.startswith(SETTINGS) for key in app.config):
            policy = policy_from_env(app.config, SETTINGS)
        app.extensions["cors"] = served = RoutePolicies(app, policy, self._options)
        app.wsgi_app = served  # type: ignore[method-assign]


class _Current(NamedTuple):
    policy: Policy | PolicySource | None
    views: int
    serve: CORSMiddleware


class RoutePolicies:
    """One application's WSGI callable: tells its middleware which policy governs, by the view that is asked for."""

    def __init__(self, app: Flask, policy: Policy | PolicySource | None, options: dict[str, Any]) -> None:
        self.policy = policy
        self._app = app
        self._wsgi_app = app.wsgi_app
        self._options = options
        self._current = self._look()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        current = self._current
        if current.policy is not self.policy or current.views != len(self._app.view_functions):
            current = self._current = self._look()
        return current.serve(environ, start_response)

    def _look(self) -> _Current:
        """What to serve by. As long as no view has a policy of its own, no URL has to be matched twice."""
        policy, views, blueprints = self.policy, dict(self._app.view_functions), self._app.blueprints.values()
        own = any(hasattr(owner, _OWN) for owner in blueprints) or any(
            hasattr(owner, _OWN) for view in views.values() for owner in _parts(view, getattr(view, "methods", None))
        )
        source = self if own or policy is None else policy
        return _Current(policy, len(views), CORSMiddleware(self._wsgi_app, source, **self._options))

    def for_environ(self, environ: Mapping[str, Any]) -> Policy | None:
        """The policy that governs a request: the nearest one."""
        method = governed_method(dict(environ))
        try:
            with self._app.app_context():
                request = self._match(environ, method)
        except Exception:
            # A URL converter of the application failed. It will again when Flask matches, which then answers for it.
            self._app.logger.exception("CORS: no policy, for the request's URL could not be matched")
            return None
        if request is not None:
            view = self._app.view_functions.get(request.endpoint or "")
            blueprints = [self._app.blueprints.get(name) for name in request.blueprints]
            for owner in (*_parts(view, [request.method]), *blueprints):
                if hasattr(owner, _OWN):
                    own: Policy | None = getattr(owner, _OWN)
                    return own
        policy = self.policy
        return policy if policy is None or isinstance(policy, Policy) else policy.for_environ(environ)

    def _match(self, environ: Mapping[str, Any], method: str, path: str | None = None) -> Request | None:
        """The request as Flask would see it with this method and path, matched to its view; None where it has none."""
        path = environ.get("PATH_INFO", "") if path is None else path
        context = self._app.request_context({**environ, "REQUEST_METHOD": method, "PATH_INFO": path})
        context.match_request()
        request = context.request
        failure = request.routing_exception
        if failure is None:
            return request
        if hasattr(failure, "new_url") and not path.endswith("/"):
            return self._match(environ, method, path + "/")  # a redirect is governed like what it leads to
        allowed = sorted(getattr(failure, "valid_methods", None) or ())
        return self._match(environ, allowed[0], path) if allowed else None


def _parts(view: Any, methods: Iterable[str] | None) -> Iterator[object]:
    """What may have a policy for a view, the nearest first: of a class of views the method and the class as well."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        yield from (getattr(view_class, method.lower(), None) for method in methods or ())
    yield view
    yield view_class
