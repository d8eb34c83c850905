"""Addresses as a browser reads them: as much of the URL standard as decides about origins.

Facts
-----
Two URLs have the same origin if scheme, host and port agree. A browser reads more loosely than RFC 3986: it ignores
tabs and line breaks, takes a backslash for a slash and any number of slashes before the host, and it writes a host in
lower case and a port only where it is not the scheme's default. https://url.spec.whatwg.org/#concept-basic-url-parser
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from corecors._origins.addresses import DEFAULT_PORTS, MAX_PORT
from corecors.browser.hosts import read_host

# The schemes that CORS is about, and their default ports.
WEB_PORTS = {scheme: DEFAULT_PORTS[scheme] for scheme in ("http", "https")}

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
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?")
_LONGEST_PORT = 5  # digits without leading zeros

# What is not percent-encoded: https://url.spec.whatwg.org/#path-percent-encode-set, #special-query-percent-encode-set.
# A `#` ends both, a `?` ends the path; `%` stands for itself.
_KEPT_IN_PATH = "!$%&'()*+,-./:;=@[\\]_|~"
_KEPT_IN_QUERY = "!$%&()*+,-./:;=?@[\\]^_`{|}~"


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


def parse_url(text: str, base: Address | None = None) -> Address | None:
    """Read a URL, relative to `base` if there is one; lone surrogates count as U+FFFD. None if it is not a URL.

    Source: https://url.spec.whatwg.org/#concept-basic-url-parser
    """
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = text.strip(_C0_AND_SPACE).translate(_TAB_AND_NEWLINE).partition("#")[0]
    path, mark, query = text.partition("?")
    absolute = _SCHEME.fullmatch(path)
    if absolute is not None:
        scheme, path = absolute[1].lower(), absolute[2]
    elif base is not None:
        scheme = base.scheme
    else:
        return None
    if scheme not in WEB_PORTS:
        return Address(scheme)
    path, query = path.replace("\\", "/"), mark + query
    if base is None or base.scheme != scheme or path.startswith("//"):
        return _with_authority(scheme, path, query)
    base_path, base_mark, base_query = base.path.partition("?")
    if not path:
        path, query = base_path, query or base_mark + base_query
    elif not path.startswith("/"):
        path = base_path.rpartition("/")[0] + "/" + path
    return Address(base.scheme, base.host, base.port, _path(path) + _query(query))


def _with_authority(scheme: str, path: str, query: str) -> Address | None:
    authority, slash, path = path.lstrip("/").partition("/")
    userinfo, _, place = authority.rpartition("@")
    parts = _HOST_AND_PORT.fullmatch(place)
    if parts is None:
        return None
    host, digits = read_host(parts[1]), (parts[2] or "").lstrip("0")
    if host is None or len(digits) > _LONGEST_PORT:
        return None
    port = int(digits or "0") if parts[2] else None
    if port is not None and port > MAX_PORT:
        return None
    has_userinfo = userinfo not in ("", ":")  # `//@host` has an empty user and no password: none; nor has `//:@host`
    default = port == WEB_PORTS[scheme]
    return Address(scheme, host, None if default else port, _path(slash + path) + _query(query), has_userinfo)


def _path(path: str) -> str:
    """An absolute path without dot segments (`%2e` counts as a dot) percent-encoded where it has to be."""
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
    return quote("/" + "/".join(kept), safe=_KEPT_IN_PATH)


def _query(query: str) -> str:
    return quote(query, safe=_KEPT_IN_QUERY)
