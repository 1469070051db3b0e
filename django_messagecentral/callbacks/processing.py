"""Makes something of stored delivery reports, a batch at a time: finds the message, changes its state.

How the message is found is in :mod:`~django_messagecentral.callbacks.finding`. What fits nothing is tried
again later (a report may come before the send's own answer is stored). What fits several waits for a
person, and is looked at again by itself when one of that phone's messages is settled.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import QuerySet
from django.utils import timezone

from django_messagecentral.callbacks.finding import Finding, find
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.report import status_of
from django_messagecentral.conf import app_settings
from django_messagecentral.db import batched, in_transaction, locked, value_by_pk
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.states import (
    DELIVERY,
    TAKEN_BACK,
    UNSETTLED,
    Cause,
    Status,
    is_allowed,
    outranks,
)
from django_messagecentral.messaging.transitions import Write, write

logger = logging.getLogger("django_messagecentral.callbacks")

BATCH = 1_000
FIRST_RETRY, LAST_RETRY, MAX_TRIES = 5.0, 3600.0, 40  # seconds, seconds, tries
FOREIGN_TRIES = 6  # of a known id with a phone it does not have: about five minutes
SCHEDULED_KEY = "messagecentral:callbacks:scheduled"
SCHEDULED_SECONDS = 30

# Of a message; what is not named here would be read row by row.
_NEEDED = (
    *("public_id", "campaign_id", "phone", "region", "channel", "message_type", "purpose"),
    *("status", "segments", "cost", "transaction_id", "submitted_at", "done_at"),
)
_WAITING = (Callback.State.PENDING, Callback.State.UNMATCHED)
_REPORTABLE = (Status.SENDING, Status.FAILED, *TAKEN_BACK, *UNSETTLED, *DELIVERY)


def due() -> QuerySet[Callback]:
    """Reports to be processed now."""
    return Callback.objects.filter(state__in=_WAITING, next_try_at__lte=timezone.now())


def call_worker() -> None:
    """Put a task into the broker, unless one is there that has not begun.

    The task takes the mark away before it reads, so a report stored while the mark stood is seen by it.
    """
    from django_messagecentral.callbacks.tasks import process_callbacks

    try:
        wanted = caches[app_settings.CACHE].add(SCHEDULED_KEY, 1, SCHEDULED_SECONDS)
    except Exception:  # noqa: BLE001 - any cache library's own error: without a cache every report calls
        logger.warning("the cache is down: each report calls its own worker")
        wanted = True
    if wanted:
        # The vendor is waiting: with the broker down there is no second try here, the sweep is that.
        process_callbacks.apply_async(expires=SCHEDULED_SECONDS, retry=False)


def forget_call() -> None:
    """Take the mark of :func:`call_worker` away."""
    try:
        caches[app_settings.CACHE].delete(SCHEDULED_KEY)
    except Exception:  # noqa: BLE001 - as above; the mark ends by itself
        logger.warning("the cache is down")


@in_transaction(Callback)
def process_batch() -> int:
    """Process the oldest reports that are due; how many. Safe when run twice at once."""
    callbacks = list(locked(due().order_by("pk").defer("payload", "remote_ip"), skip_locked=True)[:BATCH])
    if not callbacks:
        return 0
    findings = find(callbacks)
    wanted = {finding.message_id for finding in findings.values() if finding.message_id}
    free = locked(Message.objects.filter(pk__in=wanted).only(*_NEEDED).order_by("pk"), skip_locked=True)
    rows = {row.pk: row for row in free}
    writes: dict[int, Write] = {}
    rates, now = RateCard.of_day(), timezone.now()
    for callback in callbacks:
        finding = findings[callback.pk]
        if finding.challenge_id is not None:
            callback.state, callback.reason = Callback.State.APPLIED, ""
            callback.challenge_id = finding.challenge_id
        elif finding.message_id is None:
            _put_aside(callback, finding, now)
        elif finding.message_id not in rows:  # a worker is writing it, or was stopped while it did
            callback.next_try_at = now + timedelta(seconds=1)
        else:
            apply(callback, rows[finding.message_id], writes, rates)
    _save(callbacks)
    changed = write([rows[pk] for pk in writes], writes, Cause.CALLBACK)
    reopen(rows[change.message_id].phone for change in changed)
    return len(callbacks)


def _put_aside(callback: Callback, finding: Finding, now: datetime) -> None:
    """Nothing fits yet, or too much does: later, or a person."""
    callback.tries += 1
    delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(callback.tries - 1, 12))
    callback.next_try_at = now + timedelta(seconds=delay)
    callback.state, callback.reason = Callback.State.UNMATCHED, finding.reason or ""
    tries_of = {Callback.Reason.SEVERAL: 1, Callback.Reason.FOREIGN_PHONE: FOREIGN_TRIES, None: MAX_TRIES}
    if callback.tries >= tries_of[finding.reason]:
        park(callback, finding.reason or Callback.Reason.NOT_FOUND)


def park(callback: Callback, reason: Callback.Reason) -> None:
    """It waits for a person."""
    callback.state, callback.reason = Callback.State.PARKED, reason


def reopen(phones: Iterable[str]) -> None:
    """Reports that fitted several messages of one of ``phones`` are looked at again: perhaps one is left."""
    for batch in batched(set(phones), 500):
        Callback.objects.filter(
            phone__in=batch, state=Callback.State.PARKED, reason=Callback.Reason.SEVERAL
        ).update(state=Callback.State.PENDING, next_try_at=timezone.now())


def _save(callbacks: list[Callback]) -> None:
    """One UPDATE for all that ended alike: a CASE over every column is many times slower."""
    alike: defaultdict[tuple[Any, ...], list[Callback]] = defaultdict(list)
    for callback in callbacks:
        again = callback.next_try_at if callback.state in _WAITING else None
        alike[(callback.state, callback.reason, callback.tries, again)].append(callback)
    for (state, reason, tries, again), group in alike.items():
        fields: dict[str, Any] = {"state": state, "reason": reason, "tries": tries}
        if again is not None:
            fields["next_try_at"] = again
        for batch in batched(group, 200):
            for name in ("message", "challenge"):
                ids = {callback.pk: getattr(callback, f"{name}_id") for callback in batch}
                found = {pk: value for pk, value in ids.items() if value}
                fields[name] = value_by_pk(Callback, name, found) if found else None
            Callback.objects.filter(pk__in=[callback.pk for callback in batch]).update(**fields)


# -- applying -----------------------------------------------------------------------------------


def apply(
    callback: Callback,
    row: Message,
    writes: dict[int, Write],
    rates: RateCard,
    status: Status | None = None,
) -> None:
    """Decide what ``callback`` changes in ``row``, on top of what earlier callbacks of this batch decided.

    ``status`` is what a person says that an unknown word of the vendor's means.
    """
    callback.message, callback.reason = row, ""
    new = status or status_of(callback.vendor_status)
    if new is None:
        park(callback, Callback.Reason.UNKNOWN_STATUS)
        return
    planned = writes.get(row.pk)
    now_is = (planned.status if planned else None) or Status(row.status)
    done_at = planned.fields.get("done_at", row.done_at) if planned else row.done_at
    never_left = now_is in TAKEN_BACK and row.submitted_at is None
    if now_is not in _REPORTABLE or never_left:
        park(callback, Callback.Reason.NOT_ON_ITS_WAY)
        return
    if now_is in DELIVERY and not outranks(new, callback.done_at, now_is, done_at):
        callback.state = Callback.State.NO_CHANGE
        return
    fields: dict[str, Any] = {
        **(planned.fields if planned else {}),
        "done_at": callback.done_at,
        **_facts(callback, row),
    }
    if now_is == new:  # a later report of the same: only its time is news
        writes[row.pk] = Write(planned.status if planned else None, fields)
        callback.state = Callback.State.NO_CHANGE
        return
    if new != row.status and not is_allowed(row.status, new, Cause.CALLBACK):
        callback.state = Callback.State.NO_CHANGE
        return
    fields["error"] = ""
    if row.cost is None:  # the worker died before it could write what the message costs
        fields["cost"] = rates.cost(
            row.segments, channel=row.channel, message_type=row.message_type, country=row.region
        )
    # Back to what the row already is: an earlier report of this batch is overtaken before it was written.
    writes[row.pk] = Write(None if new == row.status else new, fields)
    callback.state = Callback.State.APPLIED


def _facts(callback: Callback, row: Message) -> dict[str, str]:
    facts = {"error_code": callback.error_code if callback.error_code != "0" else ""}
    if callback.vendor_message_id and callback.vendor_message_id != row.transaction_id:
        facts["vendor_message_id"] = callback.vendor_message_id
    return facts
