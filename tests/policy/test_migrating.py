"""Configurations of flask-cors and Starlette, translated as docs/migrating.md says: pages read what they read before.

The configurations are random, from a fixed seed. Each is made into a policy by the table of names, defaults spelled
out, and both answer the same requests, which the model of the browser judges.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from corecors import Policy, PolicyError
from corecors._decisions.headers import SAFELISTED_METHODS
from corecors._policy import foreign_names as table
from corecors._policy.foreign_names import FOREIGN_NAMES
from corecors.browser import Credentials, Received, Request, SentRequest, simulate

CONFIGURATIONS = 850
REQUESTS = 6  # for each configuration
OWN, OTHER, PREVIEW, FOREIGN = "https://app.test", "https://b.test", "https://pr7.c.test", "https://evil.test"
REGEX = r"https://pr[0-9]+\.c\.test"
THE_ONE_REASON = "any-origin-with-credentials"  # for which the page says that a configuration is refused here
NAMES = ["Authorization", "Content-Type", "X-A", "X-B"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
SAFELISTED = ["Accept", "Accept-Language", "Content-Language", "Content-Type"]  # which Starlette always allows

Send = Callable[[SentRequest], Received]


def policy_of(library: str, given: dict[str, Any], defaults: dict[str, Any]) -> Policy:
    """The policy that the table makes of a configuration of `library`."""
    arguments: dict[str, Any] = {}
    for entry in FOREIGN_NAMES:
        if entry.library == library and entry.argument:
            translated = entry.translated(given.get(entry.name, defaults[entry.name]))
            assert translated is not None
            arguments |= translated
    # What the page says beside the table
    origins = arguments.get("allow_origins", [])
    regexes = [each for each in origins if each == REGEX]
    arguments["allow_origins"] = [each for each in origins if each != REGEX]
    arguments["allow_origin_regexes"] = [*arguments.get("allow_origin_regexes", []), *regexes]
    if arguments.get("allow_headers") == ["*"]:
        arguments["allow_headers"] = ["*", "Authorization"]
    elif library == table.STARLETTE:
        arguments["allow_headers"] = [*arguments["allow_headers"], *SAFELISTED]
    return Policy(**arguments)


def served_here(policy: Policy) -> Send:
    def send(sent: SentRequest) -> Received:
        origin = sent.get("Origin")
        method = sent.get("Access-Control-Request-Method")
        if sent.preflight and origin is not None and method is not None:
            decision = policy.preflight(origin, method, sent.get("Access-Control-Request-Headers"))
        else:
            decision = policy.actual(origin)
        return Received(decision.status or 200, decision.lines)

    return send


def some(random: random.Random, choices: list[Any]) -> list[Any]:
    return random.sample(choices, random.randint(1, len(choices)))


def flask_configuration(random: random.Random) -> dict[str, Any]:
    choices: dict[str, list[Any]] = {
        "origins": ["*", OWN, some(random, [OWN, OTHER, REGEX])],
        "methods": [some(random, METHODS), "GET, PUT"],
        "allow_headers": ["*", some(random, NAMES), "X-A"],
        "expose_headers": [None, some(random, ["X-Total", "ETag"]), "X-Total"],
        "supports_credentials": [True, False],
        "max_age": [None, 600, "60"],
        "send_wildcard": [True, False],
        "vary_header": [True, False],
        "always_send": [True, False],
    }
    found = {name: random.choice(values) for name, values in choices.items() if random.random() < 0.5}
    if found.get("send_wildcard") and found.get("supports_credentials"):
        del found["send_wildcard"]  # which flask-cors refuses together
    return found


def served_by_flask_cors(given: dict[str, Any]) -> Send:
    flask = pytest.importorskip("flask")
    app = flask.Flask("migrating")
    pytest.importorskip("flask_cors").CORS(app, **given)
    app.add_url_rule("/", "any", lambda: "read", methods=METHODS)
    client = app.test_client()

    def send(sent: SentRequest) -> Received:
        response = client.open("/", method=sent.method, headers=list(sent.headers))
        return Received(response.status_code, list(response.headers))

    return send


def starlette_configuration(random: random.Random) -> dict[str, Any]:
    choices: dict[str, list[Any]] = {
        "allow_origins": [["*"], some(random, [OWN, OTHER])],
        "allow_origin_regex": [REGEX],
        "allow_methods": [["*"], some(random, METHODS)],
        "allow_headers": [["*"], some(random, NAMES)],
        "expose_headers": [some(random, ["X-Total", "ETag"])],
        "allow_credentials": [True, False],
        "max_age": [0, 60],
    }
    return {name: random.choice(values) for name, values in choices.items() if random.random() < 0.6}


def served_by_starlette(given: dict[str, Any]) -> Send:
    pytest.importorskip("starlette")
    pytest.importorskip("httpx")
    import asyncio

    from starlette.applications import Starlette
    from starlette.middleware.cors import CORSMiddleware
    from starlette.requests import Request as StarletteRequest
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def read(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse("read")

    app = Starlette(routes=[Route("/", read, methods=METHODS)])
    app.add_middleware(CORSMiddleware, **given)

    def send(sent: SentRequest) -> Received:
        scope = {
            "type": "http",
            "method": sent.method,
            "path": "/",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.headers],
        }
        started: dict[str, Any] = {}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def note(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                started.update(message)

        asyncio.run(app(scope, receive, note))  # type: ignore[arg-type]
        lines = [(name.decode(), value.decode()) for name, value in started["headers"]]
        return Received(started["status"], lines)

    return send


def request_of(random: random.Random) -> Request:
    headers = {name: "application/json" if name == "Content-Type" else "1" for name in some(random, NAMES)}
    return Request(
        url="https://api.test/",
        origin=random.choice([OWN, OTHER, PREVIEW, FOREIGN]),
        method=random.choice(METHODS),
        headers=tuple(headers.items()) if random.random() < 0.6 else (),
        credentials=random.choice([Credentials.OMIT, Credentials.INCLUDE]),
    )


@pytest.mark.parametrize(
    ("library", "configuration", "served_there", "defaults"),
    [
        pytest.param(
            table.FLASK,
            flask_configuration,
            served_by_flask_cors,
            lambda: pytest.importorskip("flask_cors.core").DEFAULT_OPTIONS,
            id="flask-cors",
        ),
        pytest.param(
            table.STARLETTE,
            starlette_configuration,
            served_by_starlette,
            lambda: {
                **dict.fromkeys(["allow_origins", "allow_headers", "expose_headers"], ()),
                "allow_methods": ("GET",),
                "allow_credentials": False,
                "allow_origin_regex": None,
                "max_age": 600,
            },
            id="Starlette",
        ),
    ],
)
def test_what_a_page_could_read_before_it_can_read_after(
    library: str,
    configuration: Callable[[random.Random], dict[str, Any]],
    served_there: Callable[[dict[str, Any]], Send],
    defaults: Callable[[], dict[str, Any]],
) -> None:
    dice = random.Random(20_26)
    refused, compared, read, lost, gained = 0, 0, 0, [], []
    for _ in range(CONFIGURATIONS):
        given = configuration(dice)
        there = served_there(given)
        try:
            policy = policy_of(library, given, defaults())
        except PolicyError as error:
            refused += [problem.code for problem in error.problems] == [THE_ONE_REASON]
            continue
        compared += 1
        here = served_here(policy)
        for _ in range(REQUESTS):
            request = request_of(dice)
            before, after = simulate(request, there), simulate(request, here)
            read += before.readable
            if before.readable and not after.readable:
                lost.append((given, request, after.explanation))
            # GET, HEAD and POST pass every preflight here: browsers never ask for them (Fetch, CORS-safelisted method).
            if after.readable and not before.readable and request.method not in SAFELISTED_METHODS:
                gained.append((given, request, before.explanation))
    assert lost == []
    assert gained == []
    assert refused == CONFIGURATIONS - compared
    assert refused > CONFIGURATIONS // 50
    assert read > CONFIGURATIONS // 2
