"""The doctor's report for people: what to mend first, then each exchange, what was checked, and the dangers.

Readable at 80 columns and without colours.
"""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from corecors._decisions.headers import WILDCARD
from corecors.browser import Check, Exchange, Step, Verdict
from corecors.cli.hazards import Hazard
from corecors.cli.terminal import styled, terminal

ERRORS_PAGE = "docs/errors.md"  # of corecors: the browsers' messages, each with its cause

SECTIONS = {
    Step.PREFLIGHT_STATUS: "preflight-failing",
    Step.PREFLIGHT_SYNTAX: "unreadable-list",
    Step.PREFLIGHT_METHOD: "method-not-allowed",
    Step.PREFLIGHT_HEADER: "header-not-allowed",
    Step.PREFLIGHT_AUTHORIZATION: "header-not-allowed",
    Step.PREFLIGHT_CREDENTIALS: "credentials-not-allowed",
    Step.RESPONSE_CREDENTIALS: "credentials-not-allowed",
}

# Response headers that no script looks for: nobody misses them.
UNINTERESTING = frozenset({"connection", "date", "keep-alive", "server", "transfer-encoding", "vary"})


def deciding(verdict: Verdict) -> Check:
    """The check to mend first: the first that fails in today's browsers; where none does, by the standard."""
    return next((check for check in verdict.checks if not check.passed_in_practice), verdict.decisive)


def page_section(verdict: Verdict) -> str:
    """Where docs/errors.md is about what failed; the page itself where no section is."""
    check = deciding(verdict)
    section = SECTIONS.get(check.step, "")
    if check.step is Step.PREFLIGHT_STATUS and verdict.exchanges[-1].received.get("Location") is not None:
        section = "preflight-redirected"
    elif check.step in (Step.PREFLIGHT_ORIGIN, Step.RESPONSE_ORIGIN):
        section = _about_origin(check)
    return f"{ERRORS_PAGE}#{section}" if section else ERRORS_PAGE


def _about_origin(check: Check) -> str:
    if check.value is None:
        return "preflight-failing" if check.step is Step.PREFLIGHT_ORIGIN else "missing-header"
    if check.value == WILDCARD:
        return "wildcard-with-credentials"
    return "more-than-one-origin" if "," in check.value else "wrong-port-scheme-or-slash"


def print_report(verdict: Verdict, hazards: list[Hazard], unfinished: str | None, sent: int) -> None:
    """Print it all. `unfinished`: why not every danger was looked for. `sent`: how many requests went out."""
    console = terminal()
    _print_summary(console, verdict, hazards)
    console.print()
    _print_checks(console, verdict, None)
    for number, exchange in enumerate(verdict.exchanges):
        _print_exchange(console, exchange)
        _print_checks(console, verdict, number)
    if verdict.readable_in_practice:
        console.print()
        _print_names(console, "Script can read", [name for name, _ in verdict.readable_headers])
        hidden = [name for name in verdict.hidden_headers if not name.startswith("access-control-")]
        _print_names(console, "Script cannot see", [name for name in hidden if name not in UNINTERESTING])
    _print_hazards(console, hazards)
    if unfinished is not None:
        console.print(styled(("\nNot every danger was looked for: ", "bold yellow"), unfinished, "."))
    console.print(styled((f"\n{sent} request{'' if sent == 1 else 's'} sent.", "dim")))


def _print_summary(console: Console, verdict: Verdict, hazards: list[Hazard]) -> None:
    check = deciding(verdict)
    if verdict.readable:
        serious = sum(hazard.serious for hazard in hazards)
        also = f"; {serious} serious danger{'' if serious == 1 else 's'} beside that" if serious else ""
        console.print(styled(("Works in a browser", "bold green"), also, "."))
        if hazards:
            console.print(styled(("First: ", "bold"), hazards[0].wrong))
        return
    if verdict.readable_in_practice:
        console.print(styled(("Works in today's browsers only", "bold yellow"), f": {check.explanation}"))
    else:
        console.print(styled(("A browser would say no", "bold red"), f": {check.explanation}"))
    if check.fix:
        console.print(styled(("Mend: ", "bold green"), check.fix))
    console.print(styled((f"Rule: {check.url}\nMore: {page_section(verdict)}", "dim")), soft_wrap=True)


def _print_exchange(console: Console, exchange: Exchange) -> None:
    kind = "preflight" if exchange.sent.preflight else "request"
    console.print()
    line = styled((f"{exchange.sent.method} {exchange.sent.url}", "bold"), f"  ({kind})")
    console.print(line, soft_wrap=True)
    for name, value in exchange.sent.headers:
        console.print(styled((f"  > {name}: {value}", "dim")), soft_wrap=True)
    console.print(styled((f"  < {exchange.received.status}", "dim")))
    for name, value in exchange.received.headers:
        if name.lower().startswith("access-control-") or name.lower() in ("vary", "location", "timing-allow-origin"):
            console.print(styled((f"  < {name}: {value}", "dim")), soft_wrap=True)


def _print_checks(console: Console, verdict: Verdict, exchange: int | None) -> None:
    """What was looked at in one exchange; None: before anything was sent.

    A browser stops at the first check that fails; what would fail after it is told, but must not catch the eye.
    """
    rows = Table.grid(padding=(0, 1))
    for check in verdict.checks:
        if check.exchange != exchange:
            continue
        if check.passed:
            mark, style = Text("  passed", "green"), ""
        elif check.passed_in_practice:
            mark, style = Text("  laxer ", "yellow"), ""
        elif check is deciding(verdict):
            mark, style = Text("  FAILED", "bold red"), "bold"
        else:
            mark, style = Text("  also  ", "dim red"), "dim"
        rows.add_row(mark, styled((check.explanation, style), (f" [{check.section}]", "dim")))
    if rows.row_count:
        console.print(rows)


def _print_hazards(console: Console, hazards: list[Hazard]) -> None:
    if not hazards:
        return
    console.print(Text("\nDangers", "bold"))
    rows = Table.grid(padding=(0, 2))
    for hazard in hazards:
        word = Text("  serious", "bold red") if hazard.serious else Text("  minor", "bold yellow")
        rows.add_row(word, styled(hazard.wrong, ("\nMend: ", "green"), hazard.mend))
    console.print(rows)


def _print_names(console: Console, what: str, names: list[str]) -> None:
    if names:
        console.print(f"{what}: {', '.join(names)}")
