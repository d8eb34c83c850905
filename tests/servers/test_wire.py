"""CORS over real connections: what each server does to a request first, and that the answer is right all the same."""

from __future__ import annotations

import json

import pytest

from corecors import evaluate
from servers.http_connection import Answer, Connection, MalformedAnswer, chunked, request
from servers.processes import Server
from servers.served_wire import PARTS, POLICY, SEEN, shown
from servers.truth import cors_headers, expected_headers, expected_vary, vary
from servers.wire_cases import ALLOWED, ASKED_HEADERS, ASKED_METHOD, CASES, EVIL, OTHER, Refused, Seen, WireCase
from servers.wsgi_servers import ServerKind


def check(answer: Answer, seen: Seen) -> None:
    """The server handed over what is expected, and the answer has what `evaluate` says about that, and nothing else."""
    assert tuple(json.loads(str(answer.header(SEEN)))) == tuple(shown(value) for value in seen)
    decision = evaluate(POLICY, *seen)
    answered_here = decision.status is not None
    assert answer.status == (decision.status or 200)
    assert cors_headers(answer) == expected_headers(decision)
    assert vary(answer) == expected_vary(decision, *([] if answered_here else ["Accept-Encoding"]))
    assert answer.header("X-Injected") is None


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_an_answer_is_right_for_what_the_server_hands_over(kind: ServerKind, wire: Server, case: WireCase) -> None:
    expected = case.on(kind.name)
    with Connection(wire.port) as connection:
        if expected == Refused(None):
            connection.send(case.request)
            connection.finish()
            with pytest.raises(MalformedAnswer):
                connection.receive()
            return
        answer = connection.exchange(case.request)
    if isinstance(expected, Refused):
        assert answer.status == expected.status
        assert cors_headers(answer) == {}
    else:
        check(answer, expected)


REQUESTS = (
    (request("GET", "/", [("Origin", ALLOWED)]), Seen("GET", ALLOWED)),
    (request("GET", "/"), Seen("GET", None)),
    (request("GET", "/", [("Origin", EVIL)]), Seen("GET", EVIL)),
    (request("OPTIONS", "/", [("Origin", EVIL), (ASKED_METHOD, "PUT")]), Seen("OPTIONS", EVIL, "PUT")),
    (request("HEAD", "/", [("Origin", OTHER)]), Seen("HEAD", OTHER)),
    (request("GET", "/", [("Origin", ALLOWED)]), Seen("GET", ALLOWED)),
    (
        request("OPTIONS", "/", [("Origin", OTHER), (ASKED_METHOD, "PUT")]),
        Seen("OPTIONS", OTHER, "PUT"),
    ),  # last: one server closes here
)


def test_each_request_of_one_connection_gets_its_own_answer(kind: ServerKind, wire: Server) -> None:
    remaining = list(REQUESTS)
    while remaining:
        with Connection(wire.port) as connection:
            while remaining and not connection.will_close:
                data, seen = remaining.pop(0)
                answer = connection.exchange(data)
                check(answer, seen)
                ends = not kind.keeps_alive or (answer.status == 204 and kind.closes_after_no_content)
                assert connection.will_close is ends
            assert not connection.will_close or connection.at_end()


def test_requests_that_are_sent_before_the_first_answer_get_each_their_own(kind: ServerKind, wire: Server) -> None:
    with Connection(wire.port) as connection:
        connection.send(b"".join(data for data, _ in REQUESTS))
        for data, seen in REQUESTS if kind.pipelines else REQUESTS[:1]:
            check(connection.receive(data.split(b" ")[0].decode()), seen)


@pytest.mark.parametrize("origin", [pytest.param(ALLOWED, id="passes"), pytest.param(EVIL, id="fails")])
def test_the_body_of_a_preflight_is_never_taken_for_a_request(kind: ServerKind, wire: Server, origin: str) -> None:
    """The middleware answers without reading the body; what is left of it must not become the next request."""
    hidden = request("GET", "/", [("Origin", OTHER)])
    headers = [("Origin", origin), (ASKED_METHOD, "PUT"), (ASKED_HEADERS, "x-one")]
    with Connection(wire.port) as connection:
        check(connection.exchange(request("OPTIONS", "/", headers, hidden)), Seen("OPTIONS", origin, "PUT", "x-one"))
        if connection.will_close or not kind.drains_bodies:
            assert connection.at_end()
        else:
            check(connection.exchange(request("GET", "/", [("Origin", EVIL)])), Seen("GET", EVIL))


def test_a_chunked_request_body_reaches_the_application(kind: ServerKind, wire: Server) -> None:
    parts = (b"first,", b"second")
    data = request("POST", "/", [("Origin", ALLOWED), ("Transfer-Encoding", "chunked")], chunked(*parts))
    with Connection(wire.port) as connection:
        answer = connection.exchange(data)
    check(answer, Seen("POST", ALLOWED))
    assert answer.body == (b"".join(parts) if kind.reads_chunked else b"")


@pytest.mark.parametrize("origin", [pytest.param(ALLOWED, id="allowed"), pytest.param(EVIL, id="refused")])
def test_a_streamed_answer_comes_whole_and_with_its_headers(kind: ServerKind, wire: Server, origin: str) -> None:
    with Connection(wire.port) as connection:
        connection.send(request("GET", "/stream", [("Origin", origin)]))
        if kind.closes_late:
            connection.finish()
        answer = connection.receive()
    check(answer, Seen("GET", origin))
    assert answer.body == b"".join(PARTS)


def test_an_answer_to_head_has_the_headers_and_no_body(kind: ServerKind, wire: Server) -> None:
    with Connection(wire.port) as connection:
        answer = connection.exchange(request("HEAD", "/", [("Origin", ALLOWED), ("Connection", "close")]))
        check(answer, Seen("HEAD", ALLOWED))
        if kind.closes_late:
            connection.finish()
        assert connection.at_end()
