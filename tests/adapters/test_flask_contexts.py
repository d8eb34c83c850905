"""What runs of a Flask application for a decision: nothing, but a predicate and what converts parts of a URL."""

from typing import Any

import flask
import pytest
from readers import APP, STRANGER, VIEW, VIEW_POLICY, get, preflight
from werkzeug.routing import BaseConverter
from wsgi_client import send, values

from corecors import Policy
from corecors.adapters.flask import CORS, cross_origin

METHODS = ["GET", "PUT"]


@pytest.fixture
def app() -> flask.Flask:
    made = flask.Flask("contexts", static_folder=None)
    made.logger.disabled = True  # failing hooks are meant
    return made


def with_hooks(app: flask.Flask) -> list[str]:
    """An application as they are written: what is set up before a request is torn down after it."""
    ran: list[str] = []

    @app.before_request
    def connect() -> None:
        ran.append("before")
        flask.g.db = object()

    @app.url_value_preprocessor
    def values_of(endpoint: str | None, values: dict[str, Any] | None) -> None:
        ran.append("values")

    @app.teardown_request
    def finish(error: BaseException | None) -> None:
        ran.append("teardown request")

    @app.teardown_appcontext
    def close(error: BaseException | None) -> None:
        ran.append("teardown")
        del flask.g.db

    app.add_url_rule("/own", "own", cross_origin(VIEW_POLICY)(lambda: "ok"), methods=METHODS)
    return ran


@pytest.mark.parametrize("path", ["/own", "/nowhere"])
def test_a_preflight_runs_no_hook_of_the_application(app: flask.Flask, path: str) -> None:
    ran = with_hooks(app)
    CORS(app, VIEW_POLICY)
    assert preflight(app, path, VIEW).status == 204
    assert ran == []


@pytest.mark.parametrize("options", [{"block_disallowed": True}, {}], ids=["blocked", "a handshake"])
def test_a_request_that_is_refused_runs_no_hook_of_the_application(app: flask.Flask, options: dict[str, Any]) -> None:
    ran = with_hooks(app)
    CORS(app, VIEW_POLICY, **options)
    handshake = () if options else (("Upgrade", "websocket"), ("Connection", "Upgrade"))
    assert send(app, "GET", "/own", (("Origin", STRANGER), *handshake)).status == 403
    assert ran == []


def test_a_request_runs_each_hook_once(app: flask.Flask) -> None:
    ran = with_hooks(app)
    CORS(app, VIEW_POLICY)
    assert values(get(app, "/own", VIEW), "Access-Control-Allow-Origin") == [VIEW]
    assert ran == ["values", "before", "teardown request", "teardown"]


@pytest.mark.parametrize("own", [False, True], ids=["of the application", "of the view"])
@pytest.mark.parametrize("blocking", [False, True], ids=["", "blocking"])
def test_a_predicate_may_use_the_application(app: flask.Flask, own: bool, blocking: bool) -> None:
    app.config["TENANTS"] = {APP}
    policy = Policy(allow_origin_predicate=lambda origin: origin in flask.current_app.config["TENANTS"])
    view = (cross_origin(policy) if own else lambda view: view)(lambda: "ok")
    app.add_url_rule("/own", "own", view)
    CORS(app, VIEW_POLICY if own else policy, block_disallowed=blocking)
    for origin, admitted in ((APP, [APP]), (STRANGER, [])):
        answer = get(app, "/own", origin)
        assert answer.status == (403 if blocking and not admitted else 200)
        assert values(answer, "Access-Control-Allow-Origin") == admitted
        passed = preflight(app, "/own", origin, "GET")
        assert passed.status == (204 if admitted else 403)
        assert values(passed, "Access-Control-Allow-Origin") == admitted


def test_a_context_is_made_only_where_the_predicate_is_asked(app: flask.Flask) -> None:
    ran = with_hooks(app)
    asked: list[str] = []
    policy = Policy(allow_origins=[APP], allow_origin_predicate=lambda origin: asked.append(origin) is None)
    CORS(app, policy)
    assert preflight(app, "/nowhere", APP, "GET").status == 204
    assert (asked, ran) == ([], [])


