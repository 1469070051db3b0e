"""Which message a delivery report is about (an exact id always wins):

1. by ``transaction_id``, or by the reports' own id where an earlier report taught it;
2. within that id by phone, where a bulk call gave many recipients one id;
3. by phone and submit time: exactly one unsettled message of that phone within ten minutes, and none of
   that phone (nor a one-time code to it) still being sent. The strange id is then recorded on the row.

A report whose id belongs to a one-time code of a verification is that code's, before anything is guessed by
phone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.db import batched
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import TAKEN_BACK, UNSETTLED, Status
from django_messagecentral.verification.models import Challenge
from django_messagecentral.verification.states import ChallengeStatus

SUBMIT_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Finding:
    """Exactly one message, or the one-time code, or neither and, where that is known, why."""

    message_id: int | None = None
    challenge_id: int | None = None
    reason: Callback.Reason | None = None


NOTHING = Finding()


def find(callbacks: list[Callback]) -> dict[int, Finding]:
    """By callback id."""
    ids = {callback.vendor_message_id for callback in callbacks} - {""}
    by_id = _with_ids(ids)
    codes = _codes_with(ids - set(by_id))
    findings: dict[int, Finding] = {}
    taught: dict[int, str] = {}  # message -> the strange id that this very batch gives it
    for callback in callbacks:
        known = by_id.get(callback.vendor_message_id, {})
        fitting = [pk for pk, phone in known.items() if callback.phone in ("", phone)]
        if len(fitting) == 1:
            finding = Finding(fitting[0])
        elif known:
            several = len(fitting) > 1  # a bulk call's id without a phone
            finding = Finding(reason=Callback.Reason.SEVERAL if several else Callback.Reason.FOREIGN_PHONE)
        elif callback.vendor_message_id in codes:
            finding = Finding(challenge_id=codes[callback.vendor_message_id])
        else:
            finding = _by_phone(callback)
            guess = finding.message_id
            if guess and taught.setdefault(guess, callback.vendor_message_id) != callback.vendor_message_id:
                finding = NOTHING
        findings[callback.pk] = finding
    return findings


def _with_ids(wanted: set[str]) -> dict[str, dict[int, str]]:
    """By id: the messages that bear it, with their phones."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for ids in batched(wanted, 500):
        rows = Message.objects.filter(Q(transaction_id__in=ids) | Q(vendor_message_id__in=ids))
        for pk, phone, *own in rows.values_list("pk", "phone", "transaction_id", "vendor_message_id"):
            for own_id in {*own} - {""}:
                found[own_id][pk] = phone
    return found


def _codes_with(wanted: set[str]) -> dict[str, int]:
    """One-time codes by the id that a report would have: the send's transaction id, or the vendor's own."""
    found: dict[str, int] = {}
    for ids in batched(wanted, 500):
        rows = Challenge.objects.filter(Q(transaction_id__in=ids) | Q(vendor_id__in=ids))
        for pk, transaction_id, vendor_id in rows.values_list("pk", "transaction_id", "vendor_id"):
            found |= dict.fromkeys({transaction_id, vendor_id} - {""}, pk)
    return found


def _by_phone(callback: Callback) -> Finding:
    if not callback.phone:
        return NOTHING
    if Message.objects.filter(phone=callback.phone, status=Status.SENDING).exists():
        return NOTHING
    if Challenge.objects.filter(phone=callback.phone, status=ChallengeStatus.SENDING).exists():
        return NOTHING
    near = list(candidates(callback).values_list("pk", flat=True)[:2])
    if len(near) > 1:
        return Finding(reason=Callback.Reason.SEVERAL)
    return Finding(near[0]) if near else NOTHING


def candidates(callback: Callback) -> QuerySet[Message]:
    """Messages of this phone around the submit time that no strange id has been given yet: unsettled ones,
    and those that may have left before a person queued them again or gave them up.

    Only a message that may have left has a submit time.
    """
    moment = callback.submit_at or callback.received_at
    return Message.objects.filter(
        phone=callback.phone,
        status__in=(*UNSETTLED, *TAKEN_BACK, Status.FAILED),
        vendor_message_id="",
        submitted_at__range=(moment - SUBMIT_WINDOW, moment + SUBMIT_WINDOW),
    )
