"""Other CORS libraries in Python, each around the least app of its own framework, less that app alone.

Each is configured as its documentation says for the same policy: these origins, methods, headers, credentials and age.
What a peer does not do (bottle-cors-plugin sends no credentials, asgi-cors answers no preflight) it gets for free.
"""

import asyncio
import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from benchmarks.foreign import measure_foreign_peers
from benchmarks.results import Results
from benchmarks.scenarios import Scenario, with_exact_origins, with_patterns
from benchmarks.subjects import FLOOR, OURS, Subject
from benchmarks.tables import Table, cost, number
from benchmarks.targets import Measured, Target
from benchmarks.timing import Candidate, asgi_runner, measure_interleaved, wsgi_runner
from benchmarks.workload import (
    ALLOWED_HEADERS,
    ALLOWED_METHODS,
    EXPOSED_HEADERS,
    MAX_AGE,
    Request,
    Rules,
    app_with_2_headers,
    asgi_app_with_2_headers,
    asgi_scope,
    wsgi_environ,
)

BODY = "ok"
HEADERS = {"Content-Type": "text/plain", "Content-Length": "2"}

# Where a peer takes longer than this for one request, larger policies are not tried with it.
SLOWEST = 0.05  # seconds

SIZES = (1, 10, 100, 1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class Pair:
    """A peer's app and the same app without it."""

    bare: Any
    wrapped: Any
    # Told before each batch, for peers that read their configuration from a global place at every request.
    before: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """`build` returns None for rules that the peer can't express. `package` is what pip calls it."""

    package: str
    build: Callable[[Rules], Pair | None]
    asgi: bool = False
    answers_preflights: bool = True


def _flask_cors(rules: Rules) -> Pair | None:
    from flask import Flask, Response
    from flask_cors import CORS

    def app() -> Any:
        flask = Flask("benchmark")
        flask.add_url_rule("/", view_func=lambda: Response(BODY, headers=HEADERS), methods=["GET", "PUT", "DELETE"])
        return flask

    wrapped = app()
    CORS(
        wrapped,
        origins=[*rules.origins, *(rf"https://([a-z0-9-]+\.)+{domain}" for domain in rules.domains)],
        methods=list(ALLOWED_METHODS),
        allow_headers=list(ALLOWED_HEADERS),
        expose_headers=list(EXPOSED_HEADERS),
        supports_credentials=True,
        max_age=MAX_AGE,
    )
    return Pair(app(), wrapped)


def _wsgicors(rules: Rules) -> Pair | None:
    from wsgicors import CORS

    wrapped = CORS(
        app_with_2_headers,
        origin=" ".join([*rules.origins, *(f"https://*.{domain}" for domain in rules.domains)]),
        methods=", ".join(ALLOWED_METHODS),
        headers=", ".join(ALLOWED_HEADERS),
        expose_headers=", ".join(EXPOSED_HEADERS),
        credentials="true",
        maxage=str(MAX_AGE),
    )
    return Pair(app_with_2_headers, wrapped)


def _starlette(rules: Rules) -> Pair | None:
    from starlette.middleware.cors import CORSMiddleware

    regex = "|".join(rf"https://([a-z0-9-]+\.)+{domain.replace('.', chr(92) + '.')}" for domain in rules.domains)
    wrapped = CORSMiddleware(
        asgi_app_with_2_headers,
        allow_origins=list(rules.origins),
        allow_origin_regex=regex or None,
        allow_methods=list(ALLOWED_METHODS),
        allow_headers=list(ALLOWED_HEADERS),
        expose_headers=list(EXPOSED_HEADERS),
        allow_credentials=True,
        max_age=MAX_AGE,
    )
    return Pair(asgi_app_with_2_headers, wrapped)


def _asgi_cors(rules: Rules) -> Pair | None:
    from asgi_cors import asgi_cors

    wrapped = asgi_cors(
        asgi_app_with_2_headers,
        hosts=list(rules.origins),
        host_wildcards=[f"https://*.{domain}" for domain in rules.domains],
        headers=list(ALLOWED_HEADERS),
        methods=list(ALLOWED_METHODS),
        max_age=MAX_AGE,
    )
    return Pair(asgi_app_with_2_headers, wrapped)


def _falcon(rules: Rules) -> Pair | None:
    import falcon

    if rules.domains:
        return None

    class Resource:
        def on_get(self, request: Any, response: Any) -> None:
            response.text = BODY
            response.content_type = "text/plain"

        on_put = on_delete = on_get

    def app(middleware: list[Any]) -> Any:
        made = falcon.App(middleware=middleware)
        made.add_route("/", Resource())
        return made

    cors = falcon.CORSMiddleware(
        allow_origins=rules.origins, expose_headers=EXPOSED_HEADERS, allow_credentials=rules.origins
    )
    return Pair(app([]), app([cors]))


def _bottle_cors_plugin(rules: Rules) -> Pair | None:
    import bottle
    from bottle_cors_plugin import cors_plugin

    if rules.domains:
        return None

    def app() -> Any:
        made = bottle.Bottle()
        made.route("/", method=["GET", "OPTIONS"], callback=lambda: BODY)
        return made

    wrapped = app()
    plugin = cors_plugin(list(rules.origins))
    wrapped.install(plugin)

    def before() -> None:
        plugin.origins = list(rules.origins)

    return Pair(app(), wrapped, before)


def _django_cors_headers(rules: Rules) -> Pair | None:
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.urls import path

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=type("urls", (), {"urlpatterns": [path("", lambda request: HttpResponse(BODY))]}),
            INSTALLED_APPS=["corsheaders"],
            MIDDLEWARE=[],
            LOGGING_CONFIG=None,
            CORS_ALLOW_METHODS=list(ALLOWED_METHODS),
            CORS_ALLOW_HEADERS=list(ALLOWED_HEADERS),
            CORS_EXPOSE_HEADERS=list(EXPOSED_HEADERS),
            CORS_ALLOW_CREDENTIALS=True,
            CORS_PREFLIGHT_MAX_AGE=MAX_AGE,
        )
        django.setup()

    def app(middleware: list[str]) -> Any:
        settings.MIDDLEWARE = middleware
        return WSGIHandler()

    def before() -> None:
        settings.CORS_ALLOWED_ORIGINS = list(rules.origins)
        settings.CORS_ALLOWED_ORIGIN_REGEXES = [
            rf"^https://([a-z0-9-]+\.)+{domain.replace('.', chr(92) + '.')}$" for domain in rules.domains
        ]

    return Pair(app([]), app(["corsheaders.middleware.CorsMiddleware"]), before)


