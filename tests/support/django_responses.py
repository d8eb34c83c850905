"""Views of every kind of response that Django makes, for tests of what a page may read."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def ok(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the view failed")


async def broken_async(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the view failed")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield from (b"one", b"two")

    return StreamingHttpResponse(parts())


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"one", b"two"):
            yield part

    return StreamingHttpResponse(parts())


def whole_file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"), as_attachment=True)


def part_of_a_file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"), status=206, headers={"Content-Range": "bytes 0-9/*"})


urlpatterns = URLS = (
    path("ok", ok),
    path("form", form),
    path("broken", broken),
    path("broken-async", broken_async),
    path("stream", stream),
    path("async-stream", async_stream),
    path("file", whole_file),
    path("range", part_of_a_file),
    path("slash/", ok),
)
