"""The scenarios' Django project under each policy, in one process: the header `X-Application` names the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import django_site
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from scenarios import POLICIES

settings.ALLOWED_HOSTS = ["*"]
settings.MIDDLEWARE = [*django_site.DEFAULTS["MIDDLEWARE"], "django_scenarios.early"]


def _each(handler: Callable[[], Any]) -> dict[str, Any]:
    found = {}
    for name, policy in POLICIES.items():
        settings.CORS_POLICY = policy
        found[name] = handler()  # which reads the settings now
    return found


by_wsgi, by_asgi = _each(WSGIHandler), _each(ASGIHandler)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    answer: Iterable[bytes] = by_wsgi[environ.get("HTTP_X_APPLICATION", "nobody")](environ, start_response)
    return answer


async def asgi_application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    name = dict(scope["headers"]).get(b"x-application", b"nobody").decode()
    await by_asgi[name](scope, receive, send)
