"""What is measured on WSGI: a name, and how to put it around an app under given rules."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any
from wsgiref.types import WSGIApplication

from benchmarks.floors import decision_only, exact_floor, pass_through, pattern_floor
from benchmarks.scenarios import Outcome, Scenario
from benchmarks.timing import Candidate, wsgi_runner
from benchmarks.workload import (
    ALLOWED_HEADERS,
    ALLOWED_METHODS,
    EXPOSED_HEADERS,
    KIB,
    MAX_AGE,
    Rules,
    wsgi_environ,
)

Wrap = Callable[[WSGIApplication, Rules], WSGIApplication | None]


class WrongAnswer(AssertionError):
    """Something that is to be measured gives an answer that the benchmark did not expect, so its cost says nothing."""


@dataclass(frozen=True, slots=True)
class Subject:
    """`wrap` returns None for rules that this subject has no way to express."""

    name: str
    wrap: Wrap


def ours(app: WSGIApplication, rules: Rules) -> WSGIApplication | None:
    from corecors.adapters.wsgi import CORSMiddleware

    return CORSMiddleware(app, policy_for(rules))


def policy_for(rules: Rules) -> Any:
    """Our policy for these rules; the same settings as the floor's."""
    from corecors import Policy

    return Policy(
        allow_origins=[*rules.origins, *(f"https://*.{domain}" for domain in rules.domains)],
        allow_origin_regexes=rules.regexes,
        allow_methods=ALLOWED_METHODS,
        allow_headers=ALLOWED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        allow_credentials=True,
        max_age=MAX_AGE,
    )


# The floor's tables take a gigabyte at a million origins.
_FLOOR_UP_TO = 100_000


def floor(app: WSGIApplication, rules: Rules) -> WSGIApplication | None:
    if rules.regexes or len(rules.origins) > _FLOOR_UP_TO:
        return None
    return pattern_floor(app, rules.domains) if rules.domains else exact_floor(app, rules.origins)


BARE = Subject("bare app", lambda app, rules: app)
AGAIN = "bare app again"  # measured as ours is, so that it shows what such a difference is when there is none
PASS_THROUGH = Subject("pass-through", lambda app, rules: pass_through(app))
DECISION_ONLY = Subject("decision only", lambda app, rules: decision_only(app, rules.origins))
FLOOR = Subject("floor", floor)
OURS = Subject("corecors", ours)

WSGI_SUBJECTS = (BARE, PASS_THROUGH, FLOOR, OURS)


def wsgi_candidate(app: WSGIApplication, scenario: Scenario) -> Candidate:
    requests = scenario.requests()
    return Candidate(
        lambda number: [wsgi_environ(request) for request in islice(requests, number)],
        wsgi_runner(app),
        most=100 if scenario.kind != "bytes" else max(10, 100 * 8 * KIB // max(scenario.size, 8 * KIB)),
    )


def check_wsgi_answer(app: WSGIApplication, scenario: Scenario, name: str) -> None:
    """Raise `WrongAnswer` unless a granted request gets exactly its own origin, and a refused one nothing."""
    for request in islice(scenario.requests(), 3):
        seen: list[tuple[str, str]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            seen.extend(headers)  # noqa: B023 - called before the loop goes on
            return lambda data: None

        app(wsgi_environ(request), start_response)
        granted = [value for field, value in seen if field.lower() == "access-control-allow-origin"]
        expected = [request.origin] if scenario.outcome.grants else []
        if granted != expected:
            raise WrongAnswer(f"{name} under {scenario.name!r} answered {granted}, not {expected}")
        if scenario.outcome is Outcome.REFUSED and not any(field.lower() == "vary" for field, value in seen):
            raise WrongAnswer(f"{name} under {scenario.name!r} sent no Vary")
