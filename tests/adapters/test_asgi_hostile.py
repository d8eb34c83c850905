"""The ASGI middleware and requests that no browser sends: no exception, bounded work and memory."""

import asyncio
import gc
import sys
import tracemalloc
from typing import Any

import attack_corpora
import pytest
from asgi_client import Scope, answering, call, exchange, scope_of, values
from hypothesis import given
from hypothesis import strategies as st

from corecors import PathPolicies, Policy, evaluate, merge_headers
from corecors.adapters.asgi import MAX_KNOWN_NAMES, MAX_REMEMBERED, CORSMiddleware, add_lines

ORIGIN = "https://app.example.com"
POLICY = Policy(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_headers=["X-One"], expose_headers=["X-Total"])
OK = answering(200, ("content-type", "text/plain"), body=b"ok")
ASKED_METHOD = b"access-control-request-method"
ASKED_NAMES = b"access-control-request-headers"
FROM_ORIGIN = (b"origin", ORIGIN.encode())


def scope(method: str, *headers: tuple[bytes, bytes], **more: Any) -> Scope:
    return {**scope_of(method, "/"), "headers": list(headers), **more}


# The corpora


def test_the_middleware_decides_about_every_hostile_origin_as_the_core_does() -> None:
    policy = Policy(allow_origins=attack_corpora.ALLOW_LIST, allow_methods=["PUT"])
    app = CORSMiddleware(OK, policy, rejections=None)
    granted = 0
    for entry in attack_corpora.origins():
        try:
            lines = [(b"origin", line.encode("latin-1")) for line in entry.lines]
        except UnicodeEncodeError:
            lines = [(b"origin", line.encode("utf-8", "surrogatepass")) for line in entry.lines]
        allowed = values(call(app, scope("GET", *lines)), "access-control-allow-origin")
        assert (allowed == [entry.value]) is entry.allowed, entry.id
        assert allowed in ([], [entry.value])
        granted += entry.allowed
        preflight = call(app, scope("OPTIONS", *lines, (ASKED_METHOD, b"PUT")))
        assert (preflight.status == 204) is entry.allowed, entry.id
    assert granted > 20


def test_the_middleware_decides_about_every_hostile_preflight_as_the_core_does() -> None:
    policies = {name: Policy(**fields) for name, fields in attack_corpora.preflight_policies().items()}
    outcomes = []
    for entry in attack_corpora.preflights():
        app = CORSMiddleware(OK, policies[entry.config], rejections=None)
        lines = [(name.encode().lower(), value.encode()) for name, value in entry.headers]
        answer = call(app, scope(entry.method, *lines))
        outcome = "app" if answer.body == b"ok" else {204: "ok", 403: "fail"}[answer.status]
        assert outcome == entry.outcome, entry.id
        outcomes.append(outcome)
    assert len(outcomes) > 100
    assert set(outcomes) == {"app", "ok", "fail"}


# Anything at all


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(POLICY, id="listed"),
        pytest.param(Policy(allow_origins=["*"]), id="any"),
        pytest.param(PathPolicies({"/": POLICY}), id="by path"),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00", id="NUL"),
        pytest.param(b"https://app.example.com\r\nset-cookie: a=1", id="a forged line"),
        pytest.param("https://äpp.example.com".encode("latin-1"), id="latin-1"),
        pytest.param("https://äpp.example.com".encode(), id="UTF-8"),
        pytest.param(b"\xff\xfe", id="no encoding's"),
        pytest.param(b"https://app.example.com" + b"," * (1 << 20), id="1 MiB"),
    ],
)
def test_no_header_value_makes_it_raise(value: bytes, policy: Policy | PathPolicies) -> None:
    app = CORSMiddleware(OK, policy, rejections=None)
    for asked in (
        scope("GET", (b"origin", value)),
        scope("OPTIONS", (b"origin", value), (ASKED_METHOD, b"PUT")),
        scope("OPTIONS", FROM_ORIGIN, (ASKED_METHOD, value)),
        scope("OPTIONS", FROM_ORIGIN, (ASKED_METHOD, b"PUT"), (ASKED_NAMES, value)),
        scope("GET", (b"host", value), (b"sec-fetch-site", value), (b"origin", value), (value, value)),
    ):
        answer = call(app, asked)
        assert answer.status in (200, 204, 403)
        for name, sent in answer.headers:
            assert sent in ("*", ORIGIN) or name != "access-control-allow-origin"
            assert sent.isprintable()
            assert len(sent) < 500


header_values = st.one_of(st.none(), st.binary(), st.sampled_from([ORIGIN.encode(), b"null", b"*", b"PUT", b"x-one"]))
cases = st.sampled_from([bytes.lower, bytes.upper, bytes.title])


