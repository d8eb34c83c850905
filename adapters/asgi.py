"""CORS around any ASGI 3 application.

    app = CORSMiddleware(app, Policy(allow_origins=["https://app.example.com"]))

Preflights are answered here, and a WebSocket handshake that may not be is refused before the application accepts it.
Every other request reaches the application, and every response that it starts gets the policy's headers. What is
decided, and every header, comes from the core.

Facts
-----
Header names in a scope ought to be lower case, yet not every server and test client sends them so, and an application's
are spelled as its framework likes. They are compared without regard to case here, and sent in lower case.
https://asgi.readthedocs.io/en/latest/specs/www.html
Several lines of one name are one value, joined by commas (RFC 9110, 5.3): two `Origin` lines are one malformed origin.
`path` is percent-decoded once; `raw_path`, where a server has it, is what was sent.
`path` ought to contain `root_path`, and does so with uvicorn. Other servers, and FastAPI behind a proxy that strips a
prefix, leave it out; and frameworks take both for the same path.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from inspect import Parameter, signature
from itertools import product
from logging import getLogger
from types import EllipsisType
from typing import Any, Final, Never

from corecors import (
    CORSRequest,
    Decision,
    Door,
    Policy,
    PolicySource,
    RejectionLog,
    foreign_call_error,
    merge_headers,
    path_is_ambiguous,
    unrelated_headers,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Lines = tuple[tuple[str, str], ...]
ByteLines = list[tuple[bytes, bytes]]
Merge = Callable[[list[tuple[str, str]]], list[tuple[str, str]]]

MISSING: Any = object()  # no policy was given

MAX_HASHED: Final = 512  # no origin is longer
MAX_REMEMBERED = 1024  # encoded answers, some 600 bytes each
MAX_KNOWN_NAMES = 1024  # of response headers; an application has a few dozen
# Every spelling of one name, so that a single look-up compares without regard to case. Each request pays for it once a
# header: measured by `python -m benchmarks asgi`.
_ORIGIN = frozenset(bytes(letters) for letters in product(*zip(b"origin", b"ORIGIN", strict=True)))
_COOKIES = frozenset(bytes(letters) for letters in product(*zip(b"cookie", b"COOKIE", strict=True)))
_ORIGIN_NAME: Final = b"origin"
_METHOD_NAME: Final = b"access-control-request-method"
_NAMES_NAME: Final = b"access-control-request-headers"
_PREFLIGHT_NAMES: Final = frozenset((_ORIGIN_NAME, _METHOD_NAME, _NAMES_NAME))
_PREFLIGHT_LENGTHS: Final = frozenset(map(len, _PREFLIGHT_NAMES))
_READ = _PREFLIGHT_NAMES | {b"host", b"sec-fetch-site", b"sec-fetch-mode"}
_COOKIE = b"cookie"
_CREDENTIALS = frozenset((_COOKIE, b"authorization"))
_REFUSAL: Final = Policy.refusal
_Serving = tuple[Any, "RememberedLines | None", frozenset[bytes], Any, Any]
_SCHEMES = {"ws": "http", "wss": "https"}  # a page's origin never has these
_unrelated: Final[set[bytes]] = set()  # response header names, in lower case, that were seen to be none of ours


class CORSMiddleware:
    """An ASGI application that answers for `app` under `policy`.

    policy: a `Policy`, or what chooses one for each request, such as `PathPolicies`. May be replaced while serving:
        each request sees the old one or the new one, never both.
    on_decision: called with each request's `Decision` and its `CORSRequest`, for metrics. What it raises goes no
        further.
    report_only: a policy, or a source of policies, that decides nothing; where a browser would notice a difference, it
        is logged.
    block_disallowed: answer a cross-origin request from an origin that is not allowed with 403, instead of letting the
        application run and leaving it to the browser to withhold the response.
    check_websockets: refuse WebSocket handshakes of origins that are neither allowed nor the server's own.
    own_origins: the server's own origins, where a proxy rewrites `Host`.
    rejections: the log of rejected requests, by default one of this application; None for no log.

    A predicate may be async: it is awaited at most once a request, and only for an origin that nothing else allows. One
    that is not is called in the event loop, and must not block. Raises `TypeError` for an application of another kind.
    Where none of `on_decision`, `report_only` and `block_disallowed` is given, a plain policy is served from the lines
    that it remembers.
    """

    def __init__(
        self,
        app: Application,
        policy: Policy | PolicySource = MISSING,
        *,
        on_decision: Callable[[Decision, CORSRequest], object] | None = None,
        report_only: Policy | PolicySource | None = None,
        block_disallowed: bool = False,
        check_websockets: bool = True,
        own_origins: Iterable[str] = (),
        rejections: RejectionLog | EllipsisType | None = ...,
        **unknown: Never,
    ) -> None:
        require_policy("CORSMiddleware", policy, unknown)
        require_asgi(app)
        self.app = app
        self._door = Door(
            on_decision=on_decision,
            report_only=report_only,
            block_disallowed=block_disallowed,
            check_websockets=check_websockets,
            own_origins=own_origins,
            rejections=rejections,
            asks_async=True,
        )
        self._has_looked = False
        kind: type = type(app)
        self._is_fastapi = any(each.__module__ == "fastapi.applications" for each in kind.__mro__)
        self._serving: _Serving = policy, None, _ORIGIN, None, None
        self.policy = policy

    @property
    def policy(self) -> Policy | PolicySource:
        """The policy in force."""
        policy: Policy | PolicySource = self._serving[0]
        return policy

    @policy.setter
    def policy(self, policy: Policy | PolicySource) -> None:
        self._door.check_policy(policy)
        lines_of = RememberedLines.of(policy, self._door)
        # One assignment: a request reads all or nothing of it.
        if lines_of is None:
            self._replace((policy, None, _ORIGIN, None, None))
        else:
            self._replace((policy, lines_of, lines_of.by, lines_of.remembered.get, lines_of.unknown))

    def _replace(self, serving: "_Serving") -> "_Serving":
        """Serve so from now on; what was served is handed back.

        Compiled code lets go of what an attribute had before it sets it: the end of a policy may run code of the
        application's, and a request that is served meanwhile would read what is no longer there.
        """
        before = self._serving
        self._serving = serving
        return before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Once: a policy that is replaced meanwhile does not divide this request.
        policy, lines_of, by, remembered, unknown = self._serving
        if lines_of is None or scope["type"] != "http" or (method := scope["method"]) == "OPTIONS":
            return await self._serve(policy, lines_of, scope, receive, send)
        if not self._has_looked:
            self._look_around(scope)
        # RememberedLines.for_scope, without the price of a call.
        found = None
        for line in scope["headers"]:
            if line[0] in by:
                found = line[1] if found is None else b"%b,%b" % (found, line[1])
        if found is None:
            lines = lines_of.without
        elif len(found) > MAX_HASHED:
            lines = lines_of.work_out(found, scope)
        else:
            known: Remembered = remembered(found, unknown)
            lines, kind = known.lines, known.kind
            if kind is not None:
                left = kind.left
                if left and method == "GET":
                    kind.left = left - 1
                else:
                    lines = lines_of.work_out(found, scope)

        # Made for each request: bare of annotations, which would be evaluated each time, and with defaults instead of
        # closure cells, which are slower. The loop is add_lines' own.
        def start(message, send=send, lines=lines):  # type: ignore[no-untyped-def]
            if message["type"] == "http.response.start":
                try:
                    headers = message["headers"]
                except KeyError:
                    headers = []
                if type(headers) is not list:
                    headers = [*headers]
                for line in headers:
                    if line[0] not in _unrelated:
                        headers = add_lines(headers, lines)
                        break
                else:
                    headers = headers + lines
                message = {**message}  # {**message, "headers": headers} makes two
                message["headers"] = headers
            return send(message)

        await self.app(scope, receive, start)

    async def _serve(
        self,
        policy: Policy | PolicySource,
        lines_of: "RememberedLines | None",
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)  # lifespan, and whatever comes next
        if not self._has_looked:
            self._look_around(scope)
        if lines_of is not None and scope["type"] == "http" and await lines_of.answers_preflight(scope, send):
            return None
        # FastAPI writes one of its own over the server's; elsewhere `root_path` may be anything, such as a directory.
        mount: str = self.app.root_path if self._is_fastapi else ""  # type: ignore[attr-defined]
        decision = await self._door.decide_async(policy, read_request(scope, mount))
        return await carry_out(decision, self.app, scope, receive, send)

    def _look_around(self, scope: Scope) -> None:
        """Say once what cannot be covered from within the middleware of a Starlette or FastAPI application."""
        self._has_looked = True
        around = scope.get("app")
        if any(getattr(entry, "cls", None) is type(self) for entry in getattr(around, "user_middleware", ())):
            getLogger("corecors").warning(
                "CORSMiddleware was added to %s by add_middleware: what answers outside of it gets no CORS headers: the"
                " response to an exception that nothing handles (500), and middleware that was added after it."
                " corecors.adapters.starlette.CORS(app, policy) covers everything, in any order.",
                type(around).__name__,
            )


class Remembered:
    """Encoded header lines; of a refusal also its kind, so that one look-up finds it and counts it."""

    __slots__ = ("kind", "lines")

    def __init__(self, lines: ByteLines, door: Door, is_refusal: bool = False) -> None:
        self.lines: ByteLines = lines
        self.kind: Any = door.unknown if is_refusal else None


class RememberedLines:
    """The encoded lines of actual responses under a policy that can be served without a `Decision`: nothing but its
    text decides, and nobody has to be told. A refusal is remembered where the log knows its kind, which are few.

    by: the spellings of the header that is looked for: `Origin`. Where every origin gets the same answer it is
        `Cookie`, for cookies may make that answer one that browsers withhold, and that is told.
    without: the lines where that header is missing.
    remembered: what is remembered by that header's value, which is hashed up to a length of `MAX_HASHED`.
    unknown: instead of what is not remembered.
    """

    def __init__(self, policy: Policy, door: Door) -> None:
        self._policy = policy
        self._door = door
        self.by: frozenset[bytes] = _COOKIES if policy.allows_any_origin else _ORIGIN
        self.without: ByteLines = _encoded(policy.lines_without_origin)
        self.unknown: Remembered = Remembered(_encoded(_REFUSAL), door, is_refusal=True)
        self._listed: dict[bytes, Remembered] = {}
        if policy.unremembered_lines is _REFUSAL:
            for origin in (*policy.allow_origins, "null"):
                lines = policy.lines(origin)
                if lines is not None and lines is not _REFUSAL:
                    self._listed[origin.encode()] = Remembered(_encoded(lines), door)
        self.remembered: dict[bytes, Remembered] = self._listed.copy()

    @classmethod
    def of(cls, policy: object, door: Door) -> "RememberedLines | None":
        """None where a policy cannot be served so."""
        return cls(policy, door) if door.is_silent(policy) else None

    def for_scope(self, scope: Scope) -> ByteLines:
        """The lines of the response to a request that is not a preflight. Shared: nobody may change them."""
        found: bytes | None = None
        by = self.by
        for name, value in scope["headers"]:
            if name in by:
                found = value if found is None else b"%b,%b" % (found, value)
        if found is None:
            return self.without
        known = self.remembered.get(found) if len(found) <= MAX_HASHED else None
        return self.work_out(found, scope) if known is None or known.kind is not None else known.lines

    def work_out(self, found: bytes, scope: Scope) -> ByteLines:
        """The same for what is not remembered, or has to be counted; `found` is the value of the header that is looked
        for."""
        if self.by is _COOKIES:
            request = read_request(scope)
            if request.asks_with_cookies:
                self._door.came_with_cookies(self._policy, request)
            return self.without
        door, is_short = self._door, len(found) <= MAX_HASHED
        known = self.remembered.get(found) if is_short else None
        if known is None:
            lines = self._policy.lines(found[: MAX_HASHED + 1].decode("latin-1"))
            assert lines is not None  # only a predicate leaves it open
            known = self.unknown if lines is _REFUSAL else Remembered(_encoded(lines), door)
        if known.kind is not None:
            if not door.counts(found, scope["method"]):
                door.refused(self._policy, found, read_request(scope))
            kind = door.known(found, door.unknown) if is_short else door.unknown
            if kind is door.unknown:
                return known.lines
            if known is self.unknown:
                known = Remembered(known.lines, door)
            known.kind = kind
        if found not in self.remembered:
            if len(self.remembered) >= len(self._listed) + MAX_REMEMBERED:
                self.remembered.clear()
                self.remembered.update(self._listed)
            self.remembered[found] = known
        return known.lines

    async def answers_preflight(self, scope: Scope, send: Send) -> bool:
        """Answer a preflight; False for a request that is something else."""
        asked: dict[bytes, bytes] = {}
        for spelled, value in scope["headers"]:
            if len(spelled) in _PREFLIGHT_LENGTHS and (name := spelled.lower()) in _PREFLIGHT_NAMES:
                asked[name] = b"%b,%b" % (asked[name], value) if name in asked else value
        if scope["method"] != "OPTIONS" or _ORIGIN_NAME not in asked or _METHOD_NAME not in asked:
            return False
        policy = self._policy
        origin, method = asked[_ORIGIN_NAME].decode("latin-1"), asked[_METHOD_NAME].decode("latin-1")
        names = asked[_NAMES_NAME].decode("latin-1") if _NAMES_NAME in asked else None
        lines, status = policy.preflight_lines(origin, method, names), policy.preflight_status
        if lines is None:
            lines, status = policy.preflight_refusal, 403
            self._door.refused_preflight(policy, origin, method, names, read_request, scope)
        await answer(send, status, lines)
        return True


async def carry_out(decision: Decision | None, app: Application, scope: Scope, receive: Receive, send: Send) -> None:
    """Do what was decided about a request: answer it, or let `app`, its response covered. None: leave it alone."""
    if decision is None or (decision.status is None and scope["type"] == "websocket"):
        await app(scope, receive, send)
    elif decision.status is None:
        await app(scope, receive, covering(send, decision.merge))
    elif scope["type"] == "websocket":
        await refuse_handshake(scope, receive, send, decision)
    else:
        await answer(send, decision.status, decision.lines)


def covering(send: Send, merge: Merge) -> Send:
    """A `send` that merges its lines into the start of a response, and hands on whatever else comes."""

    def start(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message = covered(message, merge)
        return send(message)

    return start


def covered(message: Message, merge: Merge) -> Message:
    """The start of a response with merged header lines: a new message, for the application may keep its own."""
    return {**message, "headers": _merged(message.get("headers", ()), merge)}


async def answer(send: Send, status: int, lines: Lines, kind: str = "http.response") -> None:
    """Answer with an empty body. Nothing of the request is read."""
    headers = _encoded(lines)
    if status != 204:  # which has no body, and says nothing of its length (RFC 9110, 8.6)
        headers.append((b"content-length", b"0"))
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": b""})


async def refuse_handshake(scope: Scope, receive: Receive, send: Send, decision: Decision) -> None:
    """Refuse a WebSocket before it is accepted: with the decision's status where the server can send one. Without the
    extension closing is what can be said, which servers answer with 403."""
    if (await receive())["type"] != "websocket.connect":
        return  # it is gone already
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await answer(send, decision.status or 403, decision.lines, "websocket.http.response")
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": ""})


def read_request(scope: Scope, mount: str = "") -> CORSRequest:
    """What a scope says of a request: one pass over its headers. `mount`: what the application is going to write as
    `root_path`."""
    values: dict[bytes, bytes] = {}
    has_credentials = has_cookies = False
    for spelled, value in scope.get("headers", ()):
        name = spelled.lower()
        if name in _READ:
            values[name] = b"%b,%b" % (values[name], value) if name in values else value
        elif name in _CREDENTIALS:
            has_credentials = True
            has_cookies = has_cookies or name == _COOKIE
    text = {name: value.decode("latin-1") for name, value in values.items()}
    path: str = scope.get("path", "")
    scheme: str = scope.get("scheme", "http")
    names = text.get(b"access-control-request-headers")
    return CORSRequest(
        method=scope.get("method", "GET"),  # a handshake is one (RFC 6455, 4.1)
        path=path,
        path_is_ambiguous=path_is_ambiguous(path, (scope.get("raw_path") or b"").decode("latin-1"), names),
        scheme=_SCHEMES.get(scheme, scheme),
        host=text.get(b"host", ""),
        origin=text.get(b"origin"),
        request_method=text.get(b"access-control-request-method"),
        request_headers=names,
        fetch_site=text.get(b"sec-fetch-site"),
        has_credentials=has_credentials,
        is_websocket=scope["type"] == "websocket",
        asks_with_cookies=has_cookies and text.get(b"sec-fetch-mode") == "cors",
        mount=mount or scope.get("root_path") or "",
    )


def _encoded(lines: Iterable[tuple[str, str]]) -> ByteLines:
    return [(name.encode("latin-1").lower(), value.encode("latin-1")) for name, value in lines]


def _decoded(lines: Iterable[Sequence[bytes]]) -> list[tuple[str, str]]:
    return [(str(line[0], "latin-1"), str(line[1], "latin-1")) for line in lines]


def add_lines(headers: list[Any], lines: ByteLines) -> ByteLines:
    """A response's own header lines, which may be any pairs, with those of a policy. A new list."""
    for line in headers:
        if line[0] not in _unrelated:
            return _merged(headers, lambda own: merge_headers(own, _decoded(lines)))
    return headers + lines


