"""The application of the scenarios in Django: URLs, views and the middleware that answers early."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from scenarios import RESPONSES, Response

FILE = Path(__file__).with_name("file.txt")
GET_ONLY = "/get-only"


class HandledError(Exception):
    """What the project has a middleware for."""


def early(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """A middleware that answers one path itself, and the exceptions of one kind."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        return HttpResponse("early", status=503) if request.path == "/early" else get_response(request)

    answer.process_exception = lambda request, error: (  # type: ignore[attr-defined]
        HttpResponse("handled", status=422) if isinstance(error, HandledError) else None
    )
    return answer


def _view(response: Response) -> Callable[[HttpRequest], HttpResponseBase]:
    methods = ["GET", "HEAD"] if response.path == GET_ONLY else ["GET", "HEAD", "POST"]

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return HttpResponse(headers={"Allow": ", ".join(methods)})
        match response.path:
            case "/redirect":
                return HttpResponseRedirect("/text")
            case "/abort":
                raise PermissionDenied
            case "/handled":
                raise HandledError
            case "/error":
                raise RuntimeError("the application failed")
            case "/file":
                return FileResponse(FILE.open("rb"))
        if response.path == "/stream" and request.method != "POST":
            return StreamingHttpResponse(iter((b"one", b"two", b"three")))
        body: Any = request.body if request.method == "POST" else response.body
        made = HttpResponse(body or b"", status=response.status, content_type="text/plain")
        for name, value in response.headers:
            if name == "Set-Cookie":
                made.set_cookie(*value.split("="), path=None)
            else:  # Django keeps one line of a name
                made[name] = f"{made[name]}, {value}" if name in made else value
        return made

    return csrf_exempt(require_http_methods([*methods, "OPTIONS"])(answer))


urlpatterns = [
    path(response.path.lstrip("/"), _view(response))
    for response in RESPONSES.values()
    if response.name not in ("no such path", "answered before the view")
]
