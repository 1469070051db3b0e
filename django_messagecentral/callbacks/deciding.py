"""What one report changes in its message, and what becomes of a report that changes none.

Nothing is written here: decisions are collected, and
:mod:`~django_messagecentral.callbacks.processing` writes those of a whole batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django_messagecentral.callbacks.finding import Finding
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.report import status_of
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.rows import Row
from django_messagecentral.messaging.states import (
    DELIVERY,
    TAKEN_BACK,
    UNSETTLED,
    Cause,
    Status,
    is_allowed,
    outranks,
)
from django_messagecentral.messaging.transitions import Write

FIRST_RETRY, LAST_RETRY, MAX_TRIES = 5.0, 3600.0, 40  # seconds, seconds, tries
FOREIGN_TRIES = 6  # of a known id with a phone it does not have: about five minutes

_TRIES = {Callback.Reason.SEVERAL: 1, Callback.Reason.FOREIGN_PHONE: FOREIGN_TRIES}
_REPORTABLE = frozenset({Status.SENDING, Status.FAILED, *TAKEN_BACK, *UNSETTLED, *DELIVERY})


@dataclass(slots=True)
class Report:
    """A stored report in hand: what is needed of it, then what was decided about it."""

    pk: int
    vendor_message_id: str
    phone: str
    vendor_status: str
    error_code: str
    done_at: datetime | None
    tries: int
    was: str  # its state when it was read
    state: str = ""
    reason: str = ""
    next_try_at: datetime | None = None  # where it is tried again
    message_id: int | None = None
    challenge_id: int | None = None


def put_aside(report: Report, finding: Finding, now: datetime) -> None:
    """Nothing fits yet, or too much does: later, or a person."""
    report.tries += 1
    if report.tries >= (_TRIES[finding.reason] if finding.reason else MAX_TRIES):
        park(report, finding.reason or Callback.Reason.NOT_FOUND)
        return
    delay = min(LAST_RETRY, FIRST_RETRY * 2 ** min(report.tries - 1, 12))
    report.next_try_at = now + timedelta(seconds=delay)
    report.state, report.reason = Callback.State.UNMATCHED, finding.reason or ""


def park(report: Report | Callback, reason: Callback.Reason) -> None:
    """It waits for a person."""
    report.state, report.reason = Callback.State.PARKED, reason


def apply(
    report: Report | Callback,
    row: Row | Message,
    writes: dict[int, Write],
    rates: RateCard,
    status: Status | None = None,
) -> None:
    """Decide what ``report`` changes in ``row``, on top of what earlier reports of this batch decided.

    ``status`` is what a person says that an unknown word of the vendor's means.
    """
    report.message_id, report.reason = row.pk, ""
    new = status or status_of(report.vendor_status)
    if new is None:
        park(report, Callback.Reason.UNKNOWN_STATUS)
        return
    planned = writes.get(row.pk)
    now_is = (planned.status if planned else None) or Status(row.status)
    done_at = planned.fields.get("done_at", row.done_at) if planned else row.done_at
    never_left = now_is in TAKEN_BACK and row.submitted_at is None
    if now_is not in _REPORTABLE or never_left:
        park(report, Callback.Reason.NOT_ON_ITS_WAY)
        return
    if now_is in DELIVERY and not outranks(new, report.done_at, now_is, done_at):
        report.state = Callback.State.NO_CHANGE
        return
    fields: dict[str, Any] = {
        **(planned.fields if planned else {}),
        "done_at": report.done_at,
        **_facts(report, row),
    }
    if now_is == new:  # a later report of the same: only its time is news
        writes[row.pk] = Write(planned.status if planned else None, fields)
        report.state = Callback.State.NO_CHANGE
        return
    if new != row.status and not is_allowed(row.status, new, Cause.CALLBACK):
        report.state = Callback.State.NO_CHANGE
        return
    fields["error"] = ""
    if row.cost is None:  # the worker died before it could write what the message costs
        fields["cost"] = rates.cost(
            row.segments, channel=row.channel, message_type=row.message_type, country=row.region
        )
    # Back to what the row already is: an earlier report of this batch is overtaken before it was written.
    writes[row.pk] = Write(None if new == row.status else new, fields)
    report.state = Callback.State.APPLIED


def _facts(report: Report | Callback, row: Row | Message) -> dict[str, str]:
    facts = {"error_code": report.error_code if report.error_code != "0" else ""}
    if report.vendor_message_id and report.vendor_message_id != row.transaction_id:
        facts["vendor_message_id"] = report.vendor_message_id
    return facts
