"""Budgets for scripts, with where each stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.budgets import standing
from django_messagecentral.messaging.models import Budget, MessageType
from django_messagecentral.rest.base import Door, Filters, Judged
from django_messagecentral.rest.schema import BODY, described

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


class BudgetViewSet(Door):
    """Amounts that warn and stop."""

    queryset = Budget.objects.select_related("campaign")
    serializer_class = BudgetSerializer
    permissions_by_action = {
        "list": ("view_budget",),
        "retrieve": ("view_budget",),
        "create": ("add_budget",),
        "partial_update": ("change_budget",),
        "destroy": ("delete_budget",),
    }
    throttles_by_action = dict.fromkeys(("create", "partial_update", "destroy"), "write")
    filter_serializer = BudgetFilters
    parser_classes = (JSONParser,)  # a form that leaves ``stops`` out would mean that it does not stop

    @described(
        "List budgets, the newest first",
        {200: BudgetSerializer(many=True)},
        parameters=[BudgetFilters],
        statuses=(400, 404),
        shows=_EXAMPLE,
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described("One budget", {200: BudgetSerializer}, statuses=(404,), shows=_EXAMPLE)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return self.one()

    @described(
        "Add a budget",
        {201: BudgetSerializer},
        request=BudgetSerializer,
        statuses=BODY,
        asks=_ASKED,
        shows=_EXAMPLE,
    )
    def create(self, request: Request) -> Response:
        return self.stored(request)

    @described(
        "Change a budget",
        {200: BudgetSerializer},
        request=BudgetSerializer(partial=True),
        statuses=(*BODY, 404),
        asks={"amount": "750.00"},
        shows=_EXAMPLE,
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """What a raised budget had stopped goes on: campaigns when resumed, single messages by themselves."""
        return self.stored(request, self.get_object())

    @described("Delete a budget", {204: None}, statuses=(404,))
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
