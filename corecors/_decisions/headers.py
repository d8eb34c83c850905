"""Header names, the grammar of header fields, and the lists of the Fetch standard.

Facts
-----
Method names are case-sensitive, header names are not (https://httpwg.org/specs/rfc9110.html#method.overview,
#fields.names). Both are tokens. `Access-Control-Request-Headers` is a list of names that browsers write in lower case,
sorted, each once, joined by "," (https://fetch.spec.whatwg.org/#cors-preflight-fetch-0); list syntax allows a recipient
white space and empty elements (https://httpwg.org/specs/rfc9110.html#abnf.extension.recipient), without a bound, and
several servers were brought down by exactly that. The bounds here are ours.
"""

import re
from collections.abc import Iterable
from typing import Final

ALLOW_ORIGIN: Final = "Access-Control-Allow-Origin"
ALLOW_CREDENTIALS: Final = "Access-Control-Allow-Credentials"
ALLOW_METHODS: Final = "Access-Control-Allow-Methods"
ALLOW_HEADERS: Final = "Access-Control-Allow-Headers"
EXPOSE_HEADERS: Final = "Access-Control-Expose-Headers"
MAX_AGE: Final = "Access-Control-Max-Age"
TIMING_ALLOW_ORIGIN: Final = "Timing-Allow-Origin"
REQUEST_METHOD: Final = "Access-Control-Request-Method"
REQUEST_HEADERS: Final = "Access-Control-Request-Headers"
ORIGIN: Final = "Origin"
VARY: Final = "Vary"
WILDCARD: Final = "*"
NULL_ORIGIN: Final = "null"  # what browsers send for opaque origins (HTML, "ASCII serialization of an origin")

PREFLIGHT_METHOD: Final = "OPTIONS"
SAFELISTED_METHODS: Final = frozenset({"GET", "HEAD", "POST"})  # Fetch, "CORS-safelisted method"
FORBIDDEN_METHODS: Final = frozenset({"CONNECT", "TRACE", "TRACK"})  # Fetch, "forbidden method"; in any case of letters
# Fetch, "normalize a method"
NORMALIZED_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})

# Fetch, "CORS non-wildcard request-header name": the one name that `*` does not stand for.
NON_WILDCARD_REQUEST_HEADER: Final = "authorization"

# Fetch, "CORS-safelisted response-header name": readable without being exposed.
SAFELISTED_RESPONSE_HEADER_NAMES: Final = frozenset(
    {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}
)
# Fetch, "forbidden response-header name"
FORBIDDEN_RESPONSE_HEADER_NAMES: Final = frozenset({"set-cookie", "set-cookie2"})

# Fetch, "forbidden request-header": script can never send these, so no preflight asks for them.
FORBIDDEN_REQUEST_HEADER_NAMES: Final = frozenset(
    """accept-charset accept-encoding access-control-request-headers access-control-request-method connection
    content-length cookie cookie2 date dnt expect host keep-alive origin referer set-cookie te trailer
    transfer-encoding upgrade via""".split()
)
FORBIDDEN_REQUEST_HEADER_PREFIXES: Final = ("proxy-", "sec-")

MAX_METHOD_LENGTH: Final = 64  # the longest registered method has 17 characters (UPDATEREDIRECTREF)
MAX_WHITESPACE: Final = 2  # bytes of white space around one element; proxies that join lines add one or two
MAX_EMPTY_ELEMENTS: Final = 16  # commas with nothing between them; lines that a proxy emptied and joined
MAX_REQUEST_HEADERS_LENGTH: Final = 4096  # where any name is allowed; half of what servers take for a whole header

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2


def is_token(text: str) -> bool:
    """Whether `text` is an HTTP token: the grammar of method and header names. Source: RFC 9110 5.6.2."""
    return _TOKEN.fullmatch(text) is not None


def is_forbidden_request_header(name: str) -> bool:
    """Whether script may never set the header `name`, whatever its value. Source: Fetch, "forbidden request-header"."""
    lowered = name.lower()
    return lowered in FORBIDDEN_REQUEST_HEADER_NAMES or lowered.startswith(FORBIDDEN_REQUEST_HEADER_PREFIXES)


def parse_request_headers(text: str, longest: int = MAX_REQUEST_HEADERS_LENGTH) -> list[str] | None:
    """The names in an `Access-Control-Request-Headers` value, lower-cased, in order; None where it is malformed.

    Work is bounded by `longest` characters: a longer value is refused unread. An element is a token with at most
    `MAX_WHITESPACE` bytes of white space around it, or one of at most `MAX_EMPTY_ELEMENTS` empty ones.
    Source: Fetch, `Access-Control-Request-Headers` = 1#field-name; RFC 9110 5.6.1.2.
    """
    if len(text) > longest:
        return None
    names = []
    empty = 0
    for element in text.split(","):
        name = element.strip(" \t")
        if len(element) - len(name) > MAX_WHITESPACE:
            return None
        if not name:
            empty += 1
            if empty > MAX_EMPTY_ELEMENTS:
                return None
        elif _TOKEN.fullmatch(name):
            names.append(name.lower())
        else:
            return None
    return names


def longest_request_headers(names: Iterable[str]) -> int:
    """The length of the longest list that holds each of `names` once, with all the damage that we put up with."""
    return sum(len(name) + MAX_WHITESPACE + len(",") for name in names) + MAX_EMPTY_ELEMENTS * (MAX_WHITESPACE + 1)


def list_elements(values: Iterable[str]) -> list[str]:
    """The elements of a list header's `values`, white space and empty ones left out. Source: RFC 9110 5.6.1."""
    return [element for value in values for part in value.split(",") if (element := part.strip(" \t"))]


def merge_vary(values: Iterable[str]) -> str:
    """One `Vary` value for all the `values`: every element once, in order, compared without regard to case.

    `*` anywhere stays `*`, for nothing is more than that. Source: RFC 9110 12.5.5.
    """
    elements: dict[str, str] = {}
    for element in list_elements(values):
        elements.setdefault(element.lower(), element)
    return WILDCARD if WILDCARD in elements else ", ".join(elements.values())
