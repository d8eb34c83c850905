"""The WSGI middleware and requests that no browser sends: no exception, bounded work."""

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsgi_client import answering, call, environ_of, values

from corecors import PathPolicies, Policy, evaluate
from corecors.adapters.wsgi import CORSMiddleware

ORIGIN = "https://app.example.com"
STRANGER = "https://stranger.example.com"
FROM_ORIGIN = (("Origin", ORIGIN),)
PLAIN = ("Content-Type", "text/plain")
POLICY = Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_headers=["X-One"], expose_headers=["X-Total"])

StartResponse = Callable[..., Callable[[bytes], None]]
Environ = dict[str, Any]
OK = answering("200 OK", PLAIN, body=b"ok")


# Requests that no browser sends


@pytest.mark.parametrize(
    "policy", [pytest.param(POLICY, id="listed"), pytest.param(Policy(allow_origins=["*"]), id="any")]
)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="a blank"),
        pytest.param("\x00", id="NUL"),
        pytest.param("https://app.example.com\r\nSet-Cookie: a=1", id="a forged line"),
        pytest.param("https://app.example.com\n", id="a line feed at the end"),
        pytest.param("https://äpp.example.com", id="latin-1"),
        pytest.param("https://\u20acpp.example.com", id="beyond latin-1"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("https://" + "a" * 8192 + ".example.com", id="8 KiB"),
        pytest.param("https://app.example.com" + "," * (1 << 20), id="1 MiB"),
        pytest.param("a,b " * (1 << 18), id="1 MiB of elements"),
    ],
)
def test_no_header_value_makes_it_raise(value: str, policy: Policy) -> None:
    app = CORSMiddleware(OK, policy)
    for environ in (
        environ_of("GET", "/", (("Origin", value),)),
        environ_of("OPTIONS", "/", (("Origin", value), ("Access-Control-Request-Method", "PUT"))),
        environ_of("OPTIONS", "/", (*FROM_ORIGIN, ("Access-Control-Request-Method", value))),
        environ_of(
            "OPTIONS",
            "/",
            (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", value)),
        ),
    ):
        answer = call(app, environ)
        assert answer.status in (200, 204, 403)
        for name, sent in answer.headers:
            assert sent in ("*", ORIGIN) or name != "Access-Control-Allow-Origin"
            assert sent.isprintable()
            assert sent.isascii()
            assert len(sent) < 500


header_values = st.one_of(st.none(), st.text(), st.sampled_from([ORIGIN, "null", "*", "PUT", "x-one"]))


@given(
    method=st.sampled_from(["GET", "OPTIONS", "", "POST"]),
    origin=header_values,
    asked=header_values,
    names=header_values,
)
def test_any_request_at_all_is_answered_as_decided(
    method: str, origin: str | None, asked: str | None, names: str | None
) -> None:
    environ = environ_of(method, "/")
    for key, value in (
        ("HTTP_ORIGIN", origin),
        ("HTTP_ACCESS_CONTROL_REQUEST_METHOD", asked),
        ("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", names),
    ):
        if value is not None:
            environ[key] = value
    answer = call(CORSMiddleware(answering("200 OK"), POLICY), environ)
    decision = evaluate(POLICY, method, origin, asked, names)
    assert answer.status == (decision.status or 200)
    assert {pair for pair in answer.headers if not pair[0].startswith("Content-")} == set(decision.headers.items())


@pytest.mark.parametrize(
    "policy", [pytest.param(POLICY, id="one policy"), pytest.param(PathPolicies({"/": POLICY}), id="by path")]
)
@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="no variable at all"),
        pytest.param({"HTTP_ORIGIN": ORIGIN}, id="nothing but an origin"),
        pytest.param({"HTTP_ORIGIN": STRANGER}, id="nothing but a stranger's origin"),
        pytest.param({"HTTP_ORIGIN": ORIGIN, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT"}, id="no method"),
        pytest.param({"REQUEST_METHOD": "OPTIONS", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT"}, id="no origin"),
        pytest.param({"REQUEST_METHOD": "GET", "HTTP_ORIGIN": STRANGER, "PATH_INFO": "/\ud800\n"}, id="an odd path"),
    ],
)
def test_missing_and_odd_variables_are_no_error(environ: Environ, policy: Policy | PathPolicies) -> None:
    answer = call(CORSMiddleware(OK, policy), dict(environ))
    assert (answer.status, answer.body) == (200, b"ok")
    assert values(answer, "Vary") == ["Origin"]


def test_a_header_of_a_mebibyte_costs_bounded_work() -> None:
    """Counted in steps of the interpreter, which do not depend on the machine: no more than for a header of 8 KiB."""

    def steps(environ: Environ) -> int:
        count = 0

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal count
            count += 1
            return trace

        app = CORSMiddleware(OK, POLICY, rejections=None)
        before = sys.gettrace()
        gc.disable()  # what a collection happens to finalise is not this request's work
        sys.settrace(trace)
        try:
            app(environ, lambda *_: None)
        finally:
            sys.settrace(before)
            gc.enable()
        return count

    def preflight(names: str) -> Environ:
        asked = (("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", names))
        return environ_of("OPTIONS", "/", FROM_ORIGIN + asked)

    def origin(text: str) -> Environ:
        return environ_of("GET", "/", (("Origin", text),))

    for text in (",", "x-one,", " ", "a"):
        small, large = (text * (size // len(text)) for size in (8192, 1 << 20))
        assert steps(preflight(large)) <= steps(preflight(small))
        assert steps(origin(large)) <= steps(origin(small))
