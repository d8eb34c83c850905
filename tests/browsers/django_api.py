"""The API in Django, on werkzeug's server. Settings are one a process: ours hold while our application is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from .api import answer
from .sites import seen, serving

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .adapted import Api

alone = threading.Lock()  # held by whoever asks Django something, under settings of its own


def set_up() -> None:
    """Set Django up for this process, once, with what cannot be overridden later; our peers' applications use it."""
    if not settings.configured:
        settings.configure(
            INSTALLED_APPS=["corsheaders"] if find_spec("corsheaders") else [],
            LOGGING_CONFIG=None,
            SECRET_KEY="of a test",
        )
        django.setup(set_prefix=False)


def answering(request: HttpRequest, visitor: str, slug: str, resource: str) -> StreamingHttpResponse:
    status, headers, parts = answer({**request.META, "PATH_INFO": f"/{resource}"})
    response = StreamingHttpResponse(parts, status=int(status[:3]))
    del response["Content-Type"]
    for name, value in headers:
        response[name] = value
    return response


@contextmanager
def serving_django(the: Api) -> Iterator[int]:
    """One application for all cases, with a policy by path."""
    set_up()
    ours = override_settings(
        ALLOWED_HOSTS=[".localhost"],
        CORS_POLICY=the.policies(),
        MIDDLEWARE=["corecors.adapters.django.CORSMiddleware", "django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF=(path("<str:visitor>/<str:slug>/<path:resource>", answering),),
    )
    with alone, ours:
        application = get_wsgi_application()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        _, visitor, slug, resource = environ["PATH_INFO"].split("/", 3)
        the.journal.add(visitor, slug, seen(environ, f"/{resource}"))
        with alone, ours:
            whole: Any = application(environ, start_response)
            return whole

    with serving(app, the.failures, the.tls) as port:
        yield port
