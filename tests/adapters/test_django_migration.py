"""docs/migrating.md, step by step: a project with django-cors-headers is moved, and a browser notices nothing."""

import importlib.util
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import django_asked
import pytest
from django_moved import OLD_MIDDLEWARE, moved

SUPPORT = Path(django_asked.__file__).parent
PROJECTS = 10
REQUESTS = 100  # each project's

URLS = """
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def items(request, number=0):
    return HttpResponse("ok", headers={"X-Total": "7", "X-Page": "1"})

def error(request):
    raise RuntimeError("the view failed")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", items),
    path("api/items", items),
    path("api/items/<int:number>", items),
    path("api/slash/", items),
    path("api/error", error),
    path("apiary", items),
]
"""


def random_settings(choose: random.Random) -> dict[str, Any]:
    """Settings of django-cors-headers, new and old, that a project may have."""
    settings: dict[str, Any] = {}
    credentials = choose.random() < 0.5
    everybody = not credentials and choose.random() < 0.25
    origins = [origin for origin in django_asked.ORIGINS[:8] if ".evil" not in origin]
    if credentials:  # plain http with credentials is refused here, as the guide says
        origins = [origin for origin in origins if origin.startswith("https:") or "localhost" in origin]
    listed = choose.sample(origins, choose.randint(1, 3))
    old = choose.random() < 0.3
    if everybody:
        settings["CORS_ORIGIN_ALLOW_ALL" if old else "CORS_ALLOW_ALL_ORIGINS"] = True
    else:
        settings["CORS_ORIGIN_WHITELIST" if old else "CORS_ALLOWED_ORIGINS"] = listed
    if not everybody and choose.random() < 0.4:
        name = "CORS_ORIGIN_REGEX_WHITELIST" if old else "CORS_ALLOWED_ORIGIN_REGEXES"
        settings[name] = [
            choose.choice([r"^https://pr-[0-9]+\.preview\.example\.com$", r"^https://\w+\.example\.com$"])
        ]
    if credentials:
        settings["CORS_ALLOW_CREDENTIALS"] = True
    if choose.random() < 0.4:
        settings["CORS_ALLOW_METHODS"] = choose.sample(["GET", "POST", "PUT", "PATCH", "DELETE"], 3)
    if choose.random() < 0.4:
        settings["CORS_ALLOW_HEADERS"] = choose.sample(["authorization", "content-type", "x-token", "x-csrftoken"], 2)
    if choose.random() < 0.5:
        settings["CORS_EXPOSE_HEADERS"] = choose.sample(["X-Total", "X-Page"], choose.randint(1, 2))
    if choose.random() < 0.5:
        settings["CORS_PREFLIGHT_MAX_AGE"] = choose.choice([0, 600])
    if choose.random() < 0.4:
        settings["CORS_URLS_REGEX"] = r"^/api/.*$"
    if choose.random() < 0.2:
        settings["CORS_ALLOW_PRIVATE_NETWORK"] = True
    return settings


def run(project: Path, *command: str) -> str:
    """What a command prints in a project's folder. A warning in it is no failure of ours: other libraries run there."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "site_of_test.settings",
        "PYTHONPATH": os.pathsep.join([str(project), str(SUPPORT)]),
    }
    done = subprocess.run([sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def asked(project: Path, seed: int) -> list[dict[str, Any]]:
    lines = run(project, str(SUPPORT / "django_asked.py"), str(seed), str(REQUESTS)).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]  # the rest is Django's log


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as `django-admin startproject` makes it, with django-cors-headers as its own page says."""
    folder = tmp_path_factory.mktemp("moved")
    run(folder, "-m", "django", "startproject", "--settings=django.conf.global_settings", "site_of_test", str(folder))
    (folder / "site_of_test" / "urls.py").write_text(URLS)
    settings = folder / "site_of_test" / "settings.py"
    text = settings.read_text()
    text = text.replace("ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['testserver']").replace("DEBUG = True", "DEBUG = False")
    text = text.replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'corsheaders',")
    text = text.replace("    'django.middleware.common", f"    '{OLD_MIDDLEWARE}',\n    'django.middleware.common")
    settings.write_text(text)
    return folder


@pytest.mark.parametrize("seed", range(PROJECTS))
def test_a_browser_notices_nothing(started: Path, seed: int) -> None:
    settings = started / "site_of_test" / "settings.py"
    plain = settings.read_text()
    chosen = random_settings(random.Random(seed))
    try:
        old = plain + "".join(f"{name} = {value!r}\n" for name, value in chosen.items())
        settings.write_text(old)
        before = asked(started, seed)
        settings.write_text(moved(old))
        assert "corsheaders" not in settings.read_text()
        checked = run(started, "manage.py", "check", "--tag", "corecors")
        after = asked(started, seed)
    finally:
        settings.write_text(plain)
    # Nothing is left to move. With cookies, it says what the project lacked before as well.
    lacking = {"corecors.W004", "corecors.W005"} if "CORS_ALLOW_CREDENTIALS" in chosen else set()
    assert set(re.findall(r"corecors\.[EW][0-9]+", checked)) <= lacking
    assert "System check identified" in checked
    assert len(before) == REQUESTS
    assert [(was, now) for was, now in zip(before, after, strict=True) if was != now] == []
    assert len({was["readable"] for was in before}) == 2, "requests of both kinds"


def test_the_guide_names_every_setting_of_the_library() -> None:
    folder = Path(importlib.util.find_spec("corsheaders").origin).parent
    source = "".join((folder / name).read_text() for name in ("checks.py", "conf.py"))
    page = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")
    names = set(re.findall(r"CORS_[A-Z_]+", source))
    assert len(names) == 15
    assert {name for name in names if f"| `{name}` |" not in page} == set()
    assert "`check_request_enabled`" in page
