"""What an answer means: the one table of response codes, and the error each becomes.

For a message or an OTP the outcome says whether it may be sent again. For a check of a code REFUSED means
that the vendor judged it, MAY_HAVE_LEFT that the attempt is spent. A failed token call let nothing leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from django_messagecentral import exceptions as errors
from django_messagecentral.client.codes import Operation, ResponseCode
from django_messagecentral.exceptions import MessageCentralError, Outcome

_LEFT: Final = Outcome.MAY_HAVE_LEFT
_NO: Final = Outcome.REFUSED
_STAYED: Final = Outcome.NEVER_LEFT


class Meaning(NamedTuple):
    error: type[MessageCentralError]
    message: Outcome
    otp: Outcome
    validate: Outcome


TABLE: Final[Mapping[ResponseCode, Meaning]] = {
    #                                         error                          message   otp       validate
    ResponseCode.BAD_REQUEST: Meaning(errors.BadRequest, _NO, _NO, _NO),
    ResponseCode.DUPLICATE_RESOURCE: Meaning(errors.DuplicateResource, _LEFT, _LEFT, _LEFT),
    ResponseCode.SERVER_ERROR: Meaning(errors.ServerError, _LEFT, _LEFT, _LEFT),
    ResponseCode.INVALID_CUSTOMER_ID: Meaning(errors.InvalidCustomerId, _NO, _NO, _NO),
    ResponseCode.INVALID_VERIFICATION_ID: Meaning(errors.InvalidVerificationId, _LEFT, _LEFT, _NO),
    ResponseCode.REQUEST_ALREADY_EXISTS: Meaning(errors.RequestAlreadyExists, _LEFT, _NO, _LEFT),
    ResponseCode.INVALID_COUNTRY_CODE: Meaning(errors.InvalidCountryCode, _NO, _NO, _NO),
    ResponseCode.VERIFICATION_FAILED: Meaning(errors.VerificationFailed, _LEFT, _LEFT, _NO),
    ResponseCode.WRONG_OTP_PROVIDED: Meaning(errors.WrongOtp, _LEFT, _LEFT, _NO),
    ResponseCode.ALREADY_VERIFIED: Meaning(errors.AlreadyVerified, _LEFT, _LEFT, _NO),
    ResponseCode.VERIFICATION_EXPIRED: Meaning(errors.VerificationExpired, _LEFT, _LEFT, _NO),
    ResponseCode.MAXIMUM_LIMIT_REACHED: Meaning(errors.MaximumLimitReached, _STAYED, _STAYED, _NO),
}

# HTTP statuses that mean something whatever the body is; some APIs repeat them as the code of a 200
STATUSES: Final[Mapping[int, tuple[type[MessageCentralError], Outcome]]] = {
    401: (errors.AuthenticationFailed, _STAYED),
    403: (errors.AuthenticationFailed, _STAYED),
    429: (errors.RateLimited, _STAYED),
    500: (errors.ServerError, _LEFT),
    502: (errors.GatewayError, _LEFT),
    503: (errors.GatewayError, _LEFT),
    504: (errors.GatewayError, _LEFT),
}

# codes by which the token call says that the credentials are wrong
_CREDENTIALS_REFUSED: Final = frozenset({400, 401, 403, 404, ResponseCode.INVALID_CUSTOMER_ID})


def meaning_of(code: int, operation: Operation) -> tuple[type[MessageCentralError], Outcome]:
    """The error that response code ``code`` becomes when ``operation`` earned it, and the outcome it has."""
    if operation is Operation.TOKEN:
        return _token_error(code), _STAYED
    if code in STATUSES and code != ResponseCode.SERVER_ERROR:
        return STATUSES[code]
    try:
        meaning = TABLE[ResponseCode(code)]
    except (KeyError, ValueError):
        return errors.UnknownResponseCode, _LEFT
    outcomes = {
        Operation.MESSAGE: meaning.message,
        Operation.OTP: meaning.otp,
        Operation.VALIDATE: meaning.validate,
    }
    return meaning.error, outcomes[operation]


def _token_error(code: int) -> type[MessageCentralError]:
    if code in _CREDENTIALS_REFUSED:
        return errors.AuthenticationFailed
    if code in STATUSES:
        return STATUSES[code][0]
    if code == ResponseCode.MAXIMUM_LIMIT_REACHED:
        return errors.MaximumLimitReached
    return errors.UnknownResponseCode


def outcome_without_code(operation: Operation) -> Outcome:
    """Of an answer that nobody can read."""
    return _STAYED if operation is Operation.TOKEN else _LEFT
