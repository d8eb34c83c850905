"""What a callable holds, and so may call without telling: where decorators keep what they decorate."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from types import FunctionType, MappingProxyType, MemberDescriptorType, MethodType

MAX_HELD = 1000  # things in one list or mapping; more are no views


def held_by(thing: object) -> Iterator[object]:
    """What is held by a function (in its closure, defaults and attributes), a partial function, a method (what it is
    bound to, its class) or another object: itself, or in a list, tuple, set or mapping. A class holds nothing."""
    for each in _held_at_once(thing):
        kind = type(each)  # isinstance would ask proxies what they stand for
        several: Iterable[object] = (each,)
        if issubclass(kind, dict | MappingProxyType):
            several = islice([*each.values()], MAX_HELD)  # type: ignore[attr-defined]
        elif issubclass(kind, list | tuple | set | frozenset):
            several = islice([*each], MAX_HELD)  # type: ignore[misc]
        yield from filter(_can_be_asked, several)


def _can_be_asked(thing: object) -> bool:
    """Whether it can be asked for an attribute: Flask's `request` cannot, as long as nothing is served."""
    try:
        hasattr(thing, "_cors_policy")
    except Exception:
        return False
    return True


def _held_at_once(thing: object) -> Iterator[object]:
    if isinstance(thing, FunctionType):
        yield from vars(thing).values()
        for cell in thing.__closure__ or ():
            with suppress(ValueError):  # it is empty
                yield cell.cell_contents
        yield thing.__defaults__
        yield thing.__kwdefaults__
    elif isinstance(thing, partial):
        yield thing.func
        yield thing.args
        yield thing.keywords
        yield from vars(thing).values()
    elif isinstance(thing, MethodType):
        yield thing.__func__
        owner = thing.__self__
        yield owner if isinstance(owner, type) else type(owner)
        yield from _attributes(owner)
    else:
        yield from _attributes(thing)


def _attributes(thing: object) -> Iterator[object]:
    if isinstance(thing, type):
        return
    yield from [*getattr(thing, "__dict__", {}).values()]
    for each in type(thing).__mro__:
        if "__slots__" in vars(each):
            for slot in vars(each).values():
                if isinstance(slot, MemberDescriptorType):
                    with suppress(AttributeError):  # it is empty
                        yield slot.__get__(thing)
