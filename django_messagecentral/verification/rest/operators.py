"""Verifications, locked phones and refused sends for scripts of the site's operators. Visitors have a door of
their own (``verification.rest.urls``); nothing here shows a code or a proof.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.messaging.rest.serializers import PhoneField, PhoneFilter
from django_messagecentral.phones import mask_numbers_in
from django_messagecentral.rest.base import Door, Filters, MaskedPhone, ShownChoice, may_see_numbers
from django_messagecentral.rest.schema import BODY, described
from django_messagecentral.verification.guards import ledger
from django_messagecentral.verification.models import PhoneLedger, Refusal, SendBudget, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.states import VerificationStatus

logger = logging.getLogger("django_messagecentral.verification")

_VERIFICATION: dict[str, Any] = {
    "id": "0b7e2c3a-53f0-4a43-9f6e-0d2f3a1b7c11",
    "phone": "+91••••••3210",
    "purpose": "signup",
    "status": "verified",
    "reason": "",
    "user": "7",
    "sends": 1,
    "attempts": 2,
    "created_at": "2030-01-01T10:00:00Z",
    "verified_at": "2030-01-01T10:00:40Z",
    "consumed_at": None,
}
_LOCK: dict[str, Any] = {
    "phone": "+91••••••3210",
    "verified_before": False,
    "sends_in_day": 5,
    "wrong_in_hour": 0,
    "lock_level": 1,
    "locked_until": "2030-01-01T10:15:00Z",
    "verified_at": None,
}
_REFUSAL: dict[str, Any] = {
    "hour": "2030-01-01T10:00:00Z",
    "reason": "phone_limit",
    "scope": "+91••••••3210",
    "count": 12,
    "dry_run": False,
    "last_at": "2030-01-01T10:41:07Z",
    "last_phone": "+91••••••3210",
    "last_purpose": "signup",
    "last_ip": "192.0.2.7",
}
_BUDGET: dict[str, Any] = {"day": "2030-01-01", "scope": "IN", "used": 140, "entered": 121}


class OperatorVerificationSerializer(serializers.ModelSerializer[Verification]):
    """One person showing that they hold one phone."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    phone = MaskedPhone()
    status = ShownChoice(VerificationStatus.choices)
    reason = serializers.CharField(read_only=True, help_text="The stable code of why it is so; often empty.")
    user = serializers.CharField(source="user_id", read_only=True, allow_null=True)

    class Meta:
        model = Verification
        fields = read_only_fields = tuple(_VERIFICATION)


class PhoneLockSerializer(serializers.ModelSerializer[PhoneLedger]):
    """What one phone was sent and guessed lately: by strangers, or by whoever has verified it before."""

    phone = MaskedPhone()
    verified_before = serializers.SerializerMethodField()
    sends_in_day = serializers.SerializerMethodField()
    wrong_in_hour = serializers.SerializerMethodField()

    class Meta:
        model = PhoneLedger
        fields = read_only_fields = tuple(_LOCK)

    def get_verified_before(self, row: PhoneLedger) -> bool:
        return bool(row.holder)

    def get_sends_in_day(self, row: PhoneLedger) -> int:
        return len(ledger.lately(row).sends)

    def get_wrong_in_hour(self, row: PhoneLedger) -> int:
        return len(ledger.lately(row).wrong)


class RefusalSerializer(serializers.ModelSerializer[Refusal]):
    """What the guards refused in one hour, by reason and by what ran out."""

    reason = ShownChoice(Reason.choices)
    scope = serializers.SerializerMethodField()
    last_phone = MaskedPhone()

    class Meta:
        model = Refusal
        fields = read_only_fields = tuple(_REFUSAL)

    def get_scope(self, row: Refusal) -> str:
        return row.scope if may_see_numbers(self.context) else mask_numbers_in(row.scope)


class SendBudgetSerializer(serializers.ModelSerializer[SendBudget]):
    """Codes sent and entered in one UTC day, to one country or by the whole site (``site``)."""

    class Meta:
        model = SendBudget
        fields = read_only_fields = tuple(_BUDGET)


class UnlockSerializer(serializers.Serializer[Any]):
    phone = PhoneField()


class UnlockedSerializer(serializers.Serializer[Any]):
    unlocked = serializers.BooleanField(help_text="False when nothing was remembered of this phone.")


