"""Resend: another code for the same verification."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import parse_phone
from django_messagecentral.verification.email import usable_channels
from django_messagecentral.verification.flows.asking import build_ask
from django_messagecentral.verification.flows.finding import find, settle
from django_messagecentral.verification.flows.living import release
from django_messagecentral.verification.flows.sending import Draft, draft_for, send_code
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import StartResult
from django_messagecentral.verification.states import ChallengeMode, ChallengeStatus, VerificationStatus
from django_messagecentral.verification.subjects import subjects_of
from django_messagecentral.verification.transactions import committed

_OVER = {
    VerificationStatus.VERIFIED: Reason.ALREADY_VERIFIED,
    VerificationStatus.CANCELLED: Reason.CANCELLED,
    VerificationStatus.FAILED: Reason.TOO_MANY_ATTEMPTS,
}


def resend_verification(
    verification: object,
    *,
    channel: str | None = None,
    user: Any = None,
    session: Any = None,
    subject: str = "",
    token: str = "",
    request: HttpRequest | None = None,
    ip: str = "",
    draft: Draft | None = None,
) -> StartResult:
    """Send another code for a verification that is pending or expired, past every guard again.

    Without ``channel`` it goes by the next one of OTP_CHANNELS that the vendor does not refuse. Too early it
    answers ``cooldown`` or ``code_lives`` with ``retry_at``. Wrong codes entered before still count. One that
    failed, was cancelled or is verified is over: start a new one.
    """
    subjects = subjects_of(user=user, session=session, subject=subject, token=token, request=request)
    found = find(verification, subjects)
    if found is None:
        return StartResult(ok=False, reason=Reason.UNKNOWN)
    now = timezone.now()
    found = settle(found, now)
    foreign = found.challenge is not None and found.challenge.mode == ChallengeMode.FOREIGN
    if foreign and draft is None:
        return StartResult(ok=False, reason=Reason.UNKNOWN)  # its code is another package's to make
    if found.status in _OVER:
        return StartResult(ok=False, reason=_OVER[VerificationStatus(found.status)], verification=found)
    if found.attempts >= app_settings.OTP_MAX_ATTEMPTS:  # its last one met a code that was over
        return StartResult(ok=False, reason=Reason.TOO_MANY_ATTEMPTS, verification=found)
    if found.created_at + timedelta(seconds=app_settings.OTP_VERIFICATION_LIFE) <= now:
        return StartResult(ok=False, reason=Reason.CODE_EXPIRED, verification=found)
    if living := _living(found):
        # The same time for everybody: the end of the code that lives.
        own = living.pk == found.challenge_id and living.status != ChallengeStatus.SENDING
        if not (own and not living.held_by_vendor):
            retry_at = max(living.held_until, found.resend_at or now) if own else living.held_until
            return StartResult(ok=False, reason=Reason.CODE_LIVES, verification=found, retry_at=retry_at)
    ask = build_ask(
        parse_phone(found.phone),
        purpose=found.purpose,
        subject=found.subject,
        channel=channel or next_channel(found) or found.channel or None,
        user=found.user,
        request=request,
        ip=ip,
    )
    ask.allowance = found.allowance
    result = send_code(ask, draft=draft or _draft_after(found, ask.channel), verification=found)
    if channel is None:
        while result.reason == Reason.NUMBER_REFUSED and (other := _after(found, ask.channel)):
            ask.channel = other  # the vendor refused this one: the next at once, past all guards
            result = send_code(ask, draft=draft or _draft_after(found, other), verification=found)
    return result if result.verification else _with(result, found)


def next_channel(verification: Verification) -> str:
    """The channel of OTP_CHANNELS after the last one used; empty when there is none."""
    return _after(verification, verification.channel)


def _after(verification: Verification, channel: str) -> str:
    channels = usable_channels(verification.user, verification.purpose)
    after = channels.index(channel) + 1 if channel in channels else len(channels)
    return channels[after] if after < len(channels) else ""


def _draft_after(verification: Verification, channel: str) -> Draft:
    """Made by whom the code before was made; a decoy stays one."""
    before = verification.challenge
    if before is not None and before.mode == ChallengeMode.DECOY:
        return Draft(ChallengeMode.DECOY, before.code_length)
    return draft_for(verification.phone, verification.user, channel)


@committed
def _living(verification: Verification) -> Challenge | None:
    release(verification.phone, timezone.now())
    return Challenge.objects.filter(living_key=verification.phone).first()


def _with(result: StartResult, verification: Verification) -> StartResult:
    return StartResult(
        ok=result.ok,
        reason=result.reason,
        retry_at=result.retry_at,
        verification=verification,
        detail=result.detail,
    )
