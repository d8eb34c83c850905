"""The aiohttp door and requests that no browser sends, byte for byte over sockets."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import attack_corpora
import pytest
from aiohttp import web
from aiohttp_client import Request, Served, answer_of, serving
from asgi_client import values

from corecors import PathPolicies, Policy, evaluate
from corecors.adapters.aiohttp import setup_cors

ORIGIN = "https://app.example.com"
POLICY = Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_headers=["X-One"], expose_headers=["X-Total"])
FROM_ORIGIN = (b"Origin", ORIGIN.encode())
ASKED_METHOD, ASKED_NAMES = b"Access-Control-Request-Method", b"Access-Control-Request-Headers"
EMPTY_CHUNK = b"0\r\n\r\n"  # and five bytes, for a request that says so many
BLANKS = " \t"  # what a server takes off around a value (RFC 9112, 5.1)


async def ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


def application(policy: Any) -> web.Application:
    app = web.Application()
    setup_cors(app, policy, rejections=None)
    app.router.add_route("*", "/{tail:.*}", ok)
    return app


def text_of(line: str) -> bytes:
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode("utf-8", "surrogatepass")


def as_read(line: bytes) -> str:
    """What a server takes for the value of a header line: all until the line's end (RFC 9112, 2.2)."""
    return line.decode("latin-1").partition("\r\n")[0].strip(BLANKS)


# The corpora


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_hostile_origin_becomes_an_allowed_one(method: str) -> None:
    policy = Policy(allow_origins=attack_corpora.ALLOW_LIST, allow_methods=["PUT"])
    asked = [(ASKED_METHOD, b"PUT")] if method == "OPTIONS" else []
    reached = granted = 0

    async def send(served: Served) -> None:
        nonlocal reached, granted
        for entry in attack_corpora.origins():
            lines = [(b"Origin", text_of(line)) for line in entry.lines]
            data = await served.send(Request(method, "/", [*asked, *lines]).encoded())
            if not data:
                assert "\r" in entry.value or len(entry.value) > 8190, entry.id  # a line that does not end
                continue
            answer = answer_of(data)
            allowed = values(answer, "access-control-allow-origin")
            if answer.status == 400:  # aiohttp reads no control characters, and no header of more than 8 KiB
                assert (allowed, entry.allowed) == ([], False), entry.id
                continue
            reached += 1
            value = ",".join(as_read(line) for _, line in lines)
            decision = evaluate(policy, method, value, "PUT" if asked else None)
            assert allowed == ([value] if decision.allowed else []), entry.id
            assert (answer.status, answer.body == b"ok") == (decision.status or 200, not asked), entry.id
            granted += decision.allowed

    asyncio.run(_with(application(policy), send))
    assert reached > 400
    assert granted >= sum(entry.allowed for entry in attack_corpora.origins())


def test_every_hostile_preflight_is_decided_as_the_core_does() -> None:
    outcomes = []
    compared = 0
    entries = attack_corpora.preflights()

    async def send_all() -> None:
        nonlocal compared
        for name, fields in attack_corpora.preflight_policies().items():
            policy = Policy(**fields)
            async with serving(application(policy)) as served:
                for entry in (each for each in entries if each.config == name):
                    lines = [(key.encode(), value.encode()) for key, value in entry.headers]
                    body = EMPTY_CHUNK if {b"Content-Length", b"Transfer-Encoding"} & dict(lines).keys() else b""
                    data = await served.send(Request(entry.method, entry.target, lines).encoded() + body)
                    answer = answer_of(data, entry.method) if data else None
                    if answer is None or answer.status == 400:
                        assert entry.outcome != "ok", entry.id
                        continue
                    got = {200: "app", 204: "ok", 403: "fail"}[answer.status]
                    if all(value == as_read(value.encode()) for _, value in entry.headers):
                        assert got == entry.outcome, entry.id
                        compared += 1
                    outcomes.append(got)

    asyncio.run(send_all())
    assert compared > 100
    assert set(outcomes) == {"app", "ok", "fail"}


async def _with(app: web.Application, use: Any) -> None:
    async with serving(app) as served:
        await use(served)


