"""Page: a page in a browser, that calls an application."""

import asyncio
import json as json_
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from corecors.browser import Credentials, Engine, PreflightCache, Received, Request, SentRequest, Verdict, simulate
from corecors.testing.cookies import CookieJar
from corecors.testing.kinds import server_of
from corecors.testing.own_loop import OwnLoop
from corecors.testing.serving import Asynchronous, Site, Synchronous

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_NO_JSON: Any = object()  # None is a JSON text, too: null


class Page:
    """A page of `origin` in a browser, that calls `app`.

    origin: as the browser shows it: "https://app.example.com"; "null" for a sandboxed frame or a file.
    app: an application of WSGI (Flask, Bottle, Django's `get_wsgi_application()`) or ASGI (Starlette, FastAPI, Django's
        `get_asgi_application()`), an aiohttp `Application`, or the address of a running server, "http://127.0.0.1:8000".
        One that runs in this process is called as a server would call it; what it raises is a bare 500 to the page, as
        behind any server, and is logged by `corecors.testing`.
    address: where the browser takes the application to be. Django and Starlette know the default in their own tests.
    cookies: what the browser has for the application already, names and values, as though each had been set with
        `SameSite=None; Secure`. They go along where the browser sends credentials. The application's own `Set-Cookie`
        is kept where a browser would, so that a page of another site can log in only with `SameSite=None; Secure`.
    engine: whose limit of the preflight cache counts; None for the standard's, which has none.

    Preflights, redirects, the preflight cache, credentials and what script may read are those of `corecors.browser`.
    What an earlier `fetch` left in the cache counts for the next one; `now`, in seconds, stands still until a test
    moves it.

    An asynchronous application has one lifespan, from the first `fetch` until the page is closed: `with Page(...)`, or
    `close()`. It runs in an event loop and a thread of the page's own for `fetch`, and in the running loop for
    `fetch_async` (`async with`, `aclose()`); one page takes one of the two. What is never closed ends with the page.
    aiohttp's can only be served, so it listens on loopback while the page lives, and sees the scheme http.

    Not modelled: mode "no-cors", WebSockets, the HTTP cache, Content Security Policy, permissions for local networks,
    bodies of responses, and the blocking of third-party cookies, by which several browsers send none to other sites.
    An address that is not the application's cannot be asked: a redirect there raises `Unreachable`.

    Raises `ValueError` for an origin or address that is not one, `TypeError` for anything but an application.
    """

    def __init__(
        self,
        origin: str,
        app: Any,
        *,
        address: str = "https://testserver",
        cookies: Mapping[str, str] | None = None,
        engine: Engine | None = None,
    ) -> None:
        if not isinstance(origin, str):
            raise TypeError(f'a page begins with its origin: Page("https://app.example.com", app), not {origin!r}')
        self.now: float = 0.0
        self._site = Site.at(app if isinstance(app, str) else address)
        Request(url=self._site.origin, origin=origin)  # whose error says what is wrong with the origin
        self._origin = origin
        self._server = server_of(app, self._site)
        self._jar = CookieJar(self._site, page=origin)
        self._jar.put(cookies or {})
        self._cache = PreflightCache(engine=engine)
        self._own_loop: OwnLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # the running one, where that serves the application
        self._closed = False

    @property
    def origin(self) -> str:
        """The page's origin."""
        return self._origin

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the browser has for the application, names and values."""
        return self._jar.values()

    def fetch(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Headers = (),
        json: Any = _NO_JSON,
        body: bytes | str | None = None,
        credentials: str = "same-origin",
    ) -> Verdict:
        """What becomes of JavaScript's `fetch(path, {method, headers, body, credentials})` on this page.

        path: "/orders?page=2", or a whole URL of the application.
        headers: those that the script sets; a mapping, or pairs.
        json: a body, made with `json.dumps`; its `Content-Type: application/json` is set unless `headers` has one.
        body: text (UTF-8, for which browsers set `text/plain;charset=UTF-8`) or bytes.
        credentials: "omit", "same-origin" or "include".

        `assert page.fetch(...).readable` says, where it fails, why and what to change. Raises `OSError` where a running
        server cannot be reached, and `RuntimeError` for an asynchronous application while a loop runs: `fetch_async`.
        """
        request = self._request(path, method, headers, json, body, credentials)
        self._check_open()
        server = self._server
        if isinstance(server, Synchronous):
            verdict = simulate(request, lambda sent: self._asked(server, sent), cache=self._cache, now=self.now)
            return self._remembering(verdict)
        return self._in_own_loop(server).run(self._course(request))

    async def fetch_async(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Headers = (),
        json: Any = _NO_JSON,
        body: bytes | str | None = None,
        credentials: str = "same-origin",
    ) -> Verdict:
        """`fetch` in the running event loop, where an asynchronous application runs as well; others get a thread."""
        request = self._request(path, method, headers, json, body, credentials)
        self._check_open()
        if isinstance(self._server, Asynchronous):
            await self._start_here(self._server)
        return await self._course(request)

    def close(self) -> None:
        """End the application's lifespan, the loop and its thread. Nothing can be fetched afterwards."""
        if self._loop is not None:
            raise RuntimeError("the application runs in an event loop of yours: write `await page.aclose()`")
        self._closed = True
        if self._own_loop is not None:
            self._ending()

    async def aclose(self) -> None:
        """End the application's lifespan in the running loop. Nothing can be fetched afterwards."""
        self._closed = True
        loop, self._loop = self._loop, None
        if loop is not None and isinstance(self._server, Asynchronous):
            await self._server.stop()
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Page({self._origin!r}, {self._server.name})"

    # What is asked

    def _request(
        self, path: str, method: str, headers: Headers, json: Any, body: bytes | str | None, credentials: str
    ) -> Request:
        given: Any = headers.items() if isinstance(headers, Mapping) else headers
        lines: list[tuple[str, str]] = list(given)
        if not all(isinstance(each, (tuple, list)) and len(each) == 2 for each in lines):
            raise TypeError(f"headers are a mapping, or pairs of a name and a value, not {headers!r}")
        content_type = None
        if json is not _NO_JSON:
            if body is not None:
                raise TypeError("a request has one body: json or body, not both")
            body, content_type = json_.dumps(json).encode(), "application/json"
        elif isinstance(body, str):
            body, content_type = body.encode(), "text/plain;charset=UTF-8"
        if content_type is not None and not any(name.lower() == "content-type" for name, _ in lines):
            lines.append(("Content-Type", content_type))
        return Request(
            url=self._site.url_of(path),
            origin=self._origin,
            method=method,
            headers=tuple(lines),
            credentials=_credentials(credentials),
            body=body,
        )

    def _remembering(self, verdict: Verdict) -> Verdict:
        self._cache = verdict.cache
        return verdict

    # Who answers

    def _asked(self, server: Synchronous, sent: SentRequest) -> Received:
        return self._received(sent, server.ask(sent, self._lines(sent)))

    def _lines(self, sent: SentRequest) -> list[tuple[str, str]]:
        """The header lines of one request as they leave the browser."""
        lines = [("Host", self._site.host), *sent.headers]
        lines += [("Sec-Fetch-Site", self._jar.site_of_page), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")]
        cookies = self._jar.line(sent) if self._site.covers(sent.url) else None
        if cookies is not None:
            lines.append(("Cookie", cookies))
        if sent.body is not None or sent.method in ("POST", "PUT"):  # Fetch, "HTTP-network-or-cache fetch", step 8.5
            lines.append(("Content-Length", str(len(sent.body or b""))))
        return lines

    def _received(self, sent: SentRequest, received: Received) -> Received:
        self._jar.take(sent, received)
        return received

    async def _course(self, request: Request) -> Verdict:
        """`simulate`, whose next request is sent between two runs of it: it is a function of the answers so far."""
        answers: list[Received] = []
        while True:
            ahead = iter(answers)

            def send(sent: SentRequest, ahead: Any = ahead) -> Received:
                for received in ahead:
                    answer: Received = received
                    return answer
                raise _Unanswered(sent)

            try:
                verdict = simulate(request, send, cache=self._cache, now=self.now)
            except _Unanswered as unanswered:
                sent = unanswered.sent
            else:
                return self._remembering(verdict)
            if isinstance(self._server, Asynchronous):
                answers.append(self._received(sent, await self._server.ask(sent, self._lines(sent))))
            else:
                answers.append(await asyncio.to_thread(self._asked, self._server, sent))

    # Where an asynchronous application runs

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the page is closed")

    def _in_own_loop(self, server: Asynchronous) -> OwnLoop:
        if _running_loop() is not None:
            raise RuntimeError("an event loop runs here: write `await page.fetch_async(...)`")
        if self._loop is not None:
            raise RuntimeError("the application runs in an event loop of yours: write `await page.fetch_async(...)`")
        if self._own_loop is None:
            own_loop = OwnLoop(server.name)
            try:
                own_loop.run(server.start())
            except BaseException:
                own_loop.stop()
                raise
            self._own_loop = own_loop
            self._ending = weakref.finalize(self, own_loop.stop, server.stop)  # at exit, too
        return self._own_loop

    async def _start_here(self, server: Asynchronous) -> None:
        loop = asyncio.get_running_loop()
        if self._own_loop is not None or self._loop not in (None, loop):
            raise RuntimeError("the page's application runs in another event loop already: make another Page")
        if self._loop is None:
            await server.start()
            self._loop = loop


class _Unanswered(Exception):
    """`simulate` has come to a request whose answer is not there yet."""

    def __init__(self, sent: SentRequest) -> None:
        super().__init__(sent)
        self.sent = sent


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _credentials(mode: str) -> Credentials:
    try:
        return Credentials(mode)
    except ValueError:
        modes = ", ".join(repr(each.value) for each in Credentials)
        raise ValueError(f"credentials are one of {modes}, not {mode!r}") from None
