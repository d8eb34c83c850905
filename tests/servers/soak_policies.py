"""The policies that follow one another in the soak, and the requests that it sends.

Every policy differs from every other in the headers that it sends, so that an answer made of two of them equals none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from corecors import Policy, evaluate
from servers.http_connection import request
from servers.truth import expected_headers

ORIGINS = tuple(f"https://app-{n}.example" for n in range(4))
TENANTS = "https://*.tenants.example"
REFUSED = "https://refused.example"
ANY_ORIGIN_EVERY = 7  # each policy of which this divides the number allows any origin

REQUESTS_PER_REPLACEMENT = 16
IN_FORCE = "X-In-Force"  # the header in which an answer tells between which two policies it was made


def policy_number(n: int) -> Policy:
    """The n-th policy. Its number is in `Access-Control-Expose-Headers`, `-Allow-Methods` and `-Max-Age`."""
    if n % ANY_ORIGIN_EVERY == 0:
        return Policy(allow_origins=["*"], allow_methods=[f"M{n}", "PUT"], expose_headers=[f"X-{n}"], max_age=n)
    origins = [ORIGINS[n % len(ORIGINS)], ORIGINS[(n + 1) % len(ORIGINS)], TENANTS]
    return Policy(
        allow_origins=origins,
        allow_methods=[f"M{n}", "PUT"],
        expose_headers=[f"X-{n}"],
        max_age=n,
        allow_credentials=n % 2 == 0,
    )


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
