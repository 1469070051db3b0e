"""Campaigns, the spreadsheets uploaded to them, and the rows that could not be used."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_messagecentral.campaigns.sheet.filecheck import TEXT_SUFFIXES
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.conf import app_settings
from django_messagecentral.fields import ExactCharField
from django_messagecentral.messaging.models import Channel, MessageType
from django_messagecentral.messaging.routing.policies import Routing


def upload_storage() -> Storage:
    """The site's storage for uploads, by the alias in the settings."""
    return storages[app_settings.UPLOAD_STORAGE]


def upload_path(upload: CampaignUpload, filename: str) -> str:
    """An unguessable path; the person's own file name is kept in the row, never in the path."""
    suffix = ".csv" if filename.lower().endswith(TEXT_SUFFIXES) else ".xlsx"
    return f"messagecentral/uploads/{secrets.token_urlsafe(24)}{suffix}"


class Campaign(models.Model):
    """One text to many recipients."""

    class Mode(models.TextChoices):
        AUTO = "", _("chosen by the text")
        SINGLE = "single", _("one call a recipient")
        NUMBERS = "numbers", _("one text to many numbers at once")
        FILE = "file", _("the vendor's file upload")

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200)
    text = models.TextField(
        _("text"),
        help_text=_("##var##, ##var2##, ##var3## … stand for the sheet's columns, also by ##column name##."),
    )
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices, default=Channel.SMS)
    message_type = models.CharField(
        _("type"), max_length=12, choices=MessageType.choices, default=MessageType.TRANSACTION
    )
    sender_id = models.CharField(_("sender ID"), max_length=20, blank=True, default="")
    template_id = models.CharField(_("template ID"), max_length=40, blank=True, default="")
    entity_id = models.CharField(_("entity ID"), max_length=40, blank=True, default="")
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, blank=True, default=Mode.AUTO)
    routing = models.CharField(
        _("routing"),
        max_length=10,
        choices=Routing.choices,
        blank=True,
        default="",
        help_text=_("Empty: the site's."),
    )
    pace = models.FloatField(
        _("pace"), null=True, blank=True, help_text=_("Messages a second; empty: the account's own pace.")
    )
    status = models.CharField(
        _("status"), max_length=10, choices=CampaignStatus.choices, default=CampaignStatus.DRAFT
    )
    status_reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    scheduled_at = models.DateTimeField(_("start"), null=True, blank=True)
    ends_at = models.DateTimeField(_("end"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("created by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    launched_at = models.DateTimeField(_("launched"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("last sign of a worker"), null=True, blank=True)
    failures_in_row = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=CampaignStatus.values), name="mc_campaign_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(pace__isnull=True) | models.Q(pace__gt=0), name="mc_campaign_pace_positive"
            ),
            # The vendor's rule: both or neither.
            models.CheckConstraint(
                condition=(models.Q(template_id="") & models.Q(entity_id=""))
                | (~models.Q(template_id="") & ~models.Q(entity_id="")),
                name="mc_campaign_template_with_entity",
            ),
        ]
        indexes = [models.Index(fields=["status"], name="mc_campaign_status")]
        permissions = [
            ("import_campaign", _("Can upload recipients")),
            ("launch_campaign", _("Can launch, pause, resume and cancel campaigns")),
            ("export_campaign", _("Can download recipients and rejected rows")),
        ]

    def __str__(self) -> str:
        return self.name


class CampaignUpload(models.Model):
    """One source of recipients: a spreadsheet, or a list given by the site's own code."""

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        IMPORTING = "importing", _("importing")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    public_id = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="uploads"
    )
    file = models.FileField(_("file"), storage=upload_storage, upload_to=upload_path, max_length=255)
    original_name = models.CharField(_("file name"), max_length=255, blank=True, default="")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    header = models.JSONField(_("header"), default=list, blank=True, help_text=_("the sheet's first row"))
    columns = models.JSONField(
        _("columns"), default=list, blank=True, help_text=_("variable columns, in order")
    )
    total_rows = models.PositiveIntegerField(_("rows in the sheet"), null=True, blank=True)
    rows_read = models.PositiveIntegerField(_("rows read"), default=0)
    last_row = models.PositiveIntegerField(_("last row stored"), default=0)
    # Where that row begins, in bytes of the unpacked list: the next slice of the import begins there.
    offset = models.BigIntegerField(default=0, editable=False)
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    duplicates = models.PositiveIntegerField(_("duplicates"), default=0)
    suppressed = models.PositiveIntegerField(_("suppressed"), default=0)
    regions = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("accepted recipients and segments by country: {IN: [recipients, segments]}"),
    )
    problems = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("rows set aside by code: {code: [rows, the first one's number, its reason]}"),
    )
    error = models.CharField(_("error"), max_length=500, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    claim = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("uploaded by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.original_name or str(self.public_id)

    def variables_by_column(self, values: list[str]) -> dict[str, Any]:
        """``values`` of one message keyed by this upload's column names."""
        return dict(zip(self.columns, values, strict=False))


class RejectedRow(models.Model):
    """A row that did not become a message: its number in the sheet, its cells and why.

    Repeated phones are listed here too, under the code ``duplicate``; they are not counted as rejected.
    """

    DUPLICATE = "duplicate"

    upload = models.ForeignKey(
        CampaignUpload, verbose_name=_("upload"), on_delete=models.CASCADE, related_name="rejected_rows"
    )
    row_number = models.PositiveIntegerField(_("row"))
    cells = models.JSONField(_("cells"), default=list)
    code = ExactCharField(_("code"), max_length=40)
    reason = models.CharField(_("reason"), max_length=300)

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        ordering = ["upload", "row_number"]
        constraints = [models.UniqueConstraint(fields=["upload", "row_number"], name="mc_rejected_row_once")]

    def __str__(self) -> str:
        return f"{self.row_number}: {self.reason}"


class DispatchSlot(models.Model):
    """A seat for one puller of one campaign. A puller works only while it holds the lease of a seat, so
    a task that the broker delivers twice, or a sweep that starts one too many, finds no seat and ends.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    claim = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="mc_slot_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.number}"
