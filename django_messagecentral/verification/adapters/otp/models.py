"""A phone as a second factor."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_messagecentral.conf import app_settings
from django_messagecentral.fields import ExactCharField
from django_messagecentral.phones import mask_phone
from django_messagecentral.verification.adapters.foreign import (
    CodeNotSent,
    foreign_code_entered,
    send_foreign_code,
)
from django_messagecentral.verification.codes import (
    code_matches,
    hash_code,
    make_code,
    make_salt,
    normalise_code,
)
from django_messagecentral.verification.reasons import Reason

if TYPE_CHECKING:

    class Device(models.Model):
        """django-otp's own."""

        user: Any

        class Meta:
            abstract = True

    class ThrottlingMixin(models.Model):
        """django-otp's own."""

        class Meta:
            abstract = True

        def verify_is_allowed(self) -> tuple[bool, Any]: ...
        def throttle_reset(self, commit: bool = True) -> None: ...
        def throttle_increment(self, commit: bool = True) -> None: ...

else:
    from django_otp.models import Device, ThrottlingMixin

PURPOSE = "otp"


class MessageCentralDevice(ThrottlingMixin, Device):
    """Sends a code of this site's own (only its keyed hash is kept) and takes it once.

    django-otp checks tokens inside a transaction, so the vendor is asked nothing then.
    """

    number = ExactCharField(_("phone"), max_length=16, help_text=_("E.164, with the plus"))
    salt = ExactCharField(max_length=32, blank=True, default="", editable=False)
    code_hash = ExactCharField(max_length=64, blank=True, default="", editable=False)
    valid_until = models.DateTimeField(null=True, editable=False)

    throttle_factor: ClassVar[float] = 1.0

    class Meta(Device.Meta):
        abstract = False
        verbose_name = _("Message Central device")
        verbose_name_plural = _("Message Central devices")

    def __str__(self) -> str:
        return mask_phone(self.number)

    def get_throttle_factor(self) -> float:
        """Seconds, doubled with every wrong code in a row."""
        return self.throttle_factor

    def generate_challenge(self) -> str:
        """Send a code; what to tell the person."""
        code = make_code(app_settings.OTP_LENGTH)
        salt = make_salt()
        try:
            send_foreign_code(self.number, code, purpose=PURPOSE, user=self.user)
        except CodeNotSent as refused:
            return str(refused)
        self.salt, self.code_hash = salt, hash_code(salt, code)
        self.valid_until = timezone.now() + timedelta(seconds=app_settings.OTP_MAX_LIFE)
        self.save(update_fields=["salt", "code_hash", "valid_until"])
        return str(Reason.SENT.label)

    def verify_token(self, token: Any) -> bool:
        """Whether ``token`` is the living code; a right one is wiped, a wrong one slows the next down."""
        allowed, _reason = self.verify_is_allowed()
        living = self.valid_until is not None and self.valid_until > timezone.now()
        if not allowed:
            return False
        if living and code_matches(self.salt, self.code_hash, normalise_code(token)):
            self.salt, self.code_hash, self.valid_until = "", "", None
            self.throttle_reset(commit=False)
            self.save()
            foreign_code_entered(self.number, purpose=PURPOSE)
            return True
        self.throttle_increment()
        return False
