"""The libraries that people come from: random configurations of each, and the same small API behind it.

Configurations have what people write, and the traps: strings where lists belong, patterns that mean something else,
wildcards in every place, numbers that are none.
"""

import asyncio
import re
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import pytest

from corecors.browser import Received, SentRequest
from corecors.testing.asgi import ASGIApplication
from corecors.testing.serving import Site
from corecors.testing.wsgi import WSGIApplication

Configuration = dict[str, Any]
Send = Callable[[SentRequest], Received]

OWN, OTHER, PREVIEW = "https://app.test", "https://b.test", "https://pr7.c.test"
ORIGINS = [
    OWN,
    OTHER,
    PREVIEW,
    "https://evil.test",
    "https://app.test.evil.test",
    "https://pr7.c.test.evil.test",
    "https://xapp.test",
    "https://app.test:8443",
    "http://app.test",
    "http://localhost",
    "http://localhost:3000",
    "null",
]
NAMES = ["Authorization", "Content-Type", "X-A", "X-B", "Accept"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
EVERY_METHOD = [*METHODS, "PROPFIND", "QUERY", "patch"]
EXPOSED = ["X-Total", "ETag"]
ANSWER = [("X-Total", "3"), ("ETag", '"1"'), ("Content-Type", "text/plain")]
SITE = Site.at("https://api.test")
REGEXES = [r"https://pr[0-9]+\.c\.test", r"^https://pr[0-9]+\.c\.test$", r"https://.*\.c\.test", r"https?://app\.test$"]
GLOBS = ["https://*.c.test", "http://localhost:*", "https://pr*.c.test", "*", "https://app.tes?", "http*://app.test"]


class Library(NamedTuple):
    """configuration: a random one. served: who answers for the API under it."""

    name: str
    configuration: Callable[[Random], Configuration]
    served: Callable[[Configuration], Send]


def some(random: Random, choices: list[Any]) -> list[Any]:
    return random.sample(choices, random.randint(1, len(choices)))


def drawn(random: Random, choices: dict[str, list[Any]], often: float = 0.55) -> Configuration:
    """One value for each name that is given; lists of lists are what else `choices` would have to be."""
    return {name: random.choice(values) for name, values in choices.items() if random.random() < often}


def _listed(random: Random) -> list[str]:
    return some(random, [OWN, OTHER, "http://app.test", "http://localhost:3000", "https://app.test:8443", PREVIEW])


# flask-cors


def flask_configuration(random: Random) -> Configuration:
    origins = ["*", OWN, f"{OWN}, {OTHER}", ["*", OWN], _listed(random), [*_listed(random), random.choice(REGEXES)]]
    origins += [
        ["https://*.c.test"],
        ["HTTPS://App.test"],
        [f"{OWN}/", OTHER],
        ["null", OWN],
        [r"https://[A-Z]+\.test"],
    ]
    origins += [re.compile(r"https://pr[0-9]+\.c\.test"), r".*", []]
    choices: dict[str, list[Any]] = {
        "origins": origins,
        "methods": [some(random, METHODS), "GET, PUT", "put", "*", "GET PUT", ["*"]],
        "allow_headers": ["*", some(random, NAMES), "X-A", "X-A, X-B", [r"X-.*"], ["*", "X-A"]],
        "expose_headers": [None, some(random, EXPOSED), "X-Total", "X-Total, ETag", "*"],
        "supports_credentials": [True, False, True],
        "max_age": [None, 600, "60", 0, "0", 100_000, -1, "soon"],
        "send_wildcard": [False, False, True],
        "vary_header": [True, False],
        "always_send": [True, False],
        "resources": ["/*", r"/.*"],
    }
    return drawn(random, choices)


def served_by_flask_cors(given: Configuration) -> Send:
    flask = pytest.importorskip("flask")
    app = flask.Flask("old")
    pytest.importorskip("flask_cors").CORS(app, **given)
    app.add_url_rule("/", "any", lambda: ("read", dict(ANSWER)), methods=[*METHODS, "PROPFIND", "QUERY"])
    return _by_wsgi(app)


def _by_wsgi(app: Any) -> Send:
    server = WSGIApplication(app, SITE)
    return lambda sent: server.ask(sent, [("Host", SITE.host), *sent.headers])


def _by_asgi(app: Any) -> Send:
    server = ASGIApplication(app, SITE)
    return lambda sent: _LOOP.run(server.ask(sent, [("Host", SITE.host), *sent.headers]))


class _Loop:
    """One event loop for all that is asked."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(self, coroutine: Any) -> Any:
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(coroutine)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()
            self._runner = None


_LOOP = _Loop()
close = _LOOP.close


# Starlette


def starlette_configuration(random: Random) -> Configuration:
    choices: dict[str, list[Any]] = {
        "allow_origins": [
            ["*"],
            _listed(random),
            [OWN, "https://*.c.test"],
            ["null", OWN],
            f"{OWN},{OTHER}",
            ("*", OWN),
        ],
        "allow_origin_regex": [*REGEXES, r"https://(?!evil).*", None],
        "allow_methods": [["*"], some(random, METHODS), "*", ["GET", "put"]],
        "allow_headers": [["*"], some(random, NAMES), [], "*"],
        "expose_headers": [some(random, EXPOSED), ["*"]],
        "allow_credentials": [True, False],
        "max_age": [0, 60, 100_000, -5],
    }
    return drawn(random, choices, 0.6)


def served_by_starlette(given: Configuration) -> Send:
    pytest.importorskip("starlette")
    from starlette.middleware.cors import CORSMiddleware

    return _by_asgi(CORSMiddleware(_asgi_api, **given))


async def _asgi_api(scope: Any, receive: Any, send: Any) -> None:
    lines = [(name.lower().encode(), value.encode()) for name, value in ANSWER]
    await send({"type": "http.response.start", "status": 200, "headers": lines})
    await send({"type": "http.response.body", "body": b"read"})


# django-cors-headers


def django_configuration(random: Random) -> Configuration:
    choices: dict[str, list[Any]] = {
        "CORS_ALLOWED_ORIGINS": [_listed(random), [OWN, "null"], ["*"], [OWN, "https://*.c.test"], (OWN,)],
        "CORS_ALLOWED_ORIGIN_REGEXES": [[random.choice(REGEXES)], [re.compile(r"^https://pr[0-9]+\.c\.test$")]],
        "CORS_ALLOW_METHODS": [some(random, METHODS), ["*"], ("GET", "PUT")],
        "CORS_ALLOW_HEADERS": [some(random, NAMES), ["*"], ["*", "Authorization"], ()],
        "CORS_EXPOSE_HEADERS": [some(random, EXPOSED), ["*"]],
        "CORS_ALLOW_CREDENTIALS": [True, False],
        "CORS_PREFLIGHT_MAX_AGE": [0, 60, 100_000],
    }
    found = drawn(random, choices)
    if random.random() < 0.2:
        found[random.choice(["CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"])] = True
    if "CORS_ALLOWED_ORIGINS" in found and random.random() < 0.2:
        found["CORS_ORIGIN_WHITELIST"] = found.pop("CORS_ALLOWED_ORIGINS")
    return found


def served_by_django(given: Configuration) -> Send:
    import django_site  # noqa: F401  # which sets Django up
    from django.http import HttpRequest, HttpResponse
    from django.test import RequestFactory, override_settings

    middleware = pytest.importorskip("corsheaders.middleware").CorsMiddleware

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("read", headers=dict(ANSWER))

    def send(sent: SentRequest) -> Received:
        with override_settings(**given):
            request = RequestFactory().generic(sent.method, "/", headers=dict(sent.headers))
            response = middleware(view)(request)
            return Received(response.status_code, response.items())

    return send


# quart-cors


def quart_configuration(random: Random) -> Configuration:
    pattern = re.compile(r"https://pr[0-9]+\.c\.test")
    choices: dict[str, list[Any]] = {
        "allow_origin": ["*", ["*"], OWN, f"{OWN} {OTHER}", _listed(random), [OWN, pattern], pattern, ["null", OWN]],
        "allow_methods": [some(random, METHODS), ["*"], "PUT", "GET, PUT"],
        "allow_headers": [some(random, NAMES), ["*"], "X-A", "X-A, X-B"],
        "expose_headers": [some(random, EXPOSED), "X-Total", ["*"]],
        "allow_credentials": [True, False],
        "max_age": [None, 60, 0, "60", 100_000],
        "send_origin_wildcard": [True, False],
    }
    return drawn(random, choices)


def served_by_quart_cors(given: Configuration) -> Send:
    quart = pytest.importorskip("quart")
    app = quart.Quart("old")

    async def view() -> tuple[str, dict[str, str]]:
        return "read", dict(ANSWER)

    app.add_url_rule("/", "any", view, methods=[*METHODS, "PROPFIND", "QUERY"])
    return _by_asgi(pytest.importorskip("quart_cors").cors(app, **given))


# aiohttp-cors


def aiohttp_configuration(random: Random) -> Configuration:
    def options() -> Configuration:
        choices: dict[str, list[Any]] = {
            "allow_credentials": [True, False],
            "expose_headers": ["*", some(random, EXPOSED), ()],
            "allow_headers": ["*", some(random, NAMES), ()],
            "max_age": [None, 0, 60, 100_000],
            "allow_methods": ["*", some(random, METHODS), ["put", "PATCH"], None],
        }
        return drawn(random, choices, 0.7)

    shared = options()
    origins = random.choice(
        [["*"], _listed(random), ["*", OWN], [OWN, "null"], [OWN, "https://*.c.test"], ["*", "null"]]
    )
    if random.random() < 0.2:
        origins = ["*", OWN, "http://app.test"]
    return {origin: shared if random.random() < 0.5 else options() for origin in origins}


def served_by_aiohttp_cors(given: Configuration) -> Send:
    web = pytest.importorskip("aiohttp.web")
    aiohttp_cors = pytest.importorskip("aiohttp_cors")
    from aiohttp.test_utils import make_mocked_request

    async def view(request: Any) -> Any:
        return web.Response(text="read", headers={name: value for name, value in ANSWER if name != "Content-Type"})

    async def made() -> Any:
        app = web.Application()
        defaults = {origin: aiohttp_cors.ResourceOptions(**options) for origin, options in given.items()}
        cors = aiohttp_cors.setup(app, defaults=defaults)
        resource = cors.add(app.router.add_resource("/"))
        for method in [*METHODS, "PROPFIND", "QUERY"]:
            route = resource.add_route(method, view)
            if any(options.get("allow_methods") is None for options in given.values()):
                cors.add(route)
        app.on_startup.freeze()
        app.freeze()
        return app

    app = _LOOP.run(made())

    async def asked(sent: SentRequest) -> Received:
        request = make_mocked_request(sent.method, "/", headers=dict(sent.headers), app=app)
        try:
            response = await app._handle(request)
        except web.HTTPException as refusal:
            response = refusal
        await response.prepare(request)
        return Received(response.status, list(response.headers.items()))

    return lambda sent: _LOOP.run(asked(sent))


# wsgicors


def wsgicors_configuration(random: Random) -> Configuration:
    listed = " ".join(_listed(random))
    choices: dict[str, list[Any]] = {
        "origin": ["*", "copy", listed, listed, f"{OWN},{OTHER}", f"{OWN} {random.choice(GLOBS)}", f"{OWN} null"],
        "methods": [", ".join(some(random, METHODS)), "*", "GET PUT", "GET,PUT,*"],
        "headers": [", ".join(some(random, NAMES)), "*", "X-A X-B"],
        "expose_headers": [", ".join(some(random, EXPOSED)), "*"],
        "credentials": ["true", "true", "false", "True", True],
        "maxage": ["60", "0", "100000", "soon", ""],
    }
    return drawn(random, choices, 0.7)


def served_by_wsgicors(given: Configuration) -> Send:
    def api(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", list(ANSWER))
        return [b"read"]

    # Without any key it is the configuration of no policy, which denies.
    return _by_wsgi(pytest.importorskip("wsgicors").CORS(api, **given))


# asgi-cors


def asgi_cors_configuration(random: Random) -> Configuration:
    choices: dict[str, list[Any]] = {
        "allow_all": [False, False, True],
        "hosts": [_listed(random), [OWN, "null"], ["*"], None, [b"https://b.test"]],
        "host_wildcards": [some(random, GLOBS), some(random, GLOBS[:3]), GLOBS[1:2], None],
        "headers": [some(random, NAMES), ["*"], None],
        "methods": [some(random, METHODS), ["*"], None],
    }
    return drawn(random, choices, 0.6)


def served_by_asgi_cors(given: Configuration) -> Send:
    return _by_asgi(pytest.importorskip("asgi_cors").asgi_cors(_asgi_api, **given))


LIBRARIES = {
    each.name: each
    for each in (
        Library("flask-cors", flask_configuration, served_by_flask_cors),
        Library("starlette", starlette_configuration, served_by_starlette),
        Library("django", django_configuration, served_by_django),
        Library("quart-cors", quart_configuration, served_by_quart_cors),
        Library("aiohttp-cors", aiohttp_configuration, served_by_aiohttp_cors),
        Library("wsgicors", wsgicors_configuration, served_by_wsgicors),
        Library("asgi-cors", asgi_cors_configuration, served_by_asgi_cors),
    )
}
