"""Verifications and their codes without the person: what is left are the counts.

A row keeps its purpose, state, channel, country and times, so that conversions and reports stay true. It
loses phone, caller, user, language, the vendor's ids, hashes and errors. Refused sends are counted on by
reason and hour, without who was refused. An allowance says nothing without its phone and is deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from django_messagecentral.callbacks.conversion import DELIVERED
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.db import in_transaction, locked
from django_messagecentral.messaging.markers import read_marker, set_marker
from django_messagecentral.verification.models import Challenge, PhoneLedger, Refusal, Verification
from django_messagecentral.verification.states import VerificationStatus, sources_of

SLACK = (
    10_000  # rows before the walk's marker that are looked at again: ids are not quite in the order of time
)
STRIPPABLE = Q(challenge__isnull=False, vendor_status__iexact=DELIVERED)
FORGOTTEN = ""  # in place of a phone or a subject: no caller has it


def forget_verifications(ids: Sequence[int]) -> int:
    """Make these rows nobody's; one that was still open is cancelled."""
    rows = Verification.objects.filter(pk__in=ids)
    rows.filter(status__in=sources_of(VerificationStatus.CANCELLED)).update(
        status=VerificationStatus.CANCELLED
    )
    return rows.update(phone=FORGOTTEN, subject=FORGOTTEN, allowance=FORGOTTEN, user=None, locale="")


def forget_codes(ids: Sequence[int]) -> int:
    """Make these codes nobody's, and let go of their phones."""
    return Challenge.objects.filter(pk__in=ids).update(
        phone=FORGOTTEN,
        subject=FORGOTTEN,
        allowance=FORGOTTEN,
        living_key=None,
        vendor_id="",
        transaction_id="",
        salt="",
        code_hash="",
        error="",
        units={},
        ledger_stamp=None,
    )


def forget_reports(ids: Sequence[int]) -> int:
    """Delete these delivery reports; that a code was delivered is kept, bare, for the conversions."""
    rows = Callback.objects.filter(pk__in=ids)
    kept = rows.filter(STRIPPABLE).update(
        fingerprint=Concat(Value("x"), Cast("pk", CharField(max_length=20)), output_field=CharField()),
        payload=None,
        phone=FORGOTTEN,
        vendor_message_id="",
        remote_ip=None,
    )
    return kept + rows.exclude(STRIPPABLE).delete()[0]


@in_transaction(Refusal)
def fold_refusals(ids: Sequence[int]) -> int:
    """Count these on by reason and hour only: no scope, phone or address is kept."""
    rows = list(locked(Refusal.objects.filter(pk__in=ids).order_by("pk")))
    counts: Counter[tuple[datetime, str, bool]] = Counter()
    for row in rows:
        counts[row.hour, row.reason, row.dry_run] += row.count
    Refusal.objects.filter(pk__in=[row.pk for row in rows]).delete()
    for (hour, reason, dry_run), count in counts.items():
        key = {"hour": hour, "reason": reason, "dry_run": dry_run, "scope": FORGOTTEN}
        same = Refusal.objects.filter(**key)
        if not same.update(count=F("count") + count):
            Refusal.objects.bulk_create([Refusal(**key, last_at=hour)], ignore_conflicts=True)
            same.update(count=F("count") + count)
    return len(rows)


# -- batches of what is older than a time: how many rows, None when there are no more ----------------------


def old_reports(before: datetime, size: int) -> int | None:
    unstripped = Callback.objects.exclude(STRIPPABLE, payload__isnull=True)
    ids = _next(unstripped, "retention:callbacks", before, size, "received_at")
    return forget_reports(ids) if ids else None


def old_verifications(before: datetime, size: int) -> int | None:
    ids = _next(Verification.objects.exclude(phone=FORGOTTEN), "retention:verifications", before, size)
    return forget_verifications(ids) if ids else None


def old_codes(before: datetime, size: int) -> int | None:
    """A code that lives at the vendor is left alone, however short the retention is."""
    over = Challenge.objects.filter(Q(living_key=None) | Q(held_until__lt=timezone.now()))
    over = over.exclude(phone=FORGOTTEN)
    ids = _next(over, "retention:codes", before, size)
    return forget_codes(ids) if ids else None


def old_allowances(before: datetime, size: int) -> int | None:
    """Allowances nothing has changed since; a lock still in force is left alone."""
    unlocked = Q(locked_until=None) | Q(locked_until__lt=timezone.now())
    rows = PhoneLedger.objects.filter(unlocked, changed_at__lt=before)
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:size])
    return rows.filter(pk__in=ids).delete()[0] if ids else None


def old_refusals(before: datetime, size: int) -> int | None:
    rows = Refusal.objects.filter(last_at__lt=before).exclude(scope=FORGOTTEN, last_phone="", last_ip=None)
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:size])
    return fold_refusals(ids) if ids else None


def _next(rows: Any, walk: str, before: datetime, size: int, time: str = "created_at") -> list[int]:
    """The next batch of a walk by primary key; it never begins anew, so it costs the same on any table."""
    last = read_marker(walk).position
    old = rows.filter(**{"pk__gt": max(0, last - SLACK), f"{time}__lt": before})
    ids = list(old.order_by("pk").values_list("pk", flat=True)[:size])
    if ids:
        set_marker(walk, max(last, ids[-1]))
    return ids
