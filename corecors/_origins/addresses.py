"""Addresses in numbers, and the ports that go without saying: what origins and URLs have in common.

Facts
-----
A browser writes an IPv4 address as four decimal numbers and an IPv6 address in brackets, in lower case, without leading
zeros, without a dotted part, its first longest run of two or more zeros compressed. Python's `ipaddress` reads and
writes both by rules of its own, which change between versions (3.13 writes `::ffff:1.2.3.4` with dots), so it is not
used here. Sources: URL, "IPv6 parser" and "IPv6 serializer" (https://url.spec.whatwg.org/#concept-ipv6-serializer).
"""

import re
from typing import Final

MAX_PORT: Final = 65535
DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}  # URL, "special scheme"

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}")
_PIECE = re.compile(r"[0-9A-Fa-f]{1,4}")
_PIECES = 8  # of 16 bits each

# RFC 1918, RFC 3927 and RFC 6598: the networks of a home, an office, a provider. IPv6: RFC 4193 and link-local
_PRIVATE = re.compile(
    r"10\..*|192\.168\..*|172\.(?:1[6-9]|2[0-9]|3[01])\..*|169\.254\..*|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\..*"
    r"|\[f[cd][0-9a-f]{2}:.*|\[fe[89ab][0-9a-f]:.*"
)


def is_ipv4(host: str) -> bool:
    """Whether `host` is an IPv4 address as browsers write it: "127.0.0.1"."""
    return _IPV4.fullmatch(host) is not None


def is_ip_address(host: str) -> bool:
    """Whether a host in canonical form is an IPv4 address or an IPv6 address in brackets."""
    return host.startswith("[") or is_ipv4(host)


def is_loopback(host: str) -> bool:
    """Whether a host in canonical form is this machine for everyone: localhost and below, 127.0.0.0/8, [::1].

    Source: https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy
    """
    if host == "localhost" or host.endswith(".localhost") or host == "[::1]":
        return True
    return host.startswith("127.") and is_ipv4(host)


def is_private(host: str) -> bool:
    """Whether a host in canonical form is an address that means something within one network only."""
    return is_ip_address(host) and _PRIVATE.fullmatch(host) is not None


def canonical_ipv6(host: str) -> str | None:
    """An IPv6 address in brackets ("[0:0::1]") as browsers write it ("[::1]"), or None where it is not one.

    A zone (`%eth0`) means something to one machine only and is in no URL.
    """
    if not (host.startswith("[") and host.endswith("]")):
        return None
    text = host[1:-1]
    if "." in text:
        text = _without_dots(text)
    before, compressed, after = text.partition("::")
    left, right = before.split(":") if before else [], after.split(":") if after else []
    missing = _PIECES - len(left) - len(right)
    if (missing < 1 if compressed else missing != 0) or not all(map(_PIECE.fullmatch, left + right)):
        return None
    return _serialised([int(piece, 16) for piece in [*left, *["0"] * missing, *right]])


def _without_dots(text: str) -> str:
    """The last 32 bits written as two pieces; the text as it was, which is not an address then, where they are not."""
    head, _, dotted = text.rpartition(":")
    if not is_ipv4(dotted):
        return text
    a, b, c, d = map(int, dotted.split("."))
    return f"{head}:{a << 8 | b:x}:{c << 8 | d:x}"


def _serialised(pieces: list[int]) -> str:
    start, length = 0, 1  # a run of one is not compressed
    for first in range(_PIECES):
        run = next((n for n, piece in enumerate(pieces[first:]) if piece), _PIECES - first)
        if run > length:
            start, length = first, run
    texts = [f"{piece:x}" for piece in pieces]
    if length == 1:
        return f"[{':'.join(texts)}]"
    return f"[{':'.join(texts[:start])}::{':'.join(texts[start + length :])}]"
