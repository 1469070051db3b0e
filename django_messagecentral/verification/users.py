"""An abstract user (or profile) that knows its phone, and whether it was verified."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from django_messagecentral.fields import ExactCharField


class PhoneTaken(ValueError):
    """Another user has verified this phone."""


class VerifiedPhoneMixin(models.Model):
    """``phone`` as the person typed it, and proof that it is theirs.

    ::

        class User(VerifiedPhoneMixin, AbstractUser): ...

    Any number of users may *name* a phone, one may have it *verified*: ``verified_phone`` (E.164 or NULL)
    is UNIQUE, on every database. Saving another ``phone`` takes the verification away.
    """

    phone = PhoneNumberField(_("phone number"), blank=True, default="")
    phone_verified_at = models.DateTimeField(_("phone verified"), null=True, blank=True, editable=False)
    verified_phone = ExactCharField(max_length=16, null=True, unique=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Another phone must be verified again."""
        if not self.phone_is_verified and self.verified_phone is not None:
            self.verified_phone = self.phone_verified_at = None
            fields: Iterable[str] | None = kwargs.get("update_fields")
            if fields is not None:
                kwargs["update_fields"] = {*fields, "verified_phone", "phone_verified_at"}
        super().save(*args, **kwargs)

    @property
    def phone_is_verified(self) -> bool:
        """Whether the phone as it stands now is verified."""
        return bool(self.verified_phone) and self.verified_phone == _e164(self.phone)

    def phone_is_taken(self, phone: str) -> bool:
        """Whether somebody else has verified ``phone`` (E.164). Tell it only to who has shown to hold it."""
        return bool(type(self)._default_manager.filter(verified_phone=phone).exclude(pk=self.pk).exists())

    def note_verified_phone(self, phone: str) -> None:
        """``phone`` (E.164, from a proof) is this user's; written down by the next ``save()``."""
        self.phone = phone
        self.verified_phone = phone
        self.phone_verified_at = timezone.now()

    def set_verified_phone(self, phone: str) -> None:
        """Write down that ``phone`` (E.164, from a proof) is this user's. Raises :class:`PhoneTaken`."""
        self.note_verified_phone(phone)
        try:
            with transaction.atomic(using=self._state.db):
                self.save()
        except IntegrityError as error:
            if self.phone_is_taken(phone):
                raise PhoneTaken("this phone was verified by another user") from error
            raise


def _e164(phone: Any) -> str:
    return str(getattr(phone, "as_e164", phone) or "")
