"""The ASGI middleware's options: WebSockets, predicates, blocking, own origins, hooks, logs."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from asgi_client import Scope, answering, exchange, handshake, run, scope_of, send, values
from wrong_options import refusal

from corecors import UNDECIDED, CORSRequest, Decision, Kind, PathPolicies, Policy, Reason, RejectionLog
from corecors.adapters.asgi import CORSMiddleware

ORIGIN = "https://app.example.com"
STRANGER = "https://stranger.example.com"
HOST = "api.example.com"
POLICY = Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_credentials=True)
OPEN = Policy(allow_origins=["*"])
OK = answering(200, body=b"ok")
Headers = tuple[tuple[str, str], ...]


def request(origin: str | None = None, *more: tuple[str, str]) -> Headers:
    return (("Host", HOST), *((("Origin", origin),) if origin is not None else ()), *more)


PREFLIGHT = ("Access-Control-Request-Method", "PUT")
COOKIE = ("Cookie", "session=1")


async def never(scope: Scope, receive: Any, send: Any) -> None:
    raise AssertionError("the application was called")


async def accepts(scope: Scope, receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})


# WebSockets


@pytest.mark.parametrize(
    ("policy", "headers", "accepted"),
    [
        pytest.param(POLICY, request(ORIGIN), True, id="allowed"),
        pytest.param(POLICY, request(ORIGIN, COOKIE), True, id="allowed, with a cookie, and credentials are"),
        pytest.param(POLICY, request(), True, id="no origin: not a browser"),
        pytest.param(POLICY, request(None, COOKIE), True, id="no origin, with a cookie"),
        pytest.param(POLICY, request(f"https://{HOST}"), True, id="the server's own, behind a proxy that ends TLS"),
        pytest.param(POLICY, request(f"http://{HOST}"), True, id="the server's own"),
        pytest.param(POLICY, request(STRANGER, ("Sec-Fetch-Site", "same-origin")), True, id="own by Sec-Fetch-Site"),
        pytest.param(POLICY, request(STRANGER), False, id="foreign"),
        pytest.param(POLICY, request(STRANGER, ("Sec-Fetch-Site", "same-site")), False, id="foreign, of the same site"),
        pytest.param(POLICY, request("null"), False, id="null"),
        pytest.param(POLICY, request(""), False, id="empty"),
        pytest.param(POLICY, request(f"https://{HOST}:8443"), False, id="the server's host on another port"),
        pytest.param(POLICY, request(f"https://{HOST}@evil.test"), False, id="the server's host as userinfo"),
        pytest.param(POLICY, (("Origin", ORIGIN), *request(STRANGER)), False, id="two origins"),
        pytest.param(OPEN, request(STRANGER), True, id="anyone, without a cookie"),
        pytest.param(OPEN, request(STRANGER, COOKIE), False, id="anyone, with a cookie"),
        pytest.param(OPEN, request(STRANGER, ("Authorization", "x")), False, id="anyone, with Authorization"),
        pytest.param(Policy(allow_origins=[ORIGIN]), request(ORIGIN, COOKIE), False, id="listed without credentials"),
        pytest.param(Policy(), request(STRANGER), False, id="nobody"),
        pytest.param(PathPolicies({"/ws": POLICY}), request(STRANGER), False, id="foreign, by path"),
        pytest.param(PathPolicies({"/ws": POLICY}), request(ORIGIN), True, id="allowed, by path"),
        pytest.param(PathPolicies({"/ws": None}), request(STRANGER), True, id="opted out, by path"),
    ],
)
@pytest.mark.parametrize("can_deny", [True, False], ids=["server denies", "server closes"])
def test_a_handshake_that_is_not_admitted_never_reaches_the_application(
    policy: Any, headers: Headers, accepted: bool, can_deny: bool
) -> None:
    told: list[tuple[Decision, CORSRequest]] = []
    app = CORSMiddleware(accepts if accepted else never, policy, on_decision=lambda *both: told.append(both))
    messages = run(app, handshake("/ws", headers, can_deny=can_deny)).messages
    kinds = [message["type"] for message in messages]
    if accepted:
        assert kinds == ["websocket.accept"]
    elif can_deny:
        assert kinds == ["websocket.http.response.start", "websocket.http.response.body"]
        assert messages[0]["status"] == 403
        assert dict(messages[0]["headers"])[b"vary"] == b"Origin"
        assert all(not name.startswith(b"access-control-") for name, _ in messages[0]["headers"])
    else:
        assert kinds == ["websocket.close"]
    assert [(decision.kind, decision.allowed) for decision, _ in told] in ([(Kind.WEBSOCKET, accepted)], [])
    assert told or policy == PathPolicies({"/ws": None}) or accepted


def test_a_refused_handshake_is_logged_and_names_own_origins(caplog: pytest.LogCaptureFixture) -> None:
    run(CORSMiddleware(never, POLICY), handshake("/ws", request(STRANGER)))
    [record] = caplog.records
    assert record.name == "corecors"
    assert "WebSocket" in record.getMessage()
    assert STRANGER in record.getMessage()
    assert "own_origins" in record.getMessage()


def test_a_client_that_left_before_its_handshake_was_refused_is_sent_nothing() -> None:
    async def serve() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.disconnect", "code": 1006}

        async def keep(message: Any) -> None:
            sent.append(message)

        await CORSMiddleware(never, POLICY)(handshake("/ws", request(STRANGER)), receive, keep)
        return sent

    assert asyncio.run(serve()) == []


def test_handshakes_can_be_left_to_the_application() -> None:
    app = CORSMiddleware(accepts, POLICY, check_websockets=False)
    assert run(app, handshake("/ws", request(STRANGER, COOKIE))).messages == [{"type": "websocket.accept"}]


def test_own_origins_come_in_behind_a_proxy_that_rewrites_host() -> None:
    own = "https://www.example.com"
    headers = (("Host", "127.0.0.1:8000"), ("Origin", own), COOKIE)
    assert run(CORSMiddleware(never, POLICY), handshake("/ws", headers)).messages[0]["status"] == 403
    app = CORSMiddleware(accepts, POLICY, own_origins=[own])
    assert run(app, handshake("/ws", headers)).messages == [{"type": "websocket.accept"}]


def test_an_own_denial_of_the_application_leaves_as_it_is() -> None:
    denial = {"type": "websocket.http.response.start", "status": 401, "headers": [(b"vary", b"x")]}

    async def denies(scope: Scope, receive: Any, send: Any) -> None:
        await send(denial)

    assert run(CORSMiddleware(denies, POLICY), handshake("/ws", request(ORIGIN))).messages[0] is denial


# Predicates


def by_predicate(answer: Any, *, is_async: bool) -> tuple[Policy, list[str]]:
    """A policy that lists one origin and asks about any other; and what it was asked."""
    asked: list[str] = []

    async def ask_later(origin: str) -> Any:
        asked.append(origin)
        await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(origin: str) -> Any:
        asked.append(origin)
        if isinstance(answer, Exception):
            raise answer
        return answer

    predicate = ask_later if is_async else ask
    return Policy(allow_origins=[ORIGIN], allow_origin_predicate=predicate, allow_methods=["PUT"]), asked


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize(
    ("origin", "answer", "allowed", "questions"),
    [
        pytest.param(STRANGER, True, True, 1, id="let in by it"),
        pytest.param(STRANGER, False, False, 1, id="refused by it"),
        pytest.param(STRANGER, 1, False, 1, id="something true that is not True"),
        pytest.param(STRANGER, None, False, 1, id="nothing"),
        pytest.param(ORIGIN, False, True, 0, id="listed: never asked about"),
        pytest.param("null", True, False, 0, id="null: never asked about"),
        pytest.param("https://EVIL.test", True, False, 0, id="malformed: never asked about"),
        pytest.param(None, True, False, 0, id="no origin"),
    ],
)
@pytest.mark.parametrize("kind", ["actual", "preflight", "handshake"])
def test_a_predicate_is_asked_once_and_only_where_nothing_else_tells(
    is_async: bool, origin: str | None, answer: Any, allowed: bool, questions: int, kind: str
) -> None:
    policy, asked = by_predicate(answer, is_async=is_async)
    options: dict[str, Any] = {"on_decision": lambda decision, request: decision.reasons}
    headers = request(origin)
    for expected in range(1, 3):
        if kind == "handshake":
            sent = run(CORSMiddleware(accepts, policy, **options), handshake("/", headers)).messages
            assert (sent[0]["type"] == "websocket.accept") is (allowed or origin is None)
        elif kind == "preflight":
            answer_to = send(CORSMiddleware(OK, policy, **options), "OPTIONS", "/", (*headers, PREFLIGHT))
            assert (answer_to.status == 204) is allowed
        else:
            got = send(CORSMiddleware(OK, policy, **options), "GET", "/", headers)
            assert values(got, "access-control-allow-origin") == ([origin] if allowed else [])
        assert len(asked) == questions * expected


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_what_a_predicate_raises_is_raised_before_the_application_runs(is_async: bool) -> None:
    policy, _ = by_predicate(LookupError("no database"), is_async=is_async)
    with pytest.raises(LookupError, match="no database"):
        run(CORSMiddleware(never, policy), scope_of("GET", "/", request(STRANGER)))


def test_requests_wait_for_their_predicates_side_by_side() -> None:
    """One awaited question holds up nobody else."""
    waiting: dict[str, asyncio.Event] = {}

    async def ask(origin: str) -> bool:
        waiting[origin] = asyncio.Event()
        await waiting[origin].wait()
        return True

    app = CORSMiddleware(OK, Policy(allow_origin_predicate=ask))

    async def serve() -> list[str]:
        origins = [f"https://{name}.example.com" for name in "abc"]
        tasks = [asyncio.ensure_future(exchange(app, scope_of("GET", "/", request(origin)))) for origin in origins]
        while len(waiting) < len(origins):
            await asyncio.sleep(0)
        for origin in reversed(origins):
            waiting[origin].set()
        answers = [(await task).answer for task in tasks]
        return [values(answer, "access-control-allow-origin")[0] for answer in answers]

    assert asyncio.run(serve()) == ["https://a.example.com", "https://b.example.com", "https://c.example.com"]


# Blocking


@pytest.mark.parametrize(
    ("method", "headers", "reaches"),
    [
        pytest.param("GET", request(ORIGIN), True, id="allowed"),
        pytest.param("POST", request(ORIGIN, ("Sec-Fetch-Site", "cross-site")), True, id="allowed, cross-site"),
        pytest.param("GET", request(STRANGER), False, id="foreign"),
        pytest.param("HEAD", request(STRANGER), False, id="foreign HEAD"),
        pytest.param("POST", request(STRANGER), False, id="foreign POST"),
        pytest.param("GET", request(), True, id="no origin: a navigation"),
        pytest.param("GET", request(None, ("Sec-Fetch-Site", "cross-site")), True, id="a cross-site navigation"),
        pytest.param("POST", request(), True, id="POST of no browser"),
        pytest.param("POST", request(None, ("Sec-Fetch-Site", "cross-site")), False, id="POST, cross-site, no origin"),
        pytest.param("POST", request(None, ("Sec-Fetch-Site", "same-origin")), True, id="POST, own, no origin"),
        pytest.param("POST", request(f"https://{HOST}"), True, id="POST from the server's own pages"),
        pytest.param("POST", request(f"https://{HOST}@evil.test"), False, id="userinfo in the origin"),
        pytest.param("POST", request(HOST), False, id="the server's host without a scheme"),
        pytest.param("POST", request("null"), False, id="null"),
        pytest.param("OPTIONS", request(STRANGER), False, id="a foreign OPTIONS that is not a preflight"),
    ],
)
def test_what_is_blocked_never_reaches_the_application(method: str, headers: Headers, reaches: bool) -> None:
    app = CORSMiddleware(OK if reaches else never, POLICY, block_disallowed=True)
    answer = send(app, method, "/", headers)
    assert answer.status == (200 if reaches else 403)
    assert values(answer, "vary") == ["Origin"]


class Undecided:
    def policy_for(self, request: CORSRequest) -> Any:
        return UNDECIDED


def test_where_it_cannot_be_told_which_policy_governs_nobody_is_let_in() -> None:
    own = (("access-control-allow-origin", "*"), ("vary", "accept"))
    app = CORSMiddleware(answering(200, *own), Undecided())
    answer = send(app, "GET", "/", request(ORIGIN))
    assert (answer.status, values(answer, "access-control-allow-origin"), values(answer, "vary")) == (
        200,
        [],
        ["accept, Origin"],
    )
    assert send(app, "OPTIONS", "/", request(ORIGIN, PREFLIGHT)).status == 403
    assert run(app, handshake("/", request(ORIGIN))).messages[0]["status"] == 403
    assert send(CORSMiddleware(never, Undecided(), block_disallowed=True), "GET", "/", request(ORIGIN)).status == 403


# Who is told


@pytest.mark.parametrize(
    ("method", "headers", "reason"),
    [
        pytest.param("GET", request(), Reason.NOT_CORS, id="not CORS"),
        pytest.param("GET", request(ORIGIN), Reason.ORIGIN_ALLOWED, id="allowed"),
        pytest.param("GET", request(STRANGER), Reason.ORIGIN_NOT_ALLOWED, id="refused"),
        pytest.param("OPTIONS", request(ORIGIN, PREFLIGHT), Reason.PREFLIGHT_PASSED, id="a preflight"),
        pytest.param("GET", request(f"https://{HOST}"), Reason.OWN_ORIGIN, id="the server's own"),
    ],
)
def test_a_hook_is_told_of_each_request_and_what_it_raises_goes_no_further(
    method: str, headers: Headers, reason: Reason
) -> None:
    told: list[Reason] = []

    def hook(decision: Decision, request: CORSRequest) -> None:
        told.append(decision.reason)
        raise ValueError("the hook failed")

    app = CORSMiddleware(OK, POLICY, on_decision=hook)
    assert send(app, method, "/", headers).status in (200, 204)
    assert told == [reason]


def test_report_only_decides_nothing_and_logs_the_difference(caplog: pytest.LogCaptureFixture) -> None:
    app = CORSMiddleware(OK, POLICY, report_only=Policy(allow_origins=[STRANGER]))
    assert values(send(app, "GET", "/", request(ORIGIN)), "access-control-allow-origin") == [ORIGIN]
    [record] = caplog.records
    assert record.getMessage().startswith("CORS report-only: would refuse")


def refusing(app: Callable[..., Any], number: int) -> None:
    for _ in range(number):
        send(app, "GET", "/x", request(STRANGER))
        send(app, "OPTIONS", "/x", request(ORIGIN, ("Access-Control-Request-Method", "PATCH")))


def test_refusals_are_logged_once_a_kind_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    log = RejectionLog()
    refusing(CORSMiddleware(OK, POLICY, rejections=log), 5)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert [STRANGER in caplog.messages[0], "PATCH" in caplog.messages[1]] == [True, True]
    log.sum_up()
    assert "8 more" in caplog.messages[2]


@pytest.mark.parametrize("policy", [POLICY, Policy(allow_origins=["https://*.example.org"])], ids=["exact", "pattern"])
def test_every_refusal_is_counted_once_also_after_a_summary_and_a_flood(
    caplog: pytest.LogCaptureFixture, policy: Policy
) -> None:
    seconds = [0.0]
    log = RejectionLog(clock=lambda: seconds[0])
    app = CORSMiddleware(OK, policy, rejections=log)

    def ask(origin: str, times: int) -> None:
        for _ in range(times):
            assert values(send(app, "GET", "/", request(origin)), "vary") == ["Origin"]

    def summary(minute: int) -> str:
        seconds[0] = 60.0 * minute
        log.sum_up()
        return caplog.messages[-1]

    ask(STRANGER, 101)
    assert f"{STRANGER} (100)" in summary(1)
    ask(STRANGER, 100)
    assert f"{STRANGER} (100)" in summary(2)
    for number in range(1500):
        ask(f"https://n{number}.test", 1)
    assert "1,480 more" in summary(3)
    caplog.clear()
    ask(STRANGER, 51)  # all kinds were forgotten
    assert f"The origin '{STRANGER}' is not allowed" in caplog.messages[0]
    assert f"{STRANGER} (50)" in summary(4)


def test_another_method_of_a_refused_origin_may_be_the_servers_own(caplog: pytest.LogCaptureFixture) -> None:
    log = RejectionLog()
    app = CORSMiddleware(OK, POLICY, rejections=log)
    for _ in range(100):
        send(app, "GET", "/", request(STRANGER))
    for _ in range(10):
        send(app, "POST", "/", request(STRANGER, ("Sec-Fetch-Site", "same-origin")))
    log.sum_up()
    assert "99 more" in caplog.messages[-1]


class Watched(bytes):
    """A text that is not to be hashed where it is long."""

    def __hash__(self) -> int:
        assert len(self) <= 1024
        return bytes.__hash__(self)


@pytest.mark.parametrize("origins", [[ORIGIN], ["https://*.example.com"], ["*"]], ids=["exact", "pattern", "any"])
def test_nothing_that_is_longer_than_an_origin_is_hashed(origins: list[str]) -> None:
    app = CORSMiddleware(OK, Policy(allow_origins=origins))
    long = Watched(b"https://" + b"a" * 8_000)
    for _ in range(2):
        for name in (b"origin", b"cookie"):
            assert run(app, {**scope_of("GET", "/"), "headers": [(name, long)]}).answer.status == 200


def test_the_log_can_be_left_out(caplog: pytest.LogCaptureFixture) -> None:
    refusing(CORSMiddleware(OK, POLICY, rejections=None), 2)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("on_decision", "hook", id="a hook that cannot be called"),
        pytest.param("report_only", "*", id="something else to report"),
        pytest.param("block_disallowed", "yes", id="a word for a flag"),
        pytest.param("check_websockets", 1, id="a number for a flag"),
        pytest.param("own_origins", "https://a.test", id="a text for a list"),
        pytest.param("rejections", logging.getLogger(), id="a logger for a log"),
    ],
)
def test_a_wrong_option_is_named_at_construction(option: str, value: Any) -> None:
    with pytest.raises(TypeError, match=refusal(option)):
        CORSMiddleware(OK, POLICY, **{option: value})
