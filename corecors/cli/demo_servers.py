"""The demo's servers: threaded, on loopback, on ports that the system chooses."""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from wsgiref.types import WSGIApplication

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from corecors import CORSRequest, Policy
from corecors.cli.demo_api import build_app, private_policy, public_policy
from corecors.cli.demo_cases import HOST, Site
from corecors.cli.demo_page import build_page
from corecors.cli.demo_playground import Playground
from corecors.cli.terminal import Unusable
from corecors.live import LivePolicies


class QuietHandler(WSGIRequestHandler):
    """Logs errors only, and sends a response in as few packets as it fits in.

    Unbuffered writes and Nagle's algorithm together cost 40 ms for each response.
    """

    wbufsize = 65536
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing: the demo's own table is the record."""


class Server:
    """A server that listens from the start, so that its origin is known, and answers while it is `running`."""

    def __init__(self, port: int = 0) -> None:
        """Raises `OSError` for a port that is taken."""
        if port:
            socket.create_server((HOST, port)).close()  # werkzeug would end the program
        try:
            # The application needs to know all origins, so it can only come afterwards.
            self._server = ThreadedWSGIServer(HOST, port, app=None, handler=QuietHandler)  # type: ignore[arg-type]
        except SystemExit:
            raise OSError(errno.EADDRINUSE, "Address already in use") from None
        self.origin: str = f"http://{HOST}:{self._server.port}"

    def close(self) -> None:
        """Stop listening, of a server that was never `running`."""
        self._server.server_close()

    @contextmanager
    def running(self, app: WSGIApplication) -> Iterator[None]:
        """Serve `app` in threads until the block ends; the port is free afterwards."""
        self._server.app = app
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=self.origin, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()  # serve_forever then closes the socket
            thread.join()


@contextmanager
def running_site(port: int = 0, store: str | None = None) -> Iterator[Site]:
    """Start the page at `port`, the API and the same page once more at the two ports after it (0: at ports that the
    system chooses); stop them when the block ends. `store`: URL of the store that has the API's origins.

    Raises `OSError` for a port that is taken, and `Unusable` for a store that cannot be used.
    """
    servers: list[Server] = []
    try:
        servers += (Server(port + number if port else 0) for number in range(3))
    except OSError:
        for server in servers:
            server.close()
        raise
    page, api, stranger = servers
    with ExitStack() as stack:
        private = private_policy(page.origin)
        governor: Policy | LivePolicies = private
        if store is not None:
            from corecors.cli.demo_store import followed  # needs the package of the store

            try:
                governor = stack.enter_context(followed(store, private, page.origin))
            except Unusable:
                for server in servers:
                    server.close()
                raise
            private = in_force(governor)
        site = Site(api.origin, page.origin, stranger.origin, private, public_policy())
        playground = Playground(site.page)
        pages = build_page(site, playground)
        stack.enter_context(api.running(playground.beside(build_app(governor, site.public))))
        stack.enter_context(page.running(pages))
        stack.enter_context(stranger.running(pages))
        yield site


def in_force(policies: LivePolicies) -> Policy:
    """The policy of the API, whose host is the tenant."""
    found = policies.policy_for(CORSRequest("GET", host=HOST))
    assert isinstance(found, Policy)
    return found
