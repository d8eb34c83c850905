"""The application: `INSTALLED_APPS = [..., "corecors.adapters.django"]` has `manage.py check` look at the policy."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.core.checks import register

from corecors.adapters.django.checks import check_cors

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise  # only its stubs have it: text that may be translated


class CORSConfig(AppConfig):
    """It has no models."""

    name = "corecors.adapters.django"
    label = "corecors"
    verbose_name: "_StrOrPromise" = "CORS"

    def ready(self) -> None:
        """Register the checks."""
        register(check_cors, "corecors")
