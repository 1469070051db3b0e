"""Shapes of delivery reports in the REST door."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from django_messagecentral.callbacks import resolving
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.rest.serializers import PhoneFilter
from django_messagecentral.messaging.states import DELIVERY, Status
from django_messagecentral.rest.base import Filters, MaskedPhone, ShownChoice, may_see_numbers

_MEANINGS = [(status.value, status.label) for status in DELIVERY]


class CallbackSerializer(serializers.ModelSerializer[Callback]):
    """A delivery report and what became of it."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    phone = MaskedPhone()
    reason = ShownChoice(Callback.Reason.choices)
    message: Any = serializers.SlugRelatedField(slug_field="public_id", read_only=True, allow_null=True)
    status = serializers.SerializerMethodField(help_text="What the vendor's word means; null if unknown.")
    open = serializers.SerializerMethodField(help_text="Whether it can still be decided about.")

    class Meta:
        model = Callback
        fields: tuple[str, ...] = (
            "id",
            "phone",
            "vendor_message_id",
            "vendor_status",
            "status",
            "error_code",
            "state",
            "reason",
            "open",
            "message",
            "tries",
            "submit_at",
            "done_at",
            "received_at",
        )
        read_only_fields = fields

    def get_status(self, obj: Callback) -> str | None:
        return obj.event.status

    def get_open(self, obj: Callback) -> bool:
        return obj.state in resolving.OPEN


class CandidateSerializer(serializers.ModelSerializer[Message]):
    """A message that a report may be about."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    phone = MaskedPhone()
    status = serializers.ChoiceField(Status.choices, read_only=True)

    class Meta:
        model = Message
        fields = ("id", "phone", "status", "transaction_id", "created_at", "submitted_at")
        read_only_fields = fields


class CallbackDetailSerializer(CallbackSerializer):
    """With the JSON as received (null without the permission to see numbers) and, while it is open, the
    messages that it may be about, likely ones first.
    """

    payload = serializers.SerializerMethodField()
    candidates = serializers.SerializerMethodField()

    class Meta(CallbackSerializer.Meta):
        fields = (*CallbackSerializer.Meta.fields, "payload", "candidates")
        read_only_fields = fields

    @extend_schema_field({"nullable": True, "description": "Any JSON."})
    def get_payload(self, obj: Callback) -> Any:
        return obj.payload if may_see_numbers(self.context) else None

    @extend_schema_field(CandidateSerializer(many=True))
    def get_candidates(self, obj: Callback) -> Any:
        found = resolving.choices(obj) if obj.state in resolving.OPEN else []
        return CandidateSerializer(found, many=True, context=self.context).data


class AssignSerializer(serializers.Serializer[Any]):
    message = serializers.UUIDField(help_text="The message's id.")
    status = serializers.ChoiceField(
        _MEANINGS, required=False, help_text="What the vendor's word means, where it is unknown."
    )


class CallbackFilters(Filters):
    lookups = {
        "message": "message__public_id",
        "received_after": "received_at__gte",
        "received_before": "received_at__lt",
    }
    state = serializers.ChoiceField(Callback.State.choices, required=False)
    reason = serializers.ChoiceField(Callback.Reason.choices, required=False)
    open = serializers.BooleanField(required=False, allow_null=True)
    phone = PhoneFilter(required=False)
    message = serializers.UUIDField(required=False)
    vendor_message_id = serializers.CharField(max_length=64, required=False)
    vendor_status = serializers.CharField(max_length=40, required=False)
    received_after = serializers.DateTimeField(required=False)
    received_before = serializers.DateTimeField(required=False)

    def narrow(self, queryset: Any) -> Any:
        """``open=true`` are those that a person may decide about."""
        wanted = self.validated_data.pop("open", None)
        if wanted is not None:
            of_state = {"state__in": resolving.OPEN}
            queryset = queryset.filter(**of_state) if wanted else queryset.exclude(**of_state)
        return super().narrow(queryset)


class RegisterSerializer(serializers.Serializer[Any]):
    site = serializers.URLField(max_length=200, help_text="The public address of this site.")
    brand = serializers.CharField(max_length=100, required=False)
    email = serializers.EmailField(required=False, help_text="That the vendor's account is registered with.")
    token = serializers.IntegerField(
        min_value=1, max_value=1000, required=False, help_text="Its number in WEBHOOK_TOKENS."
    )


class RegistrationSerializer(serializers.Serializer[Any]):
    """The e-mail that asks the vendor to call the webhook. It holds the webhook's secret."""

    to = serializers.CharField()
    subject = serializers.CharField()
    body = serializers.CharField()
    url = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())
