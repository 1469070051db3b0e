"""An upload becomes messages: streamed, in chunks, each with its checkpoint.

A task works one slice and calls its successor, which goes on at the checkpoint. An import that is
killed is started again by the sweep when its lease has run out, and ends as if it had never been killed.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from django_messagecentral.campaigns.changing import IMPORT, change
from django_messagecentral.campaigns.chunks import ChunkReader
from django_messagecentral.campaigns.garbage import rare_collections
from django_messagecentral.campaigns.loading import LEASE, LostImport, store
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.sheet.filecheck import check_file
from django_messagecentral.campaigns.sheet.opening import open_sheet
from django_messagecentral.campaigns.sheet.recipients import RowReader
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_now, in_transaction
from django_messagecentral.messaging.models import Message

logger = logging.getLogger("django_messagecentral.imports")

SLICE = 15.0  # seconds after which a task hands over; what it has begun to store is stored


def run_import(upload_id: int, *, seconds: float | None = SLICE) -> bool:
    """Import one upload, or what is left of it; whether this call finished it.

    After ``seconds`` (None: never) the rest is left to a task that this call puts into the broker. Safe
    when run twice, also at once: one importer holds the upload's lease, and a second one finds it taken.
    """
    claim = uuid.uuid4()
    upload = _claim(upload_id, claim)
    if upload is None:
        return False
    logger.info("import of upload %s begins after row %d", upload.public_id, upload.last_row)
    try:
        if upload.tries > app_settings.IMPORT_MAX_TRIES:
            raise UnusableSheet(
                "gave_up",
                _("The import broke off %(n)d times. Split the file into smaller ones.")
                % {"n": upload.tries - 1},
            )
        with translation.override(app_settings.UPLOAD_LOCALE):
            finished = _read_and_store(upload.campaign, upload, claim, seconds)
    except UnusableSheet as error:
        _finish(upload, claim, CampaignUpload.Status.FAILED, str(error))
        return True
    except LostImport:
        logger.warning("upload %s was taken over by another importer", upload.public_id)
        return False
    if not finished:
        _hand_over(upload, claim)
        return False
    _finish(upload, claim, CampaignUpload.Status.DONE, "")
    return True


def _claim(upload_id: int, claim: uuid.UUID) -> CampaignUpload | None:
    free = Q(claim__isnull=True) | Q(lease_until__lt=Now())
    open_states = (CampaignUpload.Status.PENDING, CampaignUpload.Status.IMPORTING)
    taken = CampaignUpload.objects.filter(
        free, pk=upload_id, status__in=open_states, campaign__status=CampaignStatus.IMPORTING
    ).update(
        status=CampaignUpload.Status.IMPORTING,
        claim=claim,
        lease_until=database_now(CampaignUpload) + timedelta(seconds=LEASE),
        tries=F("tries") + 1,
    )
    return CampaignUpload.objects.select_related("campaign").get(pk=upload_id) if taken else None


def _read_and_store(
    campaign: Campaign, upload: CampaignUpload, claim: uuid.UUID, seconds: float | None
) -> bool:
    """Store rows until there are none left (True), or ``seconds`` are over (False)."""
    ends = None if seconds is None else time.monotonic() + seconds
    with _local_file(upload) as path:
        with open(path, "rb") as file:
            kind = check_file(file, os.path.getsize(path), path)
        with open_sheet(path, kind, locale=app_settings.UPLOAD_LOCALE) as sheet:
            judge = RowReader(sheet.columns, campaign.text)
            CampaignUpload.objects.filter(pk=upload.pk, claim=claim).update(
                header=sheet.header, columns=list(sheet.columns.names), total_rows=sheet.last_row_stated
            )
            with (
                rare_collections(),
                ChunkReader(sheet, judge, after=upload.last_row, offset=upload.offset) as chunks,
            ):
                for chunk in chunks:
                    store(campaign, upload, claim, chunk)
                    upload.refresh_from_db()
                    if ends is not None and time.monotonic() >= ends:
                        return False
    return True


@contextmanager
def _local_file(upload: CampaignUpload) -> Iterator[str]:
    """The upload as a file of this machine: where the site's storage is far away, a private copy of it."""
    try:
        path = upload.file.path
    except NotImplementedError:
        pass
    else:
        yield path
        return
    handle, path = tempfile.mkstemp(
        prefix="messagecentral-", suffix=os.path.splitext(upload.file.name or "")[1]
    )
    try:
        with os.fdopen(handle, "wb") as local, upload.file.open("rb") as stored:
            shutil.copyfileobj(stored, local, 1024 * 1024)
        yield path
    finally:
        os.unlink(path)


def _hand_over(upload: CampaignUpload, claim: uuid.UUID) -> None:
    """Let go of the upload and call the successor. If that call is lost, the sweep finds the upload."""
    from django_messagecentral.campaigns.tasks import import_upload

    released = CampaignUpload.objects.filter(pk=upload.pk, claim=claim).update(
        claim=None, lease_until=None, tries=0
    )
    if released:
        import_upload.apply_async((upload.pk,), expires=60)


@in_transaction(CampaignUpload)
def _finish(upload: CampaignUpload, claim: uuid.UUID, status: CampaignUpload.Status, error: str) -> None:
    """Close the upload and open its campaign again, if this importer still holds it."""
    closed = CampaignUpload.objects.filter(
        pk=upload.pk, claim=claim, status=CampaignUpload.Status.IMPORTING
    ).update(status=status, error=error[:500], claim=None, lease_until=None, finished_at=timezone.now())
    if not closed:
        return
    usable = Message.objects.of_campaign(upload.campaign).exists()
    failed = status == CampaignUpload.Status.FAILED
    new = CampaignStatus.FAILED if failed and not usable else CampaignStatus.READY
    importing = Campaign.objects.filter(pk=upload.campaign_id, status=CampaignStatus.IMPORTING)
    change(importing, new, cause=IMPORT, status_reason=error[:300])
    logger.info("import of upload %s ended: %s %s", upload.public_id, status.value, error)
