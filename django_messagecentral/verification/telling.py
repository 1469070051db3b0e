"""Tells the structured log (:mod:`django_messagecentral.events`) how verifications end."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.utils import timezone

from django_messagecentral import events
from django_messagecentral.db import database_for
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.states import VerificationStatus


def left_pending(changed: object, ids: Iterable[int]) -> None:
    """After the commit, tell of those of ``ids`` that are not pending any more, if ``changed`` at all: the
    caller's UPDATE wrote a row. Inside the caller's transaction; costs nothing while the level is off.
    """
    if changed and events.logger.isEnabledFor(logging.INFO):
        transaction.on_commit(partial(_tell, list(ids)), using=database_for(Verification), robust=True)


def _tell(ids: list[int]) -> None:
    rows = Verification.objects.filter(pk__in=ids).exclude(status=VerificationStatus.PENDING)
    old, now = VerificationStatus.PENDING.value, timezone.now()
    for row in rows.select_related("challenge").order_by("pk"):
        channel = row.challenge.channel if row.challenge else ""
        cause = row.reason or row.status
        events.verification(row.public_id, row.purpose, channel, old, row.status, cause, now)
