"""Delivery reports for scripts and other services: what came, what became of it, what must be decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.callbacks import resolving
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.registration import NotReady, registration
from django_messagecentral.callbacks.rest import serializers
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.rest.base import Door
from django_messagecentral.rest.problems import Conflict
from django_messagecentral.rest.schema import BODY, described

_EXAMPLE: dict[str, Any] = {
    "id": "5f0d0a52-4a39-4a1c-9f3f-7d0a3a8f1c22",
    "phone": "+91••••••3210",
    "vendor_message_id": "a2e8c1f0",
    "vendor_status": "DELIVRD",
    "status": "delivered",
    "error_code": "0",
    "state": "parked",
    "reason": "several",
    "open": True,
    "message": None,
    "tries": 1,
    "submit_at": "2030-01-01T12:00:00Z",
    "done_at": "2030-01-01T12:00:04Z",
    "received_at": "2030-01-01T12:00:05Z",
}
_DETAIL = _EXAMPLE | {
    "payload": None,
    "candidates": [
        {
            "id": "0b8d1f3c-3f21-4cf5-9b57-1b6a0e5e7f10",
            "phone": "+91••••••3210",
            "status": "submitted",
            "transaction_id": "a2e8c1f0",
            "created_at": "2030-01-01T11:59:58Z",
            "submitted_at": "2030-01-01T12:00:00Z",
        }
    ],
}
_DECIDED = _EXAMPLE | {
    "state": "applied",
    "reason": "",
    "open": False,
    "message": _DETAIL["candidates"][0]["id"],
}


class CallbackViewSet(Door):
    """Delivery reports."""

    queryset = Callback.objects.select_related("message")
    serializer_class = serializers.CallbackSerializer
    serializers_by_action = {
        "retrieve": serializers.CallbackDetailSerializer,
        "assign": serializers.AssignSerializer,
        "registration": serializers.RegisterSerializer,
    }
    permissions_by_action = {
        "list": ("view_callback",),
        "retrieve": ("view_callback",),
        "assign": ("resolve_callback",),
        "dismiss": ("resolve_callback",),
        "retry": ("resolve_callback",),
        "registration": ("register_webhook",),
    }
    throttles_by_action = dict.fromkeys(("assign", "dismiss", "retry", "registration"), "write")
    filter_serializer = serializers.CallbackFilters

    @described(
        "List delivery reports, the newest first",
        {200: serializers.CallbackSerializer(many=True)},
        parameters=[serializers.CallbackFilters],
        statuses=(400, 404),
        shows=_EXAMPLE,
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described(
        "One report with the messages that it may be about",
        {200: serializers.CallbackDetailSerializer},
        statuses=(404,),
        shows=_DETAIL,
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return self.one()

    @described(
        "Give a report to a message",
        {200: serializers.CallbackSerializer},
        request=serializers.AssignSerializer,
        statuses=(*BODY, 404, 409),
        asks={"message": _DECIDED["message"]},
        shows=_DECIDED,
    )
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, id: str) -> Response:  # noqa: A002
        """``status`` counts only where the vendor's word is unknown to this version."""
        callback, asked = self.get_object(), self.asked(request)
        message = Message.objects.filter(public_id=asked["message"]).first()
        if message is None:
            raise ValidationError({"message": ["There is no such message."]})
        says_itself = callback.event.status is not None
        meant = None if says_itself or "status" not in asked else Status(asked["status"])
        return self._do(callback, lambda: resolving.assign(callback.pk, message.pk, meant))

    @described(
        "Set a report aside: it is about no message of this site",
        {200: serializers.CallbackSerializer},
        statuses=(404, 409),
        shows=_DECIDED | {"state": "dismissed", "message": None},
    )
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, id: str) -> Response:  # noqa: A002
        callback = self.get_object()
        return self._do(callback, lambda: resolving.dismiss(callback.pk))

    @described(
        "Look for a report's message again",
        {200: serializers.CallbackSerializer},
        statuses=(404, 409),
        shows=_EXAMPLE | {"state": "pending", "reason": ""},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, id: str) -> Response:  # noqa: A002
        callback = self.get_object()
        return self._do(callback, lambda: resolving.look_again(callback.pk))

    @described(
        "The e-mail that asks the vendor to call the webhook",
        {200: serializers.RegistrationSerializer},
        request=serializers.RegisterSerializer,
        statuses=BODY,
        asks={"site": "https://www.example.com"},
    )
    @action(detail=False, methods=["post"])
    def registration(self, request: Request) -> Response:
        """It holds the webhook's secret address."""
        asked = self.asked(request)
        number = asked.pop("token", 1)
        try:
            mail = registration(**asked, token_number=number)
        except NotReady as error:
            raise ValidationError(str(error)) from None
        return Response(serializers.RegistrationSerializer(mail).data)

    def _do(self, callback: Callback, decide: Callable[[], object]) -> Response:
        try:
            decide()
        except resolving.NotResolvable as error:
            raise Conflict(str(error)) from None
        callback.refresh_from_db()
        body = serializers.CallbackSerializer(callback, context=self.get_serializer_context()).data
        return Response(body)
