"""The log of rejected requests: one line a kind, bounded whatever is sent, and nothing in it that can be forged."""

import logging
import tracemalloc

import pytest
from watched_requests import POLICY, SAME_ORIGIN, application, preflight, request

from corecors import PathPolicies, Policy, RejectionLog
from corecors._observing.rejections import CLOCK_EVERY, FEW, LINES_PER_PERIOD, REMEMBERED
from corecors.adapters.wsgi import CORSMiddleware


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(clock: Clock) -> CORSMiddleware:
    return CORSMiddleware(application, POLICY, rejections=RejectionLog(clock=clock))


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_new_kind_of_rejection_is_one_line_that_says_what_to_change(app, caplog):
    request(app, REQUEST_METHOD="PUT", HTTP_ORIGIN="https://staging.example.com", HTTP_SEC_FETCH_SITE="cross-site")
    assert messages(caplog) == [
        "CORS refused PUT /orders: The origin 'https://staging.example.com' is not allowed. "
        "If it should be, add it to allow_origins."
    ]
    assert caplog.records[0].levelno == logging.WARNING
    assert caplog.records[0].name == "corecors"


@pytest.mark.parametrize(
    ("environ", "is_hinted"),
    [
        pytest.param({"REQUEST_METHOD": "POST"}, True, id="a POST of an old browser"),
        pytest.param({"HTTP_UPGRADE": "websocket"}, True, id="a handshake of an old browser"),
        pytest.param({"REQUEST_METHOD": "POST", "HTTP_SEC_FETCH_SITE": "cross-site"}, False, id="the browser says so"),
        pytest.param({}, False, id="a GET, which carries no Origin to its own"),
    ],
)
def test_a_refusal_that_may_be_the_servers_own_shows_host_and_names_the_option(app, caplog, environ, is_hinted):
    request(app, HTTP_ORIGIN="https://www.example.com", HTTP_HOST="backend:8000", **environ)
    (message,) = messages(caplog)
    assert ("rewrites Host (here backend:8000), name it in own_origins" in message) is is_hinted


@pytest.mark.parametrize(
    ("method", "names", "expected"),
    [
        pytest.param("DELETE", "", "The method 'DELETE' is not allowed.", id="a method"),
        pytest.param("PUT", "x-unknown", "The request header 'x-unknown' is not allowed.", id="a header"),
    ],
)
def test_a_preflight_that_fails_is_reported_with_what_failed(app, caplog, method, names, expected):
    preflight(app, "https://app.example.com", method, names)
    (message,) = messages(caplog)
    assert message.startswith(f"CORS refused the preflight for {method} /orders: {expected}")


def test_what_is_allowed_is_not_reported(app, caplog):
    request(app)
    request(app, HTTP_ORIGIN="https://app.example.com")
    request(app, HTTP_ORIGIN="https://a.example.org")
    preflight(app, "https://app.example.com", "PUT", "x-known")
    assert messages(caplog) == []


def test_repeats_are_counted_and_summed_up_once_a_minute(app, caplog, clock):
    for _ in range(5):
        request(app, HTTP_ORIGIN="https://evil.test")
    assert len(caplog.records) == 1
    clock.seconds += 60
    request(app, HTTP_ORIGIN="https://evil.test")
    assert messages(caplog)[1:] == ["CORS: 4 more rejections like those before: https://evil.test (4)"]
    clock.seconds += 60
    request(app, HTTP_ORIGIN="https://evil.test")
    assert messages(caplog)[2:] == ["CORS: 1 more rejections like those before: https://evil.test (1)"]


@pytest.mark.parametrize("environ", [{}, {"REQUEST_METHOD": "HEAD"}], ids=["GET", "HEAD"])
@pytest.mark.parametrize("repeats", [1, FEW, FEW + 1, 3 * FEW, 1000, 1001])
def test_every_repeat_is_counted_once(app, caplog, clock, repeats, environ):
    for _ in range(1 + repeats):
        request(app, HTTP_ORIGIN="https://evil.test", **environ)
    clock.seconds += 60
    for _ in range(CLOCK_EVERY):
        if len(caplog.records) == 1:
            request(app, HTTP_ORIGIN="https://evil.test", **environ)
            repeats += 1
    assert messages(caplog)[1].startswith(f"CORS: {repeats - 1:,} more rejections like those before: https://evil.test")


