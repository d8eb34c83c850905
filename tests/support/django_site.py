"""A Django project in this process, for every test of the Django door: importing it sets Django up, once.

Django has one set of settings a process; tests change them with `override_settings`, and every `Client` or handler that
is made under it serves by them.
"""

import asyncio
import atexit
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from scenarios import Answer, Headers

EXAMPLE = Path(__file__).parents[2] / "examples" / "django"
OURS = "corecors.adapters.django.CORSMiddleware"
DEFAULTS: dict[str, Any] = {
    "SECRET_KEY": "not a secret",
    "ALLOWED_HOSTS": ["testserver", "127.0.0.1", "localhost", "testserver.example"],
    "INSTALLED_APPS": [
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "corecors.adapters.django",
        "partners",
    ],
    "MIDDLEWARE": [
        OURS,
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    "ROOT_URLCONF": "django_scenarios",
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    "STATIC_URL": "static/",
    "USE_TZ": True,
    "LOGGING_CONFIG": None,  # failing views are meant, and Django would print them
    "CORS_POLICY": None,
}


def set_up() -> None:
    """Configure Django for this process, unless it is already."""
    if settings.configured:
        return
    sys.path.append(str(EXAMPLE))
    folder = tempfile.mkdtemp(prefix="corecors-django-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = Path(folder) / "db.sqlite3"
    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}}
    settings.configure(**DEFAULTS, DATABASES=databases)
    django.setup()


set_up()

from django.test import AsyncClient, Client  # noqa: E402  # they need settings

from corecors.adapters.django import marks  # noqa: E402

APP = "https://app.example.com"  # the project's policy lets it in
VIEW = "https://view.example.com"  # a view's
INNER = "https://inner.example.com"  # that of something within or around a view
STRANGER = "https://stranger.example.net"  # nobody's


def values(answer: Answer, name: str) -> list[str]:
    """The values of each header line of that name."""
    return [value for each, value in answer.headers if each.lower() == name.lower()]


def admitted(send: "Callable[..., Answer]", target: str, method: str = "GET") -> list[str]:
    """Who may read the answer at `target`. Asserts that the preflight for the request says the same."""
    readers = []
    for origin in (APP, VIEW, INNER, STRANGER):
        lines = values(send(method, target, (("Origin", origin),)), "Access-Control-Allow-Origin")
        assert lines in ([], [origin])
        asked = (("Origin", origin), ("Access-Control-Request-Method", method))
        passed = values(send("OPTIONS", target, asked), "Access-Control-Allow-Origin")
        assert passed == lines, f"the preflight from {origin} says {passed}, the response {lines}"
        readers += [origin] if lines else []
    return readers


@contextmanager
def views_with_policies(there: bool) -> Iterator[None]:
    """Whether any view of the process seems to have a policy of its own: without, requests are answered faster."""
    before, marks._made = marks._made, there
    try:
        yield
    finally:
        marks._made = before


def by_client(method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
    """The answer of a new `django.test.Client`, under the settings of this moment."""
    asked, content_type = _asked(headers)
    client = Client(raise_request_exception=False)
    return _answer(client.generic(method, path, body, content_type, headers=asked))


def by_async_client(method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
    """The answer of a new `django.test.AsyncClient`: the whole stack under ASGI."""
    asked, content_type = _asked(headers)

    async def ask() -> Any:
        response = await AsyncClient(raise_request_exception=False).generic(
            method, path, body, content_type, headers=asked
        )
        if response.streaming and response.is_async:
            return response, b"".join([part async for part in response])
        return response, None

    response, streamed = asyncio.run(ask())
    return _answer(response, streamed)


CLIENTS: dict[str, Callable[..., Answer]] = {"Client": by_client, "AsyncClient": by_async_client}


def _asked(headers: Headers) -> tuple[dict[str, str], str]:
    asked = {name: value for name, value in headers if name.lower() != "content-type"}
    return asked, next((value for name, value in headers if name.lower() == "content-type"), "")


def _answer(response: Any, streamed: bytes | None = None) -> Answer:
    lines = [*response.items(), *(("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values())]
    if streamed is None:
        streamed = b"".join(response) if response.streaming else response.content
    response.close()
    return Answer(response.status_code, tuple(lines), streamed)
