"""The ASGI adapter against the least that a correct ASGI wrapper can do and against other libraries, in one run.

The argument
------------
On a request that reaches the app, a correct wrapper cannot do less than this: pass once over the request's headers to
find `Origin`; look it up; stand between the app and the server's `send`, by one plain function made per request; and
make a new message with a new list, for the app may keep its own. The floor does just that, everything else being
computed before. It takes the first `Origin` line for the only one, compares names as they are, replaces nothing that
the app set, merges no `Vary`, counts no refusal and knows no WebSocket: a distance to be measured against, no design.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice
from time import perf_counter_ns
from typing import Any

from benchmarks.peers import BODY, HEADERS, WRONG, Pair, Peer, asgi_peers, fault_of, is_installed
from benchmarks.results import Results
from benchmarks.scenarios import Scenario, with_exact_origins
from benchmarks.subjects import BARE, FLOOR, OURS, policy_for
from benchmarks.tables import Table
from benchmarks.targets import ACTUAL, Measured, Target
from benchmarks.timing import Candidate, measure_interleaved
from benchmarks.workload import (
    ALLOWED_HEADERS,
    ALLOWED_METHODS,
    EXPOSED_HEADERS,
    MAX_AGE,
    Rules,
    asgi_app_with_2_headers,
    asgi_scope,
)

Application = Callable[..., Any]
ByteLines = list[tuple[bytes, bytes]]


def floor(app: Application, origins: Sequence[str]) -> Application:
    """The floor for a list of exact origins. It answers no preflights."""
    exposed = ", ".join(EXPOSED_HEADERS).encode()
    rest = [(b"access-control-allow-credentials", b"true"), (b"access-control-expose-headers", exposed)]
    refused: ByteLines = [(b"vary", b"Origin")]
    answers: dict[bytes, ByteLines] = {
        origin.encode(): [(b"access-control-allow-origin", origin.encode()), *rest, *refused] for origin in origins
    }

    async def wrapped(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] != "http":
            return await app(scope, receive, send)
        lines = refused
        for name, value in scope["headers"]:
            if name == b"origin":
                lines = answers.get(value, refused)
                break

        def start(message, send=send, lines=lines):  # type: ignore[no-untyped-def]
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *lines]}
            return send(message)

        return await app(scope, receive, start)

    return wrapped


def ours(app: Application, rules: Rules) -> Application:
    from corecors.adapters.asgi import CORSMiddleware

    return CORSMiddleware(app, policy_for(rules))


def _quart_cors(rules: Rules) -> Pair:
    from quart import Quart, Response
    from quart_cors import cors

    def app() -> Any:
        quart = Quart("benchmark")

        async def view() -> Any:
            return Response(BODY, headers=HEADERS)

        quart.add_url_rule("/", view_func=view, methods=["GET", "PUT", "DELETE"])
        return quart

    wrapped = cors(
        app(),
        allow_origin=list(rules.origins),
        allow_methods=list(ALLOWED_METHODS),
        allow_headers=list(ALLOWED_HEADERS),
        expose_headers=list(EXPOSED_HEADERS),
        allow_credentials=True,
        max_age=MAX_AGE,
    )
    return Pair(app(), wrapped)


def _falcon(rules: Rules) -> Pair:
    import falcon
    import falcon.asgi

    class View:
        async def on_get(self, request: Any, response: Any) -> None:
            response.text, response.content_type = BODY, "text/plain"

        on_put = on_delete = on_get

    def app(*middleware: Any) -> Any:
        made = falcon.asgi.App(middleware=list(middleware))
        made.add_route("/", View())
        return made

    origins = list(rules.origins)
    cors = falcon.CORSMiddleware(allow_origins=origins, expose_headers=EXPOSED_HEADERS, allow_credentials=origins)
    return Pair(app(), app(cors))


FRAMEWORK_PEERS = (Peer("quart-cors", _quart_cors, asgi=True), Peer("falcon", _falcon, asgi=True))


def runner(app: Application, loop: asyncio.AbstractEventLoop) -> Callable[[Sequence[Any]], int]:
    """Time an ASGI app over a batch of scopes in an event loop, which frameworks need."""

    async def send(message: dict[str, object]) -> None:
        pass

    def receiver() -> Callable[[], Any]:
        waiting = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, object]:
            if not waiting:
                await loop.create_future()  # frameworks wait for the client to leave
            return waiting.pop()

        return receive

    async def batch(scopes: Sequence[Any]) -> int:
        asked = [(scope, receiver()) for scope in scopes]
        began = perf_counter_ns()
        for scope, receive in asked:
            await app(scope, receive, send)
        return perf_counter_ns() - began

    return lambda scopes: loop.run_until_complete(batch(scopes))


def measure(results: Results, seconds: float) -> None:
    """Add the group "asgi": what each adds to the bare app of its own framework, all in the same rounds."""
    peers = [peer for peer in (*asgi_peers(), *FRAMEWORK_PEERS) if is_installed(peer.package, results)]
    loop = asyncio.new_event_loop()
    try:
        for scenario in with_exact_origins(10):
            if not scenario.family.endswith(("in turn", "never seen")):
                _measure(results, scenario, peers, loop, seconds)
    finally:
        loop.close()


def _measure(
    results: Results, scenario: Scenario, peers: Sequence[Peer], loop: asyncio.AbstractEventLoop, max_seconds: float
) -> None:
    requests = scenario.requests()

    def candidate(app: Application) -> Candidate:
        return Candidate(lambda number: [asgi_scope(each) for each in islice(requests, number)], runner(app, loop))

    app = asgi_app_with_2_headers
    candidates = {BARE.name: candidate(app), OURS.name: candidate(ours(app, scenario.rules))}
    bare = {OURS.name: BARE.name, FLOOR.name: BARE.name}
    if not scenario.outcome.is_preflight:
        candidates[FLOOR.name] = candidate(floor(app, scenario.rules.origins))
    faults: dict[str, str] = {}
    for peer in peers:
        pair = peer.build(scenario.rules)
        if pair is None or (scenario.outcome.is_preflight and not peer.answers_preflights):
            continue
        faults[peer.package] = fault_of(peer, pair.wrapped, scenario)
        candidates[peer.package] = candidate(pair.wrapped)
        bare[peer.package] = BARE.name
        if peer in FRAMEWORK_PEERS:
            bare[peer.package] = f"bare {peer.package}"
            candidates[bare[peer.package]] = candidate(pair.bare)
    samples = measure_interleaved(candidates, rounds=1000, max_seconds=max_seconds)
    for name, of in bare.items():
        if name in samples:
            # A preflight never reaches the app: it is the whole of what it costs.
            less = None if scenario.outcome.is_preflight else samples[of]
            results.add_timed(
                "asgi", scenario.name, name, samples[name], less=less, size=scenario.size, fault=faults.get(name, "")
            )


def table(results: Results) -> Table:
    """What each adds in nanoseconds, and as a multiple of the floor where there is one."""
    figures = results.group("asgi")
    subjects = [name for name in dict.fromkeys(figure.subject for figure in figures) if name != FLOOR.name]
    rows = [["scenario, ns added", "floor", *subjects, "ours, × floor"]]
    for scenario in dict.fromkeys(figure.scenario for figure in figures):
        least = results.value("asgi", scenario, FLOOR.name)
        found = [results.figure("asgi", scenario, subject) for subject in (FLOOR.name, *subjects)]
        cost = results.value("asgi", scenario, OURS.name)
        ratio = f"{cost / least:.2f}" if cost is not None and least else "–"
        rows.append(
            [scenario, *(f"{each.value:.0f}{WRONG * bool(each.fault)}" if each else "–" for each in found), ratio]
        )
    return rows


def _against_floor(results: Results) -> Measured:
    for family in ACTUAL:
        name = f"{family}, 10 origins"
        ours, least = results.value("asgi", name, OURS.name), results.value("asgi", name, FLOOR.name)
        if ours is not None and least:
            yield name, ours / least


def _right_peers(results: Results) -> Measured:
    for figure in results.group("asgi"):
        ours = results.value("asgi", figure.scenario, OURS.name)
        if figure.subject not in (OURS.name, FLOOR.name) and not figure.fault and ours:
            yield f"{figure.subject}, {figure.scenario}", figure.value / ours


def below_the_floor(results: Results) -> str:
    """Which wrong answers are cheaper than the floor, and what the cheapest of the right ones takes."""
    below = []
    for figure in results.group("asgi"):
        least = results.value("asgi", figure.scenario, FLOOR.name)
        if figure.fault and least is not None and figure.value < least:
            below.append(
                f"{figure.subject}, {figure.scenario}: {figure.value:.0f} ns, of the floor {least:.0f} ({figure.fault})"
            )
    text = []
    if below:
        text.append(
            f"{WRONG} A wrong answer, which can cost less than the least that a right one costs: {'; '.join(below)}."
            " To be cheaper than those is a target that is wrong: nothing that answers rightly can be."
        )
    if right := dict(_right_peers(results)):
        cheapest = min(right, key=lambda name: right[name])
        dearer = sum(ratio > 1 for ratio in right.values())
        text.append(
            f"Of the {len(right)} answers that are right, {dearer} cost more than ours; the cheapest of them is"
            f" {cheapest}, at {right[cheapest]:.2f} times ours."
        )
    return " ".join(text)


TABLES = {"asgi": ("ASGI adapter, beyond the bare app (preflights: in all)", table)}

TARGETS = (
    Target("ASGI adapter", "≤", 1.6, " × its floor", _against_floor, compiled=1.1),
    Target("every ASGI peer with a right answer", "≥", 1, " × ours", _right_peers, compiled=2),
)
