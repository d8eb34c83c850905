"""A policy from data: a mapping, TOML text, the variables of an environment. All are given; nothing is read here.

    policy_from_toml(Path("settings.toml").read_text())
    policy_from_env(os.environ)

Strict in everything: a name that no policy has is an error that tells the nearest one, for a misspelt
`allow_credential` that is skipped in silence is a bug that is found in production. Every problem is reported at once.
"""

import re
from collections.abc import Mapping
from typing import Any

from corecors._policy.policy import FIELDS, Policy
from corecors._policy.problems import PolicyError, Problem

LISTS = frozenset({"allow_origins", "allow_origin_regexes", "allow_methods", "allow_headers", "expose_headers"})
NUMBERS = frozenset({"max_age", "preflight_status"})
FUNCTIONS = frozenset({"allow_origin_predicate"})
# Every other name is a flag.

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def policy_from_mapping(mapping: Mapping[str, Any]) -> Policy:
    """The policy with the arguments in `mapping`: their names to values, as `Policy.to_mapping()` gives them.

    Raises `PolicyError` with every problem; names that a policy does not have are among them.
    """
    if not isinstance(mapping, Mapping):
        message = f"is of type {type(mapping).__name__}, which has no names"
        raise PolicyError([Problem("mapping", mapping, "not-a-mapping", message)])
    names = {name: name for name in FIELDS}
    return _build(mapping, names, [])


def policy_from_toml(text: str, table: str = "cors") -> Policy:
    """The policy in the TOML document `text`: the table `[cors]`, or another. "tool.shop.cors" is a table in a table.

    Raises `PolicyError` with every problem, and where `text` is no TOML or has no such table.
    """
    import tomllib

    try:
        found: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([Problem(table, text, "not-toml", f"is not valid TOML: {error}")]) from None
    for name in table.split("."):
        if not isinstance(found, dict) or name not in found:
            known = list(found) if isinstance(found, dict) else []
            message = "is not a table of this document"
            raise PolicyError([Problem(table, name, "no-table", message, _nearest(name, known))])
        found = found[name]
    if not isinstance(found, dict):
        message = f"is of type {type(found).__name__} where a table belongs"
        raise PolicyError([Problem(table, found, "not-a-table", message)])
    return policy_from_mapping(found)


def policy_from_env(environ: Mapping[str, Any], prefix: str = "CORS_") -> Policy:
    """The policy in the variables of `environ` that begin with `prefix`: CORS_ALLOW_ORIGINS, CORS_MAX_AGE and so on.

    A list is JSON (`["https://a.example", "https://b.example"]`) or has commas between its entries; regular
    expressions, which have commas of their own, are JSON unless it is one without a comma. A flag is `true` or `1`,
    `false` or `0`. A number is in decimal digits. A value that is no text is taken as it is, so that `environ` may be
    the configuration of a framework.

    Raises `PolicyError` with every problem, each under the variable's name; variables with this prefix that no policy
    has are among them.
    """
    names = {prefix + name.upper(): name for name in FIELDS}
    given: dict[str, Any] = {}
    problems: list[Problem] = []
    for variable, value in environ.items():
        if not variable.startswith(prefix):
            continue
        if variable in names and isinstance(value, str):
            try:
                given[variable] = _parsed(names[variable], value)
            except _UnreadableError as error:
                problems.append(Problem(variable, value, error.code, error.message, error.fix))
        else:
            given[variable] = value
    return _build(given, names, problems, prefix)


def _build(given: Mapping[str, Any], names: Mapping[str, str], problems: list[Problem], prefix: str = "") -> Policy:
    """The policy of the values in `given`, whose keys, which all begin with `prefix`, stand for arguments as `names`
    says."""
    spelled = {name: key for key, name in names.items()}
    arguments: dict[str, Any] = {}
    for key, value in given.items():
        if key in names:
            arguments[names[key]] = value
        else:
            nearest = _nearest(key, list(names), prefix)
            fix = None if nearest is None else {nearest: value}
            problems.append(Problem(str(key), value, "unknown-name", "belongs to a name that no policy has", fix))
    try:
        policy = Policy(**arguments)
    except PolicyError as error:
        refused = (problem._replace(field=spelled[problem.field]) for problem in error.problems)
        raise PolicyError([*problems, *refused]) from None
    if problems:
        raise PolicyError(problems)
    return policy


def _nearest(name: object, known: list[str], prefix: str = "") -> str | None:
    from difflib import get_close_matches

    def plain(text: str) -> str:
        return text.removeprefix(prefix).lower().replace("-", "_")

    alike = {plain(each): each for each in known}
    nearest = get_close_matches(plain(str(name)), alike, n=1)
    return alike[nearest[0]] if nearest else None


class _UnreadableError(ValueError):
    def __init__(self, code: str, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix


def _parsed(name: str, text: str) -> Any:
    """The value of the argument `name` that `text` says."""
    if name in LISTS:
        return _parsed_list(name, text.strip())
    if name in FUNCTIONS:
        raise _UnreadableError("not-a-function", "is text where a function belongs; give the policy one in code")
    word = text.strip().lower()
    if name in NUMBERS:
        if not re.fullmatch("-?[0-9]{1,9}", word):
            raise _UnreadableError("not-a-number", "is not a whole number")
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
            message = "begins as a JSON list and is not one; strings in it are in double quotes"
            raise _UnreadableError("not-json", message) from None
        assert isinstance(entries, list)  # it begins with a bracket
        return entries
    if not text:
        return []
    if name == "allow_origin_regexes":
        if "," in text:
            message = "has a comma, which may be part of a regular expression: only a JSON list is certain"
            raise _UnreadableError("comma-in-regex", message, json.dumps([text]))
        return [text]
    return [entry.strip() for entry in text.split(",")]
