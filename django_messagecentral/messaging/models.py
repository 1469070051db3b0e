"""Messages, their attempts, and what surrounds a send: opt-outs, rates, pace, counters."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumbers import SUPPORTED_REGIONS

from django_messagecentral.conf import app_settings
from django_messagecentral.fields import ExactCharField
from django_messagecentral.indexes import SparseIndex
from django_messagecentral.messaging.states import Status
from django_messagecentral.phones import mask_phone

if TYPE_CHECKING:
    from django_messagecentral.campaigns.models import Campaign


class Channel(models.TextChoices):
    """The vendor's ``flowType`` of messages. EMAIL is in the vendor's beta."""

    SMS = "SMS", _("SMS")
    WHATSAPP = "WHATSAPP", _("WhatsApp")
    RCS = "RCS", _("RCS")
    EMAIL = "EMAIL", _("e-mail (beta)")


class MessageType(models.TextChoices):
    """The vendor's ``messageType``; in India each has its own rate and rules."""

    TRANSACTION = "TRANSACTION", _("transactional")
    PROMOTIONAL = "PROMOTIONAL", _("promotional")
    OTP = "OTP", _("one-time password")


class MessageQuerySet(models.QuerySet["Message"]):
    """Queries other rooms ask for by name."""

    def of_campaign(self, campaign: Campaign) -> MessageQuerySet:
        return self.filter(campaign=campaign)

    def waiting(self) -> MessageQuerySet:
        return self.filter(status__in=[Status.DRAFT, Status.QUEUED, Status.SENDING])


class Message(models.Model):
    """One message to one phone. The row is the queue entry: no broker holds anything but its id.

    A campaign's rows keep their variables (one string a sheet column) and are rendered from the
    campaign's text when they leave; a message of its own keeps its text.
    """

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey(
        "messagecentral.Campaign",
        verbose_name=_("campaign"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # the two composite indexes below begin with it or serve it
    )
    upload = models.ForeignKey(
        "messagecentral.CampaignUpload",
        verbose_name=_("upload"),
        null=True,
        blank=True,
        on_delete=models.RESTRICT,
        related_name="messages",
        db_index=False,
    )
    row_number = models.PositiveIntegerField(_("row"), null=True, blank=True)
    phone = ExactCharField(_("phone"), max_length=16, help_text=_("E.164, with the plus"))
    region = models.CharField(_("country"), max_length=3, blank=True, default="")
    variables = models.JSONField(_("variables"), default=list, blank=True)
    text = models.TextField(_("text"), blank=True, default="")
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.SMS)
    message_type = models.CharField(
        _("type"), max_length=12, choices=MessageType.choices, default=MessageType.TRANSACTION
    )
    sender_id = models.CharField(_("sender ID"), max_length=20, blank=True, default="")
    template_id = models.CharField(_("template ID"), max_length=40, blank=True, default="")
    entity_id = models.CharField(_("entity ID"), max_length=40, blank=True, default="")
    purpose = ExactCharField(
        _("purpose"), max_length=40, blank=True, default="", help_text=_("the site's own word, for its costs")
    )
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.DRAFT)
    segments = models.PositiveSmallIntegerField(_("segments"), default=0)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=6, null=True, blank=True)
    idempotency_key = ExactCharField(_("idempotency key"), max_length=100, null=True, blank=True)

    claim = models.UUIDField(_("claim"), null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True, editable=False)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    attempt_count = models.PositiveSmallIntegerField(_("attempts"), default=0)
    transaction_id = ExactCharField(_("transaction id"), max_length=64, blank=True, default="")
    vendor_message_id = ExactCharField(
        _("id in delivery reports"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("the reports' messageId where it is not the transaction id"),
    )
    error_code = models.CharField(_("error code"), max_length=20, blank=True, default="")
    error = models.CharField(_("error"), max_length=300, blank=True, default="")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True, help_text=_("the carrier's time"))
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "phone"], name="mc_message_once_a_campaign"),
            # Not ``unique=True``: that would add an index for LIKE on PostgreSQL.
            models.UniqueConstraint(fields=["idempotency_key"], name="mc_message_idempotency"),
            models.CheckConstraint(
                condition=models.Q(status__in=Status.values), name="mc_message_status_known"
            ),
        ]
        indexes = [
            # Claims (queued rows of a campaign by id), the sweep (sending rows), completion checks.
            models.Index(fields=["status", "campaign", "id"], name="mc_message_queue"),
            models.Index(fields=["phone"], name="mc_message_phone"),
            # By a report's id. Most rows have none while they are written most.
            SparseIndex(fields=["transaction_id"], name="mc_message_txn", only=~models.Q(transaction_id="")),
            SparseIndex(
                fields=["vendor_message_id"],
                name="mc_message_vendor_id",
                only=~models.Q(vendor_message_id=""),
            ),
        ]
        permissions = [
            ("view_phone_numbers", _("Can see phone numbers in full")),
            ("send_message", _("Can send messages")),
            ("view_health", _("Can see whether sending works")),
        ]

    def __str__(self) -> str:
        return f"{mask_phone(self.phone)} ({self.get_status_display()})"

    @property
    def masked_phone(self) -> str:
        return mask_phone(self.phone)


