"""The configuration of another library as a policy of this one, with every difference that a browser can notice.

Facts
-----
Names, defaults and readers are those of `foreign_names`, of which the tables of docs/migrating.md are made. What cannot
be said here is left out, and never replaced by something wider: without an argument a policy allows less.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from corecors import OriginPolicies, PathPolicies, Policy, PolicyError, PolicySource, Problem
from corecors._decisions.headers import SAFELISTED_METHODS
from corecors._policy import foreign_names as table
from corecors._policy.foreign_names import (
    AGE,
    CREDENTIALS,
    EXPOSED,
    FOREIGN_NAMES,
    HEADERS,
    METHODS,
    ORIGINS,
    REGEXES,
    ForeignName,
    is_regex_to_flask_cors,
)
from corecors._policy.policy import FIELDS
from corecors._policy.problems import advised, shown_value

LIBRARIES: Final = {
    "flask-cors": table.FLASK,
    "starlette": table.STARLETTE,
    "django": table.DJANGO,
    "quart-cors": table.QUART,
    "aiohttp-cors": table.AIOHTTP,
    "wsgicors": table.WSGICORS,
    "asgi-cors": table.ASGI,
}
# What a browser can notice, in the words of docs/migrating.md.
DIFFERENCES: Final = {
    "left-out": "what a policy refuses to be, or cannot be, is left out",
    "any-origin-with-credentials": "any origin with credentials is refused here, so credentials are left out",
    "safelisted-methods": "GET, HEAD and POST pass every preflight here, listed or not",
    "whole-origin": "a regular expression has to match the whole origin; there, its beginning is enough",
    "narrower-pattern": "a * stands for labels of a domain, or for part of one; there, for any text",
    "star-and-authorization": "a * does not cover Authorization here, as the standard has it; browsers let it pass",
    "star-with-credentials": "browsers take a * literally with credentials, so it is left out",
    "route-methods": "without allow_methods a route allows its own methods there; here they are listed",
    "method-case": "method names are case-sensitive; there, a method in any case is allowed",
    "preflights-answered": "preflights are answered here; there, they are left to the application",
    "path-prefix": "a prefix ends with a segment, and governs the path without its last slash as well",
}
_EVERY_STARLETTE_METHOD: Final = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"]
_SAFELISTED_BY_STARLETTE: Final = ["Accept", "Accept-Language", "Content-Language", "Content-Type"]
_OLD_DJANGO: Final = {
    "CORS_ORIGIN_WHITELIST": "CORS_ALLOWED_ORIGINS",
    "CORS_ORIGIN_REGEX_WHITELIST": "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ORIGIN_ALLOW_ALL": "CORS_ALLOW_ALL_ORIGINS",
}
# What one string is where a list may stand: one entry, several with commas or spaces between them; elsewhere it is a
# mistake, for its letters are taken for the entries.
_ONE, _COMMAS, _SPACES = r"[^\s,]+", r"[^\s,]+(?:\s*,\s*[^\s,]+)*", r"[^\s,]+(?: +[^\s,]+)*"
_STRINGS: Final = {
    "flask-cors": {ORIGINS: _ONE, HEADERS: _ONE, METHODS: _COMMAS, EXPOSED: _COMMAS},
    "quart-cors": {ORIGINS: _ONE, HEADERS: _ONE, METHODS: _ONE, EXPOSED: _ONE},
    "wsgicors": {ORIGINS: _SPACES, HEADERS: _COMMAS, METHODS: _COMMAS, EXPOSED: _COMMAS},
}
_NOT_SENT_IF_0: Final = ("flask-cors", "django", "asgi-cors")
_EVERY_PATH: Final = ("/*", "*", ".*", "/.*", "^.*$", "^/.*$", "^/")
_PREFIX: Final = re.compile(r"\^?(/[A-Za-z0-9_/-]*)(/\*|/\.\*\$?|/)")

Arguments = dict[str, Any]


class Untranslatable(ValueError):
    """A configuration of which no policy can be made that is sure not to be wider."""


class Difference(NamedTuple):
    """Something that a browser can notice. `code`: of `DIFFERENCES`; `text`: a sentence about this configuration.

    argument, value: what is left out, if something is.
    """

    code: str
    text: str
    argument: str = ""
    value: object = None


class Translation(NamedTuple):
    """What becomes of a configuration.

    tiers: the arguments of one policy, or of several, the first of which that allows the origin governs.
    prefix: the path to which they are confined; "" for every path.
    """

    tiers: tuple[Arguments, ...]
    prefix: str
    differences: tuple[Difference, ...]

    @property
    def policy(self) -> Policy | PolicySource:
        """The policy, or the source of policies."""
        policies = [Policy(**arguments) for arguments in self.tiers]
        governing: Any = policies[0] if len(policies) == 1 else OriginPolicies(policies)
        return PathPolicies({self.prefix: governing}) if self.prefix else governing


def translated(library: str, given: Mapping[str, Any]) -> Translation:
    """The translation of `given`, the options that were given to the library: a key of `LIBRARIES`.

    Raises `Untranslatable` where leaving something out would allow more, and for names that the library does not have.
    """
    if library == "aiohttp-cors":
        return _of_aiohttp(given)
    for name in ("policy", "matchstrategy"):
        if library == "wsgicors" and name in given:
            raise Untranslatable(f"{name}: several policies; translate each of them by itself, without the prefix")
    options = _named(library, given)
    prefix, differences = _prefix(library, options)
    if library == "asgi-cors":
        differences.append(_difference("preflights-answered"))
    arguments, found = _of_policy(library, options)
    return Translation((arguments,), prefix, (*differences, *found))


# Names


def _named(library: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options by their names in the table."""
    known = {each.name for each in FOREIGN_NAMES if each.library == LIBRARIES[library]}
    options: dict[str, Any] = {}
    for given_name, value in given.items():
        name = str(given_name)
        if library == "flask-cors" and name.isupper():
            name = name.lower().replace("cors_", "")
        elif library == "quart-cors":
            name = name.removeprefix("QUART_CORS_").lower() if name.isupper() else name
        elif library == "django" and name in _OLD_DJANGO:
            if _OLD_DJANGO[name] in given:
                continue  # the new name counts there
            name = _OLD_DJANGO[name]
        elif library == "django" and name in ("CORS_REPLACE_HTTPS_REFERER", "CORS_MODEL"):
            continue  # it has had no effect since version 3.5
        if name not in known:
            raise Untranslatable(
                f"{library} has no option {shown_value(given_name)}: take it out, or see how it is spelt"
            )
        options[name] = value
    return options


