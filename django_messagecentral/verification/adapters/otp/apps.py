from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessageCentralOtpConfig(AppConfig):
    name = "django_messagecentral.verification.adapters.otp"
    label = "messagecentral_otp"
    verbose_name = _("Message Central devices")
    default_auto_field = "django.db.models.BigAutoField"
