"""Delivery reports as they came."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_messagecentral.fields import ExactCharField


class Callback(models.Model):
    """One item of JSON that arrived behind a valid webhook token, stored before anything is made of it."""

    class State(models.TextChoices):
        PENDING = "pending", _("to be processed")
        APPLIED = "applied", _("changed a message")
        NO_CHANGE = "no_change", _("known, nothing to change")
        UNMATCHED = "unmatched", _("no message found yet")
        PARKED = "parked", _("waits for a person")
        UNREADABLE = "unreadable", _("not a delivery report")

    fingerprint = ExactCharField(
        max_length=64, unique=True, help_text=_("SHA-256 over what makes a report the same report")
    )
    payload = models.JSONField(_("as received"), null=True)  # JSON null is a payload too
    vendor_message_id = ExactCharField(_("messageId"), max_length=64, blank=True, default="")
    phone = ExactCharField(_("phone"), max_length=16, blank=True, default="")
    vendor_status = models.CharField(_("vendor's status"), max_length=40, blank=True, default="")
    error_code = models.CharField(_("error code"), max_length=20, blank=True, default="")
    submit_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    remote_ip = models.GenericIPAddressField(_("from"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    message = models.ForeignKey(
        "messagecentral.Message",
        verbose_name=_("message"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="callbacks",
    )

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "next_try_at"], name="mc_callback_due"),
            models.Index(fields=["vendor_message_id"], name="mc_callback_vendor_id"),
        ]

    def __str__(self) -> str:
        return f"{self.vendor_status} {self.vendor_message_id}".strip()
