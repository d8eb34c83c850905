"""`corecors explain`: what a browser's message means, and what to run next."""

import json
import sys
from difflib import get_close_matches

import click

from corecors.cli.explanations import BY_NAME, TOPICS, Explanation, as_data, explanation_of, next_command, says_nothing
from corecors.cli.terminal import Paper, Unusable

SCHEMA = "corecors.explain/1"


@click.command(epilog="Exits 0 if it is known, 2 if not.")
@click.argument("what", required=False, metavar="[MESSAGE|NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def explain(what: str | None, as_json: bool) -> None:
    if what is None:
        if as_json:
            click.echo(json.dumps({"schema": SCHEMA, "topics": [topic.name for topic in TOPICS]}, indent=2))
        else:
            _print_list()
        return
    message = sys.stdin.read(65_536) if what == "-" else what
    explanation = explanation_of(message)
    if explanation is None and says_nothing(message):
        raise Unusable(
            "that is all that a script is told, whatever went wrong; the reason stands next to it in the browser's "
            "console, in a line about CORS: give that, or ask the server: corecors doctor URL --origin ORIGIN"
        )
    if explanation is None:
        nearest = get_close_matches(what.lower(), BY_NAME, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ": corecors explain lists what is known"
        raise Unusable(f"that is neither a browser's message about CORS nor the name of a topic{hint}")
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, **as_data(explanation)}, indent=2))
    else:
        _print(explanation)


explain.help = """Explain a message about CORS from a browser's console, or a topic.

MESSAGE is the text from the console of Chromium, Firefox or Safari ("-" reads it from standard input). Without an
argument, the names of all topics.

\b
Examples:
  corecors explain missing-header
  corecors explain "Access to fetch at 'https://api.example.com/' \\
      from origin 'https://app.example.com' has been blocked ..."
"""


def _print_list() -> None:
    paper = Paper()
    width = max(len(topic.name) for topic in TOPICS) + 2
    for topic in TOPICS:
        paper.line(topic.title, label=(topic.name.ljust(width), "bold"))


def _print(explanation: Explanation) -> None:
    topic, paper = explanation.topic, Paper()
    paper.line((topic.title, "bold"))
    paper.line(("Cause: ", "bold"), topic.cause)
    header = f" Here: {explanation.header}." if explanation.header else ""
    paper.line(("Fix: ", "bold green"), topic.fix + header)
    paper.line(("Next: ", "bold green"), next_command(explanation), whole=True)
