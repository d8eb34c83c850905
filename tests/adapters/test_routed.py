"""What Flask and Bottle do alike: the policy that governs is that of the view that runs, whatever is asked for."""

import itertools
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import bottle
import flask
import pytest
from readers import APP, APP_POLICY, STRANGER, VIEW, VIEW_POLICY, get, preflight
from routed_apps import ACCENT, ADMIN, CHILD, CLASS, DEFAULT, INNER, OTHER, Routed
from routed_apps import VIEW as OWN
from routing_fuzzer import BUILDERS, Request, exchange, fuzz
from small_routed_apps import SMALL, Small
from wsgi_client import environ_of, send, values

from corecors import CORSRequest, Decision, PathPolicies, Policy, RejectionLog
from corecors.adapters.bottle import CORSPlugin
from corecors.adapters.flask import CORS
from corecors.adapters.flask_marks import Marks

FRAMEWORKS = ("flask", "bottle")
_apps: dict[tuple[str, bool], Routed] = {}

NOBODY = "nobody"  # is let in: the view runs, but where such requests are blocked


def routed(framework: str, blocking: bool) -> Routed:
    key = framework, blocking
    if key not in _apps:
        _apps[key] = BUILDERS[framework]("paths", block_disallowed=blocking, rejections=None)
    return _apps[key]


