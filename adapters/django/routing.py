"""Which view a request asks for: Django's own resolver, asked before Django asks it.

Facts
-----
Django resolves the path below the script's name, decoded, by `request.urlconf` where a middleware has set one, and
upper-cases the method first. A path without its last slash is redirected by `CommonMiddleware`, and governed like what
it leads to. Patterns may depend on the language (`i18n_patterns`, translated routes), which `LocaleMiddleware` takes
from the path or the request; it stands below, so it has not run yet when a preflight is answered.
"""

from typing import Any, NamedTuple

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.http import HttpRequest
from django.urls import Resolver404, get_resolver
from django.utils import translation

from corecors.adapters.django.marks import AMBIGUOUS, Mark, mark_of, were_made


class Route(NamedTuple):
    """What decides about the view: the method, the path and the URL configuration as they were at one moment."""

    method: str
    path: str
    urlconf: Any
    language: str | None

    @classmethod
    def of(cls, request: HttpRequest, method: str | None) -> "Route":
        """That of `request` as it is now."""
        urlconf = getattr(request, "urlconf", None)
        return cls((method or "").upper(), request.path_info, urlconf, translation.get_language())


def views_may_have_policies(request: HttpRequest) -> bool:
    """Whether it is worth looking for the policy of a view."""
    if not were_made():
        # Views are decorated when they are imported, and the first request may come before Django imports them.
        try:
            _ = get_resolver(getattr(request, "urlconf", None)).url_patterns
        except Exception:
            return True  # it will fail again, where the failure is answered for
    return were_made()


def asked_mark(request: HttpRequest, route: Route, methods: tuple[str, ...]) -> Mark | None:
    """The mark of the view that `route` leads to, by any of `methods`; None where it leads to none, or to one without a
    mark."""
    marks = {mark_of(view, method) for view in _views(request, route) for method in methods}
    return marks.pop() if len(marks) == 1 else AMBIGUOUS if marks else None


def _views(request: HttpRequest, route: Route) -> list[Any]:
    view = _view(route, _language(request, route.urlconf))
    if view is not None:
        return [view]
    if not settings.USE_I18N or not settings.is_overridden("LANGUAGES"):
        return []
    # Only the request itself will say in which language a translated route is meant: a preflight has no cookies.
    found = [_view(route, language) for language, _ in settings.LANGUAGES]
    return [view for view in found if view is not None]


def _view(route: Route, language: str) -> Any:
    with translation.override(language):
        for path in (route.path, f"{route.path}/")[: 1 + settings.APPEND_SLASH]:
            try:
                return get_resolver(route.urlconf).resolve(path).func
            except Resolver404:
                continue
    return None


def _language(request: HttpRequest, urlconf: Any) -> str:
    """The language in which `LocaleMiddleware` would have the path resolved."""
    if not settings.USE_I18N:
        return str(settings.LANGUAGE_CODE)
    by_prefix, prefixed_default = is_language_prefix_patterns_used(urlconf or settings.ROOT_URLCONF)
    if by_prefix and not prefixed_default and not translation.get_language_from_path(request.path_info):
        return str(settings.LANGUAGE_CODE)
    return str(translation.get_language_from_request(request, check_path=by_prefix))
