"""docs/django.md says what is there: its code runs, its tables are complete."""

import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from django.urls import path
from django.views import View
from django_site import DEFAULTS
from ninja import NinjaAPI
from rest_framework.viewsets import ViewSet

from corecors import PathPolicies, Policy, preflight_headers
from corecors.adapters.django import checks, policy_from_settings
from corecors.adapters.django.marks import mark_of
from corecors.adapters.routed import DoorOptions

PAGE = (Path(__file__).parents[2] / "docs" / "django.md").read_text(encoding="utf-8")


def run(beginning: str, page: str = PAGE, **known: Any) -> SimpleNamespace:
    """Run the one block of `page` that begins like this; the names that it leaves behind."""
    (block,) = [block for block in re.findall(r"```py\n(.*?)```", page, re.DOTALL) if block.startswith(beginning)]
    exec(compile(block, "a page's example", "exec"), known)
    return SimpleNamespace(**known)


def test_the_settings_that_the_page_begins_with_are_right() -> None:
    settings = run("INSTALLED_APPS = [")
    middleware = [name for name in settings.MIDDLEWARE if name is not ...]
    (app,) = [name for name in settings.INSTALLED_APPS if name is not ...]
    assert app in DEFAULTS["INSTALLED_APPS"]
    with override_settings(CORS_POLICY=settings.CORS_POLICY, MIDDLEWARE=[*middleware, *DEFAULTS["MIDDLEWARE"][1:]]):
        assert [message for message in run_checks() if str(message.id).startswith("corecors.")] == []
        assert isinstance(policy_from_settings(), Policy)


def test_paths_are_as_the_page_has_them() -> None:
    policies = run("from corecors import PathPolicies, Policy").CORS_POLICY
    assert isinstance(policies, PathPolicies)
    assert policies.for_path("/api/public/x").allows_any_origin


def test_views_have_the_policies_that_the_page_gives_them() -> None:
    api = NinjaAPI(urls_namespace="documented")
    page = run("from corecors import Policy\nfrom corecors.adapters", View=View, ViewSet=ViewSet, api=api, path=path)
    assert mark_of(page.pay, "GET").policy is page.PAY
    report = page.urlpatterns[0].callback
    assert mark_of(report, "PUT").policy is page.PAY
    assert preflight_headers(page.PAY, "https://pay.example.com", "PUT")["Access-Control-Allow-Methods"] == "PUT"
    assert mark_of(report, "GET").policy is None
    assert mark_of(page.Invoices.as_view({"get": "list"}), "GET").policy is page.PAY
    (ninja,) = [each for each in api.urls[0] if str(each.pattern) == "balance"]
    assert mark_of(ninja.callback, "GET").policy is page.PAY


@pytest.mark.parametrize("beginning", ["# shop/cors.py", "# project/asgi.py"])
def test_what_needs_a_project_of_its_own_is_python_at_least(beginning: str) -> None:
    (block,) = [block for block in re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL) if block.startswith(beginning)]
    compile(block, "docs/django.md", "exec")


def test_every_block_is_looked_at_here() -> None:
    assert PAGE.count("```py\n") == 5
    assert "```python" not in PAGE


def test_the_table_has_every_check() -> None:
    source = inspect.getsource(checks)
    made = set(re.findall(r"\"corecors\.([EW][0-9]+)\"", source))
    assert len(made) >= 11
    assert set(re.findall(r"^\| `corecors\.([EW][0-9]+)` \|", PAGE, re.MULTILINE)) == made
    assert set(re.findall(r"^\| ([EW][0-9]+) \|", source, re.MULTILINE)) == made


def test_the_table_has_every_option() -> None:
    (row,) = re.findall(r"^\| `CORS_OPTIONS` \| (.*) \|$", PAGE, re.MULTILINE)
    named = re.findall(r"`(\w+)`", row.partition("(")[0])
    assert named == list(DoorOptions.__annotations__)
