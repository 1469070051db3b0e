"""Check: a code was entered. The attempt is reserved first, then the code is looked at."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, F, Q, Value, When
from django.http import HttpRequest
from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.codes import normalise_code
from django_messagecentral.verification.flows import answers
from django_messagecentral.verification.flows.finding import find, settle
from django_messagecentral.verification.flows.judging import Judgement, judge
from django_messagecentral.verification.flows.sending import longest_call
from django_messagecentral.verification.guards import Refused, ledger
from django_messagecentral.verification.guards.verdict import Verdict
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import CheckResult
from django_messagecentral.verification.states import ChallengeStatus, VerificationStatus
from django_messagecentral.verification.subjects import subjects_of
from django_messagecentral.verification.transactions import committed

logger = logging.getLogger("django_messagecentral.verification")

_NOT_PENDING = {
    VerificationStatus.VERIFIED: Reason.ALREADY_VERIFIED,
    VerificationStatus.CANCELLED: Reason.CANCELLED,
    VerificationStatus.EXPIRED: Reason.CODE_EXPIRED,
    VerificationStatus.FAILED: Reason.TOO_MANY_ATTEMPTS,
}


def check_verification(
    verification: object,
    code: object,
    *,
    user: Any = None,
    session: Any = None,
    subject: str = "",
    token: str = "",
    request: HttpRequest | None = None,
) -> CheckResult:
    """Check ``code`` for ``verification`` (a Verification, or its public id from outside).

    An id is looked up among those of the caller's user, session, request or token; any other answers
    ``unknown_verification``. The winning call alone carries ``result.proof``. Raises ``InsideTransaction``.
    """
    subjects = subjects_of(user=user, session=session, subject=subject, token=token, request=request)
    found = find(verification, subjects)
    if found is None:
        return CheckResult(ok=False, reason=Reason.UNKNOWN)
    now = timezone.now()
    found = settle(found, now)
    if found.status != VerificationStatus.PENDING:
        return not_pending(found)
    digits = normalise_code(code)
    if not digits:
        return CheckResult(
            ok=False, reason=Reason.MALFORMED_CODE, verification=found, attempts_left=attempts_left(found)
        )
    try:
        challenge, stamp = _reserve(found, now)
    except Refused as refused:
        return _refused(found, refused.verdict, now)
    try:
        judgement = judge(challenge, digits)
    except Exception:
        answers.write(found, challenge, stamp, Judgement.LOST, request)
        raise
    return answers.write(found, challenge, stamp, judgement, request)


def attempts_left(verification: Verification) -> int:
    return max(0, int(app_settings.OTP_MAX_ATTEMPTS) - verification.attempts)


def not_pending(verification: Verification) -> CheckResult:
    """Why a verification that waits for no code takes none."""
    reason = _NOT_PENDING[VerificationStatus(verification.status)]
    if verification.reason in Reason.values and reason in (Reason.CODE_EXPIRED, Reason.TOO_MANY_ATTEMPTS):
        reason = Reason(verification.reason)
    again = verification.status in (VerificationStatus.EXPIRED, VerificationStatus.FAILED)
    return CheckResult(
        ok=False, reason=reason, verification=verification, retry_at=verification.resend_at if again else None
    )


def _refused(verification: Verification, verdict: Verdict, now: datetime) -> CheckResult:
    if verdict.reason == Reason.PHONE_LOCKED:
        lock = ledger.persist_lock(verification.phone, verification.allowance, now) or verdict
        return CheckResult(
            ok=False, reason=Reason.PHONE_LOCKED, verification=verification, retry_at=lock.retry_at
        )
    verification = settle(verification, timezone.now())
    if verification.status != VerificationStatus.PENDING:
        return not_pending(verification)
    return CheckResult(
        ok=False, reason=verdict.reason, verification=verification, attempts_left=attempts_left(verification)
    )


@committed
def _reserve(verification: Verification, now: datetime) -> tuple[Challenge, float]:
    """Spend one attempt of the verification, of the code and of the phone, before anything is compared."""
    stamps: list[float] = []

    def decide(state: ledger.State) -> None:
        state.prune(now)
        if verdict := state.lock_verdict(now):
            raise Refused(verdict)
        stamps.append(state.stamp(state.wrong, now))

    ledger.change(verification.phone, verification.allowance, decide)
    limit = app_settings.OTP_MAX_ATTEMPTS
    stale = Q(checks_open_until__lte=now)
    reserved = Verification.objects.filter(
        pk=verification.pk, status=VerificationStatus.PENDING, attempts__lt=limit
    ).update(
        attempts=F("attempts") + 1,
        open_checks=Case(When(stale, then=Value(1)), default=F("open_checks") + 1),
        checks_open_until=now + timedelta(seconds=longest_call()),
    )
    if not reserved:
        raise Refused(Verdict(Reason.TOO_MANY_ATTEMPTS))
    challenge = Challenge.objects.get(verifications=verification.pk)
    taken = Challenge.objects.filter(
        pk=challenge.pk, status=ChallengeStatus.LIVING, attempts__lt=limit, expires_at__gt=now
    ).update(attempts=F("attempts") + 1)
    if not taken:
        sending = challenge.status == ChallengeStatus.SENDING
        raise Refused(Verdict(Reason.NOT_SENT_YET if sending else Reason.TOO_MANY_ATTEMPTS))
    return challenge, stamps[-1]
