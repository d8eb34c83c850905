"""The ASGI middleware: what it does to requests and responses, message by message."""

import asyncio
import copy
import gc
import threading
from typing import Any

import pytest
from asgi_client import Application, Scope, answering, call, exchange, run, scope_of, send, values

from corecors import CORSRequest, Decision, PathPolicies, Policy, evaluate
from corecors.adapters.asgi import CORSMiddleware

ORIGIN = "https://app.example.com"
STRANGER = "https://stranger.example.com"
FROM_ORIGIN = (("Origin", ORIGIN),)
FROM_STRANGER = (("Origin", STRANGER),)
PLAIN = ("content-type", "text/plain")
POLICY = Policy(
    allow_origins=[ORIGIN],
    allow_methods=["PUT"],
    allow_headers=["X-One"],
    expose_headers=["X-Total"],
    allow_credentials=True,
)
OK = answering(200, PLAIN, body=b"ok")


async def never(scope: Scope, receive: Any, send: Any) -> None:
    raise AssertionError("the application was called")


def decided(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The headers that evaluate decides for a GET, in lower case."""
    asked = dict(headers)
    return {name.lower(): value for name, value in evaluate(POLICY, "GET", asked.get("Origin")).headers.items()}


# Responses


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((), id="no origin"),
        pytest.param(FROM_ORIGIN, id="allowed"),
        pytest.param(FROM_STRANGER, id="refused"),
        pytest.param((("Origin", "null"),), id="null"),
        pytest.param((("Origin", ""),), id="empty"),
    ],
)
def test_a_response_gets_what_is_decided_in_lower_case_the_first_time_and_later(
    headers: tuple[tuple[str, str], ...],
) -> None:
    app = CORSMiddleware(OK, POLICY)
    for _ in range(3):
        answer = send(app, "GET", "/", headers)
        assert (answer.status, answer.body) == (200, b"ok")
        assert dict(answer.headers) == {"content-type": "text/plain", **decided(headers)}
        assert len(answer.headers) == len(dict(answer.headers))


@pytest.mark.parametrize("status", [200, 206, 301, 304, 404, 413, 500, 599])
def test_every_status_is_covered_and_the_other_headers_leave_as_they_are(status: int) -> None:
    own = (("etag", '"1"'), ("location", "/elsewhere"), ("set-cookie", "a=1"), ("set-cookie", "b=2"))
    answer = send(CORSMiddleware(answering(status, *own), POLICY), "GET", "/", FROM_ORIGIN)
    assert answer.status == status
    assert values(answer, "access-control-allow-origin") == [ORIGIN]
    assert answer.headers[: len(own)] == own


def test_headers_of_the_application_leave_in_lower_case_the_first_time_and_later() -> None:
    app = CORSMiddleware(answering(200, ("X-Spelled-So", "1")), POLICY)
    for _ in range(3):
        assert ("x-spelled-so", "1") in send(app, "GET", "/", FROM_ORIGIN).headers


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        pytest.param([], ["Origin"], id="none"),
        pytest.param(["Accept"], ["Accept, Origin"], id="another"),
        pytest.param(["Accept", "Cookie"], ["Accept, Cookie, Origin"], id="two lines"),
        pytest.param(["Accept-Encoding, Origin"], ["Accept-Encoding, Origin"], id="the same already"),
        pytest.param(["*"], ["*"], id="everything"),
    ],
)
@pytest.mark.parametrize("name", ["vary", "Vary", "VARY"])
def test_vary_is_merged_and_never_doubled(own: list[str], merged: list[str], name: str) -> None:
    app = CORSMiddleware(answering(200, *((name, value) for value in own)), POLICY)
    assert values(send(app, "GET", "/", FROM_ORIGIN), "Vary") == merged


@pytest.mark.parametrize("spell", [str.lower, str.title, str.upper], ids=["lower", "title", "upper"])
def test_cors_headers_of_the_application_are_replaced_however_they_are_spelled(spell: Any) -> None:
    own = (
        (spell("access-control-allow-origin"), "*"),
        (spell("access-control-allow-credentials"), "false"),
        (spell("access-control-max-age"), "5"),
    )
    app = CORSMiddleware(answering(200, *own), POLICY)
    for headers in ((), FROM_ORIGIN, FROM_STRANGER):
        assert dict(send(app, "GET", "/", headers).headers) == decided(headers)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([[b"Content-Type", b"text/plain"]], id="lists and capitals, as BlackSheep and Django send them"),
        pytest.param(((b"content-type", b"text/plain"),), id="a tuple"),
        pytest.param(iter([(b"content-type", b"text/plain")]), id="an iterator"),
    ],
)
def test_the_applications_headers_may_be_any_pairs(headers: Any) -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    answer = send(CORSMiddleware(app, POLICY), "GET", "/", FROM_ORIGIN)
    assert dict(answer.headers) == {"content-type": "text/plain", **decided(FROM_ORIGIN)}


def test_headers_may_be_missing_from_the_start_of_a_response() -> None:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    assert dict(send(CORSMiddleware(app, POLICY), "GET", "/", FROM_ORIGIN).headers) == decided(FROM_ORIGIN)


@pytest.mark.parametrize("own", [(PLAIN,), (("vary", "accept"),)], ids=["nothing to merge", "something to merge"])
@pytest.mark.parametrize("headers", [(), FROM_ORIGIN, FROM_STRANGER], ids=["no origin", "allowed", "refused"])
def test_the_applications_message_and_list_are_never_changed(
    own: tuple[tuple[str, str], ...], headers: tuple[tuple[str, str], ...]
) -> None:
    lines = [(name.encode(), value.encode()) for name, value in own]
    start = {"type": "http.response.start", "status": 200, "headers": lines, "trailers": True}
    before = copy.deepcopy(start)

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send(start)
        await send({"type": "http.response.body"})

    middleware = CORSMiddleware(app, POLICY)
    for _ in range(3):
        [sent, _] = run(middleware, scope_of("GET", "/", headers)).messages
        assert sent is not start
        assert {key: sent[key] for key in ("type", "status", "trailers")} == {
            "type": "http.response.start",
            "status": 200,
            "trailers": True,
        }
        assert start == before
        assert start["headers"] is lines


def test_answers_that_are_shared_between_requests_cannot_be_changed_by_a_server() -> None:
    middleware = CORSMiddleware(OK, POLICY)
    for headers in ((), FROM_ORIGIN, FROM_STRANGER):
        for _ in range(3):
            [start, _] = run(middleware, scope_of("GET", "/", headers)).messages
            assert dict(start["headers"])[b"vary"] == b"Origin"
            start["headers"].clear()


# What is passed on as it is


async def sends_everything(scope: Scope, receive: Any, send: Any) -> None:
    for message in EVERYTHING:
        await send(message)


EVERYTHING = (
    {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]},
    {"type": "http.response.debug", "info": {"template": object()}},
    {"type": "http.response.start", "status": 200, "headers": [], "trailers": True},
    {"type": "http.response.pathsend", "path": "/file"},
    {"type": "http.response.zerocopysend", "file": object()},
    {"type": "http.response.body", "body": b"one", "more_body": True},
    {"type": "http.response.body", "body": b"two"},
    {"type": "http.response.trailers", "headers": [(b"vary", b"trailing"), (b"access-control-allow-origin", b"*")]},
    {"type": "http.response.push", "path": "/pushed", "headers": []},
    {"type": "of.a.later.version", "headers": [(b"vary", b"x")]},
)


@pytest.mark.parametrize(
    "policy",
    [pytest.param(POLICY, id="one policy"), pytest.param(PathPolicies({"/": POLICY}), id="a source of policies")],
)
def test_every_other_message_is_handed_on_itself(policy: Policy | PathPolicies) -> None:
    sent = run(CORSMiddleware(sends_everything, policy), scope_of("GET", "/", FROM_ORIGIN)).messages
    assert len(sent) == len(EVERYTHING)
    for got, message in zip(sent, EVERYTHING, strict=True):
        assert (got is message) is (message["type"] != "http.response.start")


@pytest.mark.parametrize("kind", ["lifespan", "of.a.later.version"])
def test_other_kinds_of_connection_reach_the_application_untouched(kind: str) -> None:
    seen = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None: ...

    scope = {"type": kind}
    asyncio.run(CORSMiddleware(app, POLICY)(scope, receive, send))
    [(got, its_receive, its_send)] = seen
    assert got is scope
    assert its_receive is receive
    assert its_send is send


def test_scope_and_receive_reach_the_application_as_they_are() -> None:
    seen = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append((scope, await receive()))
        await OK(scope, receive, send)

    scope = scope_of("POST", "/", FROM_ORIGIN)
    before = copy.deepcopy(scope)
    result = run(CORSMiddleware(app, POLICY), scope, b"posted")
    assert seen[0][0] is scope
    assert scope == before
    assert seen[0][1]["body"] == b"posted"
    assert result.received == 1


# Reading a request


@pytest.mark.parametrize("name", [b"origin", b"Origin", b"ORIGIN", b"oRiGiN"])
@pytest.mark.parametrize("on_decision", [None, lambda decision, request: None], ids=["silent", "observed"])
def test_header_names_of_a_request_are_read_without_regard_to_case(name: bytes, on_decision: Any) -> None:
    scope = {**scope_of("GET", "/"), "headers": [(b"host", b"x"), (name, ORIGIN.encode())]}
    app = CORSMiddleware(OK, POLICY, on_decision=on_decision)
    assert values(call(app, scope), "access-control-allow-origin") == [ORIGIN]
    asked = [(name, ORIGIN.encode()), (b"Access-Control-Request-METHOD", b"PUT")]
    app = CORSMiddleware(never, POLICY, on_decision=on_decision)
    assert call(app, {**scope_of("OPTIONS", "/"), "headers": asked}).status == 204


@pytest.mark.parametrize("pair", [list, tuple])
def test_headers_of_a_request_may_be_lists(pair: Any) -> None:
    scope = {**scope_of("GET", "/"), "headers": (pair((b"origin", ORIGIN.encode())),)}
    assert values(call(CORSMiddleware(OK, POLICY), scope), "access-control-allow-origin") == [ORIGIN]


@pytest.mark.parametrize(
    "origins",
    [
        pytest.param([ORIGIN, STRANGER], id="allowed first"),
        pytest.param([STRANGER, ORIGIN], id="allowed last"),
        pytest.param([ORIGIN, ORIGIN], id="the same twice"),
        pytest.param([ORIGIN, ""], id="allowed and empty"),
        pytest.param(["", ORIGIN], id="empty and allowed"),
        pytest.param(["null", ORIGIN], id="null and allowed"),
    ],
)
def test_two_lines_of_origin_are_one_malformed_origin(origins: list[str]) -> None:
    headers = tuple(("Origin", origin) for origin in origins)
    app = CORSMiddleware(OK, Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], dangerously_allow_null_origin=True))
    assert values(send(app, "GET", "/", headers), "access-control-allow-origin") == []
    asked = (*headers, ("Access-Control-Request-Method", "PUT"))
    assert send(app, "OPTIONS", "/", asked).status == 403


def test_the_lines_of_a_preflights_header_list_are_read_as_one() -> None:
    asked = (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT"))
    names = tuple(("Access-Control-Request-Headers", name) for name in ("x-one", "x-two"))
    assert send(CORSMiddleware(never, POLICY), "OPTIONS", "/", (*asked, names[0])).status == 204
    assert send(CORSMiddleware(never, POLICY), "OPTIONS", "/", (*asked, *names)).status == 403


# Preflights


@pytest.mark.parametrize(
    ("method", "names", "status"),
    [
        pytest.param("PUT", "x-one", 204, id="passing"),
        pytest.param("PATCH", None, 403, id="refused method"),
        pytest.param("PUT", "x-two", 403, id="refused header"),
        pytest.param("P@T", None, 403, id="not a method"),
        pytest.param("", "", 403, id="an empty method"),
    ],
)
@pytest.mark.parametrize("on_decision", [None, lambda decision, request: None], ids=["silent", "observed"])
def test_a_preflight_is_one_start_and_one_body_and_reads_nothing(
    method: str, names: str | None, status: int, on_decision: Any
) -> None:
    asked: tuple[tuple[str, str], ...] = (("Access-Control-Request-Method", method),)
    if names is not None:
        asked += (("Access-Control-Request-Headers", names),)
    app = CORSMiddleware(never, POLICY, on_decision=on_decision)
    result = run(app, scope_of("OPTIONS", "/x", FROM_ORIGIN + asked), b"a body")
    assert result.received == 0
    [start, body] = result.messages
    assert body == {"type": "http.response.body", "body": b""}
    assert start["status"] == status
    decision = evaluate(POLICY, "OPTIONS", ORIGIN, method, names)
    want = {name.lower(): value for name, value in decision.headers.items()}
    if status != 204:
        want["content-length"] = "0"
    assert dict(result.answer.headers) == want


def test_old_clients_get_the_status_that_the_policy_says() -> None:
    app = CORSMiddleware(never, Policy(allow_origins=[ORIGIN], preflight_status=200))
    answer = send(app, "OPTIONS", "/", (*FROM_ORIGIN, ("Access-Control-Request-Method", "GET")))
    assert answer.status == 200
    assert values(answer, "content-length") == ["0"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("OPTIONS", FROM_ORIGIN, id="OPTIONS without a requested method"),
        pytest.param("OPTIONS", (("Access-Control-Request-Method", "PUT"),), id="OPTIONS without an origin"),
        pytest.param("GET", (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT")), id="GET with both headers"),
        pytest.param("options", (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT")), id="options in lower case"),
    ],
)
def test_everything_else_reaches_the_application(method: str, headers: tuple[tuple[str, str], ...]) -> None:
    answer = send(CORSMiddleware(answering(200, body=b"the application's"), POLICY), method, "/x", headers)
    assert answer.body == b"the application's"
    assert values(answer, "vary") == ["Origin"]


# Applications that fail, clients that leave


def failing(*messages: dict[str, Any]) -> Application:
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        raise RuntimeError("the application failed")

    return app


START = {"type": "http.response.start", "status": 200, "headers": []}
PART = {"type": "http.response.body", "body": b"a part", "more_body": True}
END = {"type": "http.response.body", "body": b""}


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((), id="before its response"),
        pytest.param((START,), id="after the start"),
        pytest.param((START, PART), id="in the middle"),
        pytest.param((START, PART, END), id="after its response"),
    ],
)
def test_what_an_application_raises_is_raised_and_what_it_sent_is_covered(messages: tuple[dict[str, Any], ...]) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {}

    async def keep(message: dict[str, Any]) -> None:
        sent.append(message)

    app = CORSMiddleware(failing(*messages), POLICY)
    with pytest.raises(RuntimeError, match="the application failed"):
        asyncio.run(app(scope_of("GET", "/", FROM_ORIGIN), receive, keep))
    assert [message["type"] for message in sent] == [message["type"] for message in messages]
    if sent:
        assert dict(sent[0]["headers"])[b"access-control-allow-origin"] == ORIGIN.encode()


def test_what_the_server_raises_because_the_client_left_reaches_the_application() -> None:
    seen = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        try:
            await send(dict(START))
        except OSError as error:
            seen.append(error)
            seen.append(await receive())

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def gone(message: Any) -> None:
        raise OSError("the client disconnected")

    asyncio.run(CORSMiddleware(app, POLICY)(scope_of("GET", "/", FROM_ORIGIN), receive, gone))
    assert [str(seen[0]), seen[1]] == ["the client disconnected", {"type": "http.disconnect"}]


def test_a_cancelled_request_is_cancelled_in_the_application() -> None:
    seen = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def cancel() -> None:
        task = asyncio.ensure_future(exchange(CORSMiddleware(app, POLICY), scope_of("GET", "/")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert seen == ["cancelled"]


def test_a_stream_is_handed_on_piece_by_piece_in_the_same_task_and_thread() -> None:
    """Nothing is read ahead, kept or run elsewhere: each piece is sent before the next one is made."""
    events: list[Any] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        events.append((asyncio.current_task(), threading.current_thread()))
        await send(dict(START))
        for number in range(3):
            events.append(f"made {number}")
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": number < 2})

    async def serve() -> None:
        async def receive() -> dict[str, Any]:
            return {}

        async def sent(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                events.append(f"sent {message['body'].decode()}")

        events.append((asyncio.current_task(), threading.current_thread()))
        await CORSMiddleware(app, POLICY)(scope_of("GET", "/", FROM_ORIGIN), receive, sent)

    asyncio.run(serve())
    assert events[0] == events[1]
    assert events[2:] == [f"{what} {number}" for number in range(3) for what in ("made", "sent")]


def test_what_an_application_does_after_its_response_is_done() -> None:
    done = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await OK(scope, receive, send)
        done.append("in the background")

    assert send(CORSMiddleware(app, POLICY), "GET", "/", FROM_ORIGIN).body == b"ok"
    assert done == ["in the background"]


# Other policies


def test_a_policy_that_is_replaced_takes_effect_at_once() -> None:
    app = CORSMiddleware(OK, POLICY)
    assert values(send(app, "GET", "/", FROM_ORIGIN), "access-control-allow-origin") == [ORIGIN]
    other = Policy(allow_origins=[STRANGER])
    app.policy = other
    assert app.policy is other
    assert values(send(app, "GET", "/", FROM_ORIGIN), "access-control-allow-origin") == []
    assert values(send(app, "GET", "/", FROM_STRANGER), "access-control-allow-origin") == [STRANGER]
    app.policy = PathPolicies({"/y": POLICY})
    assert values(send(app, "GET", "/x", FROM_ORIGIN), "vary") == []
    assert values(send(app, "GET", "/y", FROM_ORIGIN), "access-control-allow-origin") == [ORIGIN]


def test_a_request_sees_one_policy_only_though_it_is_replaced_within() -> None:
    async def replacing(scope: Scope, receive: Any, send: Any) -> None:
        app.policy = Policy(allow_origins=["*"])
        await OK(scope, receive, send)

    app = CORSMiddleware(replacing, POLICY)
    answer = send(app, "GET", "/", FROM_ORIGIN)
    assert values(answer, "access-control-allow-origin") == [ORIGIN]
    assert values(answer, "vary") == ["Origin"]


@pytest.mark.parametrize("policy", [None, "*", {}, ["https://a.test"], Policy])
def test_what_is_not_a_policy_is_refused_before_anything_is_served(policy: Any) -> None:
    with pytest.raises(TypeError, match="policy must be a Policy, PathPolicies"):
        CORSMiddleware(never, policy)
    app = CORSMiddleware(never, POLICY)
    with pytest.raises(TypeError, match="policy must be a Policy, PathPolicies"):
        app.policy = policy
    assert app.policy is POLICY


@pytest.mark.parametrize(
    ("path", "raw_path", "governed"),
    [
        pytest.param("/api", b"/api", True, id="the prefix"),
        pytest.param("/api/x", b"/api/x", True, id="below it"),
        pytest.param("/api/ä", b"/api/%C3%A4", True, id="UTF-8 below it"),
        pytest.param("/api/x", None, True, id="a server that does not tell what was sent"),
        pytest.param("/api/x", b"http://localhost/api/x", True, id="a target in absolute form"),
        pytest.param("/mounted/api", b"/mounted/api", False, id="below a mount: the path contains root_path"),
        pytest.param("/apiary", b"/apiary", False, id="a longer segment"),
        pytest.param("/api/x", b"/api%2Fx", False, id="an encoded slash"),
        pytest.param("/api/../x", b"/api/%2e%2e/x", False, id="encoded dots"),
        pytest.param("/api/x", b"/api//x", False, id="slashes that were merged"),
        pytest.param("/api/x\n", b"/api/x%0A", False, id="a line feed at the end"),
        pytest.param("/api/\ufffd", b"/api/%ff", False, id="bytes that are not UTF-8"),
        pytest.param("/api/%2e%2e/x", b"/api/%252e%252e/x", False, id="encoded twice: never decoded a second time"),
    ],
)
def test_a_path_that_can_be_read_in_two_ways_has_no_policy(path: str, raw_path: bytes | None, governed: bool) -> None:
    scope = {**scope_of("GET", "/", FROM_ORIGIN), "path": path, "raw_path": raw_path, "root_path": "/mounted"}
    answer = call(CORSMiddleware(OK, PathPolicies({"/api": POLICY})), scope)
    assert values(answer, "access-control-allow-origin") == ([ORIGIN] if governed else [])


def test_a_path_without_a_policy_is_passed_on_untouched() -> None:
    own = (("Access-Control-Allow-Origin", "*"), ("Vary", "Accept"), ("Vary", "Accept"))
    app = CORSMiddleware(answering(200, *own), PathPolicies({"/api": POLICY}))
    asked = (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT"))
    for path in ("/apiary", "/"):
        assert send(app, "GET", path, FROM_ORIGIN).headers == own
        assert send(app, "OPTIONS", path, asked).headers == own
    assert send(app, "OPTIONS", "/api", asked).status == 204


def test_a_source_is_given_the_request_and_a_hook_what_was_decided() -> None:
    asked: list[CORSRequest] = []
    told: list[tuple[Decision, CORSRequest]] = []

    class Source:
        varies_by_origin = False

        def policy_for(self, request: CORSRequest) -> Policy:
            asked.append(request)
            return POLICY

    app = CORSMiddleware(OK, Source(), on_decision=lambda decision, request: told.append((decision, request)))
    headers = (*FROM_ORIGIN, ("Host", "api.example.com"), ("Cookie", "a=1"), ("Sec-Fetch-Site", "cross-site"))
    run(app, scope_of("POST", "/x?y", headers, scheme="https"))
    want = CORSRequest(
        "POST",
        "/x",
        scheme="https",
        host="api.example.com",
        origin=ORIGIN,
        fetch_site="cross-site",
        has_credentials=True,
    )
    assert asked == [want]
    assert told == [(evaluate(POLICY, "POST", ORIGIN), want)]


# What can be given to it


def wsgi_application(environ: Any, start_response: Any) -> list[bytes]:
    return []


def flask_application() -> Any:
    import flask

    return flask.Flask("one")


def bottle_application() -> Any:
    import bottle

    return bottle.Bottle()


def asgi_2(scope: Scope) -> Any: ...


@pytest.mark.parametrize(
    ("app", "advice"),
    [
        pytest.param(wsgi_application, r"use corecors\.adapters\.wsgi\.CORSMiddleware", id="WSGI"),
        pytest.param(flask_application(), r"use corecors\.adapters\.flask\.CORS", id="Flask"),
        pytest.param(bottle_application(), r"use corecors\.adapters\.bottle\.CORSPlugin", id="Bottle"),
        pytest.param(asgi_2, "ASGI 2", id="ASGI 2"),
        pytest.param(CORSMiddleware(OK, POLICY), None, id="another middleware"),
        pytest.param(lambda *arguments: None, None, id="who knows"),
        pytest.param("module:app", "str is not an ASGI application", id="a name"),
        pytest.param(POLICY, "Policy is not an ASGI application", id="a policy"),
        pytest.param(lambda: None, "not an ASGI application", id="a function of nothing"),
    ],
)
def test_an_application_of_another_kind_is_refused_with_the_door_to_use(app: Any, advice: str | None) -> None:
    if advice is None:
        assert CORSMiddleware(app, POLICY).app is app
        return
    with pytest.raises(TypeError, match=advice):
        CORSMiddleware(app, POLICY)


def test_servers_see_an_asgi_3_application() -> None:
    """As uvicorn and asgiref find out."""
    assert asyncio.iscoroutinefunction(CORSMiddleware(OK, POLICY).__call__)


def test_a_policy_that_is_replaced_ends_when_the_next_one_is_in_force() -> None:
    seen: list[object] = []

    class Predicate:
        def __call__(self, origin: str) -> bool:
            return False

        def __del__(self) -> None:
            seen.append(app.policy)

    app = CORSMiddleware(_nothing, Policy(allow_origin_predicate=Predicate()))
    app.policy = Policy()
    gc.collect()
    assert seen == [app.policy]


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    pass
