"""What partners come for."""

from django.http import HttpRequest, JsonResponse


def catalogue(request: HttpRequest) -> JsonResponse:
    """Any partner's page may read this."""
    return JsonResponse({"items": ["spoon", "fork"]})
