"""Origins in their serialised form.

Facts
-----
A browser writes `Origin` in exactly one form: scheme, "://", host, and ":port" only where the port is not the scheme's
default. Lower case, ASCII, no trailing slash. A value in any other form was not written by a browser for a site that
one would trust, so comparing strings is comparing origins.

Browsers can send more host characters than these (`"`, `$`, `{` and others, all registrable by an attacker below a
domain of their own), and hyphens at a label's edge. We refuse those. The underscore is the one exception to Fetch's
own grammar: real preview hosts have it. A label of Punycode (`xn--`) has to stand for text that a browser would write
so; `xn--a` stands for none.

Sources: HTML, "ASCII serialization of an origin" (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin);
Fetch, "`Origin` header" (https://fetch.spec.whatwg.org/#origin-header); URL, "host writing"
(https://url.spec.whatwg.org/#host-writing).
"""

import re
from typing import Final, NamedTuple

from corecors._origins.addresses import DEFAULT_PORTS, MAX_PORT, canonical_ipv6, is_ipv4, is_loopback

MAX_SCHEME_LENGTH: Final = 64  # no standard caps it; no registered scheme comes near
MAX_HOST_LENGTH: Final = 253  # DNS, RFC 1035 2.3.4
MAX_LABEL_LENGTH: Final = 63  # the same
MAX_ORIGIN_LENGTH: Final = MAX_SCHEME_LENGTH + len("://") + MAX_HOST_LENGTH + len(f":{MAX_PORT}")

OPAQUE_SCHEMES: Final = frozenset({"about", "blob", "data", "file", "javascript"})  # their origins are sent as `null`
# No page has an address with one of these: the first three are special schemes (URL, "special scheme") that a browser
# connects to or downloads from, and does not render.
SCHEMES_OF_NO_PAGE: Final = frozenset({"ws", "wss", "ftp"}) | OPAQUE_SCHEMES

SCHEME: Final = rf"[a-z][a-z0-9+.-]{{0,{MAX_SCHEME_LENGTH - 1}}}"
LABEL: Final = r"[a-z0-9_][a-z0-9_-]{0,62}+(?<!-)"  # possessive, so that a hostile label costs one pass
NAME: Final = rf"{LABEL}(?:\.{LABEL})*+"
PUNYCODE: Final = "xn--"
_SERIALISED = re.compile(rf"({SCHEME})://({NAME}|\[[0-9a-f:]{{2,39}}\])(?::([1-9][0-9]{{0,4}}))?")
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.DOTALL)  # URL, "ends in a number checker"
_HOST = re.compile(NAME)

# What nearly every origin looks like: one match instead of a parse. The last label begins with a letter, so the host is
# not an IPv4 address, and no label is Punycode.
PLAIN_HTTPS_ORIGIN: Final = re.compile(
    r"https://(?:(?!xn--)[a-z0-9_][a-z0-9_-]{0,62}+(?<!-)\.)*+(?!xn--)[a-z](?!x[0-9a-f]*$)[a-z0-9_-]{0,62}+(?<!-)"
)
LONGEST_PLAIN_ORIGIN: Final = len("https://") + MAX_HOST_LENGTH


class Origin(NamedTuple):
    """A tuple origin. `port` is None where the scheme's default is meant; `str()` gives the serialised form."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine for everyone: localhost and below, 127.0.0.0/8, [::1]."""
        return is_loopback(self.host)


def parse_origin(text: str) -> Origin:
    """Parse one serialised origin.

    `text` is the value of an `Origin` header, decoded as latin-1 as WSGI does.
    Raises `OriginError`, which names the first thing that is wrong and, where one fix is certain, the corrected text.
    Source: HTML, "ASCII serialization of an origin"; URL, "host writing".
    """
    origin = read_origin(text) if isinstance(text, str) else None
    if origin is None:
        from corecors._origins.faults import origin_error  # words are needed for configuration alone

        raise origin_error(text)
    return origin


def read_origin(text: str) -> Origin | None:
    """The same as `parse_origin`, in bounded time and with None instead of an error: for text off the wire."""
    if len(text) > MAX_ORIGIN_LENGTH or (parts := _SERIALISED.fullmatch(text)) is None:
        return None
    scheme, host, port_text = parts.groups()
    if host[0] == "[":
        if host != canonical_ipv6(host):
            return None
    elif len(host) > MAX_HOST_LENGTH or not _is_canonical(host):
        return None
    if scheme in SCHEMES_OF_NO_PAGE:
        return None
    if port_text is None:
        return Origin(scheme, host, None)
    port = int(port_text)
    if port > MAX_PORT or port == DEFAULT_PORTS.get(scheme):
        return None
    return Origin(scheme, host, port)


def is_serialised(text: str) -> bool:
    """Whether `text`, off the wire, is a serialised origin."""
    if len(text) <= LONGEST_PLAIN_ORIGIN and PLAIN_HTTPS_ORIGIN.fullmatch(text) is not None:
        return True
    return read_origin(text) is not None


def is_host_name(host: str) -> bool:
    """Whether `host`, dotted labels, is a domain in canonical form or a canonical IPv4 address."""
    return len(host) <= MAX_HOST_LENGTH and _HOST.fullmatch(host) is not None and _is_canonical(host)


def _is_canonical(host: str) -> bool:
    """Whether dotted labels are a domain or an IPv4 address as a browser writes it."""
    if PUNYCODE in host and not all(map(is_unicode_label, re.findall(rf"(?:\A|\.)({PUNYCODE}[^.]*)", host))):
        return False
    return _ENDS_IN_A_NUMBER.fullmatch(host) is None or is_ipv4(host)


def is_unicode_label(label: str) -> bool:
    """Whether a label that begins with `xn--` stands for text that a browser would write so.

    What is refused is what UTS 46 refuses whatever its version: text that does not decode or is spelled in another way,
    that needs no Punycode, begins with a mark, has characters that are not visible or assigned to nobody, or would have
    been mapped to other text first (upper case, compatibility forms). Characters that Python's Unicode tables do not
    know yet pass. Source: https://www.unicode.org/reports/tr46/#Validity_Criteria
    """
    import unicodedata  # its tables are large, and few names need them

    try:
        text = label[len(PUNYCODE) :].encode("ascii").decode("punycode")
        spelled = text.encode("punycode").decode("ascii")
    except UnicodeError:
        return False
    if text.isascii() or PUNYCODE + spelled != label or unicodedata.category(text[0])[0] == "M":
        return False
    joined = text.replace("\u200c", "").replace("\u200d", "")  # the two joiners, which some scripts need
    if any(unicodedata.category(character) in _NEVER_IN_A_NAME for character in joined):
        return False
    # The two that UTS 46 keeps though they fold: sharp s and the final sigma.
    kept = text.replace("\u00df", "s").replace("\u03c2", "s")
    return unicodedata.normalize("NFKC", kept.casefold()) == kept


_NEVER_IN_A_NAME = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"})
