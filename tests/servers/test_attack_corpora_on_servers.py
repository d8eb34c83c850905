"""Every hostile Origin that fits into a request, over real connections: no server makes an allowed one of it unseen.

A server may read another value than was meant: the rest of a line after a bare line feed is another header, white space
around a value is not part of it. What it takes for the value is written down here for each server, and that decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attack_corpora
import pytest
from attack_corpora import HostileOrigin

from corecors import evaluate
from servers.http_connection import Answer, Connection, MalformedAnswer, request
from servers.processes import Server
from servers.served_wire import POLICY, SEEN
from servers.truth import cors_headers, expected_headers, vary
from servers.wire_cases import ASKED_METHOD
from servers.wsgi_servers import ServerKind

ORIGINS = [entry for entry in attack_corpora.origins() if attack_corpora.is_latin_1(*entry.lines)]

ALL_HEADERS = {"connection", "content-length", "content-type", "date", "server", "vary", SEEN.lower()}


def reader(ends: str, strip: Callable[[str], str]) -> Callable[[str], str]:
    """What a server takes for the value of a header line: all until `ends`, a regex, stripped by `strip`.

    A blank or tab after the end makes it no end: the next line goes on with the value (RFC 9112, 5.2).
    """
    return lambda value: strip(re.split(rf"(?>{ends})(?![ \t])", value, maxsplit=1)[0])


def blanks_and_tabs(value: str) -> str:
    return value.strip(" \t")


READERS = {
    "gunicorn-sync": reader("\r\n", blanks_and_tabs),
    "gunicorn-gthread": reader("\r\n", blanks_and_tabs),
    "waitress": reader("\r\n", blanks_and_tabs),
    "uwsgi": reader("\r\n", lambda value: value.removeprefix(" ")),
    "granian": reader("\r?\n", blanks_and_tabs),
    "werkzeug": reader("\r\n|\r|\n", lambda value: value.lstrip(" \t")),
    "wsgiref": reader("\r\n|\r|\n", str.strip),
}


def answer_to(wire: Server, entry: HostileOrigin, method: str) -> Answer | None:
    """The answer; None where the server ends the connection without one."""
    asked = [(ASKED_METHOD, "PUT")] if method == "OPTIONS" else []
    headers = [*asked, *(("Origin", line) for line in entry.lines)]  # last: a line feed at its end may end all headers
    with Connection(wire.port) as connection:
        connection.send(request(method, "/", headers))
        if re.search("\r(?!\n)", entry.value):
            connection.finish()  # one server waits for seconds for the rest of a line that ends so
        try:
            return connection.receive(method)
        except MalformedAnswer:
            return None


@pytest.mark.parametrize("method", [pytest.param("GET", id="actual"), pytest.param("OPTIONS", id="preflight")])
def test_no_hostile_origin_becomes_an_allowed_one(kind: ServerKind, wire: Server, method: str) -> None:
    reads = READERS[kind.name]
    reached, granted, wrong = 0, 0, []
    for entry in ORIGINS:
        answer = answer_to(wire, entry, method)
        if answer is None:
            continue
        got = cors_headers(answer)
        strange = {name.lower() for name, _ in answer.headers} - ALL_HEADERS - got.keys()
        if answer.header(SEEN) is None:
            expected: dict[str, str] = {}
            refused_by_the_server = answer.status in (400, 431)
            right = refused_by_the_server and got == expected and not strange
        else:
            reached += 1
            value = ",".join(reads(line) for line in entry.lines)
            decision = evaluate(POLICY, method, value, "PUT" if method == "OPTIONS" else None)
            expected = expected_headers(decision)
            granted += decision.allowed
            right = got == expected and "origin" in vary(answer) and not strange
        if not right:
            wrong.append(f"{entry.id}: {answer.status} with {got} instead of {expected}, {strange or 'nothing'} beside")
    assert wrong == []
    assert reached > 400, "most of them are well-formed requests, and reach the core"
    assert granted >= sum(entry.allowed for entry in ORIGINS)
