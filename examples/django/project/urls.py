"""The admin, and one page of the API."""

from django.contrib import admin
from django.urls import path
from partners.views import catalogue

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/catalogue", catalogue),
]
