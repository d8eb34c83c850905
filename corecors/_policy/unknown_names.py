"""What is said about a name that no policy has: another library's, a misspelt one, or one that nobody knows."""

import json
import re
from collections.abc import Iterable
from typing import Any

from corecors._policy.foreign_names import PAGE, ForeignName, names_like, owner, plain_name
from corecors._policy.problems import PolicyError, Problem, label_of

DANGEROUS = "dangerously_"
MAX_EXPLAINED = 50  # as many problems as the text of an error holds
UNKNOWN = "is set under a name that no policy has"
_LONGEST_NAME = 100  # characters of a name that is compared with others; a policy's longest has 42

# What every door takes besides a policy.
DOOR_OPTIONS = ("on_decision", "report_only", "block_disallowed", "check_websockets", "own_origins", "rejections")


def unknown_names(
    given: Iterable[tuple[object, object]], *, credentials: object = False, prefix: str | None = None
) -> list[Problem]:
    """The problems of the arguments in `given`, names and values, that no policy has; see `unknown_name`.

    Beyond the first `MAX_EXPLAINED` only the name is told: to look for what was meant costs half a millisecond a name.
    """
    problems = []
    for number, (name, value) in enumerate(given):
        if number < MAX_EXPLAINED:
            problems.append(unknown_name(name, value, credentials=credentials, prefix=prefix))
        else:
            problems.append(Problem(label_of(name), value, "unknown-name", UNKNOWN))
    return problems


def unknown_name(name: object, value: object, *, credentials: object = False, prefix: str | None = None) -> Problem:
    """The problem of the argument `name`, given with `value`, that no policy has.

    credentials: what is given for `allow_credentials` as well, because a fix has to be accepted together with that.
    prefix: where `name` is a variable's, what all of them begin with; the fix is then a variable, too.
    No dangerous option is ever named. Source of the names: `FOREIGN_NAMES`.
    """
    field = label_of(name)
    text = name.removeprefix(prefix or "") if isinstance(name, str) and len(name) <= _LONGEST_NAME else ""
    plain = plain_name(text)
    entries = names_like(text)
    if entries and plain not in _fields():
        found = next((fix for each in entries if (fix := _accepted(each, value, credentials)) is not None), None)
        message = f"is set under {owner(entries)}"
        if found is None:
            message += f"; {entries[0].instruction}"
        elif not found and entries[0].reason:
            message += f": {entries[0].reason}"
        return Problem(field, value, "foreign-name", _spelled(message, prefix), _written(found, value, prefix))
    if text.startswith("/"):
        message = "is set under a path: source_from_mapping, source_from_toml and source_from_env read policies by path"
        return Problem(field, value, "unknown-name", message)
    if DANGEROUS + plain in _fields():
        message = "is not an argument of a policy: what loosens security has a longer name, which says so"
        return Problem(field, value, "unknown-name", message)
    nearest = _nearest(plain, _fields())
    message = UNKNOWN
    if not nearest:
        return Problem(field, value, "unknown-name", message)
    if prefix is not None:
        fix = {prefix + nearest.upper(): value}
        certain = _is_read(fix, prefix)
    else:
        fix = {nearest: value}
        certain = _constructs(fix, credentials)
    if not certain:
        message += f"; the nearest is {_spelled(nearest, prefix)}"
    return Problem(field, value, "unknown-name", message, fix if certain else None)


def foreign_call_error(caller: str, names: Iterable[str]) -> TypeError:
    """The error for a call with arguments that `caller` does not have: it says what to write instead of each.

    caller: what was called, as it is imported: "CORS", "cross_origin". names: the keyword arguments it does not have.
    """
    fields = _fields()
    said = []
    belongs_in_a_policy = False
    for name in map(str, names):
        entries = names_like(name)
        nearest = "" if name in fields or name in DOOR_OPTIONS or entries else _nearest(name, (*DOOR_OPTIONS, *fields))
        belongs_in_a_policy |= name in fields or bool(entries) or nearest in fields
        if name in fields:
            sentence = "is an argument of Policy"
        elif name in DOOR_OPTIONS:
            sentence = f"is an option for the whole application, not of {caller}"
        elif entries:
            sentence = f"is {owner(entries)}: {entries[0].instruction}"
        elif nearest in DOOR_OPTIONS:
            sentence = f"is not an argument of {caller}; the nearest is the option {nearest}"
        elif nearest:
            sentence = f"is not an argument of {caller}; the nearest is {nearest}, an argument of Policy"
        else:
            sentence = f"is not an argument of {caller}"
        said.append(f"{ascii(name)[1:-1]} {sentence}")
    if belongs_in_a_policy:
        said.insert(0, f"{caller} takes a policy: write Policy(allow_origins=[...])")
        said.append(f"See {PAGE}, or run corecors migrate")
    else:
        said.append("See docs/policy.md")
    return TypeError(f"{'. '.join(said)}.")


def _accepted(entry: ForeignName, value: object, credentials: object) -> dict[str, Any] | None:
    """What `entry` with `value` becomes here, where that is certain and makes a policy."""
    found = entry.translated(value)
    return found if found is not None and _constructs(found, credentials) else None


def _constructs(arguments: dict[str, Any], credentials: object) -> bool:
    from corecors._policy.policy import Policy  # which imports this module

    given: dict[str, Any] = {"allow_credentials": credentials} if isinstance(credentials, bool) else {}
    try:
        Policy(**(given | arguments))
    except PolicyError:
        return False
    return True


def _is_read(variables: dict[str, Any], prefix: str) -> bool:
    from corecors._policy.loading import policy_from_env  # which imports this module

    try:
        policy_from_env(variables, prefix)
    except PolicyError:
        return False
    return True


def _nearest(name: str, known: Iterable[str]) -> str:
    """What was meant by a name that nobody has, or "": no dangerous argument is ever named."""
    from difflib import get_close_matches

    harmless = [each for each in known if not each.startswith(DANGEROUS)]
    return next(iter(get_close_matches(name[:_LONGEST_NAME], harmless, n=1)), "")


def _fields() -> tuple[str, ...]:
    from corecors._policy.policy import FIELDS

    return FIELDS


def _written(fix: dict[str, Any] | None, given: object, prefix: str | None) -> dict[str, Any] | None:
    """`fix` as it is given: as variables where those are read."""
    if fix is None or prefix is None:
        return fix
    return {
        prefix + name.upper(): _as_text(name, value) if isinstance(given, str) else value for name, value in fix.items()
    }


def _as_text(name: str, value: object) -> str:
    """The text of a variable that is read as `value`."""
    if isinstance(value, list):
        return json.dumps(value) if name == "allow_origin_regexes" else ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spelled(message: str, prefix: str | None) -> str:
    """`message` with the names of arguments as those of variables, where variables are read."""
    if prefix is None:
        return message
    return re.sub(rf"\b(?:{'|'.join(_fields())})\b", lambda found: prefix + found[0].upper(), message)
