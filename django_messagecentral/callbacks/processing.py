"""Makes something of stored delivery reports, a batch at a time: finds the messages, changes their states.

How a message is found is in :mod:`~django_messagecentral.callbacks.finding`, what a report changes in
:mod:`~django_messagecentral.callbacks.deciding`. What fits nothing is tried again later (a report may come
before the send's own answer is stored). What fits several waits for a person, and is looked at again by
itself when one of that phone's messages is settled.

The number of statements does not depend on the number of reports. Any number of processes may work at once:
each locks what it works on and passes over what others hold.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.core.cache import caches
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from django_messagecentral import tracing
from django_messagecentral.callbacks.deciding import Report, apply, put_aside
from django_messagecentral.callbacks.faults import is_of_a_row, told
from django_messagecentral.callbacks.finding import GUESSABLE, Finding, find
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.conf import app_settings
from django_messagecentral.db import (
    Conflict,
    among,
    database_for,
    in_statements,
    in_transaction,
    locked,
    read_by_index,
)
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.rows import Row
from django_messagecentral.messaging.states import Cause
from django_messagecentral.messaging.transitions import Write, write
from django_messagecentral.row_updates import update_each
from django_messagecentral.verification.receivers import NOT_DELIVERED
from django_messagecentral.verification.tasks import fall_back

logger = logging.getLogger("django_messagecentral.callbacks")

BATCH = 2_000
SCHEDULED_KEY = "messagecentral:callbacks:scheduled"
SCHEDULED_SECONDS = 30
QUIET = 0.05  # seconds after a call in which this process makes no other
LINGER = 2 * QUIET  # seconds after its beginning at which a task looks once more
BUSY = timedelta(seconds=1)  # until a message that another worker holds is looked at again

_WAITING = (Callback.State.PENDING, Callback.State.UNMATCHED)  # in the order in which they are taken


def due() -> QuerySet[Callback]:
    """Reports to be processed now."""
    return Callback.objects.filter(state__in=_WAITING, next_try_at__lte=timezone.now())


_quiet_until = 0.0  # of the monotonic clock


def call_worker() -> None:
    """Put a task into the broker, unless one is there that has not begun.

    The task takes the mark away before it reads, so a report stored while the mark stood is seen by it. And
    it looks once more :data:`LINGER` after that, so within :data:`QUIET` of a call nothing needs to be asked:
    under load most reports cost neither broker nor cache a round trip.
    """
    global _quiet_until
    from django_messagecentral.callbacks.tasks import process_callbacks

    now = time.monotonic()
    if now < _quiet_until:
        return
    try:
        wanted = caches[app_settings.CACHE].add(SCHEDULED_KEY, 1, SCHEDULED_SECONDS)
    except Exception:  # noqa: BLE001 - any cache library's own error: without a cache each process calls
        logger.warning("the cache is down: every process calls its own worker")
        wanted = True
    if wanted:
        # The vendor is waiting: with the broker down there is no second try here, the sweep is that.
        process_callbacks.apply_async(expires=SCHEDULED_SECONDS, retry=False)
    if not current_app.conf.task_always_eager:  # an eager task is over by now
        _quiet_until = now + QUIET


def forget_call() -> None:
    """Take the mark of :func:`call_worker` away."""
    try:
        caches[app_settings.CACHE].delete(SCHEDULED_KEY)
    except Exception:  # noqa: BLE001 - as above; the mark ends by itself
        logger.warning("the cache is down")


@tracing.traced("messagecentral.callbacks.batch")
def process_batch() -> int:
    """Process up to :data:`BATCH` reports that are due, the oldest first; how many. Safe when run twice at
    once.

    A report whose processing raises an error waits for a person, with the error; the others go on.
    """
    taken: list[int] = []
    try:
        _process(None, taken)
    except Exception as error:
        if not taken or not is_of_a_row(error):
            raise
        logger.warning("a batch of %d reports failed: looking for the culprit", len(taken))
        _process_halves(taken, error)
    return len(taken)


# -- what one batch does ------------------------------------------------------------------------------


@in_transaction(Callback)
def _process(ids: Collection[int] | None, taken: list[int]) -> None:
    """Process the reports ``ids``, or the next ones. ``taken`` is filled with those that were free."""
    read_by_index(Callback)
    reports = _take(ids)
    taken[:] = [report.pk for report in reports]
    if not reports:
        return
    findings = find(reports)
    rows = _lock_messages(findings.values())
    writes: dict[int, Write] = {}
    rates, now = RateCard.of_day(), timezone.now()
    for report in reports:
        finding = findings[report.pk]
        if finding.challenge_id is not None:
            report.state, report.challenge_id = Callback.State.APPLIED, finding.challenge_id
        elif not _holds(finding, report, rows):  # a worker is writing it, or was stopped while it did
            report.state, report.next_try_at = report.was, now + BUSY
        elif finding.message_id is None:
            put_aside(report, finding, now)
        else:
            apply(report, rows[finding.message_id], writes, rates)
    _save(reports)
    _fall_back_from_undelivered(reports)
    changed = write([rows[pk] for pk in writes], writes, Cause.CALLBACK)
    reopen(rows[change.message_id].phone for change in changed)
    tracing.note(reports=len(reports), changed=len(changed))


def _take(ids: Collection[int] | None) -> list[Report]:
    """Lock reports that are due and that nobody else holds: new ones first, each kind by its time.

    One state and that order, and nothing else, is how an index has them, so a batch costs the same with a
    million behind it.
    """
    reports: list[Report] = []
    now = timezone.now()
    for state in _WAITING:
        queryset = Callback.objects.filter(state=state, next_try_at__lte=now).order_by("next_try_at")
        if ids is not None:
            queryset = queryset.filter(pk__in=ids)
        free = locked(queryset, skip_locked=True).values_list(
            *("pk", "vendor_message_id", "phone", "vendor_status", "error_code", "done_at", "tries", "state")
        )
        reports += [Report(*values) for values in free[: BATCH - len(reports)]]
        if len(reports) == BATCH:
            break
    return reports


def _lock_messages(findings: Iterable[Finding]) -> dict[int, Row]:
    """What was found, as it is now; without what somebody else holds."""
    wanted: set[int] = set()
    for finding in findings:
        wanted.update(finding.rivals if finding.message_id is None else (finding.message_id,))
    rows: dict[int, Row] = {}
    for pks in in_statements(Message, sorted(wanted)):
        messages = Message.objects.filter(among(Message, "id", pks)).order_by("pk")
        rows |= {row.pk: row for row in Row.read(locked(messages, skip_locked=True))}
    return rows


def _holds(finding: Finding, report: Report, rows: dict[int, Row]) -> bool:
    """Whether what was found before the locks is still so under them."""
    if finding.message_id is None:
        return all(_may_be_guessed(rows.get(pk)) for pk in finding.rivals)
    row = rows.get(finding.message_id)
    if finding.is_guess:
        return _may_be_guessed(row)
    return row is not None and report.vendor_message_id in (row.transaction_id, row.vendor_message_id)


def _may_be_guessed(row: Row | None) -> bool:
    return row is not None and row.status in GUESSABLE and not row.vendor_message_id


def _save(reports: list[Report]) -> None:
    rows: dict[int, dict[str, Any]] = {}
    for report in reports:
        rows[report.pk] = values = {
            "state": str(report.state),
            "reason": str(report.reason),
            "tries": report.tries,
            "message_id": report.message_id,
            "challenge_id": report.challenge_id,
        }
        if report.next_try_at is not None:
            values["next_try_at"] = report.next_try_at
    written = update_each(Callback, rows, where="state", equals={report.pk: report.was for report in reports})
    if written != len(rows):
        raise Conflict(f"{len(rows) - written} reports were decided about meanwhile")


def _fall_back_from_undelivered(reports: list[Report]) -> None:
    """As the verifications do when a report comes, for one that came before its code's id was known. Twice is
    as good as once.
    """
    for report in reports:
        if report.challenge_id is not None and report.vendor_status.upper() in NOT_DELIVERED:
            again = partial(fall_back.delay, report.challenge_id)
            transaction.on_commit(again, using=database_for(Callback), robust=True)


def reopen(phones: Iterable[str]) -> None:
    """Reports that fitted several messages of one of ``phones`` are looked at again: perhaps one is left."""
    for part in in_statements(Callback, set(phones)):
        Callback.objects.filter(
            among(Callback, "phone", part), state=Callback.State.PARKED, reason=Callback.Reason.SEVERAL
        ).update(state=Callback.State.PENDING, next_try_at=timezone.now())


# -- when processing raises an error ------------------------------------------------------------------


def _process_halves(ids: list[int], error: Exception) -> None:
    """``ids`` together raised ``error``: each half by itself, until the culprit is alone."""
    if len(ids) == 1:
        _give_up(ids[0], error)
        return
    for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]):
        try:
            _process(half, [])
        except Exception as again:
            if not is_of_a_row(again):
                raise
            _process_halves(half, again)


def _give_up(callback_id: int, error: Exception) -> None:
    frames = "".join(traceback.format_tb(error.__traceback__))  # code only: the text may hold a number
    logger.error("report %d waits for a person: %s\n%s", callback_id, told(error), frames)
    Callback.objects.filter(pk=callback_id, state__in=_WAITING).update(
        state=Callback.State.PARKED, reason=Callback.Reason.FAILED, error=told(error), tries=F("tries") + 1
    )
