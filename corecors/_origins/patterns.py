"""The pattern grammar of `allow_origins`: exact, any subdomain, any port.

    https://app.example.com          that origin
    https://*.example.com            one or more labels below example.com, never example.com itself
    http://localhost:*               any port, or none
    https://*.example.com:8443       both kinds of entry combine with a port
    https://*.example.com:*

`*` stands nowhere else. It never crosses the scheme, the port or a label's edge. (`["*"]`, any origin at all, is the
policy's affair and no pattern.)
"""

import re
from typing import NamedTuple

from corecors._origins.parsing import (
    MAX_ORIGIN_LENGTH,
    Origin,
    OriginError,
    fault_of_entry,
    is_ip_address,
    mended_origin,
    parse_origin,
    unwrapped,
)

ANY_PORT = ":*"
ANY_SUBDOMAIN = "://*."
_PATH = re.compile(r"(?<=[^:/])/(?!/).*", re.DOTALL)


class OriginPattern(NamedTuple):
    """One parsed entry. `origin` is the pattern without its wildcards; with `any_port`, `origin.port` is None."""

    origin: Origin
    any_subdomain: bool
    any_port: bool

    @property
    def is_exact(self) -> bool:
        return not (self.any_subdomain or self.any_port)


def parse_pattern(text: str) -> OriginPattern:
    """Parse one entry of `allow_origins`.

    Raises `OriginError`, which names the first thing that is wrong and, where one mend is certain, the mended text.
    """
    if not isinstance(text, str):
        raise OriginError(f"an origin pattern is text, not {type(text).__name__}")
    if len(text) > 4 * MAX_ORIGIN_LENGTH or not ("*" in text or text.startswith(".")):
        return OriginPattern(parse_origin(text), any_subdomain=False, any_port=False)
    wrong = fault_of_entry(text)
    if wrong is not None:
        bare = unwrapped(text)
        raise OriginError(wrong, None if bare == text else "*" if bare == "*" else _mended_pattern(bare))
    if (tail := _PATH.search(text)) is not None:
        wrong = "has a trailing slash" if tail[0] == "/" else "has a path, which is never part of an origin"
        raise OriginError(wrong, _mended_pattern(text[: tail.start()]))
    rest = text
    any_port = rest.endswith(ANY_PORT)
    if any_port:
        rest = rest[: -len(ANY_PORT)]
    if rest.startswith(("*.", ".")):
        bare = "https://" + rest.removeprefix("*")[1:]
        mended = (mended_origin(bare) or bare).replace("://", ANY_SUBDOMAIN)
        raise OriginError("has no scheme", _mended_pattern(mended + (ANY_PORT if any_port else "")))
    any_subdomain = ANY_SUBDOMAIN in rest
    if any_subdomain:
        rest = rest.replace(ANY_SUBDOMAIN, "://")
    origin = _parse_rest(rest, any_subdomain, any_port)
    if any_subdomain and is_ip_address(origin.host):
        raise OriginError("has a wildcard before an IP address, which has no subdomains")
    if any_port and origin.port is not None:
        raise OriginError("has a port and a wildcard for it", mend=text[: -len(ANY_PORT)])
    return OriginPattern(origin, any_subdomain, any_port)


def _parse_rest(rest: str, any_subdomain: bool, any_port: bool) -> Origin:
    """The origin that is left of a pattern once its wildcards are taken out."""
    if "*" in rest:
        raise OriginError(_misplaced_wildcard(rest))
    try:
        return parse_origin(rest)
    except OriginError as error:
        mended = error.mend
        if mended is not None:
            if any_subdomain:
                mended = mended.replace("://", ANY_SUBDOMAIN)
            mended = _mended_pattern(mended + (ANY_PORT if any_port else ""))
        raise OriginError(error.wrong, mended) from None


def _mended_pattern(text: str) -> str | None:
    """`text` where it is a pattern, else its mend where one is certain."""
    try:
        parse_pattern(text)
    except OriginError as error:
        return error.mend
    return text


def _misplaced_wildcard(rest: str) -> str:
    scheme, separator, host = rest.partition("://")
    if "*" in scheme:
        return 'has a "*" in its scheme' if separator else "has a wildcard but no scheme"
    if host == "*" or host.startswith("*:"):
        return "stands for every host of its scheme; name a domain, or allow any origin with the one entry '*'"
    return (
        'has a "*" that is neither a whole leading label ("https://*.example.com") nor the port ("http://localhost:*")'
    )
