"""A send that the vendor did not take: which state, which reason, and what is given back."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from django_messagecentral import exceptions as errors
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import MessageCentralError, Outcome
from django_messagecentral.messaging import pace
from django_messagecentral.verification import costs
from django_messagecentral.verification.costs import Charge
from django_messagecentral.verification.guards import budgets, counters, ledger
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import StartResult
from django_messagecentral.verification.states import ChallengeMode, ChallengeStatus, VerificationStatus
from django_messagecentral.verification.telling import left_pending
from django_messagecentral.verification.transactions import committed

logger = logging.getLogger("django_messagecentral.verification")

BUSY_FOR = 60.0  # seconds, when the vendor says "too many" and no time


def record_refused(
    verification: Verification, challenge: Challenge, error: MessageCentralError, charge: Charge | None
) -> StartResult:
    """Write down what ``error`` means and answer the visitor. ``charge`` counts if the code may have left."""
    logger.warning("an OTP was not sent: %s", error)
    if isinstance(error, errors.RequestAlreadyExists) and challenge.mode == ChallengeMode.VENDOR:
        result = _already_exists(verification, challenge, error)
        counters.give_back(challenge.units)
        return result
    if error.outcome is Outcome.MAY_HAVE_LEFT:
        return record_unconfirmed(verification, challenge, str(error), charge)
    if isinstance(error, errors.RateLimited):  # the account's; an 800 may be this one number's
        pace.slow_down([error.retry_after])
    reason, wait = _reason_of(error)
    _record_unsent(verification, challenge, reason, str(error))
    counters.give_back(challenge.units)
    verification.refresh_from_db()
    retry_at = timezone.now() + timedelta(seconds=wait) if wait else None
    return StartResult(ok=False, reason=reason, verification=verification, retry_at=retry_at)


def record_unconfirmed(
    verification: Verification, challenge: Challenge, detail: str, charge: Charge | None
) -> StartResult:
    """Nobody knows if the code left: nothing is given back, and it is charged (its id is lost, so no delivery
    report could tell later).

    A code of this site's own may still be entered when it arrives. The vendor's cannot (its id was lost),
    and no other is sent before it must have expired.
    """
    own = challenge.mode in (ChallengeMode.OWN, ChallengeMode.FOREIGN)
    _record_unconfirmed(verification, challenge, detail, own, charge)
    verification.refresh_from_db()
    if own:
        return StartResult(ok=True, sent=True, reason=Reason.SENT, verification=verification)
    return StartResult(
        ok=False, reason=Reason.SEND_UNCONFIRMED, verification=verification, retry_at=verification.resend_at
    )


def _reason_of(error: MessageCentralError) -> tuple[Reason, float]:
    """``(reason, seconds to wait or 0)``."""
    if isinstance(error, (errors.RateLimited, errors.MaximumLimitReached)):
        return Reason.VENDOR_BUSY, error.retry_after or BUSY_FOR
    if isinstance(error, errors.InvalidCountryCode):
        return Reason.COUNTRY_NOT_ALLOWED, 0
    if isinstance(error, (errors.BadRequest, errors.InvalidArgument)):
        return Reason.NUMBER_REFUSED, 0
    return Reason.VENDOR_UNAVAILABLE, BUSY_FOR


def _give_back_rows(challenge: Challenge) -> None:
    """Return the phone's, the country's and the site's unit. Inside a transaction."""

    def decide(state: ledger.State) -> None:
        state.sends = [time for time in state.sends if time != challenge.ledger_stamp]

    ledger.change(challenge.phone, challenge.allowance, decide)
    if challenge.budget_day is not None:
        budgets.give_back(challenge.region, challenge.budget_day)


def _leave(verification: Verification, challenge: Challenge, reason: Reason, resend_at: datetime) -> None:
    """A first code that never left ends its verification; after a later one, another may be asked for."""
    status = VerificationStatus.EXPIRED if verification.sends else VerificationStatus.FAILED
    left = Verification.objects.filter(
        pk=verification.pk, challenge=challenge, status=VerificationStatus.PENDING
    ).update(status=status, reason=reason, resend_at=resend_at)
    left_pending(left, [verification.pk])


