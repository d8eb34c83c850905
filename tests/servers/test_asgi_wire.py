"""The ASGI door over real connections, in raw bytes: hostile origins, doubled headers, WebSockets, a large stream."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator

import attack_corpora
import pytest
from attack_corpora import ALLOW_LIST

from corecors import evaluate
from servers.asgi_servers import ASGI_SERVERS, AsgiServerKind
from servers.availability import leave_out
from servers.http_connection import Connection, MalformedAnswer, request
from servers.processes import Server
from servers.served_asgi_wire import PIECE, PIECES, POLICY, SEEN
from servers.truth import cors_headers, expected_headers, vary
from servers.wire_cases import ASKED_METHOD

ALLOWED, EVIL = ALLOW_LIST[0], "https://evil.test"
HTTP_1 = [kind for kind in ASGI_SERVERS if not kind.speaks_http2]


@pytest.fixture(scope="module", params=[pytest.param(kind, id=kind.name) for kind in HTTP_1])
def kind(request: pytest.FixtureRequest) -> AsgiServerKind:
    found: AsgiServerKind = request.param
    if missing := found.missing():
        leave_out(f"{found.name} needs {missing}, which is not installed")
    return found


@pytest.fixture(scope="module")
def wire(kind: AsgiServerKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with kind.serving("servers.served_asgi_wire:application", tmp_path_factory.mktemp(kind.name)) as server:
        yield server


ORIGINS = [entry for entry in attack_corpora.origins() if attack_corpora.is_latin_1(*entry.lines)]


@pytest.mark.parametrize("method", [pytest.param("GET", id="actual"), pytest.param("OPTIONS", id="preflight")])
def test_no_hostile_origin_becomes_an_allowed_one(wire: Server, method: str) -> None:
    """What the server takes for the value is told by the answer, and that decides."""
    reached, granted, wrong = 0, 0, []
    for entry in ORIGINS:
        asked = [(ASKED_METHOD, "PUT")] if method == "OPTIONS" else []
        with Connection(wire.port) as connection:
            connection.send(request(method, "/", [*asked, *(("Origin", line) for line in entry.lines)]))
            if re.search("\r(?!\n)", entry.value):
                connection.finish()  # a server may wait for the rest of a line that ends so
            try:
                answer = connection.receive(method)
            except (MalformedAnswer, ConnectionResetError):
                continue
        if answer.header(SEEN) is None:
            assert 400 <= answer.status < 500
            assert cors_headers(answer) == {}
            continue
        reached += 1
        origins = json.loads(str(answer.header(SEEN)))
        value = ",".join("x" * found if isinstance(found, int) else found for found in origins)
        decision = evaluate(POLICY, method, value if origins else None, "PUT" if method == "OPTIONS" else None)
        granted += decision.allowed
        if cors_headers(answer) != expected_headers(decision) or "origin" not in vary(answer):
            wrong.append(f"{entry.id}: {cors_headers(answer)} instead of {expected_headers(decision)}")
    assert wrong == []
    assert reached > 400, "most of them are well-formed requests, and reach the core"
    assert granted >= sum(entry.allowed for entry in ORIGINS)


@pytest.mark.parametrize("names", [("Origin", "Origin"), ("origin", "ORIGIN"), ("ORIGIN", "oRiGiN")])
@pytest.mark.parametrize("values", [(ALLOWED, EVIL), (EVIL, ALLOWED), (ALLOWED, ALLOWED)])
def test_two_lines_of_origin_are_never_allowed(wire: Server, names: tuple[str, str], values: tuple[str, str]) -> None:
    lines = list(zip(names, values, strict=True))
    for method, more in (("GET", []), ("OPTIONS", [(ASKED_METHOD, "PUT")])):
        with Connection(wire.port) as connection:
            answer = connection.exchange(request(method, "/", [*lines, *more]))
        assert "access-control-allow-origin" not in cors_headers(answer)


@pytest.mark.parametrize("name", ["Origin", "origin", "ORIGIN", "oRiGiN"])
def test_a_header_name_in_any_case_is_read(wire: Server, name: str) -> None:
    with Connection(wire.port) as connection:
        answer = connection.exchange(request("GET", "/", [(name, ALLOWED)]))
    assert cors_headers(answer)["access-control-allow-origin"] == ALLOWED
    assert vary(answer) == ["accept-encoding", "origin"]


# WebSockets


def shake_hands(port: int, *headers: tuple[str, str]) -> int:
    """The status of the answer to a WebSocket's handshake."""
    asked = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        *headers,
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request("GET", "/ws", asked))
        received = b""
        while b"\r\n" not in received:
            piece = connection.recv(4096)
            assert piece, "the connection ended without an answer"
            received += piece
    return int(received.split()[1])