def test_what_a_teardown_raises_changes_nothing_and_is_logged(
    app: flask.Flask, caplog: pytest.LogCaptureFixture
) -> None:
    ran = with_hooks(app)  # its teardown fails where no request set anything up
    CORS(app, Policy(allow_origin_predicate=lambda origin: origin == APP), rejections=None)
    for _ in range(3):
        assert preflight(app, "/nowhere", APP, "GET").status == 204
        assert preflight(app, "/nowhere", STRANGER, "GET").status == 403
    assert ran == ["teardown"] * 6
    messages = [record.getMessage() for record in caplog.records]
    assert [message.rpartition(", ")[2] for message in messages] == [f"{n} times so far" for n in (1, 2, 4)]
    assert "a teardown of the application failed" in messages[0]
    assert get(app, "/own", VIEW).status == 200


def test_an_answer_that_is_not_true_is_logged_once_and_lets_nobody_in(
    app: flask.Flask, caplog: pytest.LogCaptureFixture
) -> None:
    CORS(app, Policy(allow_origin_predicate=lambda origin: 1), rejections=None)
    assert preflight(app, "/", APP, "GET").status == 403
    (record,) = caplog.records
    assert "only True does" in record.getMessage()


def test_what_a_predicate_raises_is_passed_on_and_leaves_no_context(app: flask.Flask) -> None:
    def ask(origin: str) -> bool:
        raise LookupError(flask.current_app.name)

    CORS(app, Policy(allow_origin_predicate=ask))
    with pytest.raises(LookupError, match="contexts"):
        preflight(app, "/", APP, "GET")
    assert not flask.has_app_context()


def test_a_converter_may_use_the_application(app: flask.Flask, caplog: pytest.LogCaptureFixture) -> None:
    runs: list[str] = []

    class Counting(BaseConverter):
        def to_python(self, value: str) -> str:
            runs.append(flask.current_app.name)
            return value

    app.url_map.converters["counting"] = Counting
    view = cross_origin(VIEW_POLICY)(lambda row: row)
    app.add_url_rule("/row/<counting:row>", "row", view, methods=METHODS)
    CORS(app)
    assert values(get(app, "/row/1", VIEW), "Access-Control-Allow-Origin") == [VIEW]
    assert runs == ["contexts"]
    assert preflight(app, "/row/1", VIEW).status == 204
    assert runs == ["contexts"] * 2
    assert caplog.records == []


def test_a_copy_of_the_environ_that_the_application_made_is_known_again(app: flask.Flask) -> None:
    """Middleware within that takes the method from a header, and another that takes a prefix away."""
    inner = app.wsgi_app

    def overriding(environ: dict[str, Any], start_response: Any) -> Any:
        method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", environ["REQUEST_METHOD"])
        path = environ["PATH_INFO"].removeprefix("/api")
        return inner({**environ, "REQUEST_METHOD": method, "PATH_INFO": path}, start_response)

    app.wsgi_app = overriding  # type: ignore[method-assign, assignment]
    app.add_url_rule("/split", "get", lambda: "got")
    app.add_url_rule("/split", "put", cross_origin(None)(lambda: "put"), methods=["PUT"])
    app.add_url_rule("/own", "own", cross_origin(VIEW_POLICY)(lambda: "ok"), methods=METHODS)
    CORS(app, Policy(allow_origins=["*"]))
    overridden = send(app, "GET", "/split", (("Origin", APP), ("X-HTTP-Method-Override", "PUT")))
    assert overridden.body == b"put"
    assert values(overridden, "Access-Control-Allow-Origin") == []
    assert values(get(app, "/api/own", VIEW), "Access-Control-Allow-Origin") == [VIEW]


def test_a_request_that_the_application_rewrites_is_not_let_in_by_the_policy_of_another_view(app: flask.Flask) -> None:
    inner = app.wsgi_app

    def shortening(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/api")
        return inner(environ, start_response)

    app.wsgi_app = shortening  # type: ignore[method-assign, assignment]
    app.add_url_rule("/own", "own", cross_origin(VIEW_POLICY)(lambda: "ok"))
    CORS(app, Policy(allow_origins=[APP]), block_disallowed=True, rejections=None)
    answer = get(app, "/api/own", APP)
    assert (answer.status, values(answer, "Access-Control-Allow-Origin")) == (403, [])
    assert values(answer, "Vary") == ["Origin"]
