"""Origins in the database: the example project in examples/django, under WSGI and ASGI."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client, override_settings
from django_site import CLIENTS, EXAMPLE, OURS, values
from partners.models import PartnerOrigin
from scenarios import Answer

APP = "https://app.example.com"
PARTNER = "https://shop.partner.example"
STRANGER = "https://stranger.example.net"

Send = Callable[..., Answer]


@pytest.fixture(scope="module", autouse=True)
def database() -> Iterator[None]:
    call_command("migrate", verbosity=0)
    yield
    connections.close_all()
    asyncio.run(sync_to_async(connections.close_all)())


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    PartnerOrigin.objects.all().delete()
    with override_settings(ROOT_URLCONF="project.urls"):
        yield


@pytest.fixture(params=CLIENTS)
def send(request: pytest.FixtureRequest) -> Send:
    return CLIENTS[request.param]


def may_read(send: Send, origin: str) -> bool:
    """Whether a page may read the catalogue. Asserts that the preflight says the same."""
    answer = send("GET", "/api/catalogue", (("Origin", origin),))
    assert answer.status == 200
    asked = (("Origin", origin), ("Access-Control-Request-Method", "PUT"))
    readable = values(answer, "Access-Control-Allow-Origin") == [origin]
    assert (send("OPTIONS", "/api/catalogue", asked).status == 204) == readable
    assert values(answer, "Vary") == ["Origin"]
    return readable


@pytest.mark.parametrize("policy", ["partners.cors.policy", "partners.cors.async_policy"], ids=["sync", "async"])
def test_an_origin_counts_from_the_next_request_on_and_so_does_its_end(send: Send, policy: str) -> None:
    with override_settings(CORS_POLICY=policy, CORS_OPTIONS={"rejections": None}):
        assert may_read(send, APP)
        assert not may_read(send, PARTNER)
        partner = PartnerOrigin.objects.create(origin=PARTNER)
        assert may_read(send, PARTNER)
        assert not may_read(send, STRANGER)
        partner.delete()
        assert not may_read(send, PARTNER)


@pytest.mark.parametrize("policy", ["partners.cors.policy", "partners.cors.async_policy"], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("origin", "asked"),
    [
        pytest.param(APP, False, id="an origin that is listed"),
        pytest.param("null", False, id="null"),
        pytest.param(f"{PARTNER}/", False, id="a malformed one"),
        pytest.param(None, False, id="none"),
        pytest.param(PARTNER, True, id="any other"),
    ],
)
def test_the_database_is_asked_for_what_nothing_else_allows(
    send: Send, policy: str, origin: str | None, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = []
    monkeypatch.setattr(
        PartnerOrigin.objects, "filter", lambda **given: queries.append(given) or PartnerOrigin.objects.none()
    )
    headers = () if origin is None else (("Origin", origin),)
    with override_settings(CORS_POLICY=policy, MIDDLEWARE=[OURS], CORS_OPTIONS={"rejections": None}):
        send("GET", "/api/catalogue", headers)
    assert queries == ([{"origin": PARTNER}] if asked else [])


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        pytest.param("https://shop.partner.example/", "has a trailing slash", id="a trailing slash"),
        pytest.param("shop.partner.example", "no scheme", id="no scheme"),
        pytest.param("https://Shop.Partner.example", "upper case", id="upper case"),
        pytest.param("https://*.partner.example", "", id="a pattern"),
        pytest.param("null", "", id="null"),
    ],
)
def test_the_admin_refuses_what_no_browser_sends_and_says_why(origin: str, told: str) -> None:
    with pytest.raises(ValidationError):
        PartnerOrigin(origin=origin).full_clean()
    get_user_model().objects.all().delete()
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ada", password="1815"))
    with override_settings(CORS_POLICY=None):
        response = client.post("/admin/partners/partnerorigin/add/", {"origin": origin, "note": ""})
        assert response.status_code == 200
        assert told in response.content.decode()
        assert not PartnerOrigin.objects.exists()
        client.post("/admin/partners/partnerorigin/add/", {"origin": PARTNER, "note": "from May on"})
    assert PartnerOrigin.objects.get().origin == PARTNER


@pytest.mark.parametrize("command", [("check",), ("migrate", "--plan")], ids=["check", "migrate"])
def test_the_example_is_a_project_of_its_own(command: tuple[str, ...], tmp_path: Path) -> None:
    copy = shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("__pycache__", "db.sqlite3"))
    environment = {**os.environ, "PYTHONPATH": str(copy), "DJANGO_SETTINGS_MODULE": "project.settings"}
    asked = [sys.executable, "manage.py", *command]
    done = subprocess.run(asked, cwd=copy, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert ("no issues" if command == ("check",) else "partners.0001_initial") in done.stdout


def test_the_migration_is_what_the_model_says() -> None:
    call_command("makemigrations", "partners", check=True, dry_run=True, verbosity=0)
    assert connection.introspection.table_names()
