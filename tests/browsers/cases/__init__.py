"""The table of cases, the same for every engine."""

from __future__ import annotations

from . import caches, credentials, debugging, elements, fixed, origins, preflights, redirects, responses

CASES = (
    *origins.CASES,
    *preflights.CASES,
    *credentials.CASES,
    *responses.CASES,
    *elements.CASES,
    *redirects.CASES,
    *caches.CASES,
    *debugging.CASES,
    *fixed.CASES,
)

assert len({case.slug for case in CASES}) == len(CASES), "two cases have the same name"