@given(
    method=st.sampled_from(["GET", "OPTIONS", "", "POST"]),
    origins=st.lists(header_values, max_size=3),
    asked=header_values,
    names=header_values,
    spell=cases,
)
def test_any_request_at_all_is_answered_as_decided(
    method: str, origins: list[bytes | None], asked: bytes | None, names: bytes | None, spell: Any
) -> None:
    lines = [(b"origin", value) for value in origins]
    lines += [(ASKED_METHOD, asked), (ASKED_NAMES, names)]
    sent = [(spell(name), value) for name, value in lines if value is not None]
    answer = call(CORSMiddleware(answering(200), POLICY, rejections=None), scope(method, *sent))
    joined = [value for value in origins if value is not None]
    decision = evaluate(
        POLICY,
        method,
        b",".join(joined).decode("latin-1") if joined else None,
        None if asked is None else asked.decode("latin-1"),
        None if names is None else names.decode("latin-1"),
    )
    assert answer.status == (decision.status or 200)
    got = {pair for pair in answer.headers if not pair[0].startswith("content-")}
    assert got == {(name.lower(), value) for name, value in decision.headers.items()}


names_of_responses = st.one_of(
    st.sampled_from("vary Vary access-control-allow-origin Access-Control-Max-Age timing-allow-origin".split()),
    st.sampled_from("x-total X-Total content-type access-control-expose-headers".split()),
    st.text(st.characters(max_codepoint=255), max_size=12),
)


@given(
    headers=st.lists(st.tuples(names_of_responses, st.sampled_from(["", "*", "Origin", "Accept, x", "7"])), max_size=6),
    timing=st.booleans(),
    origin=st.sampled_from([None, ORIGIN, "https://stranger.test"]),
)
def test_lines_are_merged_as_the_core_merges_them(
    headers: list[tuple[str, str]], timing: bool, origin: str | None
) -> None:
    """Whatever names were seen before, under this policy or another one."""
    lines = Policy(allow_origins=[ORIGIN], allow_timing=timing).lines(origin) or ()
    own = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    before = own[:]
    merged = add_lines(own, [(name.lower().encode(), value.encode()) for name, value in lines])
    assert own == before
    want = merge_headers(headers, lines)
    lowered = [(name.encode("latin-1").lower(), value.encode("latin-1")) for name, value in want]
    assert sorted((name.lower(), value) for name, value in merged) == sorted(lowered)


# Bounds


def test_a_header_of_a_mebibyte_costs_bounded_work() -> None:
    """Counted in steps of the interpreter, which do not depend on the machine: no more than for a header of 8 KiB."""
    app = CORSMiddleware(OK, POLICY, rejections=None)

    async def receive() -> dict[str, Any]:
        return {}

    async def sent(message: Any) -> None: ...

    def steps(asked: Scope) -> int:
        count = 0

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal count
            count += 1
            return trace

        before = sys.gettrace()
        gc.disable()  # what a collection happens to finalise is not this request's work
        call = app(asked, receive, sent)
        sys.settrace(trace)
        try:
            call.send(None)
        except StopIteration:
            pass
        finally:
            sys.settrace(before)
            gc.enable()
        return count

    for text in (b",", b"x-one,", b" ", b"a"):
        small, large = (text * (size // len(text)) for size in (8192, 1 << 20))
        for asked in (
            lambda value: scope("GET", (b"origin", value)),
            lambda value: scope("OPTIONS", FROM_ORIGIN, (ASKED_METHOD, b"PUT"), (ASKED_NAMES, value)),
        ):
            steps(asked(small))
            assert steps(asked(large)) <= steps(asked(small))


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(Policy(allow_origins=["https://*.example.com"]), id="a pattern: every origin is allowed"),
        pytest.param(Policy(allow_origins=["*"]), id="anyone"),
        pytest.param(POLICY, id="listed: every origin is refused"),
    ],
)
def test_origins_by_the_thousands_do_not_fill_the_memory(policy: Policy) -> None:
    app = CORSMiddleware(OK, policy)

    async def serve(first: int, last: int) -> None:
        for number in range(first, last):
            await exchange(app, scope("GET", (b"origin", b"https://n%d.example.com" % number)))

    asyncio.run(serve(0, 2 * MAX_REMEMBERED))
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        asyncio.run(serve(2 * MAX_REMEMBERED, 6 * MAX_REMEMBERED))
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 1 << 20


def test_response_header_names_by_the_thousands_do_not_fill_the_memory() -> None:
    from corecors.adapters import asgi

    for number in range(2 * MAX_KNOWN_NAMES):
        add_lines([(b"x-%d" % number, b"1")], [(b"vary", b"Origin")])
    assert len(asgi._unrelated) <= MAX_KNOWN_NAMES


def test_a_hundred_megabytes_stream_through_in_flat_memory() -> None:
    piece, pieces = bytes(1 << 20), 100
    peak = 0

    async def streams(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(pieces):
            await send({"type": "http.response.body", "body": piece[:], "more_body": number < pieces - 1})

    async def serve() -> int:
        total = 0

        async def receive() -> dict[str, Any]:
            return {}

        async def sent(message: Any) -> None:
            nonlocal total
            total += len(message.get("body", b""))

        await CORSMiddleware(streams, POLICY)(scope("GET", FROM_ORIGIN), receive, sent)
        return total

    tracemalloc.start()
    try:
        assert asyncio.run(serve()) == pieces * len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 << 20
