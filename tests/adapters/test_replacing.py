"""A policy is replaced while requests run: each sees the old one or the new one whole, whatever happens between two
steps of the interpreter. Threads find such a fault now and then; here every step is tried.
"""

from collections.abc import Callable
from functools import partial
from itertools import permutations
from typing import Any, NamedTuple

import bottle
import pytest
from asgi_client import answer_of, request_message, scope_of
from flask import Flask
from interpreter_steps import stepping
from scenarios import Answer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from wsgi_client import answering, send

import corecors
from corecors import CORSRequest, PathPolicies, Policy, PolicySource
from corecors.adapters.asgi import CORSMiddleware as ASGIMiddleware
from corecors.adapters.bottle import CORSPlugin
from corecors.adapters.flask import CORS as FlaskCORS
from corecors.adapters.starlette import CORS as StarletteCORS
from corecors.adapters.wsgi import CORSMiddleware

pytestmark = pytest.mark.skipif(corecors.__compiled__, reason="compiled code has no steps that can be seen")

ORIGIN = "https://app.example.com"
FROM_ORIGIN = (("Origin", ORIGIN),)
REQUESTS = {
    "actual": ("GET", FROM_ORIGIN),
    "preflight": ("OPTIONS", (*FROM_ORIGIN, ("Access-Control-Request-Method", "PUT"))),
    # What some servers would take for another method: both are looked up.
    "lower-case preflight": ("OPTIONS", (*FROM_ORIGIN, ("Access-Control-Request-Method", "patch"))),
}


class OneForAll:
    """A source that never looks at who asks."""

    varies_by_origin = False

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def policy_for(self, request: CORSRequest) -> Policy:
        return self._policy


def numbered(number: int, **options: Any) -> Policy:
    """Its answers differ from those of every other number."""
    return Policy(
        allow_origins=options.pop("allow_origins", [ORIGIN]),
        allow_methods=["PUT", "patch", f"M{number}"],
        expose_headers=[f"X-{number}"],
        max_age=number,
        **options,
    )


POLICIES: dict[str, Policy | PolicySource] = {
    "plain": numbered(1, allow_credentials=True),
    "any origin": numbered(2, allow_origins=["*"]),
    "predicate": numbered(3, allow_origins=[], allow_origin_predicate=lambda origin: origin == ORIGIN),
    "by path": PathPolicies({"/": numbered(4, allow_credentials=True)}),
    "source": OneForAll(numbered(5)),
}


class Served(NamedTuple):
    """An application behind a door."""

    ask: Callable[[str], Answer]
    replace: Callable[[Policy | PolicySource], None]


def by_wsgi(app: Any, request: str) -> Answer:
    method, headers = REQUESTS[request]
    return send(app, method, "/", headers)


def by_asgi(app: Any, request: str) -> Answer:
    """By hand, for nothing here waits: another request may run between two steps of one."""
    method, headers = REQUESTS[request]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return request_message(b"")

    async def keep(message: Any) -> None:
        sent.append(message)

    running = app(scope_of(method, "/", headers), receive, keep)
    with pytest.raises(StopIteration):
        running.send(None)
    return answer_of(sent)


def wsgi(policy: Policy | PolicySource, **options: Any) -> Served:
    app = CORSMiddleware(answering("200 OK"), policy, **options)
    return Served(lambda request: by_wsgi(app, request), lambda other: setattr(app, "policy", other))


def asgi(policy: Policy | PolicySource, **options: Any) -> Served:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app = ASGIMiddleware(inner, policy, **options)
    return Served(lambda request: by_asgi(app, request), lambda other: setattr(app, "policy", other))


def flask(policy: Policy | PolicySource, **options: Any) -> Served:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "", methods=["GET", "PUT"])
    FlaskCORS(app, policy, **options)
    return Served(lambda request: by_wsgi(app, request), lambda other: setattr(app.extensions["cors"], "policy", other))


def bottle_(policy: Policy | PolicySource, **options: Any) -> Served:
    app = bottle.Bottle()
    app.route("/", ["GET", "PUT"], callback=lambda: "")
    plugin = CORSPlugin(policy, **options)
    app.install(plugin)
    return Served(lambda request: by_wsgi(app, request), lambda other: setattr(plugin, "policy", other))


def starlette(policy: Policy | PolicySource, **options: Any) -> Served:
    async def home(request: Request) -> PlainTextResponse:
        return PlainTextResponse("")

    app = Starlette(routes=[Route("/", home, methods=["GET", "PUT"])])
    StarletteCORS(app, policy, **options)
    return Served(lambda request: by_asgi(app, request), lambda other: setattr(app.state.cors, "policy", other))


BUILDERS = {"wsgi": wsgi, "asgi": asgi, "flask": flask, "bottle": bottle_, "starlette": starlette}
DOORS: dict[str, Callable[[Policy | PolicySource], Served]] = {
    **BUILDERS,
    **{f"{name}, blocking": partial(builder, block_disallowed=True) for name, builder in BUILDERS.items()},
}


def between_steps(act: Callable[[], None], action: Callable[[], Any]) -> Any:
    """The result of `action`, with `act` called before each step of the interpreter within a door."""
    watched = ("corecors.adapters", "corecors._observing")
    return stepping(action, lambda _: act(), lambda frame: frame.f_globals.get("__name__", "").startswith(watched))


def whole(door: str, request: str, *policies: str) -> list[Answer]:
    """The answers that are right while one of these policies is in force."""
    return [DOORS[door](POLICIES[policy]).ask(request) for policy in policies]


def test_the_policies_differ_in_their_answers() -> None:
    for request in REQUESTS:
        answers = whole("wsgi", request, *POLICIES)
        assert len(set(answers)) == len(answers)
        assert all(any(name == "Access-Control-Allow-Origin" for name, _ in answer.headers) for answer in answers)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize(("old", "new"), list(permutations(POLICIES, 2)))
def test_a_request_between_two_steps_of_a_replacement(door: str, request_: str, old: str, new: str) -> None:
    right = whole(door, request_, old, new)
    served = DOORS[door](POLICIES[old])
    served.ask(request_)
    answers: list[Answer] = []
    between_steps(lambda: answers.append(served.ask(request_)), lambda: served.replace(POLICIES[new]))
    assert len(answers) > 5
    assert [answer for answer in answers if answer not in right] == []
    assert served.ask(request_) == right[1]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize(("old", "new"), list(zip(POLICIES, [*list(POLICIES)[1:], "plain"], strict=True)))
def test_a_replacement_between_two_steps_of_a_request(door: str, request_: str, old: str, new: str) -> None:
    right = whole(door, request_, old, new)
    served = DOORS[door](POLICIES[old])
    served.ask(request_)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    between_steps(count, lambda: served.ask(request_))
    assert steps > 20
    for chosen in range(steps):
        served.replace(POLICIES[old])
        steps = 0

        def replace(chosen: int = chosen) -> None:
            nonlocal steps
            if steps == chosen:
                served.replace(POLICIES[new])
            steps += 1

        answer = between_steps(replace, lambda: served.ask(request_))
        assert answer in right, f"replaced before step {chosen}"
