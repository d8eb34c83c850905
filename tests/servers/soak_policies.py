"""The policies that follow one another in the soak, and the requests that it sends.

Every policy differs from every other in the headers that it sends, so that an answer made of two of them equals none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from corecors import PathPolicies, Policy, evaluate
from servers.http_connection import request
from servers.truth import expected_headers

ORIGINS = tuple(f"https://app-{n}.example" for n in range(4))
TENANTS = "https://*.tenants.example"
REFUSED = "https://refused.example"
ANY_ORIGIN_EVERY = 7  # each policy of which this divides the number allows any origin
KINDS = 5  # of policies, by their number: two ordinary ones, one that asks a predicate, one in debug, one by path

REQUESTS_PER_REPLACEMENT = 16
IN_FORCE = "X-In-Force"  # the header in which an answer tells between which two policies it was made


def policy_number(n: int) -> Policy:
    """The n-th policy. Its number is in `Access-Control-Expose-Headers`, `-Allow-Methods` and `-Max-Age`."""
    methods, exposed = [f"M{n}", "PUT"], [f"X-{n}"]
    if n % ANY_ORIGIN_EVERY == 0:
        return Policy(allow_origins=["*"], allow_methods=methods, expose_headers=exposed, max_age=n)
    origins = [ORIGINS[n % len(ORIGINS)], ORIGINS[(n + 1) % len(ORIGINS)]]
    by_predicate = n % KINDS == 1
    return Policy(
        allow_origins=origins[:1] if by_predicate else [*origins, TENANTS],
        allow_origin_predicate=(lambda origin: origin == origins[1]) if by_predicate else None,
        allow_methods=methods,
        expose_headers=exposed,
        max_age=n,
        allow_credentials=n % 2 == 0,
        debug=n % KINDS == 2,
    )


def in_force_as(n: int, policy: Policy) -> Policy | PathPolicies:
    """What the middleware is given for the n-th policy: now and then a choice by path, which it serves otherwise."""
    return PathPolicies({"/": policy}) if n % KINDS == 3 else policy


class SoakRequest(NamedTuple):
    """What is asked, in the terms of `evaluate`."""

    method: str
    origin: str | None
    request_method: str | None = None

    def data(self) -> bytes:
        headers = [("Origin", self.origin)] if self.origin else []
        if self.request_method:
            headers.append(("Access-Control-Request-Method", self.request_method))
        return request(self.method, "/", headers)


CYCLE = (
    *(SoakRequest("GET", origin) for origin in ORIGINS),
    *(SoakRequest("OPTIONS", origin, "PUT") for origin in ORIGINS),
    SoakRequest("GET", None),
    SoakRequest("GET", REFUSED),
    SoakRequest("OPTIONS", REFUSED, "PUT"),
)


def soak_request(number: int) -> SoakRequest:
    """One of those above in turn, and every twelfth from a tenant that has never been seen before."""
    place = number % (len(CYCLE) + 1)
    return CYCLE[place] if place < len(CYCLE) else SoakRequest("GET", f"https://t{number}.tenants.example")


def expected(n: int, asked: SoakRequest) -> tuple[int, dict[str, str]]:
    """Status and CORS headers of the answer to `asked` while the n-th policy is in force."""
    decision = evaluate(_kept_policy(n), *asked)
    return decision.status or 200, expected_headers(decision)


_kept_policy = lru_cache(maxsize=256)(policy_number)
