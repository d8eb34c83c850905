"""`on_decision`, `report_only` and `block_disallowed`: what is done about a decision besides carrying it out."""

import threading

import pytest
from watched_requests import POLICY, SAME_ORIGIN, application, preflight, request

from corecors import CORSRequest, Decision, Kind, PathPolicies, Policy, Reason, RejectionLog, evaluate
from corecors.adapters.wsgi import CORSMiddleware

ALLOWED = "https://app.example.com"
REFUSED = "https://evil.test"


@pytest.fixture
def decisions() -> list[Decision]:
    return []


@pytest.fixture
def watched(decisions) -> CORSMiddleware:
    return CORSMiddleware(application, POLICY, on_decision=lambda decision, request: decisions.append(decision))


def test_on_decision_sees_every_request_once(watched, decisions):
    request(watched)
    request(watched, HTTP_ORIGIN=ALLOWED)
    request(watched, HTTP_ORIGIN=REFUSED)
    preflight(watched, ALLOWED, "PUT")
    preflight(watched, ALLOWED, "DELETE")
    assert [(decision.kind, decision.reason) for decision in decisions] == [
        (Kind.NOT_CORS, Reason.NOT_CORS),
        (Kind.ACTUAL, Reason.ORIGIN_ALLOWED),
        (Kind.ACTUAL, Reason.ORIGIN_NOT_ALLOWED),
        (Kind.PREFLIGHT, Reason.PREFLIGHT_PASSED),
        (Kind.PREFLIGHT, Reason.METHOD_NOT_ALLOWED),
    ]


def test_on_decision_gets_the_environ_of_the_request():
    paths = []
    app = CORSMiddleware(application, POLICY, on_decision=lambda decision, request: paths.append(request.path))
    request(app, PATH_INFO="/somewhere")
    assert paths == ["/somewhere"]


def test_a_watched_request_is_answered_like_any_other(watched):
    plain = CORSMiddleware(application, POLICY)
    for origin in (ALLOWED, REFUSED, "https://a.example.org", "null", ""):
        assert request(watched, HTTP_ORIGIN=origin) == request(plain, HTTP_ORIGIN=origin)
        assert preflight(watched, origin, "PUT", "x-known") == preflight(plain, origin, "PUT", "x-known")
    assert request(watched) == request(plain)


def test_an_error_in_on_decision_never_reaches_the_client(caplog):
    def broken(decision: Decision, environ: object) -> None:
        raise RuntimeError("metrics are down")

    app = CORSMiddleware(application, POLICY, on_decision=broken)
    for _ in range(100):
        assert request(app, HTTP_ORIGIN=ALLOWED)[1]["Access-Control-Allow-Origin"] == ALLOWED
    assert len(caplog.records) == 7  # 1, 2, 4, ... 64: an error in each request does not flood the log
    assert "metrics are down" in str(caplog.records[0].exc_info)


def test_the_predicate_is_asked_once_for_each_request():
    asked = []

    def predicate(origin: str) -> bool:
        asked.append(origin)
        return False

    app = CORSMiddleware(application, Policy(allow_origin_predicate=predicate))
    request(app, HTTP_ORIGIN="https://tenant.test")
    preflight(app, "https://tenant.test", "PUT")
    assert asked == ["https://tenant.test"] * 2


@pytest.mark.parametrize(
    ("served", "candidate", "expected"),
    [
        pytest.param(POLICY, Policy(), "CORS report-only: would refuse GET /orders", id="a stricter candidate"),
        pytest.param(
            POLICY,
            Policy(allow_origins=[ALLOWED, REFUSED]),
            "CORS report-only: would allow GET /orders",
            id="a laxer one",
        ),
    ],
)
def test_report_only_logs_what_would_be_decided_otherwise_and_changes_nothing(caplog, served, candidate, expected):
    app = CORSMiddleware(application, served, report_only=candidate, rejections=None)
    plain = CORSMiddleware(application, served, rejections=None)
    for origin in (ALLOWED, REFUSED) * 3:
        assert request(app, HTTP_ORIGIN=origin) == request(plain, HTTP_ORIGIN=origin)
    (record,) = caplog.records
    assert record.getMessage().startswith(expected)


