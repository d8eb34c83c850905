"""The ASGI examples of the doors' pages and docs/migrating.md, run as they stand there."""

import atexit
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from asgi_client import answering, handshake, run, send, values
from doc_examples import ADAPTERS, MIGRATING
from doc_examples import run as run_example

APP = "https://app.example.com"
PAY = "https://pay.example.com"
STRANGER = "https://stranger.test"
bare = answering(200, ("content-type", "text/plain"), body=b"ok")


def app_of(page: str, name: str) -> Any:
    return run_example(page, name, bare)["app"]


def readable_by(app: Any, path: str, origin: str, method: str = "GET") -> list[str]:
    """The value of Access-Control-Allow-Origin, if there is one."""
    return values(send(app, method, path, (("Origin", origin),)), "access-control-allow-origin")


def preflight(app: Any, path: str, origin: str, method: str = "PUT", names: str = "") -> int:
    asked = (("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", names))
    return send(app, "OPTIONS", path, (("Origin", origin), *asked)).status


def test_starlette_adapter() -> None:
    app = app_of(ADAPTERS, "starlette-adapter")
    assert readable_by(app, "/status", STRANGER) == ["*"]
    assert readable_by(app, "/payments/7", PAY, "PUT") == [PAY]
    assert readable_by(app, "/payments/7", APP, "PUT") == []
    assert preflight(app, "/payments/7", PAY) == 204
    assert preflight(app, "/payments/7", APP) == 403
    assert readable_by(app, "/payments/seven", PAY, "PUT") == [PAY]
    assert readable_by(app, "/internal", APP) == []
    assert readable_by(app, "/nowhere", APP) == [APP]


def test_asgi() -> None:
    app = app_of(ADAPTERS, "asgi")
    preview = "https://pr-7.preview.example.com"
    assert readable_by(app, "/", preview) == [preview]
    assert preflight(app, "/", APP, "DELETE", "x-request-id") == 204
    assert preflight(app, "/", APP, "PATCH") == 403
    assert run(app, handshake("/", (("Origin", STRANGER),))).messages[0]["status"] == 403


def test_asgi_predicate() -> None:
    app = app_of(ADAPTERS, "asgi-predicate")
    assert readable_by(app, "/", "https://one.example") == ["https://one.example"]
    assert readable_by(app, "/", "https://three.example") == []


def test_starlette() -> None:
    app = app_of(MIGRATING, "starlette")
    preview = "https://pr-12.preview.example.com"
    assert readable_by(app, "/nowhere", preview) == [preview]
    assert readable_by(app, "/nowhere", preview + ".evil.test") == []
    assert preflight(app, "/nowhere", APP, "PATCH", "x-any") == 204


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """Litestar sets the root logger up when an application is made, and has a thread write what it is told."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    for handler in root.handlers[:]:
        if hasattr(handler, "listener"):
            atexit.unregister(handler.listener.stop)  # which cannot be done twice
            handler.listener.stop()
            root.removeHandler(handler)


@pytest.mark.usefixtures("logging_as_it_was")
@pytest.mark.parametrize(
    ("name", "origin", "method", "names"),
    [
        pytest.param("quart-cors", APP, "PATCH", "authorization,x-any", id="quart-cors"),
        pytest.param("litestar", APP, "POST", "content-type", id="Litestar"),
        pytest.param("falcon-asgi", APP, "PUT", "", id="Falcon"),
        pytest.param("asgi-cors", "https://any.example.org", "GET", "", id="asgi-cors"),
    ],
)
def test_other_frameworks(name: str, origin: str, method: str, names: str) -> None:
    app = app_of(MIGRATING, name)
    answer = send(app, "GET", "/items", (("Host", "api.test"), ("Origin", origin)))
    assert (answer.status, values(answer, "access-control-allow-origin")) == (200, [origin])
    assert answer.body.replace(b" ", b"") in (b"[1,2,3]", b"ok", b"[1,2,3]\n")
    assert readable_by(app, "/items", STRANGER) == []
    assert preflight(app, "/items", origin, method, names) == 204
    assert preflight(app, "/items", STRANGER, method, names) == 403
    assert run(app, handshake("/items", (("Origin", STRANGER),))).messages[0]["status"] == 403
