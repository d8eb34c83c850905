"""The Flask extension: the nearest policy governs, where it is installed, and its options."""

import io
import threading
from collections.abc import Callable
from typing import Any

import flask
import pytest
from flask.views import MethodView, View
from readers import (
    APP,
    APP_POLICY,
    INNER,
    INNER_POLICY,
    OUTER,
    OUTER_POLICY,
    VIEW,
    VIEW_POLICY,
    admitted,
    get,
    preflight,
)
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import BaseConverter
from wsgi_client import environ_of, send, values

from corecors import PathPolicies, Policy
from corecors.adapters.flask import CORS, cross_origin


@pytest.fixture
def app() -> flask.Flask:
    made = flask.Flask("tested")
    made.logger.disabled = True  # failing views are meant
    return made


# The nearest policy


def nearest_app(app: flask.Flask) -> flask.Flask:
    """Views with and without policies of their own, in and out of blueprints with and without."""

    def view() -> str:
        return "ok"

    def another(policy: Policy | None) -> Callable[[], str]:
        return cross_origin(policy)(lambda: "ok")

    both = ["GET", "PUT"]
    outer = cross_origin(OUTER_POLICY)(flask.Blueprint("outer", "tested", url_prefix="/outer"))
    inner = cross_origin(INNER_POLICY)(flask.Blueprint("inner", "tested", url_prefix="/inner"))
    plain = flask.Blueprint("plain", "tested", url_prefix="/plain")
    for blueprint in (outer, inner, plain):
        blueprint.add_url_rule("/", "root", view, methods=both)
        blueprint.add_url_rule("/own", "own", another(VIEW_POLICY), methods=both)
        blueprint.add_url_rule("/none", "none", another(None), methods=both)
    outer.register_blueprint(inner)
    outer.register_blueprint(plain)
    app.register_blueprint(outer)
    app.add_url_rule("/", "root", view, methods=both)
    app.add_url_rule("/own", "own", another(VIEW_POLICY), methods=both)
    app.add_url_rule("/own/<int:number>", "number", cross_origin(VIEW_POLICY)(lambda number: "ok"), methods=both)
    app.add_url_rule("/none", "none", another(None), methods=both)
    app.add_url_rule("/slash/", "slash", another(VIEW_POLICY), methods=both)
    app.add_url_rule("/split", "split", view, methods=["GET"])
    app.add_url_rule("/split", "split_put", another(VIEW_POLICY), methods=["PUT"])
    return app


NEAREST = [
    pytest.param("/", "GET", [APP], id="the application's"),
    pytest.param("/own", "GET", [VIEW], id="the view's"),
    pytest.param("/own", "PUT", [VIEW], id="the view's for another method"),
    pytest.param("/own/7", "GET", [VIEW], id="the view's, with a variable"),
    pytest.param("/own/x", "GET", [APP], id="not the view's, where its variable does not match"),
    pytest.param("/none", "GET", [], id="none, for the view says so"),
    pytest.param("/outer/", "GET", [OUTER], id="the blueprint's"),
    pytest.param("/outer/own", "GET", [VIEW], id="the view's rather than the blueprint's"),
    pytest.param("/outer/none", "GET", [], id="none in a blueprint with a policy"),
    pytest.param("/outer/inner/", "GET", [INNER], id="the inner blueprint's"),
    pytest.param("/outer/plain/", "GET", [OUTER], id="the outer blueprint's, for the inner has none"),
    pytest.param("/outer/plain/own", "PUT", [VIEW], id="the view's in two blueprints"),
    pytest.param("/own", "DELETE", [VIEW], id="405 by the view that the path has"),
    pytest.param("/outer/", "DELETE", [OUTER], id="405 in a blueprint"),
    pytest.param("/outer/nowhere", "GET", [APP], id="404 below a blueprint's prefix: no view, no blueprint"),
    pytest.param("/slash", "PUT", [VIEW], id="a redirect by what it leads to"),
    pytest.param("/split", "GET", [APP], id="two views at one path: GET"),
    pytest.param("/split", "PUT", [VIEW], id="two views at one path: PUT"),
]


