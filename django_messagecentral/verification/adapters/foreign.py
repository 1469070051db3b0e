"""Codes that another package makes and checks: sent past the same guards as ours."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from django_messagecentral import signals
from django_messagecentral.db import database_for
from django_messagecentral.verification import service
from django_messagecentral.verification.flows.sending import Draft
from django_messagecentral.verification.guards import budgets, counters
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import StartResult
from django_messagecentral.verification.states import ChallengeMode, ChallengeStatus, VerificationStatus

PURPOSE_ALLAUTH = "allauth"


class CodeNotSent(Exception):
    """The code was not sent; ``result`` says why and from when it can be. ``str()`` is for a person."""

    def __init__(self, result: StartResult) -> None:
        super().__init__(result.message)
        self.result = result


def send_foreign_code(
    phone: object,
    code: str,
    *,
    purpose: str,
    user: Any = None,
    subject: str = "",
    request: HttpRequest | None = None,
) -> StartResult:
    """Send ``code`` to ``phone`` in this site's own words (OTP_TEMPLATE). Raises :class:`CodeNotSent`.

    A code sent before for the same purpose and person is closed by this one, after the cool-down.
    """
    draft = Draft(ChallengeMode.FOREIGN, len(code), code)
    result = service.start_verification(
        phone, purpose=purpose, user=user, subject=subject, request=request, draft=draft
    )
    if result.reason == Reason.ALREADY_SENT and result.verification is not None:
        result = service.resend_verification(
            result.verification, channel=result.verification.channel, subject=result.verification.subject,
            draft=draft,
        )  # fmt: skip
    if not result.ok:
        raise CodeNotSent(result)
    return result


def foreign_code_entered(phone: object, *, purpose: str) -> None:
    """The other package has taken its code: this app remembers that the phone was shown, its guards trust the
    number's country, block and address the more, and ``phone_verified`` is sent after the commit. May be
    called inside a transaction."""
    e164 = str(getattr(phone, "as_e164", phone))
    challenge = Challenge.objects.filter(living_key=e164, purpose=purpose, mode=ChallengeMode.FOREIGN).first()
    if challenge is None or not Challenge.objects.filter(pk=challenge.pk, living_key=e164).update(
        status=ChallengeStatus.USED, living_key=None
    ):
        return
    now = timezone.now()
    Verification.objects.filter(challenge=challenge, status=VerificationStatus.PENDING).update(
        status=VerificationStatus.VERIFIED, reason="", verified_at=now, consumed_at=now
    )
    counters.code_entered(challenge.phone, challenge.units)
    if challenge.budget_day is not None:
        budgets.code_entered(challenge.region, challenge.budget_day)
    transaction.on_commit(partial(_announce, challenge), using=database_for(Verification), robust=True)


def _announce(challenge: Challenge) -> None:
    for verification in challenge.verifications.filter(status=VerificationStatus.VERIFIED):
        signals.send(
            signals.phone_verified,
            Verification,
            verification=verification,
            phone=verification.phone,
            user=verification.user,
            request=None,
        )
