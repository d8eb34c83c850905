"""What is wrong with a text that is not an origin, in words, and what was surely meant.

Only configuration gets here, so clarity comes before speed. A fix is offered where one text was meant for certain, and
never one that allows more than what was written; where two could have been meant, the message names both.
"""

import re

from corecors._origins.addresses import DEFAULT_PORTS, MAX_PORT, canonical_ipv6, is_ip_address, is_loopback, is_private
from corecors._origins.errors import Fault, OriginError
from corecors._origins.parsing import (
    MAX_HOST_LENGTH,
    MAX_LABEL_LENGTH,
    MAX_ORIGIN_LENGTH,
    OPAQUE_SCHEMES,
    PUNYCODE,
    SCHEME,
    SCHEMES_OF_NO_PAGE,
    is_host_name,
    is_unicode_label,
    read_origin,
)
from corecors._origins.public_suffixes import UNREGISTRABLE, is_public_suffix

MAX_DIAGNOSED = 4 * MAX_ORIGIN_LENGTH  # of a longer text, its length is what is wrong

_LENIENT = re.compile(r"(?:([^:/?#\\@]*):)?[/\\]{0,3}([^/?#\\]*)")
_WITHOUT_SCHEME = re.compile(r"(?:(https?)//?)?([^/?#\\@]+)", re.IGNORECASE)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_PLACEHOLDER = re.compile(r"\$\{|\$[A-Z_]+\b|\{\{|%\(|<[^>]*>")  # of shells, templates and manuals
_WRITTEN_AS_REGEX = re.compile(r"\^.*|.*\$|/[^/].*/", re.DOTALL)
_REGEX = re.compile(r"\\[.dw]|\A\.\*|\.\*[\\?]|\.\+|\([^()|]*[|)]|\[\w-\w")
# Names that only a home's or an office's own network knows, anyone may serve them there, often without a certificate.
_LOCAL_NAMES = UNREGISTRABLE | {"corp", "home", "intranet", "lan", "localdomain", "private"}


_ANYONE = Fault("word-for-any", "is not an origin; for any origin, write the one entry '*'")
_NOBODY = Fault("word-for-none", "is not an origin; a site's own pages need no entry, so leave it out")
_NULL = Fault(
    "null-origin",
    "is what browsers send for anyone's sandboxed frames and local files, and identifies nobody: serve the page from "
    "an address such as 'http://localhost:8000' and name that (only dangerously_allow_null_origin allows `null`)",
)
_WORDS = {"all": _ANYONE, "any": _ANYONE, "self": _NOBODY, "same-origin": _NOBODY, "none": _NOBODY, "null": _NULL}


def origin_error(text: object) -> OriginError:
    """What to say of a value that is not a serialised origin."""
    if not isinstance(text, str):
        return not_text(text, "an origin")
    if not text:
        return OriginError("empty", "is empty")
    if len(text) > MAX_DIAGNOSED:
        return OriginError("too-long", f"is {len(text)} characters long; no origin is longer than {MAX_ORIGIN_LENGTH}")
    fault = _first_fault(text)
    return OriginError(fault.code, fault.message, fixed_origin(text))


def not_text(value: object, what: str) -> OriginError:
    if isinstance(value, re.Pattern):
        return OriginError("regex-among-origins", "is a regular expression; those belong in allow_origin_regexes")
    return OriginError("not-text", f"{what} is text, not {type(value).__name__}")


def _first_fault(text: str) -> Fault:
    fault = fault_of_entry(text)
    if fault is not None:
        return fault
    scheme, separator, rest = text.partition("://")
    if not separator:
        if re.match(r"[a-z][a-z0-9+.-]*(?::/?|//)(?![0-9/])", text, re.IGNORECASE):
            return Fault("no-separator", 'has no "://" after its scheme')
        return _without_scheme(text)
    if re.fullmatch(SCHEME, scheme) is None:
        if re.fullmatch(SCHEME, scheme.lower()):
            return Fault("upper-case", "has upper case in its scheme")
        return Fault("scheme", "has no valid scheme")
    end = re.search(r"[/?#\\]", rest)
    authority = rest[: end.start()] if end else rest
    if "@" in authority:
        return Fault("userinfo", "has userinfo (user:password@), which is never part of an origin")
    if end:
        return fault_of_tail(rest[end.start() :])
    if canonical_ipv6(f"[{authority}]") is not None:
        return Fault("ipv6", "has an IPv6 address without brackets around it")
    if re.search(r"\][^:]", authority):
        return Fault("port", "has something after its IPv6 address that is not a colon and a port")
    return _host_fault(*_split_port(authority), scheme)


def fault_of_tail(tail: str) -> Fault:
    """What is wrong with what follows an origin, from its first slash on."""
    if tail == "/":
        return Fault("trailing-slash", "has a trailing slash")
    kind = {"?": "query", "#": "fragment", "\\": "backslash", "/": "path"}[tail[0]]
    return Fault(kind, f"has a {kind}, which is never part of an origin")


