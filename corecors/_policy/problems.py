"""What is wrong with a configuration: every problem at once, each with its mend."""

from collections.abc import Iterable
from typing import NamedTuple

from corecors._origins.parsing import shown


class Problem(NamedTuple):
    """One thing that a policy refuses to be.

    `field` is the name of the argument, `value` what was given there (for a list: the entry), `wrong` what is wrong
    with it, `mend` what to write in its place where one mend is certain, else None.
    """

    field: str
    value: object
    wrong: str
    mend: str | None = None

    def __str__(self) -> str:
        value = shown(self.value) if isinstance(self.value, str) else shown(repr(self.value))[1:-1]
        text = f"{self.field}: {value} {self.wrong}" + ("" if self.mend is None else f"; write {self.mend}")
        # What is wrong may quote what was given, as the messages of `re` do.
        return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]


MAX_TOLD = 50  # problems in the text of one error; a wrong file of ten thousand lines is wrong in one way


class PolicyError(ValueError):
    """A configuration that is refused. `problems` holds every `Problem`, in the order of the arguments."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        count = f"{len(self.problems)} problems" if len(self.problems) > 1 else "1 problem"
        told = [f"  - {problem}" for problem in self.problems[:MAX_TOLD]]
        if len(self.problems) > MAX_TOLD:
            told.append(f"  and {len(self.problems) - MAX_TOLD} more")
        super().__init__("\n".join([f"{count} in this CORS policy:", *told]))

    def __reduce__(self) -> tuple[type["PolicyError"], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)
