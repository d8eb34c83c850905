"""Django's responses of every kind, for pages on 127.0.0.1; `DJANGO_DEBUG=1` is what it says."""

import os

import django_site
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

assert settings.MIDDLEWARE[0] == django_site.OURS
settings.ROOT_URLCONF = "django_responses"
settings.ALLOWED_HOSTS = ["127.0.0.1"]
settings.DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
settings.CORS_POLICY = {
    "allow_origins": ["http://127.0.0.1:*"],
    "allow_methods": ["GET", "PUT"],
    "expose_headers": ["Content-Range"],
    "allow_credentials": True,
}
application, asgi_application = WSGIHandler(), ASGIHandler()
