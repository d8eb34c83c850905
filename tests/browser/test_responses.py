"""What the model of the browser makes of responses: the CORS check, and what script may read.

The tables follow the web platform tests (cors/origin, credentials-flag, response-headers and
fetch/api/cors/cors-expose-star) as own data, and what Chromium, Firefox and WebKitGTK were seen to do.
"""

import pytest
from judging import ACAC, ACAM, ACAO, ACEH, INCLUDE, PAGE, Lines, judge, with_credentials

from corecors.browser import Credentials, Received, Step
from corecors.browser.exposure import exposed_names

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
    assert verdict.fix == f"Send `Access-Control-Allow-Origin: {PAGE}` if the page may read this, on errors too."


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
    assert "null` identifies nobody" in judge(origin="null", answer=((ACAO, PAGE),)).fix
    assert "null` identifies nobody" in judge(origin="null", answer=()).fix


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
    assert Received(200, ((ACAM, ", a,,\tb "), (ACAM, "c"))).headers.tokens(ACAM) == (["a", "b", "c"], None)
    assert Received(200, ((ACAM, "a, b c, d e"),)).headers.tokens(ACAM) == ([], "b c")
    assert Received(200).headers.tokens(ACAM) == ([], None)


# --- Timing-Allow-Origin: #tao-check ---


@pytest.mark.parametrize(
    ("lines", "visible"),
    [
        ([], False),
        (["*"], True),
        ([PAGE], True),
        ([f"http://b.example, {PAGE}"], True),
        (["http://b.example", PAGE], True),
        (['"a', f'b", {PAGE}'], True),
        (['"a', f'{PAGE}, b"'], False),
        (['"a, *"'], False),
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
