"""Which methods and request headers a browser sends across origins without asking first.

Facts
-----
A request that an HTML form could always have sent (GET, HEAD, POST; a form's content types; a handful of harmless
headers) needs no preflight: a server has to cope with it anyway. Everything else is "unsafe" and is asked for first.
Whether a header is safe depends on its value too, and the values of all safe headers together are limited.

Sections: https://fetch.spec.whatwg.org/#cors-safelisted-method, #cors-safelisted-request-header,
#cors-unsafe-request-header-names, #forbidden-method, #forbidden-request-header, #concept-method-normalize
"""

import re
from collections.abc import Iterable

from corecors._decisions.headers import FORBIDDEN_METHODS, NORMALIZED_METHODS, is_forbidden_request_header, is_token
from corecors.browser.header_lines import HTTP_WHITESPACE, split_value

MAX_SAFELISTED_VALUE = 128  # bytes of one value (#cors-safelisted-request-header)
MAX_SAFELISTED_VALUES = 1024  # bytes of all safelisted values together (#cors-unsafe-request-header-names)
FORM_CONTENT_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
METHOD_OVERRIDES = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})

_VALUE = re.compile(r"[^\x00\n\r\u0100-\U0010ffff]*")  # a ByteString without NUL and line breaks (#header-value)
_UNSAFE_BYTE = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')  # #cors-unsafe-request-header-byte
_LANGUAGE = re.compile(r"[0-9A-Za-z *,.;=-]*")
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")  # "parse a single range header value", no white space, start present


def is_header_value(text: str) -> bool:
    """Whether a script can set this value: latin-1, without NUL, CR and LF (https://fetch.spec.whatwg.org/#header-value)."""
    return _VALUE.fullmatch(text) is not None


def normalize_method(method: str) -> str:
    """The method as the API hands it on: six of them in upper case, every other unchanged (`patch` stays `patch`).

    Source: https://fetch.spec.whatwg.org/#concept-method-normalize
    """
    upper = method.upper()
    return upper if upper in NORMALIZED_METHODS else method


def is_forbidden_method(method: str) -> bool:
    """Whether no script can send the method (https://fetch.spec.whatwg.org/#forbidden-method)."""
    return method.upper() in FORBIDDEN_METHODS


def is_forbidden_header(name: str, value: str) -> bool:
    """Whether a script's attempt to set the header is silently dropped.

    Source: https://fetch.spec.whatwg.org/#forbidden-request-header
    """
    if is_forbidden_request_header(name):
        return True
    return name.lower() in METHOD_OVERRIDES and any(map(is_forbidden_method, split_value(value)))


def why_unsafe(name: str, value: str) -> str | None:
    """Why the header needs a preflight, as the end of a sentence; None if it is safelisted.

    `value` has no white space around it: the API takes it away.
    Source: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
    """
    match name.lower():
        case "accept":
            fault = _unsafe_byte(value)
        case "accept-language" | "content-language":
            fault = None if _LANGUAGE.fullmatch(value) else "has a byte that no language tag has"
        case "content-type":
            fault = _unsafe_byte(value) or _not_a_form(value)
        case "range":
            fault = None if _is_simple_range(value) else "is not one range of the form bytes=N- or bytes=N-M"
        case _:
            return f"{name} is not a safelisted header"
    if fault is None and len(value) > MAX_SAFELISTED_VALUE:
        fault = f"is longer than {MAX_SAFELISTED_VALUE} bytes"
    return None if fault is None else f"the value of {name} {fault}"


def _unsafe_byte(value: str) -> str | None:
    found = _UNSAFE_BYTE.search(value)
    return f"has the unsafe byte 0x{ord(found[0]):02X}" if found else None


def _not_a_form(value: str) -> str | None:
    # "Parse a MIME type": parameters cannot make it fail, so only the two halves of the essence are looked at.
    essence = value.partition(";")[0].rstrip(HTTP_WHITESPACE)
    kind, slash, subtype = essence.partition("/")
    if not slash or not is_token(kind) or not is_token(subtype):
        return "is not one media type"
    essence = essence.lower()
    return None if essence in FORM_CONTENT_TYPES else f"is {essence}, which no HTML form can send"


def _is_simple_range(value: str) -> bool:
    # Compared as numbers without leading zeros rather than through int(), which refuses more than 4,300 digits.
    found = _RANGE.fullmatch(value)
    if found is None:
        return False
    first, last = found[1].lstrip("0"), found[2].lstrip("0")
    return not found[2] or (len(first), first) <= (len(last), last)


def unsafe_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The names that a preflight has to ask for, each with the reason: in lower case, unique, sorted by byte.

    Source: https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names
    """
    unsafe: dict[str, str] = {}
    safe: list[str] = []
    total = 0
    for name, value in headers:
        reason = why_unsafe(name, value)
        if reason is None:
            safe.append(name.lower())
            total += len(value)
        else:
            unsafe.setdefault(name.lower(), reason)
    if total > MAX_SAFELISTED_VALUES:
        for name in safe:
            unsafe.setdefault(name, f"all safelisted values together are longer than {MAX_SAFELISTED_VALUES} bytes")
    return dict(sorted(unsafe.items()))
