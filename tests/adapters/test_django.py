"""The Django middleware: every response is covered, preflights come first, nothing leaves the event loop, settings."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path
from django_responses import URLS
from django_site import CLIENTS, OURS, by_async_client, by_client, views_with_policies
from scenarios import Answer

from corecors import CORSRequest, Decision, OriginPolicies, PathPolicies, Policy, PolicyError, RejectionLog
from corecors.adapters.django import CORSMiddleware, policy_from_settings

APP = "https://app.example.com"
STRANGER = "https://stranger.example.net"
POLICY = Policy(
    allow_origins=[APP],
    allow_methods=["GET", "PUT"],
    allow_headers=["Range"],
    expose_headers=["Content-Range"],
    allow_credentials=True,
)


def values(answer: Answer, name: str) -> list[str]:
    return [value for each, value in answer.headers if each.lower() == name.lower()]


def readers(send: Callable[..., Answer], target: str, method: str = "GET") -> list[str]:
    """Which of two origins may read the answer."""
    found = []
    for origin in (APP, STRANGER):
        answer = send(method, target, (("Origin", origin),))
        assert values(answer, "Vary") != []
        if values(answer, "Access-Control-Allow-Origin") == [origin]:
            found.append(origin)
    return found


@pytest.fixture(autouse=True, params=[False, True], ids=["", "views may have policies"])
def project(request: pytest.FixtureRequest) -> Iterator[None]:
    with override_settings(ROOT_URLCONF=URLS, CORS_POLICY=POLICY), views_with_policies(request.param):
        yield


@pytest.fixture(params=CLIENTS)
def send(request: pytest.FixtureRequest) -> Callable[..., Answer]:
    return CLIENTS[request.param]


# Every response


@pytest.mark.parametrize("debug", [False, True], ids=["DEBUG off", "DEBUG on"])
@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param("/ok", 200, id="a view"),
        pytest.param("/nowhere", 404, id="404"),
        pytest.param("/broken", 500, id="500 of a view"),
        pytest.param("/broken-async", 500, id="500 of an async view"),
        pytest.param("/slash", 301, id="the redirect of APPEND_SLASH"),
        pytest.param("/file", 200, id="a file"),
        pytest.param("/range", 206, id="a part of a file"),
    ],
)
def test_every_response_is_covered(send: Callable[..., Answer], target: str, status: int, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        assert send("GET", target, (("Origin", APP),)).status == status
        assert readers(send, target) == [APP]


@pytest.mark.parametrize(
    ("send", "target"),
    [
        pytest.param(by_client, "/stream", id="sync"),
        pytest.param(by_async_client, "/async-stream", id="async"),
    ],
)
def test_streams_are_covered(send: Callable[..., Answer], target: str) -> None:
    answer = send("GET", target, (("Origin", APP),))
    assert answer.body == b"onetwo"
    assert readers(send, target) == [APP]


def test_a_stream_is_not_touched() -> None:
    """Not one part of it is made before somebody asks for it."""
    made = []

    def parts() -> Iterator[bytes]:
        made.append(True)
        yield b"part"

    response = StreamingHttpResponse(parts())
    middleware = CORSMiddleware(lambda request: response)
    answered = middleware(RequestFactory().get("/", headers={"Origin": APP}))
    assert answered is response
    assert response["Access-Control-Allow-Origin"] == APP
    assert made == []


def test_a_csrf_failure_can_be_read() -> None:
    answer = Client(enforce_csrf_checks=True).post("/form", headers={"Origin": APP})
    assert answer.status_code == 403
    assert answer["Access-Control-Allow-Origin"] == APP


def test_a_host_that_is_not_allowed_is_refused_by_django_and_can_be_read(send: Callable[..., Answer]) -> None:
    answer = send("GET", "/ok", (("Origin", APP), ("Host", "other.test")))
    assert answer.status == 400
    assert values(answer, "Access-Control-Allow-Origin") == [APP]


def test_a_preflight_fails_where_the_urls_cannot_be_imported(send: Callable[..., Answer]) -> None:
    """Nobody can tell whether the view would have a policy of its own; the request itself will raise the same."""
    with override_settings(ROOT_URLCONF="no.such.urls", CORS_OPTIONS={"rejections": None}):
        assert send("OPTIONS", "/ok", (("Origin", APP), ("Access-Control-Request-Method", "GET"))).status == 403


# Preflights


def answers_everything(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that sends everybody to the login page."""
    return lambda request: HttpResponse(status=401)


