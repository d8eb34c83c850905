"""What the model of the browser makes of responses: the CORS check, the preflight's checks, what script may read.

The tables follow the web platform tests (cors/origin, credentials-flag, request-headers, preflight-failure,
fetch/api/cors/cors-preflight-star, -response-validation, cors-expose-star), as own data, and what Chromium, Firefox and
WebKitGTK were seen to do.
"""

import pytest

from corecors.browser import Credentials, Received, Request, SentRequest, Step, Verdict, simulate
from corecors.response_checks import exposed_names, list_items

PAGE = "http://app.example:8000"
API = "http://api.example:8000/item"
INCLUDE = Credentials.INCLUDE

ACAO = "Access-Control-Allow-Origin"
ACAC = "Access-Control-Allow-Credentials"
ACAM = "Access-Control-Allow-Methods"
ACAH = "Access-Control-Allow-Headers"
ACEH = "Access-Control-Expose-Headers"

Lines = tuple[tuple[str, str], ...]


def judge(
    method: str = "GET",
    *request_headers: tuple[str, str],
    answer: Lines = ((ACAO, "*"),),
    preflight: Lines | None = None,
    status: int = 200,
    preflight_status: int = 204,
    credentials: Credentials = Credentials.SAME_ORIGIN,
    origin: str = PAGE,
    upload_listeners: bool = False,
) -> Verdict:
    """Judge one request to a server that answers every request alike, and every preflight alike."""

    def send(sent: SentRequest) -> Received:
        if sent.preflight:
            return Received(preflight_status, answer if preflight is None else preflight)
        return Received(status, answer)

    request = Request(
        url=API,
        origin=origin,
        method=method,
        headers=request_headers,
        credentials=credentials,
        upload_listeners=upload_listeners,
    )
    return simulate(request, send)


def with_credentials(*more: tuple[str, str]) -> Lines:
    return ((ACAO, PAGE), (ACAC, "true"), *more)


# --- Access-Control-Allow-Origin: #cors-check steps 1 to 4 ---


@pytest.mark.parametrize("value", ["*", " *  ", "\t*", PAGE, f" {PAGE}", f" {PAGE}   \t ", f"\t{PAGE}"])
def test_this_origin_or_the_star_lets_the_script_read(value: str) -> None:
    verdict = judge(answer=((ACAO, value),))
    assert (verdict.readable, verdict.readable_in_practice, verdict.step) == (True, True, Step.READ)
    assert verdict.status == 200


