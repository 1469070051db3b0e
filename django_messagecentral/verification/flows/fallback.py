"""Fallback: the next channel of OTP_CHANNELS when a code does not arrive.

Every code by another channel passes all guards and is a new code. In VerifyNow mode the vendor answers 506
while a code lives, so there the next channel is tried at once only after a refusal, otherwise by the resend.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.verification import login
from django_messagecentral.verification.flows.resend import next_channel, resend_verification
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.results import StartResult
from django_messagecentral.verification.states import ChallengeMode, ChallengeStatus, VerificationStatus

BATCH = 100


def fall_back(challenge_id: int) -> StartResult | None:
    """Send another code by the next channel, if this one is still the living code of a pending verification.

    Only codes of this site's own, and decoys, which behave as those do: in a login nothing may tell them
    apart. None when there is nothing to do; safe when run twice at once.
    """
    verification = (
        Verification.objects.filter(
            challenge_id=challenge_id,
            status=VerificationStatus.PENDING,
            challenge__mode__in=_modes(),
            challenge__status=ChallengeStatus.LIVING,
        )
        .select_related("challenge")
        .first()
    )
    if verification is None:
        return None
    if not next_channel(verification):
        return None
    if verification.purpose == login.PURPOSE:
        return login.fall_back(verification)
    return resend_verification(verification)


def _modes() -> list[ChallengeMode]:
    own = app_settings.OTP_MODE == "own"
    return [ChallengeMode.OWN, ChallengeMode.DECOY] if own else [ChallengeMode.OWN]


def undelivered(transaction_id: str) -> list[int]:
    """The living own codes that a delivery report with this id is about; it is noted, so that the sweep goes
    on where the cool-down does not let the next channel be tried at once.

    Not those of a login: no carrier ever reports a decoy, so what followed would tell a known number.
    """
    if not transaction_id:
        return []
    rows = Challenge.objects.filter(
        transaction_id=transaction_id, mode=ChallengeMode.OWN, status=ChallengeStatus.LIVING
    )
    if not app_settings.OTP_LOGIN_SIGN_UP:
        rows = rows.exclude(purpose=login.PURPOSE)
    rows.filter(undelivered_at__isnull=True).update(undelivered_at=timezone.now())
    return list(rows.values_list("pk", flat=True))


def overdue() -> list[int]:
    """Living own codes that did not arrive, or were not entered OTP_FALLBACK_AFTER seconds after they were
    sent; none whose phone has to cool down first."""
    wait = app_settings.OTP_FALLBACK_AFTER
    if len(app_settings.OTP_CHANNELS) < 2:
        return []
    now = timezone.now()
    due = Q(undelivered_at__isnull=False)
    if wait > 0:
        due |= Q(sent_at__lte=now - timedelta(seconds=wait))
    rows = Challenge.objects.filter(
        due,
        status=ChallengeStatus.LIVING,
        mode__in=_modes(),
        channel__in=[channel.upper() for channel in app_settings.OTP_CHANNELS[:-1]],
        held_until__gt=now,
        verifications__status=VerificationStatus.PENDING,
        verifications__resend_at__lte=now,
    )
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
