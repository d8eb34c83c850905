"""`check` and `lint` of applications: the framework's own routing tells which policy governs, and no view runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from corecors.cli.check import check
from corecors.cli.lint import lint
from corecors.cli.routes import routes_of

HEAD = """
from corecors import PathPolicies, Policy
A = "https://app.example.com"
ran = []
wide = Policy(allow_origins=["*"])
strict = Policy(allow_origins=[A], allow_methods=["PUT"], allow_headers=["X-Token"], allow_credentials=True)
by_path = PathPolicies({"/pay": strict}, default=wide)
"""
APPLICATIONS = {
    "wsgi": """
from corecors.adapters.wsgi import CORSMiddleware
def inner(environ, start_response):
    ran.append(1)
    start_response("200 OK", [])
    return []
app = CORSMiddleware(inner, by_path)
""",
    "asgi": """
from corecors.adapters.asgi import CORSMiddleware
async def inner(scope, receive, send):
    ran.append(1)
app = CORSMiddleware(inner, by_path)
""",
    "flask": """
from flask import Flask
from corecors.adapters.flask import CORS, cross_origin
app = Flask("shop")
CORS(app, wide)
@app.get("/")
def index():
    ran.append(1)
@app.put("/pay")
@cross_origin(strict)
def pay():
    ran.append(1)
""",
    "bottle": """
from bottle import Bottle
from corecors.adapters.bottle import CORSPlugin
app = Bottle()
app.install(CORSPlugin(wide))
@app.get("/")
def index():
    ran.append(1)
@app.put("/pay", cors=strict)
def pay():
    ran.append(1)
""",
    "starlette": """
from starlette.applications import Starlette
from starlette.routing import Route
from corecors.adapters.starlette import CORS, cross_origin
async def index(request):
    ran.append(1)
@cross_origin(strict)
async def pay(request):
    ran.append(1)
app = Starlette(routes=[Route("/", index), Route("/pay", pay, methods=["PUT"])])
CORS(app, wide)
""",
    "fastapi": """
from fastapi import FastAPI
from corecors.adapters.starlette import CORS, cross_origin
app = FastAPI()
CORS(app, wide)
@app.get("/")
async def index():
    ran.append(1)
@app.put("/pay")
@cross_origin(strict)
async def pay():
    ran.append(1)
""",
    "aiohttp": """
from aiohttp import web
from corecors.adapters.aiohttp import setup_cors, cross_origin
async def index(request):
    ran.append(1)
@cross_origin(strict)
async def pay(request):
    ran.append(1)
app = web.Application()
app.router.add_get("/", index)
app.router.add_put("/pay", pay)
setup_cors(app, wide)
""",
}
REQUESTS = [
    pytest.param("https://app.example.com", "/", [], 0, "Access-Control-Allow-Origin: *", id="anybody reads the index"),
    pytest.param("https://b.example", "/", ["--credentials"], 1, "is *", id="nobody with credentials"),
    pytest.param("https://app.example.com", "/pay", ["-X", "PUT", "-H", "X-Token", "--credentials"], 0, "", id="ours"),
    pytest.param("https://b.example", "/pay", ["-X", "PUT"], 1, "https://b.example", id="a stranger pays nothing"),
    pytest.param("https://app.example.com", "/pay", ["-X", "PUT", "-H", "X-Other"], 1, "x-other", id="another header"),
]


@pytest.fixture(params=APPLICATIONS)
def module(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with an application under two policies."""
    monkeypatch.chdir(tmp_path)
    name = f"shop_{request.param}_{abs(hash(str(tmp_path)))}"
    Path(f"{name}.py").write_text(HEAD + APPLICATIONS[request.param])
    return name


@pytest.mark.parametrize(("origin", "path", "options", "code", "said"), REQUESTS)
def test_the_policy_of_the_route_decides(
    module: str, origin: str, path: str, options: list[str], code: int, said: str
) -> None:
    result = CliRunner().invoke(check, [f"{module}:app", "--origin", origin, "--path", path, *options])
    assert result.exit_code == code, (result.output, result.exception)
    assert said.lower() in result.output.lower()
    assert __import__(module).ran == []


