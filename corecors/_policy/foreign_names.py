"""What other libraries call things: one table, of which errors, the tables of docs/migrating.md and tests are made.

The defaults are those of flask-cors 6, quart-cors 0.8, django-cors-headers 4, Starlette 1, aiohttp-cors 0.8, Sanic
Extensions 25, cors 2.8 for Express, Spring Framework 6, wsgicors 0.7 and asgi-cors 1; the tests hold them against the
installed libraries.
"""

import ast
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

PAGE = "docs/migrating.md"

FLASK = "flask-cors"
QUART = "quart-cors"
DJANGO = "django-cors-headers"
OLD_DJANGO = "django-cors-headers before 3.5"
STARLETTE = "Starlette, FastAPI"
AIOHTTP = "aiohttp-cors"
SANIC = "Sanic Extensions"
EXPRESS = "Express (cors)"
SPRING = "Spring"
WSGICORS = "wsgicors"
ASGI = "asgi-cors"


_LEAVE_OUT = "leave it out: "


class ForeignName(NamedTuple):
    """A name of another library.

    default: what that library does without it, as its documentation writes it; "" where it has to be given.
    here: what to write here, or why to leave it out, for a page in Markdown.
    argument: the argument of `Policy` that it becomes; "" where it becomes none.
    read: what the value becomes; None where no translation is certain.
    """

    library: str
    name: str
    default: str
    here: str
    argument: str = ""
    read: Callable[[Any], Any] | None = None

    @property
    def default_value(self) -> Any:
        """The default as a value; None where the library has none that could be written down."""
        if not self.default or self.default in ("none", "no receiver", "what is asked for", "not sent"):
            return None
        try:
            return ast.literal_eval(self.default)
        except (SyntaxError, ValueError):  # a list of names
            return self.default.split(", ")

    @property
    def instruction(self) -> str:
        """What to do, a clause in plain text."""
        text = self.here.replace("`", "")
        return text if text.startswith("leave it out") else f"write {text}"

    @property
    def reason(self) -> str:
        """Why to leave it out, where that is what to do; else ""."""
        return self.here.replace("`", "").removeprefix(_LEAVE_OUT) if self.here.startswith(_LEAVE_OUT) else ""

    def translated(self, value: object) -> dict[str, Any] | None:
        """The arguments to give instead of this one with `value`; None where that is not certain."""
        if self.read is None:
            return None
        try:
            found = self.read(value)
        except _UncertainError:
            return None
        return {} if found is _LEFT_OUT else {self.argument: found}


class _UncertainError(Exception):
    """A value of which nobody can tell what it becomes."""


_LEFT_OUT = object()


def _list(value: object) -> list[Any]:
    if isinstance(value, str):
        return [part for part in re.split(r"[\s,]+", value) if part]
    if isinstance(value, (list, tuple)):
        return [part for part in value if not (isinstance(part, str) and not part)]
    if isinstance(value, (set, frozenset)) and all(isinstance(part, str) for part in value):
        return sorted(value)
    raise _UncertainError


def is_regex_to_flask_cors(entry: str) -> bool:
    """Whether flask-cors takes an entry for a regular expression; it guesses, by these characters."""
    return entry != "*" and not frozenset("*\\]?$^[]()").isdisjoint(entry)


def _origins_or_regexes(value: object) -> list[Any]:
    """An entry with one of these characters is a regular expression there, in which `*` means something else."""
    found = _list_or_regex(value)
    try:
        return [re.compile(each) if isinstance(each, str) and is_regex_to_flask_cors(each) else each for each in found]
    except re.error:
        raise _UncertainError from None


def _list_or_regex(value: object) -> list[Any]:
    return _list([value] if isinstance(value, re.Pattern) else value)


def _list_or_nothing(value: object) -> Any:
    return _LEFT_OUT if value is None else _list(value)


