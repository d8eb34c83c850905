"""What the model of the browser sends: which requests are preflighted, and every byte that CORS decides."""

import pytest

from corecors.browser import Credentials, Received, Request, SentRequest, Step, Verdict, simulate
from corecors.browser.safelist import normalize_method, unsafe_headers, why_unsafe

PAGE = "https://app.example"
API = "https://api.example/item"


def open_server(sent: SentRequest) -> Received:
    """Allows everything, by name, so that only the browser's own decisions are seen."""
    headers = [
        ("Access-Control-Allow-Origin", sent.get("Origin") or PAGE),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", sent.get("Access-Control-Request-Method") or ""),
        ("Access-Control-Allow-Headers", sent.get("Access-Control-Request-Headers") or ""),
    ]
    return Received(204 if sent.preflight else 200, tuple(headers))


def ask(method: str = "GET", *headers: tuple[str, str], url: str = API, origin: str = PAGE, **rest: object) -> Verdict:
    return simulate(Request(url=url, origin=origin, method=method, headers=headers, **rest), open_server)  # type: ignore[arg-type]


# --- Methods: #cors-safelisted-method, #forbidden-method, #concept-method-normalize ---


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "get", "Get", "head", "hEAD", "post", "pOST"])
def test_a_form_method_in_any_case_needs_no_preflight(method: str) -> None:
    verdict = ask(method)
    assert verdict.preflights == 0
    assert verdict.exchanges[0].sent.method == method.upper()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "patch", "CHICKEN", "GET2", "QUERY", "*", "G"])
def test_every_other_method_is_preflighted(method: str) -> None:
    verdict = ask(method)
    assert verdict.preflights == 1
    assert verdict.exchanges[0].sent.get("Access-Control-Request-Method") == method
    assert f"the method {method} is not GET, HEAD or POST" in verdict.checks[0].explanation


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("put", "PUT"),
        ("Delete", "DELETE"),
        ("options", "OPTIONS"),
        ("patch", "patch"),
        ("Patch", "Patch"),
        ("query", "query"),
        ("gets", "gets"),
    ],
)
def test_only_six_methods_are_turned_into_upper_case(written: str, sent: str) -> None:
    assert normalize_method(written) == sent
    assert [exchange.sent.method for exchange in ask(written).exchanges] == ["OPTIONS", sent]


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "TRACK", "connect", "Trace", "tRACK"])
def test_a_forbidden_method_is_never_sent(method: str) -> None:
    verdict = ask(method)
    assert (verdict.readable, verdict.step, verdict.section) == (False, Step.REQUEST, "forbidden-method")
    assert verdict.exchanges == ()


@pytest.mark.parametrize(
    ("method", "headers", "body", "section"),
    [
        pytest.param("BAD METHOD", (), None, "methods", id="method with a space"),
        pytest.param("", (), None, "methods", id="no method"),
        pytest.param("GÉT", (), None, "methods", id="method outside ASCII"),
        pytest.param("GET", (("X Y", "1"),), None, "headers-class", id="header name with a space"),
        pytest.param("GET", (("", "1"),), None, "headers-class", id="empty header name"),
        pytest.param("GET", (("X-A", "1\r\nX-B: 2"),), None, "headers-class", id="line break in a value"),
        pytest.param("GET", (("X-A", "a\0b"),), None, "headers-class", id="NUL in a value"),
        pytest.param("GET", (("X-A", "\u20ac"),), None, "headers-class", id="value outside latin-1"),
        pytest.param("GET", (), b"x", "dom-request", id="GET with a body"),
        pytest.param("head", (), b"", "dom-request", id="HEAD with an empty body"),
    ],
)
def test_what_the_api_refuses_is_never_sent(
    method: str, headers: tuple[tuple[str, str], ...], body: bytes | None, section: str
) -> None:
    verdict = ask(method, *headers, body=body)
    assert (verdict.readable, verdict.step, verdict.section) == (False, Step.REQUEST, section)
    assert verdict.exchanges == ()
    assert verdict.fix


# --- Headers: #cors-safelisted-request-header ---