# The view that runs in Flask and in Bottle (None: none does), and the policy that governs: of the view's own, of the
# application's `PathPolicies`, or None where it opted out.
GOVERNED = [
    pytest.param("GET /own", ("own", OWN), ("own", OWN), id="as it is written"),
    pytest.param("GET /%6fwn", ("own", OWN), ("own", OWN), id="an encoded letter"),
    pytest.param("GET /own?x=/admin", ("own", OWN), ("own", OWN), id="a query"),
    pytest.param("GET /OWN", None, None, id="upper case"),
    pytest.param("GET /own;x=1", None, None, id="a path parameter"),
    pytest.param("GET /admin/secret", ("secret", ADMIN), ("secret", ADMIN), id="by its path"),
    pytest.param("GET /admin;x=1/secret", None, None, id="a path parameter in a prefix"),
    pytest.param("GET /caf%C3%A9/x", ("accent", ACCENT), ("accent", ACCENT), id="UTF-8"),
    pytest.param("GET /cafe%CC%81/x", None, None, id="the same letter composed in another way"),
    # Bytes that are not UTF-8: Bottle drops them, Werkzeug replaces them.
    pytest.param("GET /adm%FFin/secret", None, ("secret", NOBODY), id="a byte that Bottle drops"),
    pytest.param("GET /ad%C0%AFmin/secret", None, ("secret", NOBODY), id="an overlong slash"),
    pytest.param("GET /ad%ED%A0%80min/secret", None, ("secret", NOBODY), id="an encoded surrogate"),
    pytest.param("GET /none%80", None, ("none", None), id="a dropped byte before a view that opted out"),
    pytest.param("GET /ow%E2%82n", None, ("own", OWN), id="half a character before a view with its own policy"),
    pytest.param("GET /own%EF%BF%BD", None, None, id="the replacement character itself"),
    # Slashes
    pytest.param("GET //own", ("own", OWN), None, id="two slashes in front, which Werkzeug makes one"),
    pytest.param("GET //admin/secret", ("secret", NOBODY), None, id="two slashes in front, by path"),
    pytest.param("GET own", ("own", OWN), None, id="no slash in front"),
    pytest.param("GET /admin//secret", None, None, id="two slashes inside, which Werkzeug redirects"),
    pytest.param("GET /files//a", None, ("rest", OTHER), id="two slashes inside a variable"),
    pytest.param("GET /slash", None, None, id="a slash that is missing, which Werkzeug redirects"),
    pytest.param("GET /loose", ("loose", OTHER), None, id="strict_slashes=False"),
    pytest.param("GET /un//merged", None, None, id="merge_slashes=False"),
    pytest.param("GET /outer/inner//none", ("outer rest", OTHER), None, id="an empty variable of a blueprint"),
    pytest.param("GET /child//own", None, None, id="two slashes after a mount"),
    pytest.param("GET /admin%2Fsecret", ("secret", NOBODY), ("secret", NOBODY), id="an encoded slash, by path"),
    pytest.param("GET /admin%5Csecret", None, None, id="a backslash"),
    # Dots
    pytest.param("GET /admin/../own", None, None, id="dots"),
    pytest.param("GET /files/../own", ("rest", OTHER), ("rest", OTHER), id="dots within a variable"),
    pytest.param("GET /files/%2e%2e/own", ("rest", OTHER), ("rest", OTHER), id="encoded dots within a variable"),
    # What converters take
    pytest.param("GET /items/07", ("number", OWN), ("number", OWN), id="a number in another form"),
    pytest.param("GET /items/%EF%BC%97", ("number", OWN), ("number", OWN), id="a digit beyond ASCII"),
    pytest.param("GET /items/-7", ("name", OTHER), ("number", OWN), id="a sign, which Bottle takes for a number"),
    pytest.param("GET /items/7.0", ("float", None), ("name", OTHER), id="which of two converters comes first"),
    pytest.param("GET /items/7%0A", ("name", OTHER), ("number", OWN), id="a line feed, which Bottle overlooks"),
    pytest.param("GET /shop/closed", ("shop", None), ("shop", None), id="a pattern below a prefix of None"),
    pytest.param("GET /shop/closed%0A", None, ("shop", NOBODY), id="a line feed after it"),
    pytest.param("GET /even/3", None, None, id="a filter that refuses"),
    # Methods
    pytest.param("HEAD /own", ("own", OWN), ("own", OWN), id="HEAD for GET"),
    pytest.param("HEAD /split", ("split get", OTHER), ("split get", OTHER), id="HEAD where the methods differ"),
    pytest.param("HEAD /class/heads", ("heads head", None), None, id="HEAD with a handler of its own"),
    pytest.param("HEAD /class/methods", ("methods get", CLASS), None, id="HEAD for a class's get"),
    pytest.param("HEAD /head", None, ("head", None), id="HEAD with a route of its own"),
    pytest.param("get /own", ("own", OWN), ("own", OWN), id="lower case"),
    pytest.param(
        "patch /split", ("split patch", None), ("split patch", None), id="lower case where the methods differ"
    ),
    pytest.param("Put /split", ("split put", OWN), ("split put", OWN), id="mixed case where the methods differ"),
    pytest.param("brew /only/brew", ("brew", None), ("brew", None), id="lower case of a method nobody knows"),
    pytest.param("OPTIONS /own", None, None, id="OPTIONS that the framework answers"),
    pytest.param("OPTIONS /only/options", ("options", OTHER), ("options", OTHER), id="OPTIONS with a view of its own"),
    pytest.param("DELETE /own", None, None, id="405"),
    pytest.param("DELETE /any", None, ("any", OWN), id="a route for any method"),
    pytest.param("ANY /any", None, ("any", OWN), id="Bottle's word for any method"),
    pytest.param("PROXY /wsgi/x", None, ("plain wsgi", OTHER), id="Bottle's word for a mount"),
    # Where it leads
    pytest.param("GET /redirected", None, None, id="a rule that redirects"),
    pytest.param("GET /pages/1", None, None, id="a default, which Werkzeug redirects"),
    pytest.param("GET /pages/2", ("pages", OTHER), None, id="not the default"),
    pytest.param("GET /outer/inner/x/", ("inner root", INNER), None, id="a blueprint in a blueprint"),
    pytest.param(
        "GET /admin/bare/", ("bare root", ADMIN), ("bare root", ADMIN), id="what has none of its own, by path"
    ),
    pytest.param("GET /child/", None, ("child root", CHILD), id="a mounted application"),
    pytest.param("GET /wrapped", ("wrapped", OWN), None, id="below a decorator"),
    pytest.param("GET /partial", ("partial", OTHER), None, id="a partial"),
    pytest.param("GET /nowhere", None, None, id="404"),
    pytest.param("GET /plain", ("plain", DEFAULT), ("plain", DEFAULT), id="the default"),
]


