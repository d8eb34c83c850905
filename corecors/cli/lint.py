"""`corecors lint`: every problem of a policy, and what is allowed but rarely intended."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from corecors import Policy, PolicyError, Problem
from corecors._origins.showing import shown
from corecors._policy.dangers import warnings as warnings_of
from corecors._policy.problems import advised, shown_value
from corecors.cli.applications import Application
from corecors.cli.policy_argument import POLICY_HELP, Governing, read_policy
from corecors.cli.proxies import PROXIES
from corecors.cli.proxies import findings_in as findings_in_proxy
from corecors.cli.proxies.findings import Finding
from corecors.cli.routes import findings_about_routes
from corecors.cli.terminal import Paper, Unusable, annotation

SCHEMA = "corecors.lint/1"
TEXT, JSON, GITHUB = "text", "json", "github"


def proxy_options(command: click.Command) -> click.Command:
    """An option for each proxy, whose configuration is then read instead of a policy."""
    for name in reversed(PROXIES):
        help_text = f"Read {PROXIES[name]}'s configuration instead of a policy."
        path = click.Path(path_type=Path)
        command.params.insert(1, click.Option([f"--{name}"], type=path, multiple=True, metavar="FILE", help=help_text))
    return command


@proxy_options
@click.command(epilog="Exits 0 if clean, 1 with problems (with --strict: or warnings), 2 if POLICY cannot be read.")
@click.argument("policy", required=False)
@click.option("--strict", is_flag=True, help="Exit 1 for warnings too.")
@click.option("--format", "form", type=click.Choice([TEXT, JSON, GITHUB]), default=TEXT, help="For whom to print it.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_context
def lint(
    context: click.Context, /, policy: str | None, strict: bool, form: str, as_json: bool, **proxies: tuple[Path, ...]
) -> None:
    form = JSON if as_json else form
    files = [(name, path) for name in PROXIES for path in proxies[name]]
    if (policy is None) == (not files):
        raise click.UsageError("lint reads one POLICY, or configurations of proxies (--nginx FILE and the like).")
    findings: list[Problem | Finding] = []
    if policy is None:
        for name, path in files:
            findings += findings_in_proxy(name, path)
        policy = ", ".join(str(path) for _, path in files)
    else:
        try:
            findings += findings_in(read_policy(policy))
        except PolicyError as error:
            findings += error.problems
    errors = [finding for finding in findings if finding.severity == "error"]
    warnings = [finding for finding in findings if finding.severity != "error"]
    if form == JSON:
        found = {
            "schema": SCHEMA,
            "problems": [_as_data(each) for each in errors],
            "warnings": [_as_data(each) for each in warnings],
        }
        click.echo(json.dumps(found, indent=2, default=repr))
    elif form == GITHUB:
        _annotate(policy, findings)
    else:
        _print(policy, errors, warnings)
    context.exit(1 if errors or (strict and warnings) else 0)


lint.help = f"""Read a policy and name every mistake in it.

Problems are what a policy refuses to be; warnings are allowed and rarely intended. Of a source of policies and of an
application, every policy is read that it has; and of Flask, Bottle, Starlette, FastAPI, Django and aiohttp the routes
are compared with them, by preflights in this process: methods that a route has and its policy lacks, views that were
given a policy and that no route leads to, routes whose preflight another policy answers.

Of a proxy's configuration it tells where CORS goes wrong: what attackers or users see there, and what to write instead.

{POLICY_HELP}
\b
Examples:
  corecors lint cors.toml
  corecors lint --strict shop.settings:policy
  corecors lint --format github shop:app
  corecors lint --nginx /etc/nginx/nginx.conf
  CORS_ALLOW_ORIGINS=https://app.example.com corecors lint env:
"""


def findings_in(governing: Governing) -> Iterator[Problem]:
    """What is rarely intended of what `governing` can choose. Raises `click.ClickException` where nothing tells."""
    if not isinstance(governing, Application):
        yield from warnings_of(governing)
        return
    # Marks on views, settings and middlewares hold an application's policies, in each framework in a way of its own; so
    # those that were made when it was imported are its policies.
    # One that was refused, and is still held by the traceback of its error, lacks what the constructor sets last.
    made = (each for each in gc.get_objects() if isinstance(each, Policy) and hasattr(each, "preflight_lines"))
    policies = dict.fromkeys(made)
    if not policies:
        raise Unusable("the application has no policy")
    for policy in sorted(policies, key=repr):
        for problem in warnings_of(policy):
            yield problem if len(policies) == 1 else problem._replace(field=f"{_title(policy)}: {problem.field}")
    try:
        yield from findings_about_routes(governing, policies)
    finally:
        governing.close()


def _title(policy: Policy) -> str:
    """What a policy of several is known by: its first origins."""
    origins = ", ".join(policy.allow_origins[:2]) or "a policy without allow_origins"
    return origins + (", ..." if len(policy.allow_origins) > 2 else "")


def _as_data(found: Problem | Finding) -> dict[str, Any]:
    if isinstance(found, Problem):
        return {**found._asdict(), "advice": advised(found.fix)}
    return {
        "file": found.place.file,
        "line": found.place.line,
        "field": found.field,
        "value": found.place.text,
        "code": found.code,
        "message": found.seen,
        "fix": None,
        "severity": found.severity,
        "advice": found.fix,
    }


def _text(found: Problem | Finding) -> str:
    if isinstance(found, Problem):
        return f"{found.field}: {shown_value(found.value)} {found.message}"
    return f"{found.place.file}:{found.place.line}: {shown(found.place.text)} {found.seen}"


def _advice(found: Problem | Finding) -> str:
    return advised(found.fix) if isinstance(found, Problem) else found.fix


def _annotate(policy: str, findings: list[Problem | Finding]) -> None:
    for finding in findings:
        if isinstance(finding, Problem):
            file, line = policy if policy.endswith(".toml") else None, None
        else:
            file, line = finding.place.file, finding.place.line
        advice = _advice(finding)
        text = _text(finding) + (f"; {advice}" if advice else "")
        level = "error" if finding.severity == "error" else "warning"
        click.echo(annotation(level, text, title=f"CORS: {finding.code}", file=file, line=line))


def _print(policy: str, errors: list[Problem | Finding], warnings: list[Problem | Finding]) -> None:
    paper = Paper()
    if not (errors or warnings):
        paper.line(("clean", "bold green"), f"  {policy} has no problem and no warning")
        return
    for finding, label in [
        *((each, ("problem  ", "bold red")) for each in errors),
        *((each, ("warning  ", "bold yellow")) for each in warnings),
    ]:
        advice = _advice(finding)
        paper.line(_text(finding), (f"\n{advice}" if advice else "", "green"), label=label)
    paper.line(f"{_count(errors, 'problem')}, {_count(warnings, 'warning')}")


def _count(found: list[Problem | Finding], noun: str) -> str:
    return f"{len(found)} {noun}" + ("" if len(found) == 1 else "s")
