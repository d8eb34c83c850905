"""Policy: what may cross origins. Validated as a whole when it is made, immutable ever after.

Facts
-----
With credentials, the browser takes every `*` literally (https://fetch.spec.whatwg.org/#cors-protocol-and-credentials),
so a server that wants "anyone, with cookies" has to reflect every origin. That hands each visitor's data to every page
that the visitor opens, and is the CORS vulnerability that is found most often. A policy refuses to be that.
"""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Never, final

from corecors._decisions.decision import Decision
from corecors._decisions.merging import Lines
from corecors._decisions.rules import PREFLIGHT_REFUSAL, REFUSAL, Rules, Terms
from corecors._origins.matching import OriginMatcher
from corecors._policy.arguments import Validation
from corecors._policy.problems import PolicyError

if TYPE_CHECKING:
    from corecors._origins.regex.compiling import OriginRegexes

Predicate = Callable[[str], Any]  # answers with True, or with an awaitable of it


@final
class Policy:
    """What may cross origins. Keyword arguments only; every one is also an attribute, with its value made canonical.

    allow_origins: exact origins ("https://app.example.com"), any subdomain ("https://*.example.com"), part of a label
        ("https://pr-*.example.com"), any port ("http://localhost:*"), or ["*"] for any origin.
    allow_origin_regexes: regular expressions over the whole serialised origin.
    allow_origin_predicate: asked last, with a well-formed origin; only the answer True lets it in. What it raises is
        passed on. It may be asynchronous: then only ASGI, Django and aiohttp take the policy.
    allow_methods: method names, case-sensitive, or ["*"]. GET, HEAD and POST always pass a preflight.
    allow_headers: request header names, or ["*"], or ["*", "Authorization"] (`*` alone does not cover it).
    expose_headers: response header names that script may read, or ["*"] (without credentials).
    allow_credentials: cookies, client certificates and HTTP authentication. Excludes any-origin configurations.
    max_age: how long a browser may keep a preflight's answer: seconds or a timedelta, 0 to 86400; 0 forbids it, None
        sends no header (browsers then use 5 s).
    preflight_status: of the answer to a preflight that passes: 204, or 200 for clients that want it.
    allow_timing: send `Timing-Allow-Origin` together with the origin.
    debug: a failing preflight tells the browser why. Reveals the lists to anyone who asks.
    dangerously_allow_null_origin: `null` is sent by sandboxed frames and local files of anybody. With credentials a
        predicate has to agree to it ("null") as well.
    dangerously_allow_insecure_origins: http:// origins with credentials (loopback needs no permission).
    dangerously_allow_public_suffix_subdomains: wildcards over public suffixes such as github.io with credentials.
    dangerously_allow_open_regexes: regexes that let in domains anyone can register, with credentials.

    is_plain: whether its text alone decides: it has neither a predicate nor `debug`.
    lines(origin): the header lines of the response to an actual request from `origin` (None without one), shared
        between requests, without making a `Decision`: the very tuple `refusal` where the origin is not allowed, None
        where only the predicate can tell.
    lines_without_origin: `lines(None)`.
    remembered_lines(origin, unremembered_lines): the same where that takes no working out, else None: ask `lines`.
    preflight_lines(origin, method, names): those of the answer to a preflight that passes by the policy's text; None
        for any other: `preflight` decides about it.

    Raises `PolicyError` with every problem. Equal and hashed by its fields; safe to share between threads.
    """

    # What every request costs is a call of one of these, so they are the rules' own methods.
    lines: Callable[[str | None], Lines | None]
    lines_without_origin: Lines
    remembered_lines: Callable[[str, Lines | None], Lines | None]
    unremembered_lines: Lines | None
    preflight_lines: Callable[[str, str, str | None], Lines | None]
    refusal: ClassVar[Lines] = REFUSAL  # the very tuple that `lines` returns for an origin that is not allowed
    preflight_refusal: ClassVar[Lines] = PREFLIGHT_REFUSAL  # the lines of the answer to a preflight that fails

    allow_origins: tuple[str, ...]
    allow_origin_regexes: tuple[str | re.Pattern[str], ...]
    allow_origin_predicate: Predicate | None
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    allow_credentials: bool
    max_age: int | None
    preflight_status: int
    allow_timing: bool
    debug: bool
    dangerously_allow_null_origin: bool
    dangerously_allow_insecure_origins: bool
    dangerously_allow_public_suffix_subdomains: bool
    dangerously_allow_open_regexes: bool
    has_async_predicate: bool
    is_plain: bool
    _matcher: OriginMatcher
    _regexes: "OriginRegexes | None"
    _rules: Rules
    _hash: int | None

    def __init__(
        self,
        *,
        allow_origins: Iterable[str] = (),
        allow_origin_regexes: Iterable[str | re.Pattern[str]] = (),
        allow_origin_predicate: Predicate | None = None,
        allow_methods: Iterable[str] = ("GET", "HEAD", "POST"),
        allow_headers: Iterable[str] = (),
        expose_headers: Iterable[str] = (),
        allow_credentials: bool = False,
        max_age: int | timedelta | None = None,
        preflight_status: int = 204,
        allow_timing: bool = False,
        debug: bool = False,
        dangerously_allow_null_origin: bool = False,
        dangerously_allow_insecure_origins: bool = False,
        dangerously_allow_public_suffix_subdomains: bool = False,
        dangerously_allow_open_regexes: bool = False,
        **unknown: Never,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in FIELDS}
        self._make(given, unknown, None)

    __slots__ = (  # all that it holds: the fields, and what is worked out of them
        *(__init__.__kwdefaults__ or ()),
        "__weakref__",
        "_hash",
        "_matcher",
        "_regexes",
        "_rules",
        "has_async_predicate",
        "is_plain",
        "lines",
        "lines_without_origin",
        "preflight_lines",
        "remembered_lines",
        "unremembered_lines",
    )

    def _make(self, given: dict[str, Any], unknown: dict[str, Any], before: "Policy | None") -> None:
        """Set every field from the arguments in `given`.

        `before`: a policy some of whose values these are; what was validated with it is not validated again.
        """
        kept: set[str] = set()
        known: frozenset[str] = frozenset()
        if before is not None:
            kept = {name for name, value in before._fields().items() if given[name] is value}
            if kept.issuperset(FLAGS_ABOUT_ORIGINS):
                known = before._matcher.exact
            if not kept.issuperset(FLAGS):
                kept.clear()  # what any other field may be depends on these, and on nothing else
        reader = Validation(given)
        if unknown:
            reader.refuse_unknown(unknown)
        put = object.__setattr__
        for name, read in _READERS.items():
            put(self, name, given[name] if name in kept else read(reader, name, given[name]))

        exact, patterns, any_origin = reader.origins(self.allow_origins, known)
        if before is not None and "allow_origin_regexes" in kept:
            regexes = before._regexes
        else:
            regexes = reader.regexes(self.allow_origin_regexes)
        any_origin = any_origin or (regexes is not None and regexes.accepts_any_origin)
        reader.null(self.dangerously_allow_null_origin, self.allow_origin_predicate)
        if reader.problems:
            order = [*FIELDS, *unknown]
            raise PolicyError(sorted(reader.problems, key=lambda problem: order.index(problem.field)))

        predicate = self.allow_origin_predicate
        null = self.dangerously_allow_null_origin
        matcher = OriginMatcher(
            exact, patterns, regexes, any_origin=any_origin, null=null and not self.allow_credentials
        )
        put(self, "has_async_predicate", _is_asynchronous(predicate))
        put(self, "is_plain", predicate is None and not self.debug)
        put(self, "_matcher", matcher)
        put(self, "_regexes", regexes)
        put(self, "_hash", None)
        terms = before._rules.terms if before is not None and kept >= _FIELDS_OF_TERMS else Terms(self)
        rules = Rules(matcher, predicate, terms, null_by_predicate=null and self.allow_credentials)
        put(self, "_rules", rules)
        put(self, "lines_without_origin", rules.without_origin)
        for name in ("lines", "remembered_lines", "unremembered_lines", "preflight_lines"):
            put(self, name, getattr(rules, name))

    def replace(self, **changes: Any) -> "Policy":
        """The policy with other values for some of its arguments. What this one has is not validated again, neither an
        origin nor another field's value, unless a flag that it depends on changes.

        Raises `PolicyError` with every problem, as the constructor does.
        """
        given = self._fields()
        unknown = {name: value for name, value in changes.items() if name not in given}
        given.update((name, value) for name, value in changes.items() if name in given)
        made = object.__new__(Policy)
        made._make(given, unknown, self)
        return made

    # What it decides

    def actual(self, origin: str | None, method: str | None = None, *, predicate: object = None) -> Decision:
        """The decision about a request that is not a preflight; `origin` is its `Origin`, None without one.

        `predicate`: the answer of the predicate, got elsewhere; else it is asked where nothing else allows the origin.
        """
        return self._rules.actual(origin, method, predicate=predicate)

    def preflight(self, origin: str, method: str, names: str | None, *, predicate: object = None) -> Decision:
        """The decision about a preflight; the values of `Origin` and of the two `Access-Control-Request-*` headers."""
        return self._rules.preflight(origin, method, names, predicate=predicate)

    def allows_origin(self, origin: str | None) -> bool:
        """Whether `origin`, the value of an `Origin` header, is allowed. The predicate is asked.

        None is allowed nothing: it stands for a request without that header.
        """
        return origin is not None and self._rules.allows(origin)

    @property
    def allows_any_origin(self) -> bool:
        """Whether answers are the same for every origin: `*` is sent, and no `Vary`."""
        return self._matcher.any_origin

    # What it is

    def to_mapping(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, as lists, numbers, booleans and text.

        `policy_from_mapping` reads it back. Raises `ValueError` for a policy with a predicate, which is not data.
        """
        if self.allow_origin_predicate is not None:
            raise ValueError("a policy with allow_origin_predicate has no form as data: a function is not a value")
        found: dict[str, Any] = {}
        for name in self._changed():
            value = getattr(self, name)
            if name == "allow_origin_regexes":
                value = tuple(regex if isinstance(regex, str) else regex.pattern for regex in value)
            found[name] = list(value) if isinstance(value, tuple) else value
        return found

    def _fields(self) -> dict[str, Any]:
        return dict(zip(FIELDS, _VALUES(self), strict=True))

    def _changed(self) -> list[str]:
        """The names of the fields that differ from their defaults."""
        return [name for name, default in DEFAULTS.items() if getattr(self, name) != default]

    # A predicate need not be hashable, so it counts for equality alone. The hash is kept: a list may be long.

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Policy):
            return NotImplemented
        return self is other or (hash(self) == hash(other) and bool(_VALUES(self) == _VALUES(other)))

    def __hash__(self) -> int:
        if self._hash is None:
            object.__setattr__(
                self, "_hash", hash(tuple(getattr(self, name) for name in FIELDS if name != "allow_origin_predicate"))
            )
        return self._hash  # type: ignore[return-value]  # set just now

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Policy is immutable: make another one, with policy.replace({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Policy is immutable: {name} cannot be deleted")

    def __copy__(self) -> "Policy":
        return self

    def __deepcopy__(self, memo: object) -> "Policy":
        return self

    def __reduce__(self) -> tuple[Callable[[], "Policy"], tuple[()]]:
        return partial(Policy, **self._fields()), ()

    def __repr__(self) -> str:
        shown_fields = []
        for name in self._changed():
            value = getattr(self, name)
            shown = f"<{len(value)} entries>" if isinstance(value, tuple) and len(value) > 5 else repr(value)
            shown_fields.append(f"{name}={shown}")
        return f"Policy({', '.join(shown_fields)})"


def validated_origins(policy: Policy, value: Any) -> tuple[str, ...]:
    """`value` as `policy.replace(allow_origins=value)` would have it, or its `PolicyError`; no policy is made."""
    reader = Validation(policy._fields())
    origins = reader.strings("allow_origins", value)
    reader.origins(origins, policy._matcher.exact)
    if reader.problems:
        raise PolicyError(reader.problems)
    return origins


def terms_of(policy: Policy) -> Terms:
    """What `policy` answers whatever its origins are."""
    return policy._rules.terms


def _is_asynchronous(predicate: Predicate | None) -> bool:
    if predicate is None:
        return False
    from inspect import iscoroutinefunction  # a heavy module, needed here alone

    return iscoroutinefunction(predicate) or iscoroutinefunction(getattr(predicate, "__call__", None))  # noqa: B004


DEFAULTS: dict[str, Any] = dict(Policy.__init__.__kwdefaults__ or {})
FIELDS = tuple(DEFAULTS)
_VALUES = attrgetter(*FIELDS)
FLAGS = tuple(name for name, default in DEFAULTS.items() if default is False)
FLAGS_ABOUT_ORIGINS = ("allow_credentials", "dangerously_allow_insecure_origins")  # what an exact origin may be

_READERS: dict[str, Callable[[Validation, str, Any], Any]] = {
    **dict.fromkeys(FLAGS, Validation.flag),
    "allow_origins": Validation.strings,
    "allow_origin_regexes": Validation.entries,
    "allow_origin_predicate": Validation.predicate,
    "allow_methods": Validation.methods,
    "allow_headers": Validation.request_headers,
    "expose_headers": Validation.exposed_headers,
    "max_age": Validation.max_age,
    "preflight_status": Validation.preflight_status,
}
_FIELDS_OF_TERMS = frozenset(FIELDS) - {"allow_origins", "allow_origin_regexes", "allow_origin_predicate"}
