"""Sending one code: guards, reservation, the wire, and what its answer means."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from django_messagecentral import signals
from django_messagecentral.backends import get_backend
from django_messagecentral.backends.base import OutgoingMessage
from django_messagecentral.client import SendResult
from django_messagecentral.conf import MAX_REVIEWERS, app_settings
from django_messagecentral.exceptions import MessageCentralError
from django_messagecentral.messaging import pace
from django_messagecentral.phones import mask_phone
from django_messagecentral.verification import codes, costs
from django_messagecentral.verification.email import EMAIL, email_for, send_code_by_email
from django_messagecentral.verification.flows.living import answer_living, release
from django_messagecentral.verification.flows.refused import record_refused, record_unconfirmed
from django_messagecentral.verification.guards import Ask, Refused, Verdict, budgets, counters, ledger
from django_messagecentral.verification.guards.refusals import record
from django_messagecentral.verification.guards.screen import screen
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import StartResult
from django_messagecentral.verification.states import (
    ChallengeMode,
    ChallengeStatus,
    VerificationStatus,
    sources_of,
)
from django_messagecentral.verification.telling import left_expired
from django_messagecentral.verification.transactions import committed

logger = logging.getLogger("django_messagecentral.verification")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new code will be. ``code`` is empty where the vendor makes it (or nobody does)."""

    mode: ChallengeMode
    length: int
    code: str = ""

    def __repr__(self) -> str:
        return f"<Draft {self.mode.value}>"


def longest_call() -> float:
    """Seconds a call may take at most."""
    return get_backend().longest_call


def draft_for(phone: str, user: Any = None, channel: str = "") -> Draft:
    """Who makes the code for ``phone``, and in own-code mode the code.

    A reviewer's number has a fixed code, which proves nothing for a user with staff rights.
    """
    reviewers = app_settings.OTP_REVIEWER_NUMBERS
    if len(reviewers) > MAX_REVIEWERS:
        logger.error("more than %d reviewers' numbers: none of them is served", MAX_REVIEWERS)
        reviewers = {}
    reviewer = reviewers.get(phone)
    rights = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    if reviewer and not rights:
        logger.warning("a reviewer's number with a fixed code asks for one: %s", mask_phone(phone))
        return Draft(ChallengeMode.REVIEWER, len(reviewer), reviewer)
    length = app_settings.OTP_LENGTH
    if app_settings.OTP_MODE == "own" or channel == EMAIL:
        return Draft(ChallengeMode.OWN, length, codes.make_code(length))
    return Draft(ChallengeMode.VENDOR, length)


def send_code(
    ask: Ask,
    *,
    draft: Draft,
    verification: Verification | None = None,
    user: Any = None,
    locale: str = "",
) -> StartResult:
    """Send a code for a new verification, or another one for ``verification``."""
    now = timezone.now()
    taken: dict[str, str] = {}
    get_backend()  # a wrong setting is told before anything is reserved
    try:
        screen(ask)
        taken = counters.take(ask, now)
        ask.noted = len(ask.would_refuse)
        reserved = _reserve(ask, draft, now, taken, verification, user, locale)
    except Refused as refused:
        counters.give_back(taken)
        # Of equal calls at once one sends; those that met its traces in a guard go on with it.
        found = None if verification else answer_living(ask, timezone.now(), user, locale)
        return found if found is not None else refuse(ask, refused.verdict, now)
    except IntegrityError:  # living_key: another call was first
        counters.give_back(taken)
        found = answer_living(ask, timezone.now(), user, locale)
        if found is None:
            found = StartResult(ok=False, reason=Reason.CODE_LIVES, retry_at=now + timedelta(seconds=1))
        return found
    for verdict in ask.would_refuse:
        record(ask, verdict, now, dry_run=True)
    return _deliver(reserved, draft)


def refuse(ask: Ask, verdict: Verdict, now: datetime) -> StartResult:
    """Note a refusal and answer it."""
    if verdict.reason == Reason.PHONE_LOCKED:
        verdict = ledger.persist_lock(ask.phone.e164, ask.allowance, now) or verdict
    if not verdict.scope:
        verdict = Verdict(verdict.reason, verdict.retry_at, f"phone:{ask.phone.e164}")
    record(ask, verdict, now)
    if verdict.reason == Reason.SITE_BUDGET and budgets.announce_once(now.date()):
        logger.error("the site's daily budget of OTP sends is spent")
        signals.send(
            signals.otp_budget_spent, Verification, day=now.date(), budget=app_settings.OTP_DAILY_BUDGET
        )
    return StartResult(ok=False, reason=verdict.reason, retry_at=verdict.retry_at)


