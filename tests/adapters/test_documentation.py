"""The examples of the doors' pages and of docs/migrating.md, run as they stand there."""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from asgi_client import send as send_asgi
from doc_examples import ADAPTERS
from scenarios import Answer
from wsgi_client import send, values

from corecors import Policy, PolicyError
from corecors._policy.policy import FIELDS
from corecors.adapters.wsgi import CORSMiddleware

DOCS = Path(__file__).parents[2] / "docs"
MIGRATING = (DOCS / "migrating.md").read_text(encoding="utf-8")

APP = "https://app.example.com"
PAY = "https://pay.example.com"
STRANGER = "https://stranger.test"


def bare(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """What the examples wrap."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


def run(page: str, name: str) -> dict[str, Any]:
    """Run the example of that name; the names that it leaves behind."""
    [code] = re.findall(rf"<!-- example: {re.escape(name)} -->\n```python\n(.*?)```", page, re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "example", "app": bare, "application": bare}
    exec(compile(code, name, "exec"), namespace)
    return namespace


def get(app: Any, path: str, origin: str, method: str = "GET") -> Answer:
    return send(app, method, path, (("Origin", origin),))


def preflight(app: Any, path: str, origin: str, method: str = "PUT", names: str = "") -> int:
    asked = (("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", names))
    return send(app, "OPTIONS", path, (("Origin", origin), *asked)).status


def allowed(answer: Answer) -> str | None:
    """The one value of Access-Control-Allow-Origin, if there is one."""
    values = [value for name, value in answer.headers if name == "Access-Control-Allow-Origin"]
    assert len(values) <= 1
    return values[0] if values else None


def credentials(answer: Answer) -> bool:
    return ("Access-Control-Allow-Credentials", "true") in answer.headers


# Adapters


def test_paths() -> None:
    app = run(ADAPTERS, "paths")["app"]
    assert allowed(get(app, "/api", APP)) == APP
    assert allowed(get(app, "/api/users", APP)) == APP
    assert allowed(get(app, "/api/users", STRANGER)) is None
    assert allowed(get(app, "/api/public/x", STRANGER)) == "*"
    assert allowed(get(app, "/api/internal", APP)) is None
    assert allowed(get(app, "/apiary", APP)) is None
    assert allowed(get(app, "/api/public/../users", STRANGER)) is None


def test_wsgi() -> None:
    app = run(ADAPTERS, "wsgi")["app"]
    assert allowed(get(app, "/", "https://pr-7.preview.example.com")) == "https://pr-7.preview.example.com"
    assert preflight(app, "/", APP, "DELETE", "x-request-id") == 204
    assert preflight(app, "/", APP, "PATCH") == 403


def test_flask() -> None:
    app = run(ADAPTERS, "flask")["app"]
    assert allowed(get(app, "/public/status", STRANGER)) == "*"
    assert allowed(get(app, "/payments/7", PAY, "PUT")) == PAY
    assert credentials(get(app, "/payments/7", PAY, "PUT"))
    assert preflight(app, "/payments/7", PAY) == 204
    assert preflight(app, "/payments/7", APP) == 403
    assert allowed(get(app, "/payments/7", APP, "PUT")) is None
    assert allowed(get(app, "/internal", APP)) is None
    assert allowed(get(app, "/nowhere", APP)) == APP
    assert preflight(app, "/nowhere", APP) == 204


def test_flask_factory() -> None:
    names = run(ADAPTERS, "flask-factory")
    assert allowed(get(names["app"], "/", APP)) == APP
    with pytest.raises(PolicyError, match="write CORS_ALLOW_ORIGINS"):
        names["create_app"]({"CORS_ORIGINS": "*"})
    assert allowed(get(names["create_app"]({"CORS_ALLOW_ORIGINS": "*"}), "/", APP)) == "*"


def test_bottle() -> None:
    app = run(ADAPTERS, "bottle")["app"]
    assert allowed(get(app, "/payments/7", PAY, "PUT")) == PAY
    assert preflight(app, "/payments/7", PAY) == 204
    assert preflight(app, "/payments/7", APP) == 403
    assert allowed(get(app, "/internal", APP)) is None
    assert allowed(get(app, "/api/status", STRANGER)) == "*"
    assert allowed(get(app, "/nowhere", APP)) == APP


def test_core() -> None:
    answer = run(ADAPTERS, "core")["answer"]

    def respond() -> tuple[int, dict[str, str]]:
        return 201, {"access-control-allow-origin": "*", "Vary": "Accept", "Content-Type": "text/plain"}

    def never() -> tuple[int, dict[str, str]]:
        raise AssertionError("the application was called for a preflight")

    status, headers = answer("OPTIONS", {"Origin": APP, "ACCESS-CONTROL-REQUEST-METHOD": "PUT"}, never)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, APP)
    assert answer("OPTIONS", {"origin": APP, "access-control-request-method": "PATCH"}, never)[0] == 403
    own = {"Content-Type": "text/plain", "Vary": "Accept, Origin"}
    for name in ("origin", "Origin", "ORIGIN"):
        assert answer("GET", {name: APP}, respond) == (201, {"Access-Control-Allow-Origin": APP, **own})
    assert answer("GET", {}, respond) == (201, own)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # of the library, at its import
def test_pyramid(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyramid")
    monkeypatch.setitem(sys.modules, "example", ModuleType("example"))  # Pyramid looks up who calls it
    namespace = run(ADAPTERS, "pyramid")
    app = namespace["main"]({})
    assert allowed(get(app, "/orders", APP)) == APP
    assert allowed(get(app, "/orders", STRANGER)) is None
    assert (get(app, "/nowhere", APP).status, allowed(get(app, "/nowhere", APP))) == (404, APP)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_pyramid_turns_exceptions_into_responses_only_where_it_is_told_to() -> None:
    pyramid = pytest.importorskip("pyramid.config")
    failed = run(ADAPTERS, "pyramid")["failed"]

    def broken(request: Any) -> None:
        raise RuntimeError("the view failed")

    for is_told in (False, True):
        with pyramid.Configurator() as config:
            config.add_route("broken", "/broken")
            config.add_view(broken, route_name="broken")
            if is_told:
                config.add_exception_view(failed, context=Exception)
            app = CORSMiddleware(config.make_wsgi_app(), Policy(allow_origins=[APP]))
        if is_told:
            assert (get(app, "/broken", APP).status, allowed(get(app, "/broken", APP))) == (500, APP)
        else:
            with pytest.raises(RuntimeError, match="the view failed"):
                get(app, "/broken", APP)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_connexion(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("connexion")
    from starlette.convertors import CONVERTOR_TYPES

    for kind in ("float", "int"):  # connexion puts its own in their place, for every application of the process
        monkeypatch.setitem(CONVERTOR_TYPES, kind, CONVERTOR_TYPES[kind])
    monkeypatch.setitem(sys.modules, "operations", SimpleNamespace(orders=lambda: "none"))
    names = run(ADAPTERS, "connexion")
    operation = {"operationId": "operations.orders", "responses": {"200": {"description": "all"}}}
    paths = {"/orders": {"get": operation}}
    names["application"].add_api({"openapi": "3.0.0", "info": {"title": "orders", "version": "1"}, "paths": paths})
    for path, status in (("/orders", 200), ("/nowhere", 404)):
        answer = send_asgi(names["app"], "GET", path, (("Origin", APP),))
        assert (answer.status, values(answer, "Access-Control-Allow-Origin")) == (status, [APP])
    with pytest.raises(TypeError, match=r"corecors\.adapters\.asgi"):
        CORSMiddleware(names["application"], Policy())


# Coming from another library


def test_flask_cors_simple() -> None:
    app = run(MIGRATING, "flask-cors simple")["app"]
    answer = get(app, "/", STRANGER)
    assert (answer.body, allowed(answer)) == (b"Hello, other origins!", "*")
    assert preflight(app, "/", STRANGER, "DELETE", "x-anything") == 204


def test_flask_cors_resources() -> None:
    app = run(MIGRATING, "flask-cors resources")["app"]
    assert allowed(get(app, "/api/v1/users", STRANGER)) == "*"
    assert allowed(get(app, "/api/nowhere", STRANGER)) == "*"
    assert allowed(get(app, "/", STRANGER)) is None
    assert allowed(get(app, "/apiary", STRANGER)) is None


def test_flask_cors_route() -> None:
    app = run(MIGRATING, "flask-cors route")["app"]
    assert allowed(get(app, "/", STRANGER)) == "*"
    assert preflight(app, "/", STRANGER, "GET") == 204
    assert allowed(get(app, "/own", STRANGER)) is None


def test_flask_cors_blueprint() -> None:
    app = run(MIGRATING, "flask-cors blueprint")["app"]
    assert allowed(get(app, "/api/users", APP)) == APP
    assert credentials(get(app, "/api/users", APP))
    assert allowed(get(app, "/api/users", STRANGER)) is None
    assert allowed(get(app, "/nowhere", APP)) is None


def test_bottle_cors_plugin() -> None:
    app = run(MIGRATING, "bottle-cors-plugin")["app"]
    assert allowed(get(app, "/users", APP)) == APP
    assert allowed(get(app, "/nowhere", APP)) == APP
    assert allowed(get(app, "/users", STRANGER)) is None
    assert preflight(app, "/users", APP, "PATCH", "authorization,content-type") == 204


def test_django_cors_headers() -> None:
    app = CORSMiddleware(bare, run(MIGRATING, "django-cors-headers")["CORS_POLICY"])
    assert allowed(get(app, "/api/users", APP)) == APP
    assert credentials(get(app, "/api/users", APP))
    assert preflight(app, "/api/users", APP, "PATCH", "authorization,x-csrftoken") == 204
    assert allowed(get(app, "/admin/", APP)) is None


def test_wsgicors() -> None:
    app = run(MIGRATING, "wsgicors")["app"]
    assert allowed(get(app, "/", "https://any.example.org")) == "https://any.example.org"
    assert allowed(get(app, "/", "https://evil.test:any.example.org")) is None
    assert preflight(app, "/", APP, "PUT", "x-request-id") == 204


def test_falcon() -> None:
    app = run(MIGRATING, "falcon")["app"]
    assert allowed(get(app, "/", APP)) == APP
    assert preflight(app, "/", APP, "PUT") == 204


def test_what_is_refused_here_and_reflects_everybody_there() -> None:
    with pytest.raises(PolicyError, match="with credentials"):
        Policy(allow_origins=["*"], allow_credentials=True)


@pytest.mark.parametrize("page", [ADAPTERS, MIGRATING], ids=["adapters", "migrating"])
def test_every_example_is_run_here_or_beside(page: str) -> None:
    beside = Path(__file__).parent.glob("test_*documentation*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(beside))
    marked = re.findall(r"<!-- example: (.*?) -->\n```python", page)
    assert len(marked) == page.count("```python")
    assert [name for name in marked if f'"{name}"' not in source] == []


def test_the_tables_name_arguments_that_exist() -> None:
    rows = [line.split("|")[-2] for line in MIGRATING.splitlines() if line.startswith("| ") and "---" not in line]
    named = {name for row in rows for name in re.findall(r"\b(?:allow_[a-z_]+|expose_headers|max_age)\b", row)}
    assert named <= set(FIELDS)
    assert len(named) >= 8