def test_a_preflight_is_answered_before_anything_else(send: Callable[..., Answer]) -> None:
    asked = (("Origin", APP), ("Access-Control-Request-Method", "PUT"), ("Host", "other.test"))
    with override_settings(MIDDLEWARE=[OURS, f"{__name__}.answers_everything"], SECURE_SSL_REDIRECT=True):
        answer = send("OPTIONS", "/slash", asked)
        assert answer.status == 204
        assert answer.body == b""
        assert values(answer, "Access-Control-Allow-Methods") == ["GET, PUT"]
        assert values(answer, "Content-Type") == []
        refused = send("OPTIONS", "/slash", (("Origin", STRANGER), *asked[1:]))
        assert refused.status == 403
        assert [name for name, _ in refused.headers if name.startswith("Access-Control-")] == []
        assert values(refused, "Content-Length") == ["0"]


def test_plain_options_are_the_projects_own(send: Callable[..., Answer]) -> None:
    answer = send("OPTIONS", "/ok", (("Origin", APP),))
    assert answer.body == b"ok"
    assert values(answer, "Access-Control-Allow-Origin") == [APP]


# Threads


class Hops:
    """Counts what leaves the event loop's thread by asgiref."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import asgiref.sync

        self.count = 0
        original = asgiref.sync.SyncToAsync.__call__

        async def counted(called: Any, *args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return await original(called, *args, **kwargs)

        monkeypatch.setattr(asgiref.sync.SyncToAsync, "__call__", counted)


async def shown_thread(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


def asked_of(policy: object, *origins: str, target: str = "/", method: str = "GET", **options: Any) -> list[Any]:
    """The responses of the middleware alone in front of an async view; it runs in this thread's event loop."""
    headers = {} if method == "GET" else {"Access-Control-Request-Method": "PUT"}

    async def ask() -> list[Any]:
        responses = []
        for origin in origins:
            responses.append(await AsyncClient().generic(method, target, headers=headers | {"Origin": origin}))
        return responses

    urls = (path("", shown_thread),)
    with override_settings(CORS_POLICY=policy, MIDDLEWARE=[OURS], ROOT_URLCONF=urls, CORS_OPTIONS=options):
        return asyncio.run(ask())


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(POLICY, id="a policy"),
        pytest.param(PathPolicies({"/": POLICY}), id="paths"),
        pytest.param(OriginPolicies([POLICY, Policy(allow_origins=["*"])]), id="tiers"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"block_disallowed": True}], ids=["", "blocking"])
def test_nothing_leaves_the_event_loop(
    policy: object, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hops = Hops(monkeypatch)
    bare = asyncio.run(_answered_without_the_middleware())
    without = hops.count
    assert bare == str(threading.get_ident())
    hops.count = 0
    (response,) = asked_of(policy, APP, **options)
    assert response.content.decode() == str(threading.get_ident())
    assert response["Access-Control-Allow-Origin"] == APP
    assert hops.count == without
    hops.count = 0
    (passed,) = asked_of(policy, APP, method="OPTIONS", **options)
    assert passed.status_code == 204
    assert hops.count == without


async def _answered_without_the_middleware() -> str:
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF=(path("", shown_thread),)):
        return (await AsyncClient().get("/")).content.decode()


def test_a_sync_predicate_is_asked_in_djangos_thread_and_only_for_what_nothing_else_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def predicate(origin: str) -> bool:
        asked.append((origin, threading.get_ident() == loop_thread))
        return origin == "https://row.example"

    loop_thread = threading.get_ident()
    hops = Hops(monkeypatch)
    asked_of(POLICY, APP)
    without = hops.count
    hops.count = 0
    policy = POLICY.replace(allow_origin_predicate=predicate)
    responses = asked_of(policy, APP, "https://row.example", STRANGER, "https://malformed/")
    assert asked == [("https://row.example", False), (STRANGER, False)]
    assert [response.get("Access-Control-Allow-Origin") for response in responses] == [
        APP,
        "https://row.example",
        None,
        None,
    ]
    assert hops.count == 4 * without + 2