WRONG_ORIGINS = [
    "http://www.app.example:8000", "//app.example:8000", "://app.example:8000", "ftp://app.example:8000",
    "http:://app.example:8000", "http:/app.example:8000", "http:app.example:8000", "app.example:8000",
    f"{PAGE}?", f"{PAGE}/", f"{PAGE} /", f"{PAGE}#", f"{PAGE}%23", f"{PAGE}:80", f"{PAGE}, *", f"{PAGE}\0",
    PAGE.upper(), "HTTP://app.example:8000", "http://App.example:8000", "-", "**", "\0*", "*\0", "'*'", '"*"', "* *",
    "* null", "*http://*", f"*{PAGE}", f"* {PAGE}", f"*, {PAGE}", f"\0{PAGE}", f"null {PAGE}", f"{PAGE} {PAGE}",
    f"{PAGE},{PAGE}", "http://example.net", "null", "null *", "", f"{PAGE}/page.html", "http://api.example:8000",
    "example:8000", ".example:8000", "*.example:8000", "http://example:8000", "http://.example:8000",
    "http://*.example:8000", "http://*", "http://app.example:*", "http://app.example", "http://app.example:80",
    "https://app.example:8000", "http://app.example:8001", "http://app.example.:8000", f'"{PAGE}"', "true", "all",
    "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("value", WRONG_ORIGINS, ids=range(len(WRONG_ORIGINS)))
def test_any_other_value_does_not(value: str) -> None:
    verdict = judge(answer=((ACAO, value),))
    assert (verdict.readable, verdict.readable_in_practice, verdict.step) == (False, False, Step.RESPONSE_ORIGIN)
    assert verdict.section == "cors-check"
    assert (verdict.decisive.header, verdict.decisive.exchange) == (ACAO, 0)
    assert (verdict.status, verdict.readable_headers) == (None, ())
    assert verdict.explanation.isprintable()
    assert len(verdict.explanation) < 300


@pytest.mark.parametrize(
    "two", [("", "*"), ("*", ""), ("*", "*"), ("", PAGE), ("*", PAGE), (PAGE, PAGE), (PAGE, "null"), ("null", PAGE)]
)
def test_two_lines_never_do(two: tuple[str, str]) -> None:
    verdict = judge(answer=((ACAO, two[0]), (ACAO.lower(), two[1])))
    assert verdict.step is Step.RESPONSE_ORIGIN
    assert "2 Access-Control-Allow-Origin headers" in verdict.explanation


def test_no_line_does_not() -> None:
    verdict = judge(answer=(("Content-Type", "text/plain"),), status=500)
    assert verdict.step is Step.RESPONSE_ORIGIN
    assert verdict.explanation == "The response (500) has no Access-Control-Allow-Origin header."
    assert verdict.mend == f"Send `Access-Control-Allow-Origin: {PAGE}` if the page may read this, on errors too."


@pytest.mark.parametrize(
    "name", ["access-control-allow-origin", "ACCESS-CONTROL-ALLOW-ORIGIN", "Access-control-Allow-oRigin"]
)
def test_header_names_are_read_in_any_case(name: str) -> None:
    assert judge(answer=((name, "*"),)).readable


@pytest.mark.parametrize(("value", "readable"), [("null", True), ("*", True), (PAGE, False), ("NULL", False)])
def test_a_page_of_origin_null_needs_null_or_the_star(value: str, readable: bool) -> None:
    assert judge(origin="null", answer=((ACAO, value),)).readable is readable


@pytest.mark.parametrize("status", [200, 201, 204, 206, 304, 400, 401, 403, 404, 418, 500, 501, 503, 699])
def test_a_response_of_any_status_can_be_read(status: int) -> None:
    verdict = judge(status=status)
    assert (verdict.readable, verdict.status) == (True, status)
    assert judge(status=status, answer=()).step is Step.RESPONSE_ORIGIN


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (f"{PAGE}/", "without a slash"),
        (f"{PAGE}/path", "a path"),
        (PAGE.upper(), "upper and lower case"),
        (f"{PAGE}, http://b.example", "list"),
        ("http://*.example:8000", "patterns"),
        ("https://app.example:8000", "the schemes differ"),
        ("http://app.example:8001", "the ports differ"),
        ("http://app.example", "the ports differ"),
        ("http://other.example:8000", "the hosts differ"),
        ("https://other.example", "the schemes and hosts and ports differ"),
        ("", "is empty"),
        ("null", f"is null, and the request comes from {PAGE}."),
        ("capacitor://app.example", f"and the request comes from {PAGE}."),
    ],
)
def test_the_explanation_names_the_difference(value: str, hint: str) -> None:
    assert hint in judge(answer=((ACAO, value),)).explanation


def test_nobody_is_told_to_allow_null() -> None:
    assert "null` identifies nobody" in judge(origin="null", answer=((ACAO, PAGE),)).mend
    assert "null` identifies nobody" in judge(origin="null", answer=()).mend


# --- Access-Control-Allow-Credentials: #cors-check steps 5 and 6, #cors-protocol-and-credentials ---


