"""Shapes of campaigns in the REST door."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.models import Channel, MessageType
from django_messagecentral.messaging.states import Status
from django_messagecentral.rest.base import Filters, may_see_numbers


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    status = serializers.ChoiceField(CampaignStatus.choices, read_only=True)

    class Meta:
        model = Campaign
        fields = (
            "id",
            "name",
            "text",
            "channel",
            "message_type",
            "sender_id",
            "template_id",
            "entity_id",
            "pace",
            "status",
            "status_reason",
            "scheduled_at",
            "ends_at",
            "created_at",
            "launched_at",
            "completed_at",
        )
        read_only_fields = fields


class CreateSerializer(serializers.Serializer[Any]):
    """``file`` only in a multipart request; it can also follow by ``uploads/``."""

    name = serializers.CharField(max_length=200)
    text = serializers.CharField(max_length=10_000, trim_whitespace=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False)
    sender_id = serializers.CharField(max_length=20, required=False)
    template_id = serializers.CharField(max_length=40, required=False)
    entity_id = serializers.CharField(max_length=40, required=False)
    pace = serializers.FloatField(min_value=0.01, max_value=100_000, required=False)
    ends_at = serializers.DateTimeField(required=False)
    file = serializers.FileField(required=False)


class UploadRequestSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()


class UploadSerializer(serializers.ModelSerializer[CampaignUpload]):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = CampaignUpload
        fields = (
            "id",
            "original_name",
            "status",
            "columns",
            "total_rows",
            "rows_read",
            "accepted",
            "rejected",
            "duplicates",
            "suppressed",
            "error",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields


class RejectedRowSerializer(serializers.ModelSerializer[RejectedRow]):
    upload: Any = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    cells = serializers.SerializerMethodField(help_text="Empty without the permission to see phone numbers.")

    class Meta:
        model = RejectedRow
        fields = ("upload", "row_number", "code", "reason", "cells")
        read_only_fields = fields

    def get_cells(self, obj: RejectedRow) -> list[str]:
        return [str(cell) for cell in obj.cells] if may_see_numbers(self.context) else []


class LaunchSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField(required=False, help_text="Now, if left out.")


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class CountsSerializer(serializers.Serializer[Any]):
    """Messages by status."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {status.value: serializers.IntegerField() for status in Status}


class ReportSerializer(serializers.Serializer[Any]):
    """The numbers of a campaign now; costs are decimal texts in ``currency``."""

    counts = CountsSerializer()
    rows = serializers.IntegerField()
    recipients = serializers.IntegerField()
    rejected_rows = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    waiting = serializers.IntegerField()
    done = serializers.IntegerField()
    submitted = serializers.IntegerField()
    settled = serializers.IntegerField()
    unsettled = serializers.IntegerField()
    segments = serializers.IntegerField()
    cost = serializers.CharField()
    estimated_segments = serializers.IntegerField()
    estimated_cost = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    seconds = serializers.FloatField(allow_null=True)


class CampaignFilters(Filters):
    lookups = {"created_after": "created_at__gte", "created_before": "created_at__lt"}
    status = serializers.ChoiceField(CampaignStatus.choices, required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