PEERS = (
    Peer("wsgicors", _wsgicors),
    Peer("falcon", _falcon),
    Peer("asgi-cors", _asgi_cors, asgi=True, answers_preflights=False),
    Peer("starlette", _starlette, asgi=True),
    Peer("bottle-cors-plugin", _bottle_cors_plugin),
    Peer("flask-cors", _flask_cors),
    Peer("django-cors-headers", _django_cors_headers),
)


def measure(results: Results, seconds: float) -> None:
    measure_peers(results, max_seconds=seconds * 1.5)
    measure_foreign_peers(results)


def measure_peers(results: Results, *, max_seconds: float, peers: Sequence[Peer] = PEERS) -> None:
    """Add the group "peers": every peer, ours and the floor in the same rounds; one scenario takes `max_seconds`."""
    installed = [peer for peer in peers if is_installed(peer.package, results)]
    too_slow: dict[str, str] = {}
    scenarios = [scenario for size in SIZES for scenario in with_exact_origins(size)]
    scenarios = [scenario for scenario in scenarios if scenario.size in (10, 1_000) or scenario.family == "allowed"]
    scenarios += [with_patterns(size)[0] for size in (1, 100)]
    for scenario in scenarios:
        candidates: dict[str, Candidate] = {}
        faults: dict[str, str] = {}
        for subject in (FLOOR, OURS):
            _add_subject(candidates, subject, scenario)
        for peer in installed:
            if peer.package not in too_slow:
                _add_peer(candidates, faults, peer, scenario)
        samples = measure_interleaved(candidates, rounds=300, max_seconds=max_seconds)
        for name, sample in samples.items():
            if name.startswith("bare "):
                continue
            less = None if scenario.outcome.is_preflight else samples["bare " + name]
            results.add_timed(
                "peers",
                scenario.name,
                name,
                sample,
                less=less,
                around=scenario.kind,
                size=scenario.size,
                fault=faults.get(name, ""),
            )
            if sample.minimum > SLOWEST * 1e9 and name not in too_slow:
                too_slow[name] = scenario.name
    for package, scenario_name in too_slow.items():
        results.notes.append(f"{package} was not tried any further after {scenario_name!r}: over 50 ms a request.")


def _add_subject(candidates: dict[str, Candidate], subject: Subject, scenario: Scenario) -> None:
    app = subject.wrap(app_with_2_headers, scenario.rules)
    if app is not None:
        if not scenario.outcome.is_preflight:
            candidates["bare " + subject.name] = _wsgi(app_with_2_headers, scenario)
        candidates[subject.name] = _wsgi(app, scenario)


def _add_peer(candidates: dict[str, Candidate], faults: dict[str, str], peer: Peer, scenario: Scenario) -> None:
    if scenario.outcome.is_preflight and not peer.answers_preflights:
        return
    pair = peer.build(scenario.rules)
    if pair is None:
        return
    if pair.before is not None:
        pair.before()
    faults[peer.package] = fault_of(peer, pair.wrapped, scenario)
    make = _asgi if peer.asgi else _wsgi
    if not scenario.outcome.is_preflight:
        candidates["bare " + peer.package] = make(pair.bare, scenario)
    candidates[peer.package] = make(pair.wrapped, scenario)


def _wsgi(app: Any, scenario: Scenario) -> Candidate:
    requests = scenario.requests()
    return Candidate(lambda number: [wsgi_environ(each) for each in islice(requests, number)], wsgi_runner(app))


