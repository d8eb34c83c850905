"""A server that runs, asked over HTTP. A certificate that Python does not know is made known by `SSL_CERT_FILE`."""

import http.client
from typing import Final

from corecors.browser import Received, SentRequest
from corecors.testing.serving import EVENT_STREAM, Lines, Site, Synchronous

TIMEOUT: Final = 30.0  # seconds for one read; a view that takes longer has another problem
_MAX_BODY: Final = 1 << 24  # bytes that are read, so that a server sees its response taken, and thrown away


class RunningServer(Synchronous):
    """The server at a site; a connection for each request, no proxy, no redirect followed.

    `place`: host and port to connect to, where they are not the site's.
    """

    name = "a running server"

    def __init__(self, site: Site, place: tuple[str, int] | None = None) -> None:
        self._site = site
        self._place = place

    def ask(self, sent: SentRequest, lines: Lines) -> Received:
        target = self._site.target(sent)
        connection = self._connection()
        try:
            connection.putrequest(sent.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in lines:
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(sent.body)
            response = connection.getresponse()
            if EVENT_STREAM not in response.headers.get("Content-Type", ""):
                response.read(_MAX_BODY)
            return Received(response.status, response.getheaders())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._place is not None:
            return http.client.HTTPConnection(*self._place, timeout=TIMEOUT)
        host = self._site.address.host.strip("[]")
        if self._site.address.scheme == "https":
            return http.client.HTTPSConnection(host, self._site.port, timeout=TIMEOUT)
        return http.client.HTTPConnection(host, self._site.port, timeout=TIMEOUT)
