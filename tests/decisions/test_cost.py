"""What a request costs, counted instead of timed: the same on every machine, however busy.

Three counts stand for the cost, since none of them sees everything:

- bytecode instructions and calls (of Python and of C functions), which is what CPython spends most of its time on;
- bytes allocated at the peak, where a copy of a list, or a split of a long value, shows that is one instruction;
- comparisons and hashes of the origin itself, where a scan of a list shows that C does in one instruction.

Compiled code has no bytecode to count; `python -m benchmarks --parts instructions` counts what the processor runs.

The counts must not depend on how much a policy allows, nor on how long a hostile value is, and must not jump. They
differ a little between versions of Python, so what is recorded is the largest of those that are supported.
"""

import dis
import gc
import importlib.util
import itertools
import logging
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from types import CodeType, FrameType
from typing import Any

import pytest
from interpreter_steps import stepping

import corecors
from corecors import (
    CORSRequest,
    Decision,
    PathPolicies,
    Policy,
    PolicySource,
    RejectionLog,
    evaluate,
    preflight_headers,
    response_headers,
)
from corecors.adapters.wsgi import CORSMiddleware

pytestmark = pytest.mark.skipif(corecors.__compiled__, reason="what is compiled has no bytecode to count")

# What is worked out beforehand for a short list is looked up for a long one, so there may be one step between ONE and
# MANY, of so many instructions; from there on nothing changes any more.
ONE, MANY, MORE = 1, 2_000, 10_000
STEP = 130
LOOKS = 3  # at the origin, in that step
TOLERANCE = 1.1
KIB = 1024

Action = Callable[[], object]
Governor = Policy | PolicySource


@dataclass
class Count:
    """What ran outside of this file: bytecode instructions, and calls of Python and C functions by their names."""

    instructions: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)


def count_of(action: Action) -> Count:
    """What one more call costs once everything that is remembered is remembered."""
    count = Count()
    bytecode: dict[CodeType, bytes] = {}

    def step(frame: FrameType) -> None:
        count.instructions += 1
        code = bytecode.setdefault(frame.f_code, frame.f_code.co_code)
        count.operations.add(dis.opname[code[frame.f_lasti]])

    def profile(frame: FrameType, event: str, argument: object) -> None:
        # For a C function the frame is the one that calls it.
        if event in ("call", "c_call") and frame.f_code.co_filename != __file__:
            name = frame.f_code.co_name if event == "call" else getattr(argument, "__name__", "?")
            count.calls[name] += 1

    for _ in range(20):  # the log looks at the clock for each of the first repeats
        action()
    profiled = sys.getprofile()
    gc.disable()  # what others do when it runs (`gc.callbacks`) is not ours

    def counted() -> None:
        sys.setprofile(profile)
        try:
            action()
        finally:
            sys.setprofile(profiled)

    try:
        stepping(counted, step, lambda frame: frame.f_code.co_filename != __file__)
    finally:
        gc.enable()
    return count


def peak_bytes(action: Action) -> int:
    """Bytes allocated at the peak of one call, beyond what was there before it."""
    for _ in range(3):
        action()
    gc.freeze()  # what all tests hold takes seconds to walk through
    gc.collect()  # empties the interpreter's lists of free objects, which would be used in place of new ones
    gc.unfreeze()
    gc.disable()
    tracemalloc.start()
    try:
        action()  # what the tracer itself needs
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()


class WatchedText(str):
    """An origin that counts how often it, or a piece of it, is looked at from within C."""

    __slots__ = ("looks",)

    looks: list[str]

    def _look(self, what: str, times: int = 1) -> None:
        self.looks += [what] * times

    def _watched(self, piece: str) -> "WatchedText":
        return watch(piece, self.looks)

    def __eq__(self, other: object) -> bool:
        self._look("compared")
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        self._look("compared")
        return str.__ne__(self, other)

    def __hash__(self) -> int:
        self._look("hashed")
        return str.__hash__(self)

    def __contains__(self, piece: object) -> bool:
        self._look("searched")
        return str.__contains__(self, piece)  # type: ignore[operator]

    def __getitem__(self, index: Any) -> "WatchedText":
        return self._watched(str.__getitem__(self, index))

    def startswith(self, prefix: str | tuple[str, ...], *bounds: Any) -> bool:
        self._look("compared", len(prefix) if isinstance(prefix, tuple) else 1)
        return str.startswith(self, prefix, *bounds)

    def endswith(self, suffix: str | tuple[str, ...], *bounds: Any) -> bool:
        self._look("compared", len(suffix) if isinstance(suffix, tuple) else 1)
        return str.endswith(self, suffix, *bounds)


