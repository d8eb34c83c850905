"""What stands between the browser model and the demo's API: real HTTP, and a cookie jar with one cookie."""

import urllib3

from corecors.browser import Received, SentRequest
from corecors.cli.demo_api import COOKIE_NAME, USER

TIMEOUT = urllib3.Timeout(connect=5, read=10)  # seconds; everything is on loopback


class Client:
    """Sends what the browser model says, and returns every header line as it came.

    Redirects are the model's job, so none is followed here; nor is anything tried twice.
    """

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)

    def send(self, request: SentRequest) -> Received:
        headers = urllib3.HTTPHeaderDict()
        for name, value in request.headers:
            headers.add(name, value)
        if request.credentials:
            headers.add("Cookie", f"{COOKIE_NAME}={USER}")
        response = self._pool.request(request.method, request.url, body=request.body, headers=headers, redirect=False)
        return Received(response.status, tuple(response.headers.items()))

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()
