"""CORS for aiohttp's server: one policy for the application, others for handlers and sub-applications.

    setup_cors(app, Policy(allow_origins=["https://app.example.com"]))

    @routes.get("/status")
    @cross_origin(Policy(allow_origins=["*"]))
    async def status(request): ...

Facts
-----
aiohttp routes before anything else of an application runs, and what its router answers with decides which middleware
and which signals run. So a preflight is answered, and what is not let in refused, from the router's place.
Whatever leaves for a request is written by that request's writer: a 404, a 500 that aiohttp makes itself, a stream, a
file, a response that another signal has changed. So that is where headers are added; `on_response_prepare` is not
called where routing failed, and an inner application's signals run after those of an outer one.
Headers are decoded as UTF-8 with surrogate escapes here, and latin-1 everywhere else in this library.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from inspect import isclass
from logging import getLogger
from types import EllipsisType
from typing import Any, NamedTuple, Never
from urllib.parse import unquote_to_bytes

from aiohttp import hdrs, web
from aiohttp.abc import AbstractMatchInfo

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
from corecors.adapters.aiohttp_marks import UNMARKED, cross_origin, is_marked, own_policy, require_visible_marks

__all__ = ["CORS", "CORS_KEY", "cross_origin", "setup_cors"]

cross_origin.__module__ = __name__  # the name that users import

LOGGER = getLogger("corecors")

_MISSING: Any = object()
_Governing = Policy | PolicySource | None  # None: no CORS
_Headers = list[tuple[str, str]]
_Find = Callable[[web.Request], Awaitable[web.UrlMappingMatchInfo]]


def setup_cors(
    app: web.Application,
    policy: Policy | PolicySource | None = _MISSING,
    *,
    on_decision: Callable[[Decision, CORSRequest], object] | None = None,
    report_only: Policy | PolicySource | None = None,
    block_disallowed: bool = False,
    check_websockets: bool = True,
    own_origins: Iterable[str] = (),
    rejections: RejectionLog | EllipsisType | None = ...,
    **unknown: Never,
) -> "CORS":
    """Cover an application: every response, preflights, the handshakes of WebSockets, and its sub-applications.

    policy: a `Policy`, or what chooses one for each request; None: only handlers with a policy of their own have one.
    on_decision, report_only, block_disallowed, check_websockets, own_origins, rejections: as every door has them, see
        `corecors.adapters.asgi.CORSMiddleware`.

    The nearest policy governs: the handler's (`cross_origin`), else that of the innermost application with CORS, whose
    options count too. A middleware that routes a request again is followed where an application that it is part of, or
    one around that, has CORS. What is returned is `app[CORS_KEY]`, and its `policy` may be replaced while serving.

    Raises `TypeError` for an application of another kind, `RuntimeError` for one that has CORS already or whose routes
    are settled, because it serves or is part of another one. When it starts, a policy that no request would follow is
    a `RuntimeError`.
    """
    if unknown:
        raise foreign_call_error("setup_cors", unknown)
    if policy is _MISSING:
        raise TypeError("setup_cors needs a policy: write setup_cors(app, Policy(allow_origins=[...]))")
    _require_aiohttp(app)
    if CORS_KEY in app:
        raise RuntimeError("this application has CORS already; set the policy of app[CORS_KEY] instead")
    if app.pre_frozen:
        raise RuntimeError(
            "the routes of this application are settled: call setup_cors before it serves, and before add_subapp and"
            " add_domain"
        )
    door = Door(
        on_decision=on_decision,
        report_only=report_only,
        block_disallowed=block_disallowed,
        check_websockets=check_websockets,
        own_origins=own_origins,
        rejections=rejections,
        asks_async=True,
    )
    cors = app[CORS_KEY] = CORS(app, policy, door)
    return cors


class CORS:
    """What `setup_cors` returns: the CORS of one application."""

    def __init__(self, app: web.Application, policy: _Governing, door: Door) -> None:
        self.door = door
        self.policy = policy
        self._is_started = False
        self._has_several = False  # policies that its routes lead to
        self._routes_its_own_way = False
        self._told: set[str] = set()
        self._stand_before(app.router)
        app.on_startup.append(self._start)

    @property
    def policy(self) -> _Governing:
        """The application's policy."""
        return self._policy

    @policy.setter
    def policy(self, policy: _Governing) -> None:
        if policy is not None:
            self.door.check_policy(policy)
        self._policy = policy

    def _stand_before(self, router: web.UrlDispatcher) -> None:
        find = router.resolve

        async def resolve(request: web.Request) -> web.UrlMappingMatchInfo:
            response = _Response.of(request)
            if response is None:
                return await self._route(find, request)
            return await self._route_again(find, request, response)

        router.resolve = resolve  # type: ignore[method-assign]

    # For each request

    async def _route(self, find: _Find, request: web.Request) -> web.UrlMappingMatchInfo:
        """Find what answers a request; or answer it with what is decided."""
        origin = _value(request, hdrs.ORIGIN)
        response = _Response(request, origin)
        is_plain = request.method != hdrs.METH_OPTIONS and hdrs.UPGRADE not in request.headers
        asked = None if is_plain else _read(request)
        found = failure = None
        try:
            if asked is not None and asked.is_preflight:
                governor = await self._asked_for(find, request, asked)
            else:
                found = await find(request)
                governor = self._governor(found, request.method)
        except Exception as error:  # of a route of the application's own, or it is `LookupError`
            failure = error
            governor = _Governor(self, error, UNDECIDED)
            self._tell_once("it cannot be told which handler a request is for, so nobody is let in", exc_info=True)
        response.governor = governor
        if asked is None and (lines := governor.lines(origin)) is not None:
            response.merge = partial(merge_headers, lines=lines)
            if lines is Policy.refusal and origin is not None:
                governor.refused(origin, request)
            elif hdrs.COOKIE in request.headers:
                governor.came_with_cookies(request)
        else:
            asked = _read(request) if asked is None else asked
            decision = await governor.cors.door.decide_async(governor.policy, asked)
            response.merge = None if decision is None else decision.merge
            if decision is not None and decision.status is not None:
                response.merge = None
                return _Answer(decision)
        if failure is not None:
            raise failure
        if found is None:
            found = await find(request)  # for a preflight that is not to be answered here
        response.is_let_in = governor.cors.door.blocks or (asked is not None and asked.is_websocket)
        response.is_unrouted = found.http_exception is not None
        response.is_routed = True
        return found

    async def _asked_for(self, find: _Find, request: web.Request, asked: CORSRequest) -> "_Governor":
        """What governs the request that a preflight asks for. Raises `LookupError` where it cannot be told."""
        if self._has_several and self._routes_its_own_way:
            raise LookupError("something of the application's own chooses routes, maybe by what a preflight lacks")
        if self._has_several and asked.request_headers and path_is_ambiguous("/", names=asked.request_headers):
            raise LookupError("a header that takes the place of the path may lead to any handler")
        # As the page wrote it, and as one of aiohttp's two parsers hands it on.
        methods = possible_methods(asked.governed_method, asked.request_headers)
        found = [self._governor(await find(request.clone(method=method)), method) for method in methods]
        if any(each.differs_from(found[0]) for each in found):
            raise LookupError("a method in lower case, or one that a header names, may lead to another policy")
        return found[0]

    async def _route_again(self, find: _Find, request: web.Request, response: "_Response") -> web.UrlMappingMatchInfo:
        """Route for an application around this one, or for a middleware that has changed the request."""
        found = await find(request)
        if not response.is_routed or found.http_exception is not None:
            return found
        governor = self._governor(found, request.method)
        if response.governor is None or not governor.differs_from(response.governor):
            return found
        lines = governor.lines(response.origin)
        if response.is_unrouted and not response.is_let_in and lines is not None:
            # As for a redirect from a path without its last slash: it is governed like what it leads to.
            response.governor, response.is_unrouted = governor, False
            response.merge = partial(merge_headers, lines=lines)
            return found
        response.merge = _withhold
        self._tell_once(
            "a request was decided by the policy of one handler, and a middleware led it to another one with another"
            " policy: its response grants nothing, and what has to be let in first is refused"
        )
        if response.is_let_in:
            raise web.HTTPForbidden
        return found

    def _governor(self, found: AbstractMatchInfo, method: str) -> "_Governor":
        """What governs what the router has found."""
        cors = self
        for app in found.apps:
            cors = app.get(CORS_KEY, cors)  # from the outermost one to the innermost
        own = own_policy(found.handler, method)
        return _Governor(cors, cors, cors.policy) if own is UNMARKED else _Governor(cors, own, own)

    def _tell_once(self, text: str, *, exc_info: bool = False) -> None:
        """Log, once for each application, what the author of its routes has to know."""
        if text not in self._told:
            self._told.add(text)
            LOGGER.warning("CORS: %s", text, exc_info=exc_info)

    # When it starts

    async def _start(self, app: web.Application) -> None:
        if not self._is_started:
            self._is_started = True
            self._look_through(app, is_own=True)

    def _look_through(self, app: web.Application, *, is_own: bool) -> None:
        """Look through the routes, which are settled now. `is_own`: not below another application with CORS. Raises
        `RuntimeError` for a policy that no request would follow."""
        self._routes_its_own_way |= type(app.router) is not web.UrlDispatcher
        for resource in app.router.resources():
            info = resource.get_info()
            choosing = [resource.resolve, info["rule"].match] if "rule" in info else [resource.resolve]
            self._routes_its_own_way |= any(each.__module__ != web.Resource.__module__ for each in choosing)
            inner = info.get("app")
            if inner is None:
                for route in resource:
                    require_visible_marks(route.handler)
                    self._has_several |= is_marked(route.handler)
                continue
            has_cors = CORS_KEY in inner
            self._has_several |= has_cors
            if is_own and not has_cors:
                # Its middleware may ask its router again, and not that of the application around it.
                self._stand_before(inner.router)
            self._look_through(inner, is_own=is_own and not has_cors)


