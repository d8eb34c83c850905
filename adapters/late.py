"""Serving under a policy that is only known once the framework has found its route: when the response starts."""

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from corecors import PolicySource
from corecors.adapters.wsgi import CORSMiddleware

_RESPONSE = "corecors.response"


def serve_late(app: WSGIApplication, source: PolicySource, **options: Any) -> WSGIApplication:
    """`app`, each of its responses carried out by a `CORSMiddleware` as if it were that of a small application.

    `source` is asked with the environ as the framework left it, but for the path, which frameworks rewrite on their
    way. Preflights and what is to be blocked have to be decided before the application runs: not here.
    """
    middleware = CORSMiddleware(_respond, source, **options)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        script, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            response = status, headers, exc_info
            return middleware(
                {**environ, "SCRIPT_NAME": script, "PATH_INFO": path, _RESPONSE: response}, start_response
            )

        return app(environ, start)

    return serve


def _respond(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
    return start_response(*environ[_RESPONSE])
