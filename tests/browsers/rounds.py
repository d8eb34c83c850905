"""One round: an engine goes through all pages of one setup, and the model is asked the same questions."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from .adapted import ADAPTERS, Api, Serve
from .case import Addresses, Case, Seen, Setup
from .engines import Engine
from .prediction import MODEL, Prediction, predict
from .sites import Journal, PageServer, Visit, new_certificate, serving


@dataclass
class Sites:
    """The servers of one setup, with the cases that they serve."""

    setup: Setup
    cases: Sequence[Case]
    addresses: Addresses
    journal: Journal
    pages: PageServer
    failures: list[str]
    """Tracebacks of what the applications raised."""
    tls: ssl.SSLContext | None
    """How the model trusts the servers' certificate."""

    @cached_property
    def predictions(self) -> dict[str, list[Prediction | None]]:
        """The model's word, by case."""
        return {case.slug: predict(case, self.addresses, self.tls) for case in self.cases}

    def predicted_requests(self, case: Case) -> list[Seen]:
        """What the server saw of the model."""
        assert self.predictions
        return self.journal.of(MODEL, case.slug)


@dataclass(frozen=True, slots=True)
class Round:
    """What came of an engine's way through the pages of one setup."""

    engine: Engine
    sites: Sites
    visit: Visit
    console: tuple[str, ...]

    def outcomes(self, case: Case) -> tuple[str, ...]:
        """What the scripts saw, act by act."""
        jobs = (f"{case.slug}/{index}" for index in range(len(case.acts)))
        return tuple(self.visit.outcomes.get(job, "never reported") for job in jobs)

    def requests(self, case: Case) -> list[Seen]:
        """What the server saw."""
        return self.sites.journal.of(self.visit.visitor, case.slug)

    def is_predicted(self, case: Case) -> bool:
        """Whether the server must have seen of the engine what it saw of the model."""
        own_way = case.own_way(self.engine.name, self.sites.setup.scheme)
        return case.requests_predicted and own_way is None

    def console_of(self, case: Case) -> str:
        """What Chromium's console says about the case; every message about a request names its URL."""
        return "\n".join(message for message in self.console if f"/{case.slug}/" in message)


@contextmanager
def serving_sites(setup: Setup, cases: Sequence[Case], serve: Serve | None = None) -> Iterator[Sites]:
    """`serve`: how, where it is not by the adapter that the setup names."""
    certificate = new_certificate() if setup.scheme == "https" else None
    server_tls = certificate.server if certificate else None
    journal, failures = Journal(), list[str]()
    pages = PageServer(journal)
    with ExitStack() as servers:
        pages_port = servers.enter_context(serving(pages, failures, server_tls))
        addresses = Addresses(setup.scheme, pages_port, api_port=0)
        api = Api(cases, addresses, journal, failures, server_tls)
        addresses = replace(addresses, api_port=servers.enter_context((serve or ADAPTERS[setup.adapter])(api)))
        yield Sites(setup, cases, addresses, journal, pages, failures, certificate.client if certificate else None)


def go_round(engine: Engine, sites: Sites) -> Round:
    """Open each page and wait until it has reported all its outcomes."""
    visit = Visit(engine.name.lower(), sites.cases, sites.addresses)
    sites.pages.visits[visit.name] = visit
    if engine.console is not None:
        engine.console()  # what it said before is not about this round
    for page in visit.pages:
        engine.open(f"{sites.addresses.page(page)}/page?visit={visit.name}")
        if not visit.wait_for(page):
            break  # what is missing shows as "never reported" in the cases
    return Round(engine, sites, visit, () if engine.console is None else tuple(engine.console()))
