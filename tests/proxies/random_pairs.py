"""Policies and requests at random, many at once: a proxy is started once for a whole batch.

The policies are those of `law` without a predicate, which no proxy can ask; `null` with credentials needs one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from law import Application, Ask, Config, applications, asks, configs


class Batch(NamedTuple):
    """One policy and what is asked of it."""

    config: Config
    cases: list[tuple[Ask, Application]]


@st.composite
def sayable(draw: st.DrawFn) -> Config:
    config = draw(configs())
    return replace(config, tenants=None, null=config.null and not config.credentials)


@st.composite
def _batches(draw: st.DrawFn, each: int) -> Batch:
    config = draw(sayable())
    return Batch(config, [(draw(asks(config)), _once(draw(applications))) for _ in range(each)])


def _once(application: Application) -> Application:
    """The application without second lines of what a message has once: proxies keep one of them."""
    headers = application.headers
    kept = [
        (name, value)
        for number, (name, value) in enumerate(headers)
        if name.lower() in _SEVERAL or name not in [earlier for earlier, _ in headers[:number]]
    ]
    return replace(application, headers=kept)


_SEVERAL = {"x-one", "x-two", "set-cookie", "cache-control"}


def random_batches(policies: int, each: int, begin: int = 0) -> list[Batch]:
    """`policies` different policies with `each` requests; the same ones for the same `begin`."""
    found: dict[Config, Batch] = {}
    while len(found) < policies:
        for batch in _some(each, begin):
            found.setdefault(batch.config, batch)
        begin += 1
    return list(found.values())[:policies]


def _some(each: int, number: int) -> list[Batch]:
    """A few of them: after these, Hypothesis mostly changes what it has drawn already."""
    found: list[Batch] = []

    @seed(number)
    @settings(
        max_examples=10,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_batches(each))
    def collect(batch: Batch) -> None:
        found.append(batch)

    collect()
    return found
