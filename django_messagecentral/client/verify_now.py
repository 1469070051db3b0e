"""VerifyNow: the vendor makes, sends and checks the code (vendor document, Send OTP and Validate OTP)."""

from __future__ import annotations

from django_messagecentral.client import arguments
from django_messagecentral.client.answers import Envelope
from django_messagecentral.client.codes import VERIFICATION_COMPLETED, FlowType, SendType
from django_messagecentral.client.fields import as_text
from django_messagecentral.client.http import Call
from django_messagecentral.client.results import ValidateResult
from django_messagecentral.exceptions import MessageCentralError, UnreadableAnswer, VerificationFailed

SEND_PATH = "/verification/v3/send"
VALIDATE_PATH = "/verification/v3/validateOtp"


def send_otp_call(
    country_code: str, mobile_number: str, *, flow_type: str, otp_length: int | None, lang_id: str | None
) -> Call:
    """Query parameters and an empty body. ``langId`` with a send: seen in public clients."""
    return Call(
        "POST",
        SEND_PATH,
        query=[
            ("countryCode", arguments.country_code(country_code)),
            ("mobileNumber", arguments.national_number(mobile_number)),
            ("flowType", arguments.choice(FlowType, flow_type, "flow_type")),
            ("type", SendType.OTP),
            *arguments.otp_length(otp_length),
            *arguments.optional(lang_id, "lang_id", "langId"),
        ],
    )


def validate_otp_call(verification_id: str, code: str, *, lang_id: str | None) -> Call:
    return Call(
        "GET",
        VALIDATE_PATH,
        query=[
            ("verificationId", arguments.text(str(verification_id), "verification_id")),
            ("code", arguments.text(code, "code")),
            *arguments.optional(lang_id, "lang_id", "langId"),
        ],
    )


def read_validation(envelope: Envelope) -> ValidateResult:
    """A success code alone proves nothing: the status must say VERIFICATION_COMPLETED."""
    status = as_text(envelope.data.get("verificationStatus"))
    if status != VERIFICATION_COMPLETED:
        raise _not_completed(envelope, status)
    return ValidateResult(
        verification_id=as_text(envelope.data.get("verificationId")),
        mobile_number=as_text(envelope.data.get("mobileNumber")),
        verification_status=status,
        transaction_id=as_text(envelope.data.get("transactionId")),
        code=200,
        message=envelope.message,
    )


def _not_completed(envelope: Envelope, status: str | None) -> MessageCentralError:
    if status is None:
        return UnreadableAnswer("a success code without a verification status", http_status=200)
    return VerificationFailed(
        "a success code with another status than VERIFICATION_COMPLETED",
        http_status=200,
        verification_id=as_text(envelope.data.get("verificationId")),
    )
