"""The sends of one routed message."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_messagecentral.messaging.models import Channel, Message


class Hop(models.Model):
    """One send of a message that may go on by another channel: the first, or one that follows it.

    Messages with a fixed channel have none, and a campaign's only when they are watched for a time-out or go
    on. That a channel is tried once is the database's own rule.
    """

    class Cause(models.TextChoices):
        """Why this send was made."""

        FIRST = "first", _("the first send")
        UNDELIVERED = "undelivered", _("the one before was not delivered")
        REFUSED = "refused", _("the one before was refused")
        TIMED_OUT = "timed_out", _("of the one before nothing was heard")

    first = models.ForeignKey(
        Message, verbose_name=_("first message"), on_delete=models.CASCADE, related_name="hops"
    )
    message = models.OneToOneField(
        Message, verbose_name=_("message"), on_delete=models.CASCADE, related_name="hop"
    )
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices)
    cause = models.CharField(_("why"), max_length=12, choices=Cause.choices, default=Cause.FIRST)
    policy = models.CharField(_("policy"), max_length=200, blank=True, default="")
    due_at = models.DateTimeField(_("waits for a report until"), null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("hop")
        verbose_name_plural = _("hops")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["first", "channel"], name="mc_hop_once_a_channel")]

    def __str__(self) -> str:
        return f"{self.channel} ({self.get_cause_display()})"
