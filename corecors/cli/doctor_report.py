"""The doctor's report for people: the verdict, the one thing to do, then the evidence and the dangers.

Readable at 80 columns and without colours.
"""

from corecors.browser import Exchange
from corecors.cli.case import Case, Cause, deciding
from corecors.cli.diagnosis import Diagnosis
from corecors.cli.examination import End
from corecors.cli.hazards import Hazard
from corecors.cli.masking import Masker
from corecors.cli.terminal import Paper

# Response headers that no script looks for: nobody misses them.
UNINTERESTING = frozenset({"connection", "date", "keep-alive", "server", "transfer-encoding", "vary"})
SHOWN = frozenset({"vary", "location", "timing-allow-origin", "set-cookie", "server", "x-powered-by", "via"})


class Report:
    """Prints diagnoses."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self._paper = Paper()
        self._diagnosis = diagnosis
        self._masker: Masker = diagnosis.secrets()

    def print(self) -> None:
        """Print it all."""
        diagnosis, paper = self._diagnosis, self._paper
        verdict = diagnosis.examination.verdict
        self._print_verdict()
        if verdict.checks:
            paper.blank()
        self._print_checks(None)
        for number, exchange in enumerate(verdict.exchanges):
            self._print_exchange(exchange)
            self._print_checks(number)
        self._print_stop()
        if verdict.readable_in_practice:
            paper.blank()
            self._print_names("Script can read: ", [name for name, _ in verdict.readable_headers])
            hidden = [name for name in verdict.hidden_headers if not name.startswith("access-control-")]
            self._print_names("Script cannot see: ", [name for name in hidden if name not in UNINTERESTING])
        self._print_hazards(diagnosis.hazards)
        if diagnosis.unfinished is not None:
            paper.blank()
            self._say(("Not every danger was looked for: ", "bold yellow"), f"{diagnosis.unfinished}.")
        paper.blank()
        self._say((f"{diagnosis.requests} request{'' if diagnosis.requests == 1 else 's'} sent.", "dim"))

    def _say(self, *parts: str | tuple[str, str], label: str | tuple[str, str] = "", whole: bool = False) -> None:
        masked = [
            self._masker.text(part) if isinstance(part, str) else (self._masker.text(part[0]), part[1])
            for part in parts
        ]
        self._paper.line(*masked, label=label, whole=whole)

    def _print_verdict(self) -> None:
        diagnosis = self._diagnosis
        cause, stop = diagnosis.cause, diagnosis.examination.stop
        if cause is not None:
            if diagnosis.only_by_the_standard:
                head = ("Works in today's browsers only: ", "bold yellow")
            elif diagnosis.answered:
                head = ("A browser would say no: ", "bold red")
            else:
                head = ("No answer: ", "bold red")
            self._say(head, cause.says)
            self._print_fix(cause)
        elif stop is None:
            self._print_success()
        elif stop.end is End.OTHER_HOST:
            self._say(
                ("It goes on at another host", "bold yellow"),
                f": {stop.request.url}. As far as here it works; no other host than the one that was named is asked.",
            )
            origin = stop.request.get("Origin") or diagnosis.origin
            self._say(("Next: ", "bold green"), f"corecors doctor {stop.request.url} --origin {origin}", whole=True)
        elif diagnosis.examination.verdict.exchanges:
            self._say(
                ("The preflight passes", "bold green"),
                f". The {stop.request.method} itself was not sent, for it may change something; --send sends it once.",
            )
            self._print_first_danger()
        else:
            self._print_unsent(stop.request.method)

    def _print_success(self) -> None:
        serious = sum(hazard.serious for hazard in self._diagnosis.hazards)
        also = f"; {serious} serious danger{'' if serious == 1 else 's'} as well" if serious else ""
        self._say(("Works in a browser", "bold green"), f"{also}.")
        self._print_first_danger()

    def _print_first_danger(self) -> None:
        if self._diagnosis.hazards:
            first = self._diagnosis.hazards[0]
            self._say(("Danger: ", "bold red") if first.serious else ("Note: ", "bold yellow"), first.says)

    def _print_unsent(self, method: str) -> None:
        """A request that browsers send without asking first."""
        says = (
            f": a browser sends this {method} at once, without a preflight, and it may change something. "
            "--send sends it once."
        )
        if self._diagnosis.examination.plain_is_readable:
            self._say(("Nothing fails so far", "bold green"), f"{says} A GET from the same origin can be read.")
        else:
            self._say(("Not known", "bold yellow"), f"{says} A GET from the same origin cannot be read by the page.")

    def _print_fix(self, cause: Cause) -> None:
        self._say(("Fix: ", "bold green"), cause.fix)
        for name, value in cause.lines:
            self._say(f"    {name}: {value}", whole=True)
        software = self._diagnosis.software
        if cause.at_server and software is not None:
            self._say((f"For {software.name}, {software.where}:", "bold green"))
            for line in software.lines(Case(self._diagnosis.examination).to_allow).splitlines():
                self._say(f"    {line}", whole=True)
        check = deciding(self._diagnosis.examination)
        if check is not None:
            self._say((f"Rule: {check.url}", "dim"), whole=True)
        if cause.topic:
            self._say((f"More: corecors explain {cause.topic}", "dim"), whole=True)

    def _print_stop(self) -> None:
        stop = self._diagnosis.examination.stop
        if stop is None or stop.end not in (End.NOT_SENT, End.OTHER_HOST):
            return
        self._paper.blank()
        why = "not sent: --send sends it" if stop.end is End.NOT_SENT else "not sent: another host"
        self._say((f"{stop.request.method} {stop.request.url}", "bold"), f"  ({why})", whole=True)
        for name, value in stop.request.headers:
            self._say((f"  > {name}: {self._masker.header(name, value)}", "dim"), whole=True)

    def _print_exchange(self, exchange: Exchange) -> None:
        kind = "preflight" if exchange.sent.preflight else "request"
        self._paper.blank()
        self._say((f"{exchange.sent.method} {exchange.sent.url}", "bold"), f"  ({kind})", whole=True)
        for name, value in exchange.sent.headers:
            self._say((f"  > {name}: {self._masker.header(name, value)}", "dim"), whole=True)
        self._say((f"  < {exchange.received.status}", "dim"))
        for name, value in exchange.received.headers:
            if name.lower().startswith("access-control-") or name.lower() in SHOWN:
                self._say((f"  < {name}: {self._masker.header(name, value)}", "dim"), whole=True)

    def _print_checks(self, exchange: int | None) -> None:
        """What was looked at in one exchange; None: before anything was sent.

        A browser stops at the first check that fails; what would fail after it is told, but must not catch the eye.
        """
        for check in self._diagnosis.examination.verdict.checks:
            if check.exchange != exchange:
                continue
            if check.passed:
                label, style = ("  passed ", "green"), ""
            elif check.passed_in_practice:
                label, style = ("  laxer  ", "yellow"), ""
            elif check is deciding(self._diagnosis.examination):
                label, style = ("  FAILED ", "bold red"), "bold"
            else:
                label, style = ("  also   ", "red"), "dim"
            self._say((check.explanation, style), (f" [{check.section}]", "dim"), label=label)

    def _print_hazards(self, hazards: tuple[Hazard, ...]) -> None:
        if not hazards:
            return
        self._paper.blank()
        self._say(("Dangers", "bold"))
        for hazard in hazards:
            label = ("  serious  ", "bold red") if hazard.serious else ("  minor    ", "bold yellow")
            self._say(hazard.says, ("\nFix: ", "green"), hazard.fix, label=label)

    def _print_names(self, what: str, names: list[str]) -> None:
        if names:
            self._say(", ".join(names), label=what)