@pytest.mark.parametrize("block", [False, True], ids=["", "blocking"])
@pytest.mark.parametrize(("path", "method", "readers"), NEAREST)
def test_the_nearest_policy_governs_a_request_and_its_preflight(
    app: flask.Flask, path: str, method: str, readers: list[str], block: bool
) -> None:
    CORS(nearest_app(app), APP_POLICY, block_disallowed=block)
    assert admitted(app, path, method) == readers


@pytest.mark.parametrize("order", ["route first", "policy first"])
def test_the_order_of_the_decorators_does_not_matter(app: flask.Flask, order: str) -> None:
    def view() -> str:
        return "ok"

    route, policy = app.get("/own"), cross_origin(VIEW_POLICY)
    _ = route(policy(view)) if order == "policy first" else policy(route(view))
    CORS(app, APP_POLICY)
    assert admitted(app, "/own") == [VIEW]


def test_async_views_have_policies_too(app: flask.Flask) -> None:
    @app.route("/async", methods=["GET", "PUT"])
    @cross_origin(VIEW_POLICY)
    async def answer() -> str:
        return "ok"

    CORS(app, APP_POLICY)
    assert get(app, "/async", VIEW).body == b"ok"
    assert admitted(app, "/async", "PUT") == [VIEW]


def test_classes_of_views_their_methods_and_their_decorators_have_policies(app: flask.Flask) -> None:
    class ByClass(MethodView):
        def get(self) -> str:
            return "ok"

    class ByMethod(MethodView):
        @cross_origin(VIEW_POLICY)
        def get(self) -> str:
            return "ok"

        def put(self) -> str:
            return "ok"

    class ByDecorators(View):
        decorators = (cross_origin(INNER_POLICY),)

        def dispatch_request(self) -> str:
            return "ok"

    cross_origin(OUTER_POLICY)(ByClass)
    for view in (ByClass, ByMethod, ByDecorators):
        app.add_url_rule(f"/{view.__name__}", view_func=view.as_view(view.__name__))
    CORS(app, APP_POLICY)
    assert admitted(app, "/ByClass") == [OUTER]
    assert admitted(app, "/ByMethod") == [VIEW]
    assert admitted(app, "/ByMethod", "HEAD") == [VIEW]
    assert admitted(app, "/ByMethod", "PUT") == [APP]
    assert admitted(app, "/ByDecorators") == [INNER]


def test_views_that_are_added_after_the_first_request_are_found(app: flask.Flask) -> None:
    CORS(app, APP_POLICY)
    assert preflight(app, "/late").status == 204
    app.add_url_rule("/late", "late", cross_origin(VIEW_POLICY)(lambda: "ok"))
    assert admitted(app, "/late") == [VIEW]


def test_a_policy_of_its_own_needs_no_policy_of_the_application(app: flask.Flask) -> None:
    CORS(nearest_app(app))
    assert admitted(app, "/own") == [VIEW]
    assert admitted(app, "/") == []
    assert values(get(app, "/"), "Vary") == []


def test_paths_and_views_go_together(app: flask.Flask) -> None:
    CORS(nearest_app(app), PathPolicies({"/outer": OUTER_POLICY, "/own": INNER_POLICY}))
    assert admitted(app, "/outer/nowhere") == [OUTER]
    assert admitted(app, "/own/x") == [INNER]
    assert admitted(app, "/own") == [VIEW]
    assert admitted(app, "/") == []


def test_a_plain_options_request_is_flasks_own(app: flask.Flask) -> None:
    CORS(nearest_app(app), APP_POLICY)
    answer = get(app, "/own", VIEW, "OPTIONS")
    assert answer.status == 200
    assert {"GET", "PUT"} <= set(values(answer, "Allow")[0].split(", "))
    assert values(answer, "Access-Control-Allow-Origin") == [VIEW]


def test_hosts_and_subdomains_choose_the_view(app: flask.Flask) -> None:
    hosts = flask.Flask("hosts", host_matching=True, static_host="static.test", static_folder=None)
    hosts.add_url_rule("/", "one", cross_origin(VIEW_POLICY)(lambda: "one"), host="one.test")
    hosts.add_url_rule("/", "two", lambda: "two", host="two.test")
    CORS(hosts, APP_POLICY)
    for host, origin in (("one.test", VIEW), ("two.test", APP)):
        for request in (("GET", ()), ("OPTIONS", (("Access-Control-Request-Method", "PUT"),))):
            answer = send(hosts, request[0], "/", (("Host", host), ("Origin", origin), *request[1]))
            assert values(answer, "Access-Control-Allow-Origin") == [origin]