def test_an_async_predicate_is_awaited_in_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def predicate(origin: str) -> bool:
        await asyncio.sleep(0)
        asked.append((origin, threading.get_ident() == loop_thread))
        return origin == "https://row.example"

    loop_thread = threading.get_ident()
    policy = POLICY.replace(allow_origin_predicate=predicate)
    responses = asked_of(policy, APP, "https://row.example", STRANGER)
    assert asked == [("https://row.example", True), (STRANGER, True)]
    assert [response.get("Access-Control-Allow-Origin") for response in responses] == [APP, "https://row.example", None]


class Askable:
    """A predicate that is an object."""

    async def __call__(self, origin: str) -> bool:
        return origin == "https://row.example"


async def is_row(origin: str) -> bool:
    return origin == "https://row.example"


@pytest.mark.parametrize("block", [False, True], ids=["", "blocking"])
@pytest.mark.parametrize("predicate", [is_row, Askable(), lambda origin: origin == "https://row.example"])
def test_any_predicate_works_under_wsgi_and_asgi(
    send: Callable[..., Answer], predicate: Callable[[str], Any], block: bool
) -> None:
    policy = POLICY.replace(allow_origin_predicate=predicate)
    with override_settings(CORS_POLICY=policy, CORS_OPTIONS={"block_disallowed": block}):
        for origin, allowed in ((APP, True), ("https://row.example", True), (STRANGER, False)):
            answer = send("GET", "/ok", (("Origin", origin),))
            assert values(answer, "Access-Control-Allow-Origin") == ([origin] if allowed else [])
            assert answer.status == (403 if block and not allowed else 200)
            asked = (("Origin", origin), ("Access-Control-Request-Method", "PUT"))
            assert send("OPTIONS", "/ok", asked).status == (204 if allowed else 403)


def test_what_a_predicate_raises_is_an_error_of_the_project(send: Callable[..., Answer]) -> None:
    def predicate(origin: str) -> bool:
        raise LookupError("no database")

    with override_settings(CORS_POLICY=POLICY.replace(allow_origin_predicate=predicate)):
        answer = send("GET", "/ok", (("Origin", STRANGER),))
        assert answer.status == 500
        assert values(answer, "Access-Control-Allow-Origin") == []


# Paths


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        pytest.param("/ok", True, id="governed"),
        pytest.param("/nowhere", False, id="not governed"),
        pytest.param("/ok//x", False, id="an empty segment"),
        pytest.param("/x/../ok", False, id="a dot segment"),
        pytest.param("/o%6B", True, id="encoded, the same path"),
        pytest.param("/ok%FF", False, id="bytes that are not UTF-8"),
        pytest.param("/ok/%25FF", False, id="what Django makes of such bytes"),
    ],
)
def test_paths_choose_the_policy(send: Callable[..., Answer], target: str, allowed: bool) -> None:
    with override_settings(CORS_POLICY=PathPolicies({"/ok": POLICY}), CORS_OPTIONS={"rejections": None}):
        answer = send("GET", target, (("Origin", APP),))
    assert values(answer, "Access-Control-Allow-Origin") == ([APP] if allowed else [])


def test_an_ambiguous_path_is_blocked_where_blocking_is_on(send: Callable[..., Answer]) -> None:
    policies = PathPolicies({"/": POLICY})
    with override_settings(CORS_POLICY=policies, CORS_OPTIONS={"block_disallowed": True}):
        assert send("GET", "/x//ok", (("Origin", APP),)).status == 403
        assert send("GET", "/ok", (("Origin", APP),)).status == 200


