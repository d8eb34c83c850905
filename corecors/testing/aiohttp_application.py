"""An aiohttp application, which nothing but its own server can call: it is served on loopback."""

import asyncio
from typing import Any

from corecors.browser import Received, SentRequest
from corecors.testing.network import RunningServer
from corecors.testing.serving import Asynchronous, Lines, Site


class AiohttpApplication(Asynchronous):
    """Served on a port of loopback that is free, with the site's `Host`."""

    name = "an aiohttp application"

    def __init__(self, app: Any, site: Site) -> None:
        self._app = app
        self._site = site

    async def start(self) -> None:
        from aiohttp import web

        self._runner = web.AppRunner(self._app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._server = RunningServer(self._site, self._runner.addresses[0][:2])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def ask(self, sent: SentRequest, lines: Lines) -> Received:
        return await asyncio.to_thread(self._server.ask, sent, lines)
