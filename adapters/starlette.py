"""CORS for Starlette and FastAPI: one policy for the application, others for endpoints.

    CORS(app, Policy(allow_origins=["https://app.example.com"]))

    @app.get("/status")
    @cross_origin(Policy(allow_origins=["*"]))
    async def status(): ...

Facts
-----
Starlette puts what turns an exception into a 500 outside of everything that `add_middleware` adds, so only what stands
around the whole stack covers every response. `build_middleware_stack` makes that stack, when the first request comes.
A router writes into the scope which endpoint it chose, and so a response follows the endpoint that ran, whatever a
middleware did to the path or the method. A preflight follows the endpoint that would run for the method it asks for:
the routes are matched as their router matches them, and nothing is called.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from inspect import isclass, isfunction, isroutine
from logging import getLogger
from types import EllipsisType
from typing import Any, NamedTuple, Never, TypeVar, overload

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Host, Match, Mount, Router

from corecors import (
    UNDECIDED,
    CORSRequest,
    Decision,
    Door,
    Policy,
    PolicySource,
    RejectionLog,
    Undecided,
    foreign_call_error,
    merge_headers,
    path_is_ambiguous,
    possible_methods,
)
from corecors.adapters.asgi import (
    MISSING,
    Application,
    Merge,
    Message,
    Receive,
    RememberedLines,
    Scope,
    Send,
    add_lines,
    carry_out,
    covered,
    read_request,
    require_asgi,
    require_policy,
)
from corecors.adapters.holding import held_by

LOGGER = getLogger("corecors")
MAX_DEPTH = 50  # of applications mounted in one another; no deeper one is looked for
MAX_LAYERS = 200  # callables below one endpoint; an ordinary one has three or four
MAX_LOOKED_AT = 10_000  # endpoints that are remembered; an application has some hundred
_WITHHELD = Policy.refusal  # what varies by the origin, and grants nothing

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_Governing = Policy | PolicySource | None  # None: no CORS
_OWN = "_cors_policy"  # the attribute that marks an endpoint
_RESPONSE = "corecors.response"  # the key in a scope of the `_Response` that was begun last
_OPTED_OUT = "corecors.opted_out"  # the key in a scope of a preflight that asks for an endpoint without CORS
_UNMARKED: Any = object()
_owners: set[str] = set()  # of policies in this process
# What runs an endpoint that is a class, whatever the method.
_RUNNING = sorted({"__call__", *vars(HTTPEndpoint), *vars(WebSocketEndpoint)} - {"__class__", "__dict__"})


# For type checkers, which flag what is said in words when it runs: a policy is missing, or another library's call.
@overload
def cross_origin(policy: Policy | PolicySource) -> Callable[[_Endpoint], _Endpoint]: ...
@overload
def cross_origin(policy: None) -> Callable[[_Endpoint], _Endpoint]: ...
def cross_origin(policy: Policy | PolicySource | None = MISSING, **unknown: Any) -> Callable[[_Endpoint], _Endpoint]:
    """Give an endpoint a policy of its own; None: no CORS for it. The endpoint is returned as it is.

    An endpoint is a function, an async function, a class, or a method of such a class. For routers, mounts and groups
    of paths there is `PathPolicies`: FastAPI copies the routes of a router that it includes, and a policy on the router
    would be lost. Raises `TypeError` for anything else.
    """
    if unknown:
        raise foreign_call_error("cross_origin", unknown)
    if policy is MISSING or isroutine(policy):
        instead = "a Policy or None belongs there, not nothing"
        if policy is not MISSING:
            instead = "it is given a Policy, and then decorates the endpoint"
        raise TypeError(f"write @cross_origin(policy): {instead}")
    if policy is not None:
        Door(asks_async=True).check_policy(policy)

    def give(endpoint: _Endpoint) -> _Endpoint:
        if not _is_endpoint(endpoint):
            raise TypeError(
                f"cross_origin is for endpoints, which are functions or classes, not for {type(endpoint).__name__}."
                " For routers, mounts and groups of paths give CORS a PathPolicies"
            )
        own = vars(endpoint).get(_OWN, policy)
        if own != policy and own is not getattr(getattr(endpoint, "__wrapped__", None), _OWN, _UNMARKED):
            raise RuntimeError(
                f"{endpoint.__qualname__} has a policy already, and would have this one wherever it is routed: for"
                " another policy at another path give this one to a function that calls it, with functools.wraps"
            )
        setattr(endpoint, _OWN, policy)
        _owners.add("an endpoint")
        return endpoint

    return give


def _is_endpoint(thing: object) -> bool:
    return isfunction(thing) or isclass(thing)


class CORS:
    """Covers a Starlette or FastAPI application: every response, whatever the order of its middleware.

    policy: a `Policy`, or what chooses one for each request; None: only endpoints with a policy of their own have one.
    on_decision, report_only, block_disallowed, check_websockets, own_origins, rejections: as every door has them, see
        `corecors.adapters.asgi.CORSMiddleware`.

    The nearest policy governs: the endpoint's (`cross_origin`), else that of the innermost application with CORS.
    `app.state.cors` is this object, and its `policy` may be replaced while serving. Raises `TypeError` for an
    application of another kind, `RuntimeError` for one that serves already or has CORS.
    """

    def __init__(
        self,
        app: Starlette,
        policy: Policy | PolicySource | None = MISSING,
        *,
        on_decision: Callable[[Decision, CORSRequest], object] | None = None,
        report_only: Policy | PolicySource | None = None,
        block_disallowed: bool = False,
        check_websockets: bool = True,
        own_origins: Iterable[str] = (),
        rejections: RejectionLog | EllipsisType | None = ...,
        **unknown: Never,
    ) -> None:
        require_policy("CORS", policy, unknown)
        if not isinstance(app, Starlette):
            require_asgi(app)
            raise TypeError(
                f"CORS covers an application of Starlette or FastAPI, not {type(app).__name__}:"
                " use corecors.adapters.asgi.CORSMiddleware"
            )
        if isinstance(getattr(app.state, "cors", None), CORS):
            raise RuntimeError("this application has CORS already; set the policy of app.state.cors instead")
        if app.middleware_stack is not None:
            raise RuntimeError("this application serves already; give it to CORS before its first request")
        _owners.add("another application" if "an application" in _owners else "an application")
        self.app = app
        self.door: Door = Door(
            on_decision=on_decision,
            report_only=report_only,
            block_disallowed=block_disallowed,
            check_websockets=check_websockets,
            own_origins=own_origins,
            rejections=rejections,
            asks_async=True,
        )
        self._told: set[str] = set()
        self._hiding: dict[object, bool] = {}  # endpoints, and whether a policy is hidden in one
        self._hiding_routes: dict[object, bool] = {}  # what is mounted, and whether such routes are hidden in it
        self.policy = policy
        self._build = app.build_middleware_stack
        app.build_middleware_stack = self._build_covered  # type: ignore[method-assign]
        app.state.cors = self

    def _build_covered(self) -> Application:
        self.app.user_middleware.append(Middleware(_Routing))  # the last one is next to the router
        try:
            return _Covered(self, self._build())
        finally:
            self.app.user_middleware.pop()

    @property
    def policy(self) -> _Governing:
        """The application's policy."""
        return self.serving[0]

    @policy.setter
    def policy(self, policy: _Governing) -> None:
        if policy is not None:
            self.door.check_policy(policy)
        remembered = None if self.door.blocks else RememberedLines.of(policy, self.door)
        self.serving: tuple[_Governing, RememberedLines | None] = policy, remembered

    def governing(self, endpoint: object, method: str) -> "_Governor":
        """What governs an endpoint of this application."""
        own = _own_policy(endpoint, method)
        if own is not _UNMARKED:
            return _Governor(own, own)
        if self.hides(endpoint) or (isclass(endpoint) and self.hides(_handler(endpoint, method))):
            self.tell_once(
                f"no policy governs {getattr(endpoint, '__qualname__', endpoint)!s}: one that cross_origin was given to"
                " is hidden in it, by a decorator without functools.wraps, or is that of a method which answers no"
                " request. Put cross_origin above that decorator or class, or write the decorator with functools.wraps"
            )
            return _UNDECIDED_GOVERNOR
        return _Governor(self, self.policy)

    def hides(self, endpoint: object) -> bool:
        """Whether a policy is hidden in an endpoint that shows none: it would be left to the application's."""
        try:
            hides = self._hiding.get(endpoint)
        except TypeError:  # it cannot be hashed
            return _has_hidden(endpoint)
        if hides is None:
            if len(self._hiding) >= MAX_LOOKED_AT:
                self._hiding.clear()
            hides = self._hiding[endpoint] = _has_hidden(endpoint)
        return hides

    def hides_routes(self, mounted: object) -> bool:
        """Whether something that is mounted, and has no policy of its own, hides routes that have."""
        if _own_policy(mounted, "") is not _UNMARKED:
            return False
        try:
            hides = self._hiding_routes.get(mounted)
        except TypeError:  # it cannot be hashed
            return _hides_routes(mounted)
        if hides is None:
            if len(self._hiding_routes) >= MAX_LOOKED_AT:
                self._hiding_routes.clear()
            hides = self._hiding_routes[mounted] = _hides_routes(mounted)
        return hides

    def tell_once(self, text: str, *, exc_info: bool = False) -> None:
        """Log, once for each application, what the author of its routes has to know."""
        if text not in self._told:
            self._told.add(text)
            LOGGER.warning("CORS: %s", text, exc_info=exc_info)


