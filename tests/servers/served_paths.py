"""An application under a policy for one path only, which tells the path that it was given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from corecors import PathPolicies, Policy
from corecors.adapters.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "X-Path"
ORIGIN = "https://app.example.com"
POLICIES = PathPolicies({"/public": Policy(allow_origins=[ORIGIN], allow_methods=["PUT"])})


def page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
    return []


governed: WSGIApplication = CORSMiddleware(page, POLICIES)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Adds the path to every answer, those to preflights included."""
    path = ascii(environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"])

    def start(status, headers, exc_info=None):  # type: ignore[no-untyped-def]
        return start_response(status, [*headers, (PATH, path)], exc_info)

    return governed(environ, start)