def test_a_path_has_the_scripts_name(send: Callable[..., Answer]) -> None:
    policies = PathPolicies({"/below/ok": POLICY})
    factory = RequestFactory()
    with override_settings(CORS_POLICY=policies):
        middleware = CORSMiddleware(lambda request: HttpResponse())
        request = factory.get("/ok", headers={"Origin": APP}, SCRIPT_NAME="/below")
        assert middleware(request)["Access-Control-Allow-Origin"] == APP
        assert "Access-Control-Allow-Origin" not in middleware(factory.get("/ok", headers={"Origin": APP}))


def test_the_raw_target_shows_what_decoding_hides() -> None:
    policies = PathPolicies({"/": POLICY})
    with override_settings(CORS_POLICY=policies, CORS_OPTIONS={"rejections": None}):
        middleware = CORSMiddleware(lambda request: HttpResponse())
        request = RequestFactory().get("/a/b", headers={"Origin": APP}, RAW_URI="/a%2Fb")
        assert "Access-Control-Allow-Origin" not in middleware(request)


# Settings


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(POLICY, id="a policy"),
        pytest.param({"allow_origins": [APP]}, id="a mapping"),
        pytest.param(PathPolicies({"/": POLICY}), id="a source"),
        pytest.param(f"{__name__}.POLICY", id="the name of a policy"),
        pytest.param(f"{__name__}.AS_DATA", id="the name of a mapping"),
    ],
)
def test_a_policy_is_written_in_several_ways(send: Callable[..., Answer], setting: object) -> None:
    with override_settings(CORS_POLICY=setting):
        assert readers(send, "/ok") == [APP]


AS_DATA = {"allow_origins": [APP]}


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        pytest.param(7, "CORS_POLICY is of type int: a Policy belongs there", id="a number"),
        pytest.param(Policy, "CORS_POLICY is the class Policy", id="a class"),
        pytest.param("nowhere.policy", "CORS_POLICY is 'nowhere.policy', which cannot be imported", id="no module"),
        pytest.param("policy", "cannot be imported", id="no dots"),
    ],
)
def test_what_is_not_a_policy_stops_the_server(setting: object, told: str) -> None:
    with override_settings(CORS_POLICY=setting), pytest.raises(ImproperlyConfigured) as raised:
        CORSMiddleware(lambda request: HttpResponse())
    assert told in str(raised.value)


def test_every_problem_of_a_mapping_stops_the_server() -> None:
    wrong = {"allow_origins": [f"{APP}/", "*.example.com"], "alow_methods": []}
    with override_settings(CORS_POLICY=wrong), pytest.raises(PolicyError) as raised:
        CORSMiddleware(lambda request: HttpResponse())
    assert len(raised.value.problems) == 3


def test_a_missing_policy_stops_the_server() -> None:
    with override_settings():
        del settings.CORS_POLICY
        with pytest.raises(ImproperlyConfigured, match="CORS_POLICY is missing: write CORS_POLICY = Policy"):
            policy_from_settings()


def test_no_policy_leaves_responses_untouched(send: Callable[..., Answer]) -> None:
    with override_settings(CORS_POLICY=None):
        answer = send("GET", "/ok", (("Origin", APP),))
        assert [name for name, _ in answer.headers if name in ("Vary", "Access-Control-Allow-Origin")] == []
        assert send("OPTIONS", "/ok", (("Origin", APP), ("Access-Control-Request-Method", "PUT"))).body == b"ok"


def test_options_are_those_of_every_door(send: Callable[..., Answer], caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[Decision, CORSRequest]] = []
    options = {
        "on_decision": lambda decision, request: told.append((decision, request)),
        "report_only": {"allow_origins": []},
        "rejections": RejectionLog(logging.getLogger("rejections of this test")),
        "own_origins": ["https://own.example"],
        "block_disallowed": True,
    }
    with override_settings(CORS_OPTIONS=options):
        assert send("POST", "/ok", (("Origin", STRANGER),)).status == 403
        assert send("POST", "/ok", (("Origin", "https://own.example"),)).status == 200
        assert send("POST", "/ok", (("Origin", APP),)).status == 200
    (refused, request), *_ = told
    assert refused.allowed is False
    assert request == CORSRequest("POST", "/ok", host=request.host, origin=STRANGER)
    assert request.host in ("testserver", "testserver:80")
    assert [record.name for record in caplog.records if STRANGER in record.getMessage()] == ["rejections of this test"]
    assert "report-only: would refuse" in caplog.text


