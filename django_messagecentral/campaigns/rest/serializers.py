"""Shapes of campaigns in the REST door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.progress import problems_of
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.countries import resolve_country
from django_messagecentral.messaging.models import Channel, MessageType
from django_messagecentral.messaging.routing.policies import Routing
from django_messagecentral.messaging.states import Status
from django_messagecentral.rest.base import Filters, ShownChoice, may_see_numbers

MOST_RECIPIENTS = 50_000  # in one call; more come as a file
_CELL = {"nullable": True, "oneOf": [{"type": kind} for kind in ("string", "number", "boolean")]}


class CountryField(serializers.CharField):
    """The one country of all the numbers: one with another code of its own is a rejected row."""

    def __init__(self, **kwargs: Any) -> None:
        text = "Of all the numbers: a code, a name or a dialling code. Empty: DEFAULT_REGION."
        super().__init__(**{"max_length": 60, "required": False, "help_text": text, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if resolve_country(text) is None:
            raise serializers.ValidationError("There is no such country.")
        return text


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    status = serializers.ChoiceField(CampaignStatus.choices, read_only=True)
    mode = ShownChoice(Campaign.Mode.choices)
    routing = ShownChoice(Routing.choices)

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
            "mode",
            "routing",
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
    mode = serializers.ChoiceField(Campaign.Mode.choices, required=False, allow_blank=True)
    routing = serializers.ChoiceField(Routing.choices, required=False, allow_blank=True)
    pace = serializers.FloatField(min_value=0.01, max_value=100_000, required=False)
    ends_at = serializers.DateTimeField(required=False)
    file = serializers.FileField(required=False)


class ChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is. Null takes ``pace`` or ``ends_at`` away."""

    name = serializers.CharField(max_length=200, required=False)
    text = serializers.CharField(max_length=10_000, trim_whitespace=False, required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False)
    sender_id = serializers.CharField(max_length=20, required=False, allow_blank=True)
    template_id = serializers.CharField(max_length=40, required=False, allow_blank=True)
    entity_id = serializers.CharField(max_length=40, required=False, allow_blank=True)
    mode = serializers.ChoiceField(Campaign.Mode.choices, required=False, allow_blank=True)
    routing = serializers.ChoiceField(Routing.choices, required=False, allow_blank=True)
    pace = serializers.FloatField(min_value=0.01, max_value=100_000, required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)


class UploadRequestSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()


class NumbersSerializer(serializers.Serializer[Any]):
    """Numbers as a person types them."""

    numbers = serializers.CharField(
        max_length=1_000_000, help_text="One a line, or separated by commas or semicolons."
    )
    country = CountryField()


@extend_schema_field(
    {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_RECIPIENTS,
        "items": {
            "oneOf": [
                {"type": "string"},
                {"type": "array", "items": _CELL},
                {"type": "object", "additionalProperties": _CELL},
            ]
        },
    }
)
class RecipientsField(serializers.ListField):
    """All of them phones, or all lists of cells, or all objects: the same as a sheet's rows."""

    default_error_messages = {
        "mixed": "Recipients are all texts, all lists or all objects; number {number} is of another kind.",
        "kind": "A recipient is a text, a list or an object.",
        "cell": "Recipient number {number} has a cell that is no text, number, true, false or null.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_length": 1, "max_length": MOST_RECIPIENTS, **kwargs})

    def to_internal_value(self, data: Any) -> list[Any]:
        rows = super().to_internal_value(data)
        kind = type(rows[0]) if rows else str
        if kind not in (str, list, dict):
            self.fail("kind")
        for number, row in enumerate(rows, start=1):
            if type(row) is not kind:
                self.fail("mixed", number=number)
            cells: Iterable[Any] = (
                row.values() if isinstance(row, dict) else row if isinstance(row, list) else ()
            )
            if not all(cell is None or isinstance(cell, (str, int, float)) for cell in cells):
                self.fail("cell", number=number)
        return rows


class RecipientsSerializer(serializers.Serializer[Any]):
    """Recipients that another program knows. ``columns`` names the cells of lists (``Mobile``, ``var1``, ...
    by default), or picks the keys of objects (all of them by default).
    """

    recipients = RecipientsField()
    columns = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, min_length=1, max_length=100
    )
    country = CountryField()

    def table(self) -> dict[str, Any]:
        """The arguments of ``add_recipients``. An object that lacks a key has an empty cell there."""
        asked = dict(self.validated_data)
        rows = asked["recipients"]
        if "columns" not in asked and isinstance(rows[0], dict):
            asked["columns"] = list(dict.fromkeys(key for row in rows for key in row))
        return asked


class ProblemOfRowsSerializer(serializers.Serializer[Any]):
    """One cause for which rows were set aside; ``row`` is the first of them."""

    code = serializers.CharField()
    rows = serializers.IntegerField()
    row = serializers.IntegerField()
    reason = serializers.CharField()


class UploadSerializer(serializers.ModelSerializer[CampaignUpload]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    problems = serializers.SerializerMethodField()

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
            "problems",
            "error",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields

    @extend_schema_field(ProblemOfRowsSerializer(many=True))
    def get_problems(self, obj: CampaignUpload) -> Any:
        return ProblemOfRowsSerializer(problems_of([obj]), many=True).data


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


class PreviewSerializer(serializers.Serializer[Any]):
    """What a recipient will read; ``text`` says what is wrong where the text cannot be made."""

    phone = serializers.CharField()
    text = serializers.CharField()
    encoding = serializers.CharField(source="segmentation.encoding")
    segments = serializers.IntegerField(source="segmentation.segments")


class DecisionSerializer(serializers.Serializer[Any]):
    """A decision that a person may take about the unconfirmed messages, and what it may do to people."""

    allowed = serializers.BooleanField()
    warning = serializers.CharField()


class UnconfirmedSerializer(serializers.Serializer[Any]):
    """``ready`` messages can be decided about now; ``too_fresh`` ones in ``wait`` seconds, all of them."""

    ready = serializers.IntegerField()
    too_fresh = serializers.IntegerField()
    wait = serializers.FloatField()
    resend = DecisionSerializer()
    give_up = DecisionSerializer()


class ConfirmSerializer(serializers.Serializer[Any]):
    confirm = serializers.BooleanField(
        default=False, help_text="True: the warning was read by whoever answers for it."
    )


class DecidedSerializer(serializers.Serializer[Any]):
    messages = serializers.IntegerField(help_text="How many it was carried out for.")


class CampaignFilters(Filters):
    lookups = {"created_after": "created_at__gte", "created_before": "created_at__lt"}
    status = serializers.ChoiceField(CampaignStatus.choices, required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
