"""The demo's API: an ordinary WSGI application that knows nothing of CORS, and the two policies around it.

It keeps no state, so that the demo's cases may come in any order and any number of times.
"""

import json
from collections.abc import Iterator

from werkzeug.exceptions import HTTPException, Unauthorized
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from corecors import PathPolicies, Policy, PolicySource
from corecors.adapters.wsgi import CORSMiddleware

COOKIE_NAME = "corecors_demo"
USER = "ada"

ROUTES = Map(
    [
        Rule("/articles", endpoint="articles", methods=["GET", "POST"]),
        Rule("/articles/<int:number>", endpoint="article", methods=["GET", "PUT", "PATCH", "DELETE"]),
        Rule("/account", endpoint="account", methods=["GET"]),
        Rule("/latest", endpoint="latest", methods=["GET"]),
        Rule("/elsewhere", endpoint="elsewhere", methods=["GET"]),
        Rule("/stream", endpoint="stream", methods=["GET"]),
        Rule("/crash", endpoint="crash", methods=["GET"]),
        Rule("/public/feed", endpoint="feed", methods=["GET"]),
    ]
)
ARTICLES: list[dict[str, object]] = [{"number": number, "title": f"Article {number}"} for number in (1, 2, 3)]


def private_policy(page_origin: str) -> Policy:
    """The policy of most of the API: a few origins, with cookies."""
    return Policy(
        allow_origins=[page_origin, "https://app.example.com", "https://*.preview.example.com"],
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-Request-Tag"],
        expose_headers=["X-Total-Count"],
        allow_credentials=True,
        max_age=600,
    )


def public_policy() -> Policy:
    """The policy of everything below /public: anyone may read it, nobody with cookies."""
    return Policy(allow_origins=["*"], expose_headers=["*"])


def build_app(private: Policy | PolicySource, public: Policy) -> CORSMiddleware:
    """The API under its policies, as one WSGI application."""
    return CORSMiddleware(api, PathPolicies({"/public/": public}, default=private))


@Request.application
def api(request: Request) -> Response:
    """The WSGI application without CORS."""
    try:
        endpoint, arguments = ROUTES.bind_to_environ(request.environ).match()
        return respond(request, endpoint, arguments.get("number", 0))
    except HTTPException as error:
        return as_json({"error": error.name}, error.code or 500)
    except Exception as error:
        return as_json({"error": str(error)}, 500)


def respond(request: Request, endpoint: str, number: int) -> Response:
    """What the route `endpoint` answers. `number` is the article that the path names, 0 where it names none."""
    match endpoint, request.method:
        case "articles", "POST":
            return as_json(request.get_json(), 201)
        case "articles", _:
            response = as_json(ARTICLES)
            response.headers["X-Total-Count"] = str(len(ARTICLES))
            response.headers["X-Backend"] = "shelf-3"  # exposed by no policy but the public one
            return response
        case "article", "DELETE":
            return Response(status=204)
        case "article", _:
            return as_json({"number": number, "title": f"Article {number}"})
        case "account", _:
            if COOKIE_NAME not in request.cookies:
                raise Unauthorized
            return as_json({"user": request.cookies[COOKIE_NAME]})
        case "latest", _:
            return redirect("/articles/3")
        case "elsewhere", _:
            # The same server under its other name: to a browser, a redirect from one origin to another.
            port = request.host.rpartition(":")[2]
            return redirect(f"http://localhost:{port}/articles")
        case "stream", _:
            return Response(lines(), content_type="application/x-ndjson")
        case "feed", _:
            response = as_json({"latest": ARTICLES[-1]})
            response.headers["X-Backend"] = "shelf-3"
            return response
        case _:
            raise RuntimeError("the shelf fell over")


def lines() -> Iterator[str]:
    for article in ARTICLES:
        yield json.dumps(article) + "\n"


def as_json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value) + "\n", status, content_type="application/json")
