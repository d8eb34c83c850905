"""What browsers make of answers that no policy of ours gives: the facts behind the refusals of `Policy`."""

from __future__ import annotations

from ..case import BLOCKED, Act, Case, Fixed

GROUP = "Answers of other servers"
ACAO = "Access-Control-Allow-Origin"
ACAC = "Access-Control-Allow-Credentials"
ACAM = "Access-Control-Allow-Methods"
ACAH = "Access-Control-Allow-Headers"
ACEH = "Access-Control-Expose-Headers"
APP = (ACAO, "{app}")
TRUE = (ACAC, "true")


def reading(name: str, sees: str, *lines: tuple[str, str], credentials: str = "same-origin") -> Case:
    """A GET without a preflight."""
    act = Act(sees=sees, credentials=credentials)
    return Case(name=name, group=GROUP, fixed=Fixed(actual=lines), acts=(act,), requests=1)


def preflighted(name: str, act: Act, *lines: tuple[str, str], status: int = 204, credentials: bool = False) -> Case:
    """An act that is preflighted, with these lines in the answer to it; the actual answer is without fault."""
    actual = (APP, TRUE) if credentials else (APP,)
    return Case(
        name=name,
        group=GROUP,
        fixed=Fixed(actual=actual, preflight=lines, preflight_status=status),
        acts=(act,),
        preflights=1,
        requests=0 if act.sees == BLOCKED else 1,
    )


REFUSED_PUT = Act(method="PUT", sees=BLOCKED)
WITH_CREDENTIALS = {"credentials": "include"}

CASES = (
    reading("ACAO twice", BLOCKED, APP, APP),
    reading("ACAO * twice", BLOCKED, (ACAO, "*"), (ACAO, "*")),
    reading("ACAO as a list", BLOCKED, (ACAO, "{app}, {stranger}")),
    reading("ACAO with a trailing slash", BLOCKED, (ACAO, "{app}/")),
    reading("ACAO with a pattern", BLOCKED, (ACAO, "{scheme}://*.localhost:{port}")),
    reading("ACAO null for a page that has an origin", BLOCKED, (ACAO, "null")),
    reading("ACAO * next to ACAC with credentials", BLOCKED, (ACAO, "*"), TRUE, credentials="include"),
    reading("ACAC in the wrong case", BLOCKED, APP, (ACAC, "True"), credentials="include"),
    preflighted("a preflight answered with 200", Act(method="PUT", sees="200 PUT"), APP, (ACAM, "PUT"), status=200),
    preflighted("a preflight answered with 404", REFUSED_PUT, APP, (ACAM, "PUT"), status=404),
    preflighted(
        "a preflight answered with a redirect", REFUSED_PUT, APP, (ACAM, "PUT"), ("Location", "/elsewhere"), status=302
    ),
    preflighted("a preflight without ACAO", REFUSED_PUT, (ACAM, "PUT")),
    preflighted("a preflight without methods", REFUSED_PUT, APP),
    preflighted("methods in several lines", Act(method="PUT", sees="200 PUT"), APP, (ACAM, "DELETE"), (ACAM, "PUT")),
    preflighted(
        "Authorization not among the headers",
        Act(headers={"Authorization": "Bearer t"}, sees=BLOCKED),
        APP,
        (ACAH, "x-alpha"),
    ),
    Case(
        name="headers * without credentials lets Authorization through",
        group=GROUP,
        fixed=Fixed(actual=(APP,), preflight=(APP, (ACAH, "*"))),
        acts=(Act(headers={"Authorization": "Bearer t"}, sees="200 GET"),),
        preflights=1,
        requests=1,
        unlike_the_standard="`*` never stands for Authorization by the standard; no engine keeps to that yet",
    ),
    preflighted(
        "methods * with credentials is taken literally",
        Act(method="PUT", credentials="include", sees=BLOCKED),
        APP,
        TRUE,
        (ACAM, "*"),
        credentials=True,
    ),
    preflighted(
        "headers * with credentials is taken literally",
        Act(headers={"X-Alpha": "1"}, credentials="include", sees=BLOCKED),
        APP,
        TRUE,
        (ACAH, "*"),
        credentials=True,
    ),
    preflighted(
        "a preflight without ACAC for a request with credentials",
        Act(method="PUT", credentials="include", sees=BLOCKED),
        APP,
        (ACAM, "PUT"),
        credentials=True,
    ),
    Case(
        name="exposed * with credentials is taken literally",
        group=GROUP,
        fixed=Fixed(actual=(APP, TRUE, (ACEH, "*"))),
        acts=(Act(credentials="include", read=("X-Total",), sees="200 GET X-Total=hidden"),),
        requests=1,
    ),
)