SAFE = [
    pytest.param("Accept", "test", id="accept"),
    pytest.param("ACCEPT", "text/html;q=0.9,*/*;q=0.1", id="accept with weights"),
    pytest.param("Accept", "", id="empty accept"),
    pytest.param("Accept", "\x80\xff", id="accept with bytes above 0x7F"),
    pytest.param("Accept", "a\tb", id="accept with a tab"),
    pytest.param("Accept-Language", "nn-NO, nn;q=0.9,*", id="language list"),
    pytest.param("CONTENT-language", "test", id="content-language, name in any case"),
    pytest.param("Content-Type", "application/x-www-form-urlencoded", id="form"),
    pytest.param("content-type", "multipart/form-data", id="multipart form"),
    pytest.param("content-type", "text/plain", id="plain text"),
    pytest.param("Content-Type", "Text/Plain;charset=utf-8", id="media type in any case"),
    pytest.param("Content-Type", "text/plain; parameter=whatever", id="parameter"),
    pytest.param("content-type", "text/plain;", id="semicolon without parameter"),
    pytest.param("content-type", "text/plain \t;", id="white space before the semicolon"),
    pytest.param("content-type", "text/plain;garbage", id="garbage where a parameter belongs"),
    pytest.param("content-type", "text/plain;a=b,text/html", id="comma within a parameter"),
    pytest.param("range", "bytes=100-200", id="range"),
    pytest.param("range", "bytes=200-", id="open range"),
    pytest.param("range", "bytes=7-7", id="range of one byte"),
    pytest.param("range", "bytes=0-000", id="range with leading zeros"),
    pytest.param("range", "bytes=0009-10", id="start with more digits and less value"),
    pytest.param("Accept", "a" * 128, id="128 bytes"),
    pytest.param("content-type", "text/plain;" + "a" * 117, id="128 bytes of content type"),
]

UNSAFE = [
    pytest.param("Content-Type", "application/json", id="json"),
    pytest.param("content-type", "text /plain", id="space in the type"),
    pytest.param("content-type", "text\t/\tplain", id="tabs around the slash"),
    pytest.param("content-type", "text/plain;garbage\x01\x02", id="control bytes"),
    pytest.param("content-type", "text/plain,", id="comma after"),
    pytest.param("content-type", ",text/plain", id="comma before"),
    pytest.param("content-type", "text/plain,text/plain", id="two types"),
    pytest.param("content-type", "text/plain,x/x", id="two different types"),
    pytest.param("content-type", "text/plain\x0b", id="vertical tab"),
    pytest.param("content-type", "text/plain\x0c", id="form feed"),
    pytest.param("content-type", "application/www-form-urlencoded", id="nearly a form"),
    pytest.param("content-type", "application/x-www-form-urlencoded;\x7f", id="DEL"),
    pytest.param("content-type", 'multipart/form-data;"', id="quote"),
    pytest.param("content-type", "text/html", id="html"),
    pytest.param("content-type", "text/", id="no subtype"),
    pytest.param("content-type", "/plain", id="no type"),
    pytest.param("content-type", "text", id="no slash"),
    pytest.param("content-type", "", id="empty content type"),
    pytest.param("content-type", "text/plain;" + "a" * 118, id="129 bytes of content type"),
    pytest.param("range", "100-200", id="range without unit"),
    pytest.param("range", "MB=100-200", id="other unit"),
    pytest.param("range", "Bytes=100-200", id="unit in upper case"),
    pytest.param("range", "bytes =100-200", id="space before ="),
    pytest.param("range", "bytes\t=100-200", id="tab before ="),
    pytest.param("range", "bytes=  100-200", id="spaces after ="),
    pytest.param("range", "bytes=\t\t100-200", id="tabs after ="),
    pytest.param("range", "bytes= \t100-200", id="space and tab after ="),
    pytest.param("range", "bytes=100 -200", id="space before -"),
    pytest.param("range", "bytes=100\t-200", id="tab before -"),
    pytest.param("range", "bytes=100- 200", id="space after -"),
    pytest.param("range", "bytes=100-\t200", id="tab after -"),
    pytest.param("range", "bytes=100-200hello", id="text behind"),
    pytest.param("range", "bytes=abc-def", id="letters"),
    pytest.param("range", "bytes=100-200,300-400", id="two ranges"),
    pytest.param("range", "bytes=-200", id="the last 200 bytes"),
    pytest.param("range", "bytes=-", id="no number"),
    pytest.param("range", "bytes=200-100", id="end before start"),
    pytest.param("range", "bytes=10-9", id="end before start, fewer digits"),
    pytest.param("range", f"bytes=1{'0' * 60}-2{'0' * 60}", id="range of 129 bytes"),
    pytest.param("range", "bytes 100-200", id="space for ="),
    pytest.param("range", "bytes = 100-200", id="spaces around ="),
    pytest.param("range", ",bytes=100-200", id="comma before the unit"),
    pytest.param("range", "bytes=,100-200", id="comma after ="),
    pytest.param("range", "bytes=٣-٤", id="digits outside ASCII"),
    pytest.param("accept", '"', id="quote in accept"),
    pytest.param("accept", "a" * 129, id="129 bytes of accept"),
    pytest.param("accept-language", "en_US", id="underscore in a language"),
    pytest.param("accept-language", "en@", id="at sign in a language"),
    pytest.param("accept-language", "e\tn", id="tab in a language"),
    pytest.param("content-language", "é", id="language outside ASCII"),
    pytest.param("accept-language", "a" * 129, id="129 bytes of language"),
    pytest.param("Authorization", "x", id="authorization"),
    pytest.param("X-Alpha", "", id="own header, empty"),
    pytest.param("Last-Event-ID", "1", id="last-event-id"),
    pytest.param("DPR", "1", id="client hint"),
    pytest.param("Cache-Control", "no-cache", id="cache-control"),
    pytest.param("If-None-Match", "a", id="conditional"),
    pytest.param("User-Agent", "x", id="user agent"),
    pytest.param("*", "1", id="a header named *"),
]


