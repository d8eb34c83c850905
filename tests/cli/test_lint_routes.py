"""`lint` of applications: their routes compared with their policies, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# `FAULTY` stands in an application for what should not be there. In each, the methods of /lacks are more than its
# policy lists; a view is marked and not routed; and of two routes for the same paths the second is never reached.
HEAD = """
from corecors import Policy
A = "https://app.example.com"
wide = Policy(allow_origins=["*"], allow_methods=["PUT"])
strict = Policy(allow_origins=[A], allow_methods=["PUT"], allow_headers=["X-Token"], allow_credentials=True)
def ran():
    open("ran", "w").close()
"""
APPLICATIONS = {
    "flask": """
from flask import Flask
from corecors.adapters.flask import CORS, cross_origin
app = Flask("shop")
CORS(app, wide)
@app.put("/pay")
@cross_origin(strict)
def pay(): ran()
@app.get("/closed")
@cross_origin(None)
def closed(): ran()
if FAULTY:
    @app.delete("/lacks/<int:x>")
    @cross_origin(strict)
    def lacks(x): ran()
    @app.put("/shop/<x>")
    def first(x): ran()
    @app.put("/shop/<y>")
    @cross_origin(strict)
    def second(y): ran()
    @cross_origin(strict)
    def orphan(): ran()
""",
    "bottle": """
from bottle import Bottle
from corecors.adapters.bottle import CORSPlugin
app = Bottle()
app.install(CORSPlugin(wide))
@app.put("/pay", cors=strict)
def pay(): ran()
@app.get("/closed", cors=None)
def closed(): ran()
if FAULTY:
    @app.delete("/lacks/<x:int>", cors=strict)
    def lacks(x): ran()
    @app.put("/shop/<x:re:[a-z]+>")
    def first(x): ran()
    @app.put("/shop/<y>", cors=strict)
    def second(y): ran()
""",
    "starlette": """
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Mount, Route
from corecors.adapters.starlette import CORS, cross_origin
@cross_origin(strict)
class Pay(HTTPEndpoint):
    async def put(self, request): ran()
@cross_origin(None)
async def closed(request): ran()
routes = [Mount("/in", routes=[Route("/pay", Pay)]), Route("/closed", closed)]
if FAULTY:
    @cross_origin(strict)
    async def lacks(request): ran()
    async def first(request): ran()
    @cross_origin(strict)
    async def second(request): ran()
    @cross_origin(strict)
    async def orphan(request): ran()
    routes += [Route("/lacks/{x:int}", lacks, methods=["DELETE"]), Route("/shop/{x}", first, methods=["PUT"])]
    routes += [Route("/shop/{y}", second, methods=["PUT"])]
app = Starlette(routes=routes)
CORS(app, wide)
""",
    "fastapi": """
from fastapi import APIRouter, FastAPI
from corecors.adapters.starlette import CORS, cross_origin
app = FastAPI()
CORS(app, wide)
router = APIRouter(prefix="/in")
@router.put("/pay")
@cross_origin(strict)
async def pay(): ran()
app.include_router(router)
@app.get("/closed")
@cross_origin(None)
async def closed(): ran()
if FAULTY:
    @app.delete("/lacks/{x}")
    @cross_origin(strict)
    async def lacks(x: int): ran()
    @app.put("/shop/{x}")
    async def first(x): ran()
    @app.put("/shop/{y}")
    @cross_origin(strict)
    async def second(y): ran()
    @cross_origin(strict)
    async def orphan(): ran()
""",
    "aiohttp": """
from aiohttp import web
from corecors.adapters.aiohttp import setup_cors, cross_origin
@cross_origin(strict)
class Pay(web.View):
    async def put(self): ran()
@cross_origin(None)
async def closed(request): ran()
app = web.Application()
app.router.add_view("/pay", Pay)
app.router.add_get("/closed", closed)
if FAULTY:
    @cross_origin(strict)
    async def lacks(request): ran()
    async def first(request): ran()
    @cross_origin(strict)
    async def second(request): ran()
    @cross_origin(strict)
    async def orphan(request): ran()
    app.router.add_delete("/lacks/{x}", lacks)
    app.router.add_put("/shop/{x}", first)
    app.router.add_put("/shop/{y}", second)