class Attempt(models.Model):
    """One call to the vendor for one message, and how it ended."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        NEVER_LEFT = "never_left", _("never left")
        REFUSED = "refused", _("refused")
        MAY_HAVE_LEFT = "may_have_left", _("may have left")

    message = models.ForeignKey(
        Message, verbose_name=_("message"), on_delete=models.CASCADE, related_name="attempts"
    )
    claim = models.UUIDField(_("claim"), null=True)
    outcome = models.CharField(_("outcome"), max_length=14, choices=Outcome.choices)
    code = models.IntegerField(_("vendor's code"), null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    detail = models.CharField(_("detail"), max_length=300, blank=True, default="")
    transaction_id = ExactCharField(_("transaction id"), max_length=64, blank=True, default="")
    worker = models.CharField(_("worker"), max_length=100, blank=True, default="")
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} {self.code or ''}".strip()


class Suppression(models.Model):
    """A phone that must not be written to. Empty channel or type means every one."""

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    phone = ExactCharField(_("phone"), max_length=16, help_text=_("E.164, with the plus"))
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, blank=True, default="")
    message_type = models.CharField(
        _("type"), max_length=12, choices=MessageType.choices, blank=True, default=""
    )
    source = models.CharField(_("source"), max_length=40, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["phone", "channel", "message_type"], name="mc_suppression_once")
        ]

    def __str__(self) -> str:
        return mask_phone(self.phone)


class InboundMessage(models.Model):
    """A text that a person sent to the site, and what it made the site do."""

    class Action(models.TextChoices):
        NONE = "", _("nothing")
        OPTED_OUT = "out", _("opted out")
        OPTED_IN = "in", _("opted in")
        UNREADABLE = "unreadable", _("no phone or text was found in it")

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    fingerprint = ExactCharField(max_length=64, unique=True, editable=False)
    phone = ExactCharField(_("phone"), max_length=16, blank=True, default="", db_index=True)
    channel = models.CharField(_("channel"), max_length=20, blank=True, default="")
    text = models.TextField(_("text"), blank=True, default="")
    action = models.CharField(
        _("action"), max_length=10, choices=Action.choices, blank=True, default=Action.NONE
    )
    payload = models.JSONField(_("as received"), null=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    class Meta:
        verbose_name = _("inbound message")
        verbose_name_plural = _("inbound messages")
        ordering = ["-id"]

    def __str__(self) -> str:
        return mask_phone(self.phone)


def default_currency() -> str:
    """The site's currency."""
    return app_settings.CURRENCY


