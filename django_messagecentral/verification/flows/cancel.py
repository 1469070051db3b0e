"""Cancel: the person does not want to go on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from django_messagecentral.verification.flows.check import not_pending
from django_messagecentral.verification.flows.finding import find, settle
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import CheckResult, Result
from django_messagecentral.verification.states import (
    ChallengeStatus,
    VerificationStatus,
    sources_of,
)
from django_messagecentral.verification.subjects import subjects_of
from django_messagecentral.verification.telling import left_expired, left_pending
from django_messagecentral.verification.transactions import committed


def cancel_verification(
    verification: object,
    *,
    user: Any = None,
    session: Any = None,
    subject: str = "",
    token: str = "",
    request: HttpRequest | None = None,
) -> Result:
    """Close a pending or expired verification; cancelling twice is no error.

    The vendor's code lives on at the phone until it expires, so nobody else gets one before; a code of this
    site's own is closed at once.
    """
    subjects = subjects_of(user=user, session=session, subject=subject, token=token, request=request)
    found = find(verification, subjects)
    if found is None:
        return Result(ok=False, reason=Reason.UNKNOWN)
    found = settle(found, timezone.now())
    if found.status == VerificationStatus.CANCELLED or _cancel(found):
        found.refresh_from_db()
        return Result(ok=True, reason=Reason.CANCELLED, verification=found)
    found.refresh_from_db()
    answer: CheckResult = not_pending(found)
    return Result(ok=False, reason=answer.reason, verification=found)


@committed
def _cancel(verification: Verification) -> bool:
    done = Verification.objects.filter(
        pk=verification.pk, status__in=sources_of(VerificationStatus.CANCELLED)
    ).update(status=VerificationStatus.CANCELLED, reason=Reason.CANCELLED)
    left_pending(done and verification.status == VerificationStatus.PENDING, [verification.pk])
    left_expired(done, verification, VerificationStatus.CANCELLED)
    if done:
        challenge = Challenge.objects.filter(pk=verification.challenge_id or 0).first()
        if challenge is not None and not challenge.held_by_vendor:
            Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.LIVING).update(
                status=ChallengeStatus.CLOSED, living_key=None, code_hash=""
            )
    return bool(done)
