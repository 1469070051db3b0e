"""Makes something of stored delivery reports, a batch at a time: finds the message, changes its state.

Finding (an exact id always wins):

1. by ``transaction_id``, or by the reports' own id where an earlier report taught it;
2. within that id by phone, where a bulk call gave many recipients one id;
3. by phone and submit time: exactly one unsettled message of that phone within ten minutes, and none of
   that phone still being sent. The strange id is then recorded on the row.

What fits nothing is tried again later (a report may come before the send's own answer is stored); what
fits several waits for a person.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.report import STATUS_OF
from django_messagecentral.conf import app_settings
from django_messagecentral.db import batched, in_transaction, locked
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.states import DELIVERY, UNSETTLED, Cause, Status, is_allowed, outranks
from django_messagecentral.messaging.transitions import Write, write

logger = logging.getLogger("django_messagecentral.callbacks")

BATCH = 500
SUBMIT_WINDOW = timedelta(minutes=10)
FIRST_RETRY, LAST_RETRY, MAX_TRIES = 5.0, 3600.0, 40  # seconds, seconds, tries
SCHEDULED_KEY = "messagecentral:callbacks:scheduled"
SCHEDULED_SECONDS = 30

_REPORTABLE = (Status.SENDING, Status.FAILED, *UNSETTLED, *DELIVERY)


def due() -> QuerySet[Callback]:
    """Reports to be processed now."""
    waiting = (Callback.State.PENDING, Callback.State.UNMATCHED)
    return Callback.objects.filter(state__in=waiting, next_try_at__lte=timezone.now())


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
        process_callbacks.apply_async(expires=SCHEDULED_SECONDS)


def forget_call() -> None:
    """Take the mark of :func:`call_worker` away."""
    try:
        caches[app_settings.CACHE].delete(SCHEDULED_KEY)
    except Exception:  # noqa: BLE001 - as above; the mark ends by itself
        logger.warning("the cache is down")


@in_transaction(Callback)
def process_batch() -> int:
    """Process the oldest reports that are due; how many. Safe when run twice at once."""
    callbacks = list(locked(due().order_by("pk"), skip_locked=True)[:BATCH])
    if not callbacks:
        return 0
    found = _find(callbacks)
    wanted = {message.pk for message in found.values()}
    free = locked(Message.objects.filter(pk__in=wanted).order_by("pk"), skip_locked=True)
    rows = {row.pk: row for row in free}
    writes: dict[int, Write] = {}
    rates = RateCard.of_day()
    for callback in callbacks:
        if callback.state == Callback.State.PARKED:
            continue
        message = found.get(callback.pk)
        if message is None:
            _try_later(callback)
        elif message.pk not in rows:  # a worker is writing it, or was stopped while it did
            callback.next_try_at = timezone.now() + timedelta(seconds=1)
        else:
            _apply(callback, rows[message.pk], writes, rates)
    write([rows[pk] for pk in writes], writes, Cause.CALLBACK)
    Callback.objects.bulk_update(
        callbacks, ["state", "note", "tries", "next_try_at", "message"], batch_size=100
    )
    return len(callbacks)


# -- finding ------------------------------------------------------------------------------------


def _find(callbacks: list[Callback]) -> dict[int, Message]:
    """The message of each callback (by callback id), where there is exactly one."""
    by_id: dict[str, list[Message]] = defaultdict(list)
    for ids in batched({c.vendor_message_id for c in callbacks if c.vendor_message_id}, 200):
        for message in Message.objects.filter(Q(transaction_id__in=ids) | Q(vendor_message_id__in=ids)):
            for own in {message.transaction_id, message.vendor_message_id} - {""}:
                by_id[own].append(message)
    found: dict[int, Message] = {}
    for callback in callbacks:
        known = by_id.get(callback.vendor_message_id, [])
        fitting = [message for message in known if callback.phone in ("", message.phone)]
        if len(fitting) == 1:
            found[callback.pk] = fitting[0]
        elif known:
            callback.state, callback.note = (
                Callback.State.PARKED,
                _("The id is known, but not with this phone."),
            )
        elif callback.phone and (guess := _find_by_phone(callback)):
            found[callback.pk] = guess
    return found


def _find_by_phone(callback: Callback) -> Message | None:
    """The one unsettled message of this phone around the submit time,
    if nothing of that phone is being sent.
    """
    of_phone = Message.objects.filter(phone=callback.phone)
    if of_phone.filter(status=Status.SENDING).exists():
        return None
    moment = callback.submit_at or callback.received_at
    near = Q(submitted_at__range=(moment - SUBMIT_WINDOW, moment + SUBMIT_WINDOW))
    candidates = list(of_phone.filter(near, status__in=UNSETTLED, vendor_message_id="")[:2])
    if len(candidates) > 1:
        callback.state = Callback.State.PARKED
        callback.note = _("Several messages to this phone were on their way: a person must choose.")
        return None
    return candidates[0] if candidates else None


def _try_later(callback: Callback) -> None:
    callback.tries += 1
    delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(callback.tries - 1, 12))
    callback.next_try_at = timezone.now() + timedelta(seconds=delay)
    callback.state = Callback.State.UNMATCHED
    if callback.tries >= MAX_TRIES:
        callback.state, callback.note = Callback.State.PARKED, _("No message was found for it.")


# -- applying -----------------------------------------------------------------------------------


def _apply(callback: Callback, row: Message, writes: dict[int, Write], rates: RateCard) -> None:
    """Decide what ``callback`` changes in ``row``, on top of what earlier callbacks of this batch decided."""
    callback.message = row
    new = STATUS_OF.get(callback.vendor_status.upper())
    if new is None:
        callback.state, callback.note = Callback.State.PARKED, _("A status this version does not know.")
        return
    planned = writes.get(row.pk)
    status = planned.status if planned and planned.status else Status(row.status)
    done_at = planned.fields.get("done_at", row.done_at) if planned else row.done_at
    if status not in _REPORTABLE:
        callback.state, callback.note = Callback.State.PARKED, _("The message was not on its way.")
        return
    if status in DELIVERY and not outranks(new, callback.done_at, status, done_at):
        callback.state = Callback.State.NO_CHANGE
        return
    if status == new:  # a later report of the same: only its time is news
        writes[row.pk] = Write(
            planned.status if planned else None, {"done_at": callback.done_at, **_facts(callback, row)}
        )
        callback.state = Callback.State.NO_CHANGE
        return
    if not is_allowed(row.status, new, Cause.CALLBACK):
        callback.state = Callback.State.NO_CHANGE
        return
    fields: dict[str, Any] = {"done_at": callback.done_at, "error": "", **_facts(callback, row)}
    if row.cost is None:  # the worker died before it could write what the message costs
        fields["cost"] = rates.cost(
            row.segments, channel=row.channel, message_type=row.message_type, country=row.region
        )
    writes[row.pk] = Write(new, fields)
    callback.state = Callback.State.APPLIED


def _facts(callback: Callback, row: Message) -> dict[str, str]:
    facts = {"error_code": callback.error_code if callback.error_code != "0" else ""}
    if callback.vendor_message_id and callback.vendor_message_id != row.transaction_id:
        facts["vendor_message_id"] = callback.vendor_message_id
    return facts