@pytest.mark.parametrize(
    ("method", "asked", "told"),
    [
        pytest.param("GET", (), "CORS refused GET /ok: The origin", id="a request"),
        pytest.param(
            "OPTIONS",
            (("Access-Control-Request-Method", "PUT"),),
            "CORS refused the preflight for PUT /ok",
            id="a preflight",
        ),
    ],
)
def test_what_is_refused_is_logged(
    send: Callable[..., Answer],
    method: str,
    asked: tuple[tuple[str, str], ...],
    told: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    send(method, "/ok", (("Origin", STRANGER), *asked))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "corecors"]
    assert STRANGER in line
    assert told in line


def note(decision: Decision, request: CORSRequest) -> None:
    NOTED.append(decision)


NOTED: list[Decision] = []


def test_options_may_be_dotted_names(send: Callable[..., Answer]) -> None:
    NOTED.clear()
    options = {"on_decision": f"{__name__}.note", "report_only": f"{__name__}.AS_DATA"}
    with override_settings(CORS_OPTIONS=options):
        send("GET", "/ok", (("Origin", APP),))
    assert [decision.origin for decision in NOTED] == [APP]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param({"block_dissallowed": True}, "write 'block_disallowed'", id="misspelt"),
        pytest.param({"asks_async": True}, "is not an option", id="not for users"),
        pytest.param({"on_decision": "nowhere.hook"}, "cannot be imported", id="no module"),
        pytest.param({"report_only": 7}, "CORS_OPTIONS['report_only'] is of type int", id="no policy"),
        pytest.param([], "CORS_OPTIONS is of type list", id="a list"),
    ],
)
def test_options_that_do_not_exist_stop_the_server(options: object, told: str) -> None:
    with override_settings(CORS_OPTIONS=options), pytest.raises(ImproperlyConfigured) as raised:
        CORSMiddleware(lambda request: HttpResponse())
    assert told in str(raised.value)


def test_an_option_of_the_wrong_type_stops_the_server() -> None:
    wrong = pytest.raises(TypeError, match="block_disallowed")
    with override_settings(CORS_OPTIONS={"block_disallowed": "no"}), wrong:
        CORSMiddleware(lambda request: HttpResponse())


def test_a_setting_that_a_test_overrides_counts_for_a_server_that_runs() -> None:
    middleware = CORSMiddleware(lambda request: HttpResponse())
    request = RequestFactory().get("/", headers={"Origin": STRANGER})
    assert "Access-Control-Allow-Origin" not in middleware(request)
    with override_settings(CORS_POLICY={"allow_origins": [STRANGER]}):
        assert middleware(request)["Access-Control-Allow-Origin"] == STRANGER
    assert "Access-Control-Allow-Origin" not in middleware(RequestFactory().get("/", headers={"Origin": STRANGER}))


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
def test_a_websocket_handshake_of_a_foreign_page_is_refused(send: Callable[..., Answer], upgrade: str) -> None:
    handshake = (("Upgrade", upgrade), ("Connection", "Upgrade"))
    assert send("GET", "/ok", (("Origin", STRANGER), *handshake)).status == 403
    assert send("GET", "/ok", (("Origin", APP), *handshake)).status == 200


def test_what_the_project_sets_itself_gives_way() -> None:
    own = {"access-control-allow-origin": "*", "vary": "Accept", "X-Own": "1", "Access-Control-Allow-Methods": "PUT"}
    middleware = CORSMiddleware(lambda request: HttpResponse(headers=own))
    response = middleware(RequestFactory().get("/", headers={"Origin": STRANGER}))
    assert sorted((name.lower(), value) for name, value in response.items()) == [
        ("content-type", "text/html; charset=utf-8"),
        ("vary", "Accept, Origin"),
        ("x-own", "1"),
    ]
