"""Paths that are written oddly, over real connections to ASGI servers: the policy of /public never ends up elsewhere.

All of them tell the path as it was sent (`raw_path`) beside the one that they decoded.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator

import pytest

from servers.asgi_servers import ASGI_SERVERS, AsgiServerKind
from servers.availability import leave_out
from servers.http_connection import Connection, MalformedAnswer, request
from servers.processes import Server
from servers.served_paths import ORIGIN, PATH
from servers.truth import cors_headers
from servers.wire_cases import ASKED_METHOD

HTTP_1 = [kind for kind in ASGI_SERVERS if not kind.speaks_http2]


@pytest.fixture(scope="module", params=[pytest.param(kind, id=kind.name) for kind in HTTP_1])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    kind: AsgiServerKind = request.param
    if missing := kind.missing():
        leave_out(f"{kind.name} needs {missing}, which is not installed")
    with kind.serving("servers.served_asgi_paths:application", tmp_path_factory.mktemp(kind.name)) as server:
        yield server


@pytest.mark.parametrize(
    ("target", "governed"),
    [
        pytest.param("/public", True, id="the prefix"),
        pytest.param("/public/", True, id="the prefix with a slash"),
        pytest.param("/public/x/y", True, id="below the prefix"),
        pytest.param("/p%75blic/x", True, id="an encoded letter"),
        pytest.param("/public/a+b%20c", True, id="a plus and an encoded blank"),
        pytest.param("/public?/../admin", True, id="dots in the query"),
        pytest.param("/public/%C3%A4", True, id="UTF-8 below the prefix"),
        pytest.param("/", False, id="above the prefix"),
        pytest.param("/publicity", False, id="a longer segment"),
        pytest.param("/public;x", False, id="a path parameter"),
        pytest.param("/PUBLIC/x", False, id="upper case"),
        pytest.param("/admin?/public", False, id="the prefix in the query"),
        pytest.param("/public/../admin", False, id="dots that leave the prefix"),
        pytest.param("/admin/../public", False, id="dots that enter the prefix"),
        pytest.param("/public/%2e%2e/admin", False, id="encoded dots that leave the prefix"),
        pytest.param("/public/%252e%252e/admin", False, id="dots that are encoded twice"),
        pytest.param("/public//x", False, id="two slashes"),
        pytest.param("//public/x", False, id="two slashes in front"),
        pytest.param("/public\\..\\admin", False, id="backslashes"),
        pytest.param("/public%5c..%5cadmin", False, id="encoded backslashes"),
        pytest.param("/public%2fx", False, id="an encoded slash"),
        pytest.param("/public%2f..%2fadmin", False, id="encoded slashes with dots"),
        pytest.param("/public/%ff", False, id="a byte that is not UTF-8"),
    ],
)
def test_only_the_path_itself_has_the_policy(server: Server, target: str, governed: bool) -> None:
    for data in (
        request("GET", target, [("Origin", ORIGIN)]),
        request("OPTIONS", target, [("Origin", ORIGIN), (ASKED_METHOD, "PUT")]),
    ):
        with Connection(server.port) as connection:
            try:
                answer = connection.exchange(data)
            except MalformedAnswer:
                assert not governed, "the server ended the connection instead of handing the request over"
                continue
        granted = cors_headers(answer).get("access-control-allow-origin") == ORIGIN
        if answer.header(PATH) is None:
            assert 400 <= answer.status < 500
            assert not governed, "the server refused what it ought to hand over"
        else:
            assert granted is governed, f"seen as {literal_eval(str(answer.header(PATH)))}"
        assert granted or cors_headers(answer) == {}
