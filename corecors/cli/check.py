"""`corecors check`: what a policy decides about one request, offline."""

import asyncio
import json
from collections.abc import Callable

import click

from corecors import Door, Policy, PolicyError, PolicySource
from corecors.browser import Credentials, SentRequest
from corecors.cli.applications import HOST, Application
from corecors.cli.course import Answer, Course, answer_of, asked, follow, header_of, origin_of
from corecors.cli.policy_argument import POLICY_HELP, read_policy
from corecors.cli.terminal import Paper, Unusable

SCHEMA = "corecors.check/1"

Ask = Callable[[SentRequest], Answer]


@click.command(epilog="Exits 0 if allowed, 1 if refused, 2 if the input cannot be used.")
@click.argument("policy")
@click.option(
    "--origin", "origins", multiple=True, required=True, help="The page's origin or address, or null. Several: each."
)
@click.option("--path", default="/", show_default=True, help="The address's path, where policies differ by path.")
@click.option("-X", "--method", default="GET", show_default=True, help="What the page calls fetch() with.")
@click.option("-H", "--header", "names", multiple=True, metavar="NAME", help='A header: "X-Name" or "X-Name: v".')
@click.option("--credentials", is_flag=True, help='With cookies: credentials: "include".')
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def check(
    context: click.Context,
    policy: str,
    origins: tuple[str, ...],
    path: str,
    method: str,
    names: tuple[str, ...],
    credentials: bool,
    as_json: bool,
) -> None:
    if not path.startswith("/"):
        raise Unusable(f"--path: {path!r} does not begin with a slash")
    try:
        governing = read_policy(policy)
    except PolicyError as error:
        raise Unusable(f"{error}\n(corecors lint {policy} says more)") from None
    try:
        mode = Credentials.INCLUDE if credentials else Credentials.SAME_ORIGIN
        headers = [header_of(name) for name in names]
        ask = _by_application(governing, path) if isinstance(governing, Application) else _by_policy(governing, path)
        url = f"https://{HOST}{path}"
        runs = [follow(ask, url, origin_of(origin), method, headers, mode) for origin in origins]
    finally:
        if isinstance(governing, Application):
            governing.close()
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "runs": [run.as_data() for run in runs]}, indent=2))
    else:
        for number, run in enumerate(runs):
            _print(run, titled=len(runs) > 1, first=number == 0)
    context.exit(0 if all(run.allowed for run in runs) else 1)


check.help = f"""Tell what a policy decides about a request from one origin.

The request is put together as a browser would, with a preflight where one is due, and answered by the policy; nothing
is sent. An application is asked in this process, for preflights only, so that none of its views runs.

{POLICY_HELP}
\b
Examples:
  corecors check cors.toml --origin https://app.example.com
  corecors check cors.toml --origin https://app.example.com \\
      -X PUT -H Content-Type -H X-Token --credentials
  corecors check shop:app --origin https://app.example.com \\
      --path /orders -X DELETE
"""


def _by_policy(governing: Policy | PolicySource, path: str) -> Ask:
    door = Door(rejections=None, asks_async=True)
    door.check_policy(governing)
    return lambda sent: answer_of(asyncio.run(door.decide_async(governing, asked(sent, path))), sent, path)


def _by_application(application: Application, path: str) -> Ask:
    def ask(sent: SentRequest) -> Answer:
        received = application.answer(sent, path)
        allowed = received.get("Access-Control-Allow-Origin") is not None
        return Answer(sent, received, allowed, application.said)

    return ask


def _print(run: Course, *, titled: bool, first: bool) -> None:
    paper = Paper()
    if titled:
        if not first:
            paper.blank()
        paper.line((f"Origin {run.origin}", "bold"))
    word = ("allowed", "bold green") if run.allowed else ("refused", "bold red")
    paper.line(run.explanation, label=(f"{word[0]}  ", word[1]))
    for answer in run.answers:
        paper.blank()
        answered = f", answered with {answer.received.status}" if answer.sent.preflight else ""
        paper.line(f"{'preflight' if answer.sent.preflight else 'actual'} request{answered}")
        lines = [f"{name}: {value}" for name, value in answer.received.headers] or ["no CORS headers"]
        for line in lines:
            paper.line(f"  {line}", whole=True)
