"""Where the command line begins: the group of all subcommands, and how a run ends."""

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from io import StringIO

import click

from corecors import __compiled__, __version__
from corecors.cli import COMMANDS, INTERRUPTED, READER_GONE, UNUSABLE

BUILD = "compiled" if __compiled__ else "pure Python"
COMPLETION = "_CORECORS_COMPLETE"  # set by what click puts into shells

EPILOG = """\b
NO_COLOR=1 turns colours off. Completion for bash (zsh and fish likewise):
  eval "$(_CORECORS_COMPLETE=bash_source corecors)"
"""


class LazyGroup(click.Group):
    """A group whose subcommands are the modules of this package that `COMMANDS` names."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in sorted(COMMANDS) if find_spec(f"{__package__}.{name}") is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(import_module(f"{__package__}.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            nearest = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not nearest:
                raise
            raise click.UsageError(f"{error.message} Did you mean {nearest[0]!r}?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(__version__, message=f"%(prog)s, version %(version)s ({BUILD})")
def commands() -> None:
    """CORS for Python, decided in one place.

    \b
    Examples:
      corecors demo
      corecors doctor https://api.example.com --origin https://app.example.com
      corecors check cors.toml --origin https://app.example.com -X PUT
      corecors lint cors.toml
    """


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code. `arguments`: instead of those in `sys.argv`.

    Whatever happens, a user sees a line and no traceback; `CORECORS_TRACEBACK=1` shows it.
    """
    try:
        result = commands.main(arguments, prog_name="corecors", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        said = StringIO()
        error.show(said)
        if said.getvalue():
            _complain(said.getvalue())
        return error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except SystemExit as ended:  # by itself click ends so for completion, and when the reader of the output has gone
        return int(ended.code or 0) if COMPLETION in os.environ else READER_GONE
    except BrokenPipeError:
        _abandon_output()
        return READER_GONE
    except OSError as error:
        _abandon_output()
        _complain(f"Error: {error.strerror or error}")
        return UNUSABLE
    except Exception as error:
        if os.environ.get("CORECORS_TRACEBACK"):
            raise
        _complain(
            f"Error: {type(error).__name__}: {error}\nThat is a mistake in corecors; please report it with what "
            "CORECORS_TRACEBACK=1 shows."
        )
        return UNUSABLE
    return result if isinstance(result, int) else 0


def _complain(text: str) -> None:
    from corecors.cli.terminal import say

    say(text.rstrip("\n").expandtabs(2), err=True)  # click writes a tab before each of several choices


def _abandon_output() -> None:
    """Let nothing be written at exit to what cannot be written to: Python would complain about that."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
