"""How the model of the browser follows redirects: with which origin, method and headers, and where it stops.

The matrix follows the web platform tests cors/redirect-origin, as own data.
"""

from collections.abc import Callable

import pytest

from corecors.browser import Credentials, Received, Request, SentRequest, Step, Verdict, simulate

PAGE = "https://app.example"
LOCAL = "https://app.example/first"
REMOTE = "https://api.example/first"
REMOTE2 = "https://other.example/first"

ACAO = "Access-Control-Allow-Origin"
Lines = tuple[tuple[str, str], ...]


def redirecting(*routes: tuple[str, int, Lines]) -> Callable[[SentRequest], Received]:
    """A server that answers the n-th request that is no preflight with the n-th status and headers.

    The first element of a route is where it redirects, "" for nowhere. Preflights are granted whatever they ask.
    """
    left = list(routes)

    def send(sent: SentRequest) -> Received:
        if sent.preflight:
            method, names = sent.get("Access-Control-Request-Method"), sent.get("Access-Control-Request-Headers")
            answer = ((ACAO, "*"), ("Access-Control-Allow-Methods", method or ""))
            return Received(204, (*answer, ("Access-Control-Allow-Headers", names or "")))
        location, status, headers = left.pop(0)
        return Received(status, (*headers, *((("Location", location),) if location else ())))

    return send


OPEN: Lines = ((ACAO, "*"),)


def follow(request: Request, *routes: tuple[str, int, Lines]) -> Verdict:
    return simulate(request, redirecting(*routes))


# --- Which origin is sent, and what must answer it: #concept-request-tainted-origin ---

PLACES = {"local": "app.example", "remote": "api.example", "remote2": "other.example"}
OWN, NULL, FAILS = PAGE, "null", None

MATRIX = [
    ("local", "*", "remote", "*", OWN),
    ("local", "*", "remote", PAGE, OWN),
    ("local", "*", "remote", "null", FAILS),
    ("local", "*", "remote", None, FAILS),
    ("local", PAGE, "remote", "*", OWN),
    ("local", PAGE, "remote", PAGE, OWN),
    ("local", PAGE, "remote", "null", FAILS),
    ("local", PAGE, "remote", None, FAILS),
    ("local", "null", "remote", "*", OWN),
    ("local", None, "remote", "*", OWN),
    ("remote", "*", "local", "*", NULL),
    ("remote", "*", "local", PAGE, FAILS),
    ("remote", "*", "local", "null", NULL),
    ("remote", "*", "local", None, FAILS),
    ("remote", PAGE, "local", "*", NULL),
    ("remote", PAGE, "local", PAGE, FAILS),
    ("remote", PAGE, "local", "null", NULL),
    ("remote", PAGE, "local", None, FAILS),
    ("remote", "null", "local", "*", FAILS),
    ("remote", None, "local", "*", FAILS),
    ("remote", "*", "remote", "*", OWN),
    ("remote", "*", "remote", PAGE, OWN),
    ("remote", "*", "remote", "null", FAILS),
    ("remote", "*", "remote", None, FAILS),
    ("remote", PAGE, "remote", "*", OWN),
    ("remote", PAGE, "remote", PAGE, OWN),
    ("remote", PAGE, "remote", "null", FAILS),
    ("remote", PAGE, "remote", None, FAILS),
    ("remote", "null", "remote", "*", FAILS),
    ("remote", None, "remote", "*", FAILS),
    ("remote", "*", "remote2", "*", NULL),
    ("remote", "*", "remote2", PAGE, FAILS),
    ("remote", "*", "remote2", "null", NULL),
    ("remote", "*", "remote2", None, FAILS),
    ("remote", PAGE, "remote2", "*", NULL),
    ("remote", PAGE, "remote2", PAGE, FAILS),
    ("remote", PAGE, "remote2", "null", NULL),
    ("remote", PAGE, "remote2", None, FAILS),
    ("remote", "null", "remote2", "*", FAILS),
    ("remote", None, "remote2", "*", FAILS),
    ("remote", "*", "remote", "https://api.example", FAILS),
    ("remote", "*", "remote2", "https://api.example", FAILS),
    ("remote", "https://api.example", "remote", "*", FAILS),
]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("first", "first_allows", "second", "second_allows", "origin"), MATRIX)
def test_the_origin_after_a_redirect(
    first: str, first_allows: str | None, second: str, second_allows: str | None, origin: str | None, status: int
) -> None:
    def allowing(value: str | None) -> Lines:
        return () if value is None else ((ACAO, value),)

    verdict = follow(
        Request(url=f"https://{PLACES[first]}/first", origin=PAGE),
        (f"https://{PLACES[second]}/second", status, allowing(first_allows)),
        ("", 200, allowing(second_allows)),
    )
    assert verdict.readable is (origin is not None)
    assert verdict.preflights == 0
    if origin is not None:
        assert verdict.exchanges[1].sent.get("Origin") == origin
        assert verdict.exchanges[1].sent.url == f"https://{PLACES[second]}/second"
    else:
        assert verdict.step is Step.RESPONSE_ORIGIN


