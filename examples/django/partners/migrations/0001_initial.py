"""The table of partners."""

from django.db import migrations, models

from partners.models import validate_origin


class Migration(migrations.Migration):
    """As `makemigrations` writes it."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="PartnerOrigin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.CharField(max_length=330, unique=True, validators=[validate_origin])),
                ("note", models.CharField(blank=True, max_length=200)),
            ],
            options={"ordering": ("origin",)},
        ),
    )