@pytest.mark.parametrize("came", [FEW, 2 * FEW, 10 * CLOCK_EVERY])
def test_a_summary_is_late_by_no_more_repeats_than_came_nor_than_the_bound(app, caplog, clock, came):
    for _ in range(1 + came):
        request(app, HTTP_ORIGIN="https://evil.test")
    request(app, HTTP_ORIGIN="https://rare.test")
    for _ in range(2):
        request(app, HTTP_ORIGIN="https://rare.test")
    clock.seconds += 60
    for _ in range(4):
        request(app, HTTP_ORIGIN="https://rare.test")
    assert len(caplog.records) == 3  # its own two repeats let no more than two of these pass
    for _ in range(CLOCK_EVERY):
        request(app, HTTP_ORIGIN="https://evil.test")
    clock.seconds += 60
    for _ in range(CLOCK_EVERY):
        request(app, HTTP_ORIGIN="https://evil.test")
    assert len(caplog.records) == 4


@pytest.mark.parametrize("origin", ["https://evil.test", "https://evil{}.test"], ids=["one kind", "ever new ones"])
def test_a_flood_costs_no_look_at_the_clock_a_request(app, clock, origin):
    for number in range(2 * REMEMBERED):
        request(app, HTTP_ORIGIN=origin.format(number))
    clock.looks = 0
    for number in range(2 * REMEMBERED, 12 * REMEMBERED):
        request(app, HTTP_ORIGIN=origin.format(number))
    assert clock.looks <= 10 * REMEMBERED / CLOCK_EVERY + 1


def test_what_a_refused_origin_asks_for_makes_no_kind_of_its_own(app, caplog, clock):
    request(app, HTTP_ORIGIN="https://evil.test")
    preflight(app, "https://evil.test", "PUT")
    preflight(app, "https://evil.test", "DELETE", "x-one")
    preflight(app, "https://evil.test", "no method", "x\r\nforged")
    clock.seconds += 60
    request(app, HTTP_ORIGIN="https://evil.test")
    assert messages(caplog)[1:] == ["CORS: 3 more rejections like those before: https://evil.test (3)"]


@pytest.mark.parametrize("options", [{}, {"on_decision": lambda decision, request: None}], ids=["short", "full"])
def test_what_a_refused_origin_asks_for_hides_nothing_that_comes_after_it(clock, caplog, options):
    app = CORSMiddleware(application, POLICY, rejections=RejectionLog(clock=clock), **options)
    preflight(app, "https://evil.test", "no method")
    request(app, HTTP_ORIGIN="https://evil.test")
    preflight(app, "https://app.example.com", "no method")
    assert [record.cors_origin for record in caplog.records] == ["https://evil.test", "https://app.example.com"]
    assert [record.cors_reason for record in caplog.records] == ["origin_not_allowed", "method_malformed"]


def test_kinds_are_told_apart_by_origin_method_and_header(app, caplog):
    for origin, method, names in [
        ("https://a.test", "PUT", ""),
        ("https://b.test", "PUT", ""),
        ("https://app.example.com", "DELETE", ""),
        ("https://app.example.com", "PATCH", ""),
        ("https://app.example.com", "PUT", "x-one"),
        ("https://app.example.com", "PUT", "x-two"),
    ] * 2:
        preflight(app, origin, method, names)
    assert len(caplog.records) == 6


def test_everything_malformed_is_one_kind(app, caplog):
    for number in range(10):
        request(app, HTTP_ORIGIN=f"https://EVIL{number}.test")
        request(app, HTTP_ORIGIN="https://" + "a" * (1000 + number))
    assert len(caplog.records) == 1


def test_the_lines_of_a_minute_are_bounded(app, caplog, clock):
    for number in range(3 * LINES_PER_PERIOD):
        request(app, HTTP_ORIGIN=f"https://evil{number}.test")
    assert len(caplog.records) == LINES_PER_PERIOD
    clock.seconds += 61
    request(app, HTTP_ORIGIN="https://another.test")
    assert messages(caplog)[LINES_PER_PERIOD].startswith(f"CORS: {2 * LINES_PER_PERIOD} more rejections")
    assert len(caplog.records) == LINES_PER_PERIOD + 2


