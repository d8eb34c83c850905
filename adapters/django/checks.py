"""System checks: what `manage.py check` says of the policy, the middleware, and what is left of other libraries.

| id | what |
| --- | --- |
| E001 | `CORS_POLICY` is missing |
| E002 | `CORS_POLICY` is not a policy, or cannot be imported |
| E003 | a problem of the policy, one each |
| E004 | `CORS_OPTIONS` |
| E005 | the middleware is missing, or there twice |
| E006 | a view whose own policy cannot be told |
| W001 | something that answers by itself stands above the middleware |
| W002 | django-cors-headers is still installed |
| W003 | a setting of another library, which has no effect |
| W004 | origins that `CSRF_TRUSTED_ORIGINS` lacks |
| W005 | cookies that other sites never send |
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from corecors import Door, Policy, PolicyError, Problem, policy_from_mapping
from corecors.adapters.django.configuration import MISSING, OPTIONS, POLICY, options_from_settings, policy_from_settings
from corecors.adapters.django.marks import AMBIGUOUS, mark_of
from corecors.adapters.django.middleware import CORSMiddleware

OURS = "corecors.adapters.django.CORSMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
FIRST = f'put it first: MIDDLEWARE = ["{OURS}", ...]'
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # what CsrfViewMiddleware lets through, but for TRACE

# Names of middleware that answers requests itself: a redirect, a login page, a file, a page of the cache. What it
# answers above the middleware has no CORS headers, and a preflight that it answers fails.
ANSWERS_ITSELF = re.compile(
    r"django\.middleware\.(common|http|locale)\b|auth(?!or)|cache|flatpage|login|maintenance|rate_?limit"
    "|redirect|throttl|whitenoise",
    re.IGNORECASE,
)


def check_cors(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """Everything that is wrong with this project's CORS, or surely not meant."""
    policy, problems = _policy()
    policies = list(_policies_in(policy))
    return [
        *problems,
        *_of_options(policy),
        *_of_middleware(),
        *_of_views(),
        *_of_other_libraries(),
        *_of_csrf(policies),
        *_of_cookies(policies),
    ]


def _policy() -> tuple[object, list[CheckMessage]]:
    if not hasattr(settings, POLICY):
        summary, hint = MISSING.split(": ", 1)
        return None, [Error(f"{summary}.", hint=hint, id="corecors.E001")]
    try:
        return policy_from_settings(), []
    except PolicyError as error:
        return None, [_of_problem(problem, POLICY, "corecors.E003") for problem in error.problems]
    except ImproperlyConfigured as error:
        return None, [_of_failure(error, "corecors.E002")]
    except Exception as error:
        text = f"{POLICY} cannot be imported: {type(error).__name__}: {error}"
        return None, [Error(text, hint=f"import {settings.CORS_POLICY} in manage.py shell", id="corecors.E002")]


def _of_problem(problem: Problem, setting: str, id: str) -> CheckMessage:
    told, advice = _parts(problem)
    if not advice:  # no fix is certain, but most messages go on with what can be done
        wrong, _, advice = problem.message.partition("; " if "; " in problem.message else ": ")
        told, advice = str(problem._replace(message=wrong)), advice or "correct it, or leave it out"
    return Error(f"{setting}: {told}.", hint=advice, id=id)


def _parts(problem: Problem) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    told = str(problem._replace(fix=None))
    return told, str(problem).removeprefix(told).removeprefix("; ")


def _of_failure(error: Exception, id: str) -> CheckMessage:
    wrong, _, advice = str(error).partition(": " if "; " not in str(error) else "; ")
    return Error(f"{wrong}.", hint=advice, id=id)


