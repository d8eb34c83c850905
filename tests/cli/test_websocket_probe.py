"""`doctor --websocket`: whether a WebSocket is opened to a page of any site."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from broken_servers import PAGE, serving
from click.testing import CliRunner, Result

from corecors import Policy
from corecors.adapters.wsgi import CORSMiddleware
from corecors.cli.doctor import doctor


def accepting(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Opens a WebSocket to everybody, or at least says so."""
    asked = environ.get("HTTP_UPGRADE") == "websocket" and environ.get("HTTP_CONNECTION") == "Upgrade"
    assert not asked or environ["HTTP_SEC_WEBSOCKET_VERSION"] == "13"
    status = "101 Switching Protocols" if asked else "200 OK"
    start_response(status, [("Access-Control-Allow-Origin", PAGE), ("Vary", "Origin"), ("Content-Length", "0")])
    return []


def deaf(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Access-Control-Allow-Origin", PAGE), ("Vary", "Origin"), ("Content-Length", "0")])
    return []


guarded = CORSMiddleware(accepting, Policy(allow_origins=[PAGE], allow_credentials=True), rejections=None)


def run(url: str, *options: str) -> Result:
    return CliRunner().invoke(doctor, [url, "--origin", PAGE, "--no-hazards", *options])


@pytest.mark.parametrize(
    ("app", "dangers", "code"),
    [
        pytest.param(accepting, ["WebSocket for any origin"], 1, id="opened to everybody"),
        pytest.param(guarded, [], 0, id="opened to the page alone"),
        pytest.param(deaf, ["no WebSocket"], 0, id="opened to nobody"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_a_foreign_origin_is_tried(app: Callable[..., Any], dangers: list[str], code: int, scheme: str) -> None:
    with serving(app) as url:
        result = run(url.replace("http", scheme), "--websocket", "--strict", "--json")
    (found,) = json.loads(result.output)["runs"]
    assert [danger["name"] for danger in found["dangers"]] == dangers
    assert found["unfinished"] is None
    assert result.exit_code == code


def test_no_handshake_is_sent_unless_it_is_asked_for() -> None:
    asked: list[str | None] = []

    def noting(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        asked.append(environ.get("HTTP_UPGRADE"))
        return deaf(environ, start_response)

    with serving(noting) as url:
        run(url)
    assert asked == [None]
