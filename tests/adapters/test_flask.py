"""The Flask extension: every response covered, and where the policy comes from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from readers import APP, APP_POLICY, VIEW, VIEW_POLICY, get, preflight
from werkzeug.debug import DebuggedApplication
from wsgi_client import environ_of, send, values

from corecors import PolicyError
from corecors.adapters.flask import CORS, cross_origin


@pytest.fixture
def app() -> flask.Flask:
    made = flask.Flask("tested")
    made.logger.disabled = True  # failing views are meant
    return made


# Every response


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
def test_an_unhandled_exception_is_covered_as_long_as_flask_answers_it(app: flask.Flask, debug: bool) -> None:
    @app.get("/error")
    def fail() -> str:
        raise RuntimeError("the view failed")

    app.debug = debug
    app.config["PROPAGATE_EXCEPTIONS"] = False
    CORS(app, APP_POLICY)
    answer = get(app, "/error")
    assert answer.status == 500
    assert values(answer, "Access-Control-Allow-Origin") == [APP]


@pytest.mark.parametrize("setting", ["DEBUG", "TESTING", "PROPAGATE_EXCEPTIONS"])
def test_an_exception_that_flask_passes_on_is_passed_on(app: flask.Flask, setting: str) -> None:
    @app.get("/error")
    def fail() -> str:
        raise RuntimeError("the view failed")

    app.config[setting] = True
    CORS(app, APP_POLICY)
    with pytest.raises(RuntimeError, match="the view failed"):
        get(app, "/error")


def test_the_page_of_the_debugger_is_outside_and_not_covered(app: flask.Flask) -> None:
    """An edge that the documentation names: `flask run --debug` answers around the application."""

    @app.get("/error")
    def fail() -> str:
        raise RuntimeError("the view failed")

    app.config["PROPAGATE_EXCEPTIONS"] = True
    CORS(app, APP_POLICY)
    answer = get(DebuggedApplication(app, pin_logging=False), "/error")
    assert answer.status == 500
    assert values(answer, "Access-Control-Allow-Origin") == []


def test_errors_of_hooks_and_of_error_handlers_are_covered(app: flask.Flask) -> None:
    @app.before_request
    def check() -> None:
        if flask.request.path == "/before":
            flask.abort(401)
        if flask.request.path == "/broken":
            raise RuntimeError("the hook failed")

    @app.after_request
    def finish(response: flask.Response) -> flask.Response:
        if flask.request.path == "/after":
            raise RuntimeError("the last hook failed")
        return response

    @app.errorhandler(401)
    def unauthorised(error: Exception) -> tuple[str, int]:
        return "log in", 401

    app.add_url_rule("/after", "after", lambda: "ok")
    CORS(app, APP_POLICY)
    for path, status in (("/before", 401), ("/broken", 500), ("/after", 500), ("/nowhere", 404)):
        answer = get(app, path)
        assert answer.status == status
        assert values(answer, "Access-Control-Allow-Origin") == [APP]
        assert values(answer, "Vary") == ["Origin"]


def test_streams_stay_lazy_and_files_keep_their_headers(app: flask.Flask, tmp_path: Path) -> None:
    made = []

    @app.get("/stream")
    def stream() -> flask.Response:
        @flask.stream_with_context
        def generate() -> Iterator[str]:
            for number in range(100):
                made.append(number)
                yield f"{number} at {flask.request.path}\n"

        return flask.Response(generate())

    file = tmp_path / "report.txt"
    file.write_bytes(b"0123456789")
    app.add_url_rule("/file", "file", lambda: flask.send_file(file, conditional=True))
    CORS(app, APP_POLICY)
    body = iter(app(environ_of("GET", "/stream", (("Origin", APP),)), lambda *_: lambda data: None))
    assert next(body) == b"0 at /stream\n"
    assert made == [0]
    part = send(app, "GET", "/file", (("Origin", APP), ("Range", "bytes=2-4")))
    assert (part.status, part.body) == (206, b"234")
    etag = values(part, "ETag")
    unchanged = send(app, "GET", "/file", (("Origin", APP), ("If-None-Match", etag[0])))
    assert unchanged.status == 304
    for answer in (part, unchanged):
        assert values(answer, "Access-Control-Allow-Origin") == [APP]
        assert values(answer, "ETag") == etag


def test_a_session_and_its_vary_are_kept(app: flask.Flask) -> None:
    app.secret_key = "a test's"

    @app.get("/count")
    def count() -> str:
        flask.session["count"] = flask.session.get("count", 0) + 1
        return "counted"

    CORS(app, APP_POLICY)
    answer = get(app, "/count")
    assert len(values(answer, "Set-Cookie")) == 1
    assert values(answer, "Vary") == ["Cookie, Origin"]


def test_a_missing_slash_redirects_the_request_and_never_the_preflight(app: flask.Flask) -> None:
    app.add_url_rule("/users/", "users", lambda: "users", methods=["GET", "PUT"])
    CORS(app, APP_POLICY)
    for path in ("/users", "/users/"):
        assert preflight(app, path).status == 204
    answer = get(app, "/users")
    assert answer.status == 308
    assert values(answer, "Access-Control-Allow-Origin") == [APP]


def test_a_web_socket_that_takes_over_the_connection_is_left_alone(app: flask.Flask) -> None:
    """Extensions answer on the server's socket and start no response."""
    seen: list[Any] = []

    class TakenOver(flask.Response):
        def __call__(self, environ: Any, start_response: Any) -> Any:
            seen.append(environ["werkzeug.socket"])
            return []

    class Socket:
        pass

    def view() -> flask.Response:
        return TakenOver()

    app.url_map.add(app.url_rule_class("/ws", endpoint="ws", websocket=True))
    app.view_functions["ws"] = cross_origin(VIEW_POLICY)(view)
    CORS(app, APP_POLICY)
    socket = Socket()
    environ = environ_of("GET", "/ws", (("Origin", VIEW), ("Connection", "Upgrade"), ("Upgrade", "websocket")))
    environ["werkzeug.socket"] = socket
    started: list[Any] = []
    assert list(app(environ, lambda *given: started.append(given))) == []
    assert seen == [socket]
    assert started == []


