"""Finding a verification for who may see it, and keeping its state true to the clock."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from django_messagecentral import signals
from django_messagecentral.conf import app_settings
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.states import ChallengeStatus, VerificationStatus
from django_messagecentral.verification.subjects import subjects_of
from django_messagecentral.verification.telling import left_pending
from django_messagecentral.verification.transactions import committed


def find(verification: object, subjects: frozenset[str] | None) -> Verification | None:
    """The verification, or None as if there were no such one.

    It must belong to one of ``subjects``. Only when the caller named nobody at all (None) is an object that
    the site's own code holds trusted; an id, from a URL, a form or a client, never is.
    """
    rows = Verification.objects.select_related("challenge")
    if isinstance(verification, Verification):
        found = rows.filter(pk=verification.pk).first()
        trusted = subjects is None
    else:
        try:
            public_id = verification if isinstance(verification, uuid.UUID) else uuid.UUID(str(verification))
        except ValueError:
            return None
        found = rows.filter(public_id=public_id).first()
        trusted = False
    if found is None or not (trusted or found.subject in (subjects or ())):
        return None
    return found


def get_verification(
    verification: object,
    *,
    user: Any = None,
    session: Any = None,
    subject: str = "",
    token: str = "",
    request: HttpRequest | None = None,
) -> Verification | None:
    """The caller's verification, true to the clock; None as if there were none. Sends and spends nothing."""
    subjects = subjects_of(user=user, session=session, subject=subject, token=token, request=request)
    found = find(verification, subjects)
    return settle(found, timezone.now()) if found is not None else None


def settle(verification: Verification, now: datetime) -> Verification:
    """Move a pending verification on if the clock or its spent attempts say so; reload it.

    ``failed`` is final only when no reservation is open: a right answer under way may yet win.
    """
    failed = verification.status == VerificationStatus.PENDING and _settle(verification, now)
    verification.refresh_from_db()
    if failed:
        signals.send(
            signals.verification_failed, Verification, verification=verification, reason=verification.reason
        )
    return verification


@committed
def _settle(verification: Verification, now: datetime) -> bool:
    """True when this very call failed it."""
    row = Verification.objects.select_related("challenge").get(pk=verification.pk)
    challenge = row.challenge
    quiet = Q(open_checks=0) | Q(checks_open_until__isnull=True) | Q(checks_open_until__lte=now)
    pending = Verification.objects.filter(quiet, pk=row.pk, status=VerificationStatus.PENDING)
    if row.attempts >= app_settings.OTP_MAX_ATTEMPTS or (
        challenge and challenge.status == ChallengeStatus.SPENT
    ):
        reason = row.reason or Reason.TOO_MANY_ATTEMPTS
        failed = pending.update(status=VerificationStatus.FAILED, reason=reason)
        left_pending(failed, [row.pk])
        return failed == 1
    if challenge is None or challenge.expires_at <= now:
        expired = pending.update(status=VerificationStatus.EXPIRED, reason=Reason.CODE_EXPIRED)
        left_pending(expired, [row.pk])
    return False
