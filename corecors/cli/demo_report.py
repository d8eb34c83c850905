"""The demo's table: one row a case, readable at 80 columns and without colours."""

from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from corecors._decisions.headers import ALLOW_ORIGIN, ORIGIN, SAFELISTED_RESPONSE_HEADER_NAMES
from corecors.browser import Exchange, Verdict
from corecors.cli.demo_cases import Case, Expectation, From, Site
from corecors.cli.terminal import styled

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


def legend(site: Site) -> Table:
    """Who is who: the origins that the table names."""
    origins = Table.grid(padding=(0, 2))
    origins.add_row("the API", site.api)
    origins.add_row(FROM[From.PAGE], site.page)
    origins.add_row(FROM[From.STRANGER], site.stranger)
    origins.add_row(FROM[From.PREVIEW], From.PREVIEW.value)
    origins.add_row(FROM[From.LOOKALIKE], From.LOOKALIKE.value)
    origins.add_row(FROM[From.SANDBOX], "null")
    return origins


def table(outcomes: list[Outcome]) -> Table:
    """Case, what was sent and what came back, what script could read and why."""
    rows = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0), pad_edge=False)
    rows.add_column("Case", ratio=18, overflow="fold")
    rows.add_column("Sent: what came back", ratio=31, overflow="fold")
    rows.add_column("What script could read", ratio=25, overflow="fold")
    for outcome in outcomes:
        rows.add_row(_case(outcome.case), _course(outcome.verdict), _result(outcome))
    rows.caption = (
        "After the status: what Access-Control-Allow-Origin said. echo: the origin of the page; none: no such header."
    )
    rows.caption_justify = "left"
    return rows


def summary(outcomes: list[Outcome]) -> Text:
    """One sentence: whether every case ended as the policy says."""
    different = [outcome.case.name for outcome in outcomes if not outcome.as_expected]
    if different:
        told = f"{len(different)} of {len(outcomes)} cases did not end as the policy says: {', '.join(different)}."
        return styled((told, "bold red"))
    return styled((f"All {len(outcomes)} cases ended as the policy says.", "bold green"))


def _case(case: Case) -> Text:
    return styled(case.name if case.by is From.PAGE else f"{case.name}\nfrom {FROM[case.by]}")


def _course(verdict: Verdict) -> Text:
    return Text("\n").join(_exchange(exchange) for exchange in verdict.exchanges)


def _exchange(exchange: Exchange) -> Text:
    sent, received = exchange.sent, exchange.received
    path = "/" + sent.url.split("/", 3)[3]
    cookie = " +cookie" if sent.credentials else ""
    allowed = received.get(ALLOW_ORIGIN)
    answer = "none" if allowed is None else "echo" if allowed == sent.get(ORIGIN) else allowed
    return styled(f"{sent.method} {path}{cookie}: {received.status} {answer}")


def _result(outcome: Outcome) -> Text:
    verdict, expected = outcome.verdict, outcome.expected
    if verdict.readable_in_practice:
        extra = [name for name, _ in verdict.readable_headers if name not in SAFELISTED_RESPONSE_HEADER_NAMES]
        more = ", ".join(extra) if len(extra) <= MOST_NAMES else f"{len(extra)} more headers"
        result = styled((f"{verdict.status}", "green"), ", body", f", {more}" if more else "")
    else:
        # What the policy says is nearer to the cause than what the browser saw, as long as the two agree.
        why = verdict.explanation if expected.readable else expected.why
        result = styled(("nothing", "yellow"), f": {why}")
    if not outcome.as_expected:
        may = "may" if expected.readable else "may not"
        result.append(f"\nThe policy says that script {may} read it: {expected.why}", "bold red")
    return result
