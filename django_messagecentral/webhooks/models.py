"""Who wants to hear of what, and what became of each attempt to tell them."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from django_messagecentral.webhooks.addresses import Unreachable, check_url


class EventType(models.TextChoices):
    """What a subscriber can hear of. Values are public, and stable."""

    MESSAGE_STATUS_CHANGED = "message.status_changed", _("a message's status changed")
    MESSAGE_OPTED_OUT = "message.opted_out", _("somebody opted out")
    CAMPAIGN_COMPLETED = "campaign.completed", _("a campaign is complete")
    CAMPAIGN_PAUSED = "campaign.paused", _("a campaign was paused")
    VERIFICATION_VERIFIED = "verification.verified", _("a phone or an e-mail address was verified")


TEST = "webhook.test"  # sent by the test button, to whoever is asked about


def check_events(events: Any) -> None:
    """Raise ``ValidationError`` unless ``events`` is a list of known event types, not empty."""
    if not (isinstance(events, list) and events and set(map(str, events)) <= set(EventType.values)):
        raise ValidationError(_("Choose at least one of the events."), code="events")


def check_address(url: str) -> None:
    """Raise ``ValidationError`` for an address that nothing may be sent to."""
    try:
        check_url(url)
    except Unreachable as error:
        raise ValidationError(str(error), code="address") from None


class WebhookEndpoint(models.Model):
    """A subscriber. ``keys``: ``[{"salt": ..., "until": ISO time or None}]``, the newest first; the secrets
    are derived from them and from SECRET_KEY (:mod:`~django_messagecentral.webhooks.signing`), so that who
    reads the table cannot sign.
    """

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    url = models.CharField(_("address"), max_length=500, validators=[check_address])
    description = models.CharField(_("description"), max_length=200, blank=True, default="")
    events = models.JSONField(_("events"), default=list, validators=[check_events])
    keys = models.JSONField(default=list, editable=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    disabled_reason = models.CharField(_("why it is disabled"), max_length=300, blank=True, default="")
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    blocked_until = models.DateTimeField(_("next try"), null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("last delivery"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.description or Truncator(self.url.partition("://")[2]).chars(40)


class WebhookDelivery(models.Model):
    """One event for one endpoint: the outbox, written in the transaction of what it tells.

    While a worker has it, ``claim`` names the worker's batch and ``next_try_at`` is the end of its lease.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("given up")

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    # Without a constraint: an endpoint deleted a moment ago must not undo the change that is told.
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        verbose_name=_("endpoint"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="deliveries",
    )
    event = models.CharField(_("event"), max_length=40)
    body = models.TextField(_("body"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try"), default=timezone.now)
    claim = models.UUIDField(null=True, editable=False)
    http_status = models.PositiveSmallIntegerField(_("last answer"), null=True, blank=True)
    detail = models.CharField(_("what went wrong"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["endpoint", "state", "next_try_at"], name="mc_webhook_due"),
            models.Index(fields=["created_at"], name="mc_webhook_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} ({self.get_state_display()})"
