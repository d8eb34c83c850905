"""The demo's page: static files, and the cases with what the policy says about each, for the visitor's own browser."""

import json
from importlib.resources import files
from wsgiref.types import WSGIApplication

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from corecors.cli.demo_api import COOKIE_NAME, USER
from corecors.cli.demo_cases import CASES, HOST, Case, From, Site
from corecors.cli.demo_playground import PATH, Playground
from corecors.cli.demo_report import policy_lines

CONTENT_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
FILES = frozenset(
    {"demo_page.html", "demo_page.css", "demo_page.js", "demo_playground.js", "demo_frame.html", "demo_fetch.js"}
)


def build_page(site: Site, playground: Playground) -> WSGIApplication:
    """The WSGI application that serves the page and its data."""
    cases = json.dumps(
        {
            "api": site.api,
            "stranger": site.stranger,
            "policies": "\n\n".join(
                "\n".join([f"# {title}", *(f"{name} = {value}" for name, value in policy_lines(policy))])
                for title, policy in (("the API", site.private), ("below /public/", site.public))
            ),
            "cases": [as_mapping(site, case) for case in CASES],
        }
    )

    origins = f"{site.page} {site.stranger}"
    content_security_policy = "; ".join(
        [
            f"default-src {origins}",
            "img-src data:",
            # All that the frames may reach, and who may put them in a page: otherwise any web page could embed one and
            # make it fetch from a loopback origin whatever it liked.
            f"connect-src {origins} {site.api} {site.api.replace(HOST, 'localhost')}",
            f"frame-ancestors {site.page}",
        ]
    )

    @Request.application
    def page(request: Request) -> Response:
        name = request.path.removeprefix("/") or "demo_page.html"
        if name == "cases.json":
            return Response(cases, content_type="application/json")
        if request.path == PATH or request.path.startswith(f"{PATH}/"):
            return playground.respond(request)
        if name not in FILES:
            return NotFound().get_response()
        text = (files("corecors.cli") / name).read_text(encoding="utf-8")
        response = Response(text, content_type=f"{CONTENT_TYPES[name.rpartition('.')[2]]}; charset=utf-8")
        # Cookies know no ports: this one is for the API as well.
        response.set_cookie(COOKIE_NAME, USER, httponly=True, samesite="Lax")
        response.headers["Content-Security-Policy"] = content_security_policy
        response.headers["Cache-Control"] = "no-store"  # after an update, no old script beside a new page
        return response

    return page


def as_mapping(site: Site, case: Case) -> dict[str, object]:
    """The case as the page's script needs it.

    `frame`: where a frame that it can be tried in comes from; "" for the page itself.
    """
    expected = site.expectation(case)
    return {
        "name": case.name,
        "origin": site.origin(case),
        "by": case.by.name.lower(),
        "frame": {From.STRANGER: site.stranger, From.SANDBOX: site.page}.get(case.by, ""),
        "url": site.api + case.path,
        "method": case.method,
        "headers": case.headers,
        "credentials": case.credentials.value,
        "body": case.body,
        "readable": expected.readable,
        "why": expected.why,
    }
