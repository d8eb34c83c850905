"""A request as CORS sees it: no environ, no scope, no framework.

Facts
-----
Which policy governs a path is where a configuration and a framework disagree: one resolves `..`, folds case, merges
slashes, drops bytes or decodes twice, the other does not, and a policy for /public ends up on /admin. A path that
anything on the way might read in more than one way is therefore called ambiguous, and nobody guesses.
"""

import re
from typing import Final, NamedTuple

from corecors._decisions import headers

# Dot segments, encoded or not (browsers resolve them before they ask: https://url.spec.whatwg.org/#path-state), empty
# segments, backslashes, and slashes or backslashes that are still percent-encoded. Control characters: Starlette and
# Bottle end their patterns with `$`, which matches before a line feed too. Surrogates: escapes of bytes that are not
# UTF-8, instead of which some servers put U+FFFD.
_AMBIGUOUS: Final = re.compile(r"//|\\|/\.\.?(?:/|\Z)|%(?:2[ef]|5c)|[\x00-\x1f\x7f\ud800-\udfff]", re.IGNORECASE)
_REPLACED: Final = "\ufffd"
_ENCODED_BYTES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


# Headers that servers and middleware take another path from, or a part of it: gunicorn the first two, from a proxy or
# from the same machine; Daphne the third, from anybody. Proxies send them, and no page has a reason to.
MOVING: Final = (
    *("script_name", "path_info", "daphne-root-path"),
    *("x-script-name", "x-forwarded-prefix", "x-original-url", "x-rewrite-url"),
)
_MOVING: Final = re.compile(rf"(?:\A|,)[ \t]*(?:{'|'.join(MOVING)})[ \t]*(?:,|\Z)", re.IGNORECASE | re.ASCII)
_LONGEST_NAMES: Final = headers.MAX_REQUEST_HEADERS_LENGTH  # a longer list passes nowhere
# Headers that middleware takes another method from, and the methods that views are made for.
_OVERRIDING: Final = ("x-http-method-override", "x-http-method", "x-method-override")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class CORSRequest(NamedTuple):
    """What a door tells of one request.

    method: as received.
    path: what the server mounted the application on and the path below it, percent-decoded once and read as UTF-8;
        bytes that are not UTF-8 are surrogate escapes.
    path_is_ambiguous: whether something on the way may have read the path in another way. See `path_is_ambiguous`.
    scheme, host: of the request; `host` is the value of `Host`.
    origin, request_method, request_headers, fetch_site: the values of `Origin`, `Access-Control-Request-Method`,
        `Access-Control-Request-Headers` and `Sec-Fetch-Site`, decoded as latin-1; None where the header is missing.
    has_credentials: whether it carries `Cookie` or `Authorization`.
    is_websocket: whether it is the handshake of a WebSocket.
    asks_with_cookies: whether a page asked in the mode `cors` and cookies came with it: it carries `Cookie`, and
        `Sec-Fetch-Mode` is `cors`.
    mount: what the application is said to be mounted on (ASGI's `root_path`) where nobody knows whether `path` begins
        with it; else empty.
    """

    method: str
    path: str = "/"
    path_is_ambiguous: bool = False
    scheme: str = "http"
    host: str = ""
    origin: str | None = None
    request_method: str | None = None
    request_headers: str | None = None
    fetch_site: str | None = None
    has_credentials: bool = False
    is_websocket: bool = False
    asks_with_cookies: bool = False
    mount: str = ""

    @property
    def is_preflight(self) -> bool:
        """Whether it is OPTIONS with both headers: nothing else identifies one (Fetch, "CORS-preflight request")."""
        return (
            self.method == headers.PREFLIGHT_METHOD
            and self.origin is not None
            and self.request_method is not None
            and not self.is_websocket
        )

    @property
    def governed_method(self) -> str:
        """The method that decides about the route: of a preflight the one that it asks for, else the request's own."""
        return self.request_method if self.is_preflight and self.request_method is not None else self.method


class Place(NamedTuple):
    """Where a request goes: all that a source gets to see that says `needs_request = False`. See `PolicySource`.

    The fields are those of `CORSRequest`, and there are no others: a source that looks for more finds no wrong answer
    but an `AttributeError`.
    """

    host: str
    path: str
    path_is_ambiguous: bool


def possible_methods(method: str, names: str | None) -> tuple[str, ...]:
    """The methods that a request may turn out to have: the one that its preflight names, that one in upper case, for
    servers and frameworks that write it so, and any where the preflight asks for a header that middleware takes another
    method from.

    `names` is the value of `Access-Control-Request-Headers`. Where these lead to views with different policies, it
    cannot be told which one governs.
    """
    lowered = names.lower() if names else ""
    if "method" in lowered and any(name in lowered for name in _OVERRIDING):
        return tuple(dict.fromkeys((method, method.upper(), *_METHODS)))
    return (method,) if method.isupper() else (method, method.upper())


def path_is_ambiguous(path: str, target: str = "", names: str | None = None) -> bool:
    """Whether a path can be read in more than one way: an empty segment, a dot segment, a backslash, an encoded slash,
    a control character, bytes that are not UTF-8; or a preflight asks for a header that takes the place of the path.

    `path` is the decoded path, as in `CORSRequest`; `target` the request target as it was received, where the server
    tells: it still shows what decoding and merging hide; `names` the value of `Access-Control-Request-Headers`.
    """
    if names is not None and len(names) <= _LONGEST_NAMES and _MOVING.search(names):
        return True
    if target and (target != path or "%" in path):
        if target[0] != "/":
            target = target.partition("://")[2]  # a whole URL, which proxies are asked with
        target = target.partition("?")[0]
        if (target != path or "%" in path) and (_AMBIGUOUS.search(target) or not _is_utf8(target)):
            return True
    # A tenth of what the search costs; neither control characters nor surrogates are printable.
    is_suspicious = "/." in path or "//" in path or "%" in path or "\\" in path or not path.isprintable()
    return (is_suspicious and _AMBIGUOUS.search(path) is not None) or (not path.isascii() and _REPLACED in path)


def _is_utf8(target: str) -> bool:
    for run in _ENCODED_BYTES.findall(target):
        try:
            bytes.fromhex(run.replace("%", "")).decode()
        except UnicodeDecodeError:
            return False
    return True