@committed
def _reserve(
    ask: Ask,
    draft: Draft,
    now: datetime,
    taken: dict[str, str],
    verification: Verification | None,
    user: Any,
    locale: str,
) -> Verification:
    """Take the phone's, the country's and the site's unit and the phone's ``living_key``: all or nothing."""
    phone = ask.phone.e164
    del ask.would_refuse[ask.noted :]  # this function runs again after a lost conflict
    stamps: list[float] = []

    def decide(state: ledger.State) -> None:
        state.prune(now)
        if verdict := state.send_verdict(now):
            ask.refuse(verdict)
        stamps.append(state.stamp(state.sends, now))

    ledger.change(phone, ask.allowance, decide)
    release(phone, now)
    if verification is not None:
        _close_own(verification)
    day = budgets.take(ask, now)
    kept = bool(draft.code) and draft.mode != ChallengeMode.FOREIGN  # whoever made that one checks it
    salt = codes.make_salt() if kept else ""
    hold = now + timedelta(seconds=max(longest_call(), app_settings.OTP_DEFAULT_LIFE))
    challenge = Challenge.objects.create(
        phone=phone,
        region=ask.phone.region,
        living_key=phone,
        mode=draft.mode,
        purpose=ask.purpose,
        subject=ask.subject,
        channel=ask.channel,
        code_length=draft.length,
        salt=salt,
        code_hash=codes.hash_code(salt, draft.code) if kept else "",
        created_at=now,
        expires_at=hold,
        held_until=hold,
        allowance=ask.allowance,
        ledger_stamp=stamps[-1],
        budget_day=day,
        units=taken,
    )
    if verification is None:
        return Verification.objects.create(
            phone=phone,
            purpose=ask.purpose,
            subject=ask.subject,
            user=user,
            allowance=ask.allowance,
            locale=locale,
            challenge=challenge,
            resend_at=hold,
            created_at=now,
        )
    open_states = [*sources_of(VerificationStatus.PENDING), VerificationStatus.PENDING]
    changed = Verification.objects.filter(pk=verification.pk, status__in=open_states).update(
        status=VerificationStatus.PENDING, reason="", challenge=challenge, resend_at=hold
    )
    if not changed:
        raise Refused(Verdict(Reason.UNKNOWN))
    left_expired(changed, verification, VerificationStatus.PENDING)
    verification.refresh_from_db()
    return verification


def _close_own(verification: Verification) -> None:
    """A new code of this site's own closes the older one; the vendor's cannot be closed."""
    before = Challenge.objects.filter(pk=verification.challenge_id or 0, living_key__isnull=False)
    older = before.exclude(status=ChallengeStatus.SENDING).first()
    if older is not None and not older.held_by_vendor:
        before.filter(pk=older.pk).update(living_key=None, status=ChallengeStatus.CLOSED, code_hash="")


def _deliver(verification: Verification, draft: Draft) -> StartResult:
    """Touch the wire, outside any transaction, and write down what came of it."""
    challenge = cast(Challenge, verification.challenge)  # _reserve has just set it
    charge = costs.charge_for(challenge, draft.code)
    try:
        answer = _call(challenge, draft, verification)
    except MessageCentralError as error:
        return record_refused(verification, challenge, error, charge)
    except Exception:
        record_unconfirmed(verification, challenge, "an unexpected error", charge)
        raise
    if not _record_sent(verification, challenge, answer, charge):
        return StartResult(
            ok=False, reason=Reason.SEND_UNCONFIRMED, verification=verification, retry_at=challenge.held_until
        )
    verification.refresh_from_db()
    return StartResult(ok=True, sent=True, reason=Reason.SENT, verification=verification)


def _call(challenge: Challenge, draft: Draft, verification: Verification) -> SendResult | None:
    if draft.mode in (ChallengeMode.REVIEWER, ChallengeMode.DECOY):
        return None
    locale = verification.locale
    if challenge.channel == EMAIL:
        address = email_for(verification.user, verification.purpose)
        return send_code_by_email(address, app_settings.OTP_TEMPLATE.format(code=draft.code), locale)
    pace.debit_at_once()
    backend = get_backend()
    if draft.mode == ChallengeMode.VENDOR:
        return backend.send_otp(
            challenge.phone, channel=challenge.channel, code_length=challenge.code_length, language=locale
        )
    template = app_settings.OTP_TEMPLATE_ID
    return backend.send_message(
        OutgoingMessage(
            phone=challenge.phone,
            text=app_settings.OTP_TEMPLATE.format(code=draft.code),
            channel=challenge.channel,
            message_type="OTP",
            sender_id=app_settings.SENDER_ID,
            template_id=template,
            entity_id=app_settings.ENTITY_ID if template else "",
        )
    )


@committed
def _record_sent(
    verification: Verification,
    challenge: Challenge,
    answer: SendResult | None,
    charge: costs.Charge | None,
) -> bool:
    """The code lives. False when the answer came after the reservation had ended; it costs all the same."""
    now = timezone.now()
    costs.record(challenge, charge)
    longest = float(app_settings.OTP_MAX_LIFE)
    life = _life(challenge, answer)
    challenge.expires_at = now + timedelta(seconds=min(life, longest))
    challenge.held_until = now + timedelta(seconds=life)
    challenge.sent_at = now
    challenge.status = ChallengeStatus.LIVING
    challenge.vendor_id = (answer and answer.verification_id) or ""
    challenge.transaction_id = (answer and answer.transaction_id) or ""
    written = Challenge.objects.filter(pk=challenge.pk, status=ChallengeStatus.SENDING).update(
        status=challenge.status,
        expires_at=challenge.expires_at,
        held_until=challenge.held_until,
        sent_at=now,
        vendor_id=challenge.vendor_id,
        transaction_id=challenge.transaction_id,
    )
    if not written:
        return False
    cool = ledger.read(challenge.phone, challenge.allowance, now).next_send() or now
    resend_at = max(cool, challenge.held_until) if challenge.held_by_vendor else cool
    Verification.objects.filter(pk=verification.pk, challenge=challenge).update(
        resend_at=resend_at, sends=F("sends") + 1
    )
    return True


def _life(challenge: Challenge, answer: SendResult | None) -> float:
    """Seconds the code lives: what the vendor answered, or this site's own setting.

    A decoy lives as long as the vendor's last code did, or it would be known by its times.
    """
    if not challenge.held_by_vendor:
        return float(app_settings.OTP_MAX_LIFE)
    if answer is not None and answer.timeout:
        return answer.timeout
    if challenge.mode == ChallengeMode.DECOY:
        real = (
            Challenge.objects.filter(mode=ChallengeMode.VENDOR, sent_at__isnull=False).order_by("-pk").first()
        )
        if real is not None and real.sent_at is not None:
            return round((real.held_until - real.sent_at).total_seconds())
    return float(app_settings.OTP_DEFAULT_LIFE)