def _prefix(library: str, options: dict[str, Any]) -> tuple[str, list[Difference]]:
    """The path prefix to which the options confine the policy; what says so is taken out of them."""
    name = {"flask-cors": "resources", "django": "CORS_URLS_REGEX"}.get(library, "")
    if name not in options:
        return "", []
    paths = options.pop(name)
    if isinstance(paths, Mapping):
        if len(paths) != 1:
            raise Untranslatable(f"{name}: {len(paths)} paths; translate each of them by itself, and see PathPolicies")
        [(paths, more)] = paths.items()
        if not isinstance(more, Mapping):
            raise Untranslatable(f"{name}: {shown_value(more)} are not options")
        options |= _named(library, more)
    elif isinstance(paths, (list, tuple)) and len(paths) == 1:
        paths = paths[0]
    if not isinstance(paths, str):
        raise Untranslatable(f"{name}: {shown_value(paths)} is not one path")
    if paths in _EVERY_PATH:
        return "", []
    found = _PREFIX.fullmatch(paths)
    if found is not None and library == "flask-cors" and "*" not in paths and "^" not in paths:
        found = None  # without such a character it is one path to flask-cors
    if found is None:
        raise Untranslatable(f"{name}: {shown_value(paths)} is not a prefix, and policies go by prefixes")
    return f"{found[1]}/", [_difference("path-prefix", f"{name}: {paths} there, {found[1]}/ here")]


# One policy