def handshakes_that_reached(port: int) -> int:
    with Connection(port) as connection:
        found: int = json.loads(connection.exchange(request("GET", "/")).body)["reached"]
    return found


COOKIE = ("Cookie", "session=1")


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        pytest.param((), True, id="no origin"),
        pytest.param((("Origin", ALLOWED),), True, id="allowed"),
        pytest.param((("Origin", ALLOWED), COOKIE), True, id="allowed, with a cookie"),
        pytest.param((("Origin", "http://localhost"),), True, id="the server's own"),
        pytest.param((("Origin", EVIL),), False, id="foreign"),
        pytest.param((("Origin", EVIL), COOKIE), False, id="foreign, with a cookie"),
        pytest.param((("Origin", "null"),), False, id="null"),
        pytest.param((("Origin", ALLOWED), ("Origin", EVIL)), False, id="two origins"),
        pytest.param((("oRIGIN", EVIL),), False, id="foreign, the name in another case"),
        pytest.param((("Origin", "http://localhost@evil.test"),), False, id="the server's host as userinfo"),
    ],
)
def test_a_foreign_handshake_is_403_and_never_reaches_the_application(
    wire: Server, headers: tuple[tuple[str, str], ...], accepted: bool
) -> None:
    before = handshakes_that_reached(wire.port)
    status = shake_hands(wire.port, *headers)
    if accepted:
        assert status == 101
    else:
        assert status in (400, 403)  # 400: a server that refuses the doubled header itself
    assert handshakes_that_reached(wire.port) - before == accepted


# Streams


def test_a_hundred_megabytes_stream_through_in_flat_memory(kind: AsgiServerKind, wire: Server) -> None:
    """On every server that waits for its client: one that takes all it is given keeps it, with or without us."""
    with Connection(wire.port) as connection:
        connection.exchange(request("GET", "/", [("Origin", ALLOWED)]))
    before = wire.resident_bytes()
    most, total = before, 0
    with socket.create_connection(("127.0.0.1", wire.port), timeout=60) as connection:
        connection.sendall(request("GET", "/stream", [("Origin", ALLOWED), ("Connection", "close")]))
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1 << 16)
        assert b"access-control-allow-origin: " + ALLOWED.encode() in head.lower()
        while piece := connection.recv(1 << 20):
            total += len(piece)
            if total % 16 == 0:
                most = max(most, wire.resident_bytes())
    assert total >= len(PIECE) * (PIECES - 1)
    if kind.waits_for_clients:
        assert most - before < 40 << 20


def test_a_client_that_leaves_in_the_middle_harms_nobody(wire: Server) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", wire.port), timeout=60) as connection:
            connection.sendall(request("GET", "/stream", [("Origin", ALLOWED)]))
            connection.recv(1 << 16)
    deadline = time.monotonic() + 30
    while True:  # a server may be busy with what nobody reads any longer
        with Connection(wire.port) as connection:
            answer = connection.exchange(request("GET", "/", [("Origin", ALLOWED)]))
        if cors_headers(answer).get("access-control-allow-origin") == ALLOWED:
            break
        assert time.monotonic() < deadline