class _Governor(NamedTuple):
    """What governs a request."""

    owner: object  # where it comes from: an application's `CORS`, an endpoint's own policy
    policy: Policy | PolicySource | Undecided | None


_UNDECIDED_GOVERNOR = _Governor(None, UNDECIDED)


class _Covered:
    """An application's finished middleware stack, covered."""

    def __init__(self, cors: CORS, stack: Application) -> None:
        self._cors = cors
        self.app = stack  # as every middleware calls it, for what looks through a stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_websocket = scope["type"] == "websocket"
        # A mounted application with CORS does not answer for an endpoint that is not its own.
        if (scope["type"] != "http" and not is_websocket) or _OPTED_OUT in scope:
            await self.app(scope, receive, send)
            return
        cors = self._cors
        response = _Response(cors, scope, send)
        if is_websocket or scope["method"] == "OPTIONS" or cors.door.blocks:
            request = read_request(scope)
            if is_websocket or request.is_preflight or cors.door.blocks:
                methods = possible_methods(request.governed_method, request.request_headers)
                governor = _UNDECIDED_GOVERNOR if _moves(request) else _asked_for(cors, response.before, methods)
                decision = await response.decide(governor, request)
                if request.is_preflight or (decision is not None and decision.status is not None):
                    if request.is_preflight and (decision is None or decision.opted_out):
                        scope[_OPTED_OUT] = True
                    await carry_out(decision, self.app, scope, receive, send)
                    return
                response.is_let_in = not is_websocket  # a handshake is looked at when it is accepted
        scope[_RESPONSE] = response
        await self.app(scope, receive, response.send)


