"""Login by phone: the same answer, as late, for known and unknown numbers.

An unknown number gets a *decoy*: a verification like any other, past the same guards, whose code was sent
to nobody and which no code opens. With OTP_LOGIN_SIGN_UP on, every number gets a real one.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.http import HttpRequest
from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import InvalidPhone, parse_phone
from django_messagecentral.verification import service
from django_messagecentral.verification.flows.sending import Draft
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import CheckResult, StartResult
from django_messagecentral.verification.states import ChallengeMode, ChallengeStatus, VerificationStatus
from django_messagecentral.verification.transactions import committed

T = TypeVar("T")

PURPOSE = "login"
# Refusals of the vendor: only a number that a code was really sent to can earn them.
_TELLING = (
    Reason.NUMBER_REFUSED,
    Reason.VENDOR_BUSY,
    Reason.VENDOR_UNAVAILABLE,
    Reason.SEND_UNCONFIRMED,
    Reason.COUNTRY_NOT_ALLOWED,
    Reason.CODE_LIVES,
)


@dataclass(frozen=True, slots=True)
class LoginResult:
    """``check`` is the service's answer; ``user`` is there when it is ok and an account may be entered."""

    check: CheckResult
    user: Any = None


def user_of(phone: str) -> Any:
    """The active user who has verified ``phone`` (E.164), or None."""
    user = _users().filter(verified_phone=phone).first()
    return user if user is not None and user.is_active else None


def may_enter(user: Any, phone: str) -> bool:
    """A reviewer's number, whose code is fixed, never opens an account with staff rights."""
    reviewer = phone in app_settings.OTP_REVIEWER_NUMBERS
    return not (reviewer and (getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)))


def start_login(phone: object, *, request: HttpRequest) -> StartResult:
    """Send a code to a known number, pretend to for an unknown one; never sooner than OTP_LOGIN_FLOOR."""
    return _no_sooner(lambda: _start(phone, request))


def check_login(verification: object, code: object, *, request: HttpRequest) -> LoginResult:
    """Check the code and find (or, with sign-up on, make) the user. Logs nobody in by itself."""
    return _no_sooner(lambda: _check(verification, code, request))


def resend_login(verification: object, *, request: HttpRequest) -> StartResult:
    """Another code, or another pretence."""
    return _no_sooner(lambda: _resend(verification, request))


def fall_back(verification: Verification) -> StartResult:
    """Another code, or another pretence, by the next channel; nobody waits for the answer."""
    draft = None if _is_served(verification.phone) else decoy()
    return _disguised(service.resend_verification(verification, draft=draft))


def _start(phone: object, request: HttpRequest) -> StartResult:
    try:
        e164 = parse_phone(phone, region=app_settings.DEFAULT_REGION).e164
    except InvalidPhone:
        return service.start_verification(phone, purpose=PURPOSE, request=request)
    draft = None if _is_served(e164) else decoy()
    return _disguised(service.start_verification(phone, purpose=PURPOSE, request=request, draft=draft))


def _resend(verification: object, request: HttpRequest) -> StartResult:
    found = service.get_verification(verification, request=request)
    if found is None or found.purpose != PURPOSE:
        return StartResult(ok=False, reason=Reason.UNKNOWN)
    draft = None if _is_served(found.phone) else decoy()
    return _disguised(service.resend_verification(found, request=request, draft=draft))


def _check(verification: object, code: object, request: HttpRequest) -> LoginResult:
    found = service.get_verification(verification, request=request)
    if found is None or found.purpose != PURPOSE:
        return LoginResult(CheckResult(ok=False, reason=Reason.UNKNOWN))
    checked = service.check_verification(found, code, request=request)
    if not checked.ok:
        return LoginResult(checked)
    used = service.consume_proof(checked.proof, purpose=PURPOSE, phone=found.phone, request=request)
    user = user_of(found.phone)
    if user is None and app_settings.OTP_LOGIN_SIGN_UP and not _taken(found.phone):
        user = _sign_up(found.phone)
    if not used.ok or user is None or not may_enter(user, found.phone):
        return LoginResult(CheckResult(ok=False, reason=Reason.CHECK_FAILED, verification=found))
    return LoginResult(checked, user)


def _is_served(phone: str) -> bool:
    """Whether a code to ``phone`` can end in a login."""
    user = user_of(phone)
    if user is None:
        return app_settings.OTP_LOGIN_SIGN_UP and not _taken(phone)
    return may_enter(user, phone)


def _taken(phone: str) -> bool:
    """Somebody has it, though perhaps nobody active."""
    return bool(_users().filter(verified_phone=phone).exists())


def _users() -> Any:
    """The site's users; their model has ``VerifiedPhoneMixin``."""
    return get_user_model()._default_manager


def _sign_up(phone: str) -> Any:
    model = get_user_model()
    name = phone
    if _users().filter(**{model.USERNAME_FIELD: name}).exists():  # somebody who had the number before
        name = f"{phone}-{secrets.token_hex(4)}"
    user: Any = model(**{model.USERNAME_FIELD: name})
    user.set_unusable_password()
    user.set_verified_phone(phone)
    return user


def decoy() -> Draft:
    """A code that nobody gets."""
    return Draft(ChallengeMode.DECOY, app_settings.OTP_LENGTH)


def _disguised(result: StartResult) -> StartResult:
    """A vendor's refusal would tell that the number is known: the verification becomes a decoy instead."""
    verification = result.verification
    if result.ok or verification is None or result.reason not in _TELLING:
        return result
    if verification.status not in (VerificationStatus.FAILED, VerificationStatus.EXPIRED):
        return result
    try:
        _disguise(verification)
    except IntegrityError:  # another code was sent to the number meanwhile
        return result
    verification.refresh_from_db()
    return StartResult(ok=True, sent=True, reason=Reason.SENT, verification=verification, token=result.token)


@committed
def _disguise(verification: Verification) -> None:
    now = timezone.now()
    until = now + timedelta(seconds=app_settings.OTP_DEFAULT_LIFE)
    Challenge.objects.filter(pk=verification.challenge_id or 0).update(
        mode=ChallengeMode.DECOY,
        status=ChallengeStatus.LIVING,
        living_key=verification.phone,
        sent_at=now,
        expires_at=until,
        held_until=until,
        code_hash="",
    )
    Verification.objects.filter(pk=verification.pk).update(
        status=VerificationStatus.PENDING, reason="", resend_at=until
    )


def _no_sooner(work: Callable[[], T]) -> T:
    """Run ``work`` and answer when OTP_LOGIN_FLOOR seconds have passed, whatever happened."""
    until = time.monotonic() + app_settings.OTP_LOGIN_FLOOR
    try:
        return work()
    finally:
        time.sleep(max(0.0, until - time.monotonic()))
