"""Serve an application with wsgiref or Werkzeug, a thread for each connection.

python -m servers.serve_threaded SERVER PORT MODULE:NAME
"""

from __future__ import annotations

import sys
from importlib import import_module
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    """wsgiref serves one connection after the other; the soak wants several at once."""

    daemon_threads = True
    request_queue_size = 128


class QuietHandler(WSGIRequestHandler):
    """Without a line for each request; errors are still written."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


def serve_wsgiref(port: int, application: WSGIApplication) -> None:
    make_server("127.0.0.1", port, application, ThreadingWSGIServer, QuietHandler).serve_forever()


def serve_werkzeug(port: int, application: WSGIApplication) -> None:
    from werkzeug.serving import WSGIRequestHandler as WerkzeugHandler
    from werkzeug.serving import make_server as make_werkzeug_server

    class QuietWerkzeugHandler(WerkzeugHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    make_werkzeug_server(
        "127.0.0.1", port, application, threaded=True, request_handler=QuietWerkzeugHandler
    ).serve_forever()


if __name__ == "__main__":
    server, port, target = sys.argv[1:]
    module, _, name = target.partition(":")
    application = getattr(import_module(module), name)
    {"wsgiref": serve_wsgiref, "werkzeug": serve_werkzeug}[server](int(port), application)
