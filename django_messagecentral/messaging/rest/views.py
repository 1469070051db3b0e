"""Messages and opt-outs for scripts and other services."""

from __future__ import annotations

import hashlib
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import InvalidArgument
from django_messagecentral.messaging import suppression
from django_messagecentral.messaging.models import InboundMessage, Message, Suppression
from django_messagecentral.messaging.rest import examples, serializers
from django_messagecentral.messaging.routing.policies import in_use
from django_messagecentral.messaging.service import send_message
from django_messagecentral.rest.base import Door
from django_messagecentral.rest.problems import Conflict, KeyReused
from django_messagecentral.rest.schema import BODY, described

KEY_HEADER = "Idempotency-Key"
KEY_LIMIT = 255
_KEY = OpenApiParameter(
    KEY_HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="At most 255 characters. The same key with the same body answers the first message again "
    "(200) and sends nothing; with another body it answers 422.",
)


class MessageViewSet(Door):
    """Single messages, and every message's fate."""

    queryset = Message.objects.select_related("campaign")
    serializer_class = serializers.MessageSerializer
    serializers_by_action = {
        "create": serializers.SendSerializer,
        "retrieve": serializers.MessageDetailSerializer,
    }
    permissions_by_action = {
        "list": ("view_message",),
        "retrieve": ("view_message",),
        "create": ("send_message",),
    }
    throttles_by_action = {"create": "send"}
    filter_serializer = serializers.MessageFilters

    @described(
        "List messages, the newest first",
        {200: serializers.MessageSerializer(many=True)},
        shows=examples.MESSAGE,
        parameters=[serializers.MessageFilters],
        statuses=(400, 404),
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described(
        "One message with its attempts and delivery reports",
        {200: serializers.MessageDetailSerializer},
        shows=examples.DETAIL,
        statuses=(404,),
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return self.one()

    @described(
        "Send one message",
        {201: serializers.MessageSerializer, 200: serializers.MessageSerializer},
        request=serializers.SendSerializer,
        statuses=(*BODY, 422),
        asks=examples.SEND,
        shows=examples.MESSAGE,
        parameters=[_KEY],
    )
    def create(self, request: Request) -> Response:
        """The message is stored and leaves in a task: ``status`` is ``queued`` as a rule."""
        asked = self.asked(request)
        key = self._key(request)
        before = Message.objects.filter(idempotency_key=key).first() if key else None
        message = before or self._send(asked, key)
        if not _says(message, asked):
            raise KeyReused
        body = serializers.MessageSerializer(message, context=self.get_serializer_context()).data
        return Response(body, status=status.HTTP_200_OK if before else status.HTTP_201_CREATED)

    def _send(self, asked: dict[str, Any], key: str) -> Message:
        options = {name: value for name, value in asked.items() if name not in ("to", "text")}
        try:
            return send_message(asked["to"], asked["text"], **options, idempotency_key=key)
        except InvalidArgument as error:
            raise ValidationError(str(error)) from None

    def _key(self, request: Request) -> str:
        """Each user has keys of their own, so nobody can ask for another's message by its key."""
        given = request.headers.get(KEY_HEADER, "").strip()
        if len(given) > KEY_LIMIT:
            raise ValidationError({KEY_HEADER: [f"At most {KEY_LIMIT} characters."]})
        digest = hashlib.sha256(f"{request.user.pk}:{given}".encode()).hexdigest()
        return f"api:{digest}" if given else ""


def _says(message: Message, asked: dict[str, Any]) -> bool:
    """Whether ``message`` is what was asked for (one whose text was purged is no more)."""
    told = {name: value for name, value in asked.items() if name not in ("to", "routing")}
    wanted = {"phone": asked["to"], **told}
    defaults = {"message_type": app_settings.MESSAGE_TYPE, "purpose": ""}
    if not in_use():  # otherwise a channel that was not asked for is the policy's choice
        defaults["channel"] = app_settings.CHANNEL
    return all(getattr(message, name) == value for name, value in {**defaults, **wanted}.items())


class SuppressionViewSet(Door):
    """Who must not be written to."""

    queryset = Suppression.objects.all()
    serializer_class = serializers.SuppressionSerializer
    serializers_by_action = {
        "create": serializers.SuppressSerializer,
        "partial_update": serializers.ChangeSuppressionSerializer,
    }
    permissions_by_action = {
        "list": ("view_suppression",),
        "retrieve": ("view_suppression",),
        "create": ("add_suppression",),
        "partial_update": ("change_suppression",),
        "destroy": ("delete_suppression",),
    }
    throttles_by_action = dict.fromkeys(("create", "partial_update", "destroy"), "write")
    filter_serializer = serializers.SuppressionFilters

    @described(
        "List opt-outs, the newest first",
        {200: serializers.SuppressionSerializer(many=True)},
        shows=examples.SUPPRESSION,
        parameters=[serializers.SuppressionFilters],
        statuses=(400, 404),
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described(
        "One opt-out", {200: serializers.SuppressionSerializer}, statuses=(404,), shows=examples.SUPPRESSION
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.one()

    @described(
        "Opt a phone out",
        {201: serializers.SuppressionSerializer, 200: serializers.SuppressionSerializer},
        request=serializers.SuppressSerializer,
        statuses=BODY,
        asks={"phone": "+91 98765 43210", "message_type": "PROMOTIONAL", "reason": "asked by phone"},
        shows=examples.SUPPRESSION,
    )
    def create(self, request: Request) -> Response:
        """200 and no change when it was opted out already."""
        row, is_new = suppression.suppress(**self.asked(request), source=suppression.API)
        body = serializers.SuppressionSerializer(row, context=self.get_serializer_context()).data
        return Response(body, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @described(
        "Change an opt-out",
        {200: serializers.SuppressionSerializer},
        request=serializers.ChangeSuppressionSerializer,
        statuses=(*BODY, 404, 409),
        asks={"message_type": "PROMOTIONAL"},
        shows=examples.SUPPRESSION,
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        row, asked = self.get_object(), self.asked(request)
        try:
            suppression.change(row, **asked)
        except suppression.SaidAlready:
            raise Conflict("This phone has opted out of this channel and type already.") from None
        row.refresh_from_db()
        return Response(serializers.SuppressionSerializer(row, context=self.get_serializer_context()).data)

    @described("Take an opt-out back", {204: None}, statuses=(404,))
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class InboundViewSet(Door):
    """What people wrote to the site."""

    queryset = InboundMessage.objects.all()
    serializer_class = serializers.InboundSerializer
    permissions_by_action = {"list": ("view_inboundmessage",), "retrieve": ("view_inboundmessage",)}
    filter_serializer = serializers.InboundFilters

    @described(
        "List texts received, the newest first",
        {200: serializers.InboundSerializer(many=True)},
        parameters=[serializers.InboundFilters],
        statuses=(400, 404),
        shows=examples.INBOUND,
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described(
        "One text received", {200: serializers.InboundSerializer}, statuses=(404,), shows=examples.INBOUND
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.one()