@pytest.mark.parametrize("blocking", [False, True], ids=["", "blocking"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("asked", "flask", "bottle"), GOVERNED)
def test_the_policy_that_governs_is_that_of_the_view_that_ran(
    framework: str, blocking: bool, asked: str, flask: Any, bottle: Any
) -> None:
    right = flask if framework == "flask" else bottle
    method, _, target = asked.partition(" ")
    request = Request(method, target.partition("?")[0].encode(), "testserver", told=True, plain=False)
    views, actual, passed = exchange(routed(framework, blocking), request)
    if right is None:
        assert views == []
        return
    view, policy = right
    assert views == ([] if policy == NOBODY and blocking else [view])
    if policy == NOBODY:
        assert (actual, passed) == (None, None)
    elif policy is None:
        assert (actual, passed) == ("own", None)
    else:
        assert (actual, passed) == (policy, policy)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_random_requests_are_governed_by_the_view_that_ran(framework: str) -> None:
    found, made, reached = fuzz(framework, seed=20261127, count=2000)
    assert found == []
    assert reached > made / 10


# What cannot be told


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("target", ["/api%2Ftransfer", "//api/transfer", "/api/transf%FFer"])
@pytest.mark.parametrize("policies", [PathPolicies({"/": APP_POLICY}, default=APP_POLICY)], ids=["by path"])
def test_a_path_that_can_be_read_in_two_ways_is_blocked_and_told(
    framework: str, policies: PathPolicies, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Decision] = []

    def hear(decision: Decision, request: CORSRequest) -> None:
        heard.append(decision)

    small = SMALL[framework](policies, block_disallowed=True, on_decision=hear)
    for _ in range(2):
        asked = Request("POST", target.encode(), "testserver", told=True, plain=False).environ()
        answer = send_environ(small.app, asked | {"HTTP_ORIGIN": STRANGER})
        assert answer.status == 403
        assert values(answer, "Access-Control-Allow-Origin") == []
        assert values(answer, "Vary") == ["Origin"]
    assert small.ran == []
    assert [str(decision.reason) for decision in heard] == ["path_ambiguous"] * 2
    assert len(caplog.records) == 1


def send_environ(app: Any, environ: dict[str, Any]) -> Any:
    from wsgi_client import call

    return call(app, environ)


def test_an_ambiguous_path_keeps_none_of_the_applications_own_headers(framework: str) -> None:
    small = SMALL[framework](PathPolicies({}, default=APP_POLICY))
    asked = Request("GET", b"/api%2Ftransfer", "testserver", told=True, plain=False).environ()
    answer = send_environ(small.app, asked | {"HTTP_ORIGIN": APP})
    assert small.ran == ["/api/transfer"]
    assert values(answer, "Access-Control-Allow-Origin") == []
    assert values(answer, "X-Own") == ["1"]
    assert values(answer, "Vary") == ["Origin"]


@pytest.mark.parametrize("path", ["/row/missing", "/own/row/missing"])
def test_what_fails_while_the_url_is_matched_lets_nobody_in_and_is_logged(
    framework: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    small = SMALL[framework](APP_POLICY, rejections=None)
    for origin in (APP, VIEW):
        answer = get(small.app, path, origin)
        assert answer.status == 500
        assert values(answer, "Access-Control-Allow-Origin") == []
        passed = preflight(small.app, path, origin)
        assert passed.status == 403
        assert values(passed, "Access-Control-Allow-Origin") == []
    failures = [record for record in caplog.records if record.name == "corecors"]
    assert [record.getMessage() for record in failures] == [
        f"CORS: no policy, for the request's URL could not be matched, {times} times so far" for times in (1, 2, 4)
    ]
    assert failures[0].exc_info is not None
    assert failures[0].exc_info[0] is LookupError


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override"])
def test_a_preflight_that_may_be_for_another_method_passes_only_where_all_methods_are_governed_alike(
    framework: str, header: str
) -> None:
    """Middleware that takes the method from a header makes a POST reach another view."""
    policy = Policy(allow_origins=[APP], allow_headers=["*"])
    small = SMALL[framework](policy)
    asked = (("Origin", APP), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", header))
    assert send(small.app, "OPTIONS", "/", asked).status == 204
    split = BUILDERS[framework]("plain", rejections=None)
    asked = (("Origin", "https://page.example.com"), *asked[1:])
    assert send(split.app, "OPTIONS", "/split", asked).status == 403


# Handshakes


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        pytest.param("/own", VIEW, 200, id="of the view's origin"),
        pytest.param("/own", APP, 403, id="of another view's origin"),
        pytest.param("/", APP, 200, id="of the application's origin"),
        pytest.param("/", VIEW, 403, id="of an origin that only another view allows"),
        pytest.param("/none", STRANGER, 200, id="where the view opted out"),
        pytest.param("/own", "http://127.0.0.1", 200, id="of the server's own"),
    ],
)
def test_a_handshake_is_admitted_by_the_policy_of_its_view(framework: str, path: str, origin: str, status: int) -> None:
    small = SMALL[framework](APP_POLICY, rejections=None)
    handshake = (("Origin", origin), ("Upgrade", "websocket"), ("Host", "127.0.0.1"))
    assert send(small.app, "GET", path, handshake).status == status
    assert small.ran == ([path] if status == 200 else [])


# Options


@pytest.mark.parametrize(
    ("options", "named"),
    [
        pytest.param({"on_decision": "x"}, "on_decision", id="a hook that is text"),
        pytest.param({"report_only": "x"}, "report_only", id="a policy to be tried that is text"),
        pytest.param({"block_disallowed": "no"}, "block_disallowed", id="a flag that is text"),
        pytest.param({"check_websockets": 1}, "check_websockets", id="a flag that is a number"),
        pytest.param({"own_origins": APP}, "own_origins", id="one origin instead of a list"),
        pytest.param({"rejections": logging.getLogger("x")}, "rejections", id="a logger instead of a RejectionLog"),
        pytest.param({"resources": {}}, "resources", id="an option of another library"),
        pytest.param({"supports_credentials": True}, "supports_credentials", id="another one"),
    ],
)
def test_an_option_is_checked_when_it_is_given(framework: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(TypeError, match=named):
        SMALL[framework](APP_POLICY, **options)


@pytest.mark.parametrize("policy", ["*", {"allow_origins": ["*"]}, ["https://a.test"], 7, Policy, True])
def test_what_is_not_a_policy_is_refused_when_it_is_given(framework: str, policy: Any) -> None:
    with pytest.raises(
        TypeError, match=r"policy must be a Policy, PathPolicies or anything with policy_for\(request\)"
    ):
        SMALL[framework](policy)
    small = SMALL[framework](APP_POLICY)
    with pytest.raises(TypeError, match="policy must be a Policy"):
        small.set_policy(policy)
    assert values(get(small.app, "/", APP), "Access-Control-Allow-Origin") == [APP]


def test_a_predicate_that_has_to_be_awaited_is_refused(framework: str) -> None:
    async def ask(origin: str) -> bool:
        return True

    with pytest.raises(TypeError, match="asynchronous"):
        SMALL[framework](Policy(allow_origin_predicate=ask))


def test_a_source_works_wherever_a_policy_does(framework: str, caplog: pytest.LogCaptureFixture) -> None:
    trial = PathPolicies({"/own": APP_POLICY}, default=None)
    small = SMALL[framework](PathPolicies({}, default=APP_POLICY), report_only=trial)
    assert values(get(small.app, "/", APP), "Access-Control-Allow-Origin") == [APP]
    assert values(get(small.app, "/own", VIEW), "Access-Control-Allow-Origin") == [VIEW]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["CORS report-only"] * len(
        caplog.records
    )
    assert caplog.records


def test_the_hook_hears_of_every_decision_once(framework: str) -> None:
    heard: list[tuple[bool, str]] = []

    def hear(decision: Decision, request: CORSRequest) -> None:
        heard.append((decision.allowed, request.path))

    small = SMALL[framework](APP_POLICY, on_decision=hear, rejections=None)
    get(small.app, "/", APP)
    get(small.app, "/own", STRANGER)
    preflight(small.app, "/own", VIEW)
    get(small.app, "/none", APP)
    assert heard == [(True, "/"), (False, "/own"), (True, "/own")]


def test_a_refusal_is_logged_once_with_the_path_as_it_was_asked_for(
    framework: str, caplog: pytest.LogCaptureFixture
) -> None:
    small = SMALL[framework](APP_POLICY, rejections=RejectionLog())
    for _ in range(3):
        get(small.app, "/own", STRANGER)
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["CORS refused GET /own"]


@pytest.mark.parametrize("path", ["/", "/own"], ids=["by the application's policy", "by the view's"])
def test_a_page_that_sends_cookies_where_none_are_allowed_is_logged(
    framework: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    small = SMALL[framework](Policy(allow_origins=[VIEW]))
    headers = (("Origin", VIEW), ("Cookie", "session=1"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Site", "cross-site"))
    for _ in range(2):
        assert values(send(small.app, "GET", path, headers), "Access-Control-Allow-Origin") == [VIEW]
    (record,) = caplog.records
    assert "a browser withholds the answer" in record.getMessage()


def test_a_source_of_a_route_is_asked_with_the_request(framework: str) -> None:
    class ByHost:
        def policy_for(self, request: CORSRequest) -> Policy | None:
            return VIEW_POLICY if request.host == "view.test" else APP_POLICY

    small = SMALL[framework](ByHost())
    for host, origin in (("view.test", VIEW), ("app.test", APP)):
        answer = send(small.app, "GET", "/", (("Host", host), ("Origin", origin)))
        assert values(answer, "Access-Control-Allow-Origin") == [origin]


@pytest.mark.parametrize("blocking", [False, True])
def test_a_preflight_that_a_source_opts_out_of_is_left_to_the_application(framework: str, blocking: bool) -> None:
    class ForApp:
        def policy_for(self, request: CORSRequest) -> Policy | None:
            return APP_POLICY if request.origin == APP else None

    small = SMALL[framework](ForApp(), block_disallowed=blocking)
    assert preflight(small.app, "/", APP, "GET").status == 204
    answer = preflight(small.app, "/", STRANGER, "GET")
    assert answer.status in (200, 405)
    assert values(answer, "Access-Control-Allow-Origin") == []
    assert values(answer, "Vary") == ["Origin"]


# Policies that are replaced while serving


def plain(framework: str, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> Small:
    """An application in which, as in all others, no route has a policy of its own."""
    if framework == "flask":
        monkeypatch.setattr("corecors.adapters.flask.MARKS", Marks())
        made = flask.Flask("plain", static_folder=None)
        made.add_url_rule("/", "root", lambda: "ok")
        CORS(made, policy)
        return Small(made, [], partial(setattr, made.extensions["cors"], "policy"))
    monkeypatch.setattr("corecors.adapters.bottle._given", set())
    app = bottle.Bottle()
    app.get("/", callback=lambda: "ok")
    plugin = app.install(CORSPlugin(policy))
    return Small(app, [], partial(setattr, plugin, "policy"))


class Replacing(dict[str, Any]):
    """An environ that has something done when it is looked at for so many times."""

    def __init__(self, environ: dict[str, Any], looks: int, done: Callable[[], object]) -> None:
        super().__init__(environ)
        self.looks = looks
        self._done = done

    def _look(self) -> None:
        self.looks -= 1
        if self.looks == 0:
            self._done()

    def __getitem__(self, key: str) -> Any:
        self._look()
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._look()
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._look()
        return super().__contains__(key)


@pytest.mark.parametrize("others_have_own", [False, True], ids=["", "where routes have policies of their own"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_request_during_which_the_policy_is_replaced_is_answered_by_one_of_the_two(
    framework: str, method: str, others_have_own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Policy(allow_origins=[APP], allow_methods=["PUT"], max_age=1)
    after = before.replace(max_age=2, preflight_status=200, expose_headers=["X-New"])
    small = SMALL[framework](before) if others_have_own else plain(framework, before, monkeypatch)
    asked = environ_of(method, "/", (("Origin", APP), ("Access-Control-Request-Method", "PUT")))
    answers = []
    for policy in (before, after):
        small.set_policy(policy)
        answers.append(send_environ(small.app, dict(asked)))
    assert answers[0] != answers[1]
    found = []
    for looks in itertools.count(1):
        small.set_policy(before)
        environ = Replacing(asked, looks, lambda: small.set_policy(after))
        found.append(send_environ(small.app, environ))
        if environ.looks > 0:
            break
    assert [answer for answer in found if answer not in answers] == []
    assert len(found) > 3