def test_a_flood_of_origins_takes_bounded_memory_and_few_lines(clock, caplog):
    log = RejectionLog(clock=clock)
    app = CORSMiddleware(application, POLICY, rejections=log)
    for number in range(2 * REMEMBERED):
        request(app, HTTP_ORIGIN=f"https://warm-up-{number}.test")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(2_000):
        request(app, HTTP_ORIGIN=f"https://flood-{number}.test")
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 100_000  # bytes; 2,000 remembered origins would take twice that
    assert len(caplog.records) == LINES_PER_PERIOD


@pytest.mark.parametrize("options", [{}, {"block_disallowed": True}], ids=["the short way", "a full decision"])
@pytest.mark.parametrize("field", ["HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD"])
def test_what_is_longer_than_it_can_be_takes_no_memory(clock, field, options):
    app = CORSMiddleware(application, POLICY, rejections=RejectionLog(clock=clock), **options)
    environ = {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ORIGIN": "https://app.example.com",
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT",
    }
    request(app, **environ)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(500):
        request(app, **{**environ, field: f"{number}".ljust(8_000, "x")})
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 400_000  # bytes; 500 that are remembered take ten times that


class Watched(str):
    """A text that is not to be hashed where it is long."""

    __slots__ = ()

    def __hash__(self) -> int:
        assert len(self) <= 1024
        return str.__hash__(self)


@pytest.mark.parametrize(
    "policy", [POLICY, Policy(allow_origins=["https://app.example.com"])], ids=["pattern", "exact"]
)
@pytest.mark.parametrize(
    "options",
    [
        {"own_origins": ["https://own.test"]},
        {"block_disallowed": True},
        {"on_decision": lambda decision, request: None},
        {"report_only": Policy(allow_origins=["https://other.test"])},
    ],
    ids=["the short way", "blocking", "a full decision", "report_only"],
)
def test_nothing_that_is_longer_than_an_origin_is_hashed(clock, caplog, policy, options):
    app = CORSMiddleware(application, policy, rejections=RejectionLog(clock=clock), **options)
    long, evil, allowed = Watched("https://" + "a" * 8_000), "https://evil.test", "https://app.example.com"
    for _ in range(2):
        request(app, HTTP_ORIGIN=long)
        request(app, HTTP_ORIGIN=long, REQUEST_METHOD="POST")
        for origin, method, names in [
            (long, "PUT", ""),
            (allowed, long, ""),
            (allowed, "PUT", long),
            (evil, long, long),
            (long, long, long),
        ]:
            preflight(app, origin, method, names)
    assert "method_malformed" in {record.cors_reason for record in caplog.records}


def test_a_flood_of_one_kind_hides_no_other(app, caplog):
    for number in range(2 * REMEMBERED):
        request(app, HTTP_ORIGIN=f"https://EVIL{number}.test")
    request(app, HTTP_ORIGIN="https://staging.example.com")
    assert len(caplog.records) == 2
    assert "https://staging.example.com" in messages(caplog)[1]


