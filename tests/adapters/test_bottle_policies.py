"""The Bottle plugin: the nearest policy governs, mounts, Bottle's own rules for plugins, and its options."""

import json
import threading
from collections.abc import Callable
from typing import Any

import bottle
import pytest
from readers import APP, APP_POLICY, CHILD, CHILD_POLICY, ROUTE, ROUTE_POLICY, admitted, get, preflight
from wsgi_client import values

from corecors import PathPolicies, Policy
from corecors.adapters.bottle import CORSPlugin
from corecors.adapters.wsgi import CORSMiddleware


@pytest.fixture
def app() -> bottle.Bottle:
    return bottle.Bottle()


def ok() -> str:
    return "ok"


# The nearest policy


def nearest_app(app: bottle.Bottle) -> bottle.Bottle:
    both = ["GET", "PUT"]
    app.route("/", both, callback=ok)
    app.route("/own", both, callback=ok, cors=ROUTE_POLICY)
    app.route("/own/<number:int>", both, callback=lambda number: "ok", cors=ROUTE_POLICY)
    app.route("/none", both, callback=ok, cors=None)
    app.route("/applied", both, callback=ok, apply=[CORSPlugin(ROUTE_POLICY)])
    app.route("/skipped/name", both, callback=ok, skip=["cors"])
    app.route("/skipped/type", both, callback=ok, skip=[CORSPlugin])
    app.route("/skipped/all", both, callback=ok, skip=True)
    app.route("/by-path", both, callback=ok, cors=PathPolicies({"/by-path": ROUTE_POLICY}))
    app.get("/split", callback=ok)
    app.put("/split", callback=ok, cors=ROUTE_POLICY)
    app.route("/any", "ANY", callback=ok, cors=ROUTE_POLICY)
    app.get("/über/<name>", callback=lambda name: "ok", cors=ROUTE_POLICY)
    return app


NEAREST = [
    pytest.param("/", "GET", [APP], id="the application's"),
    pytest.param("/nowhere", "GET", [APP], id="404"),
    pytest.param("/own", "GET", [ROUTE], id="the route's"),
    pytest.param("/own", "HEAD", [ROUTE], id="the route's for HEAD"),
    pytest.param("/own", "DELETE", [ROUTE], id="405 by the route that the path has"),
    pytest.param("/own/7", "PUT", [ROUTE], id="the route's, with a variable"),
    pytest.param("/own/x", "PUT", [APP], id="not the route's, where its variable does not match"),
    pytest.param("/none", "GET", [], id="none, for the route says so"),
    pytest.param("/applied", "GET", [ROUTE], id="a plugin of the route"),
    pytest.param("/skipped/name", "GET", [], id="skipped by its name"),
    pytest.param("/skipped/type", "GET", [], id="skipped by its type"),
    pytest.param("/skipped/all", "GET", [], id="skipped with all plugins"),
    pytest.param("/by-path", "GET", [ROUTE], id="by path within a route"),
    pytest.param("/split", "GET", [APP], id="two routes at one path: GET"),
    pytest.param("/split", "PUT", [ROUTE], id="two routes at one path: PUT"),
    pytest.param("/any", "DELETE", [ROUTE], id="a route for any method"),
    pytest.param("/\u00c3\u00bcber/\u00c3\u00a9", "GET", [ROUTE], id="a path beyond ASCII, as servers hand it over"),
]


@pytest.mark.parametrize("block", [False, True], ids=["", "blocking"])
@pytest.mark.parametrize(("path", "method", "readers"), NEAREST)
def test_the_nearest_policy_governs_a_request_and_its_preflight(
    app: bottle.Bottle, path: str, method: str, readers: list[str], block: bool
) -> None:
    app.install(CORSPlugin(APP_POLICY, block_disallowed=block))
    assert admitted(nearest_app(app), path, method) == readers


def test_a_path_that_a_hook_rewrites_is_governed_by_the_route_that_answers(app: bottle.Bottle) -> None:
    """Bottle's own recipe for trailing slashes. What is opted out is not opened by asking for it in another way."""

    @app.hook("before_request")
    def strip() -> None:
        bottle.request.environ["PATH_INFO"] = bottle.request.environ["PATH_INFO"].rstrip("/")

    app.install(CORSPlugin(APP_POLICY))
    nearest_app(app)
    assert values(get(app, "/none/", APP), "Access-Control-Allow-Origin") == []
    assert values(get(app, "/own/", ROUTE), "Access-Control-Allow-Origin") == [ROUTE]