setup_cors(app, wide)
""",
    "django": """
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["corecors.adapters.django.CORSMiddleware"],
    CORS_POLICY=wide,
)
import django
django.setup()
from django.http import HttpResponse
from django.urls import include, path, re_path
from django.views import View
from django.views.decorators.http import require_http_methods
from corecors.adapters.django import cross_origin
@cross_origin(strict)
class Pay(View):
    def put(self, request): ran()
@require_http_methods(["GET"])
@cross_origin(None)
def closed(request): ran()
inside = [path("pay", Pay.as_view()), re_path(r"^old/(?P<year>[0-9]{4})$", Pay.as_view())]
urlpatterns = [path("in/", include(inside)), path("closed", closed)]
if FAULTY:
    @require_http_methods(["DELETE"])
    @cross_origin(strict)
    def lacks(request, x): ran()
    def first(request, x): ran()
    @cross_origin(strict)
    def second(request, y): ran()
    @cross_origin(strict)
    def orphan(request): ran()
    urlpatterns += [path("lacks/<int:x>", lacks), path("shop/<x>", first), path("shop/<y>", second)]
from django.core.wsgi import get_wsgi_application
app = get_wsgi_application()
""",
}
CODES = ("method-of-route", "mark-without-route", "preflight-of-another", "application-fails")


def linted(folder: Path, framework: str, *, faulty: bool) -> dict[str, list[str]]:
    """What is found about the routes: by its code, the names."""
    text = f"FAULTY = {faulty}\n{HEAD}{APPLICATIONS[framework]}"
    (folder / "shop.py").write_text(text)
    command = [sys.executable, "-m", "corecors", "lint", "shop:app", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)
    assert ended.returncode in (0, 1), ended.stderr
    assert not (folder / "ran").exists(), "a view ran"
    data = json.loads(ended.stdout)
    found: dict[str, list[str]] = {}
    for each in data["problems"] + data["warnings"]:
        if each["code"] in CODES:
            found.setdefault(each["code"], []).append(each["field"])
    return found


@pytest.mark.parametrize("framework", APPLICATIONS)
def test_nothing_is_found_where_nothing_is_wrong(framework: str, tmp_path: Path) -> None:
    assert linted(tmp_path, framework, faulty=False) == {}


@pytest.mark.parametrize("framework", APPLICATIONS)
def test_what_is_wrong_about_a_route_is_found(framework: str, tmp_path: Path) -> None:
    expected = {
        "method-of-route": ["DELETE /lacks/1" if framework not in ("fastapi", "aiohttp") else "DELETE /lacks/x"],
        "mark-without-route": ["shop.orphan"],
        "preflight-of-another": ["GET /shop/x" if framework == "django" else "PUT /shop/x"],
    }
    if framework == "bottle":  # a policy is an option of the route there
        del expected["mark-without-route"]
    if framework == "flask":  # whose door serves nothing where a policy would be lost
        expected = {"mark-without-route": ["shop.orphan"], "application-fails": ["routes"]}
    assert linted(tmp_path, framework, faulty=True) == expected


@pytest.mark.parametrize("framework", ["starlette", "flask", "aiohttp"])
@pytest.mark.parametrize("given", ["*a", "*a, view=view"])
def test_a_mark_that_a_decorator_hides_is_found(given: str, framework: str, tmp_path: Path) -> None:
    hiding = f"def hiding(view):\n    async def outer({given}): return await view(*a)\n    return outer\n"
    if framework == "flask":
        hiding = hiding.replace("async ", "").replace("await ", "")
    text = APPLICATIONS[framework].replace("@cross_origin(None)", "@hiding\n@cross_origin(None)")
    (tmp_path / "hiding.py").write_text(hiding)
    APPLICATIONS[f"{framework}, hidden"] = f"from hiding import hiding\n{text}"
    try:
        found = linted(tmp_path, f"{framework}, hidden", faulty=False)
    finally:
        del APPLICATIONS[f"{framework}, hidden"]
    hidden = {"preflight-of-another": ["GET /closed", "HEAD /closed"]}
    assert found == (hidden if framework == "starlette" else {"application-fails": ["routes"]})
