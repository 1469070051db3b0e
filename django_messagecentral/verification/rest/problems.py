"""Problem bodies (RFC 9457): a stable ``code``, a translated ``detail``, ``retry_after`` in seconds."""

from __future__ import annotations

from rest_framework.response import Response

from django_messagecentral.rest.problems import MEDIA_TYPE, exception_handler, problem
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import Result

__all__ = ["CODES_OF", "MEDIA_TYPE", "STATUS_OF", "exception_handler", "problem", "problem_of"]

_STATUSES: dict[int, tuple[Reason, ...]] = {
    400: (
        Reason.INVALID_PHONE,
        Reason.UNSUPPORTED_CHANNEL,
        Reason.COUNTRY_NOT_ALLOWED,
        Reason.NUMBER_TYPE_REFUSED,
        Reason.NUMBER_REFUSED,
        Reason.MALFORMED_CODE,
        Reason.WRONG_CODE,
        Reason.PROOF_INVALID,
        Reason.PROOF_EXPIRED,
        Reason.PROOF_USED,
        Reason.PROOF_MISMATCH,
    ),
    404: (Reason.UNKNOWN,),
    409: (
        Reason.CODE_EXPIRED,
        Reason.CODE_USED,
        Reason.NOT_SENT_YET,
        Reason.TOO_MANY_ATTEMPTS,
        Reason.CHECK_FAILED,
        Reason.ALREADY_VERIFIED,
        Reason.CANCELLED,
    ),
    429: (
        Reason.CODE_LIVES,
        Reason.COOLDOWN,
        Reason.PHONE_LIMIT,
        Reason.PHONE_LOCKED,
        Reason.IP_LIMIT,
        Reason.SESSION_LIMIT,
        Reason.USER_LIMIT,
        Reason.BLOCK_LIMIT,
        Reason.COUNTRY_BUDGET,
        Reason.SITE_BUDGET,
    ),
    503: (
        Reason.SENDING_DISABLED,
        Reason.COUNTERS_DOWN,
        Reason.VENDOR_BUSY,
        Reason.VENDOR_UNAVAILABLE,
        Reason.SEND_UNCONFIRMED,
        Reason.CHECK_UNAVAILABLE,
        Reason.ANSWER_LOST,
    ),
}
STATUS_OF: dict[Reason, int] = {reason: status for status, reasons in _STATUSES.items() for reason in reasons}
CODES_OF: dict[int, list[str]] = {
    status: [reason.value for reason in reasons] for status, reasons in _STATUSES.items()
}


def problem_of(result: Result) -> Response:
    """The problem that a service's refusal is."""
    status = STATUS_OF[result.reason]
    wait = result.retry_after
    if status == 429 and wait is None:  # its time has come while the answer was made
        wait = 1
    response = problem(status, result.reason.value, result.message, retry_after=wait)
    left = getattr(result, "attempts_left", None)
    if left is not None:
        response.data["attempts_left"] = left
    return response
