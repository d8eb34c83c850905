"""The playground of `corecors demo --serve`, on its server's side: who may hand in a policy, and what is kept of it."""

import json
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse, create_environ, run_wsgi_app

from corecors.cli.demo_api import api, build_app, private_policy, public_policy
from corecors.cli.demo_cases import Site
from corecors.cli.demo_page import build_page
from corecors.cli.demo_playground import MAX_EXCHANGES, MAX_PLAYS, MAX_POLICY_LENGTH, Playground

PAGE = "http://127.0.0.1:5000"
API = "http://127.0.0.1:5001"
FRIEND = "https://friend.example"
POLICY: dict[str, Any] = {"allow_origins": [FRIEND], "allow_methods": ["PUT"], "expose_headers": ["X-Total"]}


class Visitor:
    """Somebody's browser at the demo's page and API."""

    def __init__(self) -> None:
        site = Site(API, PAGE, "http://127.0.0.1:5002", private_policy(PAGE), public_policy())
        playground = Playground(PAGE)
        self.page = Client(build_page(site, playground))
        self.api = Client(playground.beside(build_app(site.private, site.public)), use_cookies=False)

    def hand_in(self, policy: object, **changes: Any) -> TestResponse:
        """POST a policy as the page's script does, but for `changes`."""
        sending: dict[str, Any] = {
            "base_url": PAGE,
            "headers": {"Origin": PAGE},
            "content_type": "application/json",
            "data": policy if isinstance(policy, bytes) else json.dumps(policy),
        }
        return self.page.post("/playground", **(sending | changes))

    def begin(self, policy: object = POLICY) -> dict[str, str]:
        response = self.hand_in(policy)
        assert response.status_code == 201, response.text
        begun: dict[str, str] = response.get_json()
        return begun

    def ask(self, begun: dict[str, str], method: str = "GET", **headers: str) -> TestResponse:
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.open(begun["path"], base_url=API, method=method, headers=lines)

    def passed(self, begun: dict[str, str]) -> list[dict[str, Any]]:
        """What the page is told of the exchanges."""
        exchanges: list[dict[str, Any]] = self.page.get(begun["exchanges"], base_url=PAGE).get_json()["exchanges"]
        return exchanges


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def test_the_policy_is_in_force_at_an_address_of_its_own(visitor: Visitor) -> None:
    begun = visitor.begin()
    allowed, refused = visitor.ask(begun, Origin=FRIEND), visitor.ask(begun, Origin="https://other.example")
    assert allowed.headers["Access-Control-Allow-Origin"] == FRIEND
    assert allowed.headers["Access-Control-Expose-Headers"] == "X-Total"
    assert allowed.headers["X-Total"] == "3"
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_two_policies_stand_side_by_side(visitor: Visitor) -> None:
    friends, nobody = visitor.begin(), visitor.begin({})
    assert "Access-Control-Allow-Origin" in visitor.ask(friends, Origin=FRIEND).headers
    assert "Access-Control-Allow-Origin" not in visitor.ask(nobody, Origin=FRIEND).headers


def test_the_demos_own_api_keeps_its_own_policy(visitor: Visitor) -> None:
    visitor.begin()
    assert "Access-Control-Allow-Origin" not in visitor.api.get("/articles", headers={"Origin": FRIEND}).headers
    assert "Access-Control-Allow-Origin" in visitor.api.get("/articles", headers={"Origin": PAGE}).headers


def test_what_passed_is_told_preflights_included(visitor: Visitor) -> None:
    begun = visitor.begin()
    visitor.ask(begun, "OPTIONS", Origin=FRIEND, Access_Control_Request_Method="PUT")
    visitor.ask(begun, "PUT", Origin=FRIEND, Cookie="a=b")
    preflight, request = visitor.passed(begun)
    assert (preflight["kind"], preflight["method"], preflight["allowed"]) == ("preflight", "OPTIONS", True)
    assert preflight["status"].startswith("204 ")
    assert preflight["asked"] == [["Origin", FRIEND], ["Access-Control-Request-Method", "PUT"]]
    assert ["Access-Control-Allow-Methods", "PUT"] in preflight["answered"]
    assert (request["kind"], request["method"], request["allowed"]) == ("actual", "PUT", True)
    assert ["Cookie", "a=b"] in request["asked"]


def test_a_refusal_is_told_with_its_explanation(visitor: Visitor) -> None:
    begun = visitor.begin()
    asked = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-token"}
    visitor.ask(begun, "OPTIONS", Origin=FRIEND, **asked)
    (exchange,) = visitor.passed(begun)
    assert not exchange["allowed"]
    assert exchange["status"].startswith("403 ")
    assert "'x-token' is not allowed" in exchange["explanation"]
    assert ["Access-Control-Request-Headers", "x-token"] in exchange["asked"]


def test_one_policy_is_not_told_what_passed_under_another(visitor: Visitor) -> None:
    first, second = visitor.begin(), visitor.begin()
    visitor.ask(first, Origin=FRIEND)
    assert len(visitor.passed(first)) == 1
    assert visitor.passed(second) == []


