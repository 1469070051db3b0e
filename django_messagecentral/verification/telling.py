"""Tells the structured log (:mod:`django_messagecentral.events`) how verifications end, and begin again."""

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


def left_expired(changed: object, verification: Verification, new: VerificationStatus) -> None:
    """After the commit, tell that ``verification`` was expired and is ``new`` now, if ``changed`` at all:
    it goes on with another code, or was cancelled. ``verification`` still holds the old state.
    """
    was_expired = changed and verification.status == VerificationStatus.EXPIRED
    if was_expired and events.logger.isEnabledFor(logging.INFO):
        tell = partial(_tell_of_expired, verification.pk, new)
        transaction.on_commit(tell, using=database_for(Verification), robust=True)


def _tell_of_expired(pk: int, new: VerificationStatus) -> None:
    row = Verification.objects.select_related("challenge").get(pk=pk)
    channel = row.challenge.channel if row.challenge else ""
    cause = "another_code" if new == VerificationStatus.PENDING else new.value
    old = VerificationStatus.EXPIRED.value
    events.verification(row.public_id, row.purpose, channel, old, new.value, cause, timezone.now())
