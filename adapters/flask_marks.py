"""The policies that `cross_origin` was given, which views they are for, and which of them are lost."""

import gc
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from inspect import isbuiltin, isfunction, ismethod
from types import FunctionType
from typing import Any, NamedTuple, TypeVar
from weakref import ref

from flask import Blueprint, Flask, has_request_context
from flask.views import MethodView

from corecors import Policy, PolicySource
from corecors.adapters.holding import held_by
from corecors.adapters.routed import wrong_call

MAX_LAYERS = 100  # of wrappers around a view; more are a mistake
MAX_HELD = 1000  # things that are looked at for what one view may hide

UNMARKED: Any = object()
Key = int | tuple[int, int]
_Owner = TypeVar("_Owner")


class CrossOrigin:
    """What `cross_origin(policy)` returns."""

    def __init__(self, policy: Policy | PolicySource | None) -> None:
        self.policy = policy
        MARKS.keep(self)

    def __call__(self, owner: _Owner) -> _Owner:
        MARKS.give(owner, self.policy)
        return owner


class _Mark(NamedTuple):
    owner: ref[Any]  # of a bound method, the object that it is bound to
    module: str
    name: str
    policy: Policy | PolicySource | None
    may_be_lost: bool  # whether no harm is done where no view leads to it


class Marks:
    """The policies that `cross_origin` was given, kept apart from their owners.

    An attribute of the owner would do it for functions. But bound methods take none, and `functools.wraps` copies
    attributes to what it wraps around, where they go stale.
    """

    def __init__(self) -> None:
        self.by_key: dict[Key, _Mark] = {}
        self.decorators: dict[int, ref[CrossOrigin]] = {}  # those that are kept, as in `method_decorators`
        self.version: int = 0  # how often something was marked

    def keep(self, decorator: CrossOrigin) -> None:
        key = id(decorator)
        self.decorators[key] = ref(decorator, lambda _: self.decorators.pop(key, None))

    def give(self, owner: Any, policy: Policy | PolicySource | None) -> None:
        owner = owner.__func__ if isinstance(owner, staticmethod | classmethod) else owner
        if not (callable(owner) or isinstance(owner, Blueprint)):
            raise wrong_call(f"cross_origin is for views, classes of views and blueprints, not for {owner!r}")
        if isinstance(owner, Flask):
            raise wrong_call("cross_origin is for views and blueprints; for an application write CORS(app, policy)")
        key = key_of(owner)
        try:
            held = ref(owner.__self__ if ismethod(owner) else owner, lambda _: self.by_key.pop(key, None))
        except TypeError:
            raise wrong_call(
                f"{owner!r} cannot be given a policy: put cross_origin on the function that it calls"
            ) from None
        # A blueprint has no wrappers that could hide it. flask-restful decorates methods anew at each request.
        passing = ismethod(owner) and has_request_context()
        before = self.by_key.get(key)
        if before is not None and before.policy != policy and not passing:
            raise RuntimeError(
                f"{before.name} has a policy already, and would have this one wherever it is registered: for another"
                " policy at another path give this one to a function that calls it, with functools.wraps"
            )
        self.by_key[key] = _Mark(held, owner.__module__, _name(owner), policy, isinstance(owner, Blueprint) or passing)
        self.version += not passing

    def of(self, owner: Any) -> Any:
        """The policy that an owner was given, or `UNMARKED`."""
        mark = self.by_key.get(key_of(owner))
        return UNMARKED if mark is None else mark.policy

    def lost(self, app: Flask, served: Iterable[Flask]) -> list[str]:
        """What was marked for an application, as far as can be told, and is reached by no view: the marked things that
        its views hide, and those in its own modules."""
        views = app.view_functions
        lost = self._without({key_of(owner) for owner in owners_in(views)})
        hidden: dict[Key, _Mark] = {}
        if lost:
            held = {key_of(each) for view in list(views.values()) for each in _held_by(view)}
            hidden = {key: mark for key, mark in lost.items() if key in held}  # whoever else has them
            modules = {app.import_name, *(each.import_name for each in app.blueprints.values())}
            modules |= {
                getattr(layer, "__module__", None) or "" for view in list(views.values()) for layer in layers_of(view)
            }
            reached = {key_of(owner) for each in served for owner in owners_in(each.view_functions)}
            lost = {
                key: mark
                for key, mark in lost.items()
                if key not in hidden and key not in reached and mark.module in modules
            }
        if lost:
            # Perhaps it belongs to an application without CORS, or to a blueprint that is registered nowhere, or it is
            # garbage. Only a search among all objects tells: it takes its time, on the way to an error alone.
            gc.collect()
            others = [_owners_elsewhere(each, app) for each in gc.get_objects()]
            known = {key_of(owner) for owners in others for owner in owners}
            lost = {key: mark for key, mark in lost.items() if key not in known and key in self.by_key}
        lost |= hidden
        return sorted(mark.name for mark in lost.values())

    def _without(self, reached: set[Key]) -> dict[Key, _Mark]:
        marks = self.by_key.copy()
        return {key: mark for key, mark in marks.items() if key not in reached and not mark.may_be_lost}


