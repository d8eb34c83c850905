"""Views with a policy of their own, as each framework's `cross_origin` marked them, and what lies below a view.

Facts
-----
Starlette's and aiohttp's doors mark a function or a class by an attribute, Django's by one that holds a `Mark`, Flask's
keeps a table, and Bottle's is an option of the route. A decorator without `functools.wraps` hides a mark.
"""

import gc
import sys
from collections.abc import Iterator
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from corecors.adapters.holding import held_by

MAX_BELOW = 500  # things below one view; an ordinary one has three or four

UNMARKED: Any = object()


class Marked(NamedTuple):
    """What was marked: itself, what it is called, and the policy that it was given, None for no CORS at all."""

    owner: Any
    name: str
    policy: Any


def marked_views() -> list[Marked]:
    """All that is marked in this process."""
    owners = [each for each in gc.get_objects() if isinstance(each, FunctionType | type)]
    found = [Marked(each, _name(each), policy) for each in owners if (policy := _by_attribute(each)) is not UNMARKED]
    table = _flasks_table()
    marks = [] if table is None else list(table.by_key.values())
    return [*found, *(Marked(mark.owner(), mark.name, mark.policy) for mark in marks if mark.owner() is not None)]


def policy_of(thing: Any) -> Any:
    """The policy that something was given itself, or `UNMARKED`."""
    by_attribute = _by_attribute(thing)
    table = _flasks_table()
    if by_attribute is not UNMARKED or table is None:
        return by_attribute
    mark = table.by_key.get(id(thing))
    return UNMARKED if mark is None else mark.policy


def below(view: Any) -> list[Any]:
    """A view and what it may call, as far as can be told, the nearest first."""
    found, waiting = {id(view): view}, [view]
    while waiting and len(found) < MAX_BELOW:
        for each in _held_by(waiting.pop(0)):
            if id(each) not in found:
                found[id(each)] = each
                waiting.append(each)
    return list(found.values())


def _held_by(thing: Any) -> Iterator[Any]:
    if isinstance(thing, MethodType):
        yield from (thing.__func__, thing.__self__)
    if isinstance(thing, type):
        yield from thing.__mro__[1:-1]
        for attribute in list(vars(thing).values()):
            attribute = getattr(attribute, "__func__", attribute)
            if isinstance(attribute, FunctionType):
                yield attribute
        return
    # `__wrapped__`, `view_class` and their like, and Django Ninja's operations of a path among them.
    yield from (each for each in held_by(thing) if callable(each) or "view_func" in getattr(each, "__dict__", ()))
    if not isinstance(thing, FunctionType | MethodType):
        yield type(thing)


def _by_attribute(thing: Any) -> Any:
    own = vars(thing) if isinstance(thing, FunctionType | type) else {}
    if "_cors_policy" in own:
        return own["_cors_policy"]
    return own["_cors_mark"].policy if "_cors_mark" in own else UNMARKED


def _flasks_table() -> Any:
    module = sys.modules.get("corecors.adapters.flask_marks")
    return None if module is None else module.MARKS


def _name(owner: Any) -> str:
    return f"{owner.__module__}.{owner.__qualname__}"
