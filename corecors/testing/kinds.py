"""Which kind of application it is that somebody hands over."""

import inspect
from typing import Any

from corecors.testing.serving import Asynchronous, Site, Synchronous


def server_of(app: Any, site: Site) -> Synchronous | Asynchronous:
    """Who answers for `app` at `site`. Raises `TypeError` for anything that is not an application."""
    if isinstance(app, str):
        from corecors.testing.network import RunningServer

        return RunningServer(site)
    if is_aiohttp(app):
        from corecors.testing.aiohttp_application import AiohttpApplication

        return AiohttpApplication(app, site)
    if isinstance(app, type) or not takes_requests(app):
        raise TypeError(
            f"a page needs an application of WSGI, ASGI or aiohttp, or the address of a running server, not {app!r}"
        )
    if is_asgi(app):
        from corecors.testing.asgi import ASGIApplication

        return ASGIApplication(app, site)
    from corecors.testing.wsgi import WSGIApplication

    return WSGIApplication(app, site)


def takes_requests(app: Any) -> bool:
    """Whether it takes what WSGI or ASGI calls an application with, as far as it shows what it takes."""
    if not callable(app):
        return False
    parameters = _parameters(app)
    if parameters is None or any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return True
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    required = [each for each in positional if each.default is each.empty]
    return len(required) <= 3 and len(positional) >= 2


def is_asgi(app: Any) -> bool:
    """Whether an application is one of ASGI 3; else it is one of WSGI."""
    call = app if inspect.isfunction(app) else type(app).__call__
    # Counting is for those whose `__call__` is compiled: ASGI takes three arguments, WSGI two.
    return inspect.iscoroutinefunction(call) or len(_parameters(app) or ()) == 3


def _parameters(app: Any) -> list[inspect.Parameter] | None:
    """What it shows that it takes; None where that is nothing, as of a compiled class."""
    try:
        return [*inspect.signature(app).parameters.values()]
    except ValueError:
        return None


def is_aiohttp(app: Any) -> bool:
    """Whether it is an aiohttp application, told without importing aiohttp."""
    return any(f"{each.__module__}.{each.__qualname__}" == "aiohttp.web_app.Application" for each in type(app).__mro__)
