"""The host of an address as a browser reads it.

Facts
-----
A host is a domain, an IPv4 address or an IPv6 address in brackets. Percent-encoded bytes are decoded first. A domain
whose last label looks like a number is an IPv4 address or nothing, and a browser writes it in dotted decimal, however
it was written: octal, hexadecimal, in one to four parts. https://url.spec.whatwg.org/#host-parsing

Not read here, and refused: hosts outside ASCII (their Punycode form is read, and taken for what it says).
"""

import re
from urllib.parse import unquote_to_bytes

from corecors._origins.addresses import canonical_ipv6

_DOMAIN = re.compile(r"[^\x00-\x20\x7f-\U0010ffff#%/:<>?@\[\\\]^|]+")  # no forbidden domain code point, ASCII only
_NUMBER = re.compile(r"0[xX](?P<hexadecimal>[0-9A-Fa-f]*)|0(?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*)")
_RADIX = {"hexadecimal": 16, "octal": 8, "decimal": 10}
_LONGEST_NUMBER = 11  # digits without leading zeros: of 32 bits in octal; int() must not be given thousands


def read_host(text: str) -> str | None:
    """The host in its one written form, brackets included; None if it is not a host.

    Source: https://url.spec.whatwg.org/#concept-host-parser, of a special scheme
    """
    if text.startswith("["):
        return canonical_ipv6(text)
    host = unquote_to_bytes(text).decode("latin-1").lower()
    if _DOMAIN.fullmatch(host) is None:
        return None
    # One dot at the end does not count, https://url.spec.whatwg.org/#ends-in-a-number-checker
    parts = host.removesuffix(".").split(".")
    if parts[-1].isdigit() or _number(parts[-1]) is not None:
        return _ipv4(parts)
    return host


def _ipv4(parts: list[str]) -> str | None:
    """The last of at most four numbers fills the bytes that are left (https://url.spec.whatwg.org/#concept-ipv4-parser)."""
    numbers = [number for part in parts if (number := _number(part)) is not None]
    if len(numbers) != len(parts) or len(parts) > 4:
        return None
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    packed = bytes(first) + last.to_bytes(4 - len(first), "big")
    return ".".join(map(str, packed))


def _number(text: str) -> int | None:
    """A number in decimal, octal or hexadecimal; one that is too long to be in any address counts as 2**32.

    Source: https://url.spec.whatwg.org/#ipv4-number-parser
    """
    found = _NUMBER.fullmatch(text)
    if found is None or found.lastgroup is None:
        return None
    digits = found[found.lastgroup].lstrip("0")
    if len(digits) > _LONGEST_NUMBER:
        return 1 << 32
    return int(digits or "0", _RADIX[found.lastgroup])
