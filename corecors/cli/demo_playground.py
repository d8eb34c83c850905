"""The demo's playground: a policy that the visitor writes, in force at an address of its own, and what passed there.

The page hands a policy over and gets a token; the API answers below /play/<token> under that policy and remembers what
was asked and answered, which the page fetches afterwards: script cannot see preflights by itself.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import NotFound, UnsupportedMediaType
from werkzeug.wrappers import Request, Response

from corecors import CORSRequest, Decision, PolicyError, policy_from_mapping
from corecors.adapters.wsgi import CORSMiddleware

PREFIX = "/play/"  # at the API
PATH = "/playground"  # at the page
MAX_PLAYS = 100  # policies that are kept; older ones give way
MAX_EXCHANGES = 20  # that one of them remembers
MAX_POLICY_LENGTH = 65_536  # bytes of JSON
DECISION: ContextVar[Decision] = ContextVar("the decision about the request that this thread serves")

# The request headers that are worth showing, as WSGI spells them; the script's own come from the page.
SHOWN = ("HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "HTTP_COOKIE")


class Play:
    """One policy in force, and what was asked and answered under it."""

    def __init__(self, mapping: dict[str, Any]) -> None:
        """Raises `PolicyError`."""
        self.exchanges: list[dict[str, Any]] = []
        self._serve = CORSMiddleware(answer, policy_from_mapping(mapping), on_decision=note, rejections=None)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if len(self.exchanges) < MAX_EXCHANGES:
                self.exchanges.append(as_exchange(environ, status, headers))
            return start_response(status, headers, exc_info)

        body: Iterable[bytes] = self._serve(environ, start)
        return body


class Playground:
    """All that visitors play with."""

    def __init__(self, page_origin: str) -> None:
        self._page_origin = page_origin
        self._plays: OrderedDict[str, Play] = OrderedDict()

    def beside(self, api: WSGIApplication) -> WSGIApplication:
        """`api`, with the playground's addresses."""

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "")
            if not path.startswith(PREFIX):
                return api(environ, start_response)
            play = self._plays.get(path.removeprefix(PREFIX))
            return (NotFound() if play is None else play)(environ, start_response)

        return serve

    def respond(self, request: Request) -> Response:
        """The page's side: POST a policy and get a token, or the problems; GET what passed under a token.

        Raises `HTTPException`, which the page answers with: 413 for a policy that is too large.
        """
        if request.method == "POST":
            return self._begin(request)
        play = self._plays.get(request.path.removeprefix(f"{PATH}/"))
        return as_json({"exchanges": play.exchanges}) if play else NotFound().get_response(request.environ)

    def _begin(self, request: Request) -> Response:
        # A web page elsewhere could post here too, and by DNS rebinding under another name: both are turned away.
        if request.headers.get("Origin") != self._page_origin or request.host_url.rstrip("/") != self._page_origin:
            return as_json({"problems": ["the playground takes policies from its own page only"]}, 403)
        if request.mimetype != "application/json":
            return UnsupportedMediaType().get_response(request.environ)
        request.max_content_length = MAX_POLICY_LENGTH  # a body without a Content-Length is bounded as well
        try:
            play = Play(json.loads(request.get_data()))
        except PolicyError as error:
            return as_json({"problems": [str(problem) for problem in error.problems]}, 422)
        except (ValueError, RecursionError):  # the latter: nested too deeply
            return as_json({"problems": ["that is not valid JSON"]}, 400)
        token = secrets.token_urlsafe(12)
        self._plays[token] = play
        while len(self._plays) > MAX_PLAYS:
            self._plays.popitem(last=False)
        return as_json({"path": PREFIX + token, "exchanges": f"{PATH}/{token}"}, 201)


def note(decision: Decision, request: CORSRequest) -> None:
    """Keep the decision for the exchange, which is put together when the response starts."""
    DECISION.set(decision)


@Request.application
def answer(request: Request) -> Response:
    """The application behind the policy: says what it was asked, with two headers of its own."""
    response = as_json({"method": request.method, "body": len(request.get_data())})
    response.headers["X-Total"] = "3"
    response.headers["X-Backend"] = "shelf-3"
    return response


def as_exchange(environ: WSGIEnvironment, status: str, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """What was asked and answered, for the page."""
    decision = DECISION.get()
    asked = [(name.removeprefix("HTTP_").replace("_", "-").title(), environ[name]) for name in SHOWN if name in environ]
    return {
        "method": environ["REQUEST_METHOD"],
        "kind": decision.kind.value,
        "allowed": decision.allowed,
        "explanation": decision.explain(),
        "asked": asked,
        "status": status,
        "answered": headers,
    }


def as_json(value: object, status: int = 200) -> Response:
    response = Response(json.dumps(value), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