@pytest.mark.parametrize(
    ("urls", "origin"),
    [
        pytest.param([LOCAL, LOCAL, REMOTE], PAGE, id="own, own, remote"),
        pytest.param([LOCAL, REMOTE, REMOTE], PAGE, id="own, remote, same remote"),
        pytest.param([LOCAL, REMOTE, LOCAL], "null", id="own, remote, own"),
        pytest.param([LOCAL, REMOTE, REMOTE2], "null", id="own, remote, other remote"),
        pytest.param([REMOTE, REMOTE2, REMOTE], "null", id="remote, other remote and back"),
        pytest.param([REMOTE, LOCAL, LOCAL], "null", id="remote, own, own: never forgiven"),
        pytest.param([REMOTE, "https://api.example:8443/"], "null", id="another port is another origin"),
    ],
)
def test_the_origin_after_two_redirects(urls: list[str], origin: str) -> None:
    routes: list[tuple[str, int, Lines]] = [(url, 307, OPEN) for url in urls[1:]]
    verdict = follow(Request(url=urls[0], origin=PAGE), *routes, ("", 200, OPEN))
    assert verdict.readable
    assert verdict.exchanges[-1].sent.get("Origin") == origin
    told = [check.explanation for check in verdict.checks if check.step is Step.REDIRECT]
    assert ("from now on as origin null" in told[-1]) is (origin == "null")


def test_with_credentials_a_tainted_redirect_needs_null_by_name() -> None:
    def allow(origin: str) -> Lines:
        return ((ACAO, origin), ("Access-Control-Allow-Credentials", "true"))

    request = Request(url=REMOTE, origin=PAGE, credentials=Credentials.INCLUDE)
    assert follow(request, (REMOTE2, 302, allow(PAGE)), ("", 200, allow("null"))).readable
    refused = follow(request, (REMOTE2, 302, allow(PAGE)), ("", 200, allow(PAGE)))
    assert (refused.step, refused.decisive.exchange) == (Step.RESPONSE_ORIGIN, 1)


def test_back_at_the_own_origin_credentials_stay_behind_and_cors_stays() -> None:
    verdict = follow(Request(url=REMOTE, origin=PAGE), (LOCAL, 302, OPEN), ("", 200, ()))
    assert verdict.exchanges[1].sent.credentials is False
    assert verdict.step is Step.RESPONSE_ORIGIN


# --- Method, body and headers: #http-redirect-fetch ---


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (307, "POST", "POST"), (308, "POST", "POST"),
        (301, "PUT", "PUT"), (302, "DELETE", "DELETE"), (303, "PUT", "GET"), (303, "PATCH", "GET"),
        (303, "HEAD", "HEAD"), (301, "HEAD", "HEAD"), (303, "GET", "GET"), (307, "PUT", "PUT"), (308, "PATCH", "PATCH"),
    ],
)  # fmt: skip
def test_the_method_after_a_redirect(status: int, method: str, becomes: str) -> None:
    body = None if method in ("GET", "HEAD") else b"data"
    headers = (
        ("Content-Type", "text/plain"),
        ("Content-Language", "nn"),
        ("Content-Encoding", "br"),
        ("Content-Location", "/x"),
        ("X-A", "1"),
    )
    request = Request(url=REMOTE, origin=PAGE, method=method, headers=headers, body=body)
    verdict = follow(request, ("/second", status, OPEN), ("", 200, OPEN))
    assert verdict.readable
    last = verdict.exchanges[-1].sent
    assert (last.method, last.url) == (becomes, "https://api.example/second")
    assert last.body == (body if becomes == method else None)
    kept = headers if becomes == method else (("X-A", "1"),)
    assert last.headers == (("Accept", "*/*"), ("Origin", PAGE), *kept)


