"""Partners are edited in the admin; the form validates an origin as the model does."""

from django.contrib import admin

from partners.models import PartnerOrigin


@admin.register(PartnerOrigin)
class PartnerOriginAdmin(admin.ModelAdmin):
    """Origins with their notes."""

    list_display = ("origin", "note")
    search_fields = ("origin", "note")