def test_a_summary_says_what_it_counts(caplog):
    log = RejectionLog(subject="differences of report-only")
    for _ in range(3):
        log.report(evaluate(POLICY, "GET", REFUSED), CORSRequest("GET"), prefix="CORS report-only: would refuse")
    log.sum_up()
    assert caplog.records[-1].getMessage() == (
        f"CORS: 2 more differences of report-only like those before: {REFUSED} (2)"
    )


def test_report_only_is_silent_where_both_policies_agree(caplog):
    app = CORSMiddleware(application, POLICY, report_only=Policy(allow_origins=[ALLOWED]), rejections=None)
    request(app, HTTP_ORIGIN=ALLOWED)
    request(app, HTTP_ORIGIN=REFUSED)
    request(app)
    assert caplog.records == []


class Recorder:
    """An application that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, environ, start_response):
        self.calls += 1
        return application(environ, start_response)


def test_blocking_keeps_a_cross_origin_request_from_the_application():
    recorder = Recorder()
    app = CORSMiddleware(recorder, POLICY, block_disallowed=True)
    status, headers = request(app, REQUEST_METHOD="POST", HTTP_ORIGIN=REFUSED)
    assert status == "403 Forbidden"
    assert headers == {"Vary": "Origin", "Content-Type": "text/plain", "Content-Length": "0"}
    assert recorder.calls == 0


def test_without_blocking_the_application_runs():
    recorder = Recorder()
    status, _ = request(CORSMiddleware(recorder, POLICY), REQUEST_METHOD="POST", HTTP_ORIGIN=REFUSED)
    assert (status, recorder.calls) == ("200 OK", 1)


@pytest.mark.parametrize(
    "environ",
    [*SAME_ORIGIN.values(), {}, {"HTTP_ORIGIN": ALLOWED}],
    ids=[*SAME_ORIGIN, "no Origin header", "an allowed origin"],
)
def test_blocking_lets_through_what_is_not_refused(environ):
    recorder = Recorder()
    status, _ = request(CORSMiddleware(recorder, POLICY, block_disallowed=True), REQUEST_METHOD="POST", **environ)
    assert (status, recorder.calls) == ("200 OK", 1)


def test_the_browsers_word_on_where_a_request_comes_from_outweighs_the_host():
    app = CORSMiddleware(application, POLICY, block_disallowed=True)
    status, _ = request(app, HTTP_ORIGIN="http://api.example.com", HTTP_SEC_FETCH_SITE="cross-site")
    assert status == "403 Forbidden"


def test_a_path_without_a_policy_is_neither_watched_nor_blocked(decisions):
    app = CORSMiddleware(
        application,
        PathPolicies({"/api": POLICY}),
        block_disallowed=True,
        on_decision=lambda decision, request: decisions.append(decision),
    )
    assert request(app, PATH_INFO="/open", HTTP_ORIGIN=REFUSED)[0] == "200 OK"
    assert decisions == []
    assert request(app, PATH_INFO="/api/x", HTTP_ORIGIN=REFUSED)[0] == "403 Forbidden"


def test_a_failing_preflight_in_debug_is_answered_with_204_and_reported(caplog):
    app = CORSMiddleware(application, Policy(allow_origins=[ALLOWED], debug=True), rejections=RejectionLog())
    status, headers = preflight(app, ALLOWED, "BREW")
    assert status == "204 No Content"
    assert "BREW" not in headers["Access-Control-Allow-Methods"]
    assert "BREW" in caplog.records[-1].getMessage()


def test_a_policy_of_another_type_is_refused_at_once():
    with pytest.raises(TypeError, match=r"a Policy, PathPolicies or anything with policy_for\(request\), not dict"):
        CORSMiddleware(application, {"allow_origins": ["*"]})
    app = CORSMiddleware(application, POLICY)
    with pytest.raises(TypeError):
        app.policy = None
    assert app.policy is POLICY


def test_policies_that_are_replaced_at_once_never_leave_a_mixture():
    other = Policy(allow_origins=[REFUSED])
    by_path = PathPolicies({"/": POLICY})
    app = CORSMiddleware(application, POLICY, rejections=None)

    def replace_often(policy: Policy | PathPolicies) -> None:
        for _ in range(300):
            app.policy = policy

    threads = [threading.Thread(target=replace_often, args=(policy,)) for policy in (POLICY, other, by_path)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    allowed = REFUSED if app.policy is other else ALLOWED
    assert request(app, HTTP_ORIGIN=allowed)[1]["Access-Control-Allow-Origin"] == allowed