@pytest.mark.parametrize(
    ("urls", "stays"),
    [
        pytest.param([REMOTE, "/second"], True, id="same origin"),
        pytest.param([REMOTE, REMOTE2], False, id="another origin"),
        pytest.param([REMOTE, "https://api.example:8443/"], False, id="another port"),
        pytest.param([LOCAL, REMOTE], False, id="from the own origin"),
        pytest.param([REMOTE, REMOTE2, REMOTE], False, id="back again: it is gone"),
    ],
)
def test_authorization_stays_behind_at_the_first_change_of_origin(urls: list[str], stays: bool) -> None:
    routes: list[tuple[str, int, Lines]] = [(url, 307, OPEN) for url in urls[1:]]
    request = Request(url=urls[0], origin=PAGE, headers=(("authorization", "x"), ("X-A", "1")))
    verdict = follow(request, *routes, ("", 200, OPEN))
    last = verdict.exchanges[-1].sent
    assert (last.get("Authorization"), last.get("X-A")) == ("x" if stays else None, "1")


def test_each_hop_is_asked_anew() -> None:
    request = Request(url=REMOTE, origin=PAGE, method="PUT", headers=(("X-A", "1"), ("Authorization", "x")))
    verdict = follow(request, (REMOTE2, 307, OPEN), ("", 200, OPEN))
    assert verdict.readable
    sent = [exchange.sent for exchange in verdict.exchanges]
    assert [(one.method, one.url, one.get("Origin")) for one in sent] == [
        ("OPTIONS", REMOTE, PAGE),
        ("PUT", REMOTE, PAGE),
        ("OPTIONS", REMOTE2, "null"),
        ("PUT", REMOTE2, "null"),
    ]
    asked = [one.get("Access-Control-Request-Headers") for one in sent]
    assert asked == ["authorization,x-a", None, "x-a", None]


def test_a_request_to_the_own_origin_is_asked_for_where_it_is_redirected() -> None:
    request = Request(url=LOCAL, origin=PAGE, headers=(("X-A", "1"),))
    verdict = follow(request, (REMOTE, 302, ()), ("", 200, OPEN))
    assert [exchange.sent.method for exchange in verdict.exchanges] == ["GET", "OPTIONS", "GET"]
    assert verdict.readable


def test_a_303_that_makes_it_a_get_needs_no_second_preflight() -> None:
    request = Request(url=REMOTE, origin=PAGE, method="PUT", headers=(("Content-Type", "application/json"),))
    verdict = follow(request, (REMOTE2, 303, OPEN), ("", 200, OPEN))
    assert [exchange.sent.method for exchange in verdict.exchanges] == ["OPTIONS", "PUT", "GET"]


def test_a_refused_second_preflight_ends_it() -> None:
    def send(sent: SentRequest) -> Received:
        if sent.url == REMOTE2:
            return Received(204, ())
        return Received(
            204 if sent.preflight else 308, (*OPEN, ("Access-Control-Allow-Methods", "PUT"), ("Location", REMOTE2))
        )

    verdict = simulate(Request(url=REMOTE, origin=PAGE, method="PUT"), send)
    assert (verdict.step, verdict.decisive.exchange, verdict.preflights) == (Step.PREFLIGHT_ORIGIN, 2, 2)


# --- Where it ends ---


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("https://test:test@api.example/", False),
        ("https://user:@api.example/", False),
        ("https://user@api.example/", False),
        ("https://:pass@api.example/", False),
        ("https://:@api.example/", True),
        ("https://@api.example/", True),
        ("//user@api.example/", False),
        ("/user@api.example/", True),
        ("https://user@app.example/", False),
    ],
)
def test_a_location_with_userinfo_is_not_followed(location: str, followed: bool) -> None:
    verdict = follow(Request(url=REMOTE, origin=PAGE), (location, 302, OPEN), ("", 200, OPEN))
    assert verdict.readable is followed
    if not followed:
        assert (verdict.step, verdict.section) == (Step.REDIRECT, "http-redirect-fetch")
        assert (verdict.decisive.header, verdict.decisive.value) == ("Location", location)
        assert len(verdict.exchanges) == 1


