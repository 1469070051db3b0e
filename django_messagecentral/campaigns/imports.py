"""An upload becomes messages: streamed, in chunks, each with its checkpoint.

An import that is killed half way is started again by the sweep when its lease has run out, skips to the
checkpoint and ends as if it had never been killed.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
import uuid
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from django_messagecentral.campaigns.loading import LEASE, Chunk, LostImport, store
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.sheet.recipients import Recipient, RowReader
from django_messagecentral.campaigns.sheet.workbook import Workbook, check_file
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_now, in_transaction
from django_messagecentral.messaging.models import Message

logger = logging.getLogger("django_messagecentral.imports")

PROGRESS_SECONDS = 2.0  # a chunk is stored at least this often, so that progress is live


def run_import(upload_id: int) -> bool:
    """Import one upload, or what is left of it; whether this call finished it.

    Safe when run twice, also at once: one importer holds the upload's lease, and a second one finds it taken.
    """
    claim = uuid.uuid4()
    upload = _claim(upload_id, claim)
    if upload is None:
        return False
    campaign = upload.campaign
    logger.info("import of upload %s begins after row %d", upload.public_id, upload.last_row)
    try:
        if upload.tries > app_settings.IMPORT_MAX_TRIES:
            raise UnusableSheet(
                "gave_up",
                _("The import broke off %(n)d times. Split the file into smaller ones.")
                % {"n": upload.tries - 1},
            )
        with translation.override(app_settings.UPLOAD_LOCALE):
            _read_and_store(campaign, upload, claim)
    except UnusableSheet as error:
        _finish(upload, claim, CampaignUpload.Status.FAILED, str(error))
        return True
    except LostImport:
        logger.warning("upload %s was taken over by another importer", upload.public_id)
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


def _read_and_store(campaign: Campaign, upload: CampaignUpload, claim: uuid.UUID) -> None:
    path = _local_copy(upload)
    try:
        with Workbook(path, locale=app_settings.UPLOAD_LOCALE) as book:
            reader = RowReader(book.columns, campaign.text)
            CampaignUpload.objects.filter(pk=upload.pk, claim=claim).update(
                header=book.header, columns=list(book.columns.names), total_rows=book.last_row_stated
            )
            chunk, stored_at = Chunk(), time.monotonic()
            for row in book.rows():
                if row.number <= upload.last_row:
                    continue
                answer = reader.read(row)
                if isinstance(answer, Recipient):
                    chunk.recipients.append(answer)
                else:
                    chunk.rejections.append(answer)
                chunk.rows_read += 1
                chunk.last_row = row.number
                if (
                    chunk.rows_read >= app_settings.IMPORT_CHUNK_ROWS
                    or time.monotonic() - stored_at > PROGRESS_SECONDS
                ):
                    store(campaign, upload, claim, chunk)
                    upload.refresh_from_db()
                    chunk, stored_at = Chunk(), time.monotonic()
            if chunk.rows_read:
                store(campaign, upload, claim, chunk)
    finally:
        os.unlink(path)


def _local_copy(upload: CampaignUpload) -> str:
    """A private local file: the site's storage may be far away, and a zip needs a seekable file."""
    handle, path = tempfile.mkstemp(prefix="messagecentral-", suffix=".xlsx")
    try:
        with os.fdopen(handle, "wb") as local, upload.file.open("rb") as stored:
            shutil.copyfileobj(stored, local, 1024 * 1024)
        with open(path, "rb") as copy:
            check_file(copy, os.path.getsize(path))
    except BaseException:
        os.unlink(path)
        raise
    return path


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
    Campaign.objects.filter(pk=upload.campaign_id, status=CampaignStatus.IMPORTING).update(
        status=new, status_reason=error[:300]
    )
    logger.info("import of upload %s ended: %s %s", upload.public_id, status.value, error)
