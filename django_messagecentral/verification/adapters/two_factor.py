"""django-two-factor-auth: its text messages, past this app's guards.

::

    TWO_FACTOR_SMS_GATEWAY = "django_messagecentral.verification.adapters.two_factor.Gateway"
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.module_loading import import_string

from django_messagecentral.verification.adapters.foreign import foreign_code_entered, send_foreign_code

PURPOSE = "two-factor"


class Gateway:
    """Sends the package's token; raises ``CodeNotSent`` when a guard or the vendor refuses."""

    def send_sms(self, device: Any, token: str) -> None:
        phone = getattr(device.number, "as_e164", str(device.number))
        send_foreign_code(phone, str(token), purpose=PURPOSE, user=device.user)

    def make_call(self, device: Any, token: str) -> None:
        raise NotImplementedError("Message Central makes no calls: offer the method 'sms' only")


def note_entered(device: Any, **_: Any) -> None:
    """A receiver of the package's ``user_verified``."""
    if getattr(device, "number", None) and getattr(device, "method", "") == "sms":
        foreign_code_entered(device.number, purpose=PURPOSE)


def connect() -> None:
    """Hear of tokens that were taken, where the package is installed."""
    if apps.is_installed("two_factor"):
        user_verified = import_string("two_factor.signals.user_verified")
        user_verified.connect(note_entered, dispatch_uid="django_messagecentral.two_factor")