def test_paths_and_routes_go_together(app: bottle.Bottle) -> None:
    app.install(CORSPlugin(PathPolicies({"/own": CHILD_POLICY, "/über": CHILD_POLICY})))
    nearest_app(app)
    assert admitted(app, "/own/x") == [CHILD]
    assert admitted(app, "/own") == [ROUTE]
    assert admitted(app, "/\u00c3\u00bcber") == [CHILD]
    assert admitted(app, "/") == []


def test_a_route_policy_needs_no_policy_of_the_application(app: bottle.Bottle) -> None:
    app.install(CORSPlugin(None))
    nearest_app(app)
    assert admitted(app, "/own") == [ROUTE]
    assert admitted(app, "/") == []
    assert values(get(app, "/"), "Vary") == []


def test_routes_that_are_added_while_serving_are_found(app: bottle.Bottle) -> None:
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/late") == [APP]
    app.get("/late", callback=ok, cors=ROUTE_POLICY)
    assert admitted(app, "/late") == [ROUTE]


def test_a_url_filter_that_refuses_is_a_bad_request_and_covered(app: bottle.Bottle) -> None:
    def even(text: str) -> int:
        if int(text) % 2:
            raise ValueError("odd")
        return int(text)

    app.router.add_filter("even", lambda config: ("[0-9]+", even, str))
    app.get("/even/<number:even>", callback=lambda number: "ok", cors=ROUTE_POLICY)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/even/2") == [ROUTE]
    assert get(app, "/even/1").status == 400
    assert admitted(app, "/even/1") == [APP]


# Mounts


def mounted(child_policy: Policy | None, parent_policy: Policy | None, order: str = "child first") -> bottle.Bottle:
    """A parent with a child at /child/. A policy of None: no plugin at all."""
    parent, child = bottle.Bottle(), bottle.Bottle()
    child.route("/", ["GET", "PUT"], callback=ok)
    child.route("/own", ["GET", "PUT"], callback=ok, cors=ROUTE_POLICY)
    child.route("/none", ["GET", "PUT"], callback=ok, cors=None)
    child.route("/skip", ["GET", "PUT"], callback=ok, skip=["cors"])
    parent.get("/", callback=ok)

    def mount() -> None:
        parent.mount("/child/", child)

    def install_child() -> None:
        if child_policy is not None:
            child.install(CORSPlugin(child_policy))

    def install_parent() -> None:
        if parent_policy is not None:
            parent.install(CORSPlugin(parent_policy))

    steps = {
        "child first": (install_child, install_parent, mount),
        "parent first": (install_parent, install_child, mount),
        "mount first": (mount, install_child, install_parent),
        "mount in the middle": (install_child, mount, install_parent),
    }
    for step in steps[order]:
        step()
    return parent


@pytest.mark.parametrize("order", ["child first", "parent first", "mount first", "mount in the middle"])
@pytest.mark.parametrize(
    ("child_policy", "parent_policy", "readers"),
    [
        pytest.param(CHILD_POLICY, APP_POLICY, ([CHILD], [APP], [ROUTE]), id="both"),
        pytest.param(None, APP_POLICY, ([APP], [APP], [ROUTE]), id="the parent alone"),
        pytest.param(CHILD_POLICY, None, ([CHILD], [], [ROUTE]), id="the child alone"),
    ],
)
def test_a_mounted_application_has_its_own_policy_or_that_around_it(
    child_policy: Policy | None, parent_policy: Policy | None, readers: tuple[list[str], ...], order: str
) -> None:
    parent = mounted(child_policy, parent_policy, order)
    assert (admitted(parent, "/child/"), admitted(parent, "/"), admitted(parent, "/child/own")) == readers
    assert admitted(parent, "/child/none") == []
    assert admitted(parent, "/child/skip") == []
    assert admitted(parent, "/nowhere") == readers[1]


