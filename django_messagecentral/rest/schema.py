"""What drf-spectacular says of the doors, in one decorator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema

from django_messagecentral.rest.problems import MEDIA_TYPE, ProblemSerializer

ALWAYS = (401, 403, 405, 406, 429)


def described(
    summary: str,
    answers: Mapping[int, Any],
    *,
    request: Any = None,
    statuses: Sequence[int] = (),
    parameters: Sequence[Any] = (),
) -> Callable[[Any], Any]:
    """``answers`` are serializers by status, ``statuses`` the problems beside those of any call."""
    problems: dict[Any, Any] = {
        (status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description="A problem.")
        for status in (*ALWAYS, *statuses)
    }
    return extend_schema(
        summary=summary,
        request=request,
        parameters=list(parameters),
        responses={**answers, **problems},
    )