@pytest.mark.parametrize(("name", "value"), SAFE)
def test_a_safelisted_header_needs_no_preflight(name: str, value: str) -> None:
    assert why_unsafe(name, value) is None
    assert ask("POST", (name, value)).preflights == 0


@pytest.mark.parametrize(("name", "value"), UNSAFE)
def test_an_unsafe_header_is_asked_for(name: str, value: str) -> None:
    assert why_unsafe(name, value)
    assert list(unsafe_headers([(name, value)])) == [name.lower()]


@pytest.mark.parametrize("byte", [*range(0x09), *range(0x0A, 0x20), *b'"():<>?@[\\]{}', 0x7F])
@pytest.mark.parametrize("before", ["", "text/plain;a="], ids=["accept", "content-type"])
def test_each_unsafe_byte_makes_a_header_unsafe(before: str, byte: int) -> None:
    name = "content-type" if before else "accept"
    assert why_unsafe(name, f"{before}a{chr(byte)}b") == f"the value of {name} has the unsafe byte 0x{byte:02X}"


def test_no_other_byte_makes_accept_unsafe() -> None:
    unsafe = {*range(0x09), *range(0x0A, 0x20), *b'"():<>?@[\\]{}', 0x7F}
    assert all(why_unsafe("accept", chr(byte)) is None for byte in set(range(0x100)) - unsafe)


def test_white_space_around_a_value_is_taken_away_before_it_is_judged() -> None:
    verdict = ask("GET", ("Range", " \tbytes=0-3 "))
    assert verdict.preflights == 0
    assert verdict.exchanges[0].sent.get("Range") == "bytes=0-3"


@pytest.mark.parametrize(("excess", "preflights"), [(0, 0), (1, 1)], ids=["1,024 bytes", "1,025 bytes"])
def test_all_safelisted_values_together_have_a_limit(excess: int, preflights: int) -> None:
    headers = [("Accept", "a" * 128)] * 7 + [("accept-language", "a" * 127), ("Content-Language", "a" * (1 + excess))]
    verdict = ask("GET", *headers)
    assert verdict.preflights == preflights
    if preflights:
        asked = verdict.exchanges[0].sent.get("Access-Control-Request-Headers")
        assert asked == "accept,accept-language,content-language"


def test_over_the_limit_unsafe_values_do_not_count() -> None:
    assert list(unsafe_headers([("Accept", "a" * 128)] * 8 + [("X-Long", "a" * 500)])) == ["x-long"]


# --- What the preflight looks like: #cors-preflight-fetch ---


def test_a_preflight_is_these_bytes() -> None:
    headers = (("X-Beta", "1"), ("authorization", "x"), ("Accept", "text/html"), ("x-alpha", "1"), ("X-BETA", "2"))
    verdict = ask("PUT", *headers, credentials=Credentials.INCLUDE, body=b"data")
    assert verdict.exchanges[0].sent == SentRequest(
        method="OPTIONS",
        url=API,
        headers=(
            ("Accept", "*/*"),
            ("Origin", PAGE),
            ("Access-Control-Request-Method", "PUT"),
            ("Access-Control-Request-Headers", "authorization,x-alpha,x-beta"),
        ),
        credentials=False,
        body=None,
        preflight=True,
    )
    assert verdict.exchanges[1].sent == SentRequest(
        method="PUT", url=API, headers=(("Origin", PAGE), *headers), credentials=True, body=b"data"
    )
    assert verdict.readable