# Anything at all


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(POLICY, id="listed"),
        pytest.param(Policy(allow_origins=["*"]), id="any"),
        pytest.param(PathPolicies({"/": POLICY}), id="by path"),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00", id="NUL"),
        pytest.param(b"https://app.example.com\r\nset-cookie: a=1", id="a forged line"),
        pytest.param(b"https://app.example.com\n", id="a bare line feed"),
        pytest.param("https://äpp.example.com".encode("latin-1"), id="latin-1"),
        pytest.param("https://äpp.example.com".encode(), id="UTF-8"),
        pytest.param(b"\xff\xfe", id="no encoding's"),
        pytest.param(b"\xed\xa0\x80", id="a surrogate in UTF-8"),
        pytest.param(b"https://app.example.com" + b"," * 7000, id="7 KiB"),
        pytest.param(b"https://app.example.com" + b"," * (1 << 20), id="1 MiB"),
    ],
)
def test_no_header_value_fails_the_server(value: bytes, policy: Any) -> None:
    async def send(served: Served) -> None:
        for method, lines in (
            ("GET", [(b"Origin", value)]),
            ("OPTIONS", [(b"Origin", value), (ASKED_METHOD, b"PUT")]),
            ("OPTIONS", [FROM_ORIGIN, (ASKED_METHOD, value)]),
            ("OPTIONS", [FROM_ORIGIN, (ASKED_METHOD, b"PUT"), (ASKED_NAMES, value)]),
            ("GET", [(b"Sec-Fetch-Site", value), (b"Upgrade", value), FROM_ORIGIN]),
        ):
            data = await served.send(Request(method, "/", lines).encoded())
            if len(value) > 8190 and not data:
                continue  # aiohttp reads no more of it
            answer = answer_of(data)
            assert answer.status in (200, 204, 400, 403)
            for name, sent in answer.headers:
                assert sent in ("*", ORIGIN) or name != "Access-Control-Allow-Origin"
                assert sent.isprintable()
                assert len(sent) < 500
            assert values(answer, "set-cookie") == []
        assert (await served.ask("GET", "/", [FROM_ORIGIN])).status == 200

    asyncio.run(_with(application(policy), send))


@pytest.mark.parametrize(
    ("target", "governed"),
    [
        pytest.param(b"*", False, id="asterisk"),
        pytest.param(b"http://127.0.0.1", False, id="a URL without a path"),
        pytest.param(b"http://evil.test/api/x", True, id="a URL of another host"),
        pytest.param(b"http://evil.test/x/../api", False, id="a URL with a dot segment"),
        pytest.param(b"//evil.test/api", False, id="two slashes"),
        pytest.param(b"/api/\xff", False, id="a raw byte"),
        pytest.param(b"/api/%", True, id="half an escape"),
        pytest.param(b"/%", False, id="half an escape elsewhere"),
        pytest.param(b"/api%00", False, id="NUL after the segment"),
        pytest.param(b"/" + b"%2e%2e%2f" * 500 + b"api", False, id="500 dot segments"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_target_gets_a_policy_that_is_not_meant_for_it(method: str, target: bytes, governed: bool) -> None:
    async def send(served: Served) -> None:
        data = await served.send(Request(method, target, [FROM_ORIGIN, (ASKED_METHOD, b"PUT")]).encoded())
        answer = answer_of(data)
        assert answer.status in ((200, 204) if governed else (200, 400, 403, 404))
        assert values(answer, "access-control-allow-origin") == [ORIGIN] * governed

    asyncio.run(_with(application(PathPolicies({"/api": POLICY}, default=Policy())), send))


# Bounds


def test_a_hundred_megabytes_stream_through_in_flat_memory() -> None:
    piece, pieces = bytes(1 << 16), 1600
    total = 0

    async def streams(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(pieces):
            await response.write(piece)
        return response

    async def received(served: Served) -> AsyncIterator[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(Request("GET", "/", [FROM_ORIGIN]).encoded())
        while data := await reader.read(1 << 16):
            yield data
        writer.close()

    async def drain(served: Served) -> None:
        nonlocal total
        async for data in received(served):
            total += len(data)

    app = web.Application()
    setup_cors(app, POLICY)
    app.router.add_get("/", streams)
    tracemalloc.start()
    try:
        asyncio.run(_with(app, drain))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > pieces * len(piece)
    assert peak < 5 << 20


def test_requests_by_the_thousands_leave_nothing_behind() -> None:
    async def ask(served: Served, first: int, last: int) -> None:
        origins = [b"https://n%d.example.com" % number for number in range(first, last)]
        data = b"".join(Request("GET", "/", [(b"Origin", origin)]).encoded() for origin in origins)
        await served.send(data.replace(b"Connection: close\r\n", b"", data.count(b"close") - 1))

    async def measure(served: Served) -> int:
        await ask(served, 0, 500)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for number in range(1, 5):
                await ask(served, number * 500, (number + 1) * 500)
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()

    async def serve() -> int:
        async with serving(application(Policy(allow_origins=["https://*.example.com"]))) as served:
            return await measure(served)

    assert asyncio.run(serve()) < 1 << 20
