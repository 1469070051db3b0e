"""Problem bodies (RFC 9457): a stable ``code``, a translated ``detail``, ``retry_after`` in seconds."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import Result

MEDIA_TYPE = "application/problem+json"

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


def problem(
    status: int, code: str, detail: str, *, retry_after: int | None = None, invalid_fields: Any = None
) -> Response:
    """One problem body, with ``Retry-After`` when a time is known."""
    body: dict[str, Any] = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    if retry_after is not None:
        body["retry_after"] = retry_after
    if invalid_fields is not None:
        body["invalid_fields"] = invalid_fields
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(body, status=status, headers=headers)


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


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own exceptions as problem bodies; None for a programming error, which stays a 500."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    if isinstance(error, exceptions.ValidationError):
        first = _first_text(error.detail)
        return problem(error.status_code, "invalid_request", first, invalid_fields=_by_field(error.detail))
    wait = getattr(error, "wait", None)
    response = problem(
        error.status_code,
        str(error.default_code),
        str(error.detail),
        retry_after=max(1, round(wait)) if wait else None,
    )
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def _by_field(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {"non_field_errors": detail}


def _first_text(detail: Any) -> str:
    while isinstance(detail, (list, dict)):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return str(detail)