def _of_policy(
    library: str, options: Mapping[str, Any], origins: Iterable[str] = ()
) -> tuple[Arguments, list[Difference]]:
    differences: list[Difference] = []
    arguments: Arguments = {name: [] for name in (ORIGINS, REGEXES, METHODS, HEADERS, EXPOSED)}
    arguments[ORIGINS] = _texts(ORIGINS, list(origins), differences)
    for entry in FOREIGN_NAMES:
        if entry.library != LIBRARIES[library] or not entry.argument:
            continue
        value = _as_meant(library, entry, options.get(entry.name, entry.default_value))
        read = None if value is _MEANINGLESS else entry.translated(value)
        if read is None:
            given = options.get(entry.name)
            differences.append(_left_out(entry.argument, given, f"{entry.name} says nothing that has a translation"))
        for argument, part in (read or {}).items():
            if _is_plain_star(library, entry.name, value) and "*" in part:
                part = [each for each in part if each != "*"]
                differences.append(_left_out(ORIGINS, "*", f"{entry.name} takes it for an origin, which no page has"))
            if isinstance(part, list):
                part = _texts(argument, part, differences)
            kept = arguments.get(argument)
            arguments[argument] = [*kept, *part] if isinstance(kept, list) else part
    _adjust_origins(library, arguments, differences)
    if "*" in arguments[ORIGINS] and arguments.get(CREDENTIALS):
        if library == "quart-cors" or options.get("send_wildcard"):
            raise Untranslatable(f"{library} itself fails where any origin is allowed with credentials")
        arguments[CREDENTIALS] = False
        differences.append(_difference("any-origin-with-credentials", "list the origins to have them back"))
    _adjust_stars(library, arguments, differences)
    _notice_methods(library, arguments, differences)
    refined = _refined(arguments, differences)
    standard = Policy()
    made = Policy(**refined)
    return {
        name: refined[name] for name in FIELDS if name in refined and _value(made, name) != _value(standard, name)
    }, differences


def _value(policy: Policy, name: str) -> object:
    return getattr(policy, name)


def _texts(argument: str, entries: list[Any], differences: list[Difference]) -> list[Any]:
    """The entries that are text or a compiled regular expression: nothing else can ever match."""
    kinds = (str, re.Pattern) if argument in (ORIGINS, REGEXES) else (str,)
    found = []
    for entry in entries:
        text = entry.decode("latin-1") if isinstance(entry, bytes) else entry
        if isinstance(text, kinds):
            found.append(text)
        else:
            differences.append(_left_out(argument, entry, "it is not text"))
    return found


def _once(entries: list[Any]) -> list[Any]:
    return list(dict.fromkeys(entries))


def _is_plain_star(library: str, name: str, value: object) -> bool:
    """Whether a `*` among the origins is not any origin there."""
    return name in ("CORS_ALLOWED_ORIGINS", "hosts") or (library == "wsgicors" and name == "origin" and value != "*")


_MEANINGLESS: Final = object()


def _as_meant(library: str, entry: ForeignName, value: Any) -> Any:
    """The value of an option as the library takes it, where that is not how it looks."""
    if entry.argument == CREDENTIALS and library == "wsgicors":
        return value == "true"  # and nothing else
    if entry.argument == AGE and library in _NOT_SENT_IF_0 and value in (0, None) and not isinstance(value, bool):
        return None
    if entry.argument not in (ORIGINS, REGEXES, METHODS, HEADERS, EXPOSED) or entry.read is table.everyone:
        return value
    if library == "wsgicors" and entry.argument == ORIGINS and value == "copy":
        return "*"
    if isinstance(value, str) and value not in ("", "*") and entry.name != "allow_origin_regex":
        form = _STRINGS.get(library, {}).get(entry.argument)
        if form is not None and re.fullmatch(form, value.strip()):
            return value
        if form == _COMMAS and entry.argument != EXPOSED:  # it is sent as it stands there
            raise Untranslatable(f"{entry.name}: {shown_value(value)} is not a list, so every preflight fails")
        return _MEANINGLESS
    return value