@pytest.mark.parametrize(
    ("credentials", "origin", "allow_credentials", "step"),
    [
        (Credentials.OMIT, "*", None, Step.READ),
        (Credentials.OMIT, "*", "true", Step.READ),
        (Credentials.SAME_ORIGIN, "*", None, Step.READ),
        (Credentials.SAME_ORIGIN, PAGE, "false", Step.READ),
        (INCLUDE, "*", "true", Step.RESPONSE_ORIGIN),
        (INCLUDE, "*", None, Step.RESPONSE_ORIGIN),
        (INCLUDE, PAGE, "true", Step.READ),
        (INCLUDE, PAGE, " true\t", Step.READ),
        (INCLUDE, PAGE, None, Step.RESPONSE_CREDENTIALS),
        *((INCLUDE, PAGE, value, Step.RESPONSE_CREDENTIALS) for value in ("TRUE", "True", '"true"', "false", "1", "0")),
        *((INCLUDE, PAGE, value, Step.RESPONSE_CREDENTIALS) for value in ("", "*", "true, true", "t", "true;", "yes")),
    ],
)
def test_credentials_need_this_origin_and_the_word_true(
    credentials: Credentials, origin: str, allow_credentials: str | None, step: Step
) -> None:
    lines: Lines = ((ACAO, origin),)
    if allow_credentials is not None:
        lines += ((ACAC, allow_credentials),)
    verdict = judge(answer=lines, credentials=credentials)
    assert (verdict.step, verdict.readable) == (step, step is Step.READ)


def test_two_lines_of_true_are_not_true() -> None:
    verdict = judge(answer=((ACAO, PAGE), (ACAC, "true"), (ACAC, "true")), credentials=INCLUDE)
    assert (verdict.step, verdict.decisive.value) == (Step.RESPONSE_CREDENTIALS, "true, true")


# --- The preflight's status: #cors-preflight-fetch step 7 ---


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 205, 206, 226, 299])
def test_a_preflight_may_have_any_status_from_200_to_299(status: int) -> None:
    assert judge("GET", ("X-A", "1"), answer=((ACAO, "*"), (ACAH, "x-a")), preflight_status=status).readable


@pytest.mark.parametrize("status", [*range(300, 309), *range(400, 418), *range(500, 506), 199, 680, 790])
def test_a_preflight_of_any_other_status_fails(status: int) -> None:
    verdict = judge("GET", ("X-A", "1"), answer=((ACAO, "*"), (ACAH, "x-a")), preflight_status=status)
    assert (verdict.step, verdict.section) == (Step.PREFLIGHT_STATUS, "cors-preflight-fetch")
    assert [exchange.sent.method for exchange in verdict.exchanges] == ["OPTIONS"]
    assert str(status) in verdict.explanation


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("allow", [((ACAO, "*"), (ACAH, "x-a")), ()], ids=["allowed", "without headers"])
def test_a_redirected_preflight_is_called_that(status: int, allow: Lines) -> None:
    verdict = judge("GET", ("X-A", "1"), preflight=(*allow, ("Location", "/item/")), preflight_status=status)
    assert verdict.step is Step.PREFLIGHT_STATUS
    assert "redirect to /item/" in verdict.explanation
    assert (verdict.decisive.header, verdict.decisive.value) == ("Location", "/item/")


@pytest.mark.parametrize(
    ("status", "step", "hint"),
    [
        (401, Step.PREFLIGHT_STATUS, "a check of access"),
        (404, Step.PREFLIGHT_STATUS, "before routing"),
        (405, Step.PREFLIGHT_STATUS, "before routing"),
        (500, Step.PREFLIGHT_STATUS, "200 or 204"),
        (403, Step.PREFLIGHT_ORIGIN, "allow its origin, the method and the headers"),
        (204, Step.PREFLIGHT_ORIGIN, "Send `Access-Control-Allow-Origin"),
    ],
)
def test_a_preflight_without_headers_is_explained_by_its_status(status: int, step: Step, hint: str) -> None:
    verdict = judge("PUT", preflight=(), preflight_status=status)
    assert verdict.step is step
    assert hint in verdict.mend
    failed = {check.step for check in verdict.checks if not check.passed}
    assert failed == {Step.PREFLIGHT_ORIGIN} | ({Step.PREFLIGHT_STATUS} if status != 204 else set())


