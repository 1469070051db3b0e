"""Sweep: what nobody looks at any more comes to its end, so that lists and counts tell the truth."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.flows.finding import settle
from django_messagecentral.verification.flows.living import release
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.states import VerificationStatus
from django_messagecentral.verification.transactions import committed

BATCH = 500


def sweep() -> int:
    """Let go of codes whose time is over and end their verifications; how many phones were looked at."""
    now = timezone.now()
    rows = Challenge.objects.filter(living_key__isnull=False, held_until__lte=now).order_by("held_until")
    phones = list(rows.values_list("phone", flat=True)[:BATCH])
    for phone in phones:
        _release(phone, now)
    before = now - timedelta(seconds=app_settings.OTP_VERIFICATION_LIFE)
    left = Verification.objects.filter(status=VerificationStatus.PENDING, created_at__lt=before)
    for verification in left.order_by("pk")[:BATCH]:
        settle(verification, now)
    return len(phones)


@committed
def _release(phone: str, now: datetime) -> None:
    release(phone, now)
