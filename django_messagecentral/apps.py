"""The app's configuration: checks and signal wiring, nothing else."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class MessageCentralConfig(AppConfig):
    name = "django_messagecentral"
    label = "messagecentral"
    verbose_name = _("Message Central")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_messagecentral import checks, metrics  # noqa: F401
        from django_messagecentral.db import keep_utc
        from django_messagecentral.verification import receivers  # noqa: F401
        from django_messagecentral.verification.adapters import entered

        entered.connect()
        connection_created.connect(keep_utc, dispatch_uid="django_messagecentral.db")

        metrics.connect()
