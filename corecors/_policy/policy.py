"""Policy: what may cross origins. Validated as a whole at construction, immutable ever after.

Facts
-----
With credentials, the browser takes every `*` literally (https://fetch.spec.whatwg.org/#cors-protocol-and-credentials),
so a server that wants "anyone, with cookies" has to reflect whoever asks. That hands each visitor's data to every page
that the visitor opens, and is the CORS vulnerability that is found most often. A policy refuses to be that.
"""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any, final

from corecors._decisions import headers
from corecors._origins.remembering import RememberingMatcher
from corecors._policy.arguments import Validation
from corecors._policy.problems import PolicyError

DEFAULT_METHODS = ("GET", "HEAD", "POST")


@final
class Policy:
    """What may cross origins. Keyword arguments only; every one is also an attribute, with its value made canonical.

    allow_origins: exact origins ("https://app.example.com"), any subdomain ("https://*.example.com"), any port
        ("http://localhost:*"), or ["*"] for any origin.
    allow_origin_regexes: regular expressions over the whole serialised origin, always matched with fullmatch.
    allow_origin_predicate: asked last, with a well-formed origin; only the answer True lets it in. What it raises is
        passed on.
    allow_methods: method names, case-sensitive, or ["*"]. GET, HEAD and POST always pass a preflight.
    allow_headers: request header names, or ["*"], or ["*", "Authorization"] (`*` alone does not cover it).
    expose_headers: response header names that script may read, or ["*"] (without credentials).
    allow_credentials: cookies, client certificates and HTTP authentication. Excludes any-origin configurations.
    max_age: how long a browser may keep a preflight's answer: seconds or a timedelta, 0 to 86400; 0 forbids it, None
        sends no header (browsers then use 5 s).
    allow_null_origin: `null` is sent by sandboxed frames and local files of anybody. Beside credentials a predicate has
        to agree to it ("null") as well.
    allow_insecure_origins: http:// origins beside credentials (loopback needs no leave).
    allow_public_suffix_subdomains: wildcards over public suffixes such as github.io beside credentials.
    allow_unproven_regexes: regexes that neither the analysis nor RE2 can vouch for.
    allow_timing: send `Timing-Allow-Origin` beside the origin.
    debug: a failing preflight tells the browser why. Reveals the lists to anyone who asks.

    Raises `PolicyError` with every problem. Compared and hashed by identity; safe to share between threads.
    """

    __slots__ = (
        "__weakref__",
        "_actual",
        "_any_header",
        "_any_method",
        "_header_names",
        "_longest_request_headers",
        "_matcher",
        "_method_names",
        "_preflight",
        "allow_credentials",
        "allow_headers",
        "allow_insecure_origins",
        "allow_methods",
        "allow_null_origin",
        "allow_origin_predicate",
        "allow_origin_regexes",
        "allow_origins",
        "allow_public_suffix_subdomains",
        "allow_timing",
        "allow_unproven_regexes",
        "debug",
        "expose_headers",
        "max_age",
    )

    allow_origins: tuple[str, ...]
    allow_origin_regexes: tuple[str | re.Pattern[str], ...]
    allow_origin_predicate: Callable[[str], bool] | None
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    allow_credentials: bool
    max_age: int | None
    allow_null_origin: bool
    allow_insecure_origins: bool
    allow_public_suffix_subdomains: bool
    allow_unproven_regexes: bool
    allow_timing: bool
    debug: bool
    _matcher: RememberingMatcher
    _actual: dict[str, str]
    _preflight: dict[str, str]
    _any_method: bool
    _any_header: bool
    _method_names: frozenset[str]
    _header_names: frozenset[str]
    _longest_request_headers: int

    def __init__(
        self,
        *,
        allow_origins: Iterable[str] = (),
        allow_origin_regexes: Iterable[str | re.Pattern[str]] = (),
        allow_origin_predicate: Callable[[str], bool] | None = None,
        allow_methods: Iterable[str] = DEFAULT_METHODS,
        allow_headers: Iterable[str] = (),
        expose_headers: Iterable[str] = (),
        allow_credentials: bool = False,
        max_age: int | timedelta | None = None,
        allow_null_origin: bool = False,
        allow_insecure_origins: bool = False,
        allow_public_suffix_subdomains: bool = False,
        allow_unproven_regexes: bool = False,
        allow_timing: bool = False,
        debug: bool = False,
    ) -> None:
        reader = Validation(bool(allow_credentials))
        put = object.__setattr__
        flags = {
            "allow_credentials": allow_credentials,
            "allow_null_origin": allow_null_origin,
            "allow_insecure_origins": allow_insecure_origins,
            "allow_public_suffix_subdomains": allow_public_suffix_subdomains,
            "allow_unproven_regexes": allow_unproven_regexes,
            "allow_timing": allow_timing,
            "debug": debug,
        }
        put(self, "allow_origins", reader.strings("allow_origins", allow_origins))
        put(self, "allow_origin_regexes", reader.entries("allow_origin_regexes", allow_origin_regexes))
        put(self, "allow_origin_predicate", reader.predicate(allow_origin_predicate))
        put(self, "allow_methods", reader.methods(allow_methods))
        put(self, "allow_headers", reader.request_headers(allow_headers))
        put(self, "expose_headers", reader.exposed_headers(expose_headers))
        put(self, "max_age", reader.max_age(max_age))
        for name, flag in flags.items():
            put(self, name, reader.flag(name, flag))

        exact, wildcards, any_origin = reader.origins(
            self.allow_origins, self.allow_insecure_origins, self.allow_public_suffix_subdomains
        )
        compiled = reader.regexes(
            self.allow_origin_regexes,
            self.allow_unproven_regexes,
            self.allow_insecure_origins,
            self.allow_public_suffix_subdomains,
        )
        any_origin = any_origin or any(regex.accepts_any_origin for regex in compiled)
        reader.null(self.allow_null_origin, self.allow_origin_predicate)
        if reader.problems:
            raise PolicyError(sorted(reader.problems, key=lambda problem: FIELDS.index(problem.field)))

        put(
            self,
            "_matcher",
            RememberingMatcher(
                exact,
                wildcards,
                compiled,
                self.allow_origin_predicate,
                any_origin=any_origin,
                null=self.allow_null_origin,
                null_by_predicate=self.allow_credentials,
            ),
        )
        put(self, "_any_method", headers.WILDCARD in self.allow_methods)
        put(self, "_any_header", headers.WILDCARD in self.allow_headers)
        put(self, "_method_names", headers.SAFELISTED_METHODS.union(self.allow_methods))
        put(self, "_header_names", frozenset(name.lower() for name in self.allow_headers))
        longest = headers.longest_request_headers(self._header_names)
        put(self, "_longest_request_headers", headers.MAX_REQUEST_HEADERS_LENGTH if self._any_header else longest)
        put(self, "_actual", self._actual_constants())
        put(self, "_preflight", self._preflight_constants())

    def allows_origin(self, origin: str | None) -> bool:
        """Whether `origin`, the value of an `Origin` header, is allowed; for a WebSocket handshake, say.

        None, a handshake without that header, is allowed nothing: browsers always send it.
        """
        return origin is not None and self._matcher.matches(origin)

    @property
    def allows_any_origin(self) -> bool:
        """Whether answers are the same for every origin: `*` is sent, and no `Vary`."""
        return self._matcher.any_origin

    def to_mapping(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, as lists, numbers, booleans and text.

        `policy_from_mapping` reads it back. Raises `ValueError` for a policy with a predicate, which is no data.
        """
        if self.allow_origin_predicate is not None:
            raise ValueError("a policy with allow_origin_predicate has no form as data: a function is no value")
        found: dict[str, Any] = {}
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if name == "allow_origin_regexes":
                value = [regex if isinstance(regex, str) else regex.pattern for regex in value]
            elif isinstance(value, tuple):
                value = list(value)
            if value != default:
                found[name] = value
        return found

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Policy is immutable: make another one rather than set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Policy is immutable: {name} cannot be deleted")

    def __copy__(self) -> "Policy":
        return self

    def __deepcopy__(self, memo: object) -> "Policy":
        return self

    def __reduce__(self) -> tuple[Callable[[], "Policy"], tuple[()]]:
        return partial(Policy, **{name: getattr(self, name) for name in FIELDS}), ()

    def __repr__(self) -> str:
        shown_fields = []
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) > 5:
                shown_fields.append(f"{name}=<{len(value)} entries>")
            elif (list(value) if isinstance(value, tuple) else value) != default:
                shown_fields.append(f"{name}={value!r}")
        return f"Policy({', '.join(shown_fields)})"

    def _actual_constants(self) -> dict[str, str]:
        """What follows the origin in every allowed actual response."""
        constants = {}
        if self.allow_credentials:
            constants[headers.ALLOW_CREDENTIALS] = "true"
        if self.expose_headers:
            constants[headers.EXPOSE_HEADERS] = ", ".join(self.expose_headers)
        return constants

    def _preflight_constants(self) -> dict[str, str]:
        """What follows the origin in every passing preflight, less what has to be echoed."""
        constants = {}
        if self.allow_credentials:
            constants[headers.ALLOW_CREDENTIALS] = "true"
        if self.allow_methods and not (self._any_method and self.allow_credentials):
            constants[headers.ALLOW_METHODS] = ", ".join(self.allow_methods)
        if self.allow_headers and not (self._any_header and self.allow_credentials):
            constants[headers.ALLOW_HEADERS] = ", ".join(self.allow_headers)
        if self.max_age is not None:
            constants[headers.MAX_AGE] = str(self.max_age)
        return constants


_DEFAULTS: dict[str, object] = {
    "allow_origins": [],
    "allow_origin_regexes": [],
    "allow_origin_predicate": None,
    "allow_methods": list(DEFAULT_METHODS),
    "allow_headers": [],
    "expose_headers": [],
    "allow_credentials": False,
    "max_age": None,
    "allow_null_origin": False,
    "allow_insecure_origins": False,
    "allow_public_suffix_subdomains": False,
    "allow_unproven_regexes": False,
    "allow_timing": False,
    "debug": False,
}
FIELDS = tuple(_DEFAULTS)
