"""`corecors lint`: every problem of a policy, and what is allowed but seldom meant."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import click
from rich.table import Table
from rich.text import Text

from corecors import Policy, PolicyError, parse_pattern
from corecors._decisions.headers import SAFELISTED_RESPONSE_HEADER_NAMES, WILDCARD
from corecors._origins.public_suffixes import is_public_suffix
from corecors._origins.regex.compiling import warnings_for
from corecors.browser.preflight_cache import Engine
from corecors.cli.policy_argument import POLICY_HELP, read_policy
from corecors.cli.terminal import styled, terminal

# Fetch, "CORS-safelisted request-header", less Content-Type and Range, which are safelisted for few values only.
SAFELISTED_REQUEST_HEADER_NAMES = frozenset({"accept", "accept-language", "content-language"})


class PolicyWarning(NamedTuple):
    """Something that a policy may be and that is seldom meant. `advice` says what to do about it."""

    field: str
    value: object
    wrong: str
    advice: str


@click.command(epilog="Exits 0 if clean, 1 with problems (with --strict: or warnings), 2 if POLICY cannot be read.")
@click.argument("policy")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def lint(context: click.Context, policy: str, strict: bool, as_json: bool) -> None:
    problems: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []
    try:
        warnings = [warning._asdict() for warning in find_warnings(read_policy(policy))]
    except PolicyError as error:
        problems = [problem._asdict() for problem in error.problems]
    if as_json:
        click.echo(json.dumps({"problems": problems, "warnings": warnings}, indent=2, default=repr))
    else:
        _print(policy, problems, warnings)
    context.exit(1 if problems or (strict and warnings) else 0)


lint.help = f"""Read a policy and name every mistake in it.

Problems are what a policy refuses to be; warnings are allowed and seldom meant.

{POLICY_HELP}
\b
Examples:
  corecors lint cors.toml
  corecors lint --strict shop.settings:policy
  CORS_ALLOW_ORIGINS=https://app.example.com corecors lint env:
"""


def find_warnings(policy: Policy) -> Iterator[PolicyWarning]:
    """What `policy` may be, for it was accepted, and what is seldom meant."""
    yield from _about_origins(policy)
    yield from _about_names(policy)
    if policy.max_age is not None and policy.max_age > Engine.CHROMIUM.value:
        caps = f"Chromium {Engine.CHROMIUM.value:,} s, WebKit {Engine.WEBKIT.value:,} s"
        yield PolicyWarning("max_age", policy.max_age, "is longer than some browsers keep an answer", f"caps: {caps}")
    if policy.debug:
        yield PolicyWarning("debug", True, "shows the lists to anyone who asks", "leave it out in production")
    if policy.allow_unproven_regexes:
        yield PolicyWarning(
            "allow_unproven_regexes", True, "lets a regex in that may hang on a hostile origin", "install corecors[re2]"
        )


def _about_origins(policy: Policy) -> Iterator[PolicyWarning]:
    if not (
        policy.allow_origins
        or policy.allow_origin_regexes
        or policy.allow_origin_predicate
        or policy.dangerously_allow_null_origin
    ):
        yield PolicyWarning("allow_origins", (), "is empty: no origin is allowed at all", "name the origins")
    if policy.dangerously_allow_null_origin:
        yield PolicyWarning(
            "dangerously_allow_null_origin",
            True,
            "lets any site in, from a sandboxed frame",
            "give the page an origin of its own",
        )
    for text in policy.allow_origins:
        if text == WILDCARD:
            continue
        pattern = parse_pattern(text)
        if pattern.origin.scheme == "http" and not pattern.origin.is_loopback:
            yield PolicyWarning(
                "allow_origins", text, "is plain http: whoever sits on the network can be that origin", "use https"
            )
        if pattern.any_subdomain and is_public_suffix(pattern.origin.host):
            yield PolicyWarning(
                "allow_origins", text, "lets in whoever registers a name below a public suffix", "name your own domain"
            )
        if pattern.any_port and not pattern.origin.is_loopback:
            yield PolicyWarning("allow_origins", text, "trusts whatever listens on any port", "name the ports")
    for regex in policy.allow_origin_regexes:
        source = regex if isinstance(regex, str) else regex.pattern
        for wrong in warnings_for(regex):
            yield PolicyWarning("allow_origin_regexes", source, wrong, "narrow it, or list patterns")


def _about_names(policy: Policy) -> Iterator[PolicyWarning]:
    if policy.allow_headers == (WILDCARD,) and not policy.allow_credentials:
        yield PolicyWarning(
            "allow_headers",
            WILDCARD,
            "lets every header through but Authorization, which today's browsers let through as well",
            "name the headers; ['*', 'Authorization'] says what browsers do",
        )
    elif WILDCARD in policy.allow_headers:
        yield PolicyWarning("allow_headers", WILDCARD, "lets every header through", "name the headers")
    for name in policy.allow_headers:
        if name.lower() in SAFELISTED_REQUEST_HEADER_NAMES:
            yield PolicyWarning("allow_headers", name, "needs no leave: it is safelisted", "leave it out")
    for name in policy.allow_methods:
        if name == "OPTIONS":
            yield PolicyWarning("allow_methods", name, "is listed needlessly: preflights need no leave", "leave it out")
        elif re.fullmatch("[a-z]+", name):
            yield PolicyWarning(
                "allow_methods",
                name,
                "is in lower case; method names are case-sensitive",
                f"write {name.upper()!r}",
            )
    for name in policy.expose_headers:
        if name.lower() in SAFELISTED_RESPONSE_HEADER_NAMES:
            yield PolicyWarning("expose_headers", name, "is readable without being exposed", "leave it out")


def _print(policy: str, problems: list[dict[str, Any]], warnings: list[dict[str, Any]]) -> None:
    console = terminal()
    if not (problems or warnings):
        console.print(styled(("clean", "bold green"), f"  {policy} has no problem and no warning"))
        return
    rows = Table.grid(padding=(0, 2))
    for entry in problems:
        rows.add_row(Text("problem", "bold red"), _entry(entry, entry["mend"] and f"write {entry['mend']}"))
    for entry in warnings:
        rows.add_row(Text("warning", "bold yellow"), _entry(entry, entry["advice"]))
    console.print(rows)
    console.print(f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}")


def _entry(entry: dict[str, Any], hint: str | None) -> Text:
    value = ascii(entry["value"]) if isinstance(entry["value"], str) else repr(entry["value"])
    return styled(f"{entry['field']}: {value} {entry['wrong']}", (f"\n{hint}", "green") if hint else "")


def _count(found: list[dict[str, Any]], noun: str) -> str:
    return f"{len(found)} {noun}" + ("" if len(found) == 1 else "s")