def _merged(headers: Iterable[Sequence[bytes]], merge: Merge) -> ByteLines:
    own = _decoded(headers)
    merged = merge(own)
    for name, _ in own:
        if name in unrelated_headers and name.islower():
            if len(_unrelated) >= MAX_KNOWN_NAMES:
                _unrelated.clear()
            _unrelated.add(name.encode("latin-1"))
    return _encoded(merged)


# What a callable of another kind takes, and which door serves it.
_OTHER_DOORS = {
    "flask": "corecors.adapters.flask.CORS",
    "bottle": "corecors.adapters.bottle.CORSPlugin",
    "aiohttp": "corecors.adapters.aiohttp.setup_cors",
}


def require_policy(caller: str, policy: object, unknown: Iterable[str]) -> None:
    """Raise `TypeError`, which says what to write, for a call in the words of another library."""
    if unknown:
        raise foreign_call_error(caller, unknown)
    if policy is MISSING:
        raise TypeError(f"{caller} needs a policy: write {caller}(app, Policy(allow_origins=[...]))")


def require_asgi(app: object) -> None:
    """Raise `TypeError`, which names the right door, for what cannot be called as an ASGI 3 application is."""
    kind = type(app).__name__
    framework = type(app).__module__.partition(".")[0]
    if framework in _OTHER_DOORS:
        raise TypeError(f"{kind} is not an ASGI application: use {_OTHER_DOORS[framework]}")
    if not callable(app):
        raise TypeError(f"{kind} is not an ASGI application: it cannot be called")
    if _takes(app, 3):
        return
    if _takes(app, 2):
        raise TypeError(f"{kind} is a WSGI application: use corecors.adapters.wsgi.CORSMiddleware")
    if _takes(app, 1):
        raise TypeError(f"{kind} is an ASGI 2 application: make it one of ASGI 3 first, by asgiref.compatibility")
    raise TypeError(f"{kind} is not an ASGI application: it takes no scope, receive and send")


def _takes(app: Callable[..., object], count: int) -> bool:
    """Whether `app` can be called with that many values; True where nobody can tell."""
    try:
        signature(app).bind(*(Parameter.empty,) * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
