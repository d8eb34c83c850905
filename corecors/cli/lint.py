"""`corecors lint`: every problem of a policy, and what is allowed but rarely intended."""

import json
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from corecors import PolicyError, Problem
from corecors._policy.dangers import warnings as warnings_of
from corecors._policy.problems import advised, shown_value
from corecors.cli.policy_argument import POLICY_HELP, read_source
from corecors.cli.terminal import styled, terminal


@click.command(epilog="Exits 0 if clean, 1 with problems (with --strict: or warnings), 2 if POLICY cannot be read.")
@click.argument("policy")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def lint(context: click.Context, policy: str, strict: bool, as_json: bool) -> None:
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()
    try:
        warnings = warnings_of(read_source(policy))
    except PolicyError as error:
        problems = error.problems
    if as_json:
        found = {"problems": [each._asdict() for each in problems], "warnings": [each._asdict() for each in warnings]}
        click.echo(json.dumps(found, indent=2, default=repr))
    else:
        _print(policy, problems, warnings)
    context.exit(1 if problems or (strict and warnings) else 0)


lint.help = f"""Read a policy and name every mistake in it.

Problems are what a policy refuses to be; warnings are allowed and rarely intended.

{POLICY_HELP}
\b
Examples:
  corecors lint cors.toml
  corecors lint --strict shop.settings:policy
  CORS_ALLOW_ORIGINS=https://app.example.com corecors lint env:
"""


def _print(policy: str, problems: Sequence[Problem], warnings: Sequence[Problem]) -> None:
    console = terminal()
    if not (problems or warnings):
        console.print(styled(("clean", "bold green"), f"  {policy} has no problem and no warning"))
        return
    rows = Table.grid(padding=(0, 2))
    for problem in problems:
        rows.add_row(Text("problem", "bold red"), _entry(problem))
    for warning in warnings:
        rows.add_row(Text("warning", "bold yellow"), _entry(warning))
    console.print(rows)
    console.print(f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}")


def _entry(problem: Problem) -> Text:
    advice = advised(problem.fix)
    said = f"{problem.field}: {shown_value(problem.value)} {problem.message}"
    return styled(said, (f"\n{advice}", "green") if advice else "")


def _count(found: Sequence[Problem], noun: str) -> str:
    return f"{len(found)} {noun}" + ("" if len(found) == 1 else "s")
