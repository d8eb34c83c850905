"""Origins in their serialised form.

Facts
-----
A browser writes `Origin` in exactly one form: scheme, "://", host, and ":port" only where the port is not the scheme's
default. Lower case, ASCII, no trailing slash. A value in any other form was not written by a browser for a site that
one would trust, so comparing strings is comparing origins.

Browsers can send more host characters than these (`"`, `$`, `{` and others, all registrable by an attacker below a
domain of their own), and hyphens at a label's edge. We refuse those. The underscore is the one exception to Fetch's
own grammar: real preview hosts have it.

Sources: HTML, "ASCII serialization of an origin" (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin);
Fetch, "`Origin` header" (https://fetch.spec.whatwg.org/#origin-header); URL, "host writing"
(https://url.spec.whatwg.org/#host-writing).
"""

import re
from typing import NamedTuple

MAX_SCHEME_LENGTH = 64  # no standard caps it; no registered scheme comes near
MAX_HOST_LENGTH = 253  # DNS, RFC 1035 2.3.4
MAX_LABEL_LENGTH = 63  # the same
MAX_PORT = 65535
MAX_ORIGIN_LENGTH = MAX_SCHEME_LENGTH + len("://") + MAX_HOST_LENGTH + len(":65535")

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}  # URL, "special scheme"
OPAQUE_SCHEMES = frozenset({"about", "blob", "data", "file", "javascript"})  # their origins are sent as `null`

SCHEME = rf"[a-z][a-z0-9+.-]{{0,{MAX_SCHEME_LENGTH - 1}}}"
LABEL = r"[a-z0-9_][a-z0-9_-]{0,62}+(?<!-)"  # possessive, so that a hostile label costs one pass
NAME = rf"{LABEL}(?:\.{LABEL})*+"
_SERIALISED = re.compile(rf"({SCHEME})://({NAME}|\[[0-9a-f:]{{2,39}}\])(?::([1-9][0-9]{{0,4}}))?")
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.DOTALL)  # URL, "ends in a number checker"
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_HOST = re.compile(NAME)
_SHOWN_LENGTH = 80


class OriginError(ValueError):
    """Text that is no serialised origin, or no origin pattern.

    `wrong` says what the first fault is; `mend` is the corrected text where one correction is certain, else None.
    """

    def __init__(self, wrong: str, mend: str | None = None) -> None:
        super().__init__(wrong if mend is None else f"{wrong}; write {mend!r}")
        self.wrong = wrong
        self.mend = mend


class Origin(NamedTuple):
    """A tuple origin. `port` is None where the scheme's default is meant; `str()` gives the serialised form."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine whoever asks: localhost and below, 127.0.0.0/8, [::1]."""
        host = self.host
        return (
            host == "localhost"
            or host.endswith(".localhost")
            or host == "[::1]"
            or (host.startswith("127.") and _IPV4.fullmatch(host) is not None)
        )


def parse_origin(text: str) -> Origin:
    """Parse one serialised origin.

    `text` is the value of an `Origin` header, decoded as latin-1 as WSGI does.
    Raises `OriginError`, which names the first thing that is wrong and, where one mend is certain, the mended text.
    Source: HTML, "ASCII serialization of an origin"; URL, "host writing".
    """
    if not isinstance(text, str):
        raise OriginError(f"an origin is text, not {type(text).__name__}")
    origin = read_origin(text)
    if origin is None:
        raise _diagnose(text)
    return origin


def read_origin(text: str) -> Origin | None:
    """The same as `parse_origin`, in bounded time and with None in place of an error: for text off the wire."""
    if len(text) > MAX_ORIGIN_LENGTH or (parts := _SERIALISED.fullmatch(text)) is None:
        return None
    scheme, host, port_text = parts.groups()
    if host[0] == "[":
        if host != _canonical_ipv6(host):
            return None
    elif not is_host_name(host):
        return None
    if scheme in OPAQUE_SCHEMES:
        return None
    if port_text is None:
        return Origin(scheme, host, None)
    port = int(port_text)
    if port > MAX_PORT or port == DEFAULT_PORTS.get(scheme):
        return None
    return Origin(scheme, host, port)


def is_host_name(host: str) -> bool:
    """Whether `host`, dotted labels, is a domain in canonical form or a canonical IPv4 address."""
    if len(host) > MAX_HOST_LENGTH or _HOST.fullmatch(host) is None:
        return False
    return _ENDS_IN_A_NUMBER.fullmatch(host) is None or _IPV4.fullmatch(host) is not None


def is_ip_address(host: str) -> bool:
    """Whether a host in canonical form is an IPv4 address or a bracketed IPv6 address."""
    return host.startswith("[") or _IPV4.fullmatch(host) is not None


