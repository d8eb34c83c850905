"""What `manage.py check` says: nothing about a right project, and of each wrong setting what to write instead."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django_site import DEFAULTS, OURS

from corecors import OriginPolicies, PathPolicies, Policy
from corecors.adapters.django import cross_origin
from corecors.adapters.django.checks import check_cors

APP = "https://app.example.com"
POLICY = Policy(allow_origins=[APP])
CREDENTIALS = POLICY.replace(allow_credentials=True)
MIDDLEWARE: list[str] = DEFAULTS["MIDDLEWARE"]
FIRST = f'put it first: MIDDLEWARE = ["{OURS}", ...]'
TRUSTED = {"CSRF_TRUSTED_ORIGINS": [APP]}
AT_HOME = {"ALLOWED_HOSTS": ["api.example.com"]}  # the same site as the origin
ABROAD = {"ALLOWED_HOSTS": ["api.example.net"], **TRUSTED}
NONE = {"SESSION_COOKIE_SAMESITE": "None", "CSRF_COOKIE_SAMESITE": "None"}
SECURE = {"SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True}


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def hiding(known: Callable[[], bool]) -> Callable[[Any], Any]:
    def decorate(view: Any) -> Any:
        return lambda request: view(request) if known() else None

    return decorate


HIDDEN = (path("api/", include([path("pay", hiding(lambda: True)(cross_origin(POLICY)(view)))])),)


def said(**changed: Any) -> list[CheckMessage]:
    """What the checks say of this project with other settings; `...` takes a setting out."""
    with override_settings(**{"CORS_POLICY": POLICY} | {name: it for name, it in changed.items() if it is not ...}):
        for name in [name for name, it in changed.items() if it is ...]:
            delattr(settings, name)
        return [message for message in run_checks() if str(message.id).startswith("corecors.")]


WRONG = [
    pytest.param({"CORS_POLICY": ...}, "E001", "CORS_POLICY is missing", "write CORS_POLICY = Policy(", id="no policy"),
    pytest.param({"CORS_POLICY": 7}, "E002", "is of type int", "a Policy belongs there", id="a number"),
    pytest.param({"CORS_POLICY": [APP]}, "E002", "is of type list", "a Policy belongs there", id="a list of origins"),
    pytest.param({"CORS_POLICY": Policy}, "E002", "is the class Policy", "a Policy belongs there", id="a class"),
    pytest.param(
        {"CORS_POLICY": "shop.cors.policy"}, "E002", "cannot be imported", "something that exists", id="a name"
    ),
    pytest.param({"CORS_POLICY": "*"}, "E002", "'*', which cannot be imported", "the dotted name", id="a star"),
    pytest.param({"CORS_POLICY": f"{__name__}.view"}, "E002", "type function", "policy_for(request)", id="a function"),
    pytest.param(
        {"CORS_POLICY": {"allow_origins": [f"{APP}/"]}}, "E003", "has a trailing slash", f"write '{APP}'", id="a slash"
    ),
    pytest.param(
        {"CORS_POLICY": {"allow_origins": ["app.example.com"]}}, "E003", "no scheme", f"write '{APP}'", id="no scheme"
    ),
    pytest.param(
        {"CORS_POLICY": {"allow_origins": APP}}, "E003", "allow_origins", f"write ['{APP}']", id="text for a list"
    ),
    pytest.param(
        {"CORS_POLICY": {"allow_origins": ["*"], "allow_credentials": True}},
        "E003",
        "every visitor",
        "list the origins",
        id="anybody, with credentials",
    ),
    pytest.param(
        {"CORS_POLICY": {"alow_origins": [APP]}},
        "E003",
        "a name that no policy has",
        f"write allow_origins=['{APP}']",
        id="a misspelt argument",
    ),
    pytest.param(
        {"CORS_POLICY": {"CORS_ALLOWED_ORIGINS": [APP]}},
        "E003",
        "a name of django-cors-headers",
        f"write allow_origins=['{APP}']",
        id="another library's argument",
    ),
    pytest.param(
        {"CORS_POLICY": {"allow_methods": ["Patch"]}}, "E003", "'Patch'", "write 'PATCH'", id="a method in lower case"
    ),
    pytest.param(
        {"CORS_OPTIONS": {"block_disalowed": True}},
        "E004",
        "'block_disalowed' is not an option",
        "write 'block_disallowed'",
        id="a misspelt option",
    ),
    pytest.param(
        {"CORS_OPTIONS": {"block_disallowed": "no"}}, "E004", "'no'", "must be True or False", id="an option's value"
    ),
    pytest.param(
        {"CORS_OPTIONS": {"own_origins": ["www.example.com"]}},
        "E004",
        "own_origins: 'www.example.com' has no scheme",
        "https://www.example.com",
        id="own_origins",
    ),
    pytest.param({"CORS_OPTIONS": {"own_origins": APP}}, "E004", APP, "a list of origins", id="own_origins as text"),
    pytest.param({"CORS_OPTIONS": {"on_decision": 7}}, "E004", "7 is given", "must be a function", id="a hook"),
    pytest.param(
        {"CORS_OPTIONS": {"report_only": {"allow_origins": [f"{APP}/"]}}},
        "E004",
        "['report_only']: allow_origins",
        f"write '{APP}'",
        id="a policy to try",
    ),
    pytest.param(
        {"CORS_OPTIONS": [True]}, "E004", "type list", "a dict of options belongs there", id="options in a list"
    ),
    pytest.param({"MIDDLEWARE": MIDDLEWARE[1:]}, "E005", "lacks the middleware", FIRST, id="no middleware"),
    pytest.param(
        {"MIDDLEWARE": ["corecors.adapters.wsgi.CORSMiddleware", *MIDDLEWARE[1:]]},
        "E005",
        "which is not Django's",
        f'write "{OURS}" instead',
        id="another framework's middleware",
    ),
    pytest.param({"MIDDLEWARE": [OURS, *MIDDLEWARE]}, "E005", "twice", "leave one out", id="the middleware twice"),
    pytest.param({"ROOT_URLCONF": HIDDEN}, "E006", "'api/pay'", "functools.wraps", id="a view that nobody can tell"),
    *(
        pytest.param({"MIDDLEWARE": [name, *MIDDLEWARE]}, "W001", name, FIRST, id=f"below {name.rsplit('.', 1)[-1]}")
        for name in (
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
            "django.middleware.cache.FetchFromCacheMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "shop.middleware.MaintenanceMode",
            "django_ratelimit.middleware.RatelimitMiddleware",
        )
    ),
    pytest.param(
        {"MIDDLEWARE": [MIDDLEWARE[1], OURS, *MIDDLEWARE[2:]], "SECURE_SSL_REDIRECT": True},
        "W001",
        "SecurityMiddleware",
        FIRST,
        id="below the redirect to https",
    ),
    pytest.param(
        {"MIDDLEWARE": [*MIDDLEWARE, "corsheaders.middleware.CorsMiddleware"]},
        "W002",
        "MIDDLEWARE has 'corsheaders.middleware.CorsMiddleware'",
        "take it out",
        id="django-cors-headers still there",
    ),
    *(
        pytest.param({name: value}, "W003", f"{name} has no effect", hint, id=name)
        for name, value, hint in (
            ("CORS_ALLOWED_ORIGINS", [APP], f"in CORS_POLICY, write allow_origins=['{APP}']"),
            ("CORS_ORIGIN_WHITELIST", [APP], f"in CORS_POLICY, write allow_origins=['{APP}']"),
            ("CORS_ALLOWED_ORIGIN_REGEXES", [r"https://a\.example"], r"allow_origin_regexes=[r'https://a\.example']"),
            ("CORS_ORIGIN_REGEX_WHITELIST", [r"https://a\.example"], r"allow_origin_regexes=[r'https://a\.example']"),
            ("CORS_ALLOW_ALL_ORIGINS", True, "in CORS_POLICY, write allow_origins=['*']"),
            ("CORS_ORIGIN_ALLOW_ALL", False, "leave it out"),
            ("CORS_URLS_REGEX", r"^/api/.*$", 'PathPolicies({"/api/": Policy(...)})'),
            ("CORS_ALLOW_METHODS", ["GET", "PUT"], "in CORS_POLICY, write allow_methods=['GET', 'PUT']"),
            ("CORS_ALLOW_HEADERS", ["x-token"], "in CORS_POLICY, write allow_headers=['x-token']"),
            ("CORS_EXPOSE_HEADERS", ["X-Total"], "in CORS_POLICY, write expose_headers=['X-Total']"),
            ("CORS_ALLOW_CREDENTIALS", True, "in CORS_POLICY, write allow_credentials=True"),
            ("CORS_PREFLIGHT_MAX_AGE", 600, "in CORS_POLICY, write max_age=600"),
            ("CORS_ALLOW_PRIVATE_NETWORK", True, "leave it out: browsers have given that header up"),
            ("CORS_REPLACE_HTTPS_REFERER", True, "leave it out: Django has CSRF_TRUSTED_ORIGINS"),
            ("CORS_MODEL", "shop.Origin", "a policy source"),
            ("CORS_POLICIES", {}, "write CORS_POLICY"),
        )
    ),
    pytest.param(
        {"CORS_POLICY": CREDENTIALS, **AT_HOME},
        "W004",
        f"Requests from {APP}",
        f'CSRF_TRUSTED_ORIGINS = ["{APP}"]',
        id="an origin that CSRF does not trust",
    ),
    pytest.param(
        {"CORS_POLICY": PathPolicies({"/api/": CREDENTIALS}), **AT_HOME},
        "W004",
        f"Requests from {APP}",
        f'CSRF_TRUSTED_ORIGINS = ["{APP}"]',
        id="an origin of a path that CSRF does not trust",
    ),
    pytest.param(
        {
            "CORS_POLICY": OriginPolicies([CREDENTIALS, Policy(allow_origins=["*"])]),
            **AT_HOME,
            "CSRF_TRUSTED_ORIGINS": ["https://www.example.com"],
        },
        "W004",
        f"Requests from {APP}",
        f'CSRF_TRUSTED_ORIGINS = ["https://www.example.com", "{APP}"]',
        id="an origin of a tier that CSRF does not trust",
    ),
    pytest.param(
        {"CORS_POLICY": CREDENTIALS.replace(allow_origins=["https://pr-*.example.com"]), **AT_HOME},
        "W004",
        "https://pr-*.example.com",
        "each origin that a pattern stands for",
        id="a pattern that Django does not have",
    ),
    pytest.param(
        {"CORS_POLICY": CREDENTIALS, **ABROAD, "CSRF_COOKIE_SAMESITE": "None", "CSRF_COOKIE_SECURE": True},
        "W005",
        "SESSION_COOKIE_SAMESITE is 'Lax'",
        'SESSION_COOKIE_SAMESITE = "None" and SESSION_COOKIE_SECURE = True',
        id="a session that stays at home",
    ),
    pytest.param(
        {"CORS_POLICY": CREDENTIALS, **ABROAD, **NONE, **SECURE, "CSRF_COOKIE_SECURE": False},
        "W005",
        "CSRF_COOKIE_SECURE is False",
        'CSRF_COOKIE_SAMESITE = "None" and CSRF_COOKIE_SECURE = True',
        id="a cookie that is dropped",
    ),
]


@pytest.mark.parametrize(("wrong", "id", "message", "hint"), WRONG)
def test_what_is_wrong_is_found_and_told_how_to_fix(wrong: dict[str, Any], id: str, message: str, hint: str) -> None:
    (found,) = said(**wrong)
    assert found.id == f"corecors.{id}"
    assert message in found.msg
    assert hint in found.hint


def test_thirty_wrong_settings_are_looked_at() -> None:
    assert len(WRONG) >= 30


def test_every_problem_of_a_policy_is_a_message_of_its_own() -> None:
    found = said(CORS_POLICY={"allow_origins": [f"{APP}/", "http://"], "allow_methods": ["TRACE"], "max_age": -1})
    assert [message.id for message in found] == ["corecors.E003"] * 4
    assert all(message.hint for message in found)


RIGHT = [
    pytest.param({}, id="a policy"),
    pytest.param({"CORS_POLICY": {"allow_origins": [APP]}}, id="a mapping"),
    pytest.param({"CORS_POLICY": f"{__name__}.POLICY"}, id="a dotted name"),
    pytest.param({"CORS_POLICY": "partners.cors.async_policy"}, id="a policy that asks a model"),
    pytest.param({"CORS_POLICY": None}, id="views alone"),
    pytest.param({"CORS_OPTIONS": {"block_disallowed": True, "own_origins": [APP], "rejections": None}}, id="options"),
    pytest.param({"CORS_POLICY": CREDENTIALS, **AT_HOME, **TRUSTED}, id="credentials at home"),
    pytest.param({"CORS_POLICY": CREDENTIALS, **ABROAD, **NONE, **SECURE}, id="credentials abroad"),
    pytest.param(
        {"CORS_POLICY": CREDENTIALS, **AT_HOME, "CSRF_TRUSTED_ORIGINS": ["https://*.example.com"]},
        id="a pattern of Django's covers the origin",
    ),
    pytest.param(
        {"CORS_POLICY": CREDENTIALS, **AT_HOME, "MIDDLEWARE": [OURS]}, id="credentials without sessions and forms"
    ),
    pytest.param({"CORS_POLICY": CREDENTIALS, **TRUSTED, "ALLOWED_HOSTS": ["*"]}, id="a host that nobody knows"),
    pytest.param(
        {"CORS_POLICY": CREDENTIALS, **ABROAD, "MIDDLEWARE": [OURS]}, id="credentials abroad, without any cookie"
    ),
    pytest.param({"CORS_POLICY": CREDENTIALS.replace(allow_methods=["GET"]), **AT_HOME}, id="credentials for reading"),
    pytest.param({"MIDDLEWARE": [MIDDLEWARE[1], OURS, *MIDDLEWARE[2:]]}, id="below headers alone"),
    *(
        pytest.param({"MIDDLEWARE": [name, *MIDDLEWARE]}, id=f"below {name}")
        for name in ("common.middleware.RequestId", "authors.middleware.Names", "django.middleware.gzip.GZipMiddleware")
    ),
    pytest.param({"ROOT_URLCONF": (path("", cross_origin(POLICY)(view)),)}, id="a view with a policy"),
    pytest.param({"CORS_URL_PREFIX": "/api"}, id="a setting that may be anybody's"),
]


@pytest.mark.parametrize("right", RIGHT)
def test_a_right_project_is_told_nothing(right: dict[str, Any]) -> None:
    assert said(**right) == []


def test_the_command_says_it_all_and_fails() -> None:
    with override_settings(CORS_POLICY={"allow_origins": [f"{APP}/"]}), pytest.raises(CommandError) as raised:
        call_command("check", stderr=io.StringIO())
    assert re.search(rf"corecors\.E003\).*trailing slash.*\n\s+HINT: write '{APP}'", str(raised.value))


def test_the_command_is_silent_about_a_right_project() -> None:
    out, err = io.StringIO(), io.StringIO()
    with override_settings(CORS_POLICY=POLICY):
        call_command("check", stdout=out, stderr=err)
    assert "no issues" in out.getvalue()
    assert err.getvalue() == ""


def test_a_policy_module_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "failing_policies.py").write_text("policy = 1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = said(CORS_POLICY="failing_policies.policy")
    assert found.id == "corecors.E002"
    assert "ZeroDivisionError: division by zero" in found.msg
    assert "failing_policies.policy" in found.hint


def test_urls_that_cannot_be_imported_are_not_ours_to_tell() -> None:
    with override_settings(ROOT_URLCONF="no.such.urls", CORS_POLICY=POLICY):
        assert check_cors() == []


def test_the_default_of_paths_is_looked_at_too() -> None:
    (found,) = said(CORS_POLICY=PathPolicies({"/api/": None}, default=CREDENTIALS), **AT_HOME)
    assert found.id == "corecors.W004"
