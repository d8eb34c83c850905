"""The demo's report: the policies, then what they allow and what is blocked, told apart without colours."""

import json
from dataclasses import dataclass

from corecors import Policy
from corecors._decisions.headers import ALLOW_ORIGIN, ORIGIN, SAFELISTED_RESPONSE_HEADER_NAMES
from corecors.browser import Exchange, Verdict
from corecors.cli.demo_cases import Case, Expectation, From, Site
from corecors.cli.terminal import Paper

MOST_NAMES = 2  # of headers that one row lists

FROM = {
    From.PAGE: "the page",
    From.STRANGER: "another port",
    From.SANDBOX: "sandboxed frame",
    From.LOOKALIKE: "look-alike",
    From.PREVIEW: "preview host",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case."""

    case: Case
    expected: Expectation
    verdict: Verdict

    @property
    def as_expected(self) -> bool:
        """Whether script could read the response exactly where the policy says so, by the standard and in practice."""
        return self.verdict.readable == self.verdict.readable_in_practice == self.expected.readable


def print_site(site: Site) -> None:
    """Who is who, and what the policies are that everything below is about."""
    paper = Paper()
    origins = {
        "the API": site.api,
        FROM[From.PAGE]: site.page,
        FROM[From.STRANGER]: site.stranger,
        FROM[From.PREVIEW]: From.PREVIEW.value,
        FROM[From.LOOKALIKE]: From.LOOKALIKE.value,
        FROM[From.SANDBOX]: "null",
    }
    for name, origin in origins.items():
        paper.line(origin, label=name.ljust(17))
    for title, policy in (("The API's policy", site.private), ("Below /public/", site.public)):
        paper.blank()
        paper.line((title, "bold"))
        for name, value in policy_lines(policy):
            paper.line(value, label=f"  {name} = ")


def policy_lines(policy: Policy) -> list[tuple[str, str]]:
    """The arguments of a policy, as they stand in a TOML file."""
    return [(name, json.dumps(value)) for name, value in policy.to_mapping().items()]


def print_outcomes(outcomes: list[Outcome]) -> None:
    """What was allowed, what was blocked, and a sentence on the whole."""
    paper = Paper()
    width = max(len(outcome.case.name) for outcome in outcomes) + 2
    for allowed, title, style in (
        (True, "Allowed: script reads the response", "bold green"),
        (False, "Blocked", "bold red"),
    ):
        paper.blank()
        paper.line((title, style))
        told: dict[str, str] = {}
        for outcome in outcomes:
            if outcome.verdict.readable_in_practice is allowed:
                _print_outcome(paper, outcome, width, told)
    paper.blank()
    paper.line(
        "After each status: what Access-Control-Allow-Origin said (echo: the origin of the page; none: no such header)."
    )
    different = [outcome.case.name for outcome in outcomes if not outcome.as_expected]
    if different:
        text = f"{len(different)} of {len(outcomes)} cases did not end as the policy says: {', '.join(different)}."
        paper.line((text, "bold red"))
    else:
        paper.line((f"All {len(outcomes)} cases ended as the policy says.", "bold green"))


def _print_outcome(paper: Paper, outcome: Outcome, width: int, told: dict[str, str]) -> None:
    case, verdict = outcome.case, outcome.verdict
    mark = "+" if verdict.readable_in_practice else "x"
    course = ", ".join(_course(exchange) for exchange in verdict.exchanges)
    by = "" if case.by is From.PAGE else f"from {FROM[case.by]}: "
    paper.line(f"{by}{course}{_read(verdict)}{_why(outcome, told)}", label=f"  {mark} {case.name.ljust(width)}")


def _course(exchange: Exchange) -> str:
    sent, received = exchange.sent, exchange.received
    path = "/" + sent.url.split("/", 3)[3]
    cookie = " +cookie" if sent.credentials else ""
    allowed = received.get(ALLOW_ORIGIN)
    answer = "none" if allowed is None else "echo" if allowed == sent.get(ORIGIN) else allowed
    return f"{sent.method} {path}{cookie} {received.status} {answer}"


def _read(verdict: Verdict) -> str:
    if not verdict.readable_in_practice:
        return ""
    extra = [name for name, _ in verdict.readable_headers if name not in SAFELISTED_RESPONSE_HEADER_NAMES]
    return f"; reads {', '.join(extra) if len(extra) <= MOST_NAMES else f'{len(extra)} more headers'}" if extra else ""


def _why(outcome: Outcome, told: dict[str, str]) -> str:
    verdict, expected = outcome.verdict, outcome.expected
    text = ""
    if not verdict.readable_in_practice:
        # What the policy says is nearer to the cause than what the browser saw, as long as the two agree.
        why = verdict.explanation if expected.readable else expected.why
        first = told.setdefault(why, outcome.case.name)
        text = f"\n{why}" if first == outcome.case.name else f"\nThe same as {first}."
    if not outcome.as_expected:
        may = "may" if expected.readable else "may not"
        text += f"\nThe policy says that script {may} read it: {expected.why}"
    return text
