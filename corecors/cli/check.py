"""`corecors check`: what a policy decides about one request, offline."""

import json
from typing import Any

import click

from corecors import Decision, Policy, PolicyError, evaluate
from corecors._decisions.headers import ORIGIN, REQUEST_HEADERS, REQUEST_METHOD
from corecors.browser import Credentials, Received, Request, SentRequest, Verdict, simulate
from corecors.cli.policy_argument import POLICY_HELP, read_policy
from corecors.cli.terminal import say, styled, terminal

NO_SERVER = "https://api.invalid/"  # RFC 2606: never resolves; nothing is sent anywhere

# A header's value decides whether it needs leave; where only a name is given, one that does.
USUAL_VALUES = {"content-type": "application/json", "range": "bytes=0-1,2-3"}


@click.command(epilog="Exits 0 if allowed, 1 if refused, 2 if the input cannot be used.")
@click.argument("policy")
@click.option("--origin", required=True, help="The page's origin: https://app.example.com, or null.")
@click.option("-X", "--method", default="GET", show_default=True, help="What the page calls fetch() with.")
@click.option("-H", "--header", "names", multiple=True, metavar="NAME", help='A header: "X-Name" or "X-Name: v".')
@click.option("--credentials", is_flag=True, help='With cookies: credentials: "include".')
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def check(
    context: click.Context,
    policy: str,
    origin: str,
    method: str,
    names: tuple[str, ...],
    credentials: bool,
    as_json: bool,
) -> None:
    try:
        loaded = read_policy(policy)
    except PolicyError as error:
        say(f"{error}\n(corecors lint {policy} says more)", err=True)
        context.exit(2)
    decisions: list[Decision] = []
    try:
        request = Request(
            url=NO_SERVER,
            origin=origin,
            method=method,
            headers=tuple(_header(name) for name in names),
            credentials=Credentials.INCLUDE if credentials else Credentials.SAME_ORIGIN,
        )
    except ValueError:
        # No browser sends this as an origin, so there is no course to follow: the decision alone is worth showing.
        decisions.append(evaluate(loaded, method, origin))
        verdict = None
        allowed = decisions[0].allowed
    else:
        verdict = simulate(request, lambda sent: _answer(loaded, sent, decisions))
        allowed = verdict.readable
    if as_json:
        click.echo(json.dumps(_as_data(allowed, decisions, verdict), indent=2))
    else:
        _print(allowed, decisions, verdict)
    context.exit(0 if allowed else 1)


check.help = f"""Tell what a policy decides about a request from one origin.

The request is put together as a browser would, with a preflight where one is due, and answered by the policy; nothing
is sent.

{POLICY_HELP}
\b
Examples:
  corecors check cors.toml --origin https://app.example.com
  corecors check cors.toml --origin https://app.example.com \\
      -X PUT -H Content-Type -H X-Token --credentials
"""


def _header(argument: str) -> tuple[str, str]:
    name, colon, value = argument.partition(":")
    return name.strip(), value.strip() if colon else USUAL_VALUES.get(name.strip().lower(), "x" * 129)


def _answer(policy: Policy, sent: SentRequest, decisions: list[Decision]) -> Received:
    decision = evaluate(policy, sent.method, sent.get(ORIGIN), sent.get(REQUEST_METHOD), sent.get(REQUEST_HEADERS))
    decisions.append(decision)
    return Received(decision.status or 200, tuple(decision.headers.items()))


def _as_data(allowed: bool, decisions: list[Decision], verdict: Verdict | None) -> dict[str, Any]:
    return {
        "allowed": allowed,
        "explanation": _explanation(allowed, decisions, verdict),
        "decisions": [
            {
                "kind": decision.kind.value,
                "allowed": decision.allowed,
                "reason": decision.reason.value,
                "status": decision.status,
                "headers": decision.headers,
                "explanation": decision.explain(),
            }
            for decision in decisions
        ],
    }


def _explanation(allowed: bool, decisions: list[Decision], verdict: Verdict | None) -> str:
    """The policy's own words where it refuses; the browser's where it sends nothing, or keeps the answer to itself."""
    if verdict is not None and not allowed and (not decisions or decisions[-1].allowed):
        return f"{verdict.explanation} {verdict.fix}".strip()
    return decisions[-1].explain()


def _print(allowed: bool, decisions: list[Decision], verdict: Verdict | None) -> None:
    console = terminal()
    word = ("allowed", "bold green") if allowed else ("refused", "bold red")
    console.print(styled(word, "  ", _explanation(allowed, decisions, verdict)))
    for decision in decisions:
        status = "" if decision.status is None else f", answered with {decision.status}"
        console.print(f"\n{decision.kind.value} request{status}")
        lines = [f"{name}: {value}" for name, value in decision.headers.items()] or ["no CORS headers"]
        console.print("\n".join(f"  {line}" for line in lines), soft_wrap=True)
