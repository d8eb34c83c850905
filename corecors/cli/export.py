"""`corecors export`: a policy as the configuration of a proxy, and whether that proxy accepts it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

from corecors import PolicyError
from corecors.cli.applications import Application
from corecors.cli.policy_argument import POLICY_HELP, read_policy
from corecors.cli.terminal import Unusable, say
from corecors.export import TARGETS, ExportError, render

# Where proxies are and an ordinary user does not look; pip puts programs next to the Python that runs.
PATH = f"{os.environ.get('PATH', '')}:{os.path.dirname(sys.executable)}:/usr/local/sbin:/usr/sbin"
CHECK_SECONDS = 60.0
REFUSED = 1


class Validator(NamedTuple):
    """programs: names that the proxy may have. arguments: of the file and its folder, for which it says whether it is
    accepted, with 0 for yes."""

    programs: tuple[str, ...]
    file: str
    arguments: Callable[[str, str], tuple[str, ...]]


VALIDATORS = {
    "apache": Validator(("apache2", "httpd"), "httpd.conf", lambda file, folder: ("-t", "-f", file)),
    "caddy": Validator(
        ("caddy",), "Caddyfile", lambda file, folder: ("validate", "--adapter", "caddyfile", "--config", file)
    ),
    "envoy": Validator(("envoy",), "envoy.yaml", lambda file, folder: ("--mode", "validate", "-c", file)),
    "haproxy": Validator(("haproxy",), "haproxy.cfg", lambda file, folder: ("-c", "-f", file)),
    "nginx": Validator(
        ("nginx",),
        "nginx.conf",
        lambda file, folder: ("-t", "-q", "-p", folder, "-e", "stderr", "-g", f"pid {folder}/pid;", "-c", file),
    ),
}


# What a configuration is written in, where it is more than one piece.
PARTS = {"nginx": ("http", "server"), "envoy": ("filters", "routes"), "caddy": ("route", "errors")}


def _parts_in_words() -> str:
    return "; ".join(f"{target} ({', '.join(parts)})" for target, parts in PARTS.items())


@click.command(
    epilog="Exits 0 if it is written, 1 if TARGET cannot say the policy or does not accept the file, 2 if the input "
    "cannot be used or --check finds no program."
)
@click.argument("target", type=click.Choice(TARGETS))
@click.argument("policy")
@click.option("--whole", is_flag=True, help="A complete file that can be run, instead of what to include.")
@click.option("--upstream", metavar="URL", help="With --whole: the application.  [default: http://127.0.0.1:8000]")
@click.option(
    "--part",
    type=click.Choice(sorted({part for parts in PARTS.values() for part in parts})),
    help=f"One part alone: {_parts_in_words()}.",
)
@click.option("--name", help="For nginx: what its variables begin with, another for each policy.  [default: corecors]")
@click.option("--check", is_flag=True, help="Have TARGET's own program say whether it accepts the whole file.")
@click.pass_context
def export(
    context: click.Context,
    target: str,
    policy: str,
    whole: bool,
    upstream: str | None,
    part: str | None,
    name: str | None,
    check: bool,
) -> None:
    if upstream is not None and not whole:
        raise Unusable("--upstream is for a whole file: give --whole too")
    if part is not None and (whole or part not in PARTS.get(target, ())):
        raise Unusable(f"--part is for {_parts_in_words()}, and not for a whole file")
    if name is not None and target != "nginx":
        raise Unusable("--name is for nginx, whose variables belong to all of its servers")
    try:
        governing = read_policy(policy)
    except PolicyError as error:
        raise Unusable(f"{error}\n(corecors lint {policy} says more)") from None
    if isinstance(governing, Application):
        governing.close()
        raise Unusable(f"{policy} is an application: name the policy that it is given")
    named = {} if name is None else {"name": name}
    options = {} if upstream is None else {"upstream": upstream}
    try:
        complete = render(governing, target, whole=True, **options, **named)
        text = complete if whole else render(governing, target, **({"part": part} if part else {}), **named)
    except ExportError as error:
        say(f"Error: {error}", err=True)
        context.exit(REFUSED)
    except ValueError as error:
        raise Unusable(str(error)) from None
    click.echo(text, nl=False)
    if check:
        context.exit(_check(target, complete))


export.help = f"""Write a policy as the configuration of a proxy.

TARGET is {", ".join(TARGETS)}. What the proxy cannot say exactly is refused, with the reason: nothing is approximated.
A policy with debug is written with a warning: it is not for production.

{POLICY_HELP}
\b
Examples:
  corecors export haproxy cors.toml
  corecors export nginx cors.toml --part http
  corecors export apache cors.toml --whole \\
      --upstream http://127.0.0.1:9000 --check
"""


def _check(target: str, text: str) -> int:
    """Whether the proxy accepts the whole file, in words on the standard error; the exit code."""
    validator = VALIDATORS[target]
    program = next(filter(None, (shutil.which(name, path=PATH) for name in validator.programs)), None)
    if program is None:
        raise Unusable(f"{' or '.join(validator.programs)} is not installed here, so nothing was checked")
    with tempfile.TemporaryDirectory(prefix="corecors-") as folder:
        file = Path(folder) / validator.file
        file.write_text(text, encoding="utf-8")
        try:
            run = subprocess.run(
                [program, *validator.arguments(str(file), folder)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CHECK_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unusable(f"{program} cannot be asked: {error}") from None
    if run.returncode == 0:
        say(f"{program} accepts it.", err=True)
        return 0
    said = (run.stdout + run.stderr).decode(errors="replace").strip()
    say(f"{program} does not accept it:\n{said}", err=True)
    return REFUSED