CORS_KEY = web.AppKey("CORS_KEY", CORS)


class _Governor(NamedTuple):
    """What governs a request."""

    cors: CORS  # of the innermost application that has one
    owner: object  # where the policy comes from: an application's `CORS`, a handler's own policy
    policy: Policy | PolicySource | Undecided | None

    def differs_from(self, other: "_Governor") -> bool:
        """Whether it may decide in another way. What is replaced meanwhile is still the same."""
        return self.owner is not other.owner and (self.cors is not other.cors or self.policy is not other.policy)

    def lines(self, origin: str | None) -> tuple[tuple[str, str], ...] | None:
        """Those of an actual response, where nobody has to be asked or told."""
        policy = self.policy
        return policy.lines(origin) if self.cors.door.is_silent(policy) else None

    def refused(self, origin: str, request: web.Request) -> None:
        """Take note of a refusal that was answered by shared lines."""
        assert isinstance(self.policy, Policy)
        if not self.cors.door.counts(origin, request.method):
            self.cors.door.refused(self.policy, origin, _read(request))

    def came_with_cookies(self, request: web.Request) -> None:
        """Take note of an answer by shared lines that browsers may withhold, for cookies came along."""
        policy = self.policy
        if isinstance(policy, Policy) and not policy.allow_credentials:
            self.cors.door.came_with_cookies(policy, _read(request))