def _of_options(policy: object) -> Iterator[CheckMessage]:
    try:
        options = options_from_settings()
        door = Door(**options, asks_async=True)
        if policy is not None:
            door.check_policy(policy)
    except PolicyError as error:
        yield from (_of_problem(problem, f"{OPTIONS}['report_only']", "corecors.E004") for problem in error.problems)
    except ImproperlyConfigured as error:
        yield _of_failure(error, "corecors.E004")
    except TypeError as error:
        meant, _, given = str(error).rpartition(", not ")
        text = f"{OPTIONS}: {given} is given where something else belongs." if meant else f"{OPTIONS}: {error}."
        yield Error(text, hint=meant or "write it as a browser sends it: https://www.example.com", id="corecors.E004")


def _is_ours(name: str) -> bool:
    if name == OURS:
        return True
    try:
        found = import_string(name)
    except Exception:
        return False  # Django says so itself when it starts
    return isinstance(found, type) and issubclass(found, CORSMiddleware)


def _of_middleware() -> Iterator[CheckMessage]:
    names = [str(name) for name in settings.MIDDLEWARE]
    places = [place for place, name in enumerate(names) if _is_ours(name)]
    if not places:
        wrong = next((name for name in names if name.startswith("corecors.")), None)
        text = f"MIDDLEWARE has {wrong}, which is not Django's." if wrong else "MIDDLEWARE lacks the middleware."
        hint = f'write "{OURS}" instead, and {FIRST}' if wrong else FIRST
        yield Error(f"{text} No response gets a CORS header.", hint=hint, id="corecors.E005")
        return
    if len(places) > 1:
        yield Error("MIDDLEWARE has the CORS middleware twice.", hint=f"leave one out, and {FIRST}", id="corecors.E005")
    for name in names[: places[0]]:
        if _answers_itself(name):
            text = f"{name} stands above the CORS middleware, and what it answers itself has no CORS headers."
            yield Warning(text, hint=FIRST, id="corecors.W001")


def _answers_itself(name: str) -> bool:
    if name == "django.middleware.security.SecurityMiddleware":
        return bool(settings.SECURE_SSL_REDIRECT)
    return ANSWERS_ITSELF.search(name) is not None


def _of_views() -> Iterator[CheckMessage]:
    try:
        patterns = list(_patterns(get_resolver(), ""))
    except Exception:
        return  # the checks of django.core.checks.urls say what is wrong with them
    for route, pattern in patterns:
        methods = [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if _is_ambiguous(pattern, method)]
        if methods:
            text = f"The policy of the view at {route!r} cannot be told: a decorator hides which view it calls."
            hint = "Give the decorator functools.wraps, or put cross_origin above it."
            yield Error(text, hint=hint, id="corecors.E006")


def _is_ambiguous(pattern: URLPattern, method: str) -> bool:
    return mark_of(pattern.callback, method) is AMBIGUOUS


def _patterns(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern, route)
        else:
            yield route, pattern


def _of_other_libraries() -> Iterator[CheckMessage]:
    there = [
        f"{setting} has {name!r}"
        for setting in ("INSTALLED_APPS", "MIDDLEWARE")
        for name in getattr(settings, setting)
        if str(name).startswith("corsheaders")
    ]
    if there:
        text = f"django-cors-headers is still installed, and answers as well: {' and '.join(there)}."
        yield Warning(text, hint="take it out of INSTALLED_APPS and MIDDLEWARE", id="corecors.W002")
    for name in dir(settings):
        if name.startswith("CORS_") and name not in (POLICY, OPTIONS):
            hint = _translated(name, getattr(settings, name))
            if hint:
                text = f"{name} has no effect: the settings are {POLICY} and {OPTIONS}."
                yield Warning(text, hint=hint, id="corecors.W003")


def _translated(name: str, value: object) -> str:
    """What to write instead of a setting of another library, as those know who read policies; "" for a setting that may
    be anybody's."""
    if meant := get_close_matches(name, (POLICY, OPTIONS), n=1, cutoff=0.8):
        return f"write {meant[0]}"
    try:
        policy_from_mapping({name: value})
    except PolicyError as error:
        problem = next((each for each in error.problems if each.field == name), None)
        if problem is not None and (problem.code == "foreign-name" or problem.fix is not None):
            told, advice = _parts(problem)
            return f"in {POLICY}, {advice or told.partition('; ')[2]}" if problem.fix != {} else _out(problem.message)
    return ""


