"""For the tests of what adapters do besides carrying decisions out: one policy, one application, one client."""

from collections.abc import Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

from corecors import Policy
from corecors.adapters.wsgi import CORSMiddleware

POLICY = Policy(
    allow_origins=["https://app.example.com", "https://*.example.org"], allow_methods=["PUT"], allow_headers=["X-Known"]
)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


def request(app: CORSMiddleware, **environ: str) -> tuple[str, dict[str, str]]:
    """Send one request; the status and the headers that come back."""
    complete: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/orders",
        "HTTP_HOST": "api.example.com",
        **environ,
    }
    setup_testing_defaults(complete)
    answers: list[tuple[str, dict[str, str]]] = []
    for _ in app(complete, lambda status, headers, exc_info=None: answers.append((status, dict(headers)))):
        pass
    (answer,) = answers
    return answer


def preflight(app: CORSMiddleware, origin: str, method: str, names: str = "") -> tuple[str, dict[str, str]]:
    asked = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": method, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": names}
    return request(app, REQUEST_METHOD="OPTIONS", HTTP_ORIGIN=origin, **asked)


SAME_ORIGIN = {
    "scheme and host are the request's own": {"HTTP_ORIGIN": "http://api.example.com"},
    "https in front, http behind the proxy": {"HTTP_ORIGIN": "https://api.example.com"},
    "port written out": {"HTTP_ORIGIN": "https://api.example.com", "HTTP_HOST": "api.example.com:443"},
    "the browser says so": {"HTTP_ORIGIN": "https://x.test", "HTTP_SEC_FETCH_SITE": "same-origin"},
    "no Host header": {
        "HTTP_ORIGIN": "http://s.test:81",
        "HTTP_HOST": "",
        "SERVER_NAME": "s.test",
        "SERVER_PORT": "81",
    },
}