@pytest.mark.parametrize(
    "options", [{}, {"on_decision": lambda decision, request: None}], ids=["the short way", "a full decision"]
)
def test_what_two_policies_refuse_for_different_reasons_is_two_kinds(clock, caplog, options):
    policies = PathPolicies({"/orders": Policy(allow_origins=["https://app.example.com"]), "/other": Policy()})
    app = CORSMiddleware(application, policies, rejections=RejectionLog(clock=clock), **options)
    environ = {"HTTP_ORIGIN": "https://app.example.com", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT"}
    for path in ("/orders", "/other") * 2:
        request(app, REQUEST_METHOD="OPTIONS", PATH_INFO=path, **environ)
    assert [record.cors_reason for record in caplog.records] == ["method_not_allowed", "origin_not_allowed"]


def test_a_full_memory_is_forgotten_at_the_next_summary(clock, caplog):
    app = CORSMiddleware(application, POLICY, rejections=RejectionLog(clock=clock))
    for number in range(REMEMBERED + 5):
        request(app, HTTP_ORIGIN=f"https://flood-{number}.test")
    clock.seconds += 60
    caplog.clear()
    for _ in range(CLOCK_EVERY):  # in a flood the clock is not looked at each time
        request(app, HTTP_ORIGIN="https://staging.example.com")
    assert "https://staging.example.com" in messages(caplog)[-1]


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"HTTP_ORIGIN": "https://evil.test\r\nroot logged in"}, id="line break in the origin"),
        pytest.param({"HTTP_ORIGIN": "https://evil.test\x1b[31m"}, id="terminal escape in the origin"),
        pytest.param({"HTTP_ORIGIN": "https://evil.test\u2028x\u0085y"}, id="Unicode line separators in the origin"),
        pytest.param(
            {"HTTP_ORIGIN": "https://evil.test", "PATH_INFO": "/a\r\nWARNING forged"}, id="line break in the path"
        ),
        pytest.param(
            {"HTTP_ORIGIN": "https://evil.test", "SCRIPT_NAME": "/\x00\xff"}, id="NUL and latin-1 in the script name"
        ),
        pytest.param({"HTTP_ORIGIN": "https://evil.test", "REQUEST_METHOD": "GET\nX"}, id="line break in the method"),
        pytest.param({"HTTP_ORIGIN": "https://evil.test", "PATH_INFO": "/\ud800"}, id="lone surrogate in the path"),
    ],
)
def test_no_line_and_no_field_can_be_forged(app, caplog, environ):
    request(app, **environ)
    (record,) = caplog.records
    fields = [value for name, value in vars(record).items() if name.startswith("cors_")]
    assert len(fields) == 8
    for text in [record.getMessage(), *fields]:
        assert text.isascii()
        assert text.isprintable()


def test_long_values_are_cut(app, caplog):
    request(app, HTTP_ORIGIN="https://evil.test", PATH_INFO="/" + "x" * 100_000)
    assert len(messages(caplog)[0]) < 1000


def test_structured_fields_are_there_for_log_processors(app, caplog):
    preflight(app, "https://app.example.com", "PUT", "x-unknown")
    (record,) = caplog.records
    assert {name: value for name, value in vars(record).items() if name.startswith("cors_")} == {
        "cors_request": "the preflight for PUT /orders",
        "cors_kind": "preflight",
        "cors_reason": "header_not_allowed",
        "cors_reasons": "header_not_allowed",
        "cors_origin": "https://app.example.com",
        "cors_method": "PUT",
        "cors_header": "x-unknown",
        "cors_path": "/orders",
    }


@pytest.mark.parametrize("environ", SAME_ORIGIN.values(), ids=SAME_ORIGIN)
def test_requests_from_the_own_origin_are_never_reported(app, caplog, environ):
    request(app, REQUEST_METHOD="POST", **environ)
    assert messages(caplog) == []


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"HTTP_ORIGIN": "https://evil.test", "HTTP_SEC_FETCH_SITE": "cross-site"}, id="cross-site"),
        pytest.param({"HTTP_ORIGIN": "https://b.example.com", "HTTP_SEC_FETCH_SITE": "same-site"}, id="same-site"),
        pytest.param(
            {"HTTP_ORIGIN": "http://api.example.com", "wsgi.url_scheme": "https"}, id="plain http page of the host"
        ),
        pytest.param({"HTTP_ORIGIN": "http://api.example.com:8080"}, id="another port"),
    ],
)
def test_another_origin_of_the_same_site_is_reported(app, caplog, environ):
    request(app, **environ)
    assert len(caplog.records) == 1


def test_the_log_can_be_left_out(caplog):
    app = CORSMiddleware(application, POLICY, rejections=None)
    request(app, HTTP_ORIGIN="https://evil.test")
    preflight(app, "https://evil.test", "PUT")
    assert messages(caplog) == []


def test_the_log_is_on_by_default(caplog):
    request(CORSMiddleware(application, POLICY), HTTP_ORIGIN="https://only-in-this-test.test")
    assert "https://only-in-this-test.test" in messages(caplog)[-1]


