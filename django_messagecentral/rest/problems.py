"""Problem bodies (RFC 9457): ``{"type", "status", "code", "detail"}`` with a stable ``code``.

The doors for scripts and those for visitors (verification) share this.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import set_rollback

MEDIA_TYPE = "application/problem+json"


class ProblemSerializer(serializers.Serializer[Any]):
    """The body of every answer from 400 on."""

    type = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable; made for programs.")
    detail = serializers.CharField(help_text="For people, in the language of the request.")
    retry_after = serializers.IntegerField(required=False, help_text="Seconds.")
    invalid_fields = serializers.DictField(required=False)


class Conflict(exceptions.APIException):
    """The thing is not in a state in which this can be done."""

    status_code = 409
    default_code = "conflict"


class KeyReused(exceptions.APIException):
    """An Idempotency-Key came again with another request."""

    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used for another request."


def problem(
    status: int, code: str, detail: str, *, retry_after: int | None = None, invalid_fields: Any = None
) -> Response:
    """One problem body, with ``Retry-After`` (seconds) when a time is known."""
    body: dict[str, Any] = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    if retry_after is not None:
        body["retry_after"] = retry_after
    if invalid_fields is not None:
        body["invalid_fields"] = invalid_fields
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(body, status=status, headers=headers)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's own exceptions as problem bodies; None for a programming error, which stays a 500."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    detail = _first(error.detail)
    if isinstance(error, exceptions.ValidationError):
        by_field = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        return problem(error.status_code, "invalid_request", detail, invalid_fields=by_field)
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else str(error.default_code)
    wait = getattr(error, "wait", None)
    response = problem(error.status_code, code, detail, retry_after=max(1, round(wait)) if wait else None)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def _first(detail: Any) -> str:
    while isinstance(detail, (list, dict)):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return str(detail)
