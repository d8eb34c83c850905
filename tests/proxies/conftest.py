"""Real proxies as fixtures.

One that is not installed skips its tests, loudly; with `CORECORS_REQUIRE_SERVERS=1` that is a failure.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proxies.kinds import KINDS, ProxyKind
from proxies.upstream import Upstream, answering


@pytest.fixture(scope="session", params=[pytest.param(kind, id=kind.name) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> ProxyKind:
    """A proxy that is installed; each in turn."""
    found: ProxyKind = request.param
    return found.insisted()


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with answering() as server:
        yield server
