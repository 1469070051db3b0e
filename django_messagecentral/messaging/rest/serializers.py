"""Shapes of messages and opt-outs in the REST door."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.models import (
    Attempt,
    Channel,
    InboundMessage,
    Message,
    MessageType,
    Suppression,
)
from django_messagecentral.messaging.routing.models import Hop
from django_messagecentral.messaging.routing.policies import Routing
from django_messagecentral.messaging.states import Status
from django_messagecentral.phones import InvalidPhone, parse_phone
from django_messagecentral.rest.base import Filters, MaskedPhone, ShownChoice, may_see_numbers


class PhoneField(serializers.CharField):
    """Any spelling in, E.164 out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 40, "help_text": "With its country code.", **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            return parse_phone(text, region=app_settings.DEFAULT_REGION).e164
        except InvalidPhone as error:
            raise serializers.ValidationError(error.reason, code=error.code) from None


class SendSerializer(serializers.Serializer[Any]):
    """What to say to whom; what is left out comes from the site's settings."""

    to = PhoneField()
    text = serializers.CharField(max_length=10_000, trim_whitespace=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False)
    sender_id = serializers.CharField(max_length=20, required=False)
    template_id = serializers.CharField(max_length=40, required=False)
    entity_id = serializers.CharField(max_length=40, required=False)
    purpose = serializers.CharField(max_length=40, required=False)
    routing = serializers.ChoiceField(Routing.choices, required=False)


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message in a list."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    phone = MaskedPhone()
    campaign: Any = serializers.SlugRelatedField(slug_field="public_id", read_only=True, allow_null=True)
    status = serializers.ChoiceField(Status.choices, read_only=True)
    text = serializers.SerializerMethodField(help_text="Empty for one-time passwords and campaigns.")

    class Meta:
        model = Message
        fields: tuple[str, ...] = (
            "id",
            "phone",
            "region",
            "campaign",
            "text",
            "channel",
            "message_type",
            "sender_id",
            "purpose",
            "status",
            "segments",
            "cost",
            "transaction_id",
            "error_code",
            "error",
            "created_at",
            "submitted_at",
            "done_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_text(self, obj: Message) -> str:
        return "" if obj.message_type == MessageType.OTP else obj.text


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    class Meta:
        model = Attempt
        fields = ("outcome", "code", "http_status", "detail", "transaction_id", "started_at", "finished_at")
        read_only_fields = fields


class EventSerializer(serializers.Serializer[Any]):
    """A delivery report."""

    status = serializers.ChoiceField(Status.choices, allow_null=True)
    vendor_status = serializers.CharField()
    error_code = serializers.CharField()
    message_id = serializers.CharField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField()


class HopSerializer(serializers.ModelSerializer[Hop]):
    """One send of a message that went on by another channel."""

    message: Any = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    status = serializers.ChoiceField(Status.choices, read_only=True, source="message.status")

    class Meta:
        model = Hop
        fields = ("message", "channel", "cause", "status", "created_at")
        read_only_fields = fields


class MessageDetailSerializer(MessageSerializer):
    """A message with its calls to the vendor, its delivery reports, and all sends of its chain where it went
    on by another channel (or may); oldest first.
    """

    hops = serializers.SerializerMethodField()
    attempts = AttemptSerializer(many=True, read_only=True)
    events = serializers.SerializerMethodField()

    class Meta(MessageSerializer.Meta):
        fields = (*MessageSerializer.Meta.fields, "attempts", "events", "hops")
        read_only_fields = fields

    @extend_schema_field(HopSerializer(many=True))
    def get_hops(self, obj: Message) -> Any:
        own = Hop.objects.filter(message=obj.pk).values("first_id")
        chain = Hop.objects.filter(first__in=own).select_related("message").order_by("pk")
        return HopSerializer(chain, many=True).data

    @extend_schema_field(EventSerializer(many=True))
    def get_events(self, obj: Message) -> Any:
        reports = obj.callbacks.order_by("pk")
        return EventSerializer([report.event for report in reports], many=True).data


class PhoneFilter(PhoneField):
    """Asking for a number tells whether it is there, so it needs the permission too."""

    def to_internal_value(self, data: Any) -> str:
        if not may_see_numbers(self.context):
            raise serializers.ValidationError("You may not see phone numbers.")
        return super().to_internal_value(data)


class MessageFilters(Filters):
    lookups = {
        "campaign": "campaign__public_id",
        "created_after": "created_at__gte",
        "created_before": "created_at__lt",
        "updated_after": "updated_at__gte",
    }
    status = serializers.ChoiceField(Status.choices, required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False)
    campaign = serializers.UUIDField(required=False)
    phone = PhoneFilter(required=False)
    purpose = serializers.CharField(max_length=40, required=False)
    transaction_id = serializers.CharField(max_length=64, required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    updated_after = serializers.DateTimeField(required=False)


class SuppressionSerializer(serializers.ModelSerializer[Suppression]):
    """An opt-out; an empty channel or type means every one."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    phone = MaskedPhone()
    channel = ShownChoice(Channel.choices)
    message_type = ShownChoice(MessageType.choices)

    class Meta:
        model = Suppression
        fields = ("id", "phone", "channel", "message_type", "source", "reason", "created_at")
        read_only_fields = fields


class SuppressSerializer(serializers.Serializer[Any]):
    phone = PhoneField()
    channel = serializers.ChoiceField(Channel.choices, required=False, allow_blank=True)
    message_type = serializers.ChoiceField(MessageType.choices, required=False, allow_blank=True)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ChangeSuppressionSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is; an empty channel or type means every one."""

    channel = serializers.ChoiceField(Channel.choices, required=False, allow_blank=True)
    message_type = serializers.ChoiceField(MessageType.choices, required=False, allow_blank=True)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class InboundSerializer(serializers.ModelSerializer[InboundMessage]):
    """A text that a person sent to the site, and what it did."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    phone = MaskedPhone()
    action = ShownChoice(InboundMessage.Action.choices)

    class Meta:
        model = InboundMessage
        fields = ("id", "phone", "channel", "text", "action", "received_at")
        read_only_fields = fields


class InboundFilters(Filters):
    lookups = {"received_after": "received_at__gte", "received_before": "received_at__lt"}
    phone = PhoneFilter(required=False)
    action = serializers.ChoiceField(InboundMessage.Action.choices, required=False)
    received_after = serializers.DateTimeField(required=False)
    received_before = serializers.DateTimeField(required=False)


class SuppressionFilters(Filters):
    phone = PhoneFilter(required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False)
    source = serializers.CharField(max_length=40, required=False)  # type: ignore[assignment]
