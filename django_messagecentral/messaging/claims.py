"""Claims: a worker's lease on a few messages, committed as ``sending`` before the wire is touched."""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from django_messagecentral.backends import get_backend
from django_messagecentral.conf import app_settings
from django_messagecentral.db import Conflict, among, in_transaction, locked
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import announce_moves

MARGIN = 5.0  # seconds; for what no timeout bounds, as a slow resolver
# What no sender asks of a claimed row; a time costs more to read than a text.
UNASKED = (
    "lease_until",
    "not_before",
    "created_at",
    "submitted_at",
    "done_at",
    "updated_at",
    "cost",
    "transaction_id",
    "vendor_message_id",
    "error",
    "error_code",
    "row_number",
)


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
    rows = list(locked(due.order_by("pk").defer(*UNASKED), skip_locked=True)[:limit])
    if not rows:
        return []
    lease_until = ExpressionWrapper(Now() + timedelta(seconds=lease), output_field=DateTimeField())
    claimed = Message.objects.filter(among(Message, "pk", [row.pk for row in rows]), status=Status.QUEUED)
    written = claimed.update(
        status=Status.SENDING,
        claim=claim_id,
        lease_until=lease_until,
        attempt_count=F("attempt_count") + 1,
        updated_at=Now(),
    )
    if written != len(rows):
        raise Conflict("another worker claimed some of these rows")
    announce_moves(rows, Status.SENDING, Cause.OWNER, timezone.now())
    for row in rows:
        row.status, row.claim = Status.SENDING, claim_id
        row.attempt_count += 1
    return rows
