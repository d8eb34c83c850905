"""A tenant's record: the arguments of its policy, as data. What stores hold, and what is checked before it is used.

A record is a mapping of `Policy` arguments, `{"allow_origins": [...]}` at least, and is kept as JSON text: texts are
compared to see what changed, take little memory, and any store can hold them.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from corecors._policy.policy import Policy
from corecors._policy.problems import PolicyError, Problem

MAX_NAME_LENGTH = 255  # characters: a host has at most 253, a file's name 255 bytes
Record = Mapping[str, Any]
_PLAIN = Policy()


class StoreError(Exception):
    """A store that cannot be used, in words for the one who runs it."""


def text_of(record: Record) -> str:
    """`record` as JSON, the same text for the same values. Raises `PolicyError` for what is not data."""
    if not isinstance(record, Mapping):
        message = f"is of type {type(record).__name__} where a mapping of Policy arguments belongs"
        raise PolicyError([Problem("record", record, "not-a-mapping", message)])
    try:
        return json.dumps(dict(record), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_listed)
    except (TypeError, ValueError, RecursionError) as error:
        raise PolicyError([Problem("record", record, "not-data", f"cannot be written as JSON: {error}")]) from None


def record_of(text: str) -> dict[str, Any]:
    """The record that `text` holds. Raises `PolicyError` where it is not the JSON of one."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (TypeError, ValueError, RecursionError) as error:
        raise PolicyError([Problem("record", text, "not-json", f"is not valid JSON: {error}")]) from None
    if not isinstance(found, dict):
        message = f"is of type {type(found).__name__} where an object of Policy arguments belongs"
        raise PolicyError([Problem("record", text, "not-a-mapping", message)])
    if "allow_origins" not in found:
        raise PolicyError([Problem("record", text, "no-origins", "has no allow_origins; an empty list allows nobody")])
    return found


def texts_of(records: Mapping[Any, Any]) -> Iterator[tuple[str, str | PolicyError]]:
    """The texts of tenants' records, each with its tenant's name; the error instead of one that is not data."""
    for tenant, record in records.items():
        try:
            yield tenant, text_of(record)
        except PolicyError as error:
            yield tenant, error


def checked(tenant: str, record: Record, base: Policy | None = None) -> str:
    """The text of `record`, which makes a policy: with the arguments that it leaves out as `base` has them.

    Raises `PolicyError` with every problem, that of the tenant's name among them.
    """
    fault = fault_of_name(tenant)
    if fault is not None:
        raise PolicyError([Problem("tenant", tenant, "tenant-name", fault)])
    text = text_of(record)
    (base or _PLAIN).replace(**record_of(text))
    return text


def fault_of_name(tenant: object) -> str | None:
    """Why `tenant` cannot be the name of a tenant; None where it can."""
    if not isinstance(tenant, str):
        return f"is of type {type(tenant).__name__}; a tenant's name is text"
    if not tenant:
        return "is empty; a tenant has a name"
    if len(tenant) > MAX_NAME_LENGTH:
        return f"is longer than {MAX_NAME_LENGTH} characters"
    if not tenant.isprintable() or tenant != tenant.strip():
        return "has white space around it or a character in it that cannot be printed"
    return None


def _listed(value: object) -> object:
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__} is not data")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found
