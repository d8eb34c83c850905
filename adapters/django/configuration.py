"""settings.CORS_POLICY and settings.CORS_OPTIONS, read."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from corecors import Policy, PolicySource, policy_from_mapping
from corecors.adapters.routed import DoorOptions

POLICY, OPTIONS = "CORS_POLICY", "CORS_OPTIONS"
NAMES_ALLOWED = ("on_decision", "report_only", "rejections")  # options whose value may be a dotted name
MISSING = (
    f'settings.{POLICY} is missing: write {POLICY} = Policy(allow_origins=["https://app.example.com"]), or'
    f" {POLICY} = None where only views with cross_origin have a policy"
)


def policy_from_settings() -> Policy | PolicySource | None:
    """What `settings.CORS_POLICY` says: a `Policy` or a source of policies, itself, or as a mapping of a policy's
    arguments, or the dotted name of one of these. None: only views with `cross_origin` have a policy.

    Raises `PolicyError` with every problem, and `ImproperlyConfigured` where the setting is missing or something else.
    """
    if not hasattr(settings, POLICY):
        raise ImproperlyConfigured(MISSING)
    return read_policy(settings.CORS_POLICY, POLICY)


def options_from_settings() -> dict[str, Any]:
    """The options in `settings.CORS_OPTIONS`, which are those of every door; dotted names are imported.

    Raises `ImproperlyConfigured` for a name that no door has; values are checked by `Door`.
    """
    given = getattr(settings, OPTIONS, {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(f"{OPTIONS} is of type {type(given).__name__}; a dict of options belongs there")
    known = list(DoorOptions.__annotations__)
    options = {}
    for name, value in given.items():
        if name not in known:
            nearest = get_close_matches(str(name), known, n=1)
            advice = f"write {nearest[0]!r}" if nearest else f"the options are {', '.join(known)}"
            raise ImproperlyConfigured(f"{OPTIONS}: {name!r} is not an option; {advice}")
        if name in NAMES_ALLOWED and isinstance(value, str):
            value = _imported(value, f"{OPTIONS}[{name!r}]")
        options[name] = read_policy(value, f"{OPTIONS}[{name!r}]") if name == "report_only" else value
    return options


def read_policy(given: object, setting: str) -> Policy | PolicySource | None:
    """The policy or source that `given` is or stands for; `setting` names it in errors."""
    if isinstance(given, str):
        given = _imported(given, setting)
    if isinstance(given, Mapping):
        return policy_from_mapping(given)
    if given is None or isinstance(given, Policy):
        return given
    if not isinstance(given, type) and callable(getattr(given, "policy_for", None)):
        return given  # type: ignore[return-value]
    what = f"the class {given.__name__}" if isinstance(given, type) else f"of type {type(given).__name__}"
    raise ImproperlyConfigured(
        f"{setting} is {what}: a Policy belongs there, PathPolicies or anything else with policy_for(request), a dict"
        " of a policy's arguments, or the dotted name of one of these"
    )


def _imported(name: str, setting: str) -> object:
    try:
        return import_string(name)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"{setting} is {name!r}, which cannot be imported: write the dotted name of something that exists ({error})"
        ) from error
