"""The command line: one module a subcommand, imported only when it is called.

A subcommand is a click command of the same name as its module; `COMMANDS` lists them with the line that
`corecors --help` shows, so that help imports none of them.
"""

from importlib import import_module
from importlib.util import find_spec

import click

COMMANDS = {
    "check": "Tell what a policy decides for one origin, method and list of headers.",
    "demo": "Watch a browser's rules applied to a small API, request by request.",
    "doctor": "Find out why a browser says no to a running server.",
    "lint": "Read a policy from a file and name every mistake in it.",
}


class LazyGroup(click.Group):
    """A group whose subcommands are the modules of this package named in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in sorted(COMMANDS) if find_spec(f"{__name__}.{name}") is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="corecors")
def commands() -> None:
    """CORS for Python, decided in one place."""
