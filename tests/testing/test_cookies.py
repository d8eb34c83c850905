"""Cookies: sent with credentials, kept where a browser keeps them."""

from typing import Any

import pytest
from orders_api import KINDS

from corecors import Policy
from corecors.testing import Page

API = "https://api.example.com"
SAME_SITE, OTHER_SITE = "https://app.example.com", "https://app.example.net"
POLICY = Policy(allow_origins=[SAME_SITE, OTHER_SITE], allow_credentials=True)


@pytest.fixture(params=["wsgi", "flask", "bottle", "asgi", "fastapi", "aiohttp", "django_wsgi"])
def app(request: pytest.FixtureRequest) -> object:
    with KINDS[request.param](POLICY) as made:
        yield made


@pytest.mark.parametrize(
    ("origin", "kept"),
    [
        pytest.param(API, {"session": "1", "home": "1"}, id="of its own"),
        pytest.param(SAME_SITE, {"session": "1", "home": "1"}, id="of the same site"),
        pytest.param(OTHER_SITE, {"session": "1"}, id="of another site"),
    ],
)
def test_a_page_logs_in_as_far_as_the_cookie_lets_it(app: object, origin: str, kept: dict[str, str]) -> None:
    with Page(origin, app, address=API) as page:
        assert page.fetch("/me", credentials="include").status == 401
        page.fetch("/login", method="POST", credentials="include")
        assert page.cookies == kept
        assert page.fetch("/me", credentials="include").status == 200
        assert page.fetch("/me", credentials="omit").status == 401
        assert page.fetch("/me").status == (200 if origin == API else 401)


def test_what_is_set_without_credentials_is_not_kept() -> None:
    with KINDS["wsgi"](POLICY) as app:
        page = Page(OTHER_SITE, app, address=API)
        page.fetch("/login", method="POST")
        assert page.cookies == {}


def test_cookies_that_the_test_gives_go_along_with_credentials_and_with_no_preflight() -> None:
    with KINDS["wsgi"](POLICY.replace(allow_methods=["PUT"])) as app:
        page = Page(OTHER_SITE, app, address=API, cookies={"session": "1"})
        assert page.fetch("/me", credentials="include").status == 200
        verdict = page.fetch("/orders", method="PUT", credentials="include")
        assert [exchange.sent.credentials for exchange in verdict.exchanges] == [False, True]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        pytest.param("http://localhost:8000", 200, id="this machine counts as secure"),
        pytest.param("http://api.example.com", 401, id="any other does not, without TLS"),
    ],
)
def test_a_secure_cookie_wants_a_secure_address(address: str, status: int) -> None:
    with KINDS["wsgi"](POLICY.replace(allow_origins=["*"], allow_credentials=False)) as app:
        page = Page(address, app, address=address)
        page.fetch("/login", method="POST")
        assert page.fetch("/me").status == status


@pytest.mark.parametrize(
    ("line", "is_kept"),
    [
        pytest.param("a=1", True, id="of the same site"),
        pytest.param("a=1; Domain=example.com", True, id="for the registrable domain"),
        pytest.param("a=1; Domain=example.net", False, id="for another domain"),
        pytest.param("__Host-a=1; Secure; Path=/", True, id="__Host-, as it has to be"),
        pytest.param("__Host-a=1; Path=/", False, id="__Host- without Secure"),
        pytest.param("__Host-a=1; Secure", False, id="__Host- without a path"),
        pytest.param("__host-a=1; Secure; Path=/; Domain=example.com", False, id="__Host- with a domain"),
        pytest.param("__Secure-a=1; Secure", True, id="__Secure-, as it has to be"),
        pytest.param("__Secure-a=1", False, id="__Secure- without Secure"),
    ],
)
def test_a_cookie_is_kept_where_a_browser_keeps_it(line: str, is_kept: bool) -> None:
    assert bool(kept_of(SAME_SITE, line)) is is_kept


def test_of_an_attribute_that_stands_there_twice_the_last_counts() -> None:
    assert kept_of(OTHER_SITE, "a=1; Secure; SameSite=Strict; samesite = None") == {"a": "1"}
    assert kept_of(OTHER_SITE, "a=1; Secure; SameSite=None; SameSite=Strict") == {}


def test_nobody_has_a_cookie_for_all_below_a_public_suffix() -> None:
    assert kept_of("https://app.example.co.uk", "a=1; Domain=co.uk", "https://api.example.co.uk") == {}


def kept_of(origin: str, line: str, address: str = API) -> dict[str, str]:
    """What a browser keeps that a page of `origin` has asked for it."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Set-Cookie", line)])
        return []

    page = Page(origin, app, address=address)
    page.fetch("/", credentials="include")
    return page.cookies


@pytest.mark.parametrize(
    ("name", "value"), [("", "1"), ("a b", "1"), ("a=b", "1"), ("a", "1; Path=/"), ("a", "1\r\nX: 1")]
)
def test_what_cannot_be_a_cookie_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot be a cookie"):
        Page(API, lambda environ, start_response: [], cookies={name: value})
