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

from corecors._origins.addresses import is_ip_address
from corecors._origins.errors import OriginError
from corecors._origins.faults import (
    EXTENSION_IDS,
    MAX_DIAGNOSED,
    any_port_meant,
    fault_of_entry,
    fault_of_labels,
    fault_of_tail,
    fixed_origin,
    not_text,
    regex_meant,
    unwrapped,
)
from corecors._origins.parsing import MAX_HOST_LENGTH, MAX_ORIGIN_LENGTH, PUNYCODE, Origin, parse_origin
from corecors._origins.public_suffixes import UNREGISTRABLE, has_public_suffix_at_or_below, is_public_suffix

ANY_PORT = ":*"
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

    Raises `OriginError`, which names the first thing that is wrong and, where one fix is certain, the corrected text.
    """
    if not isinstance(text, str):
        raise not_text(text, "an origin pattern")
    try:
        return _parse(text)
    except OriginError as error:
        meant = any_port_meant(text) if error.fix is None and len(text) <= MAX_ORIGIN_LENGTH else None
        if meant is None or meant == text or _fixed_pattern(meant) != meant:
            raise
        raise OriginError("port", "has a regular expression for its port", meant) from None


def _parse(text: str) -> OriginPattern:
    if len(text) > MAX_DIAGNOSED or not ("*" in text or text.startswith(".")):
        return OriginPattern(parse_origin(text), any_subdomain=False, any_port=False)
    fault = fault_of_entry(text)
    if fault is not None:
        bare = unwrapped(text)
        fixed = None if bare == text else "*" if bare == "*" else _fixed_pattern(bare)
        raise OriginError(fault.code, fault.message, fixed)
    if (tail := _PATH.search(text)) is not None:
        fault = fault_of_tail(tail[0])
        raise OriginError(fault.code, fault.message, _fixed_pattern(text[: tail.start()]))
    any_port = text.endswith(ANY_PORT)
    rest = text[: -len(ANY_PORT)] if any_port else text
    if rest.startswith(("*.", ".")):
        bare = "https://" + rest.removeprefix("*")[1:]
        fixed = (fixed_origin(bare) or bare).replace("://", "://*.")
        raise OriginError("no-scheme", "has no scheme", _fixed_pattern(fixed + (ANY_PORT if any_port else "")))
    wildcard = _WILDCARD_HOST.fullmatch(rest)
    if wildcard is None:
        return OriginPattern(_rest(rest, text), any_subdomain=False, any_port=any_port)
    scheme, before, after, domain = wildcard.groups()
    if before or after:
        _check_label(before, after, text)
    origin = _rest(scheme + domain, text, f"{before}*{after}.")
    if is_ip_address(origin.host):
        raise OriginError("wildcard", "has a wildcard before an IP address, which has no subdomains")
    if len(f"{before}*{after}.{origin.host}") > MAX_HOST_LENGTH:
        raise OriginError("host-length", f"never matches: no host is longer than {MAX_HOST_LENGTH} characters")
    if not (before or after):
        return OriginPattern(origin, any_subdomain=True, any_port=any_port)
    if "." not in origin.host and origin.host not in UNREGISTRABLE:
        raise OriginError(
            "wildcard",
            f"has a wildcard inside the name below {origin.host!r}, which anyone can register",
            None if before else _fixed_pattern(text.replace("*", "*.", 1)),
        )
    return OriginPattern(origin, False, any_port, (before, after))


def _check_label(before: str, after: str, text: str) -> None:
    """Refuse a label with a wildcard inside that no label of an origin can match."""
    if not (before + after).isascii():
        raise OriginError(
            "unicode-host", "has characters beyond ASCII together with a wildcard, and browsers send them in Punycode"
        )
    if before + after != (before + after).lower():
        raise OriginError("upper-case", "has upper case in its host", _fixed_pattern(text.lower()))
    if before.startswith(PUNYCODE):
        raise OriginError("punycode", "has a wildcard in a Punycode label, which stands for other text than it shows")
    fault = fault_of_labels([f"{before}a{after}"])
    if fault is not None:
        raise OriginError(fault.code, fault.message)


def _rest(rest: str, text: str, wildcard: str = "") -> Origin:
    """The origin that is left of the pattern `text` without its wildcards; `wildcard` stood before its host."""
    any_port = ANY_PORT if text.endswith(ANY_PORT) else ""
    if "*" in rest:
        raise _misplaced_wildcard(rest, text)
    try:
        origin = parse_origin(rest)
    except OriginError as error:
        fixed = error.fix
        if fixed is not None:
            fixed = _fixed_pattern(fixed.replace("://", f"://{wildcard}") + any_port)
        raise OriginError(error.code, error.message, fixed) from None
    if any_port and origin.port is not None:
        raise OriginError("port", "has a port and a wildcard for it", _fixed_pattern(text.removesuffix(ANY_PORT)))
    return origin


def _fixed_pattern(text: str) -> str | None:
    """`text` where it is a pattern, else its fix where one is certain."""
    try:
        parse_pattern(text)
    except OriginError as error:
        return error.fix
    return text


def _misplaced_wildcard(rest: str, text: str) -> OriginError:
    scheme, separator, host = rest.partition("://")
    if not separator:
        return OriginError("no-scheme", "has a wildcard but no scheme")
    if "*" in scheme:
        return OriginError("wildcard", 'has a "*" in its scheme: make each scheme an entry of its own')
    if host == "*" or host.startswith("*:"):
        if scheme in EXTENSION_IDS:
            return OriginError(
                "wildcard",
                "stands for every extension; name the one that is meant, or allow every extension of a visitor's "
                f"with the regular expression {scheme}://{EXTENSION_IDS[scheme]} in allow_origin_regexes",
            )
        return OriginError(
            "wildcard",
            "stands for every host of its scheme; name a domain, or without credentials allow any origin with the one"
            " entry '*'",
        )
    regex = regex_meant(text)
    if regex is not None:
        way_out = f"the regular expression {regex} in allow_origin_regexes says it"
    else:
        way_out = "list the origins that are meant, because anyone can be another one that it would match"
    return OriginError(
        "wildcard",
        'has a "*" that is neither in the leftmost label ("https://*.example.com", "https://pr-*.example.com") '
        f'nor the port ("http://localhost:*"); {way_out}',
    )