class _Response:
    """What leaves for one request, whatever made it: aiohttp hands its headers to the request's writer."""

    def __init__(self, request: web.BaseRequest, origin: str | None) -> None:
        self.origin = origin
        self.governor: _Governor | None = None
        # Whatever leaves where a predicate raises grants nothing. None: it stays untouched.
        self.merge: Callable[[_Headers], _Headers] | None = _withhold
        self.is_routed = False
        self.is_unrouted = False  # a 404 or a 405, unless a middleware finds something else
        self.is_let_in = False  # only requests that the policy allows may reach the handler
        self._write = request.writer.write_headers
        request.writer.write_headers = self.write_headers  # type: ignore[method-assign]

    @staticmethod
    def of(request: web.BaseRequest) -> "_Response | None":
        """That of a request or, as a middleware may have made one, a clone of it."""
        found = getattr(request.writer.write_headers, "__self__", None)
        return found if isinstance(found, _Response) else None

    async def write_headers(self, status_line: str, headers: Any) -> None:
        """Write the status and the headers, a `CIMultiDict`, that a response leaves with."""
        if self.merge is not None:
            headers = type(headers)(self.merge([*headers.items()]))  # the application may keep its own
        await self._write(status_line, headers)


def _withhold(own: _Headers) -> _Headers:
    return merge_headers(own, Policy.refusal)


