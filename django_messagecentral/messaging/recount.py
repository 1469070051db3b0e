"""Counts a campaign's messages from scratch, and compares with the counters that pages read.

The counters cannot drift by themselves: they are written in the transaction of their rows. A hand in the
database, a restored table or a defect can make them wrong; this finds it, and mends it on request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Sum

from django_messagecentral.db import in_transaction
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.transitions import CHARGED


@dataclass(frozen=True, slots=True)
class Difference:
    """One counter that is not what the rows say."""

    campaign_id: int
    name: str
    counted: int  # what pages read
    actual: int  # what the rows say


def count_rows(campaign_id: int) -> Mapping[str, int]:
    """What the counters of one campaign should be, from its messages. Reads every row."""
    totals: dict[str, int] = {}
    rows = (
        Message.objects.filter(campaign=campaign_id)
        .order_by()
        .values("status")
        .annotate(n=Count("pk"), total_segments=Sum("segments"), total_cost=Sum("cost"))
    )
    for row in rows:
        totals[row["status"]] = row["n"]
        if row["status"] in CHARGED:
            segments, micros = row["total_segments"] or 0, round((row["total_cost"] or 0) * 1_000_000)
            totals[counters.SEGMENTS] = totals.get(counters.SEGMENTS, 0) + segments
            totals[counters.COST_MICROS] = totals.get(counters.COST_MICROS, 0) + micros
    return totals


@in_transaction(Message)
def differences(campaign_id: int) -> list[Difference]:
    """Counters that do not agree with the rows. Exact while nothing writes to the campaign: rows and counters
    are read by two statements, so a campaign that is being sent may show what is no difference.
    """
    counted, actual = counters.read(campaign_id), count_rows(campaign_id)
    return [
        Difference(campaign_id, name, counted.get(name, 0), actual.get(name, 0))
        for name in sorted({*counted, *actual})
        if counted.get(name, 0) != actual.get(name, 0)
    ]


def mend(found: list[Difference]) -> None:
    """Add what is missing, as one more delta: right also while others write theirs."""
    deltas = counters.Deltas()
    for difference in found:
        deltas.add(difference.campaign_id, difference.name, difference.actual - difference.counted)
    deltas.write()
