"""What becomes of the headers that an application set itself, in one rule.

A line gives way where the answer has one of that name, and where its name begins with `Access-Control-`: exactly one
`Access-Control-Allow-Origin` leaves, for two always fail (Fetch, "CORS check"). Lists can be merged, and are: `Vary`
always, `Access-Control-Expose-Headers` for an origin that is allowed.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from corecors._decisions import headers

Line = tuple[str, str]
Lines = tuple[Line, ...]

_PREFIX: Final = "access-control-"
_VARY: Final = headers.VARY.lower()
_EXPOSE_HEADERS: Final = headers.EXPOSE_HEADERS.lower()
# Every name that an answer of ours can have and that does not begin with the prefix.
_OTHERS: Final = frozenset({_VARY, headers.TIMING_ALLOW_ORIGIN.lower()})

# Names of response headers that were looked at and are none of ours, as applications spell them: one look-up a line is
# cheaper than anything that looks at its letters. An application has a few dozen; more are forgotten. A door that
# counts instructions may look here itself, and call `merge_headers` for any other name.
MAX_KNOWN_NAMES: Final = 1024
unrelated_headers: Final[set[str]] = set()


def merge_headers(own: list[Line], lines: Sequence[Line]) -> list[Line]:
    """A response's `own` header lines with those of a decision, `lines`. A new list, never one of the two.

    Every `Access-Control-*` line of the application gives way, and so does `Timing-Allow-Origin` where `lines` has one;
    `Vary` becomes one merged line. For an origin that is allowed, what the application exposes is exposed as well: with
    credentials a `*` is dropped, for browsers take it literally, and names that no script may read always are.
    """
    for name, _ in own:
        if name not in unrelated_headers:
            return _merged(own, lines)
    return [*own, *lines]


def _merged(own: list[Line], lines: Sequence[Line]) -> list[Line]:
    answered = {line[0].lower(): line for line in lines}
    kept: list[Line] = []
    varies: list[str] = []
    exposed: list[str] = []
    for line in own:
        name = line[0]
        if name in unrelated_headers:
            kept.append(line)
            continue
        lowered = name.lower()
        if lowered == _EXPOSE_HEADERS:
            exposed.append(line[1])
        elif lowered == _VARY and _VARY in answered:
            varies.append(line[1])
        elif not (lowered.startswith(_PREFIX) or lowered in answered):
            kept.append(line)
            if lowered not in _OTHERS:
                _remember(name)
    if exposed and headers.ALLOW_ORIGIN.lower() in answered:
        names = _exposed(exposed, answered)
        if names:
            answered[_EXPOSE_HEADERS] = (headers.EXPOSE_HEADERS, names)
    if varies:
        answered[_VARY] = (headers.VARY, headers.merge_vary([*varies, answered[_VARY][1]]))
    return [*kept, *answered.values()]


def _remember(name: str) -> None:
    if len(unrelated_headers) >= MAX_KNOWN_NAMES:
        unrelated_headers.clear()
    unrelated_headers.add(name)


def _exposed(theirs: Iterable[str], answered: dict[str, Line]) -> str:
    """The names that the policy exposes, and those of the application that can be."""
    ours = answered.get(_EXPOSE_HEADERS)
    found = {name.lower(): name for name in headers.list_elements([ours[1]] if ours else [])}
    for name in headers.list_elements(theirs):
        # Fetch, "CORS-exposed header-name list": `*` is a name like others once credentials are allowed.
        literal = name == headers.WILDCARD and headers.ALLOW_CREDENTIALS.lower() in answered
        if headers.is_token(name) and name.lower() not in headers.FORBIDDEN_RESPONSE_HEADER_NAMES and not literal:
            found.setdefault(name.lower(), name)
    return ", ".join(found.values())


def add_vary(own: list[Line]) -> list[Line]:
    """A response's `own` header lines with `Origin` in its `Vary`, and nothing else changed. A new list."""
    varies = [value for name, value in own if name.lower() == _VARY]
    others = [line for line in own if line[0].lower() != _VARY]
    return [*others, (headers.VARY, headers.merge_vary([*varies, headers.ORIGIN]))]
