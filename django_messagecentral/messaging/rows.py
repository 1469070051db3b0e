"""A message as it is read in thousands: the columns that decide, without the cost of a model instance."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db.models import QuerySet


class HeldRow(NamedTuple):
    """What the answer to a call asks of its message."""

    pk: int
    public_id: UUID
    campaign_id: int | None
    region: str
    channel: str
    message_type: str
    purpose: str
    status: str
    segments: int
    cost: Decimal | None
    claim: UUID
    attempt_count: int

    @classmethod
    def read(cls, messages: QuerySet[Any]) -> list[Self]:
        """Those of ``messages``, in their order."""
        return [cls._make(values) for values in messages.values_list(*cls._fields)]


class Row(NamedTuple):
    """What delivery reports and :func:`~django_messagecentral.messaging.transitions.write` ask of it."""

    pk: int
    public_id: UUID
    campaign_id: int | None
    phone: str
    region: str
    channel: str
    message_type: str
    purpose: str
    status: str
    segments: int
    cost: Decimal | None
    transaction_id: str
    vendor_message_id: str
    submitted_at: datetime | None
    done_at: datetime | None

    @classmethod
    def read(cls, messages: QuerySet[Any]) -> list[Self]:
        """Those of ``messages``, in their order."""
        return [cls._make(values) for values in messages.values_list(*cls._fields)]