class _Answer(web.UrlMappingMatchInfo):
    """What a router answers with where the door answers the request: nothing of any application runs for it."""

    def __init__(self, decision: Decision) -> None:
        super().__init__({}, _ANSWERING)
        self.decision = decision

    def add_app(self, app: web.Application) -> None:
        """Let `request.app` be known, and none of its middleware and signals."""
        super().add_app(app)
        self._apps.clear()


async def _answer(request: web.Request) -> web.Response:
    match = request.match_info
    assert isinstance(match, _Answer)
    assert match.decision.status is not None
    return web.Response(status=match.decision.status, headers=match.decision.lines)


async def _expect_nothing(request: web.Request) -> None:
    """Ask for no body that nobody will read."""


_ANSWERING = web.ResourceRoute(hdrs.METH_ANY, _answer, web.PlainResource("/"), expect_handler=_expect_nothing)


def _read(request: web.Request) -> CORSRequest:
    """What aiohttp tells of a request."""
    raw_path = request.rel_url.raw_path.encode("utf-8", "surrogateescape")
    path = unquote_to_bytes(raw_path).decode("utf-8", "surrogateescape")
    target = request.raw_path
    names = _value(request, hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
    return CORSRequest(
        method=request.method,
        path=path,
        # Where a target has a fragment, which none should, one parser of aiohttp's cuts it off, and the other does not.
        path_is_ambiguous=path_is_ambiguous(path, target, names) or "#" in target,
        scheme=request.scheme,
        host=_value(request, hdrs.HOST) or "",
        origin=_value(request, hdrs.ORIGIN),
        request_method=_value(request, hdrs.ACCESS_CONTROL_REQUEST_METHOD),
        request_headers=names,
        fetch_site=_value(request, "Sec-Fetch-Site"),
        has_credentials=hdrs.COOKIE in request.headers or hdrs.AUTHORIZATION in request.headers,
        is_websocket="websocket" in (_value(request, hdrs.UPGRADE) or "").lower(),
        asks_with_cookies=hdrs.COOKIE in request.headers and _value(request, "Sec-Fetch-Mode") == "cors",
    )


def _value(request: web.Request, name: str) -> str | None:
    """A header's value, its lines joined (RFC 9110, 5.3): two `Origin` lines are one malformed origin."""
    lines = request.headers.getall(name, None)
    if lines is None:
        return None
    value = ",".join(lines)
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("latin-1")


# What is not an application of aiohttp's

_ELSEWHERE = {
    "flask": "corecors.adapters.flask.CORS",
    "bottle": "corecors.adapters.bottle.CORSPlugin",
    "fastapi": "corecors.adapters.starlette.CORS",
    "starlette": "corecors.adapters.starlette.CORS",
    "django": "corecors.adapters.django",
    "aiohttp": "setup_cors for the web.Application that it belongs to",
    "corecors": "setup_cors(app, policy): the application comes first",
}


def _require_aiohttp(app: object) -> None:
    if isinstance(app, web.Application):
        return
    kind = app if isclass(app) else type(app)
    frameworks = [each.__module__.partition(".")[0] for each in kind.__mro__]
    instead = next((_ELSEWHERE[each] for each in frameworks if each in _ELSEWHERE), None)
    if instead is None:
        instead = "corecors.adapters.asgi.CORSMiddleware for ASGI, corecors.adapters.wsgi.CORSMiddleware for WSGI"
    raise TypeError(f"setup_cors is for aiohttp's web.Application, not for {kind.__name__}: use {instead}")