def test_between_addresses_of_the_own_origin_userinfo_is_allowed() -> None:
    request = Request(url=LOCAL, origin=PAGE)
    verdict = follow(request, ("https://user:pw@app.example/", 302, ()), ("", 200, ()))
    assert verdict.readable
    assert verdict.exchanges[1].sent.url == "https://app.example/"
    assert follow(request, ("https://user:pw@api.example/", 302, ()), ("", 200, OPEN)).step is Step.REDIRECT


@pytest.mark.parametrize(
    "location", ["ftp://api.example/", "data:,x", "javascript:alert(1)", "https://", "https://exa mple/", "http://[1"]
)
def test_a_location_that_leads_nowhere_ends_it(location: str) -> None:
    assert follow(Request(url=REMOTE, origin=PAGE), (location, 302, OPEN)).step is Step.REDIRECT


def test_two_locations_end_it() -> None:
    both: Lines = (*OPEN, ("location", "/a"))
    verdict = follow(Request(url=REMOTE, origin=PAGE), ("/a", 302, both))
    assert verdict.step is Step.REDIRECT
    assert "not one URL" in verdict.explanation


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304, 305, 306])
def test_a_redirect_without_location_is_an_ordinary_response(status: int) -> None:
    verdict = follow(Request(url=REMOTE, origin=PAGE), ("", status, OPEN))
    assert (verdict.readable, verdict.status) == (True, status)


@pytest.mark.parametrize("status", [300, 304, 305, 306, 200, 201])
def test_location_means_nothing_with_another_status(status: int) -> None:
    verdict = follow(Request(url=REMOTE, origin=PAGE), ("/second", status, OPEN))
    assert (verdict.readable, verdict.status) == (True, status)


@pytest.mark.parametrize(("hops", "readable"), [(20, True), (21, False)])
def test_twenty_redirects_are_followed_and_no_more(hops: int, readable: bool) -> None:
    verdict = follow(Request(url=REMOTE, origin=PAGE), *[("/again", 302, OPEN)] * hops, ("", 200, OPEN))
    assert verdict.readable is readable
    assert len(verdict.exchanges) == 21
    assert verdict.step is (Step.READ if readable else Step.REDIRECT)


def test_a_redirect_response_is_checked_itself() -> None:
    verdict = follow(Request(url=REMOTE, origin=PAGE), (REMOTE2, 302, ()), ("", 200, OPEN))
    assert (verdict.step, verdict.decisive.exchange, len(verdict.exchanges)) == (Step.RESPONSE_ORIGIN, 0, 1)


@pytest.mark.parametrize("location", ["http://api.example/", "https://api.example:25/"])
def test_a_redirect_to_a_forbidden_target_ends_it(location: str) -> None:
    assert follow(Request(url=REMOTE, origin=PAGE), (location, 302, OPEN)).step is Step.TARGET


def test_only_the_last_response_counts_for_readable_headers() -> None:
    first: Lines = (*OPEN, ("Access-Control-Expose-Headers", "X-A"), ("X-A", "first"))
    verdict = follow(Request(url=REMOTE, origin=PAGE), ("/b", 302, first), ("", 200, (*OPEN, ("X-A", "last"))))
    assert verdict.readable_headers == ()


def test_timings_stay_hidden_once_a_hop_hid_them() -> None:
    timed: Lines = (*OPEN, ("Timing-Allow-Origin", "*"))
    request = Request(url=REMOTE, origin=PAGE)
    assert follow(request, ("/b", 302, timed), ("", 200, timed)).timing_readable
    assert not follow(request, ("/b", 302, OPEN), ("", 200, timed)).timing_readable
    assert follow(Request(url=LOCAL, origin=PAGE), (REMOTE, 302, ()), ("", 200, timed)).timing_readable


def test_a_location_outside_ascii_is_percent_encoded_byte_by_byte() -> None:
    verdict = follow(Request(url=REMOTE, origin=PAGE), ("/\xc3\xa4%20 b", 302, OPEN), ("", 200, OPEN))
    assert verdict.exchanges[1].sent.url == "https://api.example/%C3%A4%20%20b"
