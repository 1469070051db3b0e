"""A vendor that a test can hold still in mid-answer, or make say any odd thing."""

from __future__ import annotations

import itertools
import secrets
import threading
import uuid
from collections.abc import Callable

from django_messagecentral import exceptions as errors
from django_messagecentral.backends.base import BaseBackend, OutgoingMessage
from django_messagecentral.client.results import SendResult, ValidateResult


class FakeVendor(BaseBackend):
    """Keeps codes as VerifyNow does: one living code a number, checked once."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.lock = threading.Lock()
        self.ids = itertools.count(1_000_000)
        self.codes: dict[str, str] = {}  # id -> code
        self.used: set[str] = set()
        self.otps: list[tuple[str, str, str]] = []  # (phone, channel, id)
        self.messages: list[OutgoingMessage] = []
        self.validated: list[tuple[str, str]] = []
        self.timeout: float | None = 60.0
        self.send_error: Exception | None = None
        self.validate_error: Exception | None = None
        self.before_send: Callable[[str], None] = lambda phone: None
        self.before_answer: Callable[[str], None] = lambda code: None
        self.status = "VERIFICATION_COMPLETED"
        self.answers_number: str | None = None

    def send_otp(
        self, phone: str, *, channel: str = "SMS", code_length: int | None = None, language: str = ""
    ) -> SendResult:
        self.before_send(phone)
        if self.send_error is not None:
            raise self.send_error
        with self.lock:
            number = str(next(self.ids))
            self.codes[number] = "".join(secrets.choice("0123456789") for _ in range(code_length or 4))
            self.otps.append((phone, channel, number))
        return SendResult(verification_id=number, transaction_id=str(uuid.uuid4()), timeout=self.timeout)

    def send_message(self, message: OutgoingMessage) -> SendResult:
        self.before_send(message.phone)
        if self.send_error is not None:
            raise self.send_error
        with self.lock:
            self.messages.append(message)
        return SendResult(transaction_id=str(uuid.uuid4()))

    def validate_otp(self, verification_id: str, code: str) -> ValidateResult:
        with self.lock:
            self.validated.append((verification_id, code))
        self.before_answer(code)
        if self.validate_error is not None:
            raise self.validate_error
        with self.lock:
            if verification_id not in self.codes:
                raise errors.InvalidVerificationId()
            if verification_id in self.used:
                raise errors.AlreadyVerified()
            if self.codes[verification_id] != code:
                raise errors.WrongOtp()
            self.used.add(verification_id)
        return ValidateResult(
            verification_id=verification_id,
            verification_status=self.status,
            mobile_number=self.answers_number,
        )

    def code_of(self, phone: str) -> str:
        """The last code that ``phone`` received."""
        number = [number for to, _channel, number in self.otps if to == phone][-1]
        return self.codes[number]

    def wrong_code(self, phone: str) -> str:
        right = self.code_of(phone)
        return f"{(int(right) + 1) % 10 ** len(right):0{len(right)}d}"


VENDOR = FakeVendor()


class Backend(FakeVendor):
    """What the setting BACKEND names: one vendor for all threads and tests."""

    def __new__(cls) -> FakeVendor:  # type: ignore[misc]
        return VENDOR
