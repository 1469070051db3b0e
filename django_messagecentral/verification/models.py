"""Verifications, their codes, and the rows the guards keep: exact on every database."""

from __future__ import annotations

import uuid
from datetime import datetime
from math import ceil

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_messagecentral.conf import app_settings
from django_messagecentral.fields import ExactCharField
from django_messagecentral.phones import mask_phone
from django_messagecentral.verification.durations import spoken
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.states import (
    ChallengeMode,
    ChallengeStatus,
    Proves,
    VerificationStatus,
)


class Challenge(models.Model):
    """One code at one phone.

    The vendor keeps one living code a *number*, so at most one row a phone carries ``living_key`` (the
    phone itself, UNIQUE). It is set before the wire is touched, and cleared when the code is used, closed,
    or ``held_until`` has passed. The code itself is never here: in own-code mode a keyed hash is.
    """

    phone = ExactCharField(_("phone"), max_length=16, help_text=_("E.164, with the plus"))
    region = models.CharField(_("country"), max_length=3, blank=True, default="")
    living_key = ExactCharField(max_length=16, null=True, unique=True, editable=False)
    mode = models.CharField(_("made by"), max_length=8, choices=ChallengeMode.choices)
    status = models.CharField(
        _("status"), max_length=8, choices=ChallengeStatus.choices, default=ChallengeStatus.SENDING
    )
    purpose = ExactCharField(_("purpose"), max_length=40)
    subject = ExactCharField(_("subject"), max_length=80)
    channel = models.CharField(_("channel"), max_length=10)
    vendor_id = ExactCharField(_("vendor's id"), max_length=80, blank=True, default="")
    transaction_id = ExactCharField(_("transaction id"), max_length=64, blank=True, default="")
    code_length = models.PositiveSmallIntegerField(_("code length"))
    salt = ExactCharField(max_length=32, blank=True, default="", editable=False)
    code_hash = ExactCharField(max_length=64, blank=True, default="", editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True)
    undelivered_at = models.DateTimeField(
        _("undelivered"), null=True, help_text=_("a delivery report said that it did not arrive")
    )
    expires_at = models.DateTimeField(_("expires"), help_text=_("codes are taken until then"))
    held_until = models.DateTimeField(
        _("held until"), help_text=_("until then the vendor sends no other code to this number")
    )
    error = models.CharField(_("error"), max_length=300, blank=True, default="")

    # What was reserved for this send, to be given back if it did not leave.
    allowance = ExactCharField(max_length=80, blank=True, default="", editable=False)
    ledger_stamp = models.FloatField(null=True, editable=False)
    budget_day = models.DateField(null=True, editable=False)
    units = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("one-time code")
        verbose_name_plural = _("one-time codes")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["phone"], name="mc_challenge_phone"),
            models.Index(fields=["vendor_id"], name="mc_challenge_vendor"),
            models.Index(fields=["transaction_id"], name="mc_challenge_txn"),
            models.Index(fields=["status", "held_until"], name="mc_challenge_sweep"),
        ]

    def __str__(self) -> str:
        return f"{mask_phone(self.phone)} ({self.get_status_display()})"

    @property
    def masked_phone(self) -> str:
        return mask_phone(self.phone)

    @property
    def held_by_vendor(self) -> bool:
        """Whether no other code can be sent before this one expires. A decoy behaves as the real ones do."""
        vendor_makes_codes = app_settings.OTP_MODE != "own"
        return self.mode == ChallengeMode.VENDOR or (self.mode == ChallengeMode.DECOY and vendor_makes_codes)


class VerificationQuerySet(models.QuerySet["Verification"]):
    """Queries other rooms ask for by name."""

    def of_subjects(self, subjects: frozenset[str]) -> VerificationQuerySet:
        """Those that belong to one of ``subjects`` (none when it is empty)."""
        return self.filter(subject__in=subjects)

    def verified(self) -> VerificationQuerySet:
        """Those that proved a phone."""
        return self.filter(status=VerificationStatus.VERIFIED, proves=Proves.PHONE)


