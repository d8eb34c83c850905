"""cross_origin: the policy of one view, and how it is found again when a request asks for that view.

Facts
-----
What Django resolves is the outermost callable of a URL pattern. The decorated function may lie anywhere below: behind
`as_view()`, in a method of the class, behind `@api_view`, in an operation of Django Ninja, behind decorators that use
`functools.wraps` and others that do not. A mark that is not found would leave the view to the policy of the whole
project, which may be wider; so it is looked for in all of these places, and where two things could be the view that
runs, nobody guesses: no policy governs, and the headers are withheld.
"""

from collections.abc import Callable, Iterator
from functools import partial, update_wrapper
from types import FunctionType, MethodType
from typing import Any, Never, TypeVar

from django.views import View

from corecors import UNDECIDED, Policy, PolicySource, foreign_call_error
from corecors.adapters.holding import held_by

_MARK = "_cors_mark"
_MISSING: Any = object()
MAX_LAYERS = 200  # callables below one view; a view of ordinary projects has three or four

_Owner = TypeVar("_Owner", bound=Callable[..., Any])


class Mark:
    """The policy that a view was given. One for each use of `cross_origin`, so that copies of it are recognised."""

    __slots__ = ("policy",)

    def __init__(self, policy: Any) -> None:
        self.policy: Any = policy


AMBIGUOUS = Mark(UNDECIDED)
_made = False


def were_made() -> bool:
    """Whether any view of this process was ever given a policy of its own: where not, nobody needs to look for one."""
    return _made


def cross_origin(policy: Policy | PolicySource | None = _MISSING, **unknown: Never) -> Callable[[_Owner], _Owner]:
    """Give a view a policy of its own, instead of that of `settings.CORS_POLICY`; None: no CORS at all.

    For a function, the result of `as_view()`, a class of views (Django's, `APIView`, `ViewSet`), a method of one
    (`get`, an `@action`), and an operation of Django Ninja. A method's policy goes before that of its view, and that
    before its class's. A class is marked itself; of anything else a marked copy is returned, as Django's own decorators
    do, so that the same view may stand at two URLs with two policies.

    Raises `TypeError` for what is not a policy, and for what is not a view: groups of URLs, routers and whole APIs
    have `PathPolicies`.
    """
    if unknown:
        raise foreign_call_error("cross_origin", unknown)
    is_source = callable(getattr(policy, "policy_for", None)) and not isinstance(policy, type)
    if not (policy is None or isinstance(policy, Policy) or is_source):
        raise TypeError(_not_a_policy(policy))

    def give(view: _Owner) -> _Owner:
        global _made
        if not _is_view(view):
            raise TypeError(_not_a_view(view))
        marked = view if _is_marked_itself(view) else _copy(view)
        setattr(marked, _MARK, Mark(policy))
        _made = True
        return marked

    return give


def _is_view(thing: object) -> bool:
    if isinstance(thing, type):  # a class whose instances can be views
        return issubclass(thing, View) or any("__call__" in vars(each) for each in thing.__mro__)
    return callable(thing)


def _is_marked_itself(view: object) -> bool:
    # What Ninja has registered already: a copy would reach nobody.
    return isinstance(view, type) or hasattr(view, "_ninja_operation")


def _not_a_policy(given: object) -> str:
    if callable(given):
        return "write @cross_origin(policy): it is given a Policy, and then decorates the view"
    shown = "nothing" if given is _MISSING else type(given).__name__
    return f"write @cross_origin(Policy(...)): a Policy or None belongs there, not {shown}"


def _not_a_view(given: object) -> str:
    what = f"the class {given.__name__}" if isinstance(given, type) else f"what is of type {type(given).__name__}"
    return (
        f"cross_origin decorates views, and {what} is not one: for groups of URLs, routers and whole APIs write"
        ' CORS_POLICY = PathPolicies({"/api/": Policy(...)})'
    )