def _adjust_origins(library: str, arguments: Arguments, differences: list[Difference]) -> None:
    """Sort what stands among the origins there by what it is: an origin, a pattern, a regular expression."""
    origins: list[Any] = []
    regexes: list[Any] = []
    for entry in (*arguments[ORIGINS], *arguments[REGEXES]):
        if isinstance(entry, str) and entry in arguments[REGEXES]:
            try:
                entry = re.compile(entry)
            except (re.error, RecursionError, OverflowError) as error:
                differences.append(_left_out(REGEXES, entry, f"it is not a regular expression: {error}"))
                continue
        if isinstance(entry, re.Pattern):
            _place_regex(library, entry, origins, regexes, differences)
        elif isinstance(entry, str) and library in ("wsgicors", "asgi-cors") and not set("*?[").isdisjoint(entry):
            _place_glob(entry, origins, regexes, differences)
        elif isinstance(entry, str) and library == "flask-cors":
            origins.append(entry.lower())  # which is the same to flask-cors, and browsers write small letters
        elif isinstance(entry, str) and "*" in entry and entry != "*":
            differences.append(_left_out(ORIGINS, entry, "its * is not a wildcard there, so no origin matches it"))
        else:
            origins.append(entry)
    if "*" in origins:
        origins, regexes = ["*"], []
    arguments[ORIGINS], arguments[REGEXES] = _once(origins), _once(regexes)


def _place_regex(
    library: str, entry: "re.Pattern[str]", origins: list[Any], regexes: list[Any], differences: list[Difference]
) -> None:
    text = entry.pattern
    if library == "flask-cors" and text == ".*":
        origins.append("*")
    elif entry.flags & ~re.UNICODE:
        differences.append(_left_out(REGEXES, text, "it is compiled with flags"))
    elif library == "flask-cors" and re.search(r"(?<!\\)[A-Z]", text):
        differences.append(_left_out(REGEXES, text, "letters are matched without regard to case there"))
    else:
        regexes.append(text)
        if library != "starlette" and not (text.endswith("$") and "|" not in text):
            differences.append(_difference("whole-origin", text, REGEXES, text))


def _place_glob(entry: str, origins: list[Any], regexes: list[Any], differences: list[Difference]) -> None:
    """A pattern of `fnmatch`: where it is one of ours, ours is narrower, but for the port."""
    start, _, port = entry.rpartition(":")
    if entry.strip("*") == "":
        origins.append("*")
    elif port == "*" and "*" not in start:
        regexes.append(f"{re.escape(start)}:[0-9]+")  # `:*` here is no port as well
        differences.append(_difference("narrower-pattern", entry, ORIGINS, entry))
    else:
        origins.append(entry)
        differences.append(_difference("narrower-pattern", entry, ORIGINS, entry))


def _adjust_stars(library: str, arguments: Arguments, differences: list[Difference]) -> None:
    """What a `*` among methods, headers and exposed names stands for there."""
    credentials = arguments.get(CREDENTIALS, False)
    literal = library in ("django", "asgi-cors")  # `*` is sent as it stands there
    methods, headers = arguments[METHODS], arguments[HEADERS]
    if library in ("flask-cors", "aiohttp-cors"):  # to which letters of either case are the same
        methods = [each.upper() if isinstance(each, str) else each for each in methods]
    if "*" in methods:
        if library == "starlette":
            methods = _EVERY_STARLETTE_METHOD
        elif library == "flask-cors":
            methods = [each for each in methods if each != "*"]  # which is not a method there
        elif library in ("django", "quart-cors", "asgi-cors") and credentials:
            methods = [each for each in methods if each != "*"]
            differences.append(_difference("star-with-credentials", METHODS, METHODS, "*"))
        else:
            methods = ["*"]
    if "*" in headers or (library == "flask-cors" and ".*" in headers):
        if not literal:
            headers = ["*", "Authorization"]
        elif credentials:
            headers = [each for each in headers if each != "*"]
            differences.append(_difference("star-with-credentials", HEADERS, HEADERS, "*"))
        elif any(each.lower() == "authorization" for each in headers):
            headers = ["*", "Authorization"]
        else:
            headers = ["*"]
            differences.append(_difference("star-and-authorization", 'write ["*", "Authorization"] to allow it'))
    elif library == "starlette":
        headers = [*headers, *_SAFELISTED_BY_STARLETTE]
    elif library == "flask-cors":
        for regex in [each for each in headers if is_regex_to_flask_cors(each)]:
            headers = [each for each in headers if each != regex]
            differences.append(_left_out(HEADERS, regex, "it is a regular expression there"))
    if "*" in arguments[EXPOSED]:
        arguments[EXPOSED] = ["*"]
    arguments[METHODS], arguments[HEADERS] = _once(methods), _once(headers)