# --- The preflight's methods ---


@pytest.mark.parametrize(
    ("method", "allowed", "passes"),
    [
        ("PUT", "PUT", True),
        ("PUT", "GET, PUT", True),
        ("PUT", ",,PUT,GET", True),
        ("PUT", "GET ,\tPUT\t", True),
        ("PUT", "*", True),
        ("PUT", "put", False),
        ("PUT", "GET, POST", False),
        ("PUT", "", False),
        ("PUT", None, False),
        ("PUT", "PUTS", False),
        ("put", "PUT", True),
        ("patch", "PATCH", False),
        ("patch", "patch", True),
        ("PATCH", "PATCH", True),
        ("CHICKEN", "CHICKEN", True),
        ("SUPER", "*", True),
        ("GET", "get", True),
        ("GET", None, True),
        ("HEAD", "PUT", True),
        ("POST", "", True),
        ("DELETE", None, False),
        ("OPTIONS", "GET", False),
    ],
)
def test_methods_are_matched_case_sensitively_and_form_methods_always_pass(
    method: str, allowed: str | None, passes: bool
) -> None:
    lines: Lines = ((ACAO, "*"), (ACAH, "x-a")) + (() if allowed is None else ((ACAM, allowed),))
    verdict = judge(method, ("X-A", "1"), answer=lines)
    assert verdict.readable is passes
    assert verdict.step is (Step.READ if passes else Step.PREFLIGHT_METHOD)


def test_several_lines_are_one_list() -> None:
    lines = ((ACAO, "*"), (ACAM, "GET"), (ACAM, "PUT"), (ACAH, "x-a"), (ACAH, "x-b"))
    assert judge("PUT", ("X-A", "1"), ("X-B", "1"), answer=lines).readable


def test_the_explanation_tells_upper_from_lower_case() -> None:
    verdict = judge("patch", answer=((ACAO, "*"), (ACAM, "GET, PATCH")))
    assert verdict.explanation.startswith("Access-Control-Allow-Methods lists PATCH, and the method is patch")
    assert verdict.mend.startswith("Let the page write the method as PATCH")


def test_with_upload_listeners_the_method_need_not_be_listed() -> None:
    assert judge("PUT", upload_listeners=True).readable
    assert judge("PUT", upload_listeners=True, answer=((ACAO, "*"), (ACAM, "GET"))).step is Step.PREFLIGHT_METHOD


# --- The preflight's headers ---


@pytest.mark.parametrize(
    ("allowed", "passes"),
    [
        ("x-print, y-print", True),
        ("X-PRINT,Y-Print", True),
        (",y-lol,x-PriNT, ,,,Y-PRINT", True),
        ("*", True),
        ("x-other, *", True),
        ("x-print", False),
        ("", False),
        (None, False),
        ("x-print y-print", False),
        ("x-print; y-print", False),
        ("x-pri*", False),
    ],
)
def test_headers_are_matched_in_any_case(allowed: str | None, passes: bool) -> None:
    lines: Lines = ((ACAO, "*"),) + (() if allowed is None else ((ACAH, allowed),))
    verdict = judge("GET", ("x-print", "unicorn"), ("y-print", "narwhal"), answer=lines)
    assert verdict.readable is passes
    if not passes:
        assert verdict.step in (Step.PREFLIGHT_HEADER, Step.PREFLIGHT_SYNTAX)
        assert (verdict.decisive.header, verdict.decisive.value) == (ACAH, allowed)


def test_safelisted_headers_need_not_be_listed() -> None:
    safe = (("content-type", "text/plain"), ("accept", "test"), ("accept-language", "nn"), ("content-language", "nn"))
    assert judge("POST", ("x-print", "unicorn"), *safe, answer=((ACAO, "*"), (ACAH, "x-print"))).readable


