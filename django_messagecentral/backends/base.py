"""What every backend can do: carry one message, many, a workbook, or an OTP, and check an OTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django_messagecentral.client.client import longest_call
from django_messagecentral.client.results import SendResult, ValidateResult
from django_messagecentral.conf import app_settings
from django_messagecentral.phones import mask_phone


@dataclass(frozen=True, slots=True, repr=False)
class OutgoingMessage:
    """One text on its way. ``phone``: E.164; ``text``: final characters, except for ``send_file``.

    ``channel``: the vendor's flowType (SMS, WHATSAPP, RCS ...); ``message_type``: OTP, TRANSACTION or
    PROMOTIONAL; ``template_id`` and ``entity_id``: both or neither.
    """

    phone: str
    text: str
    channel: str = "SMS"
    message_type: str = "TRANSACTION"
    sender_id: str = ""
    template_id: str = ""
    entity_id: str = ""

    def __repr__(self) -> str:
        return f"<OutgoingMessage {self.message_type} {self.channel} to {mask_phone(self.phone)}>"


class BaseBackend:
    """One instance a process, made after a fork and used by many threads at once.

    No method touches the database. Each raises a
    :class:`~django_messagecentral.exceptions.MessageCentralError` whose ``outcome`` says what became of the
    message; returning means that it was accepted.
    """

    @property
    def longest_call(self) -> float:
        """Seconds after which a call that began is surely over: so long nobody else decides about its
        message. By default what the vendor's client may take by the settings' timeouts.
        """
        return longest_call(app_settings.CONNECT_TIMEOUT, app_settings.READ_TIMEOUT)

    def send_message(self, message: OutgoingMessage) -> SendResult:
        raise NotImplementedError

    def send_bulk(self, phones: Sequence[str], message: OutgoingMessage) -> SendResult:
        """One text to many E.164 numbers in one call; ``message.phone`` is ignored."""
        raise NotImplementedError

    def send_file(self, workbook: bytes, message: OutgoingMessage) -> SendResult:
        """An .xlsx in the vendor's sample format; ``message.text`` holds ``##var##``, ``##var2##`` ..."""
        raise NotImplementedError

    def send_otp(
        self, phone: str, *, channel: str = "SMS", code_length: int | None = None, language: str = ""
    ) -> SendResult:
        """Have a code made and sent to ``phone``; it is checked by the answer's ``verification_id``."""
        raise NotImplementedError

    def validate_otp(self, verification_id: str, code: str) -> ValidateResult:
        """Check ``code``; returning means that it was right."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of connections. The instance may be used again afterwards."""