def _asgi(app: Any, scenario: Scenario) -> Candidate:
    requests = scenario.requests()
    return Candidate(lambda number: [asgi_scope(each) for each in islice(requests, number)], asgi_runner(app))


def asgi_peers() -> list[Peer]:
    """Those that wrap an ASGI application."""
    return [peer for peer in PEERS if peer.asgi]


def fault_of(peer: Peer, app: Any, scenario: Scenario) -> str:
    """What a browser or a cache would mind about the answer; "" where it is right."""
    for request in islice(scenario.requests(), 2):
        answer = list(_answer(peer, app, request))
        granted = [value for name, value in answer if name == "access-control-allow-origin"]
        if len(granted) > 1:
            return "doubled Access-Control-Allow-Origin"
        if granted and not scenario.outcome.grants:
            return "reflects any origin" if granted == [request.origin] else f"grants {granted[0]}"
        if scenario.outcome.grants and granted != [request.origin]:
            return "grants nothing" if not granted else f"grants {granted[0]}"
        varies = {each.strip().lower() for name, value in answer if name == "vary" for each in value.split(",")}
        # No cache keeps the answer to a preflight (RFC 9110, 9.3.7).
        if not scenario.outcome.is_preflight and varies.isdisjoint({"origin", "*"}):
            return "no Vary"
    return ""


def _answer(peer: Peer, app: Any, request: Request) -> Iterator[tuple[str, str]]:
    seen: list[tuple[Any, Any]] = []
    if peer.asgi:
        waiting = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, object]:
            if not waiting:
                await asyncio.Event().wait()  # frameworks wait for the client to leave
            return waiting.pop()

        async def send(message: dict[str, Any]) -> None:
            seen.extend(message.get("headers", ()))

        asyncio.run(app(asgi_scope(request), receive, send))
        # asgi-cors sends some of its values as str, which the protocol doesn't allow.
        return ((_text(name).lower(), _text(value)) for name, value in seen)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        seen.extend(headers)
        return lambda data: None

    app(wsgi_environ(request), start_response)
    return ((name.lower(), value) for name, value in seen)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def is_installed(package: str, results: Results) -> bool:
    try:
        results.machine[package] = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        results.skipped.append(f"{package} is not installed, so it was not measured.")
        return False
    return True


def table(results: Results) -> Table:
    """Every subject's cost as a multiple of ours; with a mark where its answer is wrong."""
    return _as_multiples(results, results, "ours")


def table_of_compiled(results: Results) -> Table:
    return _as_multiples(results, results.compiled(), "compiled")


def _as_multiples(results: Results, of: Results, name: str) -> Table:
    figures = results.group("peers")
    subjects = [name for name in dict.fromkeys(figure.subject for figure in figures) if name != OURS.name]
    rows = [[f"scenario, × {name}", name, *subjects]]
    for scenario in dict.fromkeys(figure.scenario for figure in figures if figure.subject == OURS.name):
        ours = of.value("peers", scenario, OURS.name)
        if ours is None:
            continue
        found = [results.figure("peers", scenario, subject) for subject in subjects]
        ratios = [number(each.value / ours) + WRONG * bool(each.fault) if each and ours else "–" for each in found]
        rows.append([scenario, cost(ours), *ratios])
    return rows


def faults(results: Results) -> str:
    """What the marks stand for."""
    scenarios: dict[tuple[str, str], list[str]] = {}
    for figure in (*results.group("peers"), *results.group("asgi")):
        if figure.fault:
            family = figure.scenario.partition(",")[0]
            named = scenarios.setdefault((figure.subject, figure.fault), [])
            if family not in named:
                named.append(family)
    told = [f"{peer}: {fault} ({', '.join(named)})" for (peer, fault), named in scenarios.items()]
    return f"{WRONG} A wrong answer, which is cheap: {'; '.join(told)}." if told else ""


WRONG = "†"


def _cheaper_than(peer: str, scenario: str = "allowed, 10 origins") -> Callable[[Results], Measured]:
    def measure(results: Results) -> Measured:
        ours, theirs = results.value("peers", scenario, OURS.name), results.value("peers", scenario, peer)
        if ours and theirs is not None:
            yield scenario, theirs / ours

    return measure


def _right_peers(results: Results) -> Measured:
    """How many times as expensive the cheapest Python peer is whose answer is right, against both builds' own ours."""
    ours = {each.scenario: each.value for each in results.group("peers") if each.subject == OURS.name}
    packages = {peer.package for peer in PEERS}
    for figure in results.group("peers"):
        if figure.subject in packages and not figure.fault and ours.get(figure.scenario):
            yield f"{figure.subject}, {figure.scenario}", figure.value / ours[figure.scenario]


TABLES = {
    "peers": ("Peers, beyond their own bare app", table),
    "peers_of_compiled": ("The same as multiples of the compiled build", table_of_compiled),
}

TARGETS = (
    Target("every Python peer with a right answer", "≥", 1, " × ours", _right_peers, compiled=2),
    Target("Go's rs/cors, 1,000 origins", "≥", 1, " × ours", _cheaper_than("Go rs/cors", "allowed, 1,000 origins")),
)
