"""What is wrong with a configuration: every problem at once, with a code for programs and, if certain, a fix."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from corecors._origins.errors import CORSError
from corecors._origins.showing import SHOWN_LENGTH, printable, shown

Severity = Literal["error", "warning"]


class Problem(NamedTuple):
    """One thing that a policy refuses to be (an error), or may be and rarely intends (a warning).

    field: the name of the argument; where it was read from variables, of the variable.
    value: what was given: the whole argument, or the one entry of its list that is wrong; the text of a compiled regex.
    code: a stable word for programs, in lower case with hyphens ("trailing-slash").
    message: what is wrong, a clause that follows the value: "has a trailing slash".
    fix: what to put instead of `value`, None where no fix is certain. A tuple instead of an entry is that
        many entries, and the empty tuple takes the entry out. For a name that no policy has it is a mapping of the
        arguments to give instead of it, and the empty mapping takes the name out.
    severity: "error", or "warning" for what `corecors lint` adds.
    """

    field: str
    value: object
    code: str
    message: str
    fix: object = None
    severity: Severity = "error"

    def __str__(self) -> str:
        text = f"{self.field}: {shown_value(self.value)} {self.message}"
        advice = advised(self.fix)
        # What is wrong may quote what was given, and names of variables may be anything.
        return in_ascii(f"{text}; {advice}" if advice else text)


def in_ascii(text: str) -> str:
    """`text` as it is where all of it is printable ASCII, else escaped as Python writes it."""
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]


def advised(fix: object) -> str:
    """What to do, in words: "write 'https://app.example.com'". Empty where there is no fix."""
    if fix is None:
        return ""
    if isinstance(fix, Mapping):
        written = ", ".join(f"{name}={_written(value)}" for name, value in fix.items())
        return f"write {written}" if written else "leave it out"
    if isinstance(fix, tuple):
        return f"write {', '.join(map(_written, fix))}" if fix else "leave it out"
    return f"write {_written(fix)}"


def _written(value: object) -> str:
    """`value` as it is written in Python; a regular expression without its backslashes doubled."""
    if isinstance(value, str) and "\\" in value and value.isascii() and value.isprintable():
        if "'" not in value and value[-1] != "\\":
            return f"r'{value}'"
    elif isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    try:
        return ascii(value)
    except Exception:
        return shown_value(value)


def shown_value(value: object) -> str:
    """`value` as it may be written in a message: printable ASCII, short, whatever its class does."""
    if isinstance(value, str):
        return shown(value)
    try:
        text = repr(value)
    except Exception:  # an int of 5,000 digits, a list nested 20,000 deep, an object with a fault of its own
        text = f"<a value of type {type(value).__name__}>"
    return printable(text, SHOWN_LENGTH)  # quoted once: its backslashes are as Python writes them


def type_of(value: object) -> str:
    """What `value` is, as it goes on after "is": "of type list"."""
    return "None" if value is None else f"of type {type(value).__name__}"


def label_of(name: object) -> str:
    """A name in what was given, which may be no text."""
    return name if isinstance(name, str) else f"a name of type {type(name).__name__}"


MAX_TOLD = 50  # problems in the text of one error; a wrong file of ten thousand lines is wrong in one way


class PolicyError(CORSError, ValueError):
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
