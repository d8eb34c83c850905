"""The Bottle plugin: every response covered."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bottle
import pytest
from readers import APP, APP_POLICY, ROUTE, ROUTE_POLICY, get, preflight
from wsgi_client import environ_of, send, values

from corecors.adapters.bottle import CORSPlugin


@pytest.fixture
def app() -> bottle.Bottle:
    return bottle.Bottle()


def ok() -> str:
    return "ok"


# Every response


def failing() -> None:
    raise RuntimeError("the callback failed")


def stopping() -> None:
    bottle.abort(409, "stopped")


def replying() -> bottle.HTTPResponse:
    return bottle.HTTPResponse("a response", 202, X_Own="1")


def raising() -> None:
    raise bottle.HTTPResponse("a raised response", 203)


def yielding_an_error() -> Iterator[str]:
    bottle.abort(410, "gone before the first chunk")
    yield "never"


def failing_generator() -> Iterator[str]:
    raise RuntimeError("the generator failed")
    yield "never"


def of_no_type() -> object:
    return object()


RESPONSES = [
    pytest.param(ok, 200, id="text"),
    pytest.param(lambda: {"a": 1}, 200, id="JSON"),
    pytest.param(lambda: None, 200, id="nothing"),
    pytest.param(lambda: iter(["a", "b"]), 200, id="an iterator"),
    pytest.param(lambda: [b"a", b"b"], 200, id="a list"),
    pytest.param(lambda: bottle.redirect("/elsewhere", 303), 303, id="redirect"),
    pytest.param(failing, 500, id="an exception"),
    pytest.param(stopping, 409, id="abort"),
    pytest.param(replying, 202, id="a response object"),
    pytest.param(raising, 203, id="a raised response"),
    pytest.param(lambda: bottle.HTTPError(418), 418, id="an error object"),
    pytest.param(yielding_an_error, 410, id="a generator that aborts"),
    pytest.param(failing_generator, 500, id="a generator that fails"),
    pytest.param(of_no_type, 500, id="what Bottle cannot send"),
]


@pytest.mark.parametrize("own", [False, True], ids=["", "own policy"])
@pytest.mark.parametrize(("callback", "status"), RESPONSES)
def test_every_response_is_covered(app: bottle.Bottle, callback: Callable[[], Any], status: int, own: bool) -> None:
    app.get("/x", callback=callback, **({"cors": ROUTE_POLICY} if own else {}))
    app.install(CORSPlugin(APP_POLICY))
    answer = get(app, "/x", ROUTE if own else APP)
    assert answer.status == status
    assert values(answer, "Access-Control-Allow-Origin") == [ROUTE if own else APP]
    assert values(answer, "Vary") == ["Origin"]


def test_what_routing_never_sees_is_covered(app: bottle.Bottle) -> None:
    @app.hook("before_request")
    def check() -> None:
        if bottle.request.path == "/closed":
            bottle.abort(503, "closed")
        if bottle.request.path == "/broken":
            raise RuntimeError("the hook failed")

    @app.error(404)
    def missing(error: bottle.HTTPError) -> str:
        bottle.response.headers["X-Own"] = "1"
        return "nothing here"

    app.get("/x", callback=ok)
    app.get("/number/<number:int>", callback=lambda number: str(number))
    app.install(CORSPlugin(APP_POLICY))
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("DELETE", "/x", 405),
        ("GET", "/closed", 503),
        ("GET", "/broken", 500),
        ("GET", "/number/7", 200),
    ):
        answer = get(app, path, method=method)
        assert answer.status == status
        assert values(answer, "Access-Control-Allow-Origin") == [APP]
    assert values(get(app, "/nowhere"), "X-Own") == ["1"]


def test_an_exception_that_bottle_passes_on_is_passed_on(app: bottle.Bottle) -> None:
    app.config["catchall"] = False
    app.get("/x", callback=failing)
    app.get("/own", callback=failing, cors=ROUTE_POLICY)
    app.install(CORSPlugin(APP_POLICY))
    for path in ("/x", "/own"):
        with pytest.raises(RuntimeError, match="the callback failed"):
            get(app, path)


def test_a_broken_error_handler_is_covered(app: bottle.Bottle) -> None:
    """Bottle's last resort starts its response with `exc_info`."""

    @app.error(500)
    def handle(error: bottle.HTTPError) -> str:
        raise RuntimeError("the handler failed")

    app.get("/x", callback=failing)
    app.install(CORSPlugin(APP_POLICY))
    answer = get(app, "/x")
    assert answer.status == 500
    assert values(answer, "Access-Control-Allow-Origin") == [APP]


def test_streams_stay_lazy_and_files_keep_their_headers(app: bottle.Bottle, tmp_path: Path) -> None:
    made = []

    def stream() -> Iterator[str]:
        for number in range(100):
            made.append(number)
            yield str(number)

    (tmp_path / "report.txt").write_bytes(b"0123456789")
    app.get("/stream", callback=stream)
    app.get("/file", callback=lambda: bottle.static_file("report.txt", tmp_path))
    app.install(CORSPlugin(APP_POLICY))
    body = iter(app(environ_of("GET", "/stream", (("Origin", APP),)), lambda *_: lambda data: None))
    assert next(body) == b"0"
    assert made == [0]
    part = send(app, "GET", "/file", (("Origin", APP), ("Range", "bytes=2-4")))
    assert (part.status, part.body) == (206, b"234")
    unchanged = send(app, "GET", "/file", (("Origin", APP), ("If-None-Match", values(part, "ETag")[0])))
    assert unchanged.status == 304
    for answer in (part, unchanged):
        assert values(answer, "Access-Control-Allow-Origin") == [APP]


def test_a_preflight_needs_no_options_route_and_never_reaches_one(app: bottle.Bottle) -> None:
    called = []
    app.put("/x", callback=ok)
    app.route("/own", ["OPTIONS", "PUT"], callback=lambda: called.append(bottle.request.method))
    app.install(CORSPlugin(APP_POLICY))
    for path in ("/x", "/own", "/nowhere"):
        assert preflight(app, path).status == 204
    assert called == []
    assert get(app, "/own", method="OPTIONS").status == 200
    assert called == ["OPTIONS"]
    assert get(app, "/x", method="OPTIONS").status == 405
