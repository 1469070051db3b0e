"""What drf-spectacular says of the REST door: each answer, with examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from django_messagecentral.verification.rest import serializers
from django_messagecentral.verification.rest.problems import CODES_OF, MEDIA_TYPE
from django_messagecentral.verification.subjects import TOKEN_HEADER

_TOKEN = OpenApiParameter(
    TOKEN_HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Only for clients without cookies: the verification_token that start answered.",
)
_ID = OpenApiParameter("id", OpenApiTypes.STR, OpenApiParameter.PATH, description="The verification's UUID.")

_VERIFICATION = {
    "id": "6b0a1e0e-4a53-4f0e-9d2b-0c3b9f6f6a11",
    "phone": "+91••••••3210",
    "purpose": "signup",
    "channel": "SMS",
    "status": "pending",
    "reason": "",
    "code_length": 6,
    "attempts_left": 5,
    "expires_at": "2030-01-01T12:01:00Z",
    "resend_at": "2030-01-01T12:01:00Z",
}
_STARTED = _VERIFICATION | {"verification_token": "q0hY2sVn2q1l6mS1m2z8r0m3c1n4d5e6f7g8h9i0j1k"}
_DETAILS = {
    400: ("wrong_code", "This code is not right. Please check it and try again.", {"attempts_left": 4}),
    401: ("authentication_failed", "Invalid token.", {}),
    403: ("permission_denied", "CSRF Failed: CSRF token missing.", {}),
    404: ("unknown_verification", "There is no such verification.", {}),
    405: ("method_not_allowed", 'Method "PUT" not allowed.', {}),
    406: ("not_acceptable", "Could not satisfy the request Accept header.", {}),
    409: ("code_expired", "This code has expired. Please ask for a new one.", {"retry_after": 12}),
    415: ("unsupported_media_type", 'Unsupported media type "text/plain" in request.', {}),
    429: ("cooldown", "Please wait before you ask for another code.", {"retry_after": 30}),
    503: (
        "vendor_unavailable",
        "The message service cannot be reached. Try again later.",
        {"retry_after": 60},
    ),
}


def _problem(status: int) -> OpenApiResponse:
    code, detail, more = _DETAILS[status]
    body: dict[str, Any] = {"type": "about:blank", "status": status, "code": code, "detail": detail, **more}
    codes = ", ".join(f"`{code}`" for code in CODES_OF.get(status, [code]))
    return OpenApiResponse(
        serializers.ProblemSerializer,
        description=f"A problem. `code` is one of: {codes}.",
        examples=[OpenApiExample(code, body, media_type=MEDIA_TYPE, response_only=True)],
    )


def _problems(*statuses: int) -> dict[Any, Any]:
    return {(status, MEDIA_TYPE): _problem(status) for status in (401, 403, 405, 406, *statuses)}


def _ok(serializer: Any, body: dict[str, Any], description: str) -> OpenApiResponse:
    example = OpenApiExample(description, body, response_only=True)
    return OpenApiResponse(serializer, description=description, examples=[example])


start = extend_schema(
    operation_id="messagecentral_verification_start",
    summary="Ask for a code",
    request=serializers.StartSerializer,
    examples=[
        OpenApiExample("A phone", {"phone": "+91 98765 43210", "purpose": "signup"}, request_only=True)
    ],
    responses={
        201: _ok(serializers.StartedSerializer, _STARTED, "A code was sent."),
        200: _ok(
            serializers.StartedSerializer, _STARTED, "A code sent a moment ago still lives: use that one."
        ),
        **_problems(400, 415, 429, 503),
    },
)
retrieve = extend_schema(
    operation_id="messagecentral_verification_get",
    summary="See where a verification is",
    parameters=[_ID, _TOKEN],
    responses={
        200: _ok(serializers.VerificationSerializer, _VERIFICATION, "Yours."),
        **_problems(404),
    },
)
check = extend_schema(
    operation_id="messagecentral_verification_check",
    summary="Enter the code",
    parameters=[_ID, _TOKEN],
    request=serializers.CheckSerializer,
    examples=[OpenApiExample("A pasted code", {"code": "123-456"}, request_only=True)],
    responses={
        200: _ok(
            serializers.CheckedSerializer,
            {"status": "verified", "proof": "eyJpZCI6...:1tXyZ0:c2lnbmF0dXJl"},
            "The phone is verified. Only this answer carries the proof.",
        ),
        **_problems(400, 404, 409, 415, 429, 503),
    },
)
resend = extend_schema(
    operation_id="messagecentral_verification_resend",
    summary="Ask for another code",
    parameters=[_ID, _TOKEN],
    request=serializers.ResendSerializer,
    examples=[OpenApiExample("By WhatsApp", {"channel": "WHATSAPP"}, request_only=True)],
    responses={
        200: _ok(serializers.VerificationSerializer, _VERIFICATION, "Another code was sent."),
        **_problems(400, 404, 409, 415, 429, 503),
    },
)
cancel = extend_schema(
    operation_id="messagecentral_verification_cancel",
    summary="Close a verification",
    parameters=[_ID, _TOKEN],
    request=serializers.EmptySerializer,
    responses={
        200: _ok(serializers.VerificationSerializer, _VERIFICATION | {"status": "cancelled"}, "Closed."),
        **_problems(400, 404, 409, 415),
    },
)
