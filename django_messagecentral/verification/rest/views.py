"""The REST door. Each view parses, calls one service function, and answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.verification import service
from django_messagecentral.verification.guards.addresses import client_ip
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.rest import schema, serializers
from django_messagecentral.verification.rest.callers import caller_of, enforce_csrf, starter_of
from django_messagecentral.verification.rest.problems import (
    MEDIA_TYPE,
    exception_handler,
    problem_of,
)
from django_messagecentral.verification.results import Result
from django_messagecentral.verification.states import VerificationStatus


@method_decorator(transaction.non_atomic_requests, name="dispatch")
@method_decorator(never_cache, name="dispatch")
class VerificationViewSet(viewsets.GenericViewSet[Any]):
    """Verify a phone: start, check the code, ask for another one, cancel.

    Anyone may start; the guards say how often. Whoever started a verification is the only one for whom it
    exists.
    """

    permission_classes = (AllowAny,)
    lookup_value_regex = "[^/]+"
    lookup_field = "id"
    pagination_class = None
    filter_backends = ()
    serializers_by_action = {
        "create": serializers.StartSerializer,
        "check": serializers.CheckSerializer,
        "resend": serializers.ResendSerializer,
        "cancel": serializers.EmptySerializer,
    }

    def get_serializer_class(self) -> Any:
        return self.serializers_by_action.get(self.action, serializers.VerificationSerializer)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return exception_handler

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        enforce_csrf(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        renderer = getattr(response, "accepted_renderer", None)
        if response.status_code >= 400 and renderer is not None and renderer.format == "json":
            response.content_type = MEDIA_TYPE
        return response

    @schema.start
    def create(self, request: Request) -> Response:
        result = service.start_verification(
            **self._asked(request), **starter_of(request), ip=client_ip(request._request)
        )
        if not result.ok:
            return problem_of(result)
        body = dict(serializers.StartedSerializer(result.verification).data)
        if result.token:
            body["verification_token"] = result.token
        return Response(body, status=status.HTTP_201_CREATED if result.sent else status.HTTP_200_OK)

    @schema.retrieve
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        found = service.get_verification(id, **caller_of(request))
        if found is None:
            return problem_of(Result(ok=False, reason=Reason.UNKNOWN))
        return Response(serializers.VerificationSerializer(found).data)

    @schema.check
    @action(detail=True, methods=["post"])
    def check(self, request: Request, id: str) -> Response:  # noqa: A002
        result = service.check_verification(id, self._asked(request)["code"], **caller_of(request))
        if not result.ok:
            return problem_of(result)
        return Response({"status": VerificationStatus.VERIFIED.value, "proof": result.proof})

    @schema.resend
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, id: str) -> Response:  # noqa: A002
        result = service.resend_verification(
            id, **self._asked(request), **caller_of(request), ip=client_ip(request._request)
        )
        if not result.ok:
            return problem_of(result)
        return Response(serializers.VerificationSerializer(result.verification).data)

    @schema.cancel
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, id: str) -> Response:  # noqa: A002
        self._asked(request)
        result = service.cancel_verification(id, **caller_of(request))
        if not result.ok:
            return problem_of(result)
        return Response(serializers.VerificationSerializer(result.verification).data)

    def _asked(self, request: Request) -> dict[str, Any]:
        """The request's fields; raises ``ValidationError``."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
