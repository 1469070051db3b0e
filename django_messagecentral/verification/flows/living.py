"""The one code that may live at a phone: who may go on with it, and who must wait."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.guards.verdict import Ask
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import StartResult
from django_messagecentral.verification.states import ChallengeStatus, VerificationStatus
from django_messagecentral.verification.telling import left_pending
from django_messagecentral.verification.transactions import committed


def release(phone: str, now: datetime) -> None:
    """Let go of the phone's code when its time is over. Inside a transaction.

    A verification with a check still under way is left alone: a right answer may yet win.
    """
    over = Challenge.objects.filter(living_key=phone, held_until__lte=now)
    for challenge_id in over.values_list("pk", flat=True):
        expire_verifications(challenge_id, now)
        Challenge.objects.filter(pk=challenge_id, held_until__lte=now).update(
            living_key=None, status=ChallengeStatus.EXPIRED, code_hash=""
        )


def expire_verifications(challenge_id: int, now: datetime) -> None:
    """``pending`` verifications of a code that is over become ``expired`` (or ``failed``: attempts spent)."""
    quiet = Q(open_checks=0) | Q(checks_open_until__isnull=True) | Q(checks_open_until__lte=now)
    rows = Verification.objects.filter(quiet, challenge_id=challenge_id, status=VerificationStatus.PENDING)
    left_pending(True, rows.values_list("pk", flat=True))
    rows.filter(attempts__gte=app_settings.OTP_MAX_ATTEMPTS).update(
        status=VerificationStatus.FAILED, reason=Reason.TOO_MANY_ATTEMPTS
    )
    rows.update(status=VerificationStatus.EXPIRED, reason=Reason.CODE_EXPIRED)


@committed
def answer_living(ask: Ask, now: datetime, user: Any = None, locale: str = "") -> StartResult | None:
    """What a start meets when a code lives at the phone already; None when none does."""
    phone = ask.phone.e164
    release(phone, now)
    challenge = Challenge.objects.filter(living_key=phone).first()
    if challenge is None:
        return None
    if not _may_go_on(challenge, ask, now):
        return StartResult(ok=False, reason=Reason.CODE_LIVES, retry_at=challenge.held_until)
    verification = challenge.verifications.filter(
        status=VerificationStatus.PENDING, subject=ask.subject
    ).first()
    if verification is None:  # the one before was cancelled
        verification = Verification.objects.create(
            phone=phone,
            purpose=ask.purpose,
            subject=ask.subject,
            user=user,
            allowance=ask.allowance,
            locale=locale,
            challenge=challenge,
            attempts=challenge.attempts,
            resend_at=challenge.held_until,
        )
    return StartResult(ok=True, reason=Reason.ALREADY_SENT, verification=verification)


def _may_go_on(challenge: Challenge, ask: Ask, now: datetime) -> bool:
    """Only the same purpose and subject, and only while codes are taken."""
    return (
        challenge.purpose == ask.purpose
        and challenge.subject == ask.subject
        and challenge.status in (ChallengeStatus.SENDING, ChallengeStatus.LIVING)
        and challenge.attempts < app_settings.OTP_MAX_ATTEMPTS
        and challenge.expires_at > now
    )
