"""What an answer's CORS headers have to be, and what they are."""

from __future__ import annotations

from corecors import Decision
from servers.http_connection import Answer


def cors_headers(answer: Answer) -> dict[str, str]:
    """The `Access-Control-*` headers and `Timing-Allow-Origin`, names in lower case; each may be there once."""
    names = {name.lower() for name, _ in answer.headers}
    ours = {name for name in names if name.startswith("access-control-") or name == "timing-allow-origin"}
    return {name: str(answer.header(name)) for name in ours}


def vary(answer: Answer) -> list[str]:
    """The members of all `Vary` lines, in lower case and sorted; one that is there twice is listed twice."""
    return sorted(
        member.strip().lower() for line in answer.lines("Vary") for member in line.split(",") if member.strip()
    )


def expected_headers(decision: Decision) -> dict[str, str]:
    """The same for what was decided, less `Vary`."""
    return {name.lower(): value for name, value in decision.headers.items() if name.lower() != "vary"}


def expected_vary(decision: Decision, *own: str) -> list[str]:
    """The members of `Vary` for what was decided, beside the application's own."""
    decided = [member.strip().lower() for member in decision.headers.get("Vary", "").split(",") if member.strip()]
    return sorted({*decided, *(member.lower() for member in own)})
