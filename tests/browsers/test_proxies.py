"""Chromium and the proxies that policies were exported to: the page sees what the policy means.

In every run the cases that touch transport; all that apply with `CORECORS_BROWSER_PROXIES=all`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from proxies.kinds import KINDS, ProxyKind

from .case import Addresses, Case, Setup
from .cases import CASES

if TYPE_CHECKING:
    from .engines import Engine
    from .rounds import Round

ALL = os.environ.get("CORECORS_BROWSER_PROXIES") == "all"
SOME = 20
SCHEMES = {"nginx": "https"}  # the others over http: the recorder in front has the certificate, not the proxy


@pytest.fixture(scope="session", params=[pytest.param(kind, id=kind.name) for kind in KINDS])
def proxy_round(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Round]:
    """What came of the cases in Chromium, with the policies in the proxy."""
    from .proxied import in_proxy
    from .rounds import go_round, serving_sites

    kind: ProxyKind = request.param
    if kind.path() is None:
        from servers.availability import leave_out

        leave_out(f"{kind.name} is not installed: {kind.package} brings it")
    setup = Setup(SCHEMES.get(kind.name, "http"), kind.name)
    with serving_sites(setup, chosen(kind), in_proxy(kind)) as sites:
        yield go_round(engine, sites)


# What docs/proxies.md says of Punycode below a wildcard.
def test_chromium_alone_opens_a_page_below_punycode_that_stands_for_nothing(engine: Engine) -> None:
    engine.open("about:blank")
    opens = engine.run_script("try { return new URL('https://xn--a.example.com').host } catch { return null }")
    assert opens == ("xn--a.example.com" if engine.name == "Chromium" else None)


def chosen(kind: ProxyKind) -> list[Case]:
    from .adapted import Api
    from .proxied import applies
    from .sites import Journal

    nowhere = Api((), Addresses("http", 1, 2), Journal(), [], None)
    found = [case for case in CASES if (ALL or case.transport) and applies(case, kind, nowhere)]
    return found if ALL else found[:SOME]


@pytest.mark.parametrize("engine", ["Chromium"], indirect=True, scope="session")
def test_the_page_sees_what_the_policy_means(proxy_round: Round) -> None:
    cases = proxy_round.sites.cases
    assert len(cases) >= SOME
    wrong = []
    for case in cases:
        own_way = case.own_way(proxy_round.engine.name, proxy_round.sites.setup.scheme)
        got = proxy_round.outcomes(case)
        if got != (own_way or case.meant):
            wrong.append((case.name, got, own_way or case.meant))
    assert wrong == []


@pytest.mark.parametrize("engine", ["Chromium"], indirect=True, scope="session")
def test_the_proxy_sees_the_preflights_and_requests_that_the_policy_means(proxy_round: Round) -> None:
    wrong = []
    for case in proxy_round.sites.cases:
        requests = proxy_round.requests(case)
        preflights = sum(seen.is_preflight for seen in requests)
        others = len(requests) - preflights
        if preflights != case.preflights or (case.requests is not None and others != case.requests):
            wrong.append((case.name, list(map(str, requests))))
    assert wrong == []
