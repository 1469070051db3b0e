"""What a successful call answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class SendResult:
    """The vendor accepted an OTP or a message (vendor document, Send OTP and Send SMS).

    Every field but ``code`` and ``message`` is None when the answer lacks it. ``timeout``: seconds that a
    code lives; ``sms_cli``: sender shown to the recipient. A bulk or file call has one ``verification_id``
    and one ``transaction_id`` for all its recipients.
    """

    verification_id: str | None = None
    transaction_id: str | None = None
    mobile_number: str | None = None
    timeout: float | None = None
    sms_cli: str | None = None
    code: int = 200
    message: str = "SUCCESS"

    def __repr__(self) -> str:
        return f"<SendResult {self.code} transaction {self.transaction_id}>"


@dataclass(frozen=True, slots=True, repr=False)
class ValidateResult:
    """The code was right (vendor document, Validate OTP).

    ``verification_status`` is VERIFICATION_COMPLETED; the ids are None when the answer lacks them.
    """

    verification_id: str | None = None
    mobile_number: str | None = None
    verification_status: str | None = None
    transaction_id: str | None = None
    code: int = 200
    message: str = "SUCCESS"

    def __repr__(self) -> str:
        return f"<ValidateResult {self.code} {self.verification_status}>"