def fault_of_entry(text: str) -> Fault | None:
    """Why `text` is not an entry of a list of origins and patterns, if that can be told without taking it apart."""
    if text.strip() != text:
        return Fault("white-space", "has white space around it")
    word = text.lower().strip(_QUOTES)
    if word in _WORDS:
        return _WORDS[word]
    if re.search(r"[\x00-\x1f\x7f]", text):
        return Fault("control-character", "has a control character in it")
    if _INVISIBLE.search(text):
        return Fault("invisible-character", "has an invisible character in it")
    if _PLACEHOLDER.search(text):
        return Fault("placeholder", "has a placeholder in it that was never filled in")
    if " " in text:
        return Fault("white-space", "has white space in it: make each origin an entry of its own")
    if looks_like_regex(text):
        return Fault("regex-among-origins", "looks like a regular expression; those belong in allow_origin_regexes")
    scheme = re.match(r"([a-z]+):(?![0-9])", text, re.IGNORECASE)
    if scheme and scheme[1].lower() in SCHEMES_OF_NO_PAGE:
        return _fault_of_scheme(scheme[1].lower())
    if "," in text or ";" in text or (text[0] == "[" and text[-1] == "]" and canonical_ipv6(text) is None):
        return Fault("list-in-text", "looks like a list: make each origin an entry of its own")
    if text[0] in _QUOTES and text[-1] in _QUOTES:
        return Fault("quotation-marks", "has quotation marks around it")
    if text.count("://") > 1:
        return Fault("list-in-text", "is two origins without a comma between them")
    return None


def _fault_of_scheme(scheme: str) -> Fault:
    if scheme in OPAQUE_SCHEMES:
        return Fault("scheme-of-no-page", f"never matches: browsers send `null` for {scheme}: pages")
    if scheme == "ftp":
        return Fault("scheme-of-no-page", "never matches: no browser shows pages over ftp")
    page = {"ws": "http", "wss": "https"}[scheme]
    return Fault(
        "scheme-of-no-page",
        f"never matches: {scheme}: is where a socket is opened; name the page that opens it, which has {page}:// or "
        "another scheme of pages",
    )


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


def _host_fault(host: str, port: str, scheme: str) -> Fault:
    if not host:
        return Fault("no-host", "has no host")
    if not host.isascii():
        return Fault("unicode-host", "has characters beyond ASCII in its host, which browsers send in Punycode")
    if host != host.lower():
        return Fault("upper-case", "has upper case in its host")
    if host[0] == "[" or host[-1] == "]":
        if canonical_ipv6(host) != host:
            return Fault("ipv6", "has an IPv6 address that is not in the compressed form that browsers send")
        return _port_fault(port, scheme)
    if host.endswith("."):
        return Fault("trailing-dot", "has a trailing dot: another origin than the one without it")
    if "*" in host:
        return Fault("wildcard", 'has a "*" in its host, so it is a pattern and not an origin')
    if ".." in host or host.startswith("."):
        return Fault("empty-label", "has an empty label in its host")
    return fault_of_labels(host.split(".")) or _name_fault(host) or _port_fault(port, scheme)


def fault_of_labels(labels: list[str]) -> Fault | None:
    """What is wrong with the first of a host's labels that is not one. In ASCII and lower case."""
    for label in labels:
        if re.search(r"[^a-z0-9_-]", label):
            return Fault("host-character", "has a character in its host that no name in DNS has")
        if label.startswith("-") or label.endswith("-"):
            return Fault("label-hyphen", "has a label that begins or ends with a hyphen")
        if len(label) > MAX_LABEL_LENGTH:
            return Fault("label-length", f"has a label longer than {MAX_LABEL_LENGTH} characters")
        if label.startswith(PUNYCODE) and not is_unicode_label(label):
            return Fault("punycode", "has a Punycode label (xn--) that stands for no name, so that no browser sends it")
    return None


def _name_fault(host: str) -> Fault | None:
    if len(host) > MAX_HOST_LENGTH:
        return Fault("host-length", f"has a host longer than {MAX_HOST_LENGTH} characters")
    if not is_host_name(host):
        return Fault("ipv4", "has an IPv4 address that is not four plain decimal numbers")
    return None


def _port_fault(port: str, scheme: str) -> Fault:
    if not port:
        return Fault("no-port", "has a colon but no port")
    if re.fullmatch("[0-9]+", port) is None:
        return Fault("port", "has a port that is not a number")
    if int(port) == DEFAULT_PORTS.get(scheme):
        return Fault("default-port", f"has the default port of {scheme}, which browsers leave out")
    if port[0] == "0":
        return Fault("port", "has port 0 or a port with a leading zero")
    return Fault("port", f"has a port above {MAX_PORT}")


# What was meant


