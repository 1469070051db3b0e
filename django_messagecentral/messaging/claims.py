"""Claims: a worker's lease on a few messages, committed as ``sending`` before the wire is touched."""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from django_messagecentral.backends import get_backend
from django_messagecentral.conf import app_settings
from django_messagecentral.db import Conflict, in_transaction, locked
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import announce_moves

MARGIN = 5.0  # seconds; for what no timeout bounds, as a slow resolver


def worker_name() -> str:
    """Host and process, as attempts record it."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def longest_call() -> float:
    """Seconds after which no call that a worker began can still be under way, with a margin."""
    return get_backend().longest_call + MARGIN


@dataclass(frozen=True, slots=True)
class Claim:
    """``rows`` are this worker's until the lease ends; no call may start after that."""

    id: uuid.UUID
    rows: list[Message]
    lease: float
    _wall: float = field(default_factory=time.time)
    _monotonic: float = field(default_factory=time.monotonic)

    def may_start(self) -> bool:
        """Whether a call may still begin, by both clocks: one may have stopped or jumped."""
        return time.monotonic() - self._monotonic < self.lease and 0 <= time.time() - self._wall < self.lease


def claim(messages: QuerySet[Message], limit: int) -> Claim:
    """Claim up to ``limit`` queued rows of ``messages`` that may leave now, oldest first."""
    lease = app_settings.LEASE
    wall, monotonic = time.time(), time.monotonic()  # before the database's: the lease ends here first
    claim_id = uuid.uuid4()
    return Claim(claim_id, _take(messages, limit, claim_id, lease), lease, wall, monotonic)


@in_transaction(Message)
def _take(messages: QuerySet[Message], limit: int, claim_id: uuid.UUID, lease: float) -> list[Message]:
    due = messages.filter(Q(not_before__isnull=True) | Q(not_before__lte=Now()), status=Status.QUEUED)
    rows = list(locked(due.annotate(_now=Now()).order_by("pk"), skip_locked=True)[:limit])
    if not rows:
        return []
    now: datetime = rows[0]._now
    lease_until = now + timedelta(seconds=lease)
    written = Message.objects.filter(pk__in=[row.pk for row in rows], status=Status.QUEUED).update(
        status=Status.SENDING,
        claim=claim_id,
        lease_until=lease_until,
        attempt_count=F("attempt_count") + 1,
        updated_at=now,
    )
    if written != len(rows):
        raise Conflict("another worker claimed some of these rows")
    announce_moves(rows, Status.SENDING, Cause.OWNER, now)
    for row in rows:
        row.status, row.claim, row.lease_until = Status.SENDING, claim_id, lease_until
        row.attempt_count += 1
    return rows