def _canonical_ipv6(host: str) -> str | None:
    """`host` ("[...]") as URL's IPv6 serialiser writes it; None where it is no address."""
    if host[-1] != "]" or "%" in host:  # a zone means something to one machine only, so it is in no origin
        return None
    import ipaddress  # only hosts in brackets pay for the import

    try:
        packed = ipaddress.IPv6Address(host[1:-1]).packed
    except ValueError:
        return None
    groups = [f"{int.from_bytes(packed[i : i + 2], 'big'):x}" for i in range(0, 16, 2)]
    start, length = 0, 1  # the first longest run of two or more zero groups is compressed
    for i in range(8):
        run = next((n for n, group in enumerate(groups[i:]) if group != "0"), 8 - i)
        if run > length:
            start, length = i, run
    if length == 1:
        return f"[{':'.join(groups)}]"
    return f"[{':'.join(groups[:start])}::{':'.join(groups[start + length :])}]"


def shown(text: str) -> str:
    """`text` quoted for a message: printable ASCII only, and never long."""
    return ascii(text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "...")


# What is wrong, for people. Only configuration gets here, so clarity comes before speed.

_LENIENT = re.compile(r"(?:([^:/?#\\@]*):)?[/\\]{0,3}([^/?#\\]*)")
_WITHOUT_SCHEME = re.compile(r"(?:(https?)//?)?([^/?#\\@]+)", re.IGNORECASE)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_PLACEHOLDER = re.compile(r"\$\{|\$[A-Z_]+\b|\{\{|%\(|<[^>]*>")  # of shells, templates and manuals
_ANYONE = "is no origin; any origin at all is the one entry '*'"
_NOBODY = "names no origin; a site's own pages need no entry, so leave it out"
_WORDS = {"all": _ANYONE, "any": _ANYONE, "self": _NOBODY, "same-origin": _NOBODY, "none": _NOBODY}
_WRITTEN_AS_REGEX = re.compile(r"\^.*|.*\$|/[^/].*/", re.DOTALL)
_REGEX = re.compile(r"\\[.dw]|\A\.\*|\.\*[\\?]|\.\+|\([^()|]*[|)]|\[\w-\w")


def _diagnose(text: str) -> OriginError:
    """The first fault of `text`, which is known to be no serialised origin."""
    if not text:
        return OriginError("is empty")
    if len(text) > 4 * MAX_ORIGIN_LENGTH:
        return OriginError(f"is {len(text)} characters long; no origin is longer than {MAX_ORIGIN_LENGTH}")
    return OriginError(_first_fault(text), mended_origin(text))


def _first_fault(text: str) -> str:
    wrong = fault_of_entry(text)
    if wrong is not None:
        return wrong
    scheme, separator, rest = text.partition("://")
    if not separator:
        if re.match(r"[a-z][a-z0-9+.-]*(?::/?|//)(?![0-9/])", text, re.IGNORECASE):
            return 'has no "://" after its scheme'
        return "has no scheme"
    if re.fullmatch(SCHEME, scheme) is None:
        return "has upper case in its scheme" if re.fullmatch(SCHEME, scheme.lower()) else "has no valid scheme"
    end = re.search(r"[/?#\\]", rest)
    authority = rest[: end.start()] if end else rest
    if "@" in authority:
        return "has userinfo (user:password@), which is never part of an origin"
    if end:
        tail = rest[end.start() :]
        kinds = {"?": "a query", "#": "a fragment", "\\": "a backslash", "/": "a path"}
        return "has a trailing slash" if tail == "/" else f"has {kinds[tail[0]]}, which is never part of an origin"
    if _canonical_ipv6(f"[{authority}]") is not None:
        return "has an IPv6 address without brackets around it"
    if re.search(r"\][^:]", authority):
        return "has something after its IPv6 address that is not a colon and a port"
    return _host_fault(*_split_port(authority), scheme)


def fault_of_entry(text: str) -> str | None:
    """Why `text` is no entry of a list of origins and patterns at all, if that can be told without taking it apart."""
    if text.strip() != text:
        return "has white space around it"
    word = text.lower().strip(_QUOTES)
    if word == "null":
        return "`null` is what browsers send for opaque origins and identifies nobody"
    if word in _WORDS:
        return _WORDS[word]
    if re.search(r"[\x00-\x1f\x7f]", text):
        return "has a control character in it"
    if _INVISIBLE.search(text):
        return "has an invisible character in it"
    if _PLACEHOLDER.search(text):
        return "has a placeholder in it that nothing was put in place of"
    if " " in text:
        return "has white space in it: give one origin an entry"
    if looks_like_regex(text):
        return "looks like a regular expression; those belong in allow_origin_regexes"
    opaque = re.match(r"([a-z]+):(?![0-9])", text, re.IGNORECASE)
    if opaque and opaque[1].lower() in OPAQUE_SCHEMES:
        return f"browsers send `null` for {opaque[1].lower()}: pages, never this text"
    if "," in text or ";" in text or (text[0] == "[" and text[-1] == "]"):
        return "looks like a list: give one origin an entry"
    if text[0] in _QUOTES and text[-1] in _QUOTES:
        return "has quotation marks around it"
    if text.count("://") > 1:
        return "is two origins without a comma between them"
    return None


