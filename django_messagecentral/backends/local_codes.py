"""Codes of a vendor that lives in this process: real random ones, with the real rules about them."""

from __future__ import annotations

import itertools
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from django_messagecentral.client.codes import VERIFICATION_COMPLETED
from django_messagecentral.client.results import ValidateResult
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import (
    AlreadyVerified,
    InvalidVerificationId,
    MaximumLimitReached,
    Outcome,
    RequestAlreadyExists,
    VerificationExpired,
    WrongOtp,
)
from django_messagecentral.phones import vendor_pair

MAX_WRONG_CODES = 10


@dataclass(slots=True, repr=False)
class _LocalCode:
    verification_id: str
    phone: str
    code: str
    expires_at: datetime
    wrong: int = 0
    used: bool = False

    @property
    def lives(self) -> bool:
        return not self.used and timezone.now() < self.expires_at


class LocalCodes:
    """As VerifyNow: one living code a number, OTP_DEFAULT_LIFE seconds long, accepted once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(10_000_001)
        self._by_id: dict[str, _LocalCode] = {}
        self._by_phone: dict[str, _LocalCode] = {}

    def make(self, phone: str, length: int | None) -> tuple[str, str]:
        """(verification id, code). Raises RequestAlreadyExists, with its id, while another one lives."""
        digits = length or app_settings.OTP_LENGTH
        with self._lock:
            living = self._by_phone.get(phone)
            if living is not None and living.lives:
                raise RequestAlreadyExists(outcome=Outcome.REFUSED, verification_id=living.verification_id)
            made = _LocalCode(
                verification_id=str(next(self._numbers)),
                phone=phone,
                code="".join(secrets.choice("0123456789") for _ in range(digits)),
                expires_at=timezone.now() + timedelta(seconds=app_settings.OTP_DEFAULT_LIFE),
            )
            self._by_id[made.verification_id] = self._by_phone[phone] = made
            return made.verification_id, made.code

    def check(self, verification_id: str, code: str) -> ValidateResult:
        """Raises the errors that the vendor's answers become."""
        with self._lock:
            known = self._by_id.get(verification_id)
            if known is None:
                raise InvalidVerificationId()
            if known.used:
                raise AlreadyVerified()
            if timezone.now() >= known.expires_at:
                raise VerificationExpired()
            if known.wrong >= MAX_WRONG_CODES:
                raise MaximumLimitReached(outcome=Outcome.REFUSED)
            if not secrets.compare_digest(known.code.encode(), code.encode(errors="replace")):
                known.wrong += 1
                raise WrongOtp()
            known.used = True
        return ValidateResult(
            verification_id=verification_id,
            mobile_number=vendor_pair(known.phone)[1],
            verification_status=VERIFICATION_COMPLETED,
        )

    def forget(self) -> None:
        with self._lock:
            self._by_id.clear()
            self._by_phone.clear()
