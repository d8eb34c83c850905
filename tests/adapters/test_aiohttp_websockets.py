"""Handshakes of WebSockets in aiohttp: from the server's own pages, from allowed and foreign ones, and from none."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web
from aiohttp_client import Request, answer_of, serving
from asgi_client import values

from corecors import UNDECIDED, CORSRequest, Decision, Kind, PathPolicies, Policy, Reason
from corecors.adapters.aiohttp import cross_origin, setup_cors

ORIGIN = "https://app.example.com"
STRANGER = "https://stranger.example.com"
HOST = "api.example.com"
POLICY = Policy(allow_origins=[ORIGIN], allow_credentials=True)
OPEN = Policy(allow_origins=["*"])
COOKIE = ("Cookie", "session=1")
Headers = tuple[tuple[str, str], ...]
UPGRADE = (
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
)


def lines(origin: str | None = None, *more: tuple[str, str]) -> Headers:
    return (("Host", HOST), *((("Origin", origin),) if origin is not None else ()), *more)


async def echo(request: web.Request) -> web.WebSocketResponse:
    request.config_dict[REACHED].append(request.path)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


REACHED = web.AppKey("REACHED", list)


def application(policy: Any = POLICY, handler: Any = echo, **options: Any) -> web.Application:
    app = web.Application()
    app[REACHED] = []
    setup_cors(app, policy, **options)
    app.router.add_get("/ws", handler)
    return app


def shake(app: web.Application, headers: Headers, upgrade: Headers = UPGRADE) -> tuple[int, bytes, list[str]]:
    """The status and the head of what comes back, and the paths whose handler ran."""

    async def talk() -> bytes:
        async with serving(app) as served:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(Request("GET", "/ws", [*headers, *upgrade]).encoded())
            try:
                return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            finally:
                writer.close()

    head = asyncio.run(talk())
    return int(head.split()[1]), head, app[REACHED]


@pytest.mark.parametrize(
    ("policy", "headers", "accepted"),
    [
        pytest.param(POLICY, lines(ORIGIN), True, id="allowed"),
        pytest.param(POLICY, lines(ORIGIN, COOKIE), True, id="allowed, with a cookie, and credentials are"),
        pytest.param(POLICY, lines(), True, id="no origin: not a browser"),
        pytest.param(POLICY, lines(None, COOKIE), True, id="no origin, with a cookie"),
        pytest.param(POLICY, lines(f"http://{HOST}"), True, id="the server's own"),
        pytest.param(POLICY, lines(f"https://{HOST}", COOKIE), True, id="its own, behind a proxy that ends TLS"),
        pytest.param(POLICY, lines(STRANGER, ("Sec-Fetch-Site", "same-origin")), True, id="own by Sec-Fetch-Site"),
        pytest.param(POLICY, lines(STRANGER), False, id="foreign"),
        pytest.param(POLICY, lines(STRANGER, COOKIE), False, id="foreign, with a cookie"),
        pytest.param(POLICY, lines("null"), False, id="null"),
        pytest.param(POLICY, lines(f"https://{HOST}:8443"), False, id="the server's host on another port"),
        pytest.param(POLICY, lines(f"https://{HOST}@evil.test"), False, id="the server's host as userinfo"),
        pytest.param(POLICY, (("Origin", ORIGIN), *lines(STRANGER)), False, id="two origins"),
        pytest.param(OPEN, lines(STRANGER), True, id="anyone, without a cookie"),
        pytest.param(OPEN, lines(STRANGER, COOKIE), False, id="anyone, with a cookie"),
        pytest.param(OPEN, lines(STRANGER, ("Authorization", "x")), False, id="anyone, with Authorization"),
        pytest.param(Policy(allow_origins=[ORIGIN]), lines(ORIGIN, COOKIE), False, id="listed without credentials"),
        pytest.param(PathPolicies({"/ws": POLICY}), lines(STRANGER), False, id="foreign, by path"),
    ],
)
def test_a_handshake_that_is_not_admitted_never_reaches_the_application(
    policy: Any, headers: Headers, accepted: bool
) -> None:
    told: list[tuple[Kind, bool]] = []

    def note(decision: Decision, request: CORSRequest) -> None:
        told.append((decision.kind, decision.allowed))

    status, head, reached = shake(application(policy, on_decision=note), headers)
    assert (status, reached) == ((101, ["/ws"]) if accepted else (403, []))
    assert b"access-control-" not in head.lower()
    assert b"\r\nVary: Origin\r\n" in head
    assert told == [(Kind.WEBSOCKET, accepted)]


@pytest.mark.parametrize(
    "upgrade",
    [
        pytest.param((("upgrade", "WebSocket"), *UPGRADE[1:]), id="in another case"),
        pytest.param((("Upgrade", " websocket "), *UPGRADE[1:]), id="with blanks"),
        pytest.param((("Upgrade", "h2c, websocket"), *UPGRADE[1:]), id="in a list"),
        pytest.param((("Upgrade", "h2c"), *UPGRADE), id="in a second line"),
    ],
)
def test_a_handshake_is_known_however_it_is_written(upgrade: Headers) -> None:
    status, _, reached = shake(application(), lines(STRANGER), upgrade)
    assert (status, reached) == (403, [])


def test_a_refused_handshake_is_logged_and_names_own_origins(caplog: pytest.LogCaptureFixture) -> None:
    shake(application(), lines(STRANGER))
    [record] = [record for record in caplog.records if record.name == "corecors"]
    assert "WebSocket" in record.getMessage()
    assert "own_origins" in record.getMessage()


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(lambda: application(check_websockets=False), id="by the option"),
        pytest.param(lambda: application(PathPolicies({"/ws": None})), id="by path"),
    ],
)
def test_handshakes_can_be_left_to_the_application(app: Any) -> None:
    status, head, _ = shake(app(), lines(STRANGER, COOKIE))
    assert status == 101
    assert b"vary" not in head.lower()


def test_own_origins_come_in_behind_a_proxy_that_rewrites_host() -> None:
    app = application(own_origins=["https://public.example.com"])
    assert shake(app, lines("https://public.example.com", COOKIE))[0] == 101


@pytest.mark.parametrize(("origin", "status"), [(ORIGIN, 403), (STRANGER, 101)])
def test_a_handshake_is_admitted_by_the_policy_of_its_handler(origin: str, status: int) -> None:
    async def own(request: web.Request) -> web.WebSocketResponse:
        return await echo(request)

    app = application(POLICY, cross_origin(Policy(allow_origins=[STRANGER]))(own))
    assert shake(app, lines(origin))[0] == status


@pytest.mark.parametrize(
    ("own", "accepted"),
    [
        pytest.param(POLICY, True, id="the same policy"),
        pytest.param(Policy(allow_origins=[ORIGIN, STRANGER]), False, id="another policy"),
    ],
)
def test_a_handshake_is_not_accepted_by_a_handler_with_another_policy_than_it_was_admitted_by(
    own: Policy, accepted: bool
) -> None:
    @web.middleware
    async def rewrites(request: web.Request, handler: Any) -> web.StreamResponse:
        clone = request.clone(rel_url="/private")
        found = await request.app.router.resolve(clone)
        return await found.handler(clone)

    @cross_origin(own)
    async def private(request: web.Request) -> web.WebSocketResponse:
        return await echo(request)

    app = application()
    app.middlewares.append(rewrites)
    app.router.add_get("/private", private)
    status, _, reached = shake(app, lines(ORIGIN))
    assert (status, reached) == ((101, ["/private"]) if accepted else (403, []))


def test_aiohttps_own_client_talks_to_what_admits_it_and_is_told_no_by_what_does_not() -> None:
    async def talk(origin: str) -> Any:
        async with serving(application()) as served, ClientSession() as session:
            url = f"ws://127.0.0.1:{served.port}/ws"
            try:
                async with session.ws_connect(url, origin=origin) as socket:
                    await socket.send_str("hello")
                    message = await socket.receive(10)
                    assert message.type is WSMsgType.TEXT
                    return message.data
            except WSServerHandshakeError as error:
                return error.status

    assert asyncio.run(talk(ORIGIN)) == "HELLO"
    assert asyncio.run(talk(STRANGER)) == 403


def test_a_connection_serves_on_after_a_handshake_was_refused() -> None:
    async def talk() -> bytes:
        app = application()
        async with serving(app) as served:
            refused = Request("GET", "/ws", [*lines(STRANGER), *UPGRADE]).encoded()
            return await served.send(refused + Request("GET", "/nowhere", lines(ORIGIN)).encoded())

    data = asyncio.run(talk())
    first, second = data.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"403 ")
    assert second.startswith(b"404 ")
    assert values(answer_of(b"HTTP/1.1 " + second), "access-control-allow-origin") == [ORIGIN]


def test_where_it_cannot_be_told_a_foreign_handshake_is_refused() -> None:
    told: list[Reason] = []

    class Cannot:
        def policy_for(self, request: CORSRequest) -> Any:
            return UNDECIDED

    app = application(Cannot(), on_decision=lambda decision, request: told.append(decision.reason))
    assert shake(app, lines(ORIGIN))[0] == 403
    assert told == [Reason.UNDECIDED]