def looks_like_regex(text: str) -> bool:
    """Whether `text` was surely written as a regular expression, for it holds what no origin or pattern has."""
    scheme, separator, rest = text.partition("://")
    if _WRITTEN_AS_REGEX.fullmatch(text) is not None:
        return True
    if separator:
        return re.search(r"[?()]", scheme) is not None or _REGEX.search(rest) is not None
    return re.match(r"[a-z]+:", text) is None and _REGEX.search(text) is not None


def unwrapped(text: str) -> str:
    """`text` without the white space, quotation marks and invisible characters that came with it by mistake."""
    wrapped = _INVISIBLE.sub("", text)
    while (bare := wrapped.strip().strip(_QUOTES)) != wrapped:
        wrapped = bare
    return bare


def _split_port(authority: str) -> tuple[str, str]:
    """Host and port text of an authority without userinfo."""
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        return host + bracket, rest.removeprefix(":")
    host, _, port = authority.partition(":")
    return host, port


def _host_fault(host: str, port: str, scheme: str) -> str:
    if not host:
        return "has no host"
    if not host.isascii():
        return "has characters beyond ASCII in its host, which browsers send in Punycode"
    if host != host.lower():
        return "has upper case in its host"
    if host[0] == "[" or host[-1] == "]":
        if _canonical_ipv6(host) != host:
            return "has an IPv6 address that is not in the compressed form that browsers send"
    elif host.endswith("."):
        return "has a trailing dot: another origin than the one without it"
    elif "*" in host:
        return 'has a "*" in its host that is not a whole leading label ("https://*.example.com")'
    elif ".." in host or host.startswith("."):
        return "has an empty label in its host"
    elif re.search(r"[^a-z0-9_.-]", host):
        return "has a character in its host that no name in DNS has"
    elif any(label[0] == "-" or label[-1] == "-" for label in host.split(".")):
        return "has a label that begins or ends with a hyphen"
    elif any(len(label) > 63 for label in host.split(".")):
        return "has a label longer than 63 characters"
    elif len(host) > MAX_HOST_LENGTH:
        return f"has a host longer than {MAX_HOST_LENGTH} characters"
    elif not is_host_name(host):
        return "has an IPv4 address that is not four plain decimal numbers"
    return _port_fault(port, scheme)


def _port_fault(port: str, scheme: str) -> str:
    if not port:
        return "has a colon but no port"
    if re.fullmatch("[0-9]+", port) is None:
        return "has a port that is no number"
    if int(port) == DEFAULT_PORTS.get(scheme):
        return f"has the default port of {scheme}, which browsers leave out"
    if port[0] == "0":
        return "has port 0 or a port with a leading zero"
    return f"has a port above {MAX_PORT}"


def mended_origin(text: str) -> str | None:
    """The origin that `text` surely meant, or None: what an origin never has is dropped, the rest respelled."""
    bare = unwrapped(text)
    if not bare or fault_of_entry(bare) is not None:
        return None
    if "\\" in bare and "@" in bare:
        return None  # parsers disagree about which of the two ends the host
    parts = _LENIENT.match(bare)
    assert parts is not None  # each of its parts may be empty
    scheme, authority = parts.groups()
    if scheme is None or ("." in scheme or scheme == "localhost"):  # "app.example.com:8443": a host, not a scheme
        found = _WITHOUT_SCHEME.match(bare)
        if found is None or bare[found.end() :].startswith("@"):
            return None
        local = found[2].startswith("localhost")
        scheme, authority = found[1] or ("http" if local else "https"), found[2]
        if not found[1] and "." not in authority and not local:
            return None
    host, port = _split_port(authority.rpartition("@")[2])
    host = _respelled_host(host)
    scheme = scheme.lower()
    if port.isdecimal() and port.isascii():
        number = int(port)
        port = "" if number == DEFAULT_PORTS.get(scheme) else str(number)
    mended = f"{scheme}://{host}" + ("" if not port else f":{port}")
    return mended if mended != text and read_origin(mended) is not None else None


def _respelled_host(host: str) -> str:
    host = host.removesuffix(".")
    if host.startswith("["):
        return _canonical_ipv6(host) or host
    if host.isascii():
        return host.lower()
    if not set("\u00df\u03c2\u200c\u200d").isdisjoint(host):
        return host  # Python's codec is IDNA 2003, which spells these four another way than browsers do
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host
