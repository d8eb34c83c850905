"""What a finding is, and the traps that several proxies share.

`seen` is a clause that follows the line of the configuration, as in a `Problem`: what an attacker or a user sees.
`fix` says what to write instead.
"""

from typing import NamedTuple

from corecors import OriginError, parse_origin
from corecors._policy.problems import Severity


class Trap(NamedTuple):
    """One kind of fault. `code`: a stable word; `seen`, `fix`: texts with places for `str.format`."""

    code: str
    severity: Severity
    seen: str
    fix: str


class Place(NamedTuple):
    """A line of the configuration: its file, its number from 1, and its text, shortened to one line."""

    file: str
    line: int
    text: str


class Finding(NamedTuple):
    """A trap at a place. `field`: the directive, or the header that it is about."""

    place: Place
    field: str
    code: str
    severity: Severity
    seen: str
    fix: str


def found(place: Place, field: str, trap: Trap, **details: object) -> Finding:
    """`trap` at `place`, its texts filled in with `details`."""
    seen, fix = (text.format_map(details) for text in (trap.seen, trap.fix))
    return Finding(place, field, trap.code, trap.severity, seen, fix)


def in_order(findings: list[Finding]) -> list[Finding]:
    """By file and line, each once: a line that is reached in several ways is wrong once."""
    return sorted(dict.fromkeys(findings), key=lambda finding: (finding.place[:2], finding.code, finding.field))


ANY_ORIGIN_WITH_CREDENTIALS = Trap(
    "any-origin-with-credentials",
    "error",
    "sends back any Origin, with credentials: every site can read your visitors' data",
    "compare the whole origin with those that you allow, and send nothing to others",
)
ANY_ORIGIN_REFLECTED = Trap(
    "any-origin-reflected",
    "warning",
    "sends back any Origin: every site can read the responses",
    "if everybody may read them, write `*`, which needs no Vary; if not, compare the whole origin",
)
PART_OF_ORIGIN = Trap(
    "part-of-origin",
    "error",
    "compares a part of the origin: {example} is let in, which anyone can have",
    "compare the whole origin",
)
MISSING_VARY = Trap(
    "missing-vary",
    "warning",
    "depends on who asks, and nothing here sends Vary: Origin: a cache hands one origin's response to another, which "
    "the browser then refuses",
    "{line}",
)
VARY_OVERWRITTEN = Trap(
    "vary-overwritten",
    "warning",
    "replaces the Vary of the server behind: a cache hands a compressed or translated response to those who cannot "
    "read it",
    "{line}",
)
UPSTREAM_HEADER_KEPT = Trap(
    "upstream-header-kept",
    "warning",
    "leaves an Access-Control-Allow-Origin of the server behind as it is: {what}",
    "{line}",
)
DOUBLED_HEADER = Trap(
    "doubled-header",
    "error",
    "stands next to another one ({other}): two values leave, and browsers refuse the response",
    "choose one value for each request; one of several origins has to be looked up",
)
IGNORES_CASE = Trap(
    "ignores-case",
    "warning",
    "ignores case, and what was sent is echoed: HTTPS://APP.EXAMPLE is let in where https://app.example is, which no "
    "browser sends",
    "{line}",
)


def example_of(how: str, pattern: str) -> str | None:
    """An origin of somebody else's that a comparison with a part lets in; None where there is none for certain.

    how: "beg", "end", "sub" (anywhere) or "dom" (whole labels anywhere).
    """
    bare = pattern.removeprefix("https://").removeprefix("http://").strip(".")
    scheme = "http://" if pattern.startswith("http://") else "https://"
    if how == "end":
        example = None if "://" in pattern or pattern.startswith(".") else f"https://evil{pattern}"
    elif how == "beg":
        example = f"{pattern}evil.example" if pattern.endswith("/") else f"{pattern}.evil.example"
    elif how in ("sub", "dom"):
        example = f"{scheme}{bare}.evil.example"
    else:
        return None
    return example if example is not None and is_origin(example) else None


def is_origin(text: str) -> bool:
    try:
        parse_origin(text)
    except OriginError:
        return False
    return True
