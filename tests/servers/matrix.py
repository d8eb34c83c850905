"""The page docs/adapters-matrix.md: which scenario did what it has to do, on which adapter and server, in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scenarios import POLICIES, SCENARIOS, Scenario

PAGE = """\
# Scenario × adapter × server

Written from a run of the tests against real servers (`tox -e servers -- --write-matrix`), not by hand. Each scenario is
a policy, a request and a response that the application makes to it. It was sent over a connection to each server, with
the application of each adapter behind it, and the answer was compared with what `corecors.evaluate` decides.

{letters}. A letter stands where the answer was the one that was decided, `✗` where it
was not. A number stands where the server does not hand the request over; those are not counted in the summary.{notes}

## Summary

| server | {adapters} |
| --- | {dashes} |
{summary}
"""

SECTION = """
## Policy: {policy}

| request | response | {servers} |
| --- | --- | {dashes} |
{rows}
"""


class Place(NamedTuple):
    """A field of the matrix."""

    scenario: str
    adapter: str
    server: str


def is_complete(seen: Mapping[Place, object], adapters: Sequence[str], servers: Sequence[str]) -> bool:
    """Whether every scenario was tried on every adapter and server."""
    return len(seen) == len(SCENARIOS) * len(adapters) * len(servers)


def page(
    seen: Mapping[Place, bool], notes: Mapping[tuple[str, str], str], adapters: Sequence[str], servers: Sequence[str]
) -> str:
    """The page in Markdown.

    `seen` has for each field whether the answer was right; `notes` say, by server and request, what a server does
    before the application sees anything.
    """
    numbers = {place: number for number, place in enumerate(notes, start=1)}

    def field(scenario: Scenario, server: str) -> str:
        right = [seen[Place(scenario.name, name, server)] for name in adapters]
        number = numbers.get((server, scenario.request.name))
        if number and all(right):
            return f"[{number}]"
        return " ".join(
            letter(name) if as_it_has_to_be else "✗" for name, as_it_has_to_be in zip(adapters, right, strict=True)
        )

    def count(adapter: str, server: str) -> str:
        arriving = [scenario for scenario in SCENARIOS if (server, scenario.request.name) not in notes]
        right = sum(seen[Place(scenario.name, adapter, server)] for scenario in arriving)
        return f"{right} of {len(arriving)}"

    def section(policy: str) -> str:
        rows = "\n".join(
            row(scenario.request.name, scenario.response.name, *(field(scenario, server) for server in servers))
            for scenario in SCENARIOS
            if scenario.policy == policy
        )
        return SECTION.format(policy=policy, servers=" | ".join(servers), dashes=dashes(servers), rows=rows)

    head = PAGE.format(
        letters=", ".join(f"`{letter(name)}` is {name}" for name in adapters),
        notes="".join(f"\n\n[{numbers[place]}] On {place[0]}: {note}." for place, note in notes.items()),
        adapters=" | ".join(adapters),
        dashes=dashes(adapters),
        summary="\n".join(row(server, *(count(adapter, server) for adapter in adapters)) for server in servers),
    )
    return head + "".join(section(policy) for policy in POLICIES)


def letter(adapter: str) -> str:
    return adapter[0].upper()


def row(*fields: str) -> str:
    return f"| {' | '.join(fields)} |"


def dashes(columns: Sequence[str]) -> str:
    return " | ".join("---" for _ in columns)