class Rate(models.Model):
    """What one segment costs. Empty channel, type or country match every one; the closest match wins.

    With ``from_segments`` the price holds from that many segments of the calendar month (UTC) on, counted
    over what this rate's channel, type and country match.
    """

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, blank=True, default="")
    message_type = models.CharField(
        _("type"), max_length=12, choices=MessageType.choices, blank=True, default=""
    )
    country = models.CharField(_("country"), max_length=3, blank=True, default="", help_text=_("e.g. IN"))
    price = models.DecimalField(_("price a segment"), max_digits=12, decimal_places=6)
    currency = models.CharField(_("currency"), max_length=3, default=default_currency)
    from_segments = models.PositiveBigIntegerField(
        _("from segments"), default=0, help_text=_("Of the calendar month; 0 is the price of the first one.")
    )
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("rate")
        verbose_name_plural = _("rates")
        ordering = ["country", "channel", "message_type", "valid_from", "from_segments"]
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gte=0), name="mc_rate_not_negative"),
        ]

    def __str__(self) -> str:
        where = " ".join(filter(None, [self.country, self.channel, self.message_type])) or "*"
        return f"{where}: {self.price} {self.currency}"

    def clean(self) -> None:
        """Raises ``ValidationError`` for what could be stored and would never match, or not be understood."""
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": _("It is valid until a day before it is valid from.")})
        if len(self.currency) != 3 or not (self.currency.isascii() and self.currency.isupper()):
            raise ValidationError({"currency": _("Write the three capital letters of a currency.")})
        if self.country and self.country not in {*SUPPORTED_REGIONS, "001"}:  # 001: +800 and such
            raise ValidationError({"country": _("Write the two capital letters of a country, e.g. IN.")})


class Spend(models.Model):
    """What was submitted on one UTC day, and its cost: append-only, merged by the sweep.

    ``campaign_id`` has no constraint: money stays spent when its campaign is deleted.
    """

    day = models.DateField(_("day"), db_index=True)
    campaign_id = models.BigIntegerField(_("campaign"), null=True, blank=True)
    purpose = ExactCharField(_("purpose"), max_length=40, blank=True, default="")
    channel = models.CharField(_("channel"), max_length=10)
    message_type = models.CharField(_("type"), max_length=12)
    country = models.CharField(_("country"), max_length=3, blank=True, default="")
    messages = models.BigIntegerField(_("messages"), default=0)
    segments = models.BigIntegerField(_("segments"), default=0)
    cost_micros = models.BigIntegerField(_("cost in millionths"), default=0)

    class Meta:
        verbose_name = _("spending")
        verbose_name_plural = _("spending")

    def __str__(self) -> str:
        return f"{self.day} {self.channel} {self.message_type} {self.country}"


class Budget(models.Model):
    """An amount for a month, a day or for good. One-time passwords are counted and never stopped."""

    class Period(models.TextChoices):
        MONTH = "month", _("calendar month (UTC)")
        DAY = "day", _("day (UTC)")
        EVER = "ever", _("for good")

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    period = models.CharField(_("period"), max_length=5, choices=Period.choices, default=Period.MONTH)
    campaign = models.ForeignKey(
        "messagecentral.Campaign",
        verbose_name=_("campaign"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="budgets",
        help_text=_("Empty: the whole site."),
    )
    message_type = models.CharField(
        _("type"), max_length=12, choices=MessageType.choices, blank=True, default=""
    )
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2)
    warn_percent = models.PositiveSmallIntegerField(_("warn at percent"), default=80)
    stops = models.BooleanField(_("stops sending when spent"), default=True)
    warned_on = models.DateField(_("warned for the period of"), null=True, blank=True, editable=False)
    spent_on = models.DateField(_("spent in the period of"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="mc_budget_positive"),
            models.CheckConstraint(condition=models.Q(warn_percent__lte=100), name="mc_budget_warn_percent"),
        ]

    def __str__(self) -> str:
        return self.name


class CampaignCounter(models.Model):
    """Folded counts of one campaign: ``name`` is a status,
    or ``segments`` or ``cost_micros`` as submitted.
    """

    campaign = models.ForeignKey("messagecentral.Campaign", on_delete=models.CASCADE, related_name="counters")
    name = ExactCharField(max_length=16)
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="mc_counter_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class CounterDelta(models.Model):
    """An append-only change of a counter, written in the transaction of the rows it counts."""

    campaign = models.ForeignKey("messagecentral.Campaign", on_delete=models.CASCADE, related_name="+")
    name = ExactCharField(max_length=16)
    value = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.value:+d}"


class Pace(models.Model):
    """The next free moment of a paced stream, on the database's clock: the vendor account,
    or one campaign.
    """

    key = ExactCharField(max_length=80, unique=True)
    next_free = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)  # the vendor said 429 or 800
    slowed_to = models.FloatField(default=1.0)  # share of the pace it was slowed to when it last said so
    slowed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key


class Marker(models.Model):
    """When something of the engine last ran, and how far it went."""

    name = ExactCharField(max_length=60, unique=True)
    position = models.BigIntegerField(default=0)
    at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