@pytest.mark.parametrize(
    ("policy", "problems"),
    [
        pytest.param({"allow_origins": [f"{FRIEND}/"]}, ["slash"], id="an origin with a slash"),
        pytest.param({"max_age": -1, "allow_methods": ["a b"]}, ["max_age", "allow_methods"], id="two at once"),
        pytest.param({"allow_orgins": []}, ["allow_origins"], id="an unknown key, with the nearest known"),
        pytest.param({"allow_origins": ["*"], "allow_credentials": True}, ["credentials"], id="any with credentials"),
        pytest.param([], [""], id="no mapping"),
        pytest.param(None, [""], id="null"),
    ],
)
def test_a_policy_that_is_refused_shows_its_problems(visitor: Visitor, policy: object, problems: list[str]) -> None:
    response = visitor.hand_in(policy)
    assert response.status_code == 422
    said = response.get_json()["problems"]
    assert len(said) == len(problems)
    for piece in problems:
        assert any(piece in problem for problem in said), said


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"headers": {"Origin": "https://evil.example"}}, 403, id="another page"),
        pytest.param({"headers": {"Origin": "null"}}, 403, id="a sandboxed frame"),
        pytest.param({"headers": {"Origin": "http://127.0.0.1:5002"}}, 403, id="another port of this machine"),
        pytest.param({"headers": {}}, 403, id="no Origin at all"),
        pytest.param({"base_url": "http://rebound.example:5000"}, 403, id="another name for this machine"),
        pytest.param(
            {"base_url": "http://rebound.example:5000", "headers": {"Origin": "http://rebound.example:5000"}},
            403,
            id="DNS rebinding, where the two agree",
        ),
        pytest.param({"content_type": "text/plain"}, 415, id="a type that needs no preflight"),
        pytest.param({"content_type": None}, 415, id="no type"),
        pytest.param({"data": b"{}" + b" " * MAX_POLICY_LENGTH}, 413, id="too large"),
        pytest.param({"data": b"{"}, 400, id="no JSON"),
        pytest.param({"data": b"\xff\xfe{}"}, 400, id="no text"),
        pytest.param({"data": b""}, 400, id="nothing"),
        pytest.param({"data": b"[" * 60_000}, 400, id="nested deeper than Python's stack"),
    ],
)
def test_what_is_no_policy_from_the_own_page_is_turned_away(
    visitor: Visitor, changes: dict[str, Any], status: int
) -> None:
    response = visitor.hand_in(POLICY, **changes)
    assert response.status_code == status
    assert "path" not in (response.get_json(silent=True) or {})


def test_a_body_of_unknown_length_is_bounded_too(visitor: Visitor) -> None:
    """Chunked: there is no Content-Length that could be looked at beforehand."""
    endless = Endless()
    headers = {"Origin": PAGE, "Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    environ = create_environ("/playground", PAGE, method="POST", headers=headers)
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": endless, "wsgi.input_terminated": True}
    _, status, _ = run_wsgi_app(visitor.page.application, environ, buffered=True)
    assert status.startswith(("400 ", "413 "))  # werkzeug cuts it off at the bound, and then it is no JSON
    assert 0 < endless.given <= 2 * MAX_POLICY_LENGTH


class Endless:
    """A body that does not end."""

    given = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "read without any bound"
        self.given += size
        return b" " * size

    def readinto(self, into: Any) -> int:
        into[:] = self.read(len(into))
        return len(into)


@pytest.mark.parametrize("path", ["/play/unknown", "/play/", "/play/../articles"])
def test_an_unknown_token_is_not_found_at_the_api(visitor: Visitor, path: str) -> None:
    visitor.begin()
    assert visitor.api.get(path, headers={"Origin": FRIEND}).status_code == 404


@pytest.mark.parametrize("path", ["/playground", "/playground/", "/playground/unknown"])
def test_an_unknown_token_is_not_found_at_the_page(visitor: Visitor, path: str) -> None:
    visitor.begin()
    assert visitor.page.get(path, base_url=PAGE).status_code == 404


def test_tokens_cannot_be_guessed_from_each_other(visitor: Visitor) -> None:
    tokens = {visitor.begin()["path"] for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token.removeprefix("/play/")) >= 16 for token in tokens)


def test_a_bounded_number_of_policies_is_kept_and_the_oldest_gives_way(visitor: Visitor) -> None:
    first = visitor.begin()
    second = visitor.begin()
    for _ in range(MAX_PLAYS - 1):
        visitor.begin()
    assert visitor.ask(first, Origin=FRIEND).status_code == 404
    assert visitor.ask(second, Origin=FRIEND).status_code == 200


def test_a_bounded_number_of_exchanges_is_remembered(visitor: Visitor) -> None:
    begun = visitor.begin()
    for _ in range(MAX_EXCHANGES + 5):
        assert visitor.ask(begun, Origin=FRIEND).status_code == 200
    assert len(visitor.passed(begun)) == MAX_EXCHANGES


def test_nothing_of_it_is_cached(visitor: Visitor) -> None:
    begun = visitor.begin()
    for response in (visitor.ask(begun, Origin=FRIEND), visitor.page.get(begun["exchanges"], base_url=PAGE)):
        assert response.headers["Cache-Control"] == "no-store"


def test_what_passed_is_readable_by_the_own_origin_alone(visitor: Visitor) -> None:
    begun = visitor.begin()
    response = visitor.page.get(begun["exchanges"], base_url=PAGE, headers={"Origin": FRIEND})
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control-")]


def test_the_api_without_the_playground_is_what_it_was() -> None:
    assert Client(Playground(PAGE).beside(api)).get("/articles/1").get_json()["number"] == 1