def test_a_plugin_that_a_mounted_application_gets_while_serving_is_found() -> None:
    parent, child = bottle.Bottle(), bottle.Bottle()
    child.get("/", callback=ok)
    parent.install(CORSPlugin(APP_POLICY))
    parent.mount("/child/", child)
    parent.get("/", callback=ok)
    plugin = CORSPlugin(APP_POLICY)
    assert admitted(parent, "/child/") == [APP]
    child.install(plugin)
    plugin.policy = CHILD_POLICY
    assert admitted(parent, "/child/") == [CHILD]


def test_a_mount_within_a_mount_is_served_by_the_outermost_application() -> None:
    outermost = bottle.Bottle()
    middle = mounted(CHILD_POLICY, None)
    outermost.mount("/middle/", middle)
    assert admitted(outermost, "/middle/child/") == [CHILD]
    assert admitted(outermost, "/middle/child/own") == [ROUTE]
    assert admitted(outermost, "/middle/") == []


def test_merged_routes_have_the_policy_of_where_they_come_from(app: bottle.Bottle) -> None:
    other = bottle.Bottle()
    other.get("/merged", callback=ok)
    other.install(CORSPlugin(CHILD_POLICY))
    app.merge(other)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/merged") == [CHILD]
    assert admitted(app, "/nowhere") == [APP]


def plain_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Vary", "Accept"), ("X-Method", environ["REQUEST_METHOD"])])
    return [b"plain"]


def test_mounted_wsgi_has_the_policy_around_it_or_one_of_the_mount(app: bottle.Bottle) -> None:
    app.mount("/plain/", plain_wsgi)
    app.mount("/own/", plain_wsgi, cors=ROUTE_POLICY)
    app.mount("/none/", plain_wsgi, cors=None)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/plain/x") == [APP]
    assert admitted(app, "/own/x") == [ROUTE]
    assert admitted(app, "/none/x") == []
    assert values(get(app, "/plain/x"), "Vary") == ["Accept, Origin"]
    assert preflight(app, "/none/x").body == b"plain"


def test_mounted_wsgi_with_a_middleware_of_its_own_is_answered_once(app: bottle.Bottle) -> None:
    app.mount("/wrapped/", CORSMiddleware(plain_wsgi, CHILD_POLICY), cors=None)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/wrapped/x") == [CHILD]


def test_the_options_of_the_outer_plugin_hold_though_a_mounted_one_was_first() -> None:
    heard: list[str] = []
    parent, child = bottle.Bottle(), bottle.Bottle()
    child.get("/", callback=ok)
    child.install(CORSPlugin(CHILD_POLICY))
    parent.mount("/child/", child)
    assert admitted(parent, "/child/") == [CHILD]
    parent.install(CORSPlugin(None, on_decision=lambda decision, request: heard.append(request.path)))
    assert get(parent, "/child/", CHILD).status == 200
    assert heard == ["/child/"]


@pytest.mark.filterwarnings("ignore:Warning. Use of deprecated feature:DeprecationWarning")
@pytest.mark.parametrize("parent_policy", [APP_POLICY, None], ids=["both", "the child alone"])
def test_a_bottle_that_is_mounted_as_wsgi_answers_for_itself(parent_policy: Policy | None) -> None:
    """Bottle falls back to that where a mount has options, or no slash at its end."""
    parent, child = bottle.Bottle(), bottle.Bottle()
    child.route("/x", ["GET", "PUT"], callback=ok)
    child.route("/own", ["GET", "PUT"], callback=ok, cors=ROUTE_POLICY)
    child.install(CORSPlugin(CHILD_POLICY))
    parent.get("/x", callback=ok)
    if parent_policy is not None:
        parent.install(CORSPlugin(parent_policy))
    parent.mount("/child", child)
    assert admitted(parent, "/child/x") == [CHILD]
    assert admitted(parent, "/child/own") == [ROUTE]
    assert admitted(parent, "/x") == ([APP] if parent_policy else [])
    child.uninstall(CORSPlugin)
    child.install(CORSPlugin(ROUTE_POLICY))
    assert admitted(parent, "/child/x") == [ROUTE]


def test_paths_count_from_the_mount(app: bottle.Bottle) -> None:
    child = bottle.Bottle()
    child.get("/users", callback=ok)
    child.install(CORSPlugin(PathPolicies({"/api/users": CHILD_POLICY})))
    app.mount("/api/", child)
    assert admitted(app, "/api/users") == [CHILD]
    assert admitted(child, "/users") == []