def test_a_host_that_is_not_trusted_is_answered_by_flask_and_covered(app: flask.Flask) -> None:
    app.config["TRUSTED_HOSTS"] = ["trusted.test"]
    CORS(nearest_app(app), APP_POLICY)
    answer = send(app, "GET", "/own", (("Host", "other.test"), ("Origin", APP)))
    assert answer.status == 400
    assert values(answer, "Access-Control-Allow-Origin") == [APP]


def test_a_url_converter_may_use_the_application_and_runs_once_a_request(app: flask.Flask) -> None:
    runs = []

    class Counting(BaseConverter):
        def to_python(self, value: str) -> str:
            runs.append(flask.current_app.name)
            return value

    app.url_map.converters["counting"] = Counting
    app.add_url_rule("/row/<counting:row>", "row", cross_origin(VIEW_POLICY)(lambda row: row), methods=["GET", "PUT"])
    CORS(app, APP_POLICY)
    assert values(get(app, "/row/1", VIEW), "Access-Control-Allow-Origin") == [VIEW]
    assert runs == ["tested"]
    assert preflight(app, "/row/1", VIEW).status == 204
    assert runs == ["tested"] * 2


# Where it is installed


def test_one_extension_serves_several_applications_each_by_its_policy() -> None:
    cors = CORS()
    one, two = flask.Flask("one"), flask.Flask("two")
    for made, policy in ((one, APP_POLICY), (two, VIEW_POLICY)):
        made.add_url_rule("/", "root", lambda: "ok")
        cors.init_app(made, policy)
    assert admitted(one, "/") == [APP]
    assert admitted(two, "/") == [VIEW]
    assert one.extensions["cors"].policy is APP_POLICY
    assert two.extensions["cors"].policy is VIEW_POLICY


def test_the_extensions_policy_is_the_default_of_every_application(app: flask.Flask) -> None:
    cors = CORS(policy=APP_POLICY)
    cors.init_app(app)
    app.add_url_rule("/", "root", lambda: "ok")
    assert admitted(app, "/") == [APP]


def test_a_second_time_is_refused(app: flask.Flask) -> None:
    CORS(app, APP_POLICY)
    with pytest.raises(RuntimeError, match="has CORS already"):
        CORS(app, VIEW_POLICY)


def test_the_policy_may_be_replaced_while_serving(app: flask.Flask) -> None:
    CORS(nearest_app(app), APP_POLICY)
    assert admitted(app, "/") == [APP]
    app.extensions["cors"].policy = OUTER_POLICY
    assert admitted(app, "/") == [OUTER]
    assert admitted(app, "/own") == [VIEW]
    app.extensions["cors"].policy = None
    assert admitted(app, "/") == []


def test_the_only_policy_may_be_replaced_while_serving(app: flask.Flask) -> None:
    CORS(app, APP_POLICY)
    assert admitted(app, "/") == [APP]
    app.extensions["cors"].policy = OUTER_POLICY
    assert admitted(app, "/") == [OUTER]


