"""What was spent, added up by what one likes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.conf import app_settings
from django_messagecentral.db import batched
from django_messagecentral.messaging.models import Channel, MessageType, Spend
from django_messagecentral.messaging.spending import totals_by
from django_messagecentral.rest.base import Door, Filters
from django_messagecentral.rest.schema import described

MOST_GROUPS = 5_000
GROUPS = ("campaign", "purpose", "month", "day", "channel", "message_type", "country")
_EXAMPLE: dict[str, Any] = {
    "currency": "INR",
    "groups": [
        {
            "month": "2030-01-01",
            "campaign": "0d7a3c1e-5a3f-4a52-9a56-0f6f9b1f5b11",
            "campaign_name": "Diwali",
            "messages": 1000,
            "segments": 1200,
            "cost": "144",
        }
    ],
}


class GroupSerializer(serializers.Serializer[Any]):
    """One line. Of the first fields those are there that ``by`` names; a month is its first day (UTC)."""

    campaign = serializers.UUIDField(required=False, allow_null=True)
    campaign_name = serializers.CharField(required=False)
    purpose = serializers.CharField(required=False)
    month = serializers.DateField(required=False)
    day = serializers.DateField(required=False)
    channel = serializers.CharField(required=False)
    message_type = serializers.CharField(required=False)
    country = serializers.CharField(required=False)
    messages = serializers.IntegerField()
    segments = serializers.IntegerField()
    cost = serializers.CharField(help_text="A decimal text.")


@extend_schema_serializer(many=False)
class CostsSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    groups = GroupSerializer(many=True)


class CostFilters(Filters):
    """``campaign`` is empty in the answer for single messages, and for campaigns that are deleted (their
    ``campaign_name`` is empty too).
    """

    by = serializers.CharField(
        max_length=200, default="campaign,purpose", help_text=f"Any of {', '.join(GROUPS)}, with commas."
    )
    since = serializers.DateField(required=False, help_text="The first day (UTC).")
    until = serializers.DateField(required=False, help_text="The first day that is not counted any more.")
    campaign = serializers.UUIDField(required=False)
    purpose = serializers.CharField(max_length=40, required=False, allow_blank=True)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False)
    country = serializers.CharField(max_length=3, required=False, allow_blank=True)

    def validate_by(self, value: str) -> list[str]:
        names = [name.strip() for name in value.split(",") if name.strip()]
        if unknown := sorted(set(names) - set(GROUPS)):
            raise ValidationError(f"There is no grouping {', '.join(unknown)}: use {', '.join(GROUPS)}.")
        return list(dict.fromkeys(names))

    def validate_campaign(self, value: Any) -> int:
        pk = Campaign.objects.filter(public_id=value).values_list("pk", flat=True).first()
        if pk is None:
            raise ValidationError("There is no such campaign.")
        return pk


class CostsViewSet(Door):
    """Costs as submitted."""

    queryset = Spend.objects.none()
    serializer_class = CostsSerializer
    permissions_by_action = {"list": ("view_spend",)}
    pagination_class = None

    @described(
        "Costs by campaign, purpose, month ...",
        {200: CostsSerializer},
        parameters=[CostFilters],
        statuses=(400,),
        shows=_EXAMPLE,
    )
    def list(self, request: Request) -> Response:
        filters = CostFilters(data=request.query_params)
        filters.is_valid(raise_exception=True)
        asked = dict(filters.validated_data)
        names = [_column(name) for name in asked.pop("by")]
        where = {_column(name): value for name, value in asked.items() if value is not None}
        groups = totals_by(*names, most=MOST_GROUPS + 1, **where)
        if len(groups) > MOST_GROUPS:
            raise ValidationError({"by": [f"These are over {MOST_GROUPS} groups: narrow them by a filter."]})
        return Response({"currency": app_settings.CURRENCY, "groups": _shown(groups)})


def _column(name: str) -> str:
    return "campaign_id" if name == "campaign" else name


def _shown(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = {group["campaign_id"] for group in groups if group.get("campaign_id")}
    known: dict[int, tuple[Any, str]] = {}
    for batch in batched(ids, 500):
        found = Campaign.objects.filter(pk__in=batch).values_list("pk", "public_id", "name")
        known.update({pk: (public_id, name) for pk, public_id, name in found})
    for group in groups:
        group["cost"] = f"{(Decimal(group.pop('cost_micros')) / 1_000_000).normalize():f}"
        if "campaign_id" in group:
            group["campaign"], group["campaign_name"] = known.get(group.pop("campaign_id"), (None, ""))
    return groups