class VerificationFilters(Filters):
    lookups = {"created_after": "created_at__gte", "created_before": "created_at__lt"}
    status = serializers.ChoiceField(VerificationStatus.choices, required=False)
    purpose = serializers.CharField(max_length=40, required=False)
    phone = PhoneFilter(required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)


class PhoneLockFilters(Filters):
    phone = PhoneFilter(required=False)
    locked = serializers.BooleanField(required=False, allow_null=True, help_text="Locked now, or not.")

    def narrow(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        locked = self.validated_data.pop("locked", None)
        now_locked = models.Q(locked_until__gt=timezone.now())
        if locked is not None:
            never = models.Q(locked_until__isnull=True)
            queryset = queryset.filter(now_locked) if locked else queryset.filter(never | ~now_locked)
        return super().narrow(queryset)


class RefusalFilters(Filters):
    lookups: Mapping[str, str] = {"since": "hour__gte", "until": "hour__lt"}
    reason = serializers.ChoiceField(Reason.choices, required=False)
    dry_run = serializers.BooleanField(required=False, allow_null=True)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class SendBudgetFilters(Filters):
    lookups: Mapping[str, str] = {"since": "day__gte", "until": "day__lt"}
    scope = serializers.CharField(max_length=8, required=False)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


class VerificationLogViewSet(Door):
    """Every verification and how it ended."""

    queryset = Verification.objects.all()
    serializer_class = OperatorVerificationSerializer
    permissions_by_action = {"list": ("view_verification",), "retrieve": ("view_verification",)}
    filter_serializer = VerificationFilters

    @described(
        "List verifications, the newest first",
        {200: OperatorVerificationSerializer(many=True)},
        parameters=[VerificationFilters],
        statuses=(400, 404),
        shows=_VERIFICATION,
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described(
        "One verification", {200: OperatorVerificationSerializer}, statuses=(404,), shows=_VERIFICATION
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return self.one()


class PhoneLockViewSet(Door):
    """What is remembered of phones, and their locks."""

    queryset = PhoneLedger.objects.all()
    serializer_class = PhoneLockSerializer
    serializers_by_action = {"unlock": UnlockSerializer}
    # The answer tells whether this phone is known here, so it needs the permission for numbers too.
    permissions_by_action = {
        "list": ("view_phoneledger",),
        "unlock": ("unlock_phone", "view_phone_numbers"),
    }
    throttles_by_action = {"unlock": "write"}
    filter_serializer = PhoneLockFilters

    @described(
        "List what is remembered of phones, the newest first",
        {200: PhoneLockSerializer(many=True)},
        parameters=[PhoneLockFilters],
        statuses=(400, 404),
        shows=_LOCK,
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described(
        "Unlock a phone: its sends, wrong codes and locks are forgotten",
        {200: UnlockedSerializer},
        request=UnlockSerializer,
        statuses=BODY,
        asks={"phone": "+91 98765 43210"},
        shows={"unlocked": True},
    )
    @action(detail=False, methods=["post"])
    def unlock(self, request: Request) -> Response:
        unlocked = bool(ledger.unlock(self.asked(request)["phone"]))
        if unlocked:
            logger.info("a phone was unlocked by user %s", request.user.pk)
        return Response({"unlocked": unlocked})


class RefusalViewSet(Door):
    """What the guards refused."""

    queryset = Refusal.objects.all()
    serializer_class = RefusalSerializer
    permissions_by_action = {"list": ("view_refusal",)}
    filter_serializer = RefusalFilters

    @described(
        "List refused sends by hour and reason, the newest first",
        {200: RefusalSerializer(many=True)},
        parameters=[RefusalFilters],
        statuses=(400, 404),
        shows=_REFUSAL,
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))


class SendBudgetViewSet(Door):
    """Codes a day, by country."""

    queryset = SendBudget.objects.all()
    serializer_class = SendBudgetSerializer
    permissions_by_action = {"list": ("view_sendbudget",)}
    filter_serializer = SendBudgetFilters

    @described(
        "List codes sent and entered a day, the newest first",
        {200: SendBudgetSerializer(many=True)},
        parameters=[SendBudgetFilters],
        statuses=(400, 404),
        shows=_BUDGET,
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))