@pytest.mark.parametrize(
    ("name", "value", "bad"),
    [
        (ACAH, "x-a, header name with space", "header name with space"),
        (ACAM, "Bad method name", "Bad method name"),
        (ACAM, "PUT;GET", "PUT;GET"),
        (ACAH, 'x-a, "x-b"', '"x-b"'),
        (ACAH, "x-a, x\xe9", "x\\xe9"),
        (ACAH, "x-a, x\0", "x\\x00"),
        (ACAH, "x-a\x0b", "x-a\\x0b"),
    ],
)
def test_one_bad_item_fails_the_whole_preflight(name: str, value: str, bad: str) -> None:
    lines = {ACAO: "*", ACAM: "GET", ACAH: "x-a"} | {name: value}
    verdict = judge("GET", ("X-A", "1"), answer=tuple(lines.items()))
    assert (verdict.step, verdict.readable) == (Step.PREFLIGHT_SYNTAX, False)
    assert f"{name} has the item {bad}," in verdict.explanation


def test_a_bad_item_on_the_response_itself_does_not_matter() -> None:
    good = ((ACAO, "*"), (ACAH, "x-a"))
    assert judge("GET", ("X-A", "1"), preflight=good, answer=((ACAO, "*"), (ACAM, "a b"), (ACAH, "a b"))).readable


# --- The star: cors-preflight-star ---


@pytest.mark.parametrize(
    ("passes", "credentials", "allow_methods", "allow_headers", "method", "header"),
    [
        (True, False, "get", "x-test", "GET", "X-Test"),
        (True, False, "*", "x-test", "SUPER", "X-Test"),
        (True, False, "*", "*", "OK", "X-Test"),
        (False, True, "*", "*", "OK", "X-Test"),
        (False, True, "*", "", "PUT", None),
        (True, True, "PUT", "*", "PUT", None),
        (False, True, "get", "*", "GET", "X-Test"),
        (False, True, "*", "*", "GET", "X-Test"),
        (True, True, "*", "*", "*", "*"),
        (False, True, "put", "*", "PUT", None),
        (True, False, "*", "*", "*", "*"),
        (False, False, "**", "x-test", "PUT", "X-Test"),
        (False, False, "PUT", "**", "PUT", "X-Test"),
        (True, False, "GET, *", "x-other, *", "PUT", "X-Test"),
        (True, False, "PUT", "Authorization", "PUT", "Authorization"),
        (True, True, "PUT", "aUTHORIZATION", "PUT", "Authorization"),
        (True, False, "PUT", "*, authorization", "PUT", "Authorization"),
        (False, True, "PUT", "*", "PUT", "Authorization"),
        (False, False, "PUT", "x-test", "PUT", "Authorization"),
    ],
)
def test_the_star_stands_for_anything_only_without_credentials(
    passes: bool, credentials: bool, allow_methods: str, allow_headers: str, method: str, header: str | None
) -> None:
    verdict = judge(
        method,
        *([] if header is None else [(header, "1")]),
        answer=with_credentials((ACAM, allow_methods), (ACAH, allow_headers)),
        credentials=INCLUDE if credentials else Credentials.OMIT,
    )
    assert (verdict.readable, verdict.readable_in_practice) == (passes, passes)


def test_authorization_under_the_star_fails_by_the_standard_and_passes_in_browsers() -> None:
    verdict = judge("GET", ("Authorization", "x"), ("X-A", "1"), answer=((ACAO, "*"), (ACAH, "*")))
    assert (verdict.readable, verdict.step) == (False, Step.PREFLIGHT_AUTHORIZATION)
    assert (verdict.readable_in_practice, verdict.status) == (True, 200)
    assert [exchange.sent.method for exchange in verdict.exchanges] == ["OPTIONS", "GET"]
    assert "today's browsers let it pass" in verdict.explanation
    assert verdict.mend == "Name it: `Access-Control-Allow-Headers: *, Authorization`."


