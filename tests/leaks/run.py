"""Whether the build that is installed keeps references, or harms any, under a debug build of CPython:

    python3.11-dbg tests/leaks/run.py [ROUNDS]

What compiles to C counts references by itself, and where it does so wrongly, an interpreter that checks nothing shows
it late or never. One with `Py_DEBUG` ends the process where a count falls below nothing or an object is used that was
freed. What is counted here: blocks of memory, and references to the objects that are never freed (`None` and the like).

Every workload runs ROUNDS (100) times after a warm-up, and both numbers must be what they were: what one request keeps
would be there once for each. Then random and hostile text goes through the functions that the fuzzer calls.
`sys.gettotalrefcount` says nothing here, for mypyc counts up without telling it.
"""

import asyncio
import contextlib
import gc
import itertools
import logging
import os
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "support"))

import fuzz_targets

import corecors
from corecors import (
    UNDECIDED,
    CORSRequest,
    Decision,
    OriginPolicies,
    PathPolicies,
    Policy,
    evaluate,
    preflight_headers,
    response_headers,
)
from corecors._origins.regex.compiling import _compiled
from corecors.adapters import asgi, wsgi

WARM_UP = 3  # rounds: memories and caches are full by then
MAX_KEPT = 20  # what Python's own caches take and give back
FUZZED = 4  # texts of each target a round
LISTED, BELOW, REFUSED = "https://app.example.com", "https://a.b.example.org", "https://evil.example"
HOSTILE = (
    "null",
    "",
    "*",
    "https://",
    "https://app.example.com/",
    "\xff" * 9,
    "a" * 9000,
    "https://[::1]",
    "https://x",
)
SEED = int(os.environ.get("CORECORS_FUZZ_SEED", "20261127"))

Environ = dict[str, Any]


class Paths:
    """A source of the application's own; it fails for some."""

    def policy_for(self, request: CORSRequest) -> Any:
        if request.origin == REFUSED:
            raise LookupError(request.path)
        return {"/none": None, "/undecided": UNDECIDED}.get(request.path, PLAIN)


def failing_hook(decision: Decision, request: CORSRequest) -> None:
    raise RuntimeError(decision.explain())