class NeverHashed(str):
    __slots__ = ()

    __hash__ = None  # type: ignore[assignment]


def watch(text: str, looks: list[str]) -> WatchedText:
    watched = WatchedText(text)
    watched.looks = looks
    return watched


def looks_at(text: str, decide: Callable[[str], object]) -> int:
    decide(text)
    looks: list[str] = []
    decide(watch(text, looks))
    return len(looks)


def test_each_count_sees_what_it_stands_for() -> None:
    listed = [f"https://site{index}.example" for index in range(100)]
    scope: dict[str, Any] = {"listed": listed}
    exec(compile("def scan(size): return [each.upper() for each in listed[:size]]", "elsewhere.py", "exec"), scope)
    short, long = count_of(lambda: scope["scan"](10)), count_of(lambda: scope["scan"](100))
    assert long.instructions > short.instructions + 90
    assert (short.calls["upper"], long.calls["upper"]) == (10, 100)
    assert peak_bytes(lambda: listed * 10) > 8 * len(listed) * 10
    assert looks_at(UNLISTED, lambda origin: origin in listed) == len(listed)
    assert looks_at(UNLISTED, lambda origin: origin.endswith(tuple(listed))) == len(listed)


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
    return len


SETTINGS: dict[str, Any] = {
    "allow_methods": ["GET", "PUT", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type", "X-Request-ID"],
    "expose_headers": ["X-Total"],
    "allow_credentials": True,
    "max_age": 600,
}


def exact_policy(number: int) -> Policy:
    return Policy(allow_origins=[f"https://site{index:05d}.partner.example" for index in range(number)], **SETTINGS)


def pattern_policy(number: int) -> Policy:
    domains = ["example.com", *(f"tenant{index:05d}.org" for index in range(1, number))]
    return Policy(allow_origins=[f"https://*.{domain}" for domain in domains], **SETTINGS)


def predicate_policy(number: int) -> Policy:
    """One whose predicate lets in what is not listed: an origin is looked up first, then asked about."""
    listed = [f"https://site{index:05d}.other.example" for index in range(number)]
    return Policy(allow_origins=listed, allow_origin_predicate=lambda origin: origin == LISTED, **SETTINGS)


def path_policies(number: int) -> PathPolicies:
    prefixes: dict[str, Policy | None] = {f"/tenant{index:05d}/api": None for index in range(1, number)}
    return PathPolicies({**prefixes, "/tenant00000/api": policy_of(exact_policy, number)})


LISTED = "https://site00000.partner.example"
UNLISTED = "https://site99999.partner.example"
BELOW_PATTERN = "https://app.example.com"
NAMES = "authorization,content-type"
new_labels = map("".join, itertools.product("abcdefgh", repeat=8))


@cache
def policy_of(build: Callable[[int], Governor], number: int) -> Any:
    return build(number)


def in_flask(wsgi: Any, policy: Governor, **options: Any) -> Any:
    """What Flask's adapter adds: the application that it is around is `wsgi`."""
    flask = pytest.importorskip("flask")
    from corecors.adapters.flask import CORS

    made = flask.Flask("cost", static_folder=None)
    made.wsgi_app = wsgi
    CORS(made, policy, **options)
    return made.wsgi_app


def in_bottle(wsgi: Any, policy: Governor, **options: Any) -> Any:
    """What Bottle's adapter adds: the application that it is around is `wsgi`, which runs a route."""
    bottle = pytest.importorskip("bottle")
    from corecors.adapters.bottle import CORSPlugin

    made = bottle.Bottle()
    made.get("/tenant00000/api/items", callback=wsgi)

    def run(environ: dict[str, Any], start_response: Any) -> Any:
        environ["bottle.route"] = made.routes[0]
        return wsgi(environ, start_response)

    vars(made)["wsgi"] = run
    made.install(CORSPlugin(policy, **options))
    return made.wsgi


@pytest.fixture(autouse=True)
def _no_route_has_a_policy_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """In no other application of this process either."""
    if importlib.util.find_spec("flask") is not None:
        from corecors.adapters.flask_marks import Marks

        monkeypatch.setattr("corecors.adapters.flask.MARKS", Marks())
    if importlib.util.find_spec("bottle") is not None:
        monkeypatch.setattr("corecors.adapters.bottle._given", set())


def serve(
    policy: Governor, *, preflight: bool = False, names: str = NAMES, door: Any = CORSMiddleware, **options: Any
) -> Callable[[str | None], object]:
    """One request through an adapter, from the origin that it is given."""
    # A clock that stands still, for the log has something else to do once a minute; and no lines, which are limited.
    rejections = RejectionLog(logging.getLogger("corecors.cost"), lines=0, clock=lambda: 0.0)
    wrapped = door(app, policy, rejections=rejections, **options)

    def request(origin: str | None) -> object:
        return wrapped(asked(origin, preflight, names), start_response)

    return request


def asked(origin: str | None, preflight: bool, names: str) -> dict[str, Any]:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/tenant00000/api/items"}
    if origin is not None:
        environ["HTTP_ORIGIN"] = origin
    if preflight:
        environ["REQUEST_METHOD"] = "OPTIONS"
        environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"] = "DELETE"
        environ["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"] = names
    return environ


@dataclass(frozen=True)
class Path:
    """A way through the library: `make(number)` builds a policy with that many entries and what decides under it."""

    make: Callable[[int], Callable[[Any], object]]
    origin: Callable[[], str | None]
    instructions: int
    calls: int
    may_lock: bool = False  # what is refused for the first time is looked at closely and counted, for the log

    def action(self, number: int) -> Action:
        decide = self.make(number)
        return lambda: decide(self.origin())


def wsgi(build: Callable[[int], Governor], **options: Any) -> Callable[[int], Callable[[Any], object]]:
    return lambda number: serve(policy_of(build, number), **options)


def function(
    build: Callable[[int], Policy], call: Callable[[Policy, str], object]
) -> Callable[[int], Callable[[Any], object]]:
    def make(number: int) -> Callable[[Any], object]:
        policy = policy_of(build, number)
        return lambda origin: call(policy, origin)

    return make


def trial(number: int) -> Callable[[Any], object]:
    """The policy in force is tried as well, so there is never a difference to report."""
    policy = policy_of(exact_policy, number)
    return serve(policy, report_only=policy)


def count_decision(decision: Decision, request: CORSRequest) -> None:
    """The least that a hook for metrics can be."""


def always(origin: str | None) -> Callable[[], str | None]:
    return lambda: origin


# Recorded counts, the largest of Python 3.11 to 3.13.
PATHS = [
    pytest.param(Path(wsgi(exact_policy), always(None), 69, 2), id="WSGI, no Origin"),
    pytest.param(Path(wsgi(exact_policy), always(LISTED), 99, 4), id="WSGI, listed origin"),
    pytest.param(Path(wsgi(exact_policy), always(UNLISTED), 136, 7), id="WSGI, refused origin"),
    pytest.param(
        Path(wsgi(exact_policy), lambda: f"https://{next(new_labels)}.attacker.example", 875, 74, may_lock=True),
        id="WSGI, refused origin never seen",
    ),
    pytest.param(Path(wsgi(exact_policy, preflight=True), always(LISTED), 119, 8), id="WSGI, preflight that passes"),
    pytest.param(
        Path(wsgi(exact_policy, preflight=True), always(UNLISTED), 224, 16), id="WSGI, preflight of a refused origin"
    ),
    pytest.param(
        Path(wsgi(exact_policy, preflight=True, names="x-unknown"), always(LISTED), 386, 34, may_lock=True),
        id="WSGI, preflight for a refused header",
    ),
    pytest.param(Path(wsgi(pattern_policy), always(BELOW_PATTERN), 99, 4), id="WSGI, subdomain seen before"),
    pytest.param(
        Path(wsgi(pattern_policy), lambda: f"https://{next(new_labels)}.example.com", 348, 25),
        id="WSGI, subdomain never seen",
    ),
    pytest.param(Path(wsgi(pattern_policy), always(UNLISTED), 353, 24), id="WSGI, origin that no pattern matches"),
    pytest.param(
        Path(wsgi(exact_policy, on_decision=count_decision), always(LISTED), 520, 43), id="on_decision, listed"
    ),
    pytest.param(
        Path(wsgi(exact_policy, on_decision=count_decision), always(UNLISTED), 640, 50), id="on_decision, refused"
    ),
    pytest.param(Path(wsgi(exact_policy, block_disallowed=True), always(None), 79, 2), id="blocking, no Origin"),
    pytest.param(Path(wsgi(exact_policy, block_disallowed=True), always(LISTED), 99, 4), id="blocking, listed"),
    pytest.param(Path(wsgi(exact_policy, block_disallowed=True), always(UNLISTED), 719, 58), id="blocking, refused"),
    pytest.param(Path(trial, always(LISTED), 754, 61), id="report_only, listed"),
    pytest.param(Path(trial, always(UNLISTED), 934, 72), id="report_only, refused"),
    pytest.param(Path(wsgi(predicate_policy), always(LISTED), 670, 57), id="predicate, allowed"),
    pytest.param(Path(wsgi(predicate_policy), always(UNLISTED), 761, 63), id="predicate, refused"),
    pytest.param(Path(wsgi(path_policies), always(LISTED), 278, 19), id="paths, listed"),
    pytest.param(Path(wsgi(path_policies), always(UNLISTED), 317, 22), id="paths, refused"),
    pytest.param(Path(wsgi(path_policies, preflight=True), always(LISTED), 298, 23), id="paths, preflight that passes"),
    pytest.param(Path(wsgi(exact_policy, door=in_flask), always(None), 117, 7), id="Flask, no Origin"),
    pytest.param(Path(wsgi(exact_policy, door=in_flask), always(LISTED), 137, 9), id="Flask, listed origin"),
    pytest.param(Path(wsgi(exact_policy, door=in_flask), always(UNLISTED), 203, 14), id="Flask, refused origin"),
    pytest.param(
        Path(wsgi(exact_policy, door=in_flask, preflight=True), always(LISTED), 138, 10),
        id="Flask, preflight that passes",
    ),
    pytest.param(
        Path(wsgi(exact_policy, door=in_flask, preflight=True), always(UNLISTED), 249, 19),
        id="Flask, preflight of a refused origin",
    ),
    pytest.param(Path(wsgi(exact_policy, door=in_bottle), always(None), 157, 9), id="Bottle, no Origin"),
    pytest.param(Path(wsgi(exact_policy, door=in_bottle), always(LISTED), 177, 11), id="Bottle, listed origin"),
    pytest.param(Path(wsgi(exact_policy, door=in_bottle), always(UNLISTED), 243, 16), id="Bottle, refused origin"),
    pytest.param(
        Path(wsgi(exact_policy, door=in_bottle, preflight=True), always(LISTED), 165, 11),
        id="Bottle, preflight that passes",
    ),
    pytest.param(
        Path(wsgi(exact_policy, door=in_bottle, preflight=True), always(UNLISTED), 276, 20),
        id="Bottle, preflight of a refused origin",
    ),
    pytest.param(Path(function(exact_policy, response_headers), always(LISTED), 37, 4), id="response_headers, listed"),
    pytest.param(
        Path(function(exact_policy, response_headers), always(UNLISTED), 37, 4), id="response_headers, refused"
    ),
    pytest.param(
        Path(function(exact_policy, lambda policy, origin: evaluate(policy, "GET", origin)), always(LISTED), 147, 11),
        id="evaluate, listed",
    ),
    pytest.param(
        Path(
            function(exact_policy, lambda policy, origin: preflight_headers(policy, origin, "DELETE", NAMES)),
            always(LISTED),
            59,
            6,
        ),
        id="preflight_headers",
    ),
]


@pytest.mark.parametrize("path", PATHS)
def test_instructions_and_calls_do_not_grow_with_what_a_policy_allows(path: Path) -> None:
    one, many, more = (count_of(path.action(number)) for number in (ONE, MANY, MORE))
    assert (more.instructions, more.calls) == (many.instructions, many.calls)
    assert many.instructions <= one.instructions + STEP


@pytest.mark.parametrize("path", PATHS)
def test_memory_of_a_request_does_not_grow_with_what_a_policy_allows(path: Path) -> None:
    one, many, more = (peak_bytes(path.action(number)) for number in (ONE, MANY, MORE))
    assert max(many, more) <= one + KIB


@pytest.mark.parametrize("path", PATHS)
def test_an_origin_is_looked_at_as_often_under_more_entries(path: Path) -> None:
    origin = path.origin() or LISTED
    one, many, more = (looks_at(origin, path.make(number)) for number in (ONE, MANY, MORE))
    assert more == many <= one + LOOKS


@pytest.mark.parametrize("path", PATHS)
def test_a_request_takes_no_more_instructions_and_calls_than_recorded(path: Path) -> None:
    count = count_of(path.action(ONE))
    assert count.instructions <= path.instructions * TOLERANCE
    assert count.calls.total() <= path.calls * TOLERANCE


LONG = [
    pytest.param(
        lambda size: (exact_policy, False, "https://" + "a." * (size // 2) + "example", NAMES), id="Origin, exact list"
    ),
    pytest.param(
        lambda size: (pattern_policy, False, "https://" + "a." * (size // 2) + "example.com", NAMES),
        id="Origin, pattern",
    ),
    pytest.param(lambda size: (exact_policy, True, "https://" + "a" * size, NAMES), id="Origin of a preflight"),
    pytest.param(lambda size: (exact_policy, True, LISTED, "," * size), id="commas"),
    pytest.param(lambda size: (exact_policy, True, LISTED, NAMES + " " * size + ","), id="blanks"),
    pytest.param(lambda size: (exact_policy, True, LISTED, ",".join(["x-unknown"] * (size // 10))), id="names"),
    pytest.param(
        lambda size: (exact_policy, True, LISTED, ",".join(["content-type"] * (size // 13))), id="allowed names"
    ),
    pytest.param(lambda size: (exact_policy, True, LISTED, "x" * size), id="one long name"),
]


@pytest.mark.parametrize("hostile", LONG)
def test_a_hostile_value_costs_the_same_however_long_it_is(hostile: Callable[[int], Any]) -> None:
    counts, bytes_taken = [], []
    for size in (8 * KIB, 64 * KIB, 1024 * KIB):
        build, preflight, origin, names = hostile(size)
        request = serve(policy_of(build, ONE), preflight=preflight, names=names)
        counts.append(count_of(partial(request, origin)))
        bytes_taken.append(peak_bytes(partial(request, origin)))
    assert len({count.instructions for count in counts}) == 1
    assert len({tuple(count.calls.items()) for count in counts}) == 1
    # A copy of the value, or a list of its parts, would be larger than the smallest of them.
    assert max(bytes_taken) < 8 * KIB


@pytest.mark.parametrize("door", [CORSMiddleware, in_flask, in_bottle])
@pytest.mark.parametrize(
    ("preflight", "origin", "names"),
    [
        pytest.param(False, "https://" + "a" * KIB, NAMES, id="Origin"),
        pytest.param(True, "https://" + "a" * KIB, NAMES, id="Origin of a preflight"),
        pytest.param(True, LISTED, "x" * KIB, id="names"),
    ],
)
def test_a_hostile_value_is_not_even_hashed_once_its_kind_was_logged(
    door: Any, preflight: bool, origin: str, names: str
) -> None:
    policy = policy_of(exact_policy, ONE)
    log = RejectionLog(logging.getLogger("corecors.cost"), lines=0, clock=lambda: 0.0)
    for kind in (str, NeverHashed):
        wrapped = door(app, policy, rejections=log)
        wrapped(asked(kind(origin) if len(origin) >= KIB else origin, preflight, kind(names)), start_response)


@pytest.mark.parametrize("path", [param for param in PATHS if not param.values[0].may_lock])  # type: ignore[attr-defined]
def test_no_lock_is_taken_on_the_way(path: Path) -> None:
    count = count_of(path.action(ONE))
    assert not {"acquire", "release", "__enter__", "__exit__"} & set(count.calls)
    # What a `with` statement compiles to; 3.14 has the second.
    assert not {"BEFORE_WITH", "LOAD_SPECIAL"} & count.operations
