"""MessageNow: the caller's own text to one number, many, or a workbook's rows (vendor document, Send SMS)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import urlencode

from django_messagecentral.client import arguments
from django_messagecentral.client.answers import Envelope
from django_messagecentral.client.codes import FlowType, MessageType, SendType
from django_messagecentral.client.fields import as_seconds, as_text
from django_messagecentral.client.http import Call
from django_messagecentral.client.results import SendResult
from django_messagecentral.client.verify_now import SEND_PATH
from django_messagecentral.exceptions import InvalidArgument

# Servers commonly refuse request lines and headers above 8 KiB together; a long Hindi text takes 9 bytes a
# character once it is percent-encoded.
LONGEST_QUERY: Final = 4000  # characters
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Options:
    """What the three modes share. ``template_id`` and ``entity_id``: both or neither."""

    sender_id: str = ""
    flow_type: str = FlowType.SMS
    message_type: str = MessageType.OTP
    template_id: str = ""
    entity_id: str = ""
    otp_length: int | None = None
    lang_id: str | None = None

    def query(self) -> list[tuple[str, str]]:
        """Raises InvalidArgument for what the vendor's document does not allow."""
        flow = arguments.choice(FlowType, self.flow_type, "flow_type")
        if flow is FlowType.SMS and not self.sender_id:
            raise InvalidArgument("sender_id is missing: an SMS needs one")
        if bool(self.template_id) != bool(self.entity_id):
            raise InvalidArgument("template_id and entity_id are given both or neither")
        return [
            ("type", SendType.SMS),
            ("flowType", flow),
            ("messageType", arguments.choice(MessageType, self.message_type, "message_type")),
            *arguments.optional(self.sender_id, "sender_id", "senderId"),
            *arguments.optional(self.template_id, "template_id", "templateId"),
            *arguments.optional(self.entity_id, "entity_id", "entityId"),
            *arguments.otp_length(self.otp_length),
            *arguments.optional(self.lang_id, "lang_id", "langId"),
        ]


def send_message_call(country_code: str, mobile_number: str, message: str, options: Options) -> Call:
    """In the query, as the vendor's own sample has it; a long text travels in the form body."""
    query = [
        ("countryCode", arguments.country_code(country_code)),
        ("mobileNumber", arguments.national_number(mobile_number)),
        *options.query(),
    ]
    text = [("message", arguments.text(message, "message"))]
    if len(urlencode(query + text)) <= LONGEST_QUERY:
        return Call("POST", SEND_PATH, query=query + text)
    return Call("POST", SEND_PATH, query=query, form=text)


def send_bulk_call(phone_numbers: Iterable[tuple[str, str]], message: str, options: Options) -> Call:
    """``phoneNumbers="91 9816111111, 91 7715131105"`` in the form body: it is too long for an address."""
    numbers = ", ".join(
        f"{arguments.country_code(code)} {arguments.national_number(number)}"
        for code, number in phone_numbers
    )
    if not numbers:
        raise InvalidArgument("phone_numbers is empty")
    form = [("phoneNumbers", numbers), ("message", arguments.text(message, "message"))]
    return Call("POST", SEND_PATH, query=options.query(), form=form)


def send_file_call(file: bytes | BinaryIO, message: str, filename: str, options: Options) -> Call:
    """Multipart ``file`` and ``message``. The file is read here, so that a second attempt sends it whole."""
    content = file if isinstance(file, bytes) else file.read()
    if not content:
        raise InvalidArgument("the file is empty")
    return Call(
        "POST",
        SEND_PATH,
        query=options.query(),
        form=[("message", arguments.text(message, "message"))],
        files={"file": (arguments.text(filename, "filename"), content, XLSX)},
    )


def read_send(envelope: Envelope) -> SendResult:
    """Of an OTP or a message. ``smCLI`` and ``smsCLI`` are one field in two spellings."""
    data = envelope.data
    return SendResult(
        verification_id=as_text(data.get("verificationId")),
        transaction_id=as_text(data.get("transactionId")),
        mobile_number=as_text(data.get("mobileNumber")),
        timeout=as_seconds(data.get("timeout")),
        sms_cli=as_text(data.get("smsCLI")) or as_text(data.get("smCLI")),
        code=200,
        message=envelope.message,
    )
