"""Writes what became of claimed messages: the only place where an answer of the vendor meets a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.client import ResponseCode
from django_messagecentral.db import among, in_transaction, locked
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging.claims import worker_name
from django_messagecentral.messaging.models import Attempt, Message
from django_messagecentral.messaging.rows import HeldRow
from django_messagecentral.messaging.states import DELIVERY, Cause, Status
from django_messagecentral.messaging.transitions import StatusChange, Write, write
from django_messagecentral.messaging.wire import CallResult
from django_messagecentral.row_updates import insert_all

RETRY_BASE = 2.0  # seconds; doubled a try
RETRY_MAX = 300.0

_STATUS_OF = {
    Outcome.ACCEPTED: Status.SUBMITTED,
    Outcome.NEVER_LEFT: Status.QUEUED,
    Outcome.REFUSED: Status.FAILED,
    Outcome.MAY_HAVE_LEFT: Status.UNCONFIRMED,
}


@dataclass(frozen=True, slots=True)
class Result:
    """One claimed message's end. Without a ``call`` the wire was not touched:
    ``status`` says where it goes.
    """

    call: CallResult | None = None
    status: Status | None = None
    error: str = ""
    not_before: datetime | None = None  # when a message that was held back may leave
    segments: int = 0
    cost: Decimal | None = None


# "There is one already": the id in such an answer is that earlier request's.
DUPLICATES = (ResponseCode.DUPLICATE_RESOURCE, ResponseCode.REQUEST_ALREADY_EXISTS)
_NEVER = {"submitted_at": None}  # no report is to find it by its time

NOT_STARTED = Result(status=Status.QUEUED)


def retry_delay(attempt_count: int, retry_after: float | None) -> float:
    """Seconds until a message that never left is tried again."""
    backoff: float = min(RETRY_MAX, RETRY_BASE * 2 ** max(0, attempt_count - 1))
    return max(retry_after or 0.0, backoff)


def record(claim_id: UUID, results: Mapping[int, Result]) -> list[StatusChange]:
    """Write ``results`` (by message id) to the rows that still carry this claim; the changes of status."""
    return record_all({claim_id: results})


@in_transaction(Message)
def record_all(by_claim: Mapping[UUID, Mapping[int, Result]]) -> list[StatusChange]:
    """Write the results of several claims (claim -> message id -> result) in one transaction.

    Rows that somebody else has moved on meanwhile (a person's decision, an early delivery report) keep
    their status; what the answer tells of them is recorded all the same. A row that carries another claim
    by now is not touched.
    """
    expected = {(claim, pk): result for claim, results in by_claim.items() for pk, result in results.items()}
    held = Message.objects.filter(among(Message, "pk", [pk for __, pk in expected]), claim__in=list(by_claim))
    rows = [row for row in HeldRow.read(locked(held.order_by("pk"))) if (row.claim, row.pk) in expected]
    results = {row.pk: expected[(row.claim, row.pk)] for row in rows}
    changes = write(rows, {row.pk: _write_for(row, results[row.pk]) for row in rows}, Cause.OWNER)
    insert_all(Attempt, [_attempt(row, call) for row in rows if (call := results[row.pk].call) is not None])
    return changes


def _write_for(row: HeldRow, result: Result) -> Write:
    call = result.call
    if call is None:
        if result.status == Status.QUEUED:
            if row.status == Status.UNCONFIRMED:
                return Write(None, {"error": _("Nothing has left: it is safe to send it again."), **_NEVER})
            return Write(result.status, _released(row, result.not_before))
        return Write(result.status, {"error": result.error[:300]})
    new: Status | None = _STATUS_OF[call.outcome]
    fields: dict[str, Any]
    if call.outcome is Outcome.NEVER_LEFT:
        delay = retry_delay(row.attempt_count, call.retry_after)
        fields = {**_problem(call), "claim": None, "lease_until": None}
        fields["not_before"] = timezone.now() + timedelta(seconds=delay)
        if (
            row.status == Status.UNCONFIRMED
        ):  # the lease ran out before this answer: only a person sends it again
            new, fields = None, {**_problem(call), **_NEVER}
    elif call.outcome is Outcome.ACCEPTED:
        fields = {
            "transaction_id": call.transaction_id,
            "submitted_at": call.finished_at,
            "error": "",
            "error_code": "",
        }
        fields |= {"segments": result.segments, "cost": result.cost}
    elif call.outcome is Outcome.MAY_HAVE_LEFT:
        fields = {**_problem(call), "submitted_at": call.started_at}
        fields |= {"segments": result.segments, "cost": result.cost}
        if call.transaction_id and call.code not in DUPLICATES:
            fields["transaction_id"] = call.transaction_id
    else:
        fields = _problem(call)
    if row.status in DELIVERY:  # the report came before the answer
        new = None
        fields.pop("error", None)
        fields.pop("error_code", None)
    elif row.status == new:
        new = None
    return Write(new, fields)


def _released(row: HeldRow, not_before: datetime | None) -> dict[str, Any]:
    attempts = max(0, row.attempt_count - 1)  # the wire was not touched
    return {"claim": None, "lease_until": None, "attempt_count": attempts, "not_before": not_before}


def _problem(call: CallResult) -> dict[str, Any]:
    return {"error": call.detail[:300], "error_code": str(call.code or call.http_status or "")[:20]}


def _attempt(row: HeldRow, call: CallResult) -> dict[str, Any]:
    return {
        "message_id": row.pk,
        "claim": row.claim,
        "outcome": call.outcome.value,
        "code": call.code,
        "http_status": call.http_status,
        "detail": call.detail[:300],
        "transaction_id": call.transaction_id[:64],
        "worker": worker_name(),
        "started_at": call.started_at,
        "finished_at": call.finished_at,
    }
