"""What all commands print with. Nothing that is printed can move a terminal's cursor or colour what stands there.

What servers send, files hold and users type is shown, so it is escaped here, where it is printed, for all commands and
everything. Only printable characters and line breaks pass; what a message quotes has been through `shown` before.
"""

import json
import os
from collections.abc import Iterable
from typing import IO, Any

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from corecors.cli import UNUSABLE


def printable(text: str) -> str:
    """`text` with everything escaped that is neither a printable character nor a line break."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text
    )


def say(text: str, *, err: bool = False) -> None:
    """Print a line without any style."""
    click.echo(printable(text), err=err)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Text of several parts, each plain or with a style; escaped before anything is laid out by its length."""
    return Text.assemble(
        *(printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts)
    )


def annotation(level: str, message: str, *, title: str, file: str | None = None, line: int | None = None) -> str:
    """One annotation of GitHub Actions, a line that it shows next to the code.

    level: "error", "warning" or "notice".
    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    where = "" if file is None else f"file={_property(file)},"
    where += "" if line is None else f"line={line},"
    return f"::{level} {where}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


class Unusable(click.ClickException):
    """Input that cannot be used: a line, or data where data was asked for, and exit code 2."""

    exit_code = UNUSABLE

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))
        self._context = click.get_current_context(silent=True)  # it is gone when the error is shown

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it in the form of the command's other output."""
        context = self._context
        form = None if context is None else context.params.get("form")
        if context is not None and (context.params.get("as_json") or form == "json"):
            click.echo(json.dumps({"schema": f"corecors.{context.info_name}/1", "error": self.message}, indent=2))
        elif form == "github":
            click.echo(annotation("error", self.message, title="CORS: not looked at"))
        else:
            super().show(file)


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # the reader has gone; `corecors.cli.entry.run` knows what to do about it

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        # All that is printed passes here, so nothing gets through that somebody forgot to escape.
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def terminal(*, err: bool = False) -> Console:
    """A console that prints text as it is: what servers send and policies hold is neither markup nor emoji."""
    return _Terminal(highlight=False, markup=False, emoji=False, stderr=err)


class Paper:
    """Lines for people: wrapped at the terminal's width, and not at all where a program or a file takes them."""

    def __init__(self) -> None:
        self._console = terminal()
        # COLUMNS is set where somebody wants a width although there is no terminal.
        self._wraps = self._console.is_terminal or "COLUMNS" in os.environ

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def line(self, *parts: str | tuple[str, str], label: str | tuple[str, str] = "", whole: bool = False) -> None:
        """Some text, with `label` before it, below which it is continued. `whole`: never wrapped, so that it can be
        copied."""
        head = styled(label)
        indent = " " * head.cell_len
        lines = [line for piece in styled(*parts).split("\n") for line in self._wrapped(piece, len(indent), whole)]
        for number, text in enumerate(lines):
            text.rstrip()
            self._console.print((head if number == 0 else Text(indent)) + text if text.plain else head, soft_wrap=True)

    def _wrapped(self, text: Text, indent: int, whole: bool) -> Iterable[Text]:
        if whole or not self._wraps or not text.plain:
            return [text]
        return text.wrap(self._console, max(self._console.width - indent, 20))