def test_each_application_has_a_quota_of_its_own(caplog):
    flooded, other = CORSMiddleware(application, POLICY), CORSMiddleware(application, POLICY)
    for number in range(LINES_PER_PERIOD + 5):
        request(flooded, HTTP_ORIGIN=f"https://n{number}.test")
    assert len(messages(caplog)) == LINES_PER_PERIOD
    request(other, HTTP_ORIGIN="https://n0.test")
    assert len(messages(caplog)) == LINES_PER_PERIOD + 1


def test_any_origin_policies_reject_nobody(caplog):
    app = CORSMiddleware(application, Policy(allow_origins=["*"]), rejections=RejectionLog())
    request(app, HTTP_ORIGIN="https://anyone.test")
    request(app, HTTP_ORIGIN="x" * 10_000)
    assert messages(caplog) == []


def test_the_summary_of_a_flood_cannot_be_forged_either(app, caplog, clock):
    for number in range(3 * LINES_PER_PERIOD):
        request(app, HTTP_ORIGIN=f"https://evil{number}.test")
        request(app, HTTP_ORIGIN=f"https://evil{number}.test\r\nforged \x1b[31m\xff")
        preflight(app, "https://app.example.com", f"BREW{number}", "x\r\nforged")
    clock.seconds += 61
    request(app, HTTP_ORIGIN="https://another.test")
    assert len(caplog.records) == LINES_PER_PERIOD + 2
    for message in messages(caplog):
        assert message.isascii()
        assert message.isprintable()


def test_what_got_no_line_in_a_flood_gets_one_after_it(app, caplog, clock):
    for number in range(LINES_PER_PERIOD):
        request(app, HTTP_ORIGIN=f"https://evil{number}.test")
    request(app, HTTP_ORIGIN="https://staging.example.com")
    clock.seconds += 61
    caplog.clear()
    request(app, HTTP_ORIGIN="https://staging.example.com")
    assert "'https://staging.example.com' is not allowed" in messages(caplog)[-1]


def test_own_requests_are_not_counted_in_a_flood(app, caplog, clock):
    for number in range(LINES_PER_PERIOD):
        request(app, HTTP_ORIGIN=f"https://evil{number}.test")
    for environ in SAME_ORIGIN.values():
        request(app, **environ)
    clock.seconds += 61
    caplog.clear()
    request(app, HTTP_ORIGIN="https://another.test")
    assert len(messages(caplog)) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_an_origin_that_was_refused_on_one_host_is_not_reported_on_its_own(app, caplog, clock, method):
    request(app, HTTP_ORIGIN="https://www.example.com", HTTP_HOST="api.example.com")
    for _ in range(5):
        request(app, REQUEST_METHOD=method, HTTP_ORIGIN="https://www.example.com", HTTP_HOST="www.example.com")
    rewritten = {"HTTP_HOST": "backend:8000", "HTTP_SEC_FETCH_SITE": "same-origin"}
    request(app, REQUEST_METHOD=method, HTTP_ORIGIN="https://www.example.com", **rewritten)
    clock.seconds += 61
    caplog.clear()
    request(app, HTTP_ORIGIN="https://another.test")
    assert len(messages(caplog)) == 1


def test_another_method_of_a_refused_origin_may_be_the_servers_own(caplog):
    log = RejectionLog()
    app = CORSMiddleware(application, POLICY, rejections=log)
    for _ in range(100):
        request(app, HTTP_ORIGIN="https://evil.test")
    for _ in range(10):
        request(app, REQUEST_METHOD="POST", HTTP_ORIGIN="https://evil.test", HTTP_SEC_FETCH_SITE="same-origin")
    log.sum_up()
    assert "99 more" in messages(caplog)[-1]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_every_method_of_a_stranger_is_counted(app, caplog, clock, method):
    for _ in range(5):
        request(app, REQUEST_METHOD=method, HTTP_ORIGIN="https://evil.test")
    clock.seconds += 61
    request(app, HTTP_ORIGIN="https://evil.test")
    assert messages(caplog)[1] == "CORS: 4 more rejections like those before: https://evil.test (4)"


def test_a_request_without_a_method_is_counted_too(app, caplog):
    environ = {"HTTP_ORIGIN": "https://evil.test", "HTTP_HOST": "api.example.com"}
    for _ in range(2):
        list(app(dict(environ), lambda status, headers, exc_info=None: None))
    assert len(caplog.records) == 1
