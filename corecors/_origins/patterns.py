"""The pattern grammar of `allow_origins`: exact, any subdomain, a label with a wildcard inside, any port.

    https://app.example.com               that origin
    https://*.example.com                 one or more labels below example.com, never example.com itself
    https://pr-*.preview.example.com      one label that begins so (or ends so, or both)
    http://localhost:*                    any port, or none
    https://*.example.com:8443            each kind of entry combines with a port
    https://pr-*.preview.example.com:*

Inside a label `*` stands for one or more of the letters a to z, the digits and the hyphen, and the whole has to be a
valid label: at most 63 characters, no hyphen at either end, and not a Punycode one (`xn--`).

`*` stands nowhere else. It never crosses the scheme, the port or a label's edge. (`["*"]`, any origin at all, is the
policy's affair and not a pattern.)
"""

import re
from typing import NamedTuple

from corecors._origins.parsing import (
    MAX_HOST_LENGTH,
    MAX_LABEL_LENGTH,
    MAX_ORIGIN_LENGTH,
    Origin,
    OriginError,
    fault_of_entry,
    is_ip_address,
    mended_origin,
    parse_origin,
    unwrapped,
)
from corecors._origins.public_suffixes import UNREGISTRABLE, has_public_suffix_at_or_below, is_public_suffix

ANY_PORT = ":*"
ANY_SUBDOMAIN = "://*."
# Scheme, what stands before and after the `*` in the leftmost label, and the domain that follows it
_WILDCARD_HOST = re.compile(r"([^*/]*://)([^*.:/@\[\]]*)\*([^*.:/@\[\]]*)\.(.*)", re.DOTALL)
_PATH = re.compile(r"(?<=[^:/])/(?!/).*", re.DOTALL)


class OriginPattern(NamedTuple):
    """One parsed entry.

    `origin` is what is left without its wildcards: with `any_subdomain` and with `label`, its host is the domain that
    follows them; with `any_port`, `origin.port` is None. `label`: what stands before and after the `*` in the leftmost
    label.
    """

    origin: Origin
    any_subdomain: bool
    any_port: bool
    label: tuple[str, str] | None = None

    @property
    def has_wildcard_host(self) -> bool:
        return self.any_subdomain or self.label is not None

    @property
    def is_open_to_anyone(self) -> bool:
        """Whether anyone can register a name that the pattern matches: a question to ask where credentials are allowed.

        A label with a wildcard inside is one label; `*.` stands for several, and so reaches suffixes further down.
        """
        if self.any_subdomain:
            return has_public_suffix_at_or_below(self.origin.host)
        return self.label is not None and is_public_suffix(self.origin.host)

    @property
    def is_exact(self) -> bool:
        return not (self.has_wildcard_host or self.any_port)


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
    wildcard = _WILDCARD_HOST.fullmatch(rest)
    if wildcard is None:
        origin = _parse_rest(rest, "", any_port)
        return _checked_port(OriginPattern(origin, any_subdomain=False, any_port=any_port), text)
    scheme, before, after, domain = wildcard.groups()
    if before or after:
        _check_label(before, after, text)
    origin = _parse_rest(scheme + domain, f"{before}*{after}.", any_port)
    if is_ip_address(origin.host):
        raise OriginError("has a wildcard before an IP address, which has no subdomains")
    if len(f"{before}*{after}.{origin.host}") > MAX_HOST_LENGTH:
        raise OriginError(f"never matches: what it stands for is longer than {MAX_HOST_LENGTH} characters")
    if not (before or after):
        return _checked_port(OriginPattern(origin, any_subdomain=True, any_port=any_port), text)
    if "." not in origin.host and origin.host not in UNREGISTRABLE:
        raise OriginError(
            "has a wildcard inside a name that anyone can register",
            None if before else text.replace("*", "*.", 1),
        )
    return _checked_port(OriginPattern(origin, False, any_port, (before, after)), text)


def _checked_port(pattern: OriginPattern, text: str) -> OriginPattern:
    if pattern.any_port and pattern.origin.port is not None:
        raise OriginError("has a port and a wildcard for it", mend=text[: -len(ANY_PORT)])
    return pattern


def _check_label(before: str, after: str, text: str) -> None:
    """Refuse a label with a wildcard inside that no label of an origin can match."""
    if not (before + after).isascii():
        raise OriginError("has characters beyond ASCII beside a wildcard: browsers send Punycode, where it can't stand")
    if before + after != (before + after).lower():
        raise OriginError("has upper case in its host", _mended_pattern(text.lower()))
    if re.search(r"[^a-z0-9_-]", before + after):
        raise OriginError("has a character in its host that no name in DNS has")
    if before.startswith("-") or after.endswith("-"):
        raise OriginError("has a label that begins or ends with a hyphen")
    if before.startswith("xn--"):
        raise OriginError("has a wildcard in a Punycode label, which stands for other text than it shows")
    if len(before) + len("*") + len(after) > MAX_LABEL_LENGTH:
        raise OriginError(f"has a label longer than {MAX_LABEL_LENGTH} characters")


def _parse_rest(rest: str, wildcard: str, any_port: bool) -> Origin:
    """The origin that is left of a pattern once its wildcards are taken out; `wildcard` stood before its host."""
    if "*" in rest:
        raise OriginError(_misplaced_wildcard(rest))
    try:
        return parse_origin(rest)
    except OriginError as error:
        mended = error.mend
        if mended is not None:
            mended = mended.replace("://", f"://{wildcard}")
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
        'has a "*" that is neither in the leftmost label ("https://*.example.com", "https://pr-*.example.com") '
        'nor the port ("http://localhost:*")'
    )