def test_what_the_preflight_varies_by_is_not_said_of_the_request(module: str) -> None:
    arguments = [f"{module}:app", "--origin", "https://app.example.com", "--path", "/pay", "-X", "PUT", "--json"]
    preflight, actual = json.loads(CliRunner().invoke(check, arguments).output)["runs"][0]["answers"]
    preflight, actual = ({name.lower(): value for name, value in each["headers"]} for each in (preflight, actual))
    assert "access-control-request-method" in preflight["vary"].lower()
    assert actual["vary"] == "Origin"


def test_every_policy_of_an_application_is_linted(module: str) -> None:
    text = Path(f"{module}.py").read_text()
    Path(f"{module}_lint.py").write_text(text.replace('allow_headers=["X-Token"]', 'allow_headers=["*"]'))
    found = json.loads(CliRunner().invoke(lint, [f"{module}_lint:app", "--json"]).output)
    codes = {(warning["field"], warning["code"]) for warning in found["warnings"]}
    assert ("https://app.example.com: allow_headers", "any-header") in codes


def test_a_policy_that_was_refused_and_whose_error_is_kept_is_not_linted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"shop_{abs(hash(str(tmp_path)))}"
    refused = """
from corecors import PolicyError
try:
    Policy(allow_origins=["nonsense"])
except PolicyError as error:
    kept = error
"""
    Path(f"{name}.py").write_text(HEAD + refused + APPLICATIONS["wsgi"])
    result = CliRunner().invoke(lint, [f"{name}:app", "--json"])
    assert result.exception is None, result.exception
    assert json.loads(result.output)["problems"] == []


DJANGO = """
from django.conf import settings
from corecors import PathPolicies, Policy
A = "https://app.example.com"
strict = Policy(allow_origins=[A], allow_methods=["PUT"], allow_headers=["X-Token"], allow_credentials=True)
settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["corecors.adapters.django.CORSMiddleware"],
    CORS_POLICY=PathPolicies({"/pay": strict}, default=Policy(allow_origins=["*"])),
)
import django
django.setup()
from django.urls import path
def view(request):
    open("ran", "w").close()
urlpatterns = [path("", view), path("pay", view)]
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
wsgi, asgi = get_wsgi_application(), get_asgi_application()
"""


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
@pytest.mark.parametrize(("origin", "path", "options", "code", "said"), REQUESTS)
def test_django_is_asked_as_well(
    kind: str, origin: str, path: str, options: list[str], code: int, said: str, tmp_path: Path
) -> None:
    """In a process of its own, since its settings are those of a process."""
    (tmp_path / "shop.py").write_text(DJANGO)
    command = [sys.executable, "-m", "corecors", "check", f"shop:{kind}", "--origin", origin, "--path", path, *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert said.lower() in ended.stdout.lower()
    assert not (tmp_path / "ran").exists()


def test_examples_stand_in_the_places_of_a_path() -> None:
    written = ["/a/{x}", "/b/{x:int}", "/c/<int:x>", "/d/<x:int>", "/e/<uuid:x>", "/f/<x:re:[a-z]+>", r"/g/{x:\d+}"]
    methods = {"PUT", "GET", "HEAD", "OPTIONS"}
    app = SimpleNamespace(routes=[SimpleNamespace(path=path, methods=methods) for path in written])
    paths = ["/a/x", "/b/1", "/c/1", "/d/1", "/e/00000000-0000-4000-8000-000000000000", "/f/x", "/g/1"]
    assert [route.path for route in routes_of(app) if route.method == "PUT"] == paths
    assert [route.is_sure for route in routes_of(app) if route.method == "PUT"] == [True] * 5 + [False, True]


def test_an_application_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("failing_app.py").write_text("def app(environ, start_response): raise KeyError('no\\nsettings')")
    result = CliRunner().invoke(check, ["failing_app:app", "--origin", "https://a.example"])
    assert result.exit_code == 2
    assert result.output.startswith("Error: the application fails when it is asked for a preflight of /: KeyError: ")
    assert result.output.count("\n") == 1


def test_an_application_without_a_policy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gc.get_objects", list)
    Path("bare_app.py").write_text("def app(environ, start_response): ...")
    result = CliRunner().invoke(lint, ["bare_app:app"])
    assert result.exit_code == 2
    assert "the application has no policy" in result.output
