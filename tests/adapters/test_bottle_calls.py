"""What `CORSPlugin` and its routes are given: an error at once that says what to write, and no work for nothing."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import bottle
import pytest
from readers import APP, APP_POLICY, ROUTE, ROUTE_POLICY, admitted, get, preflight
from wsgi_client import environ_of, send, values

from corecors import CORSRequest, Policy
from corecors.adapters.bottle import CORSPlugin


@pytest.fixture
def app() -> bottle.Bottle:
    return bottle.Bottle()


def ok() -> str:
    return "ok"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        pytest.param(lambda app: CORSPlugin(), r"write CORSPlugin\(policy\)", id="nothing"),
        pytest.param(lambda app: CORSPlugin(origins="*"), "origins", id="origins"),
        pytest.param(lambda app: CORSPlugin(APP_POLICY, origins="*"), "origins", id="origins beside a policy"),
        pytest.param(lambda app: CORSPlugin(app), r"app\.install\(CORSPlugin\(policy\)\)", id="the application"),
        pytest.param(
            lambda app: CORSPlugin(app, APP_POLICY),  # type: ignore[call-overload]
            r"app\.install\(CORSPlugin\(policy\)\)",
            id="the application and a policy, as CORS takes them",
        ),
        pytest.param(lambda app: app.install(CORSPlugin), r"app\.install\(CORSPlugin\(policy\)\)", id="the class"),
    ],
)
def test_a_wrong_call_says_what_to_write_and_where_that_stands(
    app: bottle.Bottle, call: Callable[[bottle.Bottle], object], says: str
) -> None:
    with pytest.raises(TypeError, match=says) as caught:
        call(app)
    assert "docs/migrating.md" in str(caught.value)


WRONG_ROUTES = [
    pytest.param({"cors": True}, "cors that is not a policy", id="True"),
    pytest.param({"cors": "*"}, "cors that is not a policy", id="text"),
    pytest.param({"cors": {"allow_origins": ["*"]}}, r"cors=\{\.\.\.\}, a dict", id="a dict"),
    pytest.param({"cors": Policy}, "cors that is not a policy", id="the class"),
    pytest.param({"apply": [CORSPlugin]}, "applies a plugin's class", id="a plugin's class"),
    pytest.param(
        {"apply": [CORSPlugin(ROUTE_POLICY, block_disallowed=True)]}, "block_disallowed", id="a plugin with options"
    ),
]


@pytest.mark.parametrize(("options", "says"), WRONG_ROUTES)
def test_a_route_with_what_is_not_a_policy_is_named_when_the_plugin_is_installed(
    app: bottle.Bottle, options: dict[str, Any], says: str
) -> None:
    app.get("/fine", callback=ok, cors=APP_POLICY)
    app.get("/wrong", callback=ok, **options)
    with pytest.raises(TypeError, match=f"the route GET /wrong .*{says}"):
        app.install(CORSPlugin(APP_POLICY))


@pytest.mark.parametrize(("options", "says"), WRONG_ROUTES)
def test_a_route_that_comes_later_is_named_at_the_first_request(
    app: bottle.Bottle, options: dict[str, Any], says: str
) -> None:
    app.install(CORSPlugin(APP_POLICY))
    app.get("/fine", callback=ok)
    assert admitted(app, "/fine") == [APP]
    app.get("/wrong", callback=ok, **options)
    for _ in range(2):
        with pytest.raises(TypeError, match=f"the route GET /wrong .*{says}"):
            get(app, "/fine")


def test_what_is_not_a_policy_in_a_routes_configuration_is_an_error_whenever_it_came_there(app: bottle.Bottle) -> None:
    app.get("/x", callback=ok)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/x") == [APP]
    app.routes[0].config["cors"] = "*"
    with pytest.raises(TypeError, match="the route GET /x has a cors that is not a policy"):
        get(app, "/x")
    app.routes[0].config["cors"] = None
    assert admitted(app, "/x") == []


def lets_in(response: Any) -> bool:
    return values(response, "Access-Control-Allow-Origin") != []


@pytest.fixture
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """No route of any other test has had a policy of its own."""
    monkeypatch.setattr("corecors.adapters.bottle._given", set())


LATE = [
    pytest.param(lambda app: app.routes[0].config.__setitem__("cors", ROUTE_POLICY), id="as an item"),
    pytest.param(lambda app: app.routes[0].config.update(cors=ROUTE_POLICY), id="by update"),
    pytest.param(lambda app: app.routes[0].config.setdefault("cors", ROUTE_POLICY), id="by setdefault"),
    pytest.param(lambda app: app.routes[0].config.load_dict({"cors": ROUTE_POLICY}), id="by load_dict"),
    pytest.param(lambda app: app.config.__setitem__("cors", ROUTE_POLICY), id="for all routes"),
    pytest.param(
        lambda app: (app.routes.clear(), app.get("/x", callback=ok, cors=ROUTE_POLICY)),
        id="with a route in the place of another",
    ),
    pytest.param(
        lambda app: (app.routes[0].plugins.append(CORSPlugin(ROUTE_POLICY)), app.reset()), id="as a plugin of the route"
    ),
]


@pytest.mark.parametrize("give", LATE)
def test_a_policy_that_a_route_is_given_late_governs_at_once(
    app: bottle.Bottle, nothing_given: None, give: Callable[[bottle.Bottle], object]
) -> None:
    app.get("/x", callback=ok)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/x") == [APP]
    give(app)
    assert not lets_in(preflight(app, "/x", APP))
    assert lets_in(preflight(app, "/x", ROUTE))
    assert lets_in(get(app, "/x", ROUTE))
    assert admitted(app, "/x") == [ROUTE]


def test_a_policy_that_is_given_late_governs_what_is_answered_in_the_place_of_the_route(
    app: bottle.Bottle, nothing_given: None
) -> None:
    """No such answer has a route that could be asked whether it got a policy."""
    app.get("/x", callback=ok)
    app.install(CORSPlugin(APP_POLICY))
    assert lets_in(send(app, "POST", "/x", [("Origin", APP)]))
    app.routes[0].config["cors"] = ROUTE_POLICY
    response = send(app, "POST", "/x", [("Origin", APP)])
    assert response.status == 405
    assert not lets_in(response)


def test_a_plugin_that_a_route_skips_late_governs_no_more(app: bottle.Bottle, nothing_given: None) -> None:
    app.get("/x", callback=ok)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/x") == [APP]
    app.routes[0].skiplist.append("cors")
    app.reset()
    assert admitted(app, "/x") == []


def test_what_a_mount_is_told_changes_nothing_about_what_the_mounted_application_does_not_have(
    app: bottle.Bottle, nothing_given: None
) -> None:
    inner = bottle.Bottle()
    inner.install(CORSPlugin(APP_POLICY))
    app.mount("/inner/", inner.wsgi, skip=["cors"], cors=None)  # as any WSGI application
    assert get(app, "/inner/nowhere", APP).status == 404
    assert lets_in(get(app, "/inner/nowhere", APP))


@pytest.mark.parametrize(
    ("give", "governed"),
    [
        pytest.param(lambda route: route.config.__ior__({"cors": ROUTE_POLICY}), [ROUTE], id="an option, past Bottle"),
        pytest.param(
            lambda route: (route.plugins.append(CORSPlugin(ROUTE_POLICY)), route.reset()), [ROUTE], id="a plugin"
        ),
        pytest.param(lambda route: (route.skiplist.append("cors"), route.reset()), [], id="a plugin to skip"),
    ],
)
def test_what_is_told_to_nobody_lets_nobody_in_and_governs_from_the_next_request_on(
    app: bottle.Bottle, nothing_given: None, give: Callable[[bottle.Route], object], governed: list[str]
) -> None:
    app.get("/x", callback=ok)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/x") == [APP]
    give(app.routes[0])
    assert not lets_in(get(app, "/x", APP))
    assert admitted(app, "/x") == governed


def test_a_route_that_gives_itself_a_policy_lets_nobody_in_by_the_one_before(
    app: bottle.Bottle, nothing_given: None
) -> None:
    def callback() -> str:
        bottle.request.route.config["cors"] = ROUTE_POLICY
        return "ok"

    app.get("/x", callback=callback)
    app.install(CORSPlugin(APP_POLICY))
    assert not lets_in(get(app, "/x", APP))
    assert admitted(app, "/x") == [ROUTE]


def test_where_a_filter_of_the_applications_own_hears_of_what_is_set_each_preflight_looks(
    app: bottle.Bottle, nothing_given: None, request: pytest.FixtureRequest
) -> None:
    """A filter is how it is heard of, and there can be but one, for all applications."""
    bottle.Bottle().install(CORSPlugin(APP_POLICY))
    taken = app.config.meta_get("cors", "filter")
    app.config.meta_set("cors", "filter", lambda value: value or ROUTE_POLICY)
    request.addfinalizer(lambda: app.config.meta_set("cors", "filter", taken))
    app.get("/x", callback=ok)
    app.install(CORSPlugin(APP_POLICY))
    assert admitted(app, "/x") == [APP]
    app.routes[0].config["cors"] = ""
    assert lets_in(preflight(app, "/x", ROUTE))
    assert admitted(app, "/x") == [ROUTE]


def test_a_source_may_govern_a_route(app: bottle.Bottle) -> None:
    class Source:
        def policy_for(self, request: CORSRequest) -> Policy:
            return ROUTE_POLICY

    app.get("/x", callback=ok, cors=Source())
    app.install(CORSPlugin(APP_POLICY))
    assert values(get(app, "/x", ROUTE_POLICY.allow_origins[0]), "Access-Control-Allow-Origin") != []


@pytest.mark.parametrize(("own", "warnings"), [({}, 1), ({"cors": ROUTE_POLICY}, 0)], ids=["nothing", "a route"])
def test_an_application_without_any_policy_is_told_so_once(
    app: bottle.Bottle, own: dict[str, Any], warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/", callback=ok, **own)
    app.install(CORSPlugin(None))
    with caplog.at_level(logging.WARNING, logger="corecors"):
        for path in ("/late", "/later"):
            get(app, "/", "http://127.0.0.1")
            app.get(path, callback=ok)
    assert ["no route has a policy either" in record.getMessage() for record in caplog.records] == [True] * warnings


@pytest.mark.filterwarnings("ignore:Warning. Use of deprecated feature:DeprecationWarning")
def test_a_mounted_application_that_answers_for_itself_is_not_without_a_policy(
    app: bottle.Bottle, caplog: pytest.LogCaptureFixture
) -> None:
    child = bottle.Bottle()
    child.install(CORSPlugin(APP_POLICY))
    app.mount("/child", child)  # without a slash at its end, Bottle mounts it as WSGI
    app.install(CORSPlugin(None))
    get(app, "/", "http://127.0.0.1")
    assert caplog.records == []


def test_the_first_request_validates_no_policy_again(app: bottle.Bottle) -> None:
    """Counted in calls: a policy of a thousand origins takes some ten thousand to make, and there are 300 routes."""
    policy = Policy(allow_origins=[f"https://tenant-{number}.example.com" for number in range(1000)])
    app.install(CORSPlugin(policy))
    for number in range(300):
        app.get(f"/{number}", callback=ok, **({"cors": policy} if number % 2 else {}))
    environ = environ_of("GET", "/1", (("Origin", policy.allow_origins[7]),))
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        list(app(environ, lambda *_: lambda data: None))
    finally:
        sys.setprofile(None)
    assert calls < 300 * 30


def test_an_error_before_routing_does_not_borrow_the_route_of_the_application_around(app: bottle.Bottle) -> None:
    """A Bottle that is mounted as WSGI is called with the environ in which the outer one has left its route."""
    child = bottle.Bottle()

    @child.hook("before_request")
    def fail() -> None:
        bottle.abort(503, "no database")

    child.get("/x", callback=ok)
    child.install(CORSPlugin(APP_POLICY))
    app.mount("/child/", lambda environ, start_response: child(environ, start_response), cors=None)
    app.install(CORSPlugin(None))
    answer = get(app, "/child/x", APP)
    assert answer.status == 503
    assert values(answer, "Access-Control-Allow-Origin") == [APP]


def test_a_copy_of_the_environ_that_another_plugin_made_is_known_again(app: bottle.Bottle) -> None:
    """A plugin that wraps `app.wsgi`, and takes the method from a header."""
    inner = app.wsgi

    def overriding(environ: dict[str, Any], start_response: Any) -> Any:
        method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", environ["REQUEST_METHOD"])
        return inner({**environ, "REQUEST_METHOD": method}, start_response)

    app.wsgi = overriding
    app.get("/split", callback=ok)
    app.put("/split", callback=ok, cors=None)
    app.install(CORSPlugin(Policy(allow_origins=["*"])))
    assert values(get(app, "/split"), "Access-Control-Allow-Origin") == ["*"]
    overridden = send(app, "GET", "/split", (("Origin", APP), ("X-HTTP-Method-Override", "PUT")))
    assert values(overridden, "Access-Control-Allow-Origin") == []
