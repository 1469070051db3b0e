"""Writing down what a check came to: each judgement leads to one state."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from django_messagecentral import signals
from django_messagecentral.conf import app_settings
from django_messagecentral.verification.email import EMAIL
from django_messagecentral.verification.flows.finding import settle
from django_messagecentral.verification.flows.judging import Judgement
from django_messagecentral.verification.guards import budgets, counters, ledger
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.proofs import make_proof
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import CheckResult
from django_messagecentral.verification.states import ChallengeStatus, Proves, VerificationStatus
from django_messagecentral.verification.telling import left_pending
from django_messagecentral.verification.transactions import committed
from django_messagecentral.webhooks import outbox

logger = logging.getLogger("django_messagecentral.verification")

REASONS = {
    Judgement.WRONG: Reason.WRONG_CODE,
    Judgement.USED: Reason.CODE_USED,
    Judgement.EXPIRED: Reason.CODE_EXPIRED,
    Judgement.GONE: Reason.CODE_EXPIRED,
    Judgement.FAILED: Reason.CHECK_FAILED,
    Judgement.LOST: Reason.ANSWER_LOST,
    Judgement.UNASKED: Reason.CHECK_UNAVAILABLE,
}


def write(
    verification: Verification,
    challenge: Challenge,
    stamp: float,
    judgement: Judgement,
    request: HttpRequest | None = None,
) -> CheckResult:
    """Close the reservation and answer the visitor."""
    if judgement is Judgement.RIGHT:
        return _right(verification, challenge, stamp, request)
    _close(verification, challenge, stamp, judgement)
    verification = settle(verification, timezone.now())
    reason = REASONS[judgement]
    if verification.status == VerificationStatus.VERIFIED:
        reason = Reason.ALREADY_VERIFIED  # a check beside this one won
    elif verification.status == VerificationStatus.FAILED and judgement is Judgement.WRONG:
        reason = Reason.TOO_MANY_ATTEMPTS
    over = verification.status in (VerificationStatus.EXPIRED, VerificationStatus.FAILED)
    again = over or judgement is Judgement.LOST
    return CheckResult(
        ok=False,
        reason=reason,
        verification=verification,
        attempts_left=max(0, int(app_settings.OTP_MAX_ATTEMPTS) - verification.attempts),
        retry_at=verification.resend_at if again else None,
    )


def _right(
    verification: Verification, challenge: Challenge, stamp: float, request: HttpRequest | None
) -> CheckResult:
    won = _win(verification, challenge, stamp)
    verification.refresh_from_db()
    if not won:
        verified = verification.status == VerificationStatus.VERIFIED
        reason = Reason.ALREADY_VERIFIED if verified else Reason.CODE_EXPIRED
        if verification.status == VerificationStatus.CANCELLED:
            reason = Reason.CANCELLED
        return CheckResult(ok=False, reason=reason, verification=verification)
    if verification.proves == Proves.EMAIL:
        return CheckResult(
            ok=True, reason=Reason.EMAIL_VERIFIED, verification=verification, proof=make_proof(verification)
        )
    counters.code_entered(challenge.phone, challenge.units)
    arguments: dict[str, Any] = {"user": verification.user, "request": request}
    signals.send(
        signals.phone_verified, Verification, verification=verification, phone=verification.phone, **arguments
    )
    return CheckResult(
        ok=True, reason=Reason.VERIFIED, verification=verification, proof=make_proof(verification)
    )


@committed
def _win(verification: Verification, challenge: Challenge, stamp: float) -> bool:
    """The one conditional UPDATE that verifies. A right answer wins though others spent the rest."""
    now = timezone.now()
    phone = challenge.channel != EMAIL  # a code by e-mail says nothing of the phone
    won = Verification.objects.filter(pk=verification.pk, status=VerificationStatus.PENDING).update(
        status=VerificationStatus.VERIFIED,
        reason="",
        verified_at=now,
        proves=Proves.PHONE if phone else Proves.EMAIL,
    )
    left_pending(won, [verification.pk])
    if won:
        proves = Proves.PHONE if phone else Proves.EMAIL
        outbox.verified(verification.public_id, verification.purpose, proves, verification.user_id)
    _close_reservation(verification)
    Challenge.objects.filter(pk=challenge.pk).update(
        status=ChallengeStatus.USED, living_key=None, code_hash=""
    )
    if won:  # a code of this site's own that was sent meanwhile is of no use any more
        newer = Challenge.objects.filter(verifications=verification.pk).exclude(pk=challenge.pk).first()
        if newer is not None and not newer.held_by_vendor:
            Challenge.objects.filter(pk=newer.pk).update(
                status=ChallengeStatus.CLOSED, living_key=None, code_hash=""
            )

    def decide(state: ledger.State) -> None:
        if stamp in state.wrong:
            state.wrong.remove(stamp)
        if won and phone:
            state.verified_at = now

    ledger.change(verification.phone, verification.allowance, decide)
    if won and phone and challenge.budget_day is not None:
        budgets.code_entered(challenge.region, challenge.budget_day)
    return bool(won)


@committed
def _close(verification: Verification, challenge: Challenge, stamp: float, judgement: Judgement) -> None:
    _close_reservation(verification)
    _AFTER.get(judgement, _nothing)(verification, challenge)
    if judgement is Judgement.UNASKED:

        def decide(state: ledger.State) -> None:
            if stamp in state.wrong:
                state.wrong.remove(stamp)

        ledger.change(verification.phone, verification.allowance, decide)


def _close_reservation(verification: Verification) -> None:
    Verification.objects.filter(pk=verification.pk, open_checks__gt=0).update(
        open_checks=F("open_checks") - 1
    )


def _nothing(verification: Verification, challenge: Challenge) -> None:
    """A wrong code or a lost answer: the spent attempt is all."""


def _give_back_attempt(verification: Verification, challenge: Challenge) -> None:
    Verification.objects.filter(pk=verification.pk, attempts__gt=0).update(attempts=F("attempts") - 1)
    Challenge.objects.filter(pk=challenge.pk, attempts__gt=0).update(attempts=F("attempts") - 1)


def _code_is_over(verification: Verification, challenge: Challenge) -> None:
    """705, 505, and 703 with no other check under way: a new code is needed, and may be asked for at once
    as far as the vendor is concerned."""
    row = Verification.objects.get(pk=verification.pk)
    if row.open_checks > 0 or row.status != VerificationStatus.PENDING:
        return  # a check beside this one may have used it, rightly
    now = timezone.now()
    ended = Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.LIVING).update(
        status=ChallengeStatus.EXPIRED, living_key=None, code_hash="", expires_at=now, held_until=now
    )
    if ended:
        cool = ledger.read(challenge.phone, challenge.allowance, now).next_send() or now
        expired = Verification.objects.filter(
            pk=row.pk, challenge=challenge, status=VerificationStatus.PENDING, open_checks=0
        ).update(status=VerificationStatus.EXPIRED, reason=Reason.CODE_EXPIRED, resend_at=max(cool, now))
        left_pending(expired, [row.pk])


def _code_was_used(verification: Verification, challenge: Challenge) -> None:
    _code_is_over(verification, challenge)
    Verification.objects.filter(pk=verification.pk, status=VerificationStatus.EXPIRED).update(
        reason=Reason.CODE_USED
    )


def _no_more(verification: Verification, challenge: Challenge) -> None:
    """700 or 800: by our own clock it is expired, or else it failed, once no check is open."""
    if challenge.expires_at <= timezone.now():
        _code_is_over(verification, challenge)
        return
    Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.LIVING).update(
        status=ChallengeStatus.SPENT
    )
    Verification.objects.filter(pk=verification.pk, status=VerificationStatus.PENDING).update(
        reason=Reason.CHECK_FAILED
    )


_AFTER: dict[Judgement, Callable[[Verification, Challenge], None]] = {
    Judgement.UNASKED: _give_back_attempt,
    Judgement.EXPIRED: _code_is_over,
    Judgement.GONE: _code_is_over,
    Judgement.USED: _code_was_used,
    Judgement.FAILED: _no_more,
}
