"""Purges what is older than ``RETENTION_DAYS``: texts, variables, addresses, raw reports, uploaded files, and
phones, addresses and hashes of verifications.

What is kept: every message's row with its phone, status, times and cost (so counts, reports and opt-outs
stay true), verifications as counts, opt-outs, rates and spending. To forget a phone altogether there is
:mod:`~django_messagecentral.privacy.person`.

A message that still waits to be sent keeps its text however old it is. The walk over the messages goes by
primary key and remembers where it was (:class:`Marker`), so a slice costs the same on any table.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Q
from django.utils import timezone

from django_messagecentral.campaigns.models import CampaignUpload, RejectedRow
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.markers import read_marker, set_marker
from django_messagecentral.messaging.models import InboundMessage, Message
from django_messagecentral.messaging.states import WAITING
from django_messagecentral.privacy import verifications

logger = logging.getLogger("django_messagecentral.privacy")

BATCH = 2_000
REFUSALS = 500
WALK = "retention:messages"


def purge(days: int | None = None, *, seconds: float | None = None) -> dict[str, int]:
    """Purge what is older than ``days`` (the setting by default; 0 purges nothing), for at most ``seconds``;
    how many rows by kind. A slice that ends early goes on where it stopped.
    """
    kept_for = app_settings.RETENTION_DAYS if days is None else days
    if kept_for <= 0:
        return {}
    before = timezone.now() - timedelta(days=kept_for)
    ends = time.monotonic() + seconds if seconds is not None else None
    counts: dict[str, int] = {}
    steps: dict[str, Callable[[datetime], int | None]] = {
        "messages": _messages,
        "callbacks": partial(verifications.old_reports, size=BATCH),
        "inbound": _inbound,
        "files": _files,
        "rejected rows": _rejected_rows,
        "verifications": partial(verifications.old_verifications, size=BATCH),
        "codes": partial(verifications.old_codes, size=BATCH),
        "allowances": partial(verifications.old_allowances, size=BATCH),
        "refusals": partial(verifications.old_refusals, size=REFUSALS),
    }
    for name, step in steps.items():
        counts[name] = 0
        while (done := step(before)) is not None:
            counts[name] += done
            if ends is not None and time.monotonic() > ends:
                return counts
    if any(counts.values()):
        logger.info("purged what is older than %d days: %s", kept_for, counts)
    return counts


def _messages(before: datetime) -> int | None:
    """A batch of messages; None at the end of the walk, which the next one begins anew."""
    last = read_marker(WALK).position
    rows = Message.objects.filter(pk__gt=last, created_at__lt=before).order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    if not ids:
        set_marker(WALK, 0)
        return None
    full = ~Q(text="") | ~Q(variables=[])
    done = Message.objects.filter(full, pk__in=ids).exclude(status__in=WAITING).update(text="", variables=[])
    set_marker(WALK, ids[-1])
    return done


def _inbound(before: datetime) -> int | None:
    """What made nobody opt out is deleted; of the others the fact is kept, without the words."""
    obeyed = (InboundMessage.Action.OPTED_OUT, InboundMessage.Action.OPTED_IN)
    old = InboundMessage.objects.filter(received_at__lt=before).exclude(action__in=obeyed, text="")
    ids = list(old.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not ids:
        return None
    batch = InboundMessage.objects.filter(pk__in=ids)
    return (
        batch.filter(action__in=obeyed).update(text="", payload=None)
        + (batch.exclude(action__in=obeyed).delete()[0])
    )


def _files(before: datetime) -> int | None:
    """Stored spreadsheets of imports that ended."""
    ended = (CampaignUpload.Status.DONE, CampaignUpload.Status.FAILED)
    uploads = list(
        CampaignUpload.objects.filter(created_at__lt=before, status__in=ended).exclude(file="")[:100]
    )
    for upload in uploads:
        delete_file(upload)
    return len(uploads) or None


def delete_file(upload: CampaignUpload) -> None:
    """The stored spreadsheet, and not what was read from it."""
    upload.file.delete(save=False)
    CampaignUpload.objects.filter(pk=upload.pk).update(file="")


def _rejected_rows(before: datetime) -> int | None:
    old = RejectedRow.objects.filter(upload__created_at__lt=before).exclude(cells=[])
    ids = list(old.order_by("pk").values_list("pk", flat=True)[:BATCH])
    return RejectedRow.objects.filter(pk__in=ids).update(cells=[]) if ids else None
