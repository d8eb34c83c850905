"""What the model of the browser makes of the answer to a preflight: its status, methods and headers, and the star.

The tables follow the web platform tests (cors/request-headers, preflight-failure, fetch/api/cors/cors-preflight-star,
-response-validation) as own data, and what Chromium, Firefox and WebKitGTK were seen to do.
"""

import pytest
from judging import ACAH, ACAM, ACAO, INCLUDE, PAGE, Lines, judge, with_credentials

from corecors.browser import Credentials, Step

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
    assert hint in verdict.fix
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
    assert verdict.fix.startswith("Let the page write the method as PATCH")


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
    assert verdict.fix == "Name it: `Access-Control-Allow-Headers: *, Authorization`."


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
