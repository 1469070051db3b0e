"""Budgets for scripts, with where each stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import JSONParser

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.budgets import standing
from django_messagecentral.messaging.models import Budget, MessageType
from django_messagecentral.rest.base import Filters, Judged
from django_messagecentral.rest.tables import Table, table, table_permissions

_EXAMPLE: dict[str, Any] = {
    "id": "a3c1f0aa-11d0-4f0e-9a0f-9b8d6d5c4b3a",
    "name": "November",
    "period": "month",
    "campaign": None,
    "message_type": "PROMOTIONAL",
    "amount": "500.00",
    "warn_percent": 80,
    "stops": True,
    "standing": {"spent": "120.5", "left": "379.5", "warns": False, "is_spent": False, "currency": "INR"},
}
_ASKED = {name: _EXAMPLE[name] for name in ("name", "message_type", "amount")}


class StandingSerializer(serializers.Serializer[Any]):
    """The present period; amounts are decimal texts."""

    spent = serializers.CharField()
    left = serializers.CharField()
    warns = serializers.BooleanField()
    is_spent = serializers.BooleanField()
    currency = serializers.SerializerMethodField()

    def get_currency(self, obj: object) -> str:
        return app_settings.CURRENCY


class BudgetSerializer(Judged):
    """An amount for a period; without a campaign or type it is for all of them."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    campaign: Any = serializers.SlugRelatedField(
        slug_field="public_id",
        queryset=Campaign.objects.all(),
        required=False,
        allow_null=True,
        error_messages={"does_not_exist": "There is no such campaign.", "invalid": "Write its id, a UUID."},
    )
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=Decimal("0.01"))
    warn_percent = serializers.IntegerField(min_value=0, max_value=100, required=False)
    standing = serializers.SerializerMethodField()

    class Meta:
        model = Budget
        fields = tuple(_EXAMPLE)

    @extend_schema_field(StandingSerializer)
    def get_standing(self, obj: Budget) -> Any:
        return StandingSerializer(standing(obj)).data


class BudgetFilters(Filters):
    lookups = {"campaign": "campaign__public_id"}
    period = serializers.ChoiceField(Budget.Period.choices, required=False)
    message_type = serializers.ChoiceField(MessageType.choices, required=False, allow_blank=True)
    campaign = serializers.UUIDField(required=False)
    stops = serializers.BooleanField(required=False, allow_null=True)


@table(
    "budget",
    BudgetSerializer,
    BudgetFilters,
    shows=_EXAMPLE,
    asks=_ASKED,
    changes={"amount": "750.00"},
    when_changed="; what a raised one stopped goes on: campaigns when resumed, messages by themselves",
)
class BudgetViewSet(Table):
    """Amounts that warn and stop."""

    queryset = Budget.objects.select_related("campaign")
    serializer_class = BudgetSerializer
    permissions_by_action = table_permissions("budget")
    filter_serializer = BudgetFilters
    parser_classes = (JSONParser,)  # a form that leaves ``stops`` out would mean that it does not stop
