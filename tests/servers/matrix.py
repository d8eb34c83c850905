"""The page docs/adapters-matrix.md: on each adapter and server, how many scenarios did what they have to do, and every
one that did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from scenarios import POLICIES, SCENARIOS

MATRIX = Path(__file__).parents[2] / "docs" / "adapters-matrix.md"
HEAD = """\
# Scenario × adapter × server

Written from runs of the tests against real servers (`tox -e servers -- --write-matrix`), not by hand. A scenario is a
policy, a request and a response that the application makes to it. Each was sent over a connection to each server, with
the application of each adapter or framework behind it, and the answer was compared with what `corecors.evaluate`
decides: status, every CORS header, `Vary`, the application's own headers, the body. A number is how many answers were
the ones that were decided, of {scenarios} scenarios under {policies} policies.
"""


class Place(NamedTuple):
    """A field of the matrix."""

    scenario: str
    adapter: str
    server: str


def is_complete(seen: Mapping[Place, object], adapters: Sequence[str], servers: Sequence[str]) -> bool:
    """Whether every scenario was tried on every adapter and server."""
    return len(seen) == len(SCENARIOS) * len(adapters) * len(servers)


def part(
    title: str,
    seen: Mapping[Place, Sequence[str]],
    notes: Mapping[tuple[str, str], str],
    adapters: Sequence[str],
    servers: Sequence[str],
) -> str:
    """One part of the page in Markdown.

    `seen` has for each field what was wrong with the answer; `notes` say, by server and request, what a server does
    before the application sees anything: such scenarios are not counted.
    """
    requests = {scenario.name: scenario.request.name for scenario in SCENARIOS}

    def count(adapter: str, server: str) -> str:
        arriving = [name for name, asked in requests.items() if (server, asked) not in notes]
        right = sum(not seen[Place(name, adapter, server)] for name in arriving)
        return f"{right} of {len(arriving)}"

    rows = [("server", *adapters), ("---",) * (len(adapters) + 1)]
    rows += [(server, *(count(adapter, server) for adapter in adapters)) for server in servers]
    table = "\n".join(f"| {' | '.join(fields)} |" for fields in rows)
    noted = "".join(f"\nOn {server}, not counted: {asked}; {note}.\n" for (server, asked), note in notes.items())
    wrong = [
        f"- {place.server}, {place.adapter}, {place.scenario}: {'; '.join(found)}"
        for place, found in seen.items()
        if found
    ]
    failures = "\n".join(wrong) if wrong else "Every answer was the one that was decided."
    return f"## {title}\n\n{table}\n{noted}\n{failures}\n"


def page(text: str, new: str) -> str:
    """The page with one of its parts replaced, or added."""
    title = new.partition("\n")[0]
    parts = {found.partition("\n")[0]: found for found in _parts(text)}
    parts[title] = new
    head = HEAD.format(scenarios=len(SCENARIOS), policies=len(POLICIES))
    return "\n".join([head, *(parts[title] for title in sorted(parts))])


def _parts(text: str) -> list[str]:
    return [f"## {found.rstrip()}\n" for found in text.split("\n## ")[1:] if found.startswith(("WSGI", "ASGI"))]