# Configuration


def test_the_policy_may_stand_in_the_configuration(app: flask.Flask) -> None:
    app.config.update(
        CORS_ALLOW_ORIGINS=[APP], CORS_ALLOW_METHODS="GET,PUT", CORS_MAX_AGE=60, CORS_ALLOW_CREDENTIALS=True
    )
    CORS(app)
    answer = preflight(app, "/")
    assert values(answer, "Access-Control-Allow-Methods") == ["GET, PUT"]
    assert values(answer, "Access-Control-Max-Age") == ["60"]
    assert values(answer, "Access-Control-Allow-Credentials") == ["true"]


def test_prefixed_variables_of_the_environment_arrive(app: flask.Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Flask.config.from_prefixed_env` reads JSON, and text that is none as it stands."""
    monkeypatch.setenv("FLASK_CORS_ALLOW_ORIGINS", f'["{APP}"]')
    monkeypatch.setenv("FLASK_CORS_ALLOW_METHODS", "GET, PUT")
    monkeypatch.setenv("FLASK_CORS_ALLOW_TIMING", "true")
    app.config.from_prefixed_env()
    CORS(app)
    assert app.extensions["cors"].policy.to_mapping() == {
        "allow_origins": [APP],
        "allow_methods": ["GET", "PUT"],
        "allow_timing": True,
    }


def test_a_policy_in_code_goes_before_the_configuration(app: flask.Flask) -> None:
    app.config["CORS_ALLOW_ORIGINS"] = VIEW
    CORS(app, APP_POLICY)
    assert app.extensions["cors"].policy is APP_POLICY


def test_unknown_and_wrong_settings_are_reported_together(app: flask.Flask) -> None:
    app.config.update(CORS_ORIGINS="*", CORS_SUPPORTS_CREDENTIALS=True, CORS_MAX_AGE="an hour")
    with pytest.raises(PolicyError) as caught:
        CORS(app)
    assert [(problem.field, problem.fix) for problem in caught.value.problems] == [
        ("CORS_ORIGINS", {"CORS_ALLOW_ORIGINS": "*"}),
        ("CORS_SUPPORTS_CREDENTIALS", {"CORS_ALLOW_CREDENTIALS": True}),
        ("CORS_MAX_AGE", None),
    ]
    assert "cors" not in app.extensions
