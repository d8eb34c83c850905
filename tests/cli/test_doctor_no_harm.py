"""The doctor changes nothing unless it is told to, asks no other host, and shows no secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from broken_servers import CAUSES, PAGE, PUT, Answer, Asked, application, bare, right, serving
from click.testing import CliRunner, Result

from corecors.cli.doctor import doctor
from corecors.cli.examination import SAFE_METHODS
from corecors.cli.masking import MASK, Masker

SECRET = "s3cr3t-0123456789"


def run(url: str, *options: str) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(doctor, [url, "--timeout", "120", "--origin", PAGE, *options])


@contextmanager
def recording(serve: Callable[[Asked], Any] = right) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that notes what it was asked."""
    asked: list[dict[str, Any]] = []
    answer = application(serve)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        asked.append(environ | {"body": environ["wsgi.input"].read(length)})
        return answer(environ, start_response)

    with serving(app) as url:
        yield url, asked


def methods(asked: list[dict[str, Any]]) -> list[str]:
    return [environ["REQUEST_METHOD"] for environ in asked]


UNSAFE = [
    pytest.param(["-X", "DELETE", "-H", "X-Token: 1"], id="DELETE"),
    pytest.param(["-X", "PUT", "-d", "{}"], id="PUT"),
    pytest.param(["-d", "a=1"], id="a body, which is a POST"),
    pytest.param(["-X", "PATCH"], id="PATCH"),
    pytest.param(["-X", "PURGE"], id="a method that nobody knows"),
]


@pytest.mark.parametrize("options", UNSAFE)
@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_nothing_that_may_change_something_is_sent(options: list[str], form: str) -> None:
    with recording() as (url, asked):
        run(url, *options, "--format", form)
    assert set(methods(asked)) <= SAFE_METHODS


@pytest.mark.parametrize("name", CAUSES)
def test_nothing_that_may_change_something_is_sent_to_a_broken_server(name: str) -> None:
    with recording(CAUSES[name].serve) as (url, asked):
        run(url, "-X", "POST", "-d", "x", *CAUSES[name].options)
    assert set(methods(asked)) <= SAFE_METHODS


@pytest.mark.parametrize("options", UNSAFE[:4])
def test_it_is_sent_once_where_that_is_wanted(options: list[str]) -> None:
    def allowing(asked: Asked) -> Answer:
        star = [(f"Access-Control-Allow-{name}", "*") for name in ("Origin", "Methods", "Headers")]
        return 200, star

    with recording(allowing) as (url, asked):
        result = run(url, *options, "--send")
    unsafe = [method for method in methods(asked) if method not in SAFE_METHODS]
    assert unsafe == [options[1] if options[0] == "-X" else "POST"]
    assert result.exit_code == 0


def test_it_is_not_sent_where_the_preflight_fails() -> None:
    with recording(bare(200)) as (url, asked):
        assert run(url, "-X", "DELETE", "--send").exit_code == 1
    assert "DELETE" not in methods(asked)


def test_what_would_be_sent_is_told() -> None:
    with recording() as (url, _):
        shown = run(url, *PUT, "-H", "Authorization: Bearer x")
        found = json.loads(run(url, *PUT, "--json").output)["runs"][0]
    assert shown.exit_code == 0
    assert shown.output.startswith(
        "The preflight passes. The PUT itself was not sent, for it may change something; --send"
    )
    assert f"PUT {url}  (not sent: --send sends it)\n" in shown.output
    assert found["works"] is None
    assert found["cause"] is None
    assert (found["stopped"]["end"], found["stopped"]["method"]) == ("not-sent", "PUT")


@pytest.mark.parametrize(
    ("serve", "code", "says"),
    [
        pytest.param(right, 0, "Nothing fails so far: a browser sends this POST at once", id="a GET has the header"),
        pytest.param(bare(200), 2, "Not known: a browser sends this POST at once", id="a GET has it not"),
    ],
)
def test_a_request_without_a_preflight_is_judged_by_a_get(serve: Any, code: int, says: str) -> None:
    with recording(serve) as (url, asked):
        result = run(url, "-d", "a=1", "-H", "Content-Type: text/plain")
    assert result.exit_code == code
    assert result.output.startswith(says)
    assert "--send sends it once." in result.output
    assert set(methods(asked)) == {"GET"}


def test_dangers_are_looked_for_without_any_secret() -> None:
    with recording() as (url, asked):
        run(url, "-H", f"Authorization: Bearer {SECRET}")
    with_secret = [environ for environ in asked if "HTTP_AUTHORIZATION" in environ]
    assert len(with_secret) == 1
    assert len(asked) > 10


