"""For tests: everything sent lands in ``outbox``, with its codes readable, and can be told to fail."""

from __future__ import annotations

import copy
import re
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django_messagecentral.backends.base import BaseBackend, OutgoingMessage
from django_messagecentral.backends.local_codes import LocalCodes
from django_messagecentral.backends.workbooks import texts_of_workbook
from django_messagecentral.client.results import SendResult, ValidateResult
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import (
    AnswerLost,
    BadRequest,
    ConnectionNotMade,
    MessageCentralError,
    Outcome,
)

Failure = MessageCentralError | type[MessageCentralError] | Outcome
_CODE = re.compile(r"(?<!\d)\d{4,8}(?!\d)")
_ERRORS: dict[Outcome, type[MessageCentralError]] = {
    Outcome.NEVER_LEFT: ConnectionNotMade,
    Outcome.REFUSED: BadRequest,
    Outcome.MAY_HAVE_LEFT: AnswerLost,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What one phone received. ``phone``: E.164; ``text``: final characters, for an OTP the vendor's own."""

    phone: str
    text: str
    kind: Literal["message", "bulk", "file", "otp"]
    channel: str = "SMS"
    message_type: str = "TRANSACTION"
    sender_id: str = ""
    template_id: str = ""
    entity_id: str = ""
    verification_id: str = ""
    transaction_id: str = ""

    @property
    def code(self) -> str:
        """The code in the text, "" if there is none."""
        found = _CODE.search(self.text)
        return found[0] if found else ""


class Outbox(list[Sent]):
    """A list of :class:`Sent`, oldest first, and what shall become of the next calls."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = LocalCodes()
        self.lock = threading.RLock()
        self._failures: dict[str, deque[tuple[MessageCentralError, bool]]] = {}

    def to(self, phone: str) -> list[Sent]:
        """What ``phone`` (E.164) has received, oldest first."""
        return [sent for sent in self if sent.phone == phone]

    def last_code(self, phone: str) -> str:
        """The newest code that ``phone`` has received. Raises LookupError if there is none."""
        for sent in reversed(self.to(phone)):
            if sent.code:
                return sent.code
        raise LookupError(f"no code was sent to {phone}")

    def fail_next(
        self,
        failure: Failure = Outcome.NEVER_LEFT,
        *,
        times: int = 1,
        on: Literal["send", "validate"] = "send",
        left: bool = False,
    ) -> None:
        """Make the next ``times`` calls raise ``failure``: an error, its class, or just an outcome.

        ``left``: the phone receives the text all the same, as when only the answer was lost.
        """
        error = failure
        if isinstance(error, Outcome):
            error = _ERRORS[error]
        if isinstance(error, type):
            error = error()
        with self.lock:
            self._failures.setdefault(on, deque()).extend([(error, left)] * times)

    def reset(self) -> None:
        """Forget everything: texts, codes and failures."""
        with self.lock:
            self.clear()
            self._failures.clear()
            self.codes.forget()

    def next_failure(self, on: str) -> tuple[MessageCentralError | None, bool]:
        """The error that this call is to raise, if any, and whether its text leaves all the same."""
        with self.lock:
            waiting = self._failures.get(on)
            if not waiting:
                return None, True
            error, left = waiting.popleft()
            return copy.copy(error), left


outbox = Outbox()


class LocmemBackend(BaseBackend):
    """All instances of a process share ``outbox``."""

    def send_message(self, message: OutgoingMessage) -> SendResult:
        return self._deliver([(message.phone, message.text)], message, "message")

    def send_bulk(self, phones: Sequence[str], message: OutgoingMessage) -> SendResult:
        return self._deliver([(phone, message.text) for phone in phones], message, "bulk")

    def send_file(self, workbook: bytes, message: OutgoingMessage) -> SendResult:
        return self._deliver(texts_of_workbook(workbook, message.text), message, "file")

    def send_otp(
        self, phone: str, *, channel: str = "SMS", code_length: int | None = None, language: str = ""
    ) -> SendResult:
        error, left = outbox.next_failure("send")
        verification_id = transaction_id = ""
        if left:
            verification_id, code = outbox.codes.make(phone, code_length)
            transaction_id = str(uuid.uuid4())
            text = f"{code} is your verification code."
            with outbox.lock:
                outbox.append(
                    Sent(
                        phone,
                        text,
                        "otp",
                        channel=channel,
                        message_type="OTP",
                        verification_id=verification_id,
                        transaction_id=transaction_id,
                    )
                )
        if error is not None:
            raise error
        return SendResult(
            verification_id=verification_id,
            transaction_id=transaction_id,
            timeout=float(app_settings.OTP_DEFAULT_LIFE),
        )

    def validate_otp(self, verification_id: str, code: str) -> ValidateResult:
        error, left = outbox.next_failure("validate")
        if error is None:
            return outbox.codes.check(verification_id, code)
        if left:
            outbox.codes.check(verification_id, code)  # the vendor judged it, the answer was lost
        raise error

    def _deliver(
        self,
        texts: Sequence[tuple[str, str]],
        message: OutgoingMessage,
        kind: Literal["message", "bulk", "file"],
    ) -> SendResult:
        error, left = outbox.next_failure("send")
        transaction_id = str(uuid.uuid4())
        shared: dict[str, Any] = {
            "kind": kind,
            "channel": message.channel,
            "message_type": message.message_type,
            "sender_id": message.sender_id,
            "template_id": message.template_id,
            "entity_id": message.entity_id,
            "transaction_id": transaction_id,
        }
        if left:
            with outbox.lock:
                outbox.extend(Sent(phone, text, **shared) for phone, text in texts)
        if error is not None:
            raise error
        return SendResult(transaction_id=transaction_id)
