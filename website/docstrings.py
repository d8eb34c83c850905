"""The docstrings of the package as Markdown: their lines `name: what it is` become a list."""

import re
from typing import Any

import griffe

_NAME = r"`?[a-z_]\w*(?:\([^)]*\))?`?"
ENTRY = re.compile(rf"({_NAME}(?:(?:, | and ){_NAME})*): (?=\S)")


def as_markdown(docstring: str) -> str:
    """A docstring whose entries, each with lines of its own indented below it, are items of a list."""
    lines: list[str] = []
    in_list = False
    for line in docstring.splitlines():
        entry = ENTRY.match(line)
        if entry is not None:
            if not in_list:
                lines.append("")
            names = ", ".join(f"`{name.strip('`')}`" for name in re.split(r", (?![^(]*\))| and ", entry[1]))
            line = f"- {names}: {line[entry.end() :]}"
        in_list = entry is not None or (in_list and line.startswith("    "))
        lines.append(line)
    return "\n".join(lines)


class Entries(griffe.Extension):
    """Hands mkdocstrings the docstrings as Markdown."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