def test_names_are_sorted_by_byte() -> None:
    names = ["x-a", "x_a", "xa", "x.a", "x~a", "x-1", "x"]
    verdict = ask("GET", *[(name, "1") for name in names])
    assert verdict.exchanges[0].sent.get("Access-Control-Request-Headers") == "x,x-1,x-a,x.a,x_a,xa,x~a"


def test_safelisted_headers_are_not_asked_for_when_only_the_method_is_unsafe() -> None:
    assert ask("PUT", ("Accept", "x")).exchanges[0].sent.get("Access-Control-Request-Headers") is None


def test_upload_listeners_always_mean_a_preflight() -> None:
    verdict = ask("POST", upload_listeners=True, body=b"x")
    assert verdict.preflights == 1
    assert "listeners" in verdict.checks[0].explanation


FORBIDDEN = [
    "Accept-Charset", "Accept-Encoding", "Access-Control-Request-Headers", "Access-Control-Request-Method",
    "Connection", "Content-Length", "Cookie", "Cookie2", "Date", "DNT", "Expect", "Host", "Keep-Alive", "Origin",
    "Referer", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "Proxy-", "proxy-x", "Sec-",
    "SEC-Fetch-Mode",
]  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_header_is_dropped_without_a_word(name: str) -> None:
    verdict = ask("GET", (name, "evil"))
    assert verdict.preflights == 0
    assert "evil" not in [value for _, value in verdict.exchanges[0].sent.headers]


@pytest.mark.parametrize(
    ("name", "value", "dropped"),
    [
        ("X-HTTP-Method", "TRACE", True),
        ("X-HTTP-Method", '",TRACE,"', False),
        ("x-method-override", '"TRACE"', False),
        ("X-HTTP-Method-Override", 'a",TRACE', False),
        ("X-HTTP-Method-Override", r'"a\",TRACE,"', False),
        ("X-HTTP-Method", r'"a\\",TRACE', True),
        ("X-HTTP-Method", '"a" , "b", track', True),
        ("x-http-method-override", "GET, trace", True),
        ("X-Method-Override", ",\tCONNECT ", True),
        ("X-HTTP-Method", "PUT", False),
        ("X-HTTP-Method-Override", "TRACER", False),
        ("X-HTTP-Methods", "TRACE", False),
    ],
)
def test_a_method_override_is_dropped_only_if_it_names_a_forbidden_method(name: str, value: str, dropped: bool) -> None:
    assert ask("GET", (name, value)).preflights == (0 if dropped else 1)


# --- Origin and credentials: #append-a-request-origin-header, #concept-request-credentials-mode ---


@pytest.mark.parametrize(
    ("url", "method", "origin"),
    [
        pytest.param("https://app.example/", "GET", None, id="same origin, GET"),
        pytest.param("https://app.example/", "HEAD", None, id="same origin, HEAD"),
        pytest.param("https://app.example/", "POST", PAGE, id="same origin, POST"),
        pytest.param("https://app.example/", "PUT", PAGE, id="same origin, PUT"),
        pytest.param("HTTPS://APP.example:443/", "GET", None, id="same origin, written otherwise"),
        pytest.param("https://app.example:444/", "GET", PAGE, id="another port"),
        pytest.param("https://api.example/", "GET", PAGE, id="another host"),
        pytest.param("https://x.app.example/", "GET", PAGE, id="a subdomain"),
        pytest.param("http://app.localhost/", "GET", PAGE, id="another scheme"),
    ],
)
def test_origin_is_sent_across_origins_and_with_unsafe_methods(url: str, method: str, origin: str | None) -> None:
    assert ask(method, url=url).exchanges[-1].sent.get("Origin") == origin


def test_a_request_to_the_own_origin_is_no_cors() -> None:
    def closed(sent: SentRequest) -> Received:
        return Received(500, (("X-Own", "1"), ("Set-Cookie", "a=b")))

    request = Request(url=f"{PAGE}/x", origin=PAGE, method="DELETE", headers=(("X-A", "1"),))
    verdict = simulate(request, closed)
    assert (verdict.readable, verdict.status, verdict.preflights, verdict.step) == (True, 500, 0, Step.READ)
    assert verdict.readable_headers == (("x-own", "1"),)
    assert verdict.hidden_headers == ("set-cookie",)
    assert verdict.section == "concept-filtered-response-basic"


