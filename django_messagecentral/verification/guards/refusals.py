"""Keeps what was refused and why, for the admin: one row a reason, scope and hour."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.db.models import F

from django_messagecentral.phones import mask_phone
from django_messagecentral.verification.guards.verdict import Ask, Verdict
from django_messagecentral.verification.models import Refusal
from django_messagecentral.verification.transactions import committed

logger = logging.getLogger("django_messagecentral.verification.guards")


def record(ask: Ask, verdict: Verdict, now: datetime, *, dry_run: bool = False) -> None:
    """Count one refusal (or, in a dry run, what would have been one)."""
    logger.warning(
        "OTP send to %s %s: %s (purpose %s)",
        mask_phone(ask.phone.e164),
        "would be refused" if dry_run else "refused",
        verdict.reason.value,
        ask.purpose,
    )
    _count(ask, verdict, now, dry_run)


@committed
def _count(ask: Ask, verdict: Verdict, now: datetime, dry_run: bool) -> None:
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    key = {"hour": hour, "reason": verdict.reason, "scope": verdict.scope[:80], "dry_run": dry_run}
    last = {
        "last_at": now,
        "last_phone": ask.phone.e164,
        "last_purpose": ask.purpose,
        "last_ip": ask.ip or None,
    }
    rows = Refusal.objects.filter(**key)
    if not rows.update(count=F("count") + 1, **last):
        Refusal.objects.bulk_create([Refusal(**key)], ignore_conflicts=True)
        rows.update(count=F("count") + 1, **last)
