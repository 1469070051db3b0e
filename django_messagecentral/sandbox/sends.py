"""What a send asks for: the rules of its parameters, and the texts that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import texts
from .config import Config
from .model import Call, Message, Verification
from .numbers import BadCountryError, BadMobileError, calling_code, mobile, split
from .state import State
from .workbook import BadWorkbookError, fill, read_rows

FLOW_TYPES = frozenset({"SMS", "WHATSAPP", "RCS", "SAUTH", "EMAIL"})
MESSAGE_TYPES = frozenset({"OTP", "TRANSACTION", "PROMOTIONAL"})


class RefusedError(Exception):
    """The send breaks a rule; ``code`` is the vendor's code for it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Recipient:
    """One phone of a send: whole number in digits, its country code, and its text."""

    mobile: str
    country: str
    text: str = ""


@dataclass(slots=True)
class Wanted:
    """A send whose parameters are in order. ``kind``: otp, sms (one number), bulk, file or crm."""

    kind: str
    channel: str
    recipients: list[Recipient]
    national: str = ""
    sender: str = ""
    message_type: str = "OTP"
    otp_length: int = 4
    extra: dict[str, str] = field(default_factory=dict)

    def deliver(self, state: State, call: Call, transaction: str, verification: str, latency: float) -> None:
        """The phones receive their texts, and a code begins to live for an OTP."""
        now = state.clock.now()
        if self.kind == "otp":
            self._deliver_otp(state, call, transaction, verification, now, latency)
            return
        many = self.kind in ("bulk", "file")
        shared = not many or state.config.bulk_message_id == "shared"
        for recipient in self.recipients:
            message = Message(
                0, call.id, recipient.mobile, recipient.country, recipient.text, None, self.sender,
                self.channel, self.kind, self.message_type, now, verification, transaction,
            )  # fmt: skip
            state.receive(message, shared_id=shared, delay_from=now + latency)

    def _deliver_otp(
        self, state: State, call: Call, transaction: str, verification: str, now: float, latency: float
    ) -> None:
        to = self.recipients[0]
        nth = state.asked[to.mobile]
        code = (
            None if self.channel == "SAUTH" else state.dice.draw("otp", to.mobile, nth).code(self.otp_length)
        )
        expires = now + state.config.otp_timeout
        state.add_verification(
            Verification(verification, to.mobile, to.country, self.national, code, transaction, now, expires)
        )
        if code is not None:
            message = Message(
                0, call.id, to.mobile, to.country, texts.otp_text(code), code,
                texts.otp_sender(to.country, self.channel), self.channel, "otp", "OTP", now,
                verification, transaction,
            )  # fmt: skip
            state.receive(message, shared_id=True, delay_from=now + latency)


def read_send(params: dict[str, str], files: dict[str, bytes], config: Config) -> Wanted:
    """The send that v3 and v2 parameters ask for; raises RefusedError with 400, 501 or 511."""
    customer = params.get("customerId", "").strip()
    if customer and customer not in config.accounts and not config.any_account:
        raise RefusedError(501)
    channel = params.get("flowType", "").strip().upper()
    if channel not in FLOW_TYPES:
        raise RefusedError(400)
    kind = params.get("type", "").strip().upper() or "OTP"
    if kind == "OTP":
        return _read_otp(params, channel, config)
    if kind != "SMS":
        raise RefusedError(400)
    return _read_message(params, files, channel)


def _read_otp(params: dict[str, str], channel: str, config: Config) -> Wanted:
    """otpLength 4 to 8, senderId and message are ignored (vendor document, Send OTP)."""
    length = params.get("otpLength", "").strip() or str(config.otp_length)
    if length not in ("4", "5", "6", "7", "8"):
        raise RefusedError(400)
    to = _one(params.get("countryCode", ""), params.get("mobileNumber", ""))
    national = to.mobile[len(to.country) :]
    return Wanted("otp", channel, [to], national, otp_length=int(length))


def _read_message(params: dict[str, str], files: dict[str, bytes], channel: str) -> Wanted:
    """templateId and entityId both or neither; messageType OTP by default (vendor document, Send SMS)."""
    message_type = params.get("messageType", "").strip().upper() or "OTP"
    template, entity = params.get("templateId", "").strip(), params.get("entityId", "").strip()
    sender, text = params.get("senderId", "").strip(), params.get("message", "")
    if message_type not in MESSAGE_TYPES or bool(template) != bool(entity) or not text.strip():
        raise RefusedError(400)
    if not sender and channel == "SMS":
        raise RefusedError(400)
    national = ""
    if "file" in files:
        kind, recipients = "file", _from_file(files["file"], text)
    elif params.get("phoneNumbers", "").strip():
        kind, recipients = "bulk", _from_list(params["phoneNumbers"], text)
    else:
        to = _one(params.get("countryCode", ""), params.get("mobileNumber", ""), text)
        kind, recipients, national = "sms", [to], to.mobile[len(to.country) :]
    return Wanted(kind, channel, recipients, national, sender, message_type)


def read_single(body: Any) -> Wanted:
    """The send a saveSingleSms body asks for (vendor document, CleverTap); raises RefusedError."""
    if not isinstance(body, dict):
        raise RefusedError(400)
    fields = {key: str(value) for key, value in body.items() if isinstance(value, str | int)}
    text, sender = fields.get("messageText", ""), fields.get("senderId", "").strip()
    channel = fields.get("flowType", "SMS").strip().upper()
    if channel not in FLOW_TYPES or not text.strip() or not sender:
        raise RefusedError(400)
    try:
        country, national = split(fields.get("mobileNumber", ""))
    except BadCountryError:
        raise RefusedError(511) from None
    to = _one(country, national, text)
    return Wanted("crm", channel, [to], national, sender, "TRANSACTION", extra={"mid": fields.get("mid", "")})


def _one(country: str, national: str, text: str = "") -> Recipient:
    try:
        code = calling_code(country)
        return Recipient(mobile(code, national), code, text)
    except BadCountryError:
        raise RefusedError(511 if country.strip() else 400) from None
    except BadMobileError:
        raise RefusedError(400) from None


def _from_list(numbers: str, text: str) -> list[Recipient]:
    """``91 9816111111, 91 7715131105``; one bad number refuses the whole call."""
    found = []
    for entry in numbers.split(","):
        if entry.strip():
            country, _, national = entry.strip().partition(" ")
            found.append(_one(country, national, text))
    if not found:
        raise RefusedError(400)
    return found


def _from_file(content: bytes, template: str) -> list[Recipient]:
    try:
        found = [
            _one(country, national, fill(template, variables))
            for country, national, variables in read_rows(content)
        ]
    except BadWorkbookError:
        raise RefusedError(400) from None
    if not found:
        raise RefusedError(400)
    return found