SETTINGS: dict[str, Any] = {
    "allow_methods": ["GET", "PUT"],
    "allow_headers": ["X-One", "Authorization"],
    "expose_headers": ["X-Total"],
    "max_age": 600,
}
PLAIN = Policy(allow_origins=[LISTED, "https://*.example.org"], allow_credentials=True, **SETTINGS)
OPEN = Policy(allow_origins=["*"], **SETTINGS)
ASKING = Policy(allow_origin_predicate=lambda origin: origin.endswith(".example.com"), debug=True, **SETTINGS)
BY_PATH = PathPolicies({"/api": PLAIN, "/open": OPEN, "/none": None}, default=ASKING)
POLICIES = (PLAIN, OPEN, ASKING, BY_PATH, OriginPolicies([PLAIN, OPEN]), Paths())
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"rejections": None},
    {"on_decision": lambda decision, request: decision.explain()},
    {"on_decision": failing_hook},
    {"report_only": OPEN},
    {"block_disallowed": True, "own_origins": ["https://own.example"]},
)
RESPONSES: tuple[list[tuple[str, str]], ...] = (
    [("Content-Type", "text/plain"), ("X-One", "1")],
    [("Vary", "Accept"), ("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "X-Own, *")],
)


def requests() -> Iterator[Environ]:
    """What can be asked, as the variables of CGI."""
    for origin, path in itertools.product(
        (None, LISTED, BELOW, REFUSED, *HOSTILE), ("/api/x", "/open", "/none", "//x")
    ):
        origins = {} if origin is None else {"HTTP_ORIGIN": origin}
        yield {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            **origins,
            "HTTP_COOKIE": "a=b",
            "HTTP_SEC_FETCH_MODE": "cors",
        }
        yield {"REQUEST_METHOD": "POST", "PATH_INFO": path, **origins, "HTTP_SEC_FETCH_SITE": "cross-site"}
        yield {"REQUEST_METHOD": "GET", "PATH_INFO": path, **origins, "HTTP_UPGRADE": "websocket"}
        for method, names in (("PUT", "x-one"), ("DELETE", None), ("p t", "x-two,,x-one"), ("GET", "," * 5000)):
            asked = {} if names is None else {"HTTP_ACCESS_CONTROL_REQUEST_HEADERS": names}
            asked["HTTP_ACCESS_CONTROL_REQUEST_METHOD"] = method
            yield {"REQUEST_METHOD": "OPTIONS", "PATH_INFO": path, **origins, **asked}


REQUESTS = list(requests())


def through_wsgi(governor: Any, options: dict[str, Any]) -> Callable[[], None]:
    responses = itertools.cycle(RESPONSES)

    def app(environ: Environ, start_response: Any) -> list[bytes]:
        start_response("200 OK", next(responses))
        return [b""]

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        return len

    door = wsgi.CORSMiddleware(app, governor, **options)

    def serve() -> None:
        for environ in REQUESTS:
            door({**environ}, start_response)
        door.policy = governor

    return serve


def through_asgi(governor: Any, options: dict[str, Any]) -> Callable[[], None]:
    responses = itertools.cycle(RESPONSES)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [[name.encode(), value.encode()] for name, value in next(responses)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        pass

    door = asgi.CORSMiddleware(app, governor, **options)
    scopes = [_scope(environ) for environ in REQUESTS]

    async def serve() -> None:
        for scope in scopes:
            await door({**scope}, receive, send)
        door.policy = governor

    return lambda: LOOP.run_until_complete(serve())


def _scope(environ: Environ) -> Environ:
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").lower().encode(), value.encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    kind = "websocket" if "HTTP_UPGRADE" in environ else "http"
    return {"type": kind, "method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"], "headers": headers}


def through_functions() -> None:
    for policy in (PLAIN, OPEN, ASKING):
        for origin in (LISTED, BELOW, REFUSED, *HOSTILE):
            response_headers(policy, origin)
            preflight_headers(policy, origin, "PUT", "x-one,x-two")
            decision = evaluate(policy, "OPTIONS", origin, "PUT", "x-one")
            decision.merge([("Vary", "Cookie")])
            hash((decision, decision.explain(), repr(decision), decision.reasons, decision.headers == {}))
            for wrong in (7, None, b"https://a.example"):
                with contextlib.suppress(TypeError):  # of a compiled function
                    evaluate(policy, wrong, origin)  # type: ignore[arg-type]


def fuzz(generator: random.Random) -> None:
    """A few texts of each target: its seeds, cut, joined and changed."""
    for name, check in fuzz_targets.TARGETS.items():
        for _ in range(FUZZED):
            first, second = generator.choices(SEEDS[name], k=2)
            text = first[: generator.randrange(len(first) + 1)] + second[generator.randrange(len(second) + 1) :]
            if generator.random() < 0.5:
                at = generator.randrange(len(text) + 1)
                text = text[:at] + chr(generator.choice((0, 10, 32, 42, 46, 58, 45, 255))) + text[at:]
            check(text)


SEEDS = {name: [text for text in fuzz_targets.seeds(name) if len(text) < 1000] for name in fuzz_targets.TARGETS}
LOOP = asyncio.new_event_loop()


ETERNAL: tuple[object, ...] = (None, True, False, (), "", b"", 0, 1, NotImplemented, str, tuple, PLAIN, OPEN, ASKING)


def blocks_and_references() -> tuple[int, int]:
    re.purge()  # it keeps the last 512 expressions
    _compiled.cache_clear()  # and the core the last 64 that it made automata of, each of another size
    gc.collect()
    return sys.getallocatedblocks(), sum(map(sys.getrefcount, ETERNAL))


def kept(work: Callable[[], None], rounds: int) -> tuple[int, int]:
    """What is there after some rounds and was not before them."""
    for _ in range(WARM_UP):
        work()
    blocks, counted = blocks_and_references()
    for _ in range(rounds):
        work()
    after = blocks_and_references()
    return after[0] - blocks, abs(after[1] - counted)


def main(rounds: int) -> int:
    if not hasattr(sys, "gettotalrefcount"):
        sys.exit("this Python does not count references: Debian's python3.11-dbg does")
    logging.getLogger("corecors").addHandler(logging.NullHandler())
    logging.getLogger("corecors").propagate = False
    print(f"{'compiled' if corecors.__compiled__ else 'pure'} build, Python {sys.version.split()[0]} with Py_DEBUG")
    failed = 0
    for name, through in (("WSGI", through_wsgi), ("ASGI", through_asgi)):
        for governor, options in itertools.product(POLICIES, OPTIONS):
            title = f"{name}, {type(governor).__name__} {POLICIES.index(governor)}, {', '.join(options) or 'plain'}"
            # A few rounds of many requests.
            failed += report(title, max(1, rounds // 10), through(governor, options), len(REQUESTS))
    failed += report("functions", rounds, through_functions, 1)
    generator = random.Random(SEED)
    failed += report("random text", rounds * 10, lambda: fuzz(generator), FUZZED * len(SEEDS))
    LOOP.close()
    return 1 if failed else 0


def report(title: str, rounds: int, work: Callable[[], None], calls: int) -> bool:
    """The least of three tries: what is remembered, and bounded, may fill up meanwhile."""
    blocks, counted = (min(numbers) for numbers in zip(*(kept(work, rounds) for _ in range(3)), strict=True))
    wrong = blocks > MAX_KEPT or counted > MAX_KEPT
    text = f"{title}: {3 * rounds * calls:,} calls, {blocks:+,} blocks, {counted:,} references"
    print(f"{'LEAK ' if wrong else 'ok   '}{text}", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
