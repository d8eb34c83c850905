"""Addresses as a browser reads them: as much of the URL standard as decides about origins.

Facts
-----
Two URLs have the same origin if scheme, host and port agree. A browser reads more loosely than RFC 3986: it ignores
tabs and line breaks, takes a backslash for a slash and any number of slashes before the host, and it writes a host in
lower case and a port only where it is not the scheme's default. https://url.spec.whatwg.org/#concept-basic-url-parser

Not read here, and refused: hosts outside ASCII (their Punycode form is read) and IPv4 addresses in any notation but
dotted decimal.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote

WEB_PORTS = {"http": 80, "https": 443}  # the schemes that CORS is about, and their default ports

# https://fetch.spec.whatwg.org/#port-blocking
BAD_PORTS = frozenset(
    {0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109}
    | {110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530}
    | {531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190}
    | {5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
)

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_TAB_AND_NEWLINE = str.maketrans("", "", "\t\n\r")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{0,9}))?")
_DOMAIN = re.compile(r"[^\x00-\x20\x7f-\U0010ffff#%/:<>?@\[\\\]^|]+")  # no forbidden domain code point, ASCII only
_NUMERIC_LAST_LABEL = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?", re.DOTALL)
_KEPT = "!#$%&'()*+,-./:;=?@[\\]^_`{|}~"  # printable ASCII that is not percent-encoded


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL, without its fragment and its userinfo.

    `port` is None where it is the scheme's default. `path` includes the query. For a scheme other than http and https,
    only `scheme` is filled.
    """

    scheme: str
    host: str = ""
    port: int | None = None
    path: str = ""
    has_userinfo: bool = False

    @property
    def origin(self) -> str:
        """The origin, serialised; "null" for a scheme that is not http or https."""
        if self.scheme not in WEB_PORTS:
            return "null"
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")

    @property
    def url(self) -> str:
        """The URL as it is sent."""
        return f"{self.scheme}:" if self.scheme not in WEB_PORTS else self.origin + self.path

    @property
    def is_loopback(self) -> bool:
        """Whether the host always means this machine (https://w3c.github.io/webappsec-secure-contexts/)."""
        if self.host == "localhost" or self.host.endswith(".localhost") or self.host == "[::1]":
            return True
        return re.fullmatch(r"127(\.[0-9]+){3}", self.host) is not None


def parse_url(text: str, base: Address | None = None) -> Address | None:
    """Read a URL, relative to `base` if there is one. None if it is no URL."""
    text = text.strip(_C0_AND_SPACE).translate(_TAB_AND_NEWLINE).partition("#")[0]
    path, mark, query = text.partition("?")
    scheme = _SCHEME.fullmatch(path)
    if scheme is not None and scheme[1].lower() not in WEB_PORTS:
        return Address(scheme[1].lower())
    query = mark + query
    if scheme is not None:
        name, path = scheme[1].lower(), scheme[2].replace("\\", "/")
        if base is None or base.scheme != name or path.startswith("//"):
            return _with_authority(name, path.lstrip("/") + query)
    elif base is None:
        return None
    path = path.replace("\\", "/")
    if path.startswith("//"):
        return _with_authority(base.scheme, path.lstrip("/") + query)
    base_path, base_mark, base_query = base.path.partition("?")
    if not path:
        path, query = base_path, query or base_mark + base_query
    elif not path.startswith("/"):
        path = base_path.rpartition("/")[0] + "/" + path
    return Address(base.scheme, base.host, base.port, _path(path) + _encoded(query))


def _with_authority(scheme: str, text: str) -> Address | None:
    authority = re.split("[/?]", text, maxsplit=1)[0]
    userinfo, _, place = authority.rpartition("@")
    parts = _HOST_AND_PORT.fullmatch(place)
    if parts is None:
        return None
    host, port = parts[1].lower(), int(parts[2]) if parts[2] else None
    if not _is_host(host) or (port is not None and port > 65535):
        return None
    if host.startswith("["):
        host = f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
    path, mark, query = text[len(authority) :].partition("?")
    return Address(
        scheme,
        host,
        None if port == WEB_PORTS[scheme] else port,
        _path(path) + _encoded(mark + query),
        # `//@host` has an empty user and no password: no userinfo; nor has `//:@host`.
        has_userinfo=userinfo not in ("", ":"),
    )


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            ipaddress.IPv6Address(host[1:-1])
            return host.endswith("]") and "%" not in host  # no zone: it means something on one machine only
        if _NUMERIC_LAST_LABEL.fullmatch(host):
            ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return _DOMAIN.fullmatch(host) is not None


def _path(path: str) -> str:
    """An absolute path without dot segments (`%2e` counts as a dot) and with everything but printable ASCII encoded."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for segment in segments:
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(segment)
    if segments[-1].lower().replace("%2e", ".") in (".", ".."):
        kept.append("")
    return _encoded("/" + "/".join(kept))


def _encoded(text: str) -> str:
    return quote(text, safe=_KEPT)