# Bottle's rules


def test_it_is_installed_once_and_can_be_taken_out_and_put_in_again(app: bottle.Bottle) -> None:
    app.get("/", callback=ok)
    plugin = app.install(CORSPlugin(APP_POLICY))
    with pytest.raises(bottle.PluginError, match="has CORS already"):
        app.install(CORSPlugin(ROUTE_POLICY))
    assert admitted(app, "/") == [APP]
    assert app.uninstall("cors") == [plugin]
    assert admitted(app, "/") == []
    assert values(get(app, "/"), "Vary") == []
    app.install(CORSPlugin(ROUTE_POLICY))
    assert admitted(app, "/") == [ROUTE]


def test_one_plugin_may_serve_several_applications() -> None:
    plugin = CORSPlugin(APP_POLICY)
    one, two = bottle.Bottle(), bottle.Bottle()
    for made in (one, two):
        made.get("/", callback=ok)
        made.install(plugin)
    plugin.policy = ROUTE_POLICY
    assert admitted(one, "/") == admitted(two, "/") == [ROUTE]


def test_the_policy_may_be_replaced_while_serving(app: bottle.Bottle) -> None:
    plugin = app.install(CORSPlugin(APP_POLICY))
    nearest_app(app)
    assert admitted(app, "/") == [APP]
    plugin.policy = CHILD_POLICY
    assert admitted(app, "/") == [CHILD]
    assert admitted(app, "/own") == [ROUTE]
    plugin.policy = None
    assert admitted(app, "/") == []


def test_the_policy_of_a_mounted_application_may_be_replaced_too() -> None:
    parent, child = bottle.Bottle(), bottle.Bottle()
    child.get("/", callback=ok)
    plugin = child.install(CORSPlugin(APP_POLICY))
    parent.install(CORSPlugin(APP_POLICY))
    parent.mount("/child/", child)
    assert admitted(parent, "/child/") == [APP]
    plugin.policy = ROUTE_POLICY
    assert admitted(parent, "/child/") == [ROUTE]


def test_a_routes_plugin_without_one_that_is_installed_is_an_error(app: bottle.Bottle) -> None:
    app.get("/x", callback=ok, apply=[CORSPlugin(ROUTE_POLICY)])
    (route,) = app.routes
    with pytest.raises(bottle.PluginError, match="needs one that is installed"):
        route.prepare()
    app.install(CORSPlugin(None))
    route.prepare()
    assert admitted(app, "/x") == [ROUTE]


def test_other_plugins_go_on_working(app: bottle.Bottle) -> None:
    def marking(callback: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(**arguments: Any) -> Any:
            bottle.response.headers["X-Marked"] = "1"
            return callback(**arguments)

        return wrapped

    app.install(CORSPlugin(APP_POLICY))
    app.install(marking)
    app.get("/", callback=lambda: {"a": 1})
    answer = get(app, "/")
    assert values(answer, "X-Marked") == ["1"]
    assert values(answer, "Access-Control-Allow-Origin") == [APP]
    assert json.loads(answer.body) == {"a": 1}


# Options


def test_a_blocked_request_never_reaches_its_callback(app: bottle.Bottle) -> None:
    called = []
    app.post("/own", callback=lambda: called.append(bottle.request.get_header("Origin")), cors=ROUTE_POLICY)
    app.install(CORSPlugin(APP_POLICY, block_disallowed=True))
    assert get(app, "/own", ROUTE, "POST").status == 200
    assert get(app, "/own", APP, "POST").status == 403
    assert called == [ROUTE]


def test_threads_do_not_see_each_others_routes(app: bottle.Bottle) -> None:
    app.install(CORSPlugin(APP_POLICY))
    nearest_app(app)
    wrong: list[str] = []

    def serve(path: str, origin: str) -> None:
        for _ in range(200):
            if values(get(app, path, origin), "Access-Control-Allow-Origin") != [origin]:
                wrong.append(path)

    threads = [threading.Thread(target=serve, args=pair) for pair in (("/", APP), ("/own", ROUTE), ("/own/7", ROUTE))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
