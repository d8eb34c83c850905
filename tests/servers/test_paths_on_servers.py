"""Paths that are written oddly, over real connections: the policy of /public never ends up on anything else.

Servers decode, tidy and merge paths before the application sees them, each in its own way.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator

import pytest

from servers.http_connection import Answer, Connection, request
from servers.processes import Server
from servers.served_paths import ORIGIN, PATH, POLICIES
from servers.truth import cors_headers
from servers.wire_cases import ASKED_METHOD
from servers.wsgi_servers import ServerKind

TELLING = ("gunicorn-sync", "gunicorn-gthread", "waitress", "uwsgi", "werkzeug")
SILENT = ("granian", "wsgiref")  # they don't tell how a path was sent, before they decoded it


@pytest.fixture(scope="module")
def server(kind: ServerKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with kind.serving("servers.served_paths:application", tmp_path_factory.mktemp(kind.name)) as server:
        yield server


def answers(server: Server, target: str) -> list[Answer]:
    """To an actual request and to a preflight."""
    asked = (
        request("GET", target, [("Origin", ORIGIN)]),
        request("OPTIONS", target, [("Origin", ORIGIN), (ASKED_METHOD, "PUT")]),
    )
    found = []
    for data in asked:
        with Connection(server.port) as connection:
            found.append(connection.exchange(data))
    return found


EVERYWHERE = (*TELLING, *SILENT)


@pytest.mark.parametrize(
    ("target", "governed_on"),
    [
        pytest.param("/public", EVERYWHERE, id="the prefix"),
        pytest.param("/public/", EVERYWHERE, id="the prefix with a slash"),
        pytest.param("/public/x/y", EVERYWHERE, id="below the prefix"),
        pytest.param("/p%75blic/x", EVERYWHERE, id="an encoded letter"),
        pytest.param("/public/a+b%20c", EVERYWHERE, id="a plus and an encoded blank"),
        pytest.param("/public?/../admin", EVERYWHERE, id="dots in the query"),
        pytest.param("/public/%C3%A4", EVERYWHERE, id="UTF-8 below the prefix"),
        pytest.param("/", (), id="above the prefix"),
        pytest.param("/publicity", (), id="a longer segment"),
        pytest.param("/public.txt", (), id="a segment with more after a dot"),
        pytest.param("/public;x", (), id="a path parameter"),
        pytest.param("/public+", (), id="a plus in place of a blank"),
        pytest.param("/PUBLIC/x", (), id="upper case"),
        pytest.param("/admin?/public", (), id="the prefix in the query"),
        pytest.param("/public/../admin", (), id="dots that leave the prefix"),
        pytest.param("/admin/../public", (), id="dots that enter the prefix"),
        pytest.param("/public/./x", (), id="a single dot"),
        pytest.param("/public/%2e%2e/admin", (), id="encoded dots that leave the prefix"),
        pytest.param("/admin/%2e%2e/public", (), id="encoded dots that enter the prefix"),
        pytest.param("/public/%252e%252e/admin", (), id="dots that are encoded twice"),
        pytest.param("/public//x", (), id="two slashes"),
        pytest.param("/public\\..\\admin", (), id="backslashes"),
        pytest.param("/public%5c..%5cadmin", (), id="encoded backslashes"),
        pytest.param("/public%2f..%2fadmin", (), id="encoded slashes with dots"),
        # What a server does not tell, nobody can see: the application, too, takes the path for one of /public.
        pytest.param("/public%2fx", SILENT, id="an encoded slash"),
        pytest.param("//public/x", ("werkzeug", "wsgiref"), id="two slashes in front"),  # http.server makes them one
    ],
)
def test_only_the_path_itself_has_the_policy(
    kind: ServerKind, server: Server, target: str, governed_on: tuple[str, ...]
) -> None:
    governed = kind.name in governed_on
    for answer in answers(server, target):
        if 400 <= answer.status < 500 and answer.header(PATH) is None:
            assert not governed, "the server refused what it ought to hand over"
            assert cors_headers(answer) == {}
            continue
        path = literal_eval(str(answer.header(PATH)))
        assert (cors_headers(answer).get("access-control-allow-origin") == ORIGIN) is governed, f"seen as {path}"
        if governed:
            assert POLICIES.for_path(path) is POLICIES.policies["/public"]
        else:
            assert cors_headers(answer) == {}


@pytest.mark.parametrize(
    ("target", "governed"),
    [
        pytest.param("http://localhost/public/x", True, id="below the prefix"),
        pytest.param("http://localhost/public/../admin", False, id="dots that leave the prefix"),
        pytest.param("http://localhost/admin", False, id="another path"),
    ],
)
def test_a_target_in_absolute_form_has_the_policy_of_its_path_or_none(
    kind: ServerKind, server: Server, target: str, governed: bool
) -> None:
    """RFC 9112, 3.2.2. Two servers hand the whole URL over as the path, which then is nobody's."""
    takes_it_apart = kind.name not in ("uwsgi", "wsgiref")
    for answer in answers(server, target):
        granted = cors_headers(answer).get("access-control-allow-origin") == ORIGIN
        assert granted is (governed and takes_it_apart)
