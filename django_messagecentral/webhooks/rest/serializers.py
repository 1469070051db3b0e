"""Shapes of endpoints and deliveries in the REST door."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

from django_messagecentral.rest.base import Filters
from django_messagecentral.webhooks.models import (
    EventType,
    WebhookDelivery,
    WebhookEndpoint,
    check_address,
)


class EndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint, without its secret."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    events = serializers.ListField(child=serializers.ChoiceField(EventType.choices), read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields: tuple[str, ...] = (
            "id",
            "url",
            "description",
            "events",
            "enabled",
            "disabled_reason",
            "failures",
            "failing_since",
            "last_success_at",
            "created_at",
        )
        read_only_fields = fields


class EndpointWithSecretSerializer(EndpointSerializer):
    """An endpoint and a secret of it that is shown this once."""

    secret = serializers.SerializerMethodField()

    class Meta(EndpointSerializer.Meta):
        fields = (*EndpointSerializer.Meta.fields, "secret")
        read_only_fields = fields

    def get_secret(self, obj: WebhookEndpoint) -> str:
        return str(self.context["secret"])


class ChangeEndpointSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=500)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    events = serializers.ListField(
        child=serializers.ChoiceField(EventType.choices), allow_empty=False, max_length=50
    )
    enabled = serializers.BooleanField(required=False)

    def validate_url(self, value: str) -> str:
        try:
            check_address(value)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from None
        return value

    def validate_events(self, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    endpoint: Any = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    state = serializers.ChoiceField(WebhookDelivery.State.choices, read_only=True)
    body = serializers.SerializerMethodField()

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "endpoint",
            "event",
            "body",
            "state",
            "attempts",
            "http_status",
            "detail",
            "created_at",
            "next_try_at",
            "finished_at",
        )
        read_only_fields = fields

    def get_body(self, obj: WebhookDelivery) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(obj.body)
        return body


class DeliveryFilters(Filters):
    lookups = {"endpoint": "endpoint__public_id"}
    endpoint = serializers.UUIDField(required=False)
    event = serializers.CharField(max_length=40, required=False)
    state = serializers.ChoiceField(WebhookDelivery.State.choices, required=False)
