"""Delivery reports as they came."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_messagecentral.callbacks.report import DeliveryEvent, status_of
from django_messagecentral.fields import ExactCharField
from django_messagecentral.indexes import SparseIndex


class Callback(models.Model):
    """One item of JSON that arrived behind a valid webhook token, stored before anything is made of it."""

    class State(models.TextChoices):
        PENDING = "pending", _("to be processed")
        APPLIED = "applied", _("changed a message")
        NO_CHANGE = "no_change", _("known, nothing to change")
        UNMATCHED = "unmatched", _("no message found yet")
        PARKED = "parked", _("waits for a person")
        DISMISSED = "dismissed", _("set aside by a person")
        UNREADABLE = "unreadable", _("not a delivery report")

    class Reason(models.TextChoices):
        """Why a report found no message, or changed none."""

        SEVERAL = "several", _("Several messages to this phone were on their way: a person must choose.")
        FOREIGN_PHONE = "foreign_phone", _("The id is known, but not with this phone.")
        NOT_FOUND = "not_found", _("No message was found for it.")
        NOT_ON_ITS_WAY = "not_on_its_way", _("The message was not on its way.")
        UNKNOWN_STATUS = "unknown_status", _("A status this version does not know.")
        FAILED = "failed", _("Processing it raised an error.")

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    # Its own constraint below: ``unique=True`` would add an index for LIKE on PostgreSQL.
    fingerprint = ExactCharField(
        max_length=64, help_text=_("SHA-256 over what makes a report the same report")
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
    reason = models.CharField(_("why"), max_length=16, choices=Reason.choices, blank=True, default="")
    error = models.CharField(_("error"), max_length=300, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    message = models.ForeignKey(
        "messagecentral.Message",
        verbose_name=_("message"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="callbacks",
        db_index=False,  # a sparse one below
    )
    challenge = models.ForeignKey(
        "messagecentral.Challenge",
        verbose_name=_("one-time code"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="callbacks",
        db_index=False,  # a sparse one below
    )

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["fingerprint"], name="mc_callback_once")]
        # Every report is written twice, so each of these is paid for twice: sparse where it can be.
        indexes = [
            # What is due, in the order in which it is taken; what waits for a person (health, admin).
            SparseIndex(
                fields=["state", "next_try_at"],
                name="mc_callback_due",
                only=models.Q(state__in=("pending", "unmatched", "parked")),
            ),
            # Reports of a phone to be looked at again, exported, erased; the admin's search.
            models.Index(fields=["phone"], name="mc_callback_phone"),
            # The admin's search.
            models.Index(fields=["vendor_message_id"], name="mc_callback_vendor_id"),
            # A deleted message or code, the reports of one.
            SparseIndex(fields=["message"], name="mc_callback_message", only=models.Q(message__isnull=False)),
            SparseIndex(
                fields=["challenge"], name="mc_callback_challenge", only=models.Q(challenge__isnull=False)
            ),
        ]
        permissions = [
            ("resolve_callback", _("Can decide about reports that found no message")),
            ("register_webhook", _("Can see the webhook's secret address")),
        ]

    def __str__(self) -> str:
        return f"{self.vendor_status} {self.vendor_message_id}".strip()

    @property
    def event(self) -> DeliveryEvent:
        """The report in one shape, whatever spelling it came in."""
        return DeliveryEvent(
            message_id=self.vendor_message_id,
            phone=self.phone,
            status=status_of(self.vendor_status),
            vendor_status=self.vendor_status,
            error_code=self.error_code,
            submitted_at=self.submit_at,
            done_at=self.done_at,
            received_at=self.received_at,
            payload=self.payload,
        )
