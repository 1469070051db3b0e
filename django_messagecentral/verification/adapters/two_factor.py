"""django-two-factor-auth: its text messages, past this app's guards.

::

    TWO_FACTOR_SMS_GATEWAY = "django_messagecentral.verification.adapters.two_factor.Gateway"
"""

from __future__ import annotations

from typing import Any

from django_messagecentral.verification.adapters.foreign import send_foreign_code

PURPOSE = "two-factor"


class Gateway:
    """Sends the package's token; raises ``CodeNotSent`` when a guard or the vendor refuses."""

    def send_sms(self, device: Any, token: str) -> None:
        phone = getattr(device.number, "as_e164", str(device.number))
        send_foreign_code(phone, str(token), purpose=PURPOSE, user=device.user)

    def make_call(self, device: Any, token: str) -> None:
        raise NotImplementedError("Message Central makes no calls: offer the method 'sms' only")