class Verification(models.Model):
    """One person showing that they hold one phone, for one purpose.

    ``subject`` says to whom it belongs: a user (``u:<id>``), a session's random nonce or a token (their
    hashes). Attempts are reserved here before a code is checked; ``open_checks`` counts reservations whose
    answer is not written yet, and none of them counts after ``checks_open_until``.
    """

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    phone = ExactCharField(_("phone"), max_length=16, help_text=_("E.164, with the plus"))
    purpose = ExactCharField(_("purpose"), max_length=40)
    subject = ExactCharField(_("subject"), max_length=80)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    allowance = ExactCharField(max_length=80, blank=True, default="", editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=VerificationStatus.choices, default=VerificationStatus.PENDING
    )
    reason = models.CharField(_("why"), max_length=30, blank=True, default="")
    proves = models.CharField(_("proves"), max_length=5, choices=Proves.choices, default=Proves.PHONE)
    locale = models.CharField(_("language"), max_length=20, blank=True, default="")
    challenge = models.ForeignKey(
        Challenge,
        verbose_name=_("code"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="verifications",
    )
    sends = models.PositiveSmallIntegerField(_("codes sent"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    open_checks = models.PositiveSmallIntegerField(default=0, editable=False)
    checks_open_until = models.DateTimeField(null=True, editable=False)
    resend_at = models.DateTimeField(_("new code from"), null=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    verified_at = models.DateTimeField(_("verified"), null=True)
    consumed_at = models.DateTimeField(_("proof used"), null=True)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=VerificationStatus.values), name="mc_verification_status"
            ),
        ]
        indexes = [
            models.Index(fields=["phone", "subject", "status"], name="mc_verification_holder"),
            models.Index(fields=["subject", "purpose", "status"], name="mc_verification_gate"),
            models.Index(fields=["status", "created_at"], name="mc_verification_sweep"),
        ]

    def __str__(self) -> str:
        return f"{mask_phone(self.phone)} ({self.get_status_display()})"

    @property
    def masked_phone(self) -> str:
        return mask_phone(self.phone)

    @property
    def reason_message(self) -> str:
        """Why it is where it is, for a person; empty when nothing is to be said."""
        return str(Reason(self.reason).label) if self.reason in Reason.values else ""

    @property
    def channel(self) -> str:
        return self.challenge.channel if self.challenge else ""

    @property
    def code_length(self) -> int:
        return self.challenge.code_length if self.challenge else 0

    @property
    def resend_in(self) -> int:
        """Whole seconds until another code may be asked for: right also where a visitor's clock is not."""
        if self.resend_at is None:
            return 0
        return max(0, ceil((self.resend_at - timezone.now()).total_seconds()))

    @property
    def resend_in_words(self) -> str:
        """The same for a person."""
        return spoken(self.resend_in)

    @property
    def expires_at(self) -> datetime | None:
        """Until when the code is taken."""
        return self.challenge.expires_at if self.challenge else None


class PhoneLedger(models.Model):
    """What one phone was sent and guessed lately, and its lock.

    ``holder`` is empty for strangers; whoever has verified the phone before has a row of their own, which
    strangers cannot spend. ``version`` makes every write conditional on what was read.
    """

    phone = ExactCharField(_("phone"), max_length=16)
    holder = ExactCharField(_("holder"), max_length=80, blank=True, default="")
    version = models.PositiveBigIntegerField(default=0, editable=False)
    sends = models.JSONField(_("sends"), default=list)  # POSIX times of the last day
    wrong = models.JSONField(_("wrong codes"), default=list)  # POSIX times of the last hour
    lock_level = models.PositiveSmallIntegerField(_("locks so far"), default=0)
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)
    verified_at = models.DateTimeField(_("last verified"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("phone's allowance")
        verbose_name_plural = _("phones' allowances")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["phone", "holder"], name="mc_ledger_once")]
        permissions = [("unlock_phone", _("Can unlock a phone"))]

    def __str__(self) -> str:
        return mask_phone(self.phone)


class SendBudget(models.Model):
    """Sends of one UTC day to one country, or of the whole site (``scope`` is ``IN`` ... or ``site``)."""

    scope = ExactCharField(_("scope"), max_length=8)
    day = models.DateField(_("day"))
    used = models.PositiveIntegerField(_("sent"), default=0)
    entered = models.PositiveIntegerField(_("codes entered"), default=0)
    announced = models.BooleanField(_("said to be spent"), default=False)

    class Meta:
        verbose_name = _("daily budget")
        verbose_name_plural = _("daily budgets")
        ordering = ["-day", "scope"]
        constraints = [models.UniqueConstraint(fields=["scope", "day"], name="mc_budget_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.day}: {self.used}"


class Refusal(models.Model):
    """What the guards refused, counted by reason, scope and hour: an attack never fills the table."""

    hour = models.DateTimeField(_("hour"))
    reason = models.CharField(_("reason"), max_length=30, choices=Reason.choices)
    scope = ExactCharField(_("scope"), max_length=80, help_text=_("what ran out: a phone, a block ..."))
    dry_run = models.BooleanField(_("only logged"), default=False)
    count = models.PositiveIntegerField(_("times"), default=0)
    last_at = models.DateTimeField(_("last"), default=timezone.now)
    last_phone = ExactCharField(_("last phone"), max_length=16, blank=True, default="")
    last_purpose = ExactCharField(_("last purpose"), max_length=40, blank=True, default="")
    last_ip = models.GenericIPAddressField(_("last IP"), null=True, blank=True)

    class Meta:
        verbose_name = _("refused send")
        verbose_name_plural = _("refused sends")
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(fields=["hour", "reason", "scope", "dry_run"], name="mc_refusal_once")
        ]
        indexes = [models.Index(fields=["last_at"], name="mc_refusal_last")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} ({self.count})"