@committed
def _record_unsent(verification: Verification, challenge: Challenge, reason: Reason, detail: str) -> None:
    written = Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.SENDING).update(
        status=ChallengeStatus.UNSENT, living_key=None, code_hash="", error=detail[:300]
    )
    if written:
        _give_back_rows(challenge)
    _leave(verification, challenge, reason, timezone.now())


@committed
def _record_unconfirmed(
    verification: Verification, challenge: Challenge, detail: str, own: bool, charge: Charge | None
) -> None:
    now = timezone.now()
    costs.record(challenge, charge)
    life = app_settings.OTP_MAX_LIFE if own else app_settings.OTP_DEFAULT_LIFE
    until = now + timedelta(seconds=life)
    Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.SENDING).update(
        status=ChallengeStatus.LIVING if own else ChallengeStatus.HELD,
        sent_at=now if own else None,
        expires_at=until,
        held_until=until,
        error=detail[:300],
    )
    cool = ledger.read(challenge.phone, challenge.allowance, now).next_send() or now
    rows = Verification.objects.filter(
        pk=verification.pk, challenge=challenge, status=VerificationStatus.PENDING
    )
    if own:
        rows.update(resend_at=cool, sends=F("sends") + 1)
    else:
        # A code may be on the phone: the verification waits for another one instead of being over.
        left = rows.update(
            status=VerificationStatus.EXPIRED, reason=Reason.SEND_UNCONFIRMED, resend_at=max(cool, until)
        )
        left_pending(left, [verification.pk])


@committed
def _already_exists(
    verification: Verification, challenge: Challenge, error: errors.RequestAlreadyExists
) -> StartResult:
    """506: the vendor has a living code for this number.

    If it is one this database issued, for the same purpose and subject, it goes on. Any other is never
    adopted: everyone waits until the same time.
    """
    now = timezone.now()
    known = None
    if error.verification_id:
        known = (
            Challenge.objects.filter(vendor_id=error.verification_id, phone=challenge.phone)
            .exclude(pk=challenge.pk)
            .order_by("-pk")
            .first()
        )
    if known is not None and _goes_on(known, challenge, now):
        return _go_on(verification, challenge, known, now)
    until = now + timedelta(seconds=app_settings.OTP_DEFAULT_LIFE)
    if known is not None and known.held_until > now:
        until = known.held_until
    written = Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.SENDING).update(
        status=ChallengeStatus.HELD, expires_at=now, held_until=until, error=str(error)[:300]
    )
    if written:
        _give_back_rows(challenge)
    _leave(verification, challenge, Reason.CODE_LIVES, until)
    verification.refresh_from_db()
    return StartResult(ok=False, reason=Reason.CODE_LIVES, verification=verification, retry_at=until)


def _goes_on(known: Challenge, challenge: Challenge, now: datetime) -> bool:
    return (
        (known.purpose, known.subject) == (challenge.purpose, challenge.subject)
        and known.status in (ChallengeStatus.EXPIRED, ChallengeStatus.LIVING)
        and known.attempts < app_settings.OTP_MAX_ATTEMPTS
        and _last_moment(known) > now
    )


def _last_moment(challenge: Challenge) -> datetime:
    """No code is taken longer than this after it was sent, whatever the vendor says."""
    return (challenge.sent_at or challenge.created_at) + timedelta(seconds=app_settings.OTP_MAX_LIFE)


def _go_on(verification: Verification, challenge: Challenge, known: Challenge, now: datetime) -> StartResult:
    written = Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.SENDING).update(
        status=ChallengeStatus.UNSENT, living_key=None, error="506: the code before still lives"
    )
    if written:
        _give_back_rows(challenge)
    until = now + timedelta(seconds=app_settings.OTP_DEFAULT_LIFE)
    Challenge.objects.filter(pk=known.pk).update(
        status=ChallengeStatus.LIVING,
        living_key=known.phone,
        expires_at=min(until, _last_moment(known)),
        held_until=until,
    )
    Verification.objects.filter(
        pk=verification.pk, challenge=challenge, status=VerificationStatus.PENDING
    ).update(challenge=known, attempts=known.attempts, resend_at=until, sends=F("sends") + 1)
    verification.refresh_from_db()
    return StartResult(ok=True, reason=Reason.ALREADY_SENT, verification=verification)
