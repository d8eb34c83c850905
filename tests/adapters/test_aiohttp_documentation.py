"""The examples for aiohttp in docs/aiohttp.md and docs/migrating.md, run as they stand there."""

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp_client import Request, send_all
from asgi_client import values

DOCS = Path(__file__).parents[2] / "docs"
APP, PAY, ADMIN = "https://app.example.com", "https://pay.example.com", "https://admin.example.com"
STRANGER = "https://stranger.test"
ORIGINS = (APP, PAY, ADMIN, STRANGER)
ANYONE = dict.fromkeys(ORIGINS, "*")


def example(page: str, name: str) -> Any:
    """The application that the example of that name makes."""
    text = (DOCS / page).read_text(encoding="utf-8")
    [code] = re.findall(rf"<!-- example: {re.escape(name)} -->\n```python\n(.*?)```", text, re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, name, "exec"), namespace)
    return namespace["app"]


@pytest.mark.parametrize(
    ("page", "name", "path", "method", "allowed"),
    [
        pytest.param("aiohttp.md", "aiohttp", "/articles", "GET", {APP: APP}, id="the application's policy"),
        pytest.param("aiohttp.md", "aiohttp", "/nowhere", "GET", {APP: APP}, id="no such path"),
        pytest.param("aiohttp.md", "aiohttp", "/status", "GET", ANYONE, id="anyone"),
        pytest.param("aiohttp.md", "aiohttp", "/payments/7", "PUT", {PAY: PAY}, id="a class of views"),
        pytest.param("aiohttp.md", "aiohttp", "/payments/7", "DELETE", {}, id="a method of it"),
        pytest.param("aiohttp.md", "aiohttp", "/admin/users", "GET", {ADMIN: ADMIN}, id="a sub-application"),
        pytest.param("migrating.md", "aiohttp-cors", "/items", "GET", {APP: APP}, id="moved from aiohttp-cors"),
        pytest.param("migrating.md", "aiohttp-cors", "/payments", "PUT", {PAY: PAY}, id="moved, one route of its own"),
    ],
)
def test_an_example_does_what_its_page_says(
    page: str, name: str, path: str, method: str, allowed: dict[str, str]
) -> None:
    app = example(page, name)
    asks = ("Access-Control-Request-Method", method)
    requests = [Request(method, path, [("Origin", origin)]) for origin in ORIGINS]
    requests += [Request("OPTIONS", path, [("Origin", origin), asks]) for origin in ORIGINS]
    got = [values(answer, "access-control-allow-origin") for answer in send_all(app, requests)]
    assert got == [[allowed[origin]] if origin in allowed else [] for origin in ORIGINS * 2]
