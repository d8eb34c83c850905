"""Who may read the API from a page."""

from django.core.exceptions import ValidationError
from django.db import models

from corecors import OriginError, parse_origin


def validate_origin(text: str) -> None:
    """Refuse what no browser would ever send as `Origin`, and say what is wrong with it."""
    try:
        parse_origin(text)
    except OriginError as error:
        raise ValidationError(str(error)) from None


class PartnerOrigin(models.Model):
    """An origin whose pages may read the API, for as long as its row is here."""

    origin = models.CharField(max_length=330, unique=True, validators=[validate_origin])
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("origin",)

    def __str__(self) -> str:
        return self.origin
