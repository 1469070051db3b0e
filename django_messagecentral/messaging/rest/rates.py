"""The rate table for scripts: one by one, or all of it from a spreadsheet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.messaging.models import Channel, MessageType, Rate
from django_messagecentral.messaging.rates_import import UnusableRates, read_rates, store
from django_messagecentral.rest.base import Filters, Judged
from django_messagecentral.rest.schema import BODY, described
from django_messagecentral.rest.tables import Table, table, table_permissions

SHOWN_ERRORS = 200
_EXAMPLE: dict[str, Any] = {
    "id": "f1a0c0de-7f2c-4a6e-8e0b-4d1f6f0b2a77",
    "channel": "SMS",
    "message_type": "PROMOTIONAL",
    "country": "IN",
    "price": "0.120000",
    "currency": "INR",
    "from_segments": 0,
    "valid_from": "2030-01-01",
    "valid_until": None,
}
_ASKED = {name: _EXAMPLE[name] for name in ("channel", "message_type", "country", "price", "currency")}


class RateSerializer(Judged):
    """The price of one segment; an empty channel, type or country means every one."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    price = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=Decimal(0))

    class Meta:
        model = Rate
        fields = tuple(_EXAMPLE)


class RateSheetSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()
    replace = serializers.BooleanField(required=False, help_text="Forget the rates that are there.")


class StoredSerializer(serializers.Serializer[Any]):
    stored = serializers.IntegerField()


class RateFilters(Filters):
    channel = serializers.ChoiceField(Channel.choices, required=False, allow_blank=True)
    message_type = serializers.ChoiceField(MessageType.choices, required=False, allow_blank=True)
    country = serializers.CharField(max_length=3, required=False, allow_blank=True)
    currency = serializers.CharField(max_length=3, required=False)


@table("rate", RateSerializer, RateFilters, shows=_EXAMPLE, asks=_ASKED, changes={"price": "0.130000"})
class RateViewSet(Table):
    """What a segment costs."""

    queryset = Rate.objects.all()
    serializer_class = RateSerializer
    serializers_by_action = {"sheet": RateSheetSerializer}
    permissions_by_action = {**table_permissions("rate"), "sheet": ("add_rate",)}
    throttles_by_action = {**Table.throttles_by_action, "sheet": "write"}
    filter_serializer = RateFilters
    parser_classes = (JSONParser, FormParser, MultiPartParser)

    @described(
        "Import a rate table (.xlsx): all of it, or none and each mistake by its row",
        {201: StoredSerializer},
        request={"multipart/form-data": RateSheetSerializer},
        statuses=BODY,
        shows={"stored": 12},
    )
    @action(detail=False, methods=["post"], url_path="import")
    def sheet(self, request: Request) -> Response:
        """``replace`` also needs ``delete_rate``."""
        asked = self.asked(request)
        replace = asked.get("replace", False)
        if replace and not request.user.has_perm("messagecentral.delete_rate"):
            raise PermissionDenied
        try:
            found = read_rates(asked["file"])
        except UnusableRates as error:
            raise ValidationError({"file": [str(error)]}) from None
        if found.errors:
            rows = [f"{row}: {reason}" for row, reason in found.errors[:SHOWN_ERRORS]]
            raise ValidationError({"rows": rows})
        return Response({"stored": store(found, replace=replace)}, status=status.HTTP_201_CREATED)
