"""What all commands print with."""

from rich.console import Console


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # the reader has gone; `corecors.cli.run` knows what to do about it


def terminal() -> Console:
    """A console that prints text as it is: what servers send and policies hold is no markup and no emoji."""
    return _Terminal(highlight=False, markup=False, emoji=False)
