"""What `corecors doctor` sends with: real HTTP to one host, bounded in number and time, nothing followed by itself."""

import ssl
import warnings
from importlib.metadata import version
from urllib.parse import urlsplit

import urllib3

from corecors.browser import Received, SentRequest

MAX_REQUESTS = 30
MAX_BODY = 65_536  # bytes read of a response; only its headers matter
USER_AGENT = f"corecors-doctor/{version('corecors')}"


class OtherHostError(Exception):
    """A redirect leads away from the host that was named."""


class TooManyRequestsError(Exception):
    """The bound on requests is reached."""


class UnreachableError(Exception):
    """No answer came. The message says why, in a few words."""


class BoundedClient:
    """Sends at most `MAX_REQUESTS` requests to the host of `url`, each within `timeout` seconds.

    verify: whether the server's certificate has to be right. ca_file: certificates to trust in place of the usual ones.
    """

    def __init__(self, url: str, *, timeout: float, verify: bool = True, ca_file: str | None = None) -> None:
        self._host = urlsplit(url).hostname
        self.sent: int = 0
        context = ssl.create_default_context(cafile=ca_file)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=timeout), ssl_context=context)

    def __call__(self, request: SentRequest) -> Received:
        """Send one request and return every header line of the response as it came."""
        if urlsplit(request.url).hostname != self._host:
            raise OtherHostError(request.url)
        if self.sent >= MAX_REQUESTS:
            raise TooManyRequestsError
        self.sent += 1
        headers = urllib3.HTTPHeaderDict({"User-Agent": USER_AGENT})
        for name, value in request.headers:
            headers.add(name, value)
        if request.body is not None and request.body == b"":
            headers["Content-Length"] = "0"
        try:
            with warnings.catch_warnings():
                # Whoever says --insecure knows.
                warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
                response = self._pool.request(
                    request.method,
                    request.url,
                    body=request.body,
                    headers=headers,
                    preload_content=False,
                    redirect=False,
                )
            try:
                response.read(MAX_BODY, decode_content=False)
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(_words(error)) from None
        except (OSError, ValueError, UnicodeError) as error:
            raise UnreachableError(str(error)) from None
        return Received(response.status, tuple(response.headers.items()))

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()


def _words(error: urllib3.exceptions.HTTPError) -> str:
    """What went wrong, without the names of classes and objects that the library puts in front."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "the name does not resolve"
    if isinstance(error, urllib3.exceptions.SSLError):
        return f"TLS: {error.args[0] if error.args else error}"
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # before the next: it counts as a timeout there
        return str(error).rpartition("] ")[2] or "no connection"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return str(error)
