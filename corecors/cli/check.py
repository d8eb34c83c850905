"""`corecors check`: what a policy decides about one request, offline."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import click

from corecors import CORSRequest, Decision, Door, PolicyError, path_is_ambiguous
from corecors._decisions.headers import ORIGIN, REQUEST_HEADERS, REQUEST_METHOD
from corecors.browser import Credentials, Received, Request, SentRequest, Verdict, simulate
from corecors.cli.applications import HOST, Application
from corecors.cli.policy_argument import POLICY_HELP, Governing, read_policy
from corecors.cli.terminal import Paper, Unusable

SCHEMA = "corecors.check/1"

# A header's value decides whether it needs permission; where only a name is given, one that does.
USUAL_VALUES = {"content-type": "application/json", "range": "bytes=0-1,2-3"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one request that the browser sends. `decision`: None where an application was asked."""

    sent: SentRequest
    received: Received
    allowed: bool
    explanation: str
    decision: Decision | None = None


@dataclass(slots=True)
class Court:
    """Who is asked: a policy, a source or an application, at one path."""

    governing: Governing
    path: str
    answers: list[Answer] = field(default_factory=list)

    def send(self, sent: SentRequest) -> Received:
        """The answer to one request of the browser, noted."""
        answer = self._by_application(sent) if isinstance(self.governing, Application) else self._by_policy(sent)
        self.answers.append(answer)
        return answer.received

    def _by_policy(self, sent: SentRequest) -> Answer:
        request = CORSRequest(
            sent.method,
            self.path,
            path_is_ambiguous(self.path),
            "https",
            HOST,
            sent.get(ORIGIN),
            sent.get(REQUEST_METHOD),
            sent.get(REQUEST_HEADERS),
        )
        door = Door(rejections=None, asks_async=True)
        door.check_policy(self.governing)
        decision = asyncio.run(door.decide_async(self.governing, request))  # type: ignore[arg-type]  # no application
        if decision is None:
            text = f"No policy governs {self.path}: that was configured, and the response stays as it is."
            return Answer(sent, Received(200), False, text)
        received = Received(decision.status or 200, decision.lines)
        return Answer(sent, received, decision.allowed, decision.explain(), decision)

    def _by_application(self, sent: SentRequest) -> Answer:
        assert isinstance(self.governing, Application)
        received = self.governing.answer(sent, self.path)
        allowed = received.get("Access-Control-Allow-Origin") is not None
        return Answer(sent, received, allowed, self.governing.said)


@click.command(epilog="Exits 0 if allowed, 1 if refused, 2 if the input cannot be used.")
@click.argument("policy")
@click.option("--origin", "origins", multiple=True, required=True, help="The page's origin, or null. Several: each.")
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
        runs = [_judged(governing, origin, path, method, names, credentials) for origin in origins]
    finally:
        if isinstance(governing, Application):
            governing.close()
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "runs": [run.as_data() for run in runs]}, indent=2))
    else:
        for number, run in enumerate(runs):
            run.print(titled=len(runs) > 1, first=number == 0)
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


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one origin."""

    origin: str
    allowed: bool
    answers: list[Answer]
    verdict: Verdict | None

    @property
    def explanation(self) -> str:
        """The policy's own words where it refuses, all reasons at once; the browser's where it sends nothing, or keeps
        the answer to itself."""
        last = self.answers[-1] if self.answers else None
        if self.verdict is not None and (last is None or last.decision is None or (last.allowed and not self.allowed)):
            by_browser = f"{self.verdict.explanation} {self.verdict.fix}".strip()
            said = "" if last is None or last.allowed else last.explanation
            return said or by_browser
        return "" if last is None else last.explanation

    def as_data(self) -> dict[str, Any]:
        """The run as data."""
        return {
            "origin": self.origin,
            "allowed": self.allowed,
            "explanation": self.explanation,
            "answers": [
                {
                    "method": answer.sent.method,
                    "preflight": answer.sent.preflight,
                    "allowed": answer.allowed,
                    "reasons": [] if answer.decision is None else [str(reason) for reason in answer.decision.reasons],
                    "status": answer.received.status,
                    "headers": [list(line) for line in answer.received.headers],
                    "explanation": answer.explanation,
                }
                for answer in self.answers
            ],
        }

    def print(self, *, titled: bool, first: bool) -> None:
        """The run for people."""
        paper = Paper()
        if titled:
            if not first:
                paper.blank()
            paper.line((f"Origin {self.origin}", "bold"))
        word = ("allowed", "bold green") if self.allowed else ("refused", "bold red")
        paper.line(word, "  ", self.explanation)
        for answer in self.answers:
            paper.blank()
            answered = f", answered with {answer.received.status}" if answer.sent.preflight else ""
            paper.line(f"{'preflight' if answer.sent.preflight else 'actual'} request{answered}")
            lines = [f"{name}: {value}" for name, value in answer.received.headers] or ["no CORS headers"]
            for line in lines:
                paper.line(f"  {line}", whole=True)


def _judged(
    governing: Governing, origin: str, path: str, method: str, names: tuple[str, ...], credentials: bool
) -> Run:
    court = Court(governing, path)
    try:
        request = Request(
            url=f"https://{HOST}{path}",
            origin=origin,
            method=method,
            headers=tuple(_header(name) for name in names),
            credentials=Credentials.INCLUDE if credentials else Credentials.SAME_ORIGIN,
        )
    except ValueError:
        # No browser sends this as an origin, so there is no course to follow: the decision alone is worth showing.
        headers = Received(0, [(ORIGIN, origin)]).headers
        court.send(SentRequest(method=method, url=f"https://{HOST}{path}", headers=headers))
        return Run(origin, court.answers[0].allowed, court.answers, None)
    verdict = simulate(request, court.send)
    return Run(origin, verdict.readable, court.answers, verdict)


def _header(argument: str) -> tuple[str, str]:
    name, colon, value = argument.partition(":")
    return name.strip(), value.strip() if colon else USUAL_VALUES.get(name.strip().lower(), "x" * 129)
