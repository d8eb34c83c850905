"""What a door does under a source of policies: opted out, undecided, varying, broken."""

import asyncio
from typing import Any

import pytest
from watched_requests import POLICY, application, preflight, request
from wrong_options import refusal

import corecors
from corecors import (
    UNDECIDED,
    CORSRequest,
    Decision,
    Door,
    OriginPolicies,
    PathPolicies,
    Place,
    Policy,
    Reason,
    RejectionLog,
)
from corecors.adapters.wsgi import CORSMiddleware

ALLOWED = "https://app.example.com"
EVIL = "https://evil.test"
STRICT = Policy(allow_origins=["https://admin.example.com"], allow_credentials=True)
BY_PATH = PathPolicies({"/": STRICT}, default=STRICT)
AMBIGUOUS = ["/api%2Ftransfer", "//api/transfer", "/api/../transfer", "/api/./transfer", "/api\\transfer", "/a\xffpi"]


class Chooses:
    """A source that answers with whatever a test wants."""

    def __init__(self, answer: Any, *, varies_by_origin: bool = False) -> None:
        self.answer = answer
        self.varies_by_origin = varies_by_origin

    def policy_for(self, request: CORSRequest) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Recorder:
    """An application with CORS headers of its own, that counts its calls."""

    OWN = (("Access-Control-Allow-Origin", "*"), ("Vary", "Accept"))

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.calls += 1
        start_response("200 OK", list(self.OWN))
        return []


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_what_a_foreign_page_sends_to_an_ambiguous_path_is_blocked_logged_and_told(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    decisions: list[Decision] = []
    recorder = Recorder()
    app = CORSMiddleware(
        recorder, BY_PATH, block_disallowed=True, on_decision=lambda decision, _: decisions.append(decision)
    )
    assert request(app, REQUEST_METHOD="POST", PATH_INFO=path, HTTP_ORIGIN=EVIL)[0] == "403 Forbidden"
    assert recorder.calls == 0
    assert [decision.reason for decision in decisions] == [Reason.PATH_AMBIGUOUS]
    assert "can be read in more than one way" in caplog.records[-1].getMessage()


@pytest.mark.parametrize("path", AMBIGUOUS)
@pytest.mark.parametrize("origin", [EVIL, "https://admin.example.com"])
def test_nobody_reads_an_ambiguous_path_whatever_the_application_says_itself(path: str, origin: str) -> None:
    recorder = Recorder()
    app = CORSMiddleware(recorder, BY_PATH)
    status, headers = request(app, PATH_INFO=path, HTTP_ORIGIN=origin)
    assert (status, headers) == ("200 OK", {"Vary": "Accept, Origin"})
    status, headers = preflight(CORSMiddleware(recorder, Chooses(UNDECIDED)), origin, "PUT")
    assert status == "403 Forbidden"
    assert recorder.calls == 1


@pytest.mark.parametrize("answer", [pytest.param(None, id="opted out"), pytest.param(UNDECIDED, id="undecided")])
@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_door_that_knows_already_what_governs_needs_no_source_to_say_so(
    answer: Any, blocks: bool, method: str
) -> None:
    door = Door(block_disallowed=blocks, rejections=None, asks_async=True)
    asked = CORSRequest(method, origin=EVIL, request_method="PUT")
    known = door.decide(answer, asked)
    assert known == door.decide(Chooses(answer), asked) == asyncio.run(door.decide_async(answer, asked))
    assert (known is None) == (answer is None)


def test_each_kind_of_undecided_request_is_one_line_and_one_decision(caplog: pytest.LogCaptureFixture) -> None:
    decisions: list[Decision] = []
    app = CORSMiddleware(application, Chooses(UNDECIDED), on_decision=lambda decision, _: decisions.append(decision))
    for _ in range(5):
        request(app, HTTP_ORIGIN=EVIL)
    assert len(caplog.records) == 1
    assert [decision.reasons for decision in decisions] == [(Reason.UNDECIDED,)] * 5


def test_no_browser_and_the_servers_own_pages_pass_where_nothing_can_be_told() -> None:
    app = CORSMiddleware(application, Chooses(UNDECIDED), block_disallowed=True)
    own = {"HTTP_ORIGIN": "http://api.example.com"}
    for environ in ({}, own, {"HTTP_SEC_FETCH_SITE": "none"}, {"HTTP_SEC_FETCH_SITE": "same-origin"}):
        assert request(app, REQUEST_METHOD="POST", **environ)[0] == "200 OK"
    assert request(app, REQUEST_METHOD="POST", HTTP_SEC_FETCH_SITE="cross-site")[0] == "403 Forbidden"


def test_where_the_owner_opted_out_the_response_stays_untouched_and_nobody_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    decisions: list[Decision] = []
    app = CORSMiddleware(Recorder(), Chooses(None), block_disallowed=True, on_decision=lambda d, _: decisions.append(d))
    assert request(app, HTTP_ORIGIN=EVIL) == ("200 OK", dict(Recorder.OWN))
    assert preflight(app, EVIL, "PUT")[0] == "200 OK"
    assert (decisions, caplog.records) == ([], [])


def test_every_answer_under_a_source_that_may_look_at_the_origin_varies_by_it() -> None:
    tiers = OriginPolicies([Policy(allow_origins=[ALLOWED], allow_credentials=True), Policy(allow_origins=["*"])])
    app = CORSMiddleware(application, tiers)
    for environ in ({}, {"HTTP_ORIGIN": ALLOWED}, {"HTTP_ORIGIN": EVIL}):
        assert request(app, **environ)[1]["Vary"] == "Origin"
    assert request(app, HTTP_ORIGIN=EVIL)[1]["Access-Control-Allow-Origin"] == "*"
    assert request(app, HTTP_ORIGIN=ALLOWED)[1]["Access-Control-Allow-Credentials"] == "true"
    opted_out = CORSMiddleware(Recorder(), Chooses(None, varies_by_origin=True))
    assert request(opted_out, HTTP_ORIGIN=EVIL)[1] == {"Access-Control-Allow-Origin": "*", "Vary": "Accept, Origin"}


def test_a_source_is_taken_to_look_at_the_origin_unless_it_says_otherwise() -> None:
    class Silent:
        def policy_for(self, request: CORSRequest) -> Policy:
            return Policy(allow_origins=["*"])

    assert request(CORSMiddleware(application, Silent()))[1]["Vary"] == "Origin"
    assert "Vary" not in request(CORSMiddleware(application, Chooses(Policy(allow_origins=["*"]))))[1]


async def _asynchronous(origin: str) -> bool:
    return True


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(RuntimeError("the table is away"), id="raises"),
        pytest.param("https://app.example.com", id="text"),
        pytest.param(BY_PATH, id="another source"),
        pytest.param(Policy(allow_origin_predicate=_asynchronous), id="a predicate that cannot be awaited here"),
    ],
)
def test_a_source_that_fails_lets_nobody_in_and_is_logged(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = CORSMiddleware(Recorder(), Chooses(answer), rejections=None)
    for _ in range(5):
        assert request(app, HTTP_ORIGIN=ALLOWED) == ("200 OK", {"Vary": "Accept, Origin"})
    assert len(caplog.records) == 3  # the first, the second and the fourth


def test_a_source_is_asked_with_what_the_request_says() -> None:
    seen: list[CORSRequest] = []

    class Source:
        varies_by_origin = False

        def policy_for(self, request: CORSRequest) -> Policy:
            seen.append(request)
            return POLICY

    app = CORSMiddleware(application, Source())
    environ = {
        "SCRIPT_NAME": "/mounted",
        "PATH_INFO": "/caf\xc3\xa9",
        "HTTP_HOST": "tenant.example.com:8000",
        "HTTP_COOKIE": "a=b",
        "HTTP_SEC_FETCH_SITE": "cross-site",
    }
    request(app, HTTP_ORIGIN=ALLOWED, **environ)
    assert seen == [
        CORSRequest(
            "GET",
            "/mounted/café",
            host="tenant.example.com:8000",
            origin=ALLOWED,
            fetch_site="cross-site",
            has_credentials=True,
        )
    ]


class ByPlace:
    """A source that says that it looks at nothing but the host and the path, and keeps what it was asked with."""

    varies_by_origin = False
    needs_request = False

    def __init__(self, *, looks_at: str = "host", needs_request: bool = False) -> None:
        self.seen: list[CORSRequest | Place] = []
        self.needs_request = needs_request
        self._looks_at = looks_at

    def policy_for(self, request: CORSRequest | Place) -> Policy:
        getattr(request, self._looks_at)
        self.seen.append(request)
        return POLICY


class PassesOn:
    """A source that passes on what another says of itself, and looks at more."""

    def __init__(self, source: ByPlace) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def policy_for(self, request: CORSRequest) -> Policy:
        assert request.method == "GET"
        return self._source.policy_for(request)


ELSEWHERE = {"SCRIPT_NAME": "/mounted", "PATH_INFO": "/caf\xc3\xa9/../x", "HTTP_HOST": "tenant.example.com:8000"}


def test_a_source_that_needs_no_request_is_asked_with_the_place_of_one() -> None:
    source = ByPlace()
    app = CORSMiddleware(application, source)
    assert request(app, HTTP_ORIGIN=ALLOWED, **ELSEWHERE)[1]["Access-Control-Allow-Origin"] == ALLOWED
    assert source.seen == [Place("tenant.example.com:8000", "/mounted/café/../x", path_is_ambiguous=True)]
    assert type(source.seen[0]) is Place


def test_the_place_of_a_request_without_host_is_the_servers() -> None:
    source, whole = ByPlace(), ByPlace(needs_request=True)
    for each in (source, whole):
        request(CORSMiddleware(application, each), HTTP_HOST="", SERVER_NAME="10.0.0.1", SERVER_PORT="8000")
    assert [each.host for each in (*source.seen, *whole.seen)] == ["10.0.0.1:8000"] * 2


@pytest.mark.parametrize(
    ("source", "options"),
    [
        pytest.param(ByPlace(needs_request=True), {}, id="one that says that it does"),
        pytest.param(PassesOn(ByPlace()), {}, id="one that passes on what another says"),
        pytest.param(ByPlace(), {"on_decision": lambda decision, request: None}, id="any, where somebody listens"),
        pytest.param(PathPolicies({"/": ByPlace()}), {}, id="one below a path"),
    ],
)
def test_all_others_are_asked_with_the_whole_request(source: Any, options: dict[str, Any]) -> None:
    seen = (source.policies["/"] if isinstance(source, PathPolicies) else source).seen
    app = CORSMiddleware(application, source, **options)
    assert request(app, HTTP_ORIGIN=ALLOWED)[1]["Access-Control-Allow-Origin"] == ALLOWED
    assert [type(each) for each in seen] == [CORSRequest]


def test_a_source_that_looks_at_more_than_it_says_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    app = CORSMiddleware(application, ByPlace(looks_at="method"), rejections=None)
    assert "Access-Control-Allow-Origin" not in request(app, HTTP_ORIGIN=ALLOWED)[1]
    assert "'Place' object has no attribute 'method'" in caplog.text


# Report-only and hooks harm nobody


def test_a_report_only_policy_that_fails_harms_no_request(caplog: pytest.LogCaptureFixture) -> None:
    def broken(origin: str) -> bool:
        raise RuntimeError("the candidate is not ready")

    for candidate in (Policy(allow_origin_predicate=broken), Chooses(RuntimeError("no"))):
        caplog.clear()
        app = CORSMiddleware(application, POLICY, report_only=candidate)
        assert request(app, HTTP_ORIGIN=ALLOWED)[1]["Access-Control-Allow-Origin"] == ALLOWED
        assert caplog.records


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        pytest.param({"allow_credentials": False}, "no Access-Control-Allow-Credentials", id="credentials are dropped"),
        pytest.param({"expose_headers": []}, "no Access-Control-Expose-Headers", id="exposed names are dropped"),
        pytest.param({"expose_headers": ["X-B"]}, "Access-Control-Expose-Headers: X-B", id="other names are exposed"),
        pytest.param({"allow_timing": True}, "Timing-Allow-Origin", id="timing is added"),
    ],
)
def test_every_difference_that_a_browser_would_see_is_reported_once(
    candidate: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    policy = Policy(allow_origins=[ALLOWED], allow_credentials=True, expose_headers=["X-A"])
    app = CORSMiddleware(application, policy, report_only=policy.replace(**candidate))
    for _ in range(3):
        assert request(app, HTTP_ORIGIN=ALLOWED)[1]["Access-Control-Expose-Headers"] == "X-A"
    (record,) = caplog.records
    assert said in record.getMessage()
    assert record.getMessage().startswith("CORS report-only: would answer")


def test_report_only_may_be_a_source(caplog: pytest.LogCaptureFixture) -> None:
    app = CORSMiddleware(application, POLICY, report_only=PathPolicies({"/orders": Policy()}, default=POLICY))
    request(app, HTTP_ORIGIN=ALLOWED, PATH_INFO="/other")
    assert caplog.records == []
    request(app, HTTP_ORIGIN=ALLOWED, PATH_INFO="/orders/7")
    assert "would refuse GET /orders/7" in caplog.records[0].getMessage()


def test_an_answer_that_only_resembles_true_is_logged_and_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    app = CORSMiddleware(application, Policy(allow_origin_predicate=lambda origin: "yes"), rejections=None)
    for _ in range(3):
        assert "Access-Control-Allow-Origin" not in request(app, HTTP_ORIGIN=EVIL)[1]
    assert "only True does" in caplog.records[0].getMessage()
    assert len(caplog.records) == 2


def test_what_a_request_chose_makes_no_kinds_of_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A predicate that returns what it was asked about fails in one way, whatever it was asked about."""
    app = CORSMiddleware(application, Policy(allow_origin_predicate=lambda origin: origin), rejections=None)
    for number in range(64):
        request(app, HTTP_ORIGIN=f"https://n{number}.test")
    assert len(caplog.records) == 7  # the first, the second, the fourth ... the sixty-fourth
    assert "n1.test" not in caplog.text


# Options are checked when they are given


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"on_decision": "x"}, "on_decision", id="a hook that is text"),
        pytest.param({"report_only": "x"}, "report_only", id="a policy that is text"),
        pytest.param({"report_only": {}}, "report_only", id="a policy that is a mapping"),
        pytest.param({"report_only": PathPolicies}, "report_only", id="a class"),
        pytest.param({"report_only": Policy(allow_origin_predicate=_asynchronous)}, "report_only", id="asynchronous"),
        pytest.param({"block_disallowed": "no"}, "block_disallowed", id="a flag that is text"),
        pytest.param({"check_websockets": None}, "check_websockets", id="a flag that is None"),
        pytest.param({"own_origins": "https://a.test"}, "own_origins", id="one origin"),
        pytest.param({"own_origins": ["https://a.test/"]}, "own_origins", id="an origin with a slash"),
        pytest.param({"own_origins": [7]}, "own_origins", id="a number"),
        pytest.param({"rejections": True}, "rejections", id="a log that is a flag"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused_by_its_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=refusal(said)):
        CORSMiddleware(application, POLICY, **options)


def test_a_predicate_that_cannot_be_awaited_is_refused_with_the_doors_that_can() -> None:
    with pytest.raises(TypeError, match="ASGI, Starlette, Django and aiohttp"):
        CORSMiddleware(application, Policy(allow_origin_predicate=_asynchronous))


# WebSockets

HANDSHAKE = {"HTTP_UPGRADE": "WebSocket", "HTTP_CONNECTION": "Upgrade"}


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        pytest.param({}, "200 OK", id="no browser"),
        pytest.param({"HTTP_ORIGIN": ALLOWED}, "200 OK", id="allowed"),
        pytest.param({"HTTP_ORIGIN": EVIL}, "403 Forbidden", id="foreign"),
        pytest.param({"HTTP_ORIGIN": "http://api.example.com"}, "200 OK", id="own"),
        pytest.param({"HTTP_ORIGIN": ALLOWED, "HTTP_COOKIE": "a=b"}, "403 Forbidden", id="allowed without credentials"),
    ],
)
def test_a_handshake_is_refused_before_the_application_sees_it(environ: dict[str, str], status: str) -> None:
    recorder = Recorder()
    app = CORSMiddleware(recorder, POLICY, rejections=RejectionLog())
    assert request(app, **HANDSHAKE, **environ)[0] == status
    assert recorder.calls == (status == "200 OK")
    unchecked = CORSMiddleware(recorder, POLICY, check_websockets=False)
    assert request(unchecked, **HANDSHAKE, **environ)[0] == "200 OK"


def test_own_origins_help_where_a_proxy_rewrites_host() -> None:
    environ = {**HANDSHAKE, "HTTP_ORIGIN": "https://www.example.com", "HTTP_HOST": "backend:8000"}
    assert request(CORSMiddleware(Recorder(), POLICY), **environ)[0] == "403 Forbidden"
    app = CORSMiddleware(Recorder(), POLICY, own_origins=["https://www.example.com"])
    assert request(app, **environ)[0] == "200 OK"


@pytest.mark.skipif(corecors.__compiled__, reason="a compiled class has no subclasses")
def test_what_a_subclass_chooses_governs() -> None:
    class ByHost(PathPolicies):  # type: ignore[misc]  # final, for type checkers
        def policy_for(self, request: CORSRequest) -> Policy | None:
            return STRICT if request.host == "admin.example.com" else POLICY

    app = CORSMiddleware(application, ByHost({"/": POLICY}))
    assert "Access-Control-Allow-Origin" in request(app, HTTP_ORIGIN=ALLOWED)[1]
    assert "Access-Control-Allow-Origin" not in request(app, HTTP_ORIGIN=ALLOWED, HTTP_HOST="admin.example.com")[1]