SECRETS = [
    pytest.param(["-H", f"Authorization: Bearer {SECRET}"], f"Bearer {MASK}", id="a token"),
    pytest.param(["-H", f"Authorization: {SECRET}"], f"Authorization: {MASK}", id="a token without a scheme"),
    pytest.param(["-H", f"X-API-Key: {SECRET}"], f"X-API-Key: {MASK}", id="an API key"),
    pytest.param(["-H", f"X-Auth-Token: {SECRET}"], f"X-Auth-Token: {MASK}", id="another"),
    pytest.param(["-H", f"X-CSRF-Token: {SECRET}"], f"X-CSRF-Token: {MASK}", id="a CSRF token"),
]


@pytest.mark.parametrize(("options", "shown"), SECRETS)
@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_a_secret_of_the_request_is_masked(options: list[str], shown: str, form: str) -> None:
    def allowing(asked: Asked) -> Answer:
        star = [(f"Access-Control-Allow-{name}", "*") for name in ("Origin", "Methods")]
        return 200, [*star, ("Access-Control-Allow-Headers", "*, Authorization")]

    def echoing(asked: Asked) -> Answer:
        return 302, [("Location", f"/login?next=x&echo={SECRET}")]

    for serve in (allowing, echoing):
        with recording(serve) as (url, asked):
            for more in ([], ["-X", "PUT"]):
                output = run(url, *options, *more, "--format", form).output
                assert SECRET not in output
                assert form != "text" or serve is echoing or shown in output
        assert (SECRET in str(asked)) == (serve is allowing)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"?access_token={SECRET}&page=2", id="a token in the query"),
        pytest.param(f"?api_key={SECRET}", id="a key"),
        pytest.param(f"?X-Amz-Signature={SECRET}", id="a signed address"),
        pytest.param(f"?a=1;sid={SECRET}", id="after a semicolon"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_a_secret_of_the_address_is_masked(path: str, form: str) -> None:
    for serve in (right, bare(500), bare(302, ("Location", f"/x{path}"), ("Access-Control-Allow-Origin", "*"))):
        with recording(serve) as (url, asked):
            result = run(url + path, "--format", form)
        assert SECRET not in result.output
        assert SECRET in str(asked)
    for password in (SECRET, f"x@{SECRET}"):
        nobody = run(f"http://user:{password}@127.0.0.1:1/{path}", "--format", form)
        assert nobody.exit_code == 1
        assert SECRET not in nobody.output


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_cookie_of_the_server_is_masked(form: str) -> None:
    def logged_in(asked: Asked) -> Answer:
        status, headers = right(asked)
        return status, [*headers, ("Set-Cookie", f"sid={SECRET}; Path=/; HttpOnly"), ("X-Auth-Token", SECRET)]

    with recording(logged_in) as (url, _):
        output = run(url, "--credentials", "--format", form).output
    assert SECRET not in output
    assert f"sid={MASK}; Path=/; HttpOnly" in output


@pytest.mark.parametrize(
    ("header", "address", "text"),
    [
        pytest.param("s3\\%2Fcret", "/", "of s3\\%2Fcret here", id="as it is"),
        pytest.param("s3/cr+et", "/", "/next?echo=s3%2Fcr%2Bet", id="quoted in an address"),
        pytest.param("s3%2Fcret", "/", "of s3/cret here", id="what was quoted in a header"),
        pytest.param("", "/?token=s3%2Fcret", "of s3/cret here", id="what was quoted in an address"),
        pytest.param("s3\xfc\\cret", "/", "of 's3\xfc\\\\cret' here", id="in a sentence"),
        pytest.param("s3\xfccret", "/", r"of 's3\xfccret' here", id="in a sentence in ASCII"),
    ],
)
def test_a_secret_is_masked_however_it_is_spelled(header: str, address: str, text: str) -> None:
    masker = Masker()
    masker.learn(f"http://api.test{address}", [("Authorization", f"Bearer {header}")])
    assert "cr" not in masker.text(text)
    assert MASK in masker.text(text)


def test_what_is_refused_shows_no_secret() -> None:
    for options in (["-H", f"Authorization Bearer {SECRET}"], ["-H", f"Authorization: {SECRET}\x01中"]):
        result = run("http://127.0.0.1:1/", *options)
        assert result.exit_code in (1, 2)
        assert SECRET not in result.output


def test_what_is_no_secret_is_shown() -> None:
    with recording() as (url, _):
        output = run(f"{url}?page=2&q=tokens", "-H", "Accept: text/html").output
    assert "?page=2&q=tokens" in output
    assert "Accept: text/html" in output
