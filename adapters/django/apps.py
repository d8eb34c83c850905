"""The application: `INSTALLED_APPS = [..., "corecors.adapters.django"]` has `manage.py check` look at the policy."""

from django.apps import AppConfig
from django.core.checks import register

from corecors.adapters.django.checks import check_cors


class CORSConfig(AppConfig):  # type: ignore[misc]  # Django has no types of its own
    """It has no models."""

    name = "corecors.adapters.django"
    label = "corecors"
    verbose_name = "CORS"

    def ready(self) -> None:
        """Register the checks."""
        register(check_cors, "corecors")