def test_browsers_are_no_laxer_than_that() -> None:
    verdict = judge("GET", ("Authorization", "x"), preflight=((ACAO, "*"), (ACAH, "*")), answer=())
    assert (verdict.readable, verdict.readable_in_practice) == (False, False)
    assert [check.step for check in verdict.checks if not check.passed] == [
        Step.PREFLIGHT_AUTHORIZATION,
        Step.RESPONSE_ORIGIN,
    ]


def test_the_preflight_must_allow_credentials_too() -> None:
    verdict = judge("PUT", preflight=((ACAO, PAGE), (ACAM, "PUT")), answer=with_credentials(), credentials=INCLUDE)
    assert (verdict.step, verdict.decisive.exchange) == (Step.PREFLIGHT_CREDENTIALS, 0)
    assert "the response to the preflight has no Access-Control-Allow-Credentials" in verdict.explanation


def test_after_a_passed_preflight_the_response_is_checked_again() -> None:
    verdict = judge("PUT", preflight=((ACAO, "*"), (ACAM, "PUT")), answer=())
    assert (verdict.step, verdict.decisive.exchange) == (Step.RESPONSE_ORIGIN, 1)


def test_all_that_is_wrong_with_a_preflight_is_told() -> None:
    verdict = judge("PUT", ("X-A", "1"), ("X-B", "1"), ("Authorization", "x"), answer=((ACAO, "*"),))
    assert [check.step for check in verdict.checks if not check.passed] == [
        Step.PREFLIGHT_METHOD,
        Step.PREFLIGHT_AUTHORIZATION,
        Step.PREFLIGHT_HEADER,
        Step.PREFLIGHT_HEADER,
    ]
    assert verdict.step is Step.PREFLIGHT_METHOD


def test_every_check_names_a_section_of_the_standard() -> None:
    verdict = judge("PUT", answer=((ACAO, "*"), (ACAM, "PUT")))
    assert [(check.step, check.url) for check in verdict.checks] == [
        (Step.PREFLIGHT_DUE, "https://fetch.spec.whatwg.org/#main-fetch"),
        (Step.PREFLIGHT_ORIGIN, "https://fetch.spec.whatwg.org/#cors-check"),
        (Step.PREFLIGHT_STATUS, "https://fetch.spec.whatwg.org/#cors-preflight-fetch"),
        (Step.PREFLIGHT_METHOD, "https://fetch.spec.whatwg.org/#cors-preflight-fetch"),
        (Step.RESPONSE_ORIGIN, "https://fetch.spec.whatwg.org/#cors-check"),
        (Step.READ, "https://fetch.spec.whatwg.org/#concept-filtered-response-cors"),
    ]
    assert [check.exchange for check in verdict.checks] == [None, 0, 0, 0, 1, 1]


# --- What script may read: #cors-safelisted-response-header-name, #concept-filtered-response-cors ---

SEVEN = ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"]


@pytest.mark.parametrize("name", [*SEVEN, "Cache-Control", "CONTENT-TYPE"])
def test_seven_headers_are_readable_without_being_exposed(name: str) -> None:
    assert judge(answer=((ACAO, "*"), (name, "v"))).readable_headers == ((name.lower(), "v"),)


@pytest.mark.parametrize("name", ["Server", "X-Powered-By", "Age", "Warning", "Date", "ETag", "Location", ACAO])
def test_no_other_header_is(name: str) -> None:
    verdict = judge(answer=((ACAO, "*"), (name, "*")) if name != ACAO else ((ACAO, "*"),))
    assert verdict.readable_headers == ()
    assert name.lower() in verdict.hidden_headers


