"""The vendor's words: response codes, channels, kinds of message (vendor document)."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum


class ResponseCode(IntEnum):
    """Vendor document, Response Codes. The code in the body decides, whatever the HTTP status is."""

    SUCCESS = 200
    BAD_REQUEST = 400
    DUPLICATE_RESOURCE = 409
    SERVER_ERROR = 500
    INVALID_CUSTOMER_ID = 501
    INVALID_VERIFICATION_ID = 505
    REQUEST_ALREADY_EXISTS = 506
    INVALID_COUNTRY_CODE = 511
    VERIFICATION_FAILED = 700
    WRONG_OTP_PROVIDED = 702
    ALREADY_VERIFIED = 703
    VERIFICATION_EXPIRED = 705
    MAXIMUM_LIMIT_REACHED = 800


class FlowType(StrEnum):
    """The channel (vendor document, Verify Now and Message Now)."""

    SMS = "SMS"
    WHATSAPP = "WHATSAPP"
    RCS = "RCS"
    SAUTH = "SAUTH"  # silent authentication; how it is validated is not documented
    EMAIL = "EMAIL"  # beta: named in the document's introduction and V3 notes, in no table


class MessageType(StrEnum):
    """Vendor document, Send SMS: carriers of several countries have other rates and rules for each."""

    OTP = "OTP"
    TRANSACTION = "TRANSACTION"
    PROMOTIONAL = "PROMOTIONAL"


class SendType(StrEnum):
    """The ``type`` parameter of the one send path: OTP is VerifyNow, SMS is MessageNow on any channel."""

    OTP = "OTP"
    SMS = "SMS"


class Operation(Enum):
    """What a call was for: the same answer means different things to each."""

    TOKEN = "token"  # noqa: S105
    OTP = "otp"
    MESSAGE = "message"
    VALIDATE = "validate"


VERIFICATION_COMPLETED = "VERIFICATION_COMPLETED"