def _moves(request: CORSRequest) -> bool:
    """Whether a preflight asks for a header that takes the place of the path, where that may lead to another policy."""
    names = request.request_headers
    return request.is_preflight and names is not None and len(_owners) > 1 and path_is_ambiguous("/", names=names)


class _Routing:
    """The innermost middleware: it shows which scope the router writes into, for others may have copied it."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = scope.get(_RESPONSE)
        if response is not None:
            response.scope = scope
            if response.is_let_in and response.may_have_moved():
                refusal = await response.refuse_elsewhere()
                if refusal is not None:
                    await carry_out(refusal, self.app, scope, receive, send)
                    return
        await self.app(scope, receive, send)


class _Response:
    """A response on its way out, and what is decided about it: at its start, when the endpoint that ran is known.

    is_let_in: whether the request had to be let in first, by the policy of the endpoint that it asks for.
    """

    is_let_in = False

    def __init__(self, cors: CORS, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.before = dict(scope)  # routing and middleware write into it
        self._cors = cors
        self._remembered = cors.serving[1]  # a policy that is replaced meanwhile does not divide this request
        self._send = send
        self._governor: _Governor | None = None
        self._merge: Merge | None = None
        self._is_refused = False

    async def decide(self, governor: _Governor, request: CORSRequest) -> Decision | None:
        self._governor = governor
        self._merge = _withhold  # whatever leaves where a predicate raises grants nothing, and asks nobody again
        decision = await self._cors.door.decide_async(governor.policy, request)
        self._merge = None if decision is None else decision.merge
        return decision

    def may_have_moved(self) -> bool:
        """Whether a request may be led to another endpoint than the one that it was let in to."""
        return (
            self._governor is not None
            and self._cors.door.blocks
            and self.scope["type"] == "http"
            and any(
                self.scope.get(each) != self.before.get(each) for each in ("method", "path", "root_path", "headers")
            )
        )

    async def refuse_elsewhere(self) -> Decision | None:
        """What keeps a request out that was let in to an endpoint with another policy, None where nothing does: who is
        let in to every endpoint may go on."""
        governor = _asked_for(self._cors, self.scope, (self.scope["method"],))
        if self._governor is None or governor.owner is self._governor.owner:
            return None
        self._tell_of_another()
        decision = await self._cors.door.decide_async(UNDECIDED, read_request(self.before))
        return None if decision is None or decision.status is None else decision

    def send(self, message: Message) -> Awaitable[None]:
        kind = message["type"]
        is_last: bool = self.scope.get(_RESPONSE) is self
        if not is_last:
            return self._send(message)  # a mounted application has CORS of its own, which has answered
        if kind == "http.response.start":
            if self._governor is None and self._remembered is not None and self._is_plain():
                headers = add_lines([*message.get("headers", ())], self._remembered.for_scope(self.before))
                return self._send({**message, "headers": headers})
            return self._start(message)
        if kind == "websocket.accept" or self._is_refused:
            return self._accept(message)
        return self._send(message)

    def _is_plain(self) -> bool:
        """Whether a function without a policy of its own ran, as nearly all do."""
        endpoint = self.scope.get("endpoint")
        return (
            isfunction(endpoint)
            and not hasattr(endpoint, _OWN)
            and endpoint is not self.before.get("endpoint")
            and not self._cors.hides(endpoint)
        )

    async def _start(self, message: Message) -> None:
        governor = self._that_ran()
        if self._governor is None:
            await self.decide(governor, read_request(self.before))
        elif governor.owner is not self._governor.owner:
            self._merge = _withhold
            self._tell_of_another()
        await self._send(message if self._merge is None else covered(message, self._merge))

    async def _accept(self, message: Message) -> None:
        """Let a handshake be accepted by the endpoint that it was admitted for; refuse it for another one."""
        assert self._governor is not None
        if self._is_refused:
            return  # the connection is closed, which the application learns from `receive`
        if self._that_ran().owner is self._governor.owner:
            await self._send(message)
            return
        self._is_refused = True
        self._tell_of_another()
        await self._send({"type": "websocket.close", "code": 1008, "reason": ""})

    def _tell_of_another(self) -> None:
        self._cors.tell_once(
            "a request was decided by the policy of one endpoint, and another one with another policy ran: its response"
            " grants nothing, a WebSocket is refused. Something changes the path or the method on the way to the routes"
        )

    def _that_ran(self) -> _Governor:
        """What governs the endpoint that ran or, where something else answered, the one that was asked for."""
        endpoint, method = self.scope.get("endpoint"), self.scope.get("method", "GET")
        if endpoint is self.before.get("endpoint") or isinstance(_within(endpoint), Starlette | Router):
            before = {**self.before, "path": self.scope["path"]}
            return _asked_for(self._cors, before, possible_methods(method, None))
        route = self.scope.get("route")
        if isinstance(route, Mount | Host) and route.app is endpoint and self._cors.hides_routes(endpoint):
            return _UNDECIDED_GOVERNOR
        return self._cors.governing(endpoint, method)


def _withhold(own: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return merge_headers(own, _WITHHELD)


def _own_policy(endpoint: Any, method: str) -> Any:
    """The policy that an endpoint was given for a method, or `_UNMARKED`."""
    while isinstance(endpoint, partial):
        endpoint = endpoint.func
    if isclass(endpoint):
        own = getattr(_handler(endpoint, method), _OWN, _UNMARKED)
        if own is not _UNMARKED:
            return own
    return getattr(endpoint, _OWN, _UNMARKED)


def _handler(endpoint: type, method: str) -> object:
    """What a class of endpoints answers a method with, None where it has nothing."""
    handler = getattr(endpoint, method.lower(), None)
    if handler is None and method == "HEAD":
        return getattr(endpoint, "get", None)  # as HTTPEndpoint does
    return handler


def _has_hidden(endpoint: object) -> bool:
    """Whether something that was given a policy lies in an endpoint that shows none."""
    waiting, seen = [endpoint], set[int]()
    if isclass(endpoint):  # what answers a method is looked at where that method is asked for
        waiting += [getattr(endpoint, name, None) for name in _RUNNING]
    while waiting and len(seen) < MAX_LAYERS:
        layer = waiting.pop()
        if not callable(layer) or isinstance(layer, Starlette | Router) or id(layer) in seen:
            continue
        seen.add(id(layer))
        if (isfunction(layer) or isclass(layer)) and hasattr(layer, _OWN):
            return True
        waiting += held_by(layer)
    return False


def _hides_routes(mounted: object) -> bool:
    """Whether routes with policies lie in something mounted that does not show its routes: nobody can tell which one
    runs."""
    waiting, seen, layers = [mounted], set[int](), 0
    while waiting and layers < MAX_LAYERS:
        layer = waiting.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if isinstance(layer, Starlette | Router):
            if isinstance(getattr(getattr(layer, "state", None), "cors", None), CORS):
                return True
            router = layer.router if isinstance(layer, Starlette) else layer
            waiting += [*router.routes, router.default]
        elif isinstance(layer, BaseRoute) and (endpoint := getattr(layer, "endpoint", None)) is not None:
            if _has_policy(endpoint):
                return True
        elif isinstance(layer, BaseRoute) or callable(layer):
            layers += 1
            waiting += held_by(layer)
    return False


def _has_policy(endpoint: object) -> bool:
    """Whether an endpoint was given a policy, whatever the method, or hides one."""
    methods = [getattr(endpoint, name, None) for name in dir(endpoint)] if isclass(endpoint) else ()
    return any(hasattr(each, _OWN) or _has_hidden(each) for each in (endpoint, *methods))


# Which endpoint would run


def _asked_for(cors: CORS, before: Scope, methods: tuple[str, ...]) -> _Governor:
    """What governs the endpoint that the routes have for a scope that they have not seen yet, by any of `methods`."""
    found = []
    # A preflight names the method as the page wrote it, and a server may hand it on in upper case (hypercorn does).
    for spelled in methods:
        try:
            endpoint, nearest = _find(cors, {**before, "method": spelled})
        except Exception:  # of a converter or a route of the application's, or it is `LookupError`
            cors.tell_once("it cannot be told which endpoint a request is for, so nobody is let in", exc_info=True)
            return _UNDECIDED_GOVERNOR
        found.append(nearest.governing(endpoint, spelled))
    return found[0] if all(each.owner is found[0].owner for each in found) else _UNDECIDED_GOVERNOR


def _find(cors: CORS, scope: dict[str, Any], *, follow: bool = True) -> tuple[object, CORS]:
    """The endpoint that runs for a scope, None where none does; and the CORS of the innermost application around it.

    A redirect for a slash at the end is followed, once. Raises what the application's routes raise, and `LookupError`
    where they cannot be read.
    """
    outermost, before = cors, dict(scope)  # where a redirect is followed from
    app: object = cors.app.router
    mounted: object = None  # what a router hands the request to
    for _ in range(MAX_DEPTH):
        app = _within(app)
        if isinstance(app, Starlette):
            if getattr(app, "root_path", ""):
                scope["root_path"] = app.root_path  # type: ignore[attr-defined]  # as FastAPI does for each request
            inner = getattr(app.state, "cors", None)
            if isinstance(inner, CORS):
                cors = outermost = inner  # it answers for its own redirects, as it answers for all
                before = dict(scope)
            app = app.router
        if not isinstance(app, Router):  # something else is mounted, such as static files
            if cors.hides_routes(mounted):
                raise LookupError("routes with policies of their own are hidden in what is mounted")
            return mounted, cors
        found = _match(app, scope)
        if found is None:
            path = _redirected(app, scope) if follow else None
            if path is not None:
                return _find(outermost, {**before, "path": path}, follow=False)
            if getattr(app.default, "__func__", None) is Router.not_found:
                return None, cors
            app = mounted = app.default
            continue
        route, child = found
        scope.update(child)
        mounted = child.get("endpoint")
        if isinstance(route, Mount):
            app = getattr(route, "_base_app", route.app)  # what is mounted, without the mount's own middleware
        elif isinstance(route, Host):
            app = route.app
        else:
            return child["endpoint"], cors  # a KeyError for a kind of route that hides what it does
    raise LookupError("too many applications are mounted in one another")


def _within(app: object) -> object:
    """The application or router that middleware stands around, or what is there instead."""
    while not isinstance(app, Starlette | Router) and callable(getattr(app, "app", None)):
        app = app.app  # type: ignore[attr-defined]
    return app


def _match(router: Router, scope: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
    """The route that handles a scope: the first that matches wholly, else the first that does but for the method."""
    for method in ("__call__", "app"):
        if getattr(type(router), method).__module__ not in _READABLE:
            raise LookupError(f"{type(router).__name__} chooses its routes in a way of its own")
    partial_match = None
    for route in router.routes:
        found: Any = route
        match, child = found.matches(scope)
        while match is not Match.NONE and hasattr(found, "effective_candidates"):
            # FastAPI's included router says of itself that it matches, and of the route within when it is asked again.
            match, child, found, _ = found._match(scope)
        if match is Match.FULL:
            return found, dict(child)
        if match is Match.PARTIAL and partial_match is None:
            partial_match = found, dict(child)
    return partial_match


def _redirected(router: Router, scope: dict[str, Any]) -> str | None:
    """The path that a router redirects to because of a slash at the end, if it does."""
    path: str = scope["path"]
    if scope["type"] != "http" or not router.redirect_slashes or path == scope.get("root_path", "") + "/":
        return None
    other = path.rstrip("/") if path.endswith("/") else path + "/"
    return None if _match(router, {**scope, "path": other}) is None else other


_READABLE = ("starlette.routing", "fastapi.routing")