def _copy(view: Any) -> Any:
    if not isinstance(view, FunctionType):
        return update_wrapper(partial(view), view)
    # The same code, so that whatever looks at it (Ninja at the annotations, Django for a coroutine) sees no difference.
    copy = FunctionType(view.__code__, view.__globals__, view.__name__, view.__defaults__, view.__closure__)
    copy.__kwdefaults__ = view.__kwdefaults__
    return update_wrapper(copy, view)


def mark_of(view: object, method: str) -> Mark | None:
    """The mark that governs where `view` (what a URL pattern leads to) answers `method`; None where there is none,
    `AMBIGUOUS` where it cannot be told."""
    return _find(view, method, set())


def _find(thing: object, method: str, seen: set[int]) -> Mark | None:
    if id(thing) in seen:
        return None
    if len(seen) >= MAX_LAYERS:
        return AMBIGUOUS
    seen.add(id(thing))
    view_class = getattr(thing, "view_class", None) or getattr(thing, "cls", None)  # Django's, and REST framework's
    if isinstance(view_class, type) and issubclass(view_class, View):
        return _of_class(thing, view_class, method, seen)
    if own := _own(thing):
        return own
    if operations := _operations(thing):
        return _of_operations(operations, method, seen)
    beneath = list({id(each): each for each in _beneath(thing)}.values())
    found = {mark for each in beneath if (mark := _find(each, method, seen)) is not None}
    if not found:
        return None
    return found.pop() if len(beneath) == 1 else AMBIGUOUS


def _own(thing: object) -> Mark | None:
    mark = getattr(thing, _MARK, None)
    return mark if isinstance(mark, Mark) else None


def _of_class(view: object, view_class: type[View], method: str, seen: set[int]) -> Mark | None:
    handler = getattr(view_class, _handler_name(view, view_class, method), None)
    if handler is not None and (mark := _find(handler, method, seen)):
        return mark
    # `method_decorator(cross_origin(policy), name="dispatch")` marks the class by that method, and `as_view` copies
    # what the method has: such a copy says nothing about the view itself.
    dispatch = _own(view_class.dispatch)
    own = _own(view)
    if own is not None and own is not dispatch:
        return own
    for each in view_class.__mro__:
        marks = (vars(each).get(_MARK), _own(vars(each).get("dispatch")))
        if mark := next((mark for mark in marks if isinstance(mark, Mark)), None):
            return mark
    return None


def _handler_name(view: object, view_class: type[View], method: str) -> str:
    name = method.lower()
    if name not in view_class.http_method_names:
        return ""
    actions = getattr(view, "actions", None)  # of a ViewSet: by method, the name of what answers it
    if isinstance(actions, dict):
        return str(actions.get(name) or actions.get("get" if name == "head" else name, name))
    return "get" if name == "head" and not hasattr(view_class, name) else name


def _operations(thing: object) -> list[Any] | None:
    """What Django Ninja keeps for a path: its operations, each with its methods and its function."""
    found = getattr(thing, "operations", None)
    return found if isinstance(found, list) and all(map(_is_operation, found)) else None


def _is_operation(thing: object) -> bool:
    return hasattr(thing, "methods") and hasattr(thing, "view_func")


def _of_operations(operations: Any, method: str, seen: set[int]) -> Mark | None:
    for operation in operations:
        if method in operation.methods:
            return _find(operation.run, method, seen) or _find(operation.view_func, method, seen)
    return None


def _beneath(thing: object) -> Iterator[object]:
    """What a callable may call in its turn."""
    if wrapped := getattr(thing, "__wrapped__", None):
        yield wrapped
    elif isinstance(thing, MethodType) and _is_operation(thing.__self__):
        yield thing.__func__  # its view_func is looked at for itself
    elif callable(thing):
        yield from filter(_may_be_a_view, held_by(thing))


def _may_be_a_view(thing: object) -> bool:
    return (callable(thing) and not isinstance(thing, type)) or _operations(thing) is not None