def fixed_origin(text: str) -> str | None:
    """The origin that `text` surely meant, or None: what an origin never has is dropped, the rest respelled."""
    bare = unwrapped(text)
    if not bare or fault_of_entry(bare) is not None:
        return None
    if "\\" in bare and "@" in bare:
        return None  # parsers disagree about which of the two ends the host
    parts = _LENIENT.match(bare)
    assert parts is not None  # each of its parts may be empty
    scheme, authority = parts.groups()
    if scheme is None or _is_host_before_port(scheme):
        found = _WITHOUT_SCHEME.match(bare)
        if found is None or bare[found.end() :].startswith("@"):
            return None
        scheme, authority = found[1] or _scheme_of(found[2]), found[2]
        if scheme is None:
            return None
    fixed = _respelled(scheme, authority.rpartition("@")[2])
    return fixed if fixed != text and read_origin(fixed) is not None else None


def _is_host_before_port(scheme: str) -> bool:
    """Whether what stands before a colon is a host: "app.example.com:8443", "localhost:3000", "[::1]:3000"."""
    return "." in scheme or scheme == "localhost" or scheme.startswith("[")


def _scheme_of(authority: str) -> str | None:
    """The scheme of a page that was named by its host alone; None where it could be either."""
    host = _respelled_host(_split_port(authority)[0])
    if is_loopback(host):
        return "http"
    if is_ip_address(host) or "." not in host or host.rpartition(".")[2] in _LOCAL_NAMES:
        return None
    return "https"


def _without_scheme(text: str) -> Fault:
    found = _WITHOUT_SCHEME.match(text)
    # A word alone is as likely no host at all.
    is_host = found is not None and found[1] is None and re.search(r"[.:]", found[2]) is not None
    if found is not None and is_host and not text[found.end() :].startswith("@"):
        meant = [_respelled(scheme, found[2]) for scheme in ("http", "https")]
        if _scheme_of(found[2]) is None and all(read_origin(origin) is not None for origin in meant):
            return Fault(
                "no-scheme", f"has no scheme; write {meant[0]!r} or {meant[1]!r}, as the address of the page has it"
            )
    return Fault("no-scheme", "has no scheme")


def _respelled(scheme: str, authority: str) -> str:
    host, port = _split_port(authority)
    host, scheme = _respelled_host(host), scheme.lower()
    if port.isdecimal() and port.isascii():
        number = int(port)
        port = "" if number == DEFAULT_PORTS.get(scheme) else str(number)
    return f"{scheme}://{host}" + ("" if not port else f":{port}")


def _respelled_host(host: str) -> str:
    host = host.removesuffix(".")
    if host.startswith("["):
        return canonical_ipv6(host) or host
    if host.isascii():
        return host.lower()
    if not set("\u00df\u03c2\u200c\u200d").isdisjoint(host):
        return host  # Python's codec is IDNA 2003, which spells these four another way than browsers do
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host


# Regular expressions, where a pattern has no way to say it

_ANY_PORT = re.compile(
    r"(?P<origin>.+?)(?::(?P<bare>\.[*+]|\*+|\(?(?:\\d|\[0-9\]|\[\\d\])(?:[+*]|\{[1-5],5?\})\)?)|\(:(?:\\d|\[0-9\])[+*]\)\?)\$?",
    re.DOTALL,
)
# A UUID, new for each installation; 128 bits of a key's hash in the letters a to p, the same for every installation
EXTENSION_IDS = {"moz-extension": "[0-9a-f-]{36}", "chrome-extension": "[a-p]{32}"}


def any_port_meant(text: str) -> str | None:
    """The text of the pattern for any port that was surely meant by one with a regular expression for its port."""
    found = _ANY_PORT.fullmatch(text.strip().removeprefix("^"))
    return None if found is None else found["origin"].replace("\\.", ".") + ":*"


def regex_meant(text: str) -> str | None:
    """A regular expression for what was surely meant by a `*` where no pattern has one; None where that is too much.

    In a name a `*` stands for a part of one label, in an address for one of its numbers, in a port for digits.
    """
    scheme, _, rest = text.partition("://")
    host, colon, port = rest.partition(":")
    if re.fullmatch(SCHEME, scheme) is None or re.fullmatch(r"[1-9][0-9]*\*?|\*|", port) is None or "**" in rest:
        return None
    labels = host.split(".")
    if labels[-1] == "*" and all(label.isdecimal() for label in labels[:-1]):
        labels += ["*"] * (4 - len(labels))  # "192.168.*" for "192.168.*.*"
        host = ".".join(labels)
    if len(labels) == 4 and all(re.fullmatch(r"\*|[0-9]{1,3}", label) for label in labels):
        if not all(is_private(host.replace("*", number)) for number in ("0", "255")):
            return None
        written = [label.replace("*", "[0-9]{1,3}") for label in labels]
    else:
        domain = host.rpartition("*")[2].partition(".")[2]
        if "*" in host and ("." not in domain or is_public_suffix(domain)):
            return None  # anyone could register a name that it stands for
        if not is_host_name(host.replace("*", "a")):
            return None
        written = [label.replace("*", "[a-z0-9-]+") for label in labels]
    ending = "(:[0-9]+)?" if port == "*" else colon + port.replace("*", "[0-9]*")
    return scheme.replace("+", r"\+").replace(".", r"\.") + "://" + r"\.".join(written) + ending
