"""A policy from data: a mapping, TOML text, the variables of an environment. All are given; nothing is read here.

    policy_from_toml(Path("cors.toml").read_text())
    policy_from_env(os.environ)

Strict in everything: a name that no policy has is an error that says what to write, for a misspelt `allow_credential`
that is skipped in silence is a bug that is found in production. Every problem is reported at once, and whatever the
data holds, it is a `PolicyError`.

What is read has one shape, in TOML, JSON and Python alike. A policy is a table of its arguments:

    allow_origins = ["https://app.example.com"]
    max_age = 600

Policies by path are a table of tables, and `false` opts a path out; `default` governs where no path does:

    ["/api/"]
    allow_origins = ["https://app.example.com"]
    [default]
    allow_origins = ["*"]

Tiers are a list of tables called `tiers`, the last one for everybody else; they may stand below a path:

    [[tiers]]
    allow_origins = ["https://app.example.com"]
    allow_credentials = true
    [[tiers]]
    allow_origins = ["*"]
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from corecors._origins.errors import TextError
from corecors._policy.policy import FIELDS, Policy
from corecors._policy.problems import PolicyError, Problem, in_ascii, label_of, type_of

if TYPE_CHECKING:
    from corecors._policy.paths import PathPolicies
    from corecors._policy.tiers import OriginPolicies

LISTS = frozenset({"allow_origins", "allow_origin_regexes", "allow_methods", "allow_headers", "expose_headers"})
NUMBERS = frozenset({"max_age", "preflight_status"})
FUNCTIONS = frozenset({"allow_origin_predicate"})
# Every other name is a flag.

TABLES = ("cors", "tool.corecors")  # where a policy stands in a document that holds other things too
TIERS = "tiers"
DEFAULT = "default"
_SOURCES = {"PATHS", "TIERS"}  # variables that hold several policies, as JSON

_Loaded = TypeVar("_Loaded")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def policy_from_mapping(mapping: Mapping[str, Any]) -> Policy:
    """The policy with the arguments in `mapping`: their names to values, as `Policy.to_mapping()` gives them.

    Raises `PolicyError` with every problem; names that a policy does not have are among them.
    """
    return _policy(_as_mapping(mapping))


def policy_from_toml(text: str, table: str = TABLES[0]) -> Policy:
    """The policy in the TOML document `text`: its table `[cors]` or `[tool.corecors]`, or, where it has neither, the
    keys at its top. Another table is named by `table`: "tool.shop.cors" is a table within tables.

    Raises `PolicyError` with every problem, and where `text` is not TOML or has no such table.
    """
    return _policy(_table_of(text, table))


def policy_from_env(environ: Mapping[str, Any], prefix: str = "CORS_") -> Policy:
    """The policy in the variables of `environ` that begin with `prefix`: CORS_ALLOW_ORIGINS, CORS_MAX_AGE and so on.

    A list is JSON (`["https://a.example", "https://b.example"]`) or has commas between its entries; regular
    expressions, which have commas of their own, are JSON unless it is one without a comma. A flag is `true` or `1`,
    `false` or `0`. A number is in decimal digits. A value that is not text is taken as it is, so that `environ` may be
    the configuration of a framework. Without any variable it is the policy that allows nobody.

    Raises `PolicyError` with every problem, each under the variable's name; variables with this prefix that no policy
    has are among them.
    """
    return _policy(_variables(environ, prefix), prefix)


def source_from_mapping(mapping: Mapping[str, Any]) -> "Policy | PathPolicies | OriginPolicies":
    """What `mapping` describes: one policy, policies by path, or tiers, in the shapes that this module shows.

    Raises `PolicyError` with every problem.
    """
    return _source(_as_mapping(mapping))


def source_from_toml(text: str, table: str = TABLES[0]) -> "Policy | PathPolicies | OriginPolicies":
    """What the TOML document `text` describes, in the same tables as `policy_from_toml`: one policy, policies by path
    (`[cors."/api/"]`), or tiers (`[[cors.tiers]]`).

    Raises `PolicyError` with every problem.
    """
    return _source(_table_of(text, table))


def source_from_env(environ: Mapping[str, Any], prefix: str = "CORS_") -> "Policy | PathPolicies | OriginPolicies":
    """What the variables of `environ` describe: one policy, as `policy_from_env` reads it; or policies by path in
    CORS_PATHS, or tiers in CORS_TIERS, both as JSON, and then no other variable.

        CORS_PATHS={"/api/": {"allow_origins": ["https://app.example.com"]}, "/health": false}
        CORS_TIERS=[{"allow_origins": ["https://app.example.com"], "allow_credentials": true}, {"allow_origins": ["*"]}]

    Raises `PolicyError` with every problem.
    """
    given = _variables(environ, prefix)
    several = [name for name in given if name.removeprefix(prefix) in _SOURCES]
    if not several:
        return _policy(given, prefix)
    if len(given) > 1:
        message = f"says everything by itself, so no other variable may begin with {in_ascii(prefix)}"
        raise PolicyError([Problem(name, given[name], "other-variables", message) for name in several])
    (name,) = several
    found = _json(name, given[name]) if isinstance(given[name], str) else given[name]
    if name.removeprefix(prefix) == "TIERS":
        return _under(name, _tiers, found)
    return _under(name, _paths, _as_mapping(found, name))


def path_policies_from_toml(text: str, table: str = TABLES[0]) -> "PathPolicies":
    """The policies by path in the TOML document `text`: `[cors."/api/"]` and so on, `[cors.default]` for the default.

    Raises `PolicyError` with every problem.
    """
    given = _table_of(text, table)
    if not given:
        raise _error(table, given, "no-paths", 'has no path; one is a table such as [cors."/api/"]')
    return _paths(given)


def origin_policies_from_toml(text: str, table: str = TABLES[0]) -> "OriginPolicies":
    """The tiers in the TOML document `text`: `[[cors.tiers]]`, the last one for everybody else.

    Raises `PolicyError` with every problem.
    """
    return _tiers_table(_table_of(text, table))


# Several policies


def _source(given: Mapping[Any, Any]) -> "Policy | PathPolicies | OriginPolicies":
    if TIERS in given:
        return _tiers_table(given)
    if any(_is_path(name) or name == DEFAULT for name in given):
        return _paths(given)
    return _policy(given)


def _is_path(name: object) -> bool:
    return isinstance(name, str) and name.startswith("/")


def _paths(given: Mapping[Any, Any]) -> "PathPolicies":
    from corecors._policy.paths import PathPolicies

    problems: list[Problem] = []
    policies: dict[Any, Any] = {}
    for prefix, value in given.items():
        if not (_is_path(prefix) or prefix == DEFAULT):
            message = "is set under a name that is neither a path, which begins with a slash, nor default"
            problems.append(Problem(label_of(prefix), value, "not-a-path", message))
        elif value is False:
            policies[prefix] = None
        elif not isinstance(value, Mapping):
            message = f"is {type_of(value)} where a table of arguments belongs, or false to opt out"
            problems.append(Problem(label_of(prefix), value, "not-a-table", message))
        else:
            try:
                policies[prefix] = _under(label_of(prefix), _tiers_table if TIERS in value else _policy, value)
            except PolicyError as error:
                problems += error.problems
    default = policies.pop(DEFAULT, None)
    try:
        found = PathPolicies(policies, default=default)
    except PolicyError as error:
        raise PolicyError([*problems, *error.problems]) from None
    if problems:
        raise PolicyError(problems)
    return found


def _tiers_table(given: Mapping[Any, Any]) -> "OriginPolicies":
    problems = [
        Problem(label_of(name), value, "next-to-tiers", "stands next to tiers, which say everything by themselves")
        for name, value in given.items()
        if name != TIERS
    ]
    try:
        found = _tiers(given.get(TIERS))
    except PolicyError as error:
        raise PolicyError([*problems, *error.problems]) from None
    if problems:
        raise PolicyError(problems)
    return found


def _tiers(given: object) -> "OriginPolicies":
    from corecors._policy.tiers import OriginPolicies

    if not isinstance(given, (list, tuple)):
        raise _error(TIERS, given, "not-a-list", f"is {type_of(given)} where a list of tables belongs")
    problems: list[Problem] = []
    policies: list[Policy] = []
    for number, value in enumerate(given, start=1):
        label = f"tier {number}"
        if not isinstance(value, Mapping):
            problems.append(Problem(label, value, "not-a-table", f"is {type_of(value)} where a table belongs"))
            continue
        try:
            policies.append(_under(label, _policy, value))
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError(problems)
    return OriginPolicies(policies)


def _under(label: str, load: Callable[[Any], _Loaded], given: Any) -> _Loaded:
    """What `load` makes of `given`; its problems say below which `label` they stand."""
    try:
        return load(given)
    except PolicyError as error:
        raise PolicyError(each._replace(field=f"{label}: {each.field}") for each in error.problems) from None


# One policy


_UNDIVIDED = "make each origin an entry of its own"  # what is said of several origins in one text


def _policy(given: Mapping[Any, Any], prefix: str | None = None) -> Policy:
    """The policy of the values in `given`, by the names of its arguments, or of variables that begin with `prefix`."""
    spelled = {name: name if prefix is None else prefix + name.upper() for name in FIELDS}
    names = {key: name for name, key in spelled.items()}
    arguments: dict[str, Any] = {}
    problems: list[Problem] = []
    unknown: list[tuple[object, object]] = []
    for key, value in given.items():
        if not isinstance(key, str) or key not in names:
            unknown.append((key, value))
        elif prefix is not None and isinstance(value, str):
            try:
                arguments[names[key]] = _parsed(names[key], value)
            except _UnreadableError as error:
                problems.append(Problem(key, value, error.code, error.message, error.fix))
        else:
            arguments[names[key]] = value
    if unknown:
        from corecors._policy.unknown_names import unknown_names  # a long table, for errors alone

        credentials = arguments.get("allow_credentials", False)
        problems[:0] = unknown_names(unknown, credentials=credentials, prefix=prefix)
    try:
        policy = Policy(**arguments)
    except PolicyError as error:
        refused = [problem._replace(field=spelled[problem.field]) for problem in error.problems]
        if prefix is not None:
            refused = [
                each._replace(message=f"{each.message}, with commas between them")
                if each.message.endswith(_UNDIVIDED)
                else each
                for each in refused
            ]
        raise PolicyError([*problems, *refused]) from None
    if problems:
        raise PolicyError(problems)
    return policy


def _variables(environ: Mapping[Any, Any], prefix: str) -> dict[str, Any]:
    """The variables of `environ` that begin with `prefix`."""
    given = _as_mapping(environ, "environ")
    strange = [name for name in given if not isinstance(name, str)]
    if strange:
        message = "is not the name of a variable, which is text"
        raise PolicyError([Problem("environ", name, "not-a-name", message) for name in strange])
    return {name: value for name, value in given.items() if name.startswith(prefix)}


# TOML


def _table_of(text: object, table: str) -> Mapping[Any, Any]:
    """The table in the document `text` that holds the policy."""
    document = _document(text, table)
    found = _within(document, table)
    if found is None and table == TABLES[0]:
        found = _within(document, TABLES[1])
        # A document that holds nothing but tables is about something else, and one that is empty was cut off.
        if found is None and any(not isinstance(value, dict) or _is_path(key) for key, value in document.items()):
            found = document
    elif found is not None and table == TABLES[0]:
        lost = [name for name in document if _is_path(name) or (name in FIELDS and name.startswith("allow_"))]
        if lost:
            message = f"stands outside of [{table}], where nothing reads it"
            raise PolicyError([Problem(label_of(name), document[name], "outside-table", message) for name in lost])
    if found is None:
        wanted = f"[{table}]" if table != TABLES[0] else f"[{TABLES[0]}] or [{TABLES[1]}]"
        known = [name for name in document if isinstance(document[name], dict)]
        raise _error(table, known, "no-table", f"are all the tables that this document has: none is {wanted}")
    if not isinstance(found, dict):
        raise _error(table, found, "not-a-table", f"is {type_of(found)} where a table belongs")
    return found


MAX_KEY_PARTS = 200  # of a dotted key of TOML; ours have three, and a host in a string has 127 labels at most
_PART = r"(?:(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
_KEY_PART = re.compile(_PART)
_DOTTED_KEY = re.compile(rf"{_PART}(?:[ \t]*+\.[ \t]*+{_PART})++")


def _document(text: object, table: str) -> dict[str, Any]:
    if not isinstance(text, str):
        raise _error(table, text, "not-toml", f"is {type_of(text)} where the text of a document belongs")
    if text.endswith(".toml") and len(text.split()) == 1:
        raise _error(table, text, "not-toml", "is the name of a file where the text of a document belongs")
    try:
        return parse_toml(text)
    except RecursionError:
        raise _error(table, text, "not-toml", "is nested too deeply") from None
    except ValueError as error:  # a number of 5,000 digits too, which no TOML error tells of
        raise _error(table, text, "not-toml", f"is not valid TOML: {in_ascii(str(error))}") from None


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML document holds. Raises `ValueError`, and `RecursionError` where it is nested too deeply."""
    import tomllib

    # The standard library's reader takes a second for a key of 5,000 parts, and hours for one that fills a megabyte.
    if any(len(_KEY_PART.findall(key[0])) > MAX_KEY_PARTS for key in _DOTTED_KEY.finditer(text)):
        raise ValueError(f"a key has more than {MAX_KEY_PARTS} parts")
    return tomllib.loads(text.removeprefix("\ufeff"))  # which editors put at the beginning of a file


