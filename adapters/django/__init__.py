"""CORS for Django.

    # settings.py
    INSTALLED_APPS = [..., "corecors.adapters.django"]                     # for manage.py check
    MIDDLEWARE = ["corecors.adapters.django.CORSMiddleware", ...]          # first
    CORS_POLICY = Policy(allow_origins=["https://app.example.com"])

    # views.py
    @cross_origin(Policy(allow_origins=["https://pay.example.com"], allow_credentials=True))
    def pay(request): ...

The nearest policy governs: the view's, else that of the project, which may be `PathPolicies`. A preflight follows the
view that it asks for and is answered before anything else; every response is covered, whatever made it.
"""

from corecors.adapters.django.configuration import policy_from_settings
from corecors.adapters.django.marks import cross_origin
from corecors.adapters.django.middleware import CORSMiddleware

__all__ = ["CORSMiddleware", "cross_origin", "policy_from_settings"]

for _public in (CORSMiddleware, cross_origin, policy_from_settings):
    _public.__module__ = __name__