@pytest.mark.parametrize(
    ("credentials", "own", "foreign"),
    [(Credentials.OMIT, False, False), (Credentials.SAME_ORIGIN, True, False), (Credentials.INCLUDE, True, True)],
)
def test_credentials_go_along_as_the_mode_says(credentials: Credentials, own: bool, foreign: bool) -> None:
    assert ask(url=f"{PAGE}/", credentials=credentials).exchanges[0].sent.credentials is own
    assert ask(credentials=credentials).exchanges[0].sent.credentials is foreign


def test_a_page_of_origin_null_is_same_origin_with_nothing() -> None:
    verdict = ask(origin="null", url="https://app.example/")
    assert verdict.exchanges[0].sent.get("Origin") == "null"
    assert verdict.checks[-1].section == "concept-filtered-response-cors"


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example/", "https://app.example:443", "http://app.example:80", "HTTPS://app.example",
        "https://App.example", "app.example", "//app.example", "https://", "https://user@app.example", "",
        "https://app.example?", "https://app.example#", "https://a b.example", "https://\xe9.example", "*",
        "https://app.example, https://b.example", "https://app.example:", "https://app.example:x", "NULL",
    ],
)  # fmt: skip
def test_an_origin_that_no_page_can_have_is_an_error(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin as a browser writes it"):
        Request(url=API, origin=origin)


@pytest.mark.parametrize(
    "origin",
    [
        "null", "https://app.example", "http://localhost:8000", "https://[::1]:8443", "http://127.0.0.1",
        "https://a_b.example", "https://-a$.example", "chrome-extension://abcdef", "capacitor://localhost",
    ],
)  # fmt: skip
def test_an_origin_that_pages_do_have_is_taken(origin: str) -> None:
    assert ask(origin=origin).exchanges[0].sent.get("Origin") == origin


# --- Where browsers let no page go: #port-blocking, #main-fetch ---


@pytest.mark.parametrize(
    ("url", "origin", "step", "section"),
    [
        pytest.param("/relative", PAGE, Step.REQUEST, "dom-request", id="relative URL"),
        pytest.param("https:///", PAGE, Step.REQUEST, "dom-request", id="URL without a host"),
        pytest.param("https://user:pw@api.example/", PAGE, Step.REQUEST, "dom-request", id="password in the URL"),
        pytest.param("ftp://api.example/", PAGE, Step.TARGET, "main-fetch", id="ftp"),
        pytest.param("file:///etc/passwd", PAGE, Step.TARGET, "main-fetch", id="file"),
        pytest.param("https://api.example:6000/", PAGE, Step.TARGET, "port-blocking", id="port of X11"),
        pytest.param("https://api.example:0/", PAGE, Step.TARGET, "port-blocking", id="port 0"),
        pytest.param("http://api.example/", PAGE, Step.TARGET, "main-fetch", id="mixed content"),
        pytest.param("http://localhost.evil/", PAGE, Step.TARGET, "main-fetch", id="mixed content, nearly loopback"),
    ],
)
def test_an_address_that_pages_cannot_reach_is_not_asked(url: str, origin: str, step: Step, section: str) -> None:
    verdict = ask(url=url, origin=origin)
    assert (verdict.readable, verdict.step, verdict.section, verdict.exchanges) == (False, step, section, ())


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        pytest.param("http://localhost:8000/", PAGE, id="localhost from https"),
        pytest.param("http://api.localhost/", PAGE, id="a name below localhost from https"),
        pytest.param("http://127.0.0.9/", PAGE, id="127.0.0.9 from https"),
        pytest.param("http://0x7f.1/", PAGE, id="127.0.0.1 in hexadecimal from https"),
        pytest.param("http://[::1]:8000/", PAGE, id="::1 from https"),
        pytest.param("http://api.example/", "http://app.example", id="http from http"),
        pytest.param("https://api.example/", "http://app.example", id="https from http"),
    ],
)
def test_loopback_and_equal_or_better_schemes_are_no_mixed_content(url: str, origin: str) -> None:
    assert ask(url=url, origin=origin).readable


def test_what_send_raises_passes_through() -> None:
    def unplugged(sent: SentRequest) -> Received:
        raise ConnectionRefusedError(sent.url)

    with pytest.raises(ConnectionRefusedError, match="api"):
        simulate(Request(url=API, origin=PAGE), unplugged)
