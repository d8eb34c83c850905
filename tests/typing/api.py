"""Uses of the public API as a typed program would write them. Never run: mypy and pyright read it."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

from corecors import (
    Decision,
    Kind,
    Origin,
    OriginError,
    PathPolicies,
    Policy,
    PolicyError,
    Problem,
    Reason,
    Undecided,
    evaluate,
    parse_origin,
    policy_from_env,
    policy_from_mapping,
    policy_from_toml,
    preflight_headers,
    response_headers,
)
from corecors.adapters.wsgi import CORSMiddleware
from corecors.browser import Credentials, Received, Request, SentRequest, Verdict, simulate
from corecors.export import ExportError, render
from corecors.testing import Page


def is_tenant(origin: str) -> bool:
    return origin.endswith(".tenant.example")


policy = Policy(
    allow_origins=["https://app.example.com", "https://*.example.com", "http://localhost:*"],
    allow_origin_regexes=[r"https://pr-[0-9]+\.example\.com", re.compile(r"https://[a-z]+\.example\.org")],
    allow_origin_predicate=is_tenant,
    allow_methods=("GET", "PUT"),
    allow_headers={"Authorization", "Content-Type"},
    expose_headers=iter(["X-Total-Count"]),
    allow_credentials=True,
    max_age=timedelta(minutes=10),
    dangerously_allow_null_origin=False,
    dangerously_allow_insecure_origins=False,
    dangerously_allow_public_suffix_subdomains=False,
    allow_timing=True,
    debug=False,
)
assert_type(policy.allows_origin("https://app.example.com"), bool)
assert_type(policy.to_mapping(), dict[str, Any])
Policy(max_age=600)

assert_type(policy_from_mapping({"allow_origins": ["https://app.example.com"], "max_age": 600}), Policy)
assert_type(policy_from_toml('[cors]\nallow_origins = ["*"]', table="cors"), Policy)
assert_type(policy_from_env({"CORS_ALLOW_ORIGINS": "*"}, prefix="CORS_"), Policy)

decision = evaluate(policy, "OPTIONS", "https://app.example.com", "PUT", "authorization")
assert_type(decision, Decision)
assert_type(decision.kind, Kind)
assert_type(decision.reason, Reason)
assert_type(decision.allowed, bool)
assert_type(decision.headers, dict[str, str])
assert_type(decision.status, int | None)
assert_type(decision.explain(), str)
evaluate(policy, "GET", None)

assert_type(response_headers(policy, None), dict[str, str])
assert_type(preflight_headers(policy, "https://app.example.com", "PUT"), dict[str, str])
assert_type(preflight_headers(policy, "https://app.example.com", "PUT", "authorization"), dict[str, str])

paths = PathPolicies({"/api/": policy, "/public/": Policy(allow_origins=["*"])}, default=None)
assert_type(paths.for_path("/api/articles"), Policy | Undecided | None)


def fixes(origin: str) -> Iterable[object]:
    try:
        assert_type(parse_origin(origin), Origin)
        Policy(allow_origins=[origin])
    except OriginError as error:
        assert_type(error.code, str)
        assert_type(error.message, str)
        yield error.fix
    except PolicyError as error:
        for problem in error.problems:
            assert_type(problem, Problem)
            assert_type(problem.code, str)
            assert_type(problem.message, str)
            assert_type(problem.fix, object)
            yield problem.fix


def what_people_type_who_come_from_another_library() -> None:
    """Type checkers refuse it, too: mypy complains of an `ignore` that nothing needs."""
    Policy(origins="*")  # type: ignore[arg-type]
    Policy(supports_credentials=True)  # type: ignore[arg-type]


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


middleware = CORSMiddleware(app, policy)
middleware.policy = paths
nested = CORSMiddleware(middleware, policy)  # what it makes is a WSGI application again


def send(sent: SentRequest) -> Received:
    return Received(200, (("Access-Control-Allow-Origin", sent.get("Origin") or "*"),))


verdict = simulate(
    Request(
        url="https://api.example.com/articles",
        origin="https://app.example.com",
        method="PUT",
        headers=(("Authorization", "Bearer 1"),),
        credentials=Credentials.INCLUDE,
    ),
    send,
)
assert_type(verdict, Verdict)
assert_type(verdict.readable, bool)
assert_type(verdict.explanation, str)

try:
    assert_type(render(policy, "nginx", whole=True, upstream="http://127.0.0.1:8000"), str)
except ExportError as cannot:
    assert_type(cannot.target, str)
    assert_type([problem.message for problem in cannot.problems], list[str])

with Page("https://app.example.com", middleware, cookies={"session": "1"}) as page:
    assert_type(page.fetch("/orders", method="PUT", json={"count": 2}, credentials="include"), Verdict)
    page.fetch("/orders", headers={"X-Token": "1"}).readable_headers.get("X-Total")


async def fetched() -> Verdict:
    async with Page("https://app.example.com", "http://127.0.0.1:8000") as page:
        return await page.fetch_async("/orders", headers=[("X-Token", "1")], body=b"{}")