def _notice_methods(library: str, arguments: Arguments, differences: list[Difference]) -> None:
    methods = arguments[METHODS]
    # The others answer with a list, and let the browser look for the method in it.
    decides_itself = library in ("flask-cors", "starlette", "quart-cors", "aiohttp-cors")
    if decides_itself and "*" not in methods and not set(methods) >= SAFELISTED_METHODS:
        differences.append(_difference("safelisted-methods"))


def _refined(arguments: Arguments, differences: list[Difference]) -> Arguments:
    """The arguments without what a policy refuses."""
    arguments = {name: value for name, value in arguments.items() if value is not None}
    while True:
        try:
            Policy(**arguments)
            return arguments
        except PolicyError as error:
            first = error.problems[0]
            _take_out(first, arguments, differences)
            # Others only where they are about other entries of that list: of those that stay, each may be about what
            # is gone.
            taken = {first.value} if isinstance(first.value, str) else set()
            for problem in error.problems[1:] if taken else ():
                value = problem.value
                if problem.field == first.field and isinstance(value, str) and value not in taken:
                    taken.add(value)
                    _take_out(problem, arguments, differences)


def _take_out(problem: Problem, arguments: Arguments, differences: list[Difference]) -> None:
    value = arguments.get(problem.field)
    if isinstance(value, list) and problem.value in value:
        arguments[problem.field] = [each for each in value if each != problem.value]
    elif problem.field in arguments:
        del arguments[problem.field]
    else:  # a rule about several arguments together: nobody can tell which of them to leave out
        raise Untranslatable(str(problem))
    advice = advised(problem.fix)
    why = problem.message + (f"; {advice}, if it is meant" if advice and not isinstance(problem.fix, tuple) else "")
    differences.append(_left_out(problem.field, problem.value, why))


def _left_out(argument: str, value: object, why: str) -> Difference:
    return Difference("left-out", f"{argument}: {shown_value(value)} is left out: {why}", argument, value)


def _difference(code: str, detail: str = "", argument: str = "", value: object = None) -> Difference:
    return Difference(code, DIFFERENCES[code] + (f" ({detail})" if detail else ""), argument, value)


# aiohttp-cors: options by origin


def _of_aiohttp(given: Mapping[str, Any]) -> Translation:
    by_origin: Any = given["defaults"] if set(given) == {"defaults"} else given
    if not isinstance(by_origin, Mapping) or not all(isinstance(each, Mapping) for each in by_origin.values()):
        raise Untranslatable("write the defaults: each origin with its ResourceOptions, a dict or a call")
    grouped: list[tuple[dict[str, Any], list[str]]] = []
    for origin in sorted(by_origin, key=lambda origin: origin == "*"):
        options = _named("aiohttp-cors", by_origin[origin])
        if "defaults" in options:
            raise Untranslatable("defaults within defaults")
        group = next((origins for other, origins in grouped if other == options and origin != "*"), None)
        if group is None:
            grouped.append((options, group := []))
        group.append(origin)
    tiers, differences = [], []
    nothing: tuple[dict[str, Any], list[str]] = ({}, [])
    for options, origins in grouped or [nothing]:
        allowed = options.get("allow_methods")
        arguments, found = _of_policy("aiohttp-cors", options, origins)
        lost = [each.value for each in found if (each.code, each.argument) == ("left-out", ORIGINS)]
        if lost and "*" in by_origin and "*" not in origins:
            what = "cannot be an origin of its own here, and would be governed by *"
            raise Untranslatable(f"{shown_value(lost[0])} {what}: take it out, or give * the same options")
        tiers.append(arguments)
        differences += found
        if allowed is None:
            differences.append(_difference("route-methods", "list them in allow_methods"))
        elif allowed != "*":
            differences.append(_difference("method-case"))
    kept = [arguments for arguments in tiers if arguments.get(ORIGINS) or arguments.get(REGEXES)] or tiers[:1]
    return Translation(tuple(kept), "", tuple(differences))