@pytest.mark.parametrize(
    ("exposed", "credentials", "readable"),
    [
        pytest.param([], False, [], id="nothing exposed"),
        pytest.param(["X-One"], False, ["x-one"], id="one name"),
        pytest.param(["x-ONE , ,X-two"], False, ["x-one", "x-two"], id="a list in any case with empty items"),
        pytest.param(["X-One", "X-Two"], False, ["x-one", "x-two"], id="two lines"),
        pytest.param(["*"], False, ["access-control-allow-origin", "x-one", "x-two", "*"], id="star"),
        pytest.param(["X-None, *"], False, ["access-control-allow-origin", "x-one", "x-two", "*"], id="star in a list"),
        pytest.param(["*"], True, ["*"], id="star with credentials is a name"),
        pytest.param(["*, X-One"], True, ["*", "x-one"], id="star and a name with credentials"),
        pytest.param(["Set-Cookie, set-cookie2, x-one"], False, ["x-one"], id="cookies never"),
        pytest.param(["X-One, b c"], False, [], id="a bad item exposes nothing"),
        pytest.param(["X-One", "(*)"], False, [], id="a bad item on a second line"),
        pytest.param(["X-One X-Two"], False, [], id="space for a comma"),
        pytest.param(["X-None"], False, [], id="a name that did not come"),
    ],
)
def test_exposed_headers(exposed: list[str], credentials: bool, readable: list[str]) -> None:
    own = (("X-One", "1"), ("X-Two", "2"), ("*", "star"), ("Set-Cookie", "a=b"), ("Set-Cookie2", "c"))
    origin = with_credentials() if credentials else ((ACAO, "*"),)
    answer = origin + own + tuple((ACEH, value) for value in exposed)
    verdict = judge(answer=answer, credentials=INCLUDE if credentials else Credentials.OMIT)
    assert {name for name, _ in verdict.readable_headers} - {ACEH.lower()} == set(readable)
    everything = {name.lower() for name, _ in answer}
    assert set(verdict.hidden_headers) == everything - {name for name, _ in verdict.readable_headers}


def test_lines_of_one_name_are_read_as_one_value() -> None:
    answer = ((ACAO, "*"), ("X-A", " 1 "), ("x-a", "2"), ("X-Empty", ""), ("X-Bytes", "\xe2\x80\xa6"), (ACEH, "*"))
    readable = dict(judge(answer=answer).readable_headers)
    assert (readable["x-a"], readable["x-empty"], readable["x-bytes"]) == ("1, 2", "", "\xe2\x80\xa6")


def test_an_unreadable_response_shows_no_header() -> None:
    verdict = judge(answer=(("Content-Type", "text/plain"), (ACEH, "*")))
    assert (verdict.readable_headers, verdict.hidden_headers, verdict.status) == ((), (), None)


def test_names_alone_are_enough_for_exposed_names() -> None:
    names = exposed_names(Received(200, ((ACEH, "X-Never-Sent, Set-Cookie"),)), Credentials.OMIT)
    assert names == frozenset(SEVEN) | {"x-never-sent"}


def test_a_list_is_its_items_or_its_first_bad_item() -> None:
    assert list_items(Received(200, ((ACAM, ", a,,\tb "), (ACAM, "c"))), ACAM) == (["a", "b", "c"], None)
    assert list_items(Received(200, ((ACAM, "a, b c, d e"),)), ACAM) == ([], "b c")
    assert list_items(Received(200), ACAM) == ([], None)


# --- Timing-Allow-Origin: #tao-check ---


@pytest.mark.parametrize(
    ("lines", "visible"),
    [
        ([], False),
        (["*"], True),
        ([PAGE], True),
        ([f"http://b.example, {PAGE}"], True),
        (["http://b.example", PAGE], True),
        (["http://b.example"], False),
        (["null"], False),
        ([PAGE.upper()], False),
        ([f"{PAGE}/"], False),
        (["http://app.example:8001"], False),
    ],
)
def test_timings_are_visible_to_listed_origins(lines: list[str], visible: bool) -> None:
    answer = ((ACAO, "*"), *(("Timing-Allow-Origin", line) for line in lines))
    assert judge(answer=answer).timing_readable is visible
    assert judge(answer=answer[1:]).timing_readable is False  # no readable response, nothing to see
