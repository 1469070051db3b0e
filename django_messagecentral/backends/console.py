"""For development: what would be sent is written to the terminal, codes included."""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Sequence
from typing import TextIO

from django_messagecentral.backends.base import BaseBackend, OutgoingMessage
from django_messagecentral.backends.local_codes import LocalCodes
from django_messagecentral.backends.workbooks import texts_of_workbook
from django_messagecentral.client.results import SendResult, ValidateResult
from django_messagecentral.conf import app_settings


class ConsoleBackend(BaseBackend):
    """Codes are real: they expire, and a wrong one is refused. They live in this process only."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._codes = LocalCodes()
        self._lock = threading.Lock()

    def send_message(self, message: OutgoingMessage) -> SendResult:
        return self.send_bulk([message.phone], message)

    def send_bulk(self, phones: Sequence[str], message: OutgoingMessage) -> SendResult:
        return self._write([(phone, message.text) for phone in phones], message)

    def send_file(self, workbook: bytes, message: OutgoingMessage) -> SendResult:
        return self._write(texts_of_workbook(workbook, message.text), message)

    def send_otp(
        self, phone: str, *, channel: str = "SMS", code_length: int | None = None, language: str = ""
    ) -> SendResult:
        verification_id, code = self._codes.make(phone, code_length)
        with self._lock:
            self._print(phone, channel, "OTP", "", f"{code} is your verification code.")
        return SendResult(
            verification_id=verification_id,
            transaction_id=str(uuid.uuid4()),
            timeout=float(app_settings.OTP_DEFAULT_LIFE),
        )

    def validate_otp(self, verification_id: str, code: str) -> ValidateResult:
        return self._codes.check(verification_id, code)

    def _write(self, texts: Sequence[tuple[str, str]], message: OutgoingMessage) -> SendResult:
        with self._lock:
            for phone, text in texts:
                self._print(phone, message.channel, message.message_type, message.sender_id, text)
        return SendResult(transaction_id=str(uuid.uuid4()))

    def _print(self, phone: str, channel: str, kind: str, sender: str, text: str) -> None:
        stream = self._stream or sys.stdout
        stream.write(f"--- {kind} by {channel} to {phone}{f' from {sender}' if sender else ''}\n{text}\n")
        stream.flush()