def test_other_middleware_around_and_within_goes_on_working(app: flask.Flask) -> None:
    """Within: what it answers by itself has no view, and the application's policy. Around: a mount."""
    nearest_app(app)
    inner_wsgi = app.wsgi_app

    def maintenance(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/own" and environ["QUERY_STRING"] == "down":
            start_response("503 Service Unavailable", [])
            return [b"down"]
        return inner_wsgi(environ, start_response)

    app.wsgi_app = maintenance  # type: ignore[method-assign, assignment]
    CORS(app, APP_POLICY)
    mounted = DispatcherMiddleware(lambda environ, start_response: [], {"/shop": app})
    assert admitted(mounted, "/shop/own") == [VIEW]
    assert admitted(mounted, "/shop/outer/plain/") == [OUTER]
    assert get(mounted, "/shop/own?down", VIEW).status == 503
    assert values(get(mounted, "/shop/own?down", VIEW), "Access-Control-Allow-Origin") == [VIEW]


def test_paths_count_from_the_mount(app: flask.Flask) -> None:
    app.add_url_rule("/api/users", "users", lambda: "ok", methods=["GET", "PUT"])
    CORS(app, PathPolicies({"/shop/api": APP_POLICY, "/api": VIEW_POLICY}))
    mounted = DispatcherMiddleware(lambda environ, start_response: [], {"/shop": app})
    assert admitted(mounted, "/shop/api/users") == [APP]
    assert admitted(app, "/api/users") == [VIEW]


def test_paths_count_as_they_were_asked_for_though_a_mount_within_changes_them(app: flask.Flask) -> None:
    def plain(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"plain"]

    nearest_app(app)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/inner": plain})  # type: ignore[method-assign]
    CORS(app, PathPolicies({"/inner": INNER_POLICY, "/inner/inner": OUTER_POLICY}))
    assert admitted(app, "/inner/x") == [INNER]
    assert admitted(app, "/own") == [VIEW]


def test_an_application_within_an_application_is_governed_by_the_outer_one(app: flask.Flask) -> None:
    """The outer one answers last, and what the inner one said is replaced rather than doubled."""
    inner = flask.Flask("inner")
    inner.add_url_rule("/own", "own", cross_origin(INNER_POLICY)(lambda: "ok"))
    CORS(inner, INNER_POLICY)
    nearest_app(app)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/inner": inner})  # type: ignore[method-assign]
    CORS(app, APP_POLICY)
    assert admitted(app, "/inner/own") == [APP]
    assert admitted(app, "/own") == [VIEW]


def test_requests_within_a_request_do_not_borrow_its_view(app: flask.Flask) -> None:
    nearest_app(app)
    found: dict[str, list[str]] = {}

    @app.get("/probe")
    @cross_origin(INNER_POLICY)
    def probe() -> str:
        found["own"] = admitted(app, "/own", "PUT")
        found["root"] = admitted(app, "/", "PUT")
        found["nowhere"] = admitted(app, "/nowhere", "PUT")
        return "ok"

    CORS(app, APP_POLICY)
    assert values(get(app, "/probe", INNER), "Access-Control-Allow-Origin") == [INNER]
    assert found == {"own": [VIEW], "root": [APP], "nowhere": [APP]}


def test_threads_do_not_see_each_others_views(app: flask.Flask) -> None:
    CORS(nearest_app(app), APP_POLICY)
    wrong: list[str] = []

    def serve(path: str, origin: str) -> None:
        for _ in range(200):
            if values(get(app, path, origin), "Access-Control-Allow-Origin") != [origin]:
                wrong.append(path)

    threads = [
        threading.Thread(target=serve, args=pair) for pair in (("/", APP), ("/own", VIEW), ("/outer/inner/", INNER))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_test_client_and_its_contexts_go_on_working(app: flask.Flask) -> None:
    CORS(nearest_app(app), APP_POLICY)
    with app.test_client() as client:
        assert client.get("/own", headers={"Origin": VIEW}).headers["Access-Control-Allow-Origin"] == VIEW
        assert flask.request.path == "/own"
        response = client.options("/", headers={"Origin": APP, "Access-Control-Request-Method": "PUT"})
        assert response.headers["Access-Control-Allow-Origin"] == APP
    with app.test_request_context("/own"):
        assert app.test_client().get("/", headers={"Origin": APP}).headers["Access-Control-Allow-Origin"] == APP


# Options


def test_a_blocked_request_never_reaches_its_view(app: flask.Flask) -> None:
    called = []

    @app.post("/own")
    @cross_origin(VIEW_POLICY)
    def own() -> str:
        called.append(flask.request.headers["Origin"])
        return "ok"

    CORS(app, APP_POLICY, block_disallowed=True)
    assert get(app, "/own", VIEW, "POST").status == 200
    assert get(app, "/own", APP, "POST").status == 403
    assert called == [VIEW]


def test_a_body_is_read_by_the_view_alone(app: flask.Flask) -> None:
    @app.put("/own")
    @cross_origin(VIEW_POLICY)
    def own() -> bytes:
        return flask.request.get_data()

    CORS(app, APP_POLICY)
    environ = environ_of("PUT", "/own", (("Origin", VIEW),), b"posted")
    assert isinstance(environ["wsgi.input"], io.BytesIO)
    assert send(app, "PUT", "/own", (("Origin", VIEW),), b"posted").body == b"posted"
