"""What is wrong with the name of a method or header in a policy: it is forbidden, or can never match anything.

Facts
-----
Method names are case-sensitive; fetch() upper-cases six of them and sends every other as the page spells it, so that
`patch` is another method than `PATCH` (https://fetch.spec.whatwg.org/#concept-method-normalize). Header names are not
case-sensitive. Both are tokens (RFC 9110 5.6.2), a grammar that `GET|POST` and `X-RateLimit-*` pass, although the one
is meant as a choice and the other as a pattern: names are compared whole, so neither matches anything that is sent.
"""

import re
from collections.abc import Callable

from corecors._decisions import headers
from corecors._origins.errors import Fault

ANY_WORDS = frozenset({"all", "any", ".*", "**", "%"})  # what other systems write for "every name"

# The methods that servers and pages do use (RFC 9110, 5789, 4918, 3253, 5323 and the QUERY draft): what an entry in
# another case of letters surely meant.
REGISTERED_METHODS = frozenset(
    """DELETE GET HEAD OPTIONS PATCH POST PUT COPY LINK LOCK MKCALENDAR MKCOL MOVE PROPFIND PROPPATCH PURGE QUERY REPORT
    SEARCH UNLINK UNLOCK""".split()
)
# Header names that turn up among methods because a line was put in the wrong list.
_HEADERS_AMONG_METHODS = frozenset(
    "accept authorization content-type cookie etag origin x-csrf-token x-csrftoken x-requested-with".split()
)
# Headers of requests that no response has. RFC 9110 permits Accept and Accept-Encoding in a response, and APIs send
# tokens in Authorization, so those can be exposed.
_REQUEST_HEADERS_ONLY = frozenset({"cookie", "host", "origin", "referer", "user-agent"})

_SEPARATORS = re.compile(r"[\s,;\[\]\"'()|/&+{}]+")
_LIST = re.compile(r"\A[^\r\n]*[,;|\[][^\r\n]*\Z")
_PATTERN = re.compile(r"[*|]|\A\^|\$\Z")
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def fault_of_name(field: str, name: str) -> Fault | None:
    """Why an entry of a policy's list `field` names nothing that is ever sent or read, if so. `*` is not for this
    function."""
    return _fault_of_text(field, name) or _FAULTS[field](name)


def _fault_of_method(name: str) -> Fault | None:
    upper = name.upper()
    if upper in headers.FORBIDDEN_METHODS:
        return Fault("forbidden-method", "is a method that no browser lets script send", ())
    if name.lower() in _HEADERS_AMONG_METHODS:
        return Fault("header-among-methods", "is the name of a header; those belong in allow_headers")
    if name != upper and (
        upper in headers.NORMALIZED_METHODS or (upper in REGISTERED_METHODS and name != name.lower())
    ):
        return Fault("method-case", "never matches: method names are case-sensitive", upper)
    if len(name) > headers.MAX_METHOD_LENGTH:
        return Fault("method-too-long", f"is longer than {headers.MAX_METHOD_LENGTH} characters")
    return None


def _fault_of_request_header(name: str) -> Fault | None:
    if name.lower().startswith("access-control-"):
        return Fault("cors-header", "is written by the browser or the server itself", ())
    if headers.is_forbidden_request_header(name):
        return Fault("forbidden-header", "is a header that script can never set", ())
    return None


def _fault_of_exposed_header(name: str) -> Fault | None:
    lowered = name.lower()
    if lowered in headers.FORBIDDEN_RESPONSE_HEADER_NAMES:
        return Fault("forbidden-header", "is never readable by script, whatever is exposed", ())
    if lowered.startswith("access-control-"):
        return Fault("cors-header", "is read by the browser alone, so exposing it does nothing", ())
    if lowered in _REQUEST_HEADERS_ONLY:
        return Fault("request-header", "is a header of requests, which no response has", ())
    return None


_FAULTS: dict[str, Callable[[str], Fault | None]] = {
    "allow_methods": _fault_of_method,
    "allow_headers": _fault_of_request_header,
    "expose_headers": _fault_of_exposed_header,
}


def _fault_of_text(field: str, name: str) -> Fault | None:
    """Why `name` is not the name of a method, or of a header, whatever it says, if so."""
    kind = "method" if field == "allow_methods" else "header"
    if not name.strip():
        return Fault("empty", "is empty", ())
    if _ORIGIN.match(name):
        return Fault(f"origin-among-{kind}s", "is an origin; those belong in allow_origins")
    parts = [part for piece in _SEPARATORS.split(name) if (part := piece.strip(":"))]
    are_methods = kind == "method" and all(part.upper() in REGISTERED_METHODS for part in parts)
    if are_methods:
        parts = [part.upper() for part in parts]
    if headers.is_token(name) and "'" not in name and not (are_methods and len(parts) > 1):
        if _PATTERN.search(name):
            return Fault("name-pattern", "is a pattern, and names are compared whole; list each name")
        if kind == "header" and name in REGISTERED_METHODS:
            return Fault("method-among-headers", "is a method; those belong in allow_methods")
        return None
    certain = bool(parts) and all(part != name and fault_of_name(field, part) is None for part in parts)
    if len(parts) == 1:
        return Fault("not-a-name", f"is not a {kind} name", parts[0] if certain else None)
    if certain and (are_methods or _LIST.search(name)):
        what = "methods" if kind == "method" else "header names"
        return Fault("several-names", f"is several {what} in one entry", tuple(parts))
    # "X Foo" may be two names or X-Foo.
    return Fault("not-a-name", f"is not a {kind} name; each name is an entry of its own, without white space")
