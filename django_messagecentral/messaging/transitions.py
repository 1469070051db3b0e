"""The functions that write ``Message.status``: checked against the table, counted, announced after the
commit.

Nothing else in the app changes a status. Each function runs in the caller's transaction or its own,
locks its rows where the database can, writes conditionally, and compares the row count, so that two
writers of one row never both win.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from django_messagecentral import events, signals
from django_messagecentral.db import Conflict, batched, database_for, in_transaction, locked
from django_messagecentral.messaging.counters import COST_MICROS, SEGMENTS, Deltas
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.rows import HeldRow, Row
from django_messagecentral.messaging.spending import Charges
from django_messagecentral.messaging.states import DELIVERY, Cause, Status, is_allowed, require
from django_messagecentral.row_updates import update_each
from django_messagecentral.webhooks import outbox

logger = logging.getLogger("django_messagecentral.messages")

CHARGED = (Status.SUBMITTED, *DELIVERY)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One change of one message. ``at`` is the moment it was written, UTC."""

    message_id: int
    public_id: UUID
    campaign_id: int | None
    old: str
    new: str
    cause: Cause
    at: datetime
    channel: str

    @property
    def message(self) -> Message:
        """The row as it is now, read from the database."""
        return Message.objects.get(pk=self.message_id)


@dataclass(frozen=True, slots=True)
class Write:
    """What becomes of one row: a new status, or None to record facts only, and the fields to set."""

    status: Status | None
    fields: Mapping[str, Any]


def _announce(changes: list[StatusChange]) -> None:
    events.messages(changes)
    for change in changes:
        if change.new == Status.SUBMITTED:
            signals.send(signals.message_sent, Message, change=change)
        if change.old != Status.DRAFT:
            signals.send(signals.message_status_changed, Message, change=change)


def _count_and_announce(changes: list[StatusChange], deltas: Deltas | None = None) -> None:
    from django_messagecentral.messaging.routing.following import follow

    deltas = deltas or Deltas()
    for change in changes:
        deltas.move(change.campaign_id, change.old, change.new)
    deltas.write()
    outbox.messages_changed(changes)
    if changes:
        follow(changes)
        transaction.on_commit(partial(_announce, changes), using=database_for(Message), robust=True)


def announce_moves(rows: Iterable[Message], new: Status, cause: Cause, at: datetime) -> None:
    """Count and announce a change that the caller has just written to ``rows``,
    which still hold the old status.
    """
    changes = [
        StatusChange(row.pk, row.public_id, row.campaign_id, row.status, new, cause, at, row.channel)
        for row in rows
    ]
    for old in {change.old for change in changes}:
        require(old, new, cause)
    _count_and_announce(changes)


def _charge(status: str, segments: int, cost: Decimal | None) -> tuple[int, int]:
    """Segments and cost (millionths) that a message in ``status`` is charged: what was submitted is."""
    return (segments, round((cost or 0) * 1_000_000)) if status in CHARGED else (0, 0)


@in_transaction(Message)
def move(
    messages: QuerySet[Message],
    old: Status,
    new: Status,
    cause: Cause,
    fields: Mapping[str, Any] | None = None,
    *,
    skip_locked: bool = False,
) -> list[StatusChange]:
    """Move those of ``messages`` that are ``old`` to ``new``; the changes, of the rows that did change.

    With ``skip_locked`` rows that another transaction holds are left for another time. Raises
    :class:`~django_messagecentral.messaging.states.IllegalTransition` when the table has no such change.
    """
    require(old, new, cause)
    found = locked(messages.filter(status=old).order_by("pk"), skip_locked=skip_locked)
    rows = list(found.values_list("pk", "public_id", "campaign_id", "channel"))
    now = timezone.now()
    for batch in batched(rows, 500):
        written = Message.objects.filter(pk__in=[row[0] for row in batch], status=old).update(
            status=new, updated_at=now, **(fields or {})
        )
        if written != len(batch):
            raise Conflict(f"{len(batch) - written} messages changed meanwhile")
    changes = [
        StatusChange(pk, public_id, campaign, old, new, cause, now, channel)
        for pk, public_id, campaign, channel in rows
    ]
    if changes:
        _count_and_announce(changes)
    return changes


def write(
    rows: Iterable[Message | Row | HeldRow], writes: Mapping[int, Write], cause: Cause
) -> list[StatusChange]:
    """Write a different outcome to each of ``rows``, which the caller has read *and locked in this
    transaction*.

    A status that the table does not allow is logged and dropped; the fields beside it are written all
    the same (an answer that came after the delivery report still names the transaction).
    """
    now = timezone.now()
    changes: list[StatusChange] = []
    deltas, charges = Deltas(), Charges()
    values: dict[int, dict[str, Any]] = {}
    statuses: dict[int, str] = {}
    for row in rows:
        wanted = writes[row.pk]
        new = wanted.status
        if new is not None and not is_allowed(row.status, new, cause):
            logger.warning(
                "dropped for message %s: %s -> %s by %s", row.public_id, row.status, new, cause.value
            )
            new = None
        statuses[row.pk] = row.status
        values[row.pk] = {**wanted.fields, "updated_at": now}
        before = _charge(row.status, row.segments, row.cost)
        segments, cost = wanted.fields.get("segments", row.segments), wanted.fields.get("cost", row.cost)
        after = _charge(new or row.status, segments, cost)
        if before != after:
            deltas.add(row.campaign_id, SEGMENTS, after[0] - before[0])
            deltas.add(row.campaign_id, COST_MICROS, after[1] - before[1])
        charges.add(
            row,
            messages=int((new or row.status) in CHARGED) - int(row.status in CHARGED),
            segments=after[0] - before[0],
            cost_micros=after[1] - before[1],
        )
        if new is not None:
            values[row.pk]["status"] = new.value
            identity = (row.pk, row.public_id, row.campaign_id)
            changes.append(StatusChange(*identity, row.status, new, cause, now, row.channel))
    written = update_each(Message, values, where="status", equals=statuses)
    if written != len(values):
        raise Conflict(f"{len(values) - written} messages changed meanwhile")
    charges.write()
    _count_and_announce(changes, deltas)
    return changes