def _within(document: dict[str, Any], table: str) -> Any:
    """What stands in `document` under the dotted name `table`; None where there is nothing."""
    found: Any = document
    for name in table.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


# Text of variables


class _UnreadableError(TextError):
    """Text of a variable that no value can be read from."""


def _parsed(name: str, text: str) -> Any:
    """The value of the argument `name` that `text` says."""
    if name in LISTS:
        return _parsed_list(name, text.strip())
    if name in FUNCTIONS:
        raise _UnreadableError("not-a-function", "is text where a function belongs; give the policy one in code")
    word = text.strip().lower()
    if name in NUMBERS:
        if not re.fullmatch("-?[0-9]{1,9}", word):
            unit = " of seconds" if name == "max_age" else ""
            raise _UnreadableError("not-a-number", f"is not a whole number{unit}")
        return int(word)
    if word not in _FLAGS:
        fix = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(word)
        raise _UnreadableError("not-a-flag", "is neither true nor false", fix)
    return _FLAGS[word]


def _parsed_list(name: str, text: str) -> list[Any]:
    import json

    if text.startswith("[") and (name != "allow_origin_regexes" or text.endswith("]")):
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError):
            doubled = _with_doubled_backslashes(text)
            message = "begins like a JSON list and is not valid JSON; "
            message += "double each backslash" if doubled else "write its strings in double quotes"
            raise _UnreadableError("not-json", message, doubled) from None
        assert isinstance(entries, list)  # it begins with a bracket
        return entries
    if not text:
        return []
    if name == "allow_origin_regexes":
        if "," in text:
            message = "has a comma, which may be part of a regular expression: only a JSON list is certain"
            raise _UnreadableError("comma-in-regex", message, json.dumps(_regexes_in(text)))
        return [text]
    return [entry.strip() for entry in text.split(",")]


def _with_doubled_backslashes(text: str) -> str | None:
    """A JSON list of regular expressions that were put there as they are; None where `text` is anything else."""
    import json

    doubled = text.replace("\\", "\\\\")
    if "\\" not in text or "\\\\" in text:
        return None
    try:
        json.loads(doubled)
    except (ValueError, RecursionError):
        return None
    return doubled


def _regexes_in(text: str) -> list[str]:
    """Of a text with commas: several expressions, where each begins as origins do and closes what it opens. As one it
    would fit no origin, in which a scheme comes once."""
    parts = [part.strip() for part in text.split(",")]
    several = all(
        re.match(r"\^?https?\b", part)
        and all(part.count(pair[0]) == part.count(pair[1]) for pair in ("()", "[]", "{}"))
        for part in parts
    )
    return parts if several else [text]


def _json(name: str, text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _error(name, text, "not-json", "is not valid JSON") from None


# Words


def _as_mapping(given: object, field: str = "mapping") -> Mapping[Any, Any]:
    if isinstance(given, Mapping):
        return given
    raise _error(field, given, "not-a-mapping", f"is {type_of(given)}, which has no names")


def _error(field: str, value: object, code: str, message: str) -> PolicyError:
    return PolicyError([Problem(field, value, code, message)])
