"""Asynchronous applications: one lifespan a page, in a loop of the page's own or in the running one."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from corecors import Policy
from corecors.adapters.starlette import CORS
from corecors.testing import Page

APP = "https://app.example.com"


class Watched:
    """A Starlette application that notes its lifespan, and in which thread and loop it runs."""

    def __init__(self, *, fails_to: str = "") -> None:
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        self.events: list[str] = []
        self.places: set[tuple[str, int]] = set()

        def note(event: str) -> None:
            self.events.append(event)
            self.places.add((threading.current_thread().name, id(asyncio.get_running_loop())))
            if fails_to == event:
                raise ArithmeticError(event)

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[dict[str, int]]:
            note("start")
            yield {"number": 7}
            note("stop")

        async def view(request: Request) -> PlainTextResponse:
            note("view")
            return PlainTextResponse("ok", headers={"X-Number": str(request.state.number)})

        self.app = Starlette(routes=[Route("/", view)], lifespan=lifespan)
        CORS(self.app, Policy(allow_origins=["*"], expose_headers=["*"]))


def test_fetch_runs_one_lifespan_in_a_thread_of_its_own_until_the_page_is_closed() -> None:
    before = set(threading.enumerate())
    watched = Watched()
    with Page(APP, watched.app) as page:
        for _ in range(2):
            assert page.fetch("/").readable_headers.get("x-number") == "7"
        assert watched.events == ["start", "view", "view"]
        assert len(set(threading.enumerate()) - before) == 1
    assert watched.events == ["start", "view", "view", "stop"]
    assert len(watched.places) == 1
    assert threading.main_thread().name not in {name for name, _ in watched.places}
    assert set(threading.enumerate()) == before


def test_fetch_async_runs_it_in_the_running_loop() -> None:
    watched = Watched()

    async def fetch() -> int:
        async with Page(APP, watched.app) as page:
            for _ in range(2):
                assert (await page.fetch_async("/")).readable
        return id(asyncio.get_running_loop())

    loop = asyncio.run(fetch())
    assert watched.events == ["start", "view", "view", "stop"]
    assert watched.places == {(threading.main_thread().name, loop)}


def test_a_page_that_nobody_closed_ends_with_its_last_reference() -> None:
    before = set(threading.enumerate())
    watched = Watched()
    page = Page(APP, watched.app)
    page.fetch("/")
    del page
    gc.collect()
    assert watched.events[-1] == "stop"
    assert set(threading.enumerate()) == before


def test_or_with_the_process() -> None:
    program = (
        f"import sys; sys.path.insert(0, {__file__.rpartition('/')[0]!r})\n"
        "from test_lifespan import Page, Watched\n"
        "watched = Watched()\n"
        "page = Page('null', watched.app)\n"
        "page.fetch('/')\n"
    )
    program = program.replace("page = ", "import atexit; atexit.register(lambda: print(watched.events)); page = ")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "['start', 'view', 'stop']", done.stderr


def test_nothing_is_started_before_something_is_fetched_and_nothing_after_the_end() -> None:
    watched = Watched()
    page = Page(APP, watched.app)
    page.close()
    assert watched.events == []
    with pytest.raises(RuntimeError, match="the page is closed"):
        page.fetch("/")


@pytest.mark.parametrize(("event", "said"), [("start", "lifespan failed: "), ("stop", "lifespan failed at its end")])
def test_a_lifespan_that_fails_is_an_error_and_leaves_no_thread(event: str, said: str) -> None:
    before = set(threading.enumerate())
    page = Page(APP, Watched(fails_to=event).app)
    if event == "start":
        with pytest.raises(RuntimeError, match=said) as caught:
            page.fetch("/")
        page.close()
    else:
        page.fetch("/")
        with pytest.raises(RuntimeError, match=said) as caught:
            page.close()
    assert "ArithmeticError" in str(caught.value)
    assert set(threading.enumerate()) == before


def test_an_application_without_a_lifespan_is_served_without() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        assert "state" not in scope
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    with Page("https://testserver", app) as page:
        assert page.fetch("/").readable


# The two ways are told apart


def test_fetch_says_what_to_write_while_a_loop_runs() -> None:
    async def fetch() -> None:
        Page(APP, Watched().app).fetch("/")

    with pytest.raises(RuntimeError, match=r"write `await page\.fetch_async\(\.\.\.\)`"):
        asyncio.run(fetch())


def test_a_page_takes_one_of_the_two() -> None:
    with Page(APP, Watched().app) as page:
        page.fetch("/")
        with pytest.raises(RuntimeError, match="make another Page"):
            asyncio.run(page.fetch_async("/"))

    async def both() -> None:
        async with Page(APP, Watched().app) as page:
            await page.fetch_async("/")
            with pytest.raises(RuntimeError, match=r"await page\.fetch_async"):
                await asyncio.to_thread(page.fetch, "/")
            with pytest.raises(RuntimeError, match=r"await page\.aclose\(\)"):
                page.close()

    asyncio.run(both())


def test_a_wsgi_application_may_be_fetched_either_way() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Access-Control-Allow-Origin", "*")])
        return [b""]

    async def fetch(page: Page) -> bool:
        return (await page.fetch_async("/")).readable and page.fetch("/").readable

    assert asyncio.run(fetch(Page(APP, app)))