def _out(message: str) -> str:
    reason = message.partition(": ")[2]
    return f"leave it out: {reason}" if reason else "leave it out"


def _of_csrf(policies: Iterable[Policy]) -> Iterator[CheckMessage]:
    """Django compares the `Origin` of unsafe requests with its own list, whatever CORS allows."""
    if CSRF not in settings.MIDDLEWARE:
        return
    trusted = [*map(str, settings.CSRF_TRUSTED_ORIGINS)]
    for policy in policies:
        if not policy.allow_credentials or set(policy.allow_methods) <= _SAFE:
            continue
        lacking = [origin for origin in policy.allow_origins if not _is_trusted(origin, trusted)]
        if lacking:
            text = f"Requests from {', '.join(lacking)} may carry cookies, and CsrfViewMiddleware refuses unsafe ones."
            listed = ", ".join(
                f'"{origin}"' for origin in [*trusted, *lacking] if "*" not in origin.replace("://*.", "")
            )
            hint = f"CSRF_TRUSTED_ORIGINS = [{listed}], and in it each origin that a pattern stands for"
            if not any("*" in origin.replace("://*.", "") for origin in lacking):
                hint = f"CSRF_TRUSTED_ORIGINS = [{listed}]"
            yield Warning(text, hint=hint, id="corecors.W004")


def _is_trusted(origin: str, trusted: Iterable[str]) -> bool:
    scheme, _, host = origin.partition("://")
    for each in trusted:
        other, _, pattern = each.partition("://")
        domain = pattern.removeprefix("*")
        if each == origin or (scheme == other and domain != pattern and host.removeprefix("*").endswith(domain)):
            return True
    return False


def _of_cookies(policies: Iterable[Policy]) -> Iterator[CheckMessage]:
    """Browsers send a cookie with SameSite=Lax or Strict to requests of its own site alone, whatever CORS allows."""
    foreign = sorted({origin for policy in policies if policy.allow_credentials for origin in _foreign(policy)})
    if not foreign:
        return
    for cookie, middleware in (("SESSION_COOKIE", SESSIONS), ("CSRF_COOKIE", CSRF)):
        if middleware not in settings.MIDDLEWARE:
            continue
        same_site = getattr(settings, f"{cookie}_SAMESITE")
        wanted = f'{cookie}_SAMESITE = "None" and {cookie}_SECURE = True'
        if same_site in ("Lax", "Strict"):
            text = f"{cookie}_SAMESITE is {same_site!r}, so browsers do not send that cookie for pages of {foreign[0]}."
            yield Warning(text, hint=wanted, id="corecors.W005")
        elif not getattr(settings, f"{cookie}_SECURE"):
            text = f"{cookie}_SECURE is False, and browsers drop a cookie with SameSite=None that is not Secure."
            yield Warning(text, hint=wanted, id="corecors.W005")


def _foreign(policy: Policy) -> Iterator[str]:
    """The origins of another site than every host of this project, as far as the last two labels tell."""
    hosts = [str(host).lstrip(".") for host in settings.ALLOWED_HOSTS]
    sites = {_site(host) for host in hosts}
    if not hosts or "*" in hosts:
        return  # nobody knows where this project is served
    for origin in policy.allow_origins:
        host = origin.partition("://")[2].removesuffix(":*")
        if _site(host.rstrip("0123456789").removesuffix(":")) not in sites:
            yield origin


def _site(host: str) -> str:
    return ".".join(host.split(".")[-2:])


def _policies_in(source: object) -> Iterator[Policy]:
    if isinstance(source, Policy):
        yield source
        return
    within = getattr(source, "policies", ())
    for each in within.values() if isinstance(within, Mapping) else within if isinstance(within, tuple | list) else ():
        yield from _policies_in(each)
    if (default := getattr(source, "default", None)) is not None:
        yield from _policies_in(default)