def key_of(owner: Any) -> Key:
    """Identifies an owner: every access to a method makes a new bound method."""
    return (id(owner.__self__), id(owner.__func__)) if ismethod(owner) else id(owner)


def own_policy(view: Any, method: str) -> Any:
    """The policy of a view for a method, or `UNMARKED`: the handler's, else the view's, else its class's."""
    if type(view) is FunctionType and not view.__dict__:  # it wraps nothing: the common case, for a fifth of the price
        mark = MARKS.by_key.get(id(view))
        return UNMARKED if mark is None else mark.policy
    layers = list(layers_of(view))
    found = (getattr(layer, "view_class", None) for layer in layers)
    view_class: Any = next((each for each in found if isinstance(each, type)), None)
    if view_class is None:
        return _first_of(layers)
    handler = None
    if issubclass(view_class, MethodView):
        handler = getattr(view_class, method.lower(), None)
        if handler is None and method == "HEAD":  # as MethodView.dispatch_request does
            handler = getattr(view_class, "get", None)
    own = _first_of(layers_of(handler))
    if own is UNMARKED:
        own = _by_method_decorators(view_class, method)
    if own is UNMARKED:
        own = _first_of((*layers_of(view_class.dispatch_request), *layers, *view_class.__mro__))
    return own


def _first_of(owners: Iterable[Any]) -> Any:
    """The policy of the first of `owners` that was given one, or `UNMARKED`."""
    return next((own for owner in owners if (own := MARKS.of(owner)) is not UNMARKED), UNMARKED)


def _by_method_decorators(view_class: Any, method: str) -> Any:
    """The policy in the `method_decorators` of a class of flask-restful's: a list, or a list for each method."""
    decorators = getattr(view_class, "method_decorators", ())
    if isinstance(decorators, Mapping):
        decorators = decorators.get(method.lower(), ())
    found = [decorator.policy for decorator in decorators if isinstance(decorator, CrossOrigin)]
    return found[-1] if found else UNMARKED


def layers_of(view: Any) -> Iterator[Any]:
    """A view and what it wraps, as far as it tells, from the outside to the inside."""
    for _ in range(MAX_LAYERS):
        if view is None:
            return
        yield view
        if ismethod(view):
            view = view.__func__
        elif isinstance(view, partial):
            view = view.func
        elif (wrapped := getattr(view, "__wrapped__", None)) is not None:
            view = wrapped
        elif isfunction(view) or isbuiltin(view) or isinstance(view, type):
            return
        else:
            call = getattr(type(view), "__call__", None)  # noqa: B004  # of the class, as the interpreter looks it up
            view = call if isfunction(call) else None


def owners_of(view: Any) -> Iterator[Any]:
    """All that may be marked for a view, whatever the method."""
    for layer in layers_of(view):
        yield layer
        view_class = getattr(layer, "view_class", None)
        for each in view_class.__mro__ if isinstance(view_class, type) else ():
            yield each
            for attribute in list(vars(each).values()):
                if callable(attribute) or isinstance(attribute, staticmethod | classmethod):
                    yield from layers_of(getattr(attribute, "__func__", attribute))


def owners_in(views: Mapping[str, Any]) -> Iterator[Any]:
    for view in list(views.values()):
        yield from owners_of(view)


def _owners_elsewhere(each: object, app: Flask) -> Iterator[Any]:
    """What an object may have been marked for, or hides, if it is another application than `app`, or a blueprint."""
    kind = type(each)  # isinstance would ask proxies what they stand for
    views: Iterable[Any] = ()
    if issubclass(kind, Flask) and each is not app:
        views = list(each.view_functions.values())  # type: ignore[attr-defined]
    elif issubclass(kind, Blueprint):
        views = list(each.deferred_functions)  # type: ignore[attr-defined]  # closures over what they will register
    for view in views:
        for held in _held_by(view):
            yield from owners_of(held)


def _held_by(view: Any) -> Iterator[Any]:
    """A view and what it may call without telling: what it holds, and what that holds."""
    found, waiting = {id(view)}, [view]
    while waiting and len(found) < MAX_HELD:
        each = waiting.pop()
        yield each
        held = [*owners_of(each), *held_by(each)]
        for thing in held:
            # Another application's views are its own.
            if callable(thing) and not issubclass(type(thing), Flask) and id(thing) not in found:
                found.add(id(thing))
                waiting.append(thing)


def _name(owner: Any) -> str:
    if isinstance(owner, Blueprint):
        return f"the blueprint {owner.name}"
    name = getattr(owner, "__qualname__", None)
    return f"{owner.__module__}.{name}" if name else repr(owner)


MARKS = Marks()
