"""What drf-spectacular says of the doors, in one decorator: each answer, with an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from django_messagecentral.rest.problems import MEDIA_TYPE, ProblemSerializer

ALWAYS = (401, 403, 405, 406, 429)
BODY = (400, 415)  # of a door that takes a body
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# status -> (when, code, detail, what else is in the body)
_PROBLEMS: dict[int, tuple[str, str, str, dict[str, Any]]] = {
    400: (
        "Something in the request is wrong: `invalid_fields` says what, by field.",
        "invalid_request",
        "This field is required.",
        {"invalid_fields": {"name": ["This field is required."]}},
    ),
    401: ("Nobody is signed in.", "not_authenticated", "Authentication credentials were not provided.", {}),
    403: (
        "The user lacks the permission of this door.",
        "permission_denied",
        "You do not have permission to perform this action.",
        {},
    ),
    404: ("There is no such thing, or no such page.", "not_found", "Not found.", {}),
    405: ("The address has no such method.", "method_not_allowed", 'Method "PUT" not allowed.', {}),
    406: (
        "`Accept` asks for a format that this door does not speak.",
        "not_acceptable",
        "Could not satisfy the request Accept header.",
        {},
    ),
    409: (
        "It is not in a state in which this can be done; `detail` says what to do.",
        "conflict",
        "The campaign is completed, so it cannot become paused.",
        {},
    ),
    415: (
        "The body is of a kind that this door does not read.",
        "unsupported_media_type",
        'Unsupported media type "text/plain" in request.',
        {},
    ),
    422: (
        "The Idempotency-Key was used for another request.",
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request.",
        {},
    ),
    429: (
        "Too many calls: come again after `retry_after` seconds.",
        "throttled",
        "Request was throttled. Expected available in 12 seconds.",
        {"retry_after": 12},
    ),
}


def described(
    summary: str,
    answers: Mapping[int, Any],
    *,
    request: Any = None,
    statuses: Sequence[int] = (),
    parameters: Sequence[Any] = (),
    asks: Mapping[str, Any] | None = None,
    shows: Mapping[str, Any] | None = None,
) -> Callable[[Any], Any]:
    """``answers`` are serializers by status, ``statuses`` the problems beside those of any call; ``asks`` is
    an example of a body, ``shows`` one of an answer (of one row, where the answer is a page of them).
    """
    examples = []
    if asks is not None:
        examples.append(OpenApiExample("Request", dict(asks), request_only=True))
    if shows is not None:
        codes = [str(code) for code in answers]
        examples.append(OpenApiExample("Answer", dict(shows), response_only=True, status_codes=codes))
    problems: dict[Any, Any] = {(status, MEDIA_TYPE): _problem(status) for status in (*ALWAYS, *statuses)}
    return extend_schema(
        summary=summary,
        request=request,
        parameters=list(parameters),
        responses={**answers, **problems},
        examples=examples,
    )


def spreadsheet(description: str) -> dict[Any, Any]:
    """The answer of a door that gives an .xlsx."""
    return {(200, XLSX): OpenApiResponse(OpenApiTypes.BINARY, description=description)}


def _problem(status: int) -> OpenApiResponse:
    when, code, detail, more = _PROBLEMS[status]
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **more}
    return OpenApiResponse(
        ProblemSerializer,
        description=when,
        examples=[OpenApiExample(code, body, media_type=MEDIA_TYPE, response_only=True)],
    )