def _regexes(value: object) -> Any:
    if value is None:
        return _LEFT_OUT
    return [value] if isinstance(value, (str, re.Pattern)) else _list(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in {"true", "1", "false", "0"}:
        raise _UncertainError
    return word in {"true", "1"}


def everyone(value: object) -> Any:
    return ["*"] if _flag(value) else _LEFT_OUT


def _seconds(value: object) -> Any:
    if value is None or (isinstance(value, str) and not value):
        return _LEFT_OUT
    if isinstance(value, timedelta):
        value = value.total_seconds()
    small = isinstance(value, (str, float)) or (isinstance(value, int) and 0 <= value < 10**9)
    text = str(value) if small and not isinstance(value, bool) else ""
    if re.fullmatch(r"[0-9]{1,9}(\.0)?", text) is None:
        raise _UncertainError
    return min(int(float(text)), 86_400)


def _seconds_or_none(value: object) -> Any:
    seconds = _seconds(value)
    return _LEFT_OUT if seconds == 0 else seconds  # 0 means there that the header is not sent


def _nothing(value: object) -> Any:
    return _LEFT_OUT


def _function(value: object) -> Any:
    if value is None:
        return _LEFT_OUT
    if not callable(value):
        raise _UncertainError
    return value


def _status(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in (200, 204):
        raise _UncertainError
    return value


ORIGINS, REGEXES, PREDICATE = "allow_origins", "allow_origin_regexes", "allow_origin_predicate"
METHODS, HEADERS, EXPOSED = "allow_methods", "allow_headers", "expose_headers"
CREDENTIALS, AGE, STATUS = "allow_credentials", "max_age", "preflight_status"

_ORIGINS = f"`{ORIGINS}`; a regular expression belongs in `{REGEXES}`"
_PATHS = 'a prefix for each policy: `PathPolicies({"/api/": Policy(...)})`'
_PREFLIGHTS = "leave it out: every preflight is answered"
_STANDARD = "leave it out: headers are always sent as the standard has it"
_PRIVATE = "leave it out: browsers have given that header up"
_EVERYONE = '`allow_origins=["*"]`, never with credentials'
_ANY_HEADER = f'`{HEADERS}`; `["*"]` there covers `Authorization`, which here is `["*", "Authorization"]`'
_COPY = '`allow_origins`, a list; `"copy"` allows everyone, with their cookies, so list the origins instead'

_ALL_METHODS = "GET, HEAD, POST, OPTIONS, PUT, PATCH, DELETE"


def _row(name: str, default: str, argument: str, read: Callable[[Any], Any], here: str = "") -> tuple[Any, ...]:
    return name, default, here or f"`{argument}`", argument, read


def _out(name: str, default: str, here: str) -> tuple[Any, ...]:
    return name, default, here, "", _nothing


def _other(name: str, default: str, here: str) -> tuple[Any, ...]:
    """What becomes something else than an argument, so that no value can be put in its place."""
    return name, default, here, "", None


_ROWS: dict[str, list[tuple[Any, ...]]] = {
    FLASK: [
        _row("origins", '"*"', ORIGINS, _origins_or_regexes, _ORIGINS),
        _row("methods", _ALL_METHODS, METHODS, _list),
        _row("allow_headers", '"*"', HEADERS, _list, _ANY_HEADER),
        _row("expose_headers", "None", EXPOSED, _list_or_nothing),
        _row("supports_credentials", "False", CREDENTIALS, _flag, "`allow_credentials`, never with `*`"),
        _row("max_age", "None", AGE, _seconds),
        _other("resources", '"/*"', _PATHS),
        _out("send_wildcard", "False", _STANDARD),
        _out("always_send", "True", _STANDARD),
        _out("vary_header", "True", "leave it out: `Vary` is always sent where the answer depends on the origin"),
        _out("automatic_options", "True", "leave it out: every preflight is answered; other `OPTIONS` are Flask's"),
        _out("intercept_exceptions", "True", "leave it out: errors always get the headers"),
        _out("allow_private_network", "False", _PRIVATE),
    ],
    QUART: [
        _row("allow_origin", '["*"]', ORIGINS, _list_or_regex, _ORIGINS),
        _row("allow_methods", _ALL_METHODS, METHODS, _list),
        _row("allow_headers", '["*"]', HEADERS, _list, _ANY_HEADER),
        _row("expose_headers", "none", EXPOSED, _list_or_nothing),
        _row("allow_credentials", "False", CREDENTIALS, _flag),
        _row("max_age", "None", AGE, _seconds),
        _out("send_origin_wildcard", "True", _STANDARD),
        _out("provide_automatic_options", "True", _PREFLIGHTS),
    ],
    DJANGO: [
        _row("CORS_ALLOWED_ORIGINS", "[]", ORIGINS, _list),
        _row("CORS_ALLOWED_ORIGIN_REGEXES", "[]", REGEXES, _regexes, f"`{REGEXES}`, or a pattern in `{ORIGINS}`"),
        _row("CORS_ALLOW_ALL_ORIGINS", "False", ORIGINS, everyone, _EVERYONE),
        _other("CORS_URLS_REGEX", 'r"^.*$"', _PATHS),
        _row("CORS_ALLOW_METHODS", "DELETE, GET, OPTIONS, PATCH, POST, PUT", METHODS, _list),
        _row(
            "CORS_ALLOW_HEADERS",
            "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with",
            HEADERS,
            _list,
        ),
        _row("CORS_EXPOSE_HEADERS", "[]", EXPOSED, _list),
        _row("CORS_ALLOW_CREDENTIALS", "False", CREDENTIALS, _flag),
        _row("CORS_PREFLIGHT_MAX_AGE", "86400", AGE, _seconds_or_none, "`max_age`; 0 there is `None` here"),
        _out("CORS_ALLOW_PRIVATE_NETWORK", "False", _PRIVATE),
        _other("check_request_enabled", "no receiver", f"a policy source, or `{PREDICATE}` where the origin is enough"),
    ],
    OLD_DJANGO: [
        _row("CORS_ORIGIN_WHITELIST", "()", ORIGINS, _list),
        _row("CORS_ORIGIN_REGEX_WHITELIST", "()", REGEXES, _regexes, f"`{REGEXES}`, or a pattern in `{ORIGINS}`"),
        _row("CORS_ORIGIN_ALLOW_ALL", "False", ORIGINS, everyone, _EVERYONE),
        _out("CORS_REPLACE_HTTPS_REFERER", "False", "leave it out: Django has `CSRF_TRUSTED_ORIGINS` for that"),
        _other("CORS_MODEL", "None", "a policy source, such as `corecors.live.LivePolicies`"),
    ],
    STARLETTE: [
        _row("allow_origins", "()", ORIGINS, _list),
        _row("allow_origin_regex", "None", REGEXES, _regexes, f"`{REGEXES}`, a list"),
        _row("allow_methods", '("GET",)', METHODS, _list),
        _row("allow_headers", "()", HEADERS, _list, f"{_ANY_HEADER}; and list the four that are always allowed there"),
        _row("expose_headers", "()", EXPOSED, _list),
        _row("allow_credentials", "False", CREDENTIALS, _flag, "`allow_credentials`, never with `*`"),
        _row("max_age", "600", AGE, _seconds),
        _out("allow_private_network", "False", _PRIVATE),
    ],
    AIOHTTP: [
        _other("defaults", "None", "a `Policy` for each `ResourceOptions`, whose key becomes its `allow_origins`"),
        _row("allow_credentials", "False", CREDENTIALS, _flag),
        _row("expose_headers", "()", EXPOSED, _list),
        _row("allow_headers", "()", HEADERS, _list, _ANY_HEADER),
        _row("max_age", "None", AGE, _seconds),
        _row("allow_methods", "None", METHODS, _list_or_nothing, "`allow_methods`; None there is the route's own"),
    ],
    SANIC: [
        _other("CORS", "True", "leave it out, and turn the extension's own off: `app.config.CORS = False`"),
        _row("CORS_ORIGINS", '""', ORIGINS, _origins_or_regexes, _ORIGINS),
        _row("CORS_METHODS", '""', METHODS, _list, "`allow_methods`; empty there is the route's own"),
        _row("CORS_ALLOW_HEADERS", '"*"', HEADERS, _list),
        _row("CORS_EXPOSE_HEADERS", '""', EXPOSED, _list),
        _row("CORS_SUPPORTS_CREDENTIALS", "False", CREDENTIALS, _flag),
        _row("CORS_MAX_AGE", "5", AGE, _seconds),
        _out("CORS_SEND_WILDCARD", "False", _STANDARD),
        _out("CORS_ALWAYS_SEND", "True", _STANDARD),
        _out("CORS_VARY_HEADER", "True", _STANDARD),
        _out("CORS_AUTOMATIC_OPTIONS", "True", _PREFLIGHTS),
    ],
    EXPRESS: [
        _row("origin", '"*"', ORIGINS, _list, f"`{ORIGINS}`, a list; a function is `{PREDICATE}`"),
        _row("methods", '"GET,HEAD,PUT,PATCH,POST,DELETE"', METHODS, _list),
        _row("allowedHeaders", "what is asked for", HEADERS, _list),
        _row("exposedHeaders", "none", EXPOSED, _list),
        _row("credentials", "false", CREDENTIALS, _flag),
        _row("maxAge", "not sent", AGE, _seconds),
        _out("preflightContinue", "false", _PREFLIGHTS),
        _row("optionsSuccessStatus", "204", STATUS, _status),
    ],
    SPRING: [
        _row("allowed-origins", "none", ORIGINS, _list),
        _row("allowed-origin-patterns", "none", ORIGINS, _list, "`allow_origins`, where a `*` is narrower than there"),
        _row("allowed-methods", "GET, HEAD, POST", METHODS, _list),
        _row("allowed-headers", "none", HEADERS, _list),
        _row("exposed-headers", "none", EXPOSED, _list),
        _row("allow-credentials", "false", CREDENTIALS, _flag),
        _row("max-age", "1800s", AGE, _seconds, "`max_age`, in seconds"),
        _out("allow-private-network", "false", _PRIVATE),
    ],
    WSGICORS: [
        _row("origin", '""', ORIGINS, _list, _COPY),
        _row("methods", '""', METHODS, _list),
        _row("headers", '""', HEADERS, _list, _ANY_HEADER),
        _row("expose_headers", '""', EXPOSED, _list),
        _row("credentials", '"false"', CREDENTIALS, _flag),
        _row("maxage", '""', AGE, _seconds),
        _other("policy", '"deny"', "one policy with all the origins, `OriginPolicies`, or `PathPolicies`"),
        _other(
            "matchstrategy", '"firstmatch"', "leave it out: `OriginPolicies` takes the first that allows the origin"
        ),
    ],
    ASGI: [
        _row("allow_all", "False", ORIGINS, everyone, _EVERYONE),
        _row("hosts", "None", ORIGINS, _list_or_nothing),
        _row(
            "host_wildcards", "None", ORIGINS, _list_or_nothing, "`allow_origins`, where a `*` is narrower than there"
        ),
        _row("callback", "None", PREDICATE, _function),
        _row("headers", "None", HEADERS, _list_or_nothing),
        _row("methods", "None", METHODS, _list_or_nothing),
        _row("max_age", "None", AGE, _seconds),
    ],
}
FOREIGN_NAMES = tuple(ForeignName(library, *row) for library, rows in _ROWS.items() for row in rows)
# Names that no library has and that people try all the same.
GUESSES = (
    ForeignName("", "allow_any_origin", "", _EVERYONE, ORIGINS, everyone),
    ForeignName("", "allow_all_origins", "", _EVERYONE, ORIGINS, everyone),
    ForeignName("", "allow_origins_regex", "", f"`{REGEXES}`, a list", REGEXES, _regexes),
    ForeignName("", "allow_subdomains", "", '`allow_origins=["https://*.example.com"]` for a domain of your own'),
    ForeignName("", "allow_secure_origins", "", "leave it out: list the origins, with https://"),
    ForeignName("", "allow_unproven_regexes", "", "leave it out: every regular expression runs in linear time"),
)
_PREFIXES = ("quart_cors_", "cors_")


def plain_name(name: str) -> str:
    """`name` without what differs between languages and places: `CORS_ALLOWED_ORIGINS`, `allowedOrigins`."""
    name = name.rpartition(".")[2]  # of Spring's properties
    if not name.isupper():
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    name = name.lower().replace("-", "_")
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def names_like(name: str) -> tuple[ForeignName, ...]:
    """Every entry for `name`, however it is spelled; first those that become an argument."""
    return _by_plain_name().get(plain_name(name), ())


@cache
def _by_plain_name() -> Mapping[str, tuple[ForeignName, ...]]:
    found: dict[str, tuple[ForeignName, ...]] = {}
    for each in (*FOREIGN_NAMES, *GUESSES):
        key = plain_name(each.name)
        found[key] = (*found.get(key, ()), each)
    return {key: tuple(sorted(entries, key=lambda each: not each.argument)) for key, entries in found.items()}


def owner(entries: tuple[ForeignName, ...]) -> str:
    """Whose name it is: "a name of flask-cors and Sanic Extensions"."""
    libraries = list(dict.fromkeys(each.library for each in entries if each.library))
    if not libraries:
        return "a name that no policy has"
    *others, last = libraries
    return f"a name of {', '.join(others)} and {last}" if others else f"a name of {last}"
