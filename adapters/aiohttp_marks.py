"""cross_origin: the policy of one handler of aiohttp's, and how it is found again when a request is routed there.

A handler is marked itself, so that it does not matter whether it is routed before or after. A decorator that does not
copy what it wraps hides the mark, and the handler would be left to the policy of the whole application, which may be
wider: so a mark that is hidden is looked for when the application starts, and is an error.
"""

from collections.abc import Callable
from functools import partial
from inspect import isclass, isfunction, isroutine
from types import FunctionType
from typing import Any, TypeVar, overload

from aiohttp import hdrs, web
from aiohttp.abc import AbstractView

from corecors import Door, Policy, PolicySource, foreign_call_error
from corecors.adapters.holding import held_by

MAX_LAYERS = 200  # callables below one handler; an ordinary one has three or four
UNMARKED: Any = object()
_MISSING: Any = object()  # no policy was given
_OWN = "_cors_policy"  # the attribute that marks a handler

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


# For type checkers, which flag what is said in words when it runs: a policy is missing, or another library's call.
@overload
def cross_origin(policy: Policy | PolicySource) -> Callable[[_Endpoint], _Endpoint]: ...
@overload
def cross_origin(policy: None) -> Callable[[_Endpoint], _Endpoint]: ...
def cross_origin(policy: Policy | PolicySource | None = _MISSING, **unknown: Any) -> Callable[[_Endpoint], _Endpoint]:
    """Give a handler a policy of its own; None: no CORS for it. The handler is returned as it is.

    A handler is a function, a class of views, or the method of one that answers a request's method (`get`, `post`). A
    method's policy goes before that of its class. For sub-applications, static files and groups of paths there is
    `PathPolicies`. Raises `TypeError` for anything else.
    """
    if unknown:
        raise foreign_call_error("cross_origin", unknown)
    if policy is _MISSING or isroutine(policy):
        instead = "a Policy or None belongs there, not nothing"
        if policy is not _MISSING:
            instead = "it is given a Policy, and then decorates the handler"
        raise TypeError(f"write @cross_origin(policy): {instead}")
    if policy is not None:
        Door(asks_async=True).check_policy(policy)

    def give(handler: _Endpoint) -> _Endpoint:
        if not _is_handler(handler):
            raise TypeError(
                f"cross_origin is for handlers, which are functions or classes of views, not for"
                f" {handler.__name__ if isclass(handler) else type(handler).__name__}."
                " For applications and groups of paths give setup_cors a PathPolicies"
            )
        own = vars(handler).get(_OWN, policy)
        if own != policy and own is not getattr(getattr(handler, "__wrapped__", None), _OWN, UNMARKED):
            raise RuntimeError(
                f"{_name(handler)} has a policy already, and would have this one wherever it is routed: for another"
                " policy at another path give this one to a function that calls it, with functools.wraps"
            )
        setattr(handler, _OWN, policy)
        return handler

    return give


def _is_handler(thing: object) -> bool:
    return isfunction(thing) or (isclass(thing) and issubclass(thing, AbstractView))


def own_policy(handler: Any, method: str) -> Any:
    """The policy that a handler was given for a method, or `UNMARKED`."""
    while isinstance(handler, partial):
        handler = handler.func
    if isclass(handler) and issubclass(handler, web.View) and method in hdrs.METH_ALL:
        own = getattr(getattr(handler, method.lower(), None), _OWN, UNMARKED)
        if own is not UNMARKED:
            return own
    return getattr(handler, _OWN, UNMARKED)


def is_marked(handler: Any) -> bool:
    return any(own_policy(handler, method) is not UNMARKED for method in hdrs.METH_ALL)


def require_visible_marks(handler: Any) -> None:
    """Raise `RuntimeError` for a handler with a policy of its own that no request would follow."""
    if not isclass(handler):
        _require_nothing_hidden(handler, own_policy(handler, ""))
        return
    answering = {method.lower() for method in hdrs.METH_ALL} if issubclass(handler, web.View) else set()
    for name, method in [pair for each in handler.__mro__ for pair in vars(each).items()]:
        if name in answering:
            _require_nothing_hidden(method, getattr(method, _OWN, UNMARKED))
        elif isinstance(method, FunctionType) and hasattr(method, _OWN):
            raise RuntimeError(
                f"cross_origin was given to {_name(method)}, which does not answer a method of requests, so the policy"
                " would be lost"
            )


def _require_nothing_hidden(handler: object, own: object) -> None:
    hidden = _hidden(handler) if own is UNMARKED else None
    if hidden is not None:
        raise RuntimeError(
            f"cross_origin was given to {_name(hidden)}, which is hidden in {_name(handler)}, so the policy would be"
            " lost: put cross_origin above the decorator that hides it, or write that decorator with functools.wraps."
            f" Where {_name(handler)} is a handler that only calls it, give it a policy of its own"
        )


def _hidden(handler: object) -> object | None:
    """What has a policy of its own below a handler that shows none."""
    layers, seen = [handler], set[int]()
    while layers and len(seen) < MAX_LAYERS:
        layer = layers.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            if isinstance(layer, FunctionType | type) and hasattr(layer, _OWN):
                return layer
            layers += [each for each in held_by(layer) if callable(each) and not isinstance(each, web.Application)]
    return None


def _name(handler: object) -> str:
    return str(getattr(handler, "__qualname__", type(handler).__name__))
